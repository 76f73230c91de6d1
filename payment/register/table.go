package register

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"

	"qaqpa/payment/money"
	"qaqpa/payment/statement"
)

// EndMark is the first field of the record that ends a CSV register: number and sum of its payments stand in it, so that a file that was cut
// off is noticed.
const EndMark = "END"

// writeCSV writes a table of RFC 4180 in UTF-8.
func writeCSV(w io.Writer, r *Register, sum money.Amount) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	header := r.header()
	rows := append([][]string{header}, r.rows()...)
	end := make([]string, len(header))
	end[0], end[1], end[2], end[3], end[4] = EndMark, strconv.Itoa(len(r.Payments)+len(r.Refunds)), string(r.Day), sum.Decimal(), string(sum.Currency)
	for _, row := range append(rows, end) {
		for i := range row {
			if i != amountColumn && i < len(columns) { // ours, and below zero for what was taken back
				row[i] = defused(row[i])
			}
		}
		if err := out.Write(row); err != nil {
			return fmt.Errorf("couldn't write a record: %w", err)
		}
	}
	out.Flush()
	return out.Error()
}

// defused keeps a spreadsheet from taking a text for a formula (attack: a payer named =HYPERLINK(…)): an apostrophe in front makes it text.
func defused(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}

// Mapping reads CSV registers with qaqpa/payment/statement.
func Mapping(account string) *statement.Mapping {
	return &statement.Mapping{
		Account: account, Currency: string(money.KZT), EndMark: EndMark,
		Columns: map[statement.Column]string{
			statement.ColumnDate: "day", statement.ColumnAmount: "amount", statement.ColumnCurrency: "currency", statement.ColumnEndToEnd: "id",
			statement.ColumnKBK: "kbk", statement.ColumnKNP: "knp", statement.ColumnUIP: "uip", statement.ColumnBankRef: "bank_ref", statement.ColumnPurpose: "purpose",
			statement.ColumnPayerName: "payer_name", statement.ColumnPayerID: "payer_id", statement.ColumnPayerAcct: "payer_account", statement.ColumnPayerBIC: "payer_bic",
			statement.ColumnPayeeName: "payee_name", statement.ColumnPayeeID: "payee_id", statement.ColumnPayeeAcct: "payee_account", statement.ColumnPayeeBIC: "payee_bic",
		},
	}
}

// rows are those of the payments and then those of what was taken back, the amounts of these below zero.
func (r *Register) rows() [][]string {
	rows := make([][]string, 0, len(r.Payments)+len(r.Refunds))
	charged := r.charged()
	for i := range r.Payments {
		row := r.Payments[i].row(i + 1)
		if charged {
			row = append(row, money.FromTiyn(r.Payments[i].Commission).Decimal(), money.FromTiyn(r.Payments[i].AgencyCommission).Decimal())
		}
		rows = append(rows, row)
	}
	for i := range r.Refunds {
		row := r.Refunds[i].row(len(r.Payments) + i + 1)
		row[amountColumn] = money.FromTiyn(-r.Refunds[i].Amount.Tiyn).Decimal()
		if charged {
			row = append(row, money.FromTiyn(-r.Refunds[i].Commission).Decimal(), money.FromTiyn(-r.Refunds[i].AgencyCommission).Decimal())
		}
		rows = append(rows, row)
	}
	return rows
}

// sheet is a table for a spreadsheet: cells are texts, but for those of money columns, which are numbers.
type sheet struct {
	name   string
	title  []string
	header []string
	rows   [][]string
	total  []string
	money  map[int]bool
	widths map[int]float64
	made   string
}

func registerSheet(r *Register, sum money.Amount) *sheet {
	s := &sheet{
		name: "register", header: r.header(), money: map[int]bool{amountColumn: true}, made: r.CreatedAt.UTC().Format("2006-01-02T15:04:05Z"),
		title:  []string{"Төлемдер тізілімі · Реестр платежей " + r.ID, string(r.Day) + " " + r.Bank, r.Sender},
		widths: map[int]float64{1: 38, 3: 16, 8: 30, 10: 24, 14: 30, 16: 24, 19: 60},
	}
	s.rows = r.rows()
	s.total = make([]string, len(s.header))
	if r.charged() {
		s.money[len(columns)], s.money[len(columns)+1] = true, true
	}
	s.total[0], s.total[1], s.total[3], s.total[4] = "Σ", strconv.Itoa(len(r.Payments)+len(r.Refunds)), sum.Decimal(), string(sum.Currency)
	return s
}

// writeXLSX writes one sheet as a workbook. Texts are written as texts: no cell is ever a formula.
func writeXLSX(w io.Writer, s *sheet) (err error) {
	f := excelize.NewFile()
	defer func() {
		if e := f.Close(); err == nil && e != nil {
			err = fmt.Errorf("couldn't close the workbook: %w", e)
		}
	}()
	if err := s.fill(f); err != nil {
		return fmt.Errorf("couldn't fill the workbook: %w", err)
	}
	if err := f.Write(w); err != nil {
		return fmt.Errorf("couldn't write the workbook: %w", err)
	}
	return nil
}

func (s *sheet) fill(f *excelize.File) error {
	if err := f.SetSheetName("Sheet1", s.name); err != nil {
		return err
	}
	if err := f.SetDocProps(&excelize.DocProperties{Creator: "qaqpa", Title: s.title[0], Created: s.made, Modified: s.made}); err != nil {
		return err
	}
	bold, err := f.NewStyle(&excelize.Style{Font: &excelize.Font{Bold: true}})
	if err != nil {
		return err
	}
	format := "#,##0.00"
	amount, err := f.NewStyle(&excelize.Style{CustomNumFmt: &format})
	if err != nil {
		return err
	}
	out, err := f.NewStreamWriter(s.name)
	if err != nil {
		return err
	}
	for column, width := range s.widths {
		if err := out.SetColWidth(column+1, column+1, width); err != nil {
			return err
		}
	}
	at := 1
	put := func(row []string, style int) error {
		cells := make([]any, len(row))
		for i, v := range row {
			cells[i] = s.cell(i, v, style, amount)
		}
		err := out.SetRow("A"+strconv.Itoa(at), cells)
		at++
		return err
	}
	for _, line := range s.title {
		if err := put([]string{line}, bold); err != nil {
			return err
		}
	}
	if err := put(s.header, bold); err != nil {
		return err
	}
	for _, row := range s.rows {
		if err := put(row, 0); err != nil {
			return err
		}
	}
	if err := put(s.total, bold); err != nil {
		return err
	}
	return out.Flush()
}

// cell makes a cell. Money that a spreadsheet's number holds exactly (15 digits) is a number, more stays text.
func (s *sheet) cell(column int, v string, style, amount int) excelize.Cell {
	const digitsMax = 15
	if s.money[column] && len(v) <= digitsMax {
		if n, err := strconv.ParseFloat(v, 64); err == nil {
			return excelize.Cell{StyleID: amount, Value: n}
		}
	}
	return excelize.Cell{StyleID: style, Value: v}
}
