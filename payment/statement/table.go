package statement

import (
	"bytes"
	"errors"
	"io"
	"slices"

	"qaqpa/payment/money"
)

// table reads CSV by a mapping (RFC 4180, with the separator of the mapping). A quoted field may hold line ends; a record is bounded
// as a line is, times four.
type table struct {
	*collector
	lines   *lines
	mapping *Mapping
	sep     byte
	decimal byte
	columns []Column // of each field; empty for one without a meaning
	names   []string
	record  []byte
	fields  [][2]int // within record
	line    int
	ended   bool
}

const (
	recordBytesMax = 4 * lineBytesMax
	fieldsMax      = 512
)

func readTable(src io.Reader, h Handler, o Options) (Summary, error) {
	c := newCollector(h, o, CSV)
	m := o.Mapping
	dec, ok := newDecoder(m.Charset)
	if !ok || m.Skip < 0 {
		return c.summary, c.fail(0, "", ErrValue, "the mapping has an unknown charset or a negative skip")
	}
	dec.known = m.Charset != ""
	r := &table{collector: c, lines: newLines(src, dec), mapping: m, sep: ',', decimal: '.'}
	if len(m.Separator) == 1 {
		r.sep = m.Separator[0]
	}
	if len(m.Decimal) == 1 {
		r.decimal = m.Decimal[0]
	}
	if err := r.begun(); err != nil {
		return c.summary, err
	}
	for {
		err := r.next()
		if errors.Is(err, io.EOF) {
			if m.EndMark != "" && !r.ended {
				r.totals.lost = m.EndMark
			}
			return c.summary, r.end(r.lines.no)
		}
		if err != nil {
			return c.summary, r.lineFault(r.lines, "", err)
		}
		if r.ended {
			return c.summary, r.fail(r.line, "", ErrStructure, "a record behind the end mark")
		}
		if m.EndMark != "" && string(r.field(0)) == m.EndMark {
			r.ended = true
			continue
		}
		if err := r.row(); err != nil {
			return c.summary, err
		}
	}
}

// begun reads to the line with the names of columns and finds those of the mapping.
func (r *table) begun() error {
	for range r.mapping.Skip + 1 {
		if err := r.next(); err != nil {
			if errors.Is(err, io.EOF) {
				return r.fail(r.lines.no, "", ErrStructure, "no line with the names of columns")
			}
			return r.lineFault(r.lines, "", err)
		}
	}
	for i := range r.fields {
		name := string(bytes.TrimSpace(r.field(i)))
		r.names = append(r.names, name)
		column := Column("")
		for c, wanted := range r.mapping.Columns {
			if wanted == name {
				column = c
			}
		}
		r.columns = append(r.columns, column)
	}
	for c, wanted := range r.mapping.Columns {
		if n := count(r.columns, c); n != 1 {
			return r.fail(r.line, wanted, ErrStructure, "the table needs this column once")
		}
	}
	if count(r.columns, ColumnAmount)+count(r.columns, ColumnCredit)+count(r.columns, ColumnDebit) == 0 {
		return r.fail(r.line, "", ErrStructure, "the mapping names no column with an amount")
	}
	if err := r.begin(r.line); err != nil {
		return err
	}
	r.header.Account.ID = r.mapping.Account
	if r.mapping.Currency != "" {
		code, ok := r.codes.intern([]byte(r.mapping.Currency))
		if !ok {
			return r.fail(0, "", ErrValue, "the mapping has no currency: "+quote([]byte(r.mapping.Currency)))
		}
		r.header.Account.Currency = code
	}
	return nil
}

func count(columns []Column, c Column) (n int) {
	for _, x := range columns {
		if x == c {
			n++
		}
	}
	return n
}

func (r *table) field(i int) []byte { return r.record[r.fields[i][0]:r.fields[i][1]] }

// next reads one record into record and fields. Empty lines are passed over.
func (r *table) next() error {
	r.record, r.fields = r.record[:0], r.fields[:0]
	var line []byte
	for len(line) == 0 {
		var err error
		if line, err = r.lines.next(); err != nil {
			return err
		}
	}
	r.line = r.lines.no
	for {
		rest, err := r.oneField(line)
		if err != nil {
			return err
		}
		if rest == nil {
			return nil
		}
		if len(r.fields) >= fieldsMax {
			return r.fail(r.line, "", ErrLimit, "too many fields in a record")
		}
		line = rest
	}
}

// oneField takes a field and returns what follows its separator, nil at the end of the record.
func (r *table) oneField(line []byte) ([]byte, error) {
	from := len(r.record)
	if len(line) == 0 || line[0] != '"' {
		value, rest, more := bytes.Cut(line, []byte{r.sep})
		if bytes.IndexByte(value, '"') >= 0 {
			return nil, r.fail(r.lines.no, "", ErrSyntax, "a quote within a field")
		}
		r.record = append(r.record, value...)
		r.fields = append(r.fields, [2]int{from, len(r.record)})
		if !more {
			return nil, nil
		}
		return slices.Clip(rest), nil
	}
	line = line[1:]
	for {
		i := bytes.IndexByte(line, '"')
		if i < 0 {
			r.record = append(append(r.record, line...), '\n')
			if len(r.record) > recordBytesMax {
				return nil, r.fail(r.line, "", ErrLimit, "a record is too long")
			}
			var err error
			if line, err = r.lines.next(); err != nil {
				if errors.Is(err, io.EOF) {
					return nil, r.fail(r.line, "", ErrSyntax, "a quoted field that does not end")
				}
				return nil, err
			}
			continue
		}
		r.record = append(r.record, line[:i]...)
		line = line[i+1:]
		if len(line) > 0 && line[0] == '"' {
			r.record = append(r.record, '"')
			line = line[1:]
			continue
		}
		r.fields = append(r.fields, [2]int{from, len(r.record)})
		switch {
		case len(line) == 0:
			return nil, nil
		case line[0] == r.sep:
			return line[1:], nil
		}
		return nil, r.fail(r.lines.no, "", ErrSyntax, "text behind a quoted field")
	}
}

// row makes an entry of a record.
func (r *table) row() error {
	if len(r.fields) != len(r.columns) {
		return r.fail(r.line, "", ErrStructure, "another number of fields than names of columns")
	}
	if err := r.beginEntry(r.line); err != nil {
		return err
	}
	if _, err := r.beginDetail(r.line); err != nil {
		return err
	}
	e := &r.entry
	e.Amount.Currency = r.header.Account.Currency
	for i, c := range r.columns {
		v := bytes.TrimSpace(r.field(i))
		if len(v) == 0 {
			continue
		}
		if !r.cell(c, r.names[i], v) {
			return r.fail(r.line, r.names[i], ErrValue, quote(v))
		}
	}
	if e.Direction == 0 {
		return r.fail(r.line, "", ErrStructure, "a record without a direction or an amount")
	}
	if e.Amount.Currency == "" {
		e.Amount.Currency = money.KZT
	}
	r.details[0].Amount = e.Amount
	return r.endEntry()
}

// cell takes one value.
func (r *table) cell(c Column, name string, v []byte) (ok bool) {
	e, d := &r.entry, &r.details[0]
	ok = true
	switch c { //nolint:exhaustive // the others are texts
	case "":
		d.Extra = append(d.Extra, r.detailBytes.join([]byte(name), '=', v))
	case ColumnDate:
		e.BookDate, ok = r.date(v)
	case ColumnValueDate:
		e.ValueDate, ok = r.date(v)
	case ColumnAmount, ColumnCredit, ColumnDebit:
		ok = r.sum(c, v)
	case ColumnDirection:
		switch {
		case slices.Contains(r.mapping.CreditValues, string(v)):
			e.Direction = Credit
		case slices.Contains(r.mapping.DebitValues, string(v)):
			e.Direction = Debit
		default:
			ok = false
		}
	case ColumnCurrency:
		e.Amount.Currency, ok = r.codes.intern(v)
	case ColumnStatus:
		d.Status = r.detailBytes.keep(v)
	case ColumnRef:
		e.Ref = r.entryBytes.keep(v)
	case ColumnBankRef:
		e.BankRef = r.entryBytes.keep(v)
	default:
		*d.column(c) = r.detailBytes.keep(v)
	}
	return ok
}

// column returns the text that a column is.
func (d *Detail) column(c Column) *[]byte {
	switch c { //nolint:exhaustive // the columns that are texts
	case ColumnEndToEnd:
		return &d.EndToEndID
	case ColumnPurpose:
		return &d.Remittance
	case ColumnKNP:
		return &d.KNP
	case ColumnKBK:
		return &d.KBK
	case ColumnUIP:
		return &d.UIP
	case ColumnDocument:
		return &d.DocumentNumber
	case ColumnPayerName:
		return &d.Debtor.Name
	case ColumnPayerID:
		return &d.Debtor.ID
	case ColumnPayerAcct:
		return &d.Debtor.Account
	case ColumnPayerBIC:
		return &d.Debtor.BIC
	case ColumnPayeeName:
		return &d.Creditor.Name
	case ColumnPayeeID:
		return &d.Creditor.ID
	case ColumnPayeeAcct:
		return &d.Creditor.Account
	case ColumnPayeeBIC:
		return &d.Creditor.BIC
	}
	return new([]byte)
}

// sum takes an amount; an empty or zero one of two columns tells nothing.
func (r *table) sum(c Column, v []byte) bool {
	e := &r.entry
	plain := make([]byte, 0, len(v))
	for _, x := range v {
		if x != ' ' && (len(r.mapping.Grouping) != 1 || x != r.mapping.Grouping[0]) {
			plain = append(plain, x)
		}
	}
	plain = bytes.ReplaceAll(plain, []byte("\u00a0"), nil)
	n, ok := signedDecimal(plain, r.decimal)
	if !ok {
		return false
	}
	side := Credit
	if c == ColumnDebit || (c == ColumnAmount && n < 0) {
		side = Debit
	}
	if n < 0 {
		if c != ColumnAmount || r.mapping.Columns[ColumnDirection] != "" {
			return false
		}
		n = -n
	}
	if c != ColumnAmount {
		if n == 0 {
			return true
		}
		if e.Amount.Tiyn != 0 {
			return false // both a credit and a debit
		}
	}
	e.Amount.Tiyn = n
	if r.mapping.Columns[ColumnDirection] == "" {
		e.Direction = side
	}
	return true
}

func (r *table) date(v []byte) (Date, bool) {
	if r.mapping.DateLayout == "02.01.2006" {
		return dottedDate(v[:min(10, len(v))])
	}
	return isoDate(v)
}
