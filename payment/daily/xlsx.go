package daily

import (
	"bytes"
	"fmt"
	"strconv"

	"github.com/xuri/excelize/v2"
)

// XLSX renders the report as a workbook of one sheet with two charts. Money is numbers in tenge.
func XLSX(r *Report) (out []byte, err error) {
	f := excelize.NewFile()
	defer func() {
		if e := f.Close(); err == nil && e != nil {
			err = fmt.Errorf("couldn't close the workbook: %w", e)
		}
	}()
	b := &book{File: f, name: "report"}
	if b.err = f.SetSheetName("Sheet1", b.name); b.err == nil {
		b.fill(r)
	}
	if b.err != nil {
		return nil, fmt.Errorf("couldn't fill the workbook: %w", b.err)
	}
	var file bytes.Buffer
	if err := f.Write(&file); err != nil {
		return nil, fmt.Errorf("couldn't write the workbook: %w", err)
	}
	return file.Bytes(), nil
}

// book writes rows one below the other; the first error stays.
type book struct {
	*excelize.File
	name        string
	at          int
	bold, money int
	err         error
}

// amount is tiyn; cells show it in tenge.
type amount int64

func (b *book) row(style int, cells ...any) {
	b.at++
	for i, v := range cells {
		cell, err := excelize.CoordinatesToCellName(i+1, b.at)
		if err == nil {
			if tiyn, ok := v.(amount); ok {
				if err = b.SetCellFloat(b.name, cell, float64(tiyn)/100, 2, 64); err == nil {
					err = b.SetCellStyle(b.name, cell, cell, b.money)
				}
			} else if err = b.SetCellValue(b.name, cell, v); err == nil && style != 0 {
				err = b.SetCellStyle(b.name, cell, cell, style)
			}
		}
		if b.err == nil {
			b.err = err
		}
	}
}

func (b *book) fill(r *Report) {
	format := "#,##0.00"
	b.bold, b.err = b.NewStyle(&excelize.Style{Font: &excelize.Font{Bold: true}})
	if b.err != nil {
		return
	}
	if b.money, b.err = b.NewStyle(&excelize.Style{CustomNumFmt: &format}); b.err != nil {
		return
	}
	if b.err = b.SetColWidth(b.name, "A", "A", 52); b.err != nil {
		return
	}
	if b.err = b.SetColWidth(b.name, "B", "F", 18); b.err != nil {
		return
	}
	b.row(b.bold, "Төлемдерді салыстырып тексеру · Сверка платежей с банком")
	b.row(0, r.BankName+" · "+r.Bank, string(r.Day), r.Issuer)
	b.row(b.bold, "Шот · Счёт", "Басы · Начало", "Түсті · Приход", "Шықты · Расход", "Соңы · Конец", "Саны · Кол.")
	for _, a := range r.Accounts {
		b.row(0, a.Number, amount(a.Opening), amount(a.Credit), amount(a.Debit), amount(a.Closing), a.Lines)
	}
	b.row(b.bold, "Ереже · Правило", "Жол · Строк", "Сома · Сумма")
	for _, x := range r.Rules {
		b.row(0, x.Name, x.Count, amount(x.Tiyn))
	}
	b.row(b.bold, "Барлығы · Всего", r.Matched.Count, amount(r.Matched.Tiyn))
	b.row(b.bold, "Ашық алшақтықтар · Открытые расхождения", "Саны · Кол.", "Сома · Сумма")
	kinds := b.at + 1
	for _, x := range r.Kinds {
		b.row(0, kindName(x.Name), x.Count, amount(x.Tiyn))
	}
	b.chart("H2", "Алшақтықтар · Расхождения", kinds, b.at)
	b.row(b.bold, "Мерзімі, күн · Возраст, дней", "Саны · Кол.", "Сома · Сумма")
	for i, n := range ageNames {
		b.row(0, n, r.Ages[i].Count, amount(r.Ages[i].Tiyn))
	}
	b.row(b.bold, "Банктің міндеттемелері · Обязательства банка", "Төлем · Платежей", "Сома · Сумма")
	b.row(0, "Күні үшін расталды · Подтверждено за день", r.Confirmed.Count, amount(r.Confirmed.Tiyn))
	b.row(0, "Оның ішінде түсті · Из них поступило", r.Settled.Count, amount(r.Settled.Tiyn))
	b.row(0, "Барлық берешек · Вся задолженность", r.Owed.Count, amount(r.Owed.Tiyn))
	for _, taken := range r.commissions() {
		b.row(0, taken.Name, taken.Count, amount(taken.Tiyn))
	}
	b.row(b.bold, "Күн · День", "%")
	days := b.at + 1
	for _, t := range r.Trend {
		b.row(0, string(t.Day), float64(t.Share)/10)
	}
	b.chart("H20", "Сәйкестендіру, % · Сопоставлено, %", days, b.at)
}

// chart draws columns A and B of some rows as bars; no rows, no chart.
func (b *book) chart(cell, title string, from, to int) {
	if b.err != nil || to < from {
		return
	}
	at := func(column string) string {
		return b.name + "!$" + column + "$" + strconv.Itoa(from) + ":$" + column + "$" + strconv.Itoa(to)
	}
	b.err = b.AddChart(b.name, cell, &excelize.Chart{
		Type: excelize.Bar, Series: []excelize.ChartSeries{{Name: title, Categories: at("A"), Values: at("B")}},
		Title: []excelize.RichTextRun{{Text: title}}, Legend: excelize.ChartLegend{Position: "none"},
	})
}
