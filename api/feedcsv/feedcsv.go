package feedcsv

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"

	"qaqpa/payment"
	"qaqpa/payment/catalog"
	"qaqpa/payment/debt"
	"qaqpa/payment/money"
)

// The columns. reference and payer are obligatory, the others may be missing.
const (
	colReference  = "reference"
	colPayer      = "payer"
	colName       = "payer_name"
	colService    = "service"
	colAmount     = "amount"
	colPurpose    = "purpose"
	colDue        = "due_on"
	colArose      = "arose_on"
	colAction     = "action"
	colReason     = "reason"
	colSupersedes = "supersedes"
)

// Columns lists them in the order in which an empty table has them.
func Columns() []string {
	return []string{colReference, colPayer, colName, colService, colAmount, colPurpose, colDue, colArose, colAction, colReason, colSupersedes}
}

// cellMax bounds a cell in bytes: the longest text of a debt has 200 characters.
const cellMax = 1024

// Reasons of refusals that tables alone have.
const (
	whyQuotes   debt.Reason = "debt_row_quotes"
	whyCells    debt.Reason = "debt_row_cells"
	whyCellLong debt.Reason = "debt_cell_long"
	whyService  debt.Reason = "debt_service_code"
	whySum      debt.Reason = "debt_sum_form"
)

// Reasons lists them.
func Reasons() []debt.Reason {
	return []debt.Reason{whyQuotes, whyCells, whyCellLong, whyService, whySum}
}

// ErrHead says that the first row does not name the columns.
var ErrHead = errors.New("the first row does not name the columns reference and payer, or names one that is not known, or one twice")

// Reader reads one table. Not safe for concurrent use.
type Reader struct {
	rows *csv.Reader
	at   map[string]int
	// service finds the id of a service by its code.
	service func(code string) (id string, ok bool)
}

// Read begins with a table; service finds the id of a service by the agency's own code, or leaves an id as it is. Errors: [ErrHead].
func Read(table []byte, service func(code string) (string, bool)) (*Reader, error) {
	table = bytes.TrimPrefix(table, []byte("\xef\xbb\xbf"))
	head, _, _ := bytes.Cut(table, []byte{'\n'})
	rows := csv.NewReader(bytes.NewReader(table))
	rows.Comma = separator(head)
	rows.FieldsPerRecord = -1
	names, err := rows.Read()
	if err != nil {
		return nil, errors.Join(ErrHead, err)
	}
	r := &Reader{rows: rows, at: map[string]int{}, service: service}
	for i, name := range names {
		name = strings.ToLower(strings.TrimSpace(name))
		if _, twice := r.at[name]; twice || !slices.Contains(Columns(), name) {
			return nil, ErrHead
		}
		r.at[name] = i
	}
	_, reference := r.at[colReference]
	_, payer := r.at[colPayer]
	if !reference || !payer {
		return nil, ErrHead
	}
	return r, nil
}

// separator is the one that the first row has most of.
func separator(head []byte) rune {
	best := ','
	for _, c := range ";\t" {
		if bytes.Count(head, []byte(string(c))) > bytes.Count(head, []byte(string(best))) {
			best = c
		}
	}
	return best
}

// Next returns the next row; its line number is one less than in the table, which has its head first. Errors: [io.EOF].
func (r *Reader) Next() (payment.FeedLine, error) {
	cells, err := r.rows.Read()
	var bad *csv.ParseError
	switch {
	case errors.Is(err, io.EOF):
		return payment.FeedLine{}, io.EOF
	case errors.As(err, &bad):
		return refused(cells, "", whyQuotes, "the quotation marks of the row are not closed"), nil
	case err != nil:
		return payment.FeedLine{}, err
	}
	if len(cells) > len(r.at) {
		line := refused(cells, "", whyCells, "the row has more cells than the table has columns")
		line.Refused.Facts.Most = len(r.at)
		return line, nil
	}
	for _, c := range cells {
		if len(c) > cellMax {
			line := refused(nil, "", whyCellLong, "a cell is too long")
			line.Refused.Facts.Most = cellMax
			return line, nil
		}
	}
	return r.line(cells), nil
}

// line reads a row. Empty cells are absent.
func (r *Reader) line(cells []string) payment.FeedLine {
	cell := func(name string) string {
		i, ok := r.at[name]
		if !ok || i >= len(cells) {
			return ""
		}
		return strings.TrimSpace(cells[i])
	}
	out := payment.FeedLine{Raw: raw(cells), Item: debt.Item{
		Reference: cell(colReference), Payer: debt.Payer{ID: cell(colPayer), Name: cell(colName)}, Purpose: cell(colPurpose),
		DueOn: catalog.Date(cell(colDue)), AroseOn: catalog.Date(cell(colArose)), Action: debt.Action(cell(colAction)), Reason: cell(colReason),
		Supersedes: cell(colSupersedes),
	}}
	if code := cell(colService); code != "" {
		id, ok := r.service(code)
		if !ok {
			return refused(cells, colService, whyService, "the agency has no service with this code")
		}
		out.Item.Service = id
	}
	if sum := cell(colAmount); sum != "" {
		amount, err := money.ParseDecimal(strings.ReplaceAll(strings.Join(strings.Fields(sum), ""), ",", "."))
		if err != nil || amount.Tiyn <= 0 {
			return refused(cells, colAmount, whySum, "is not a sum in tenge such as 5406.00")
		}
		out.Item.Tiyn = &amount.Tiyn
	}
	return out
}

// raw is a row as it stands for itself in digests: cells and their ends.
func raw(cells []string) []byte { return []byte(strings.Join(cells, "\x1f")) }

func refused(cells []string, field string, why debt.Reason, detail string) payment.FeedLine {
	return payment.FeedLine{Raw: raw(cells), Refused: &debt.RefusalError{Code: debt.CodeInvalid, Field: field, Reason: why, Detail: detail}}
}
