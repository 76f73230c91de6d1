package statement

import (
	"errors"
	"testing"
)

func TestReadingCheck(t *testing.T) {
	good := func() Reading {
		return Reading{Charset: KZ1048, Table: &Mapping{Separator: ";", Columns: map[Column]string{ColumnDate: "Дата", ColumnAmount: "Сумма"}}}
	}
	for name, change := range map[string]func(r *Reading){
		"a charset":                 func(r *Reading) { r.Charset = "ebcdic" },
		"the table's charset":       func(r *Reading) { r.Table.Charset = "ebcdic" },
		"a separator of two":        func(r *Reading) { r.Table.Separator = "||" },
		"a negative skip":           func(r *Reading) { r.Table.Skip = -1 },
		"another layout":            func(r *Reading) { r.Table.DateLayout = "Jan 2" },
		"no day":                    func(r *Reading) { delete(r.Table.Columns, ColumnDate) },
		"no amount":                 func(r *Reading) { delete(r.Table.Columns, ColumnAmount) },
		"credits alone":             func(r *Reading) { delete(r.Table.Columns, ColumnAmount); r.Table.Columns[ColumnCredit] = "К" },
		"a direction without words": func(r *Reading) { r.Table.Columns[ColumnDirection] = "Д/К" },
		"an unknown column":         func(r *Reading) { r.Table.Columns["colour"] = "Цвет" },
		"a column without a name":   func(r *Reading) { r.Table.Columns[ColumnKBK] = "" },
		"decimals after a dash":     func(r *Reading) { r.Table.Decimal = "-" },
	} {
		r := good()
		change(&r)
		if err := r.Check(); !errors.Is(err, ErrReading) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, r := range []Reading{{}, good()} {
		if err := r.Check(); err != nil {
			t.Error(err)
		}
	}
}

func TestMappingFits(t *testing.T) {
	m := &Mapping{Separator: ";", Columns: map[Column]string{ColumnDate: "Дата", ColumnAmount: "Сумма"}}
	for head, want := range map[string]bool{
		"Дата;Сумма;Прочее\n2026-03-02;5.00;x\n": true, "Дата;Сумма": true, "Дата;Сумма;Сумма\n": false, "Дата;Итог\n": false, "": false, "Дата,Сумма\n": false,
	} {
		if got := m.Fits([]byte(head)); got != want {
			t.Errorf("%q: %v", head, got)
		}
	}
}
