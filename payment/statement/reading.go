package statement

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
)

// ErrReading says that a [Reading] is not sound.
var ErrReading = errors.New("reading is not sound")

// Reading says what is particular about the files of an account. It is data of a bank, kept as JSON; the zero value reads what standards
// prescribe.
type Reading struct {
	// Charset is [Options.Charset].
	Charset Charset `json:"charset,omitempty"`
	// Places is [Options.Places]; nil for the default ones.
	Places *Places `json:"places,omitempty"`
	// Table reads the bank's tables; nil for a bank that sends none. Its account and currency are those of the account.
	Table *Mapping `json:"table,omitempty"`
}

// columnsMax bounds a mapping; there are fewer columns than that.
const columnsMax = 64

// Check refuses a reading by which no file could be read. Errors wrap [ErrReading].
func (r Reading) Check() error {
	if _, ok := newDecoder(r.Charset); !ok {
		return fmt.Errorf("%w: charset %q", ErrReading, string(r.Charset))
	}
	m := r.Table
	if m == nil {
		return nil
	}
	if _, ok := newDecoder(m.Charset); !ok {
		return fmt.Errorf("%w: charset %q of the table", ErrReading, string(m.Charset))
	}
	switch {
	case m.Skip < 0 || m.Skip > 100:
		return fmt.Errorf("%w: %d lines above the names of columns", ErrReading, m.Skip)
	case !slices.Contains([]string{"", ",", ";", "\t"}, m.Separator):
		return fmt.Errorf("%w: separator %q", ErrReading, m.Separator)
	case !slices.Contains([]string{"", ".", ","}, m.Decimal) || len(m.Grouping) > 1:
		return fmt.Errorf("%w: decimals after %q, groups by %q", ErrReading, m.Decimal, m.Grouping)
	case !slices.Contains([]string{"", "2006-01-02", "02.01.2006"}, m.DateLayout):
		return fmt.Errorf("%w: days as %q", ErrReading, m.DateLayout)
	case m.Columns[ColumnDate] == "":
		return fmt.Errorf("%w: no column with the day", ErrReading)
	case m.Columns[ColumnAmount] == "" && (m.Columns[ColumnCredit] == "" || m.Columns[ColumnDebit] == ""):
		return fmt.Errorf("%w: no column with the amount, nor both of credits and debits", ErrReading)
	case m.Columns[ColumnDirection] != "" && (len(m.CreditValues) == 0 || len(m.DebitValues) == 0):
		return fmt.Errorf("%w: a column with the direction, and no values that mean one", ErrReading)
	case len(m.Columns) > columnsMax:
		return fmt.Errorf("%w: %d columns", ErrReading, len(m.Columns))
	}
	for c, name := range m.Columns {
		if !c.known() || name == "" {
			return fmt.Errorf("%w: column %q, %q", ErrReading, string(c), name)
		}
	}
	return nil
}

// known reports whether the column has a meaning.
func (c Column) known() bool {
	return slices.Contains([]Column{
		ColumnDate, ColumnValueDate, ColumnAmount, ColumnCredit, ColumnDebit, ColumnDirection, ColumnCurrency, ColumnRef, ColumnBankRef, ColumnEndToEnd,
		ColumnPurpose, ColumnKNP, ColumnKBK, ColumnUIP, ColumnStatus, ColumnDocument, ColumnPayerName, ColumnPayerID, ColumnPayerAcct, ColumnPayerBIC,
		ColumnPayeeName, ColumnPayeeID, ColumnPayeeAcct, ColumnPayeeBIC,
	}, c)
}

// Options of the reading.
func (r Reading) Options() Options {
	o := Options{Charset: r.Charset, Mapping: r.Table}
	if r.Places != nil {
		o.Places = *r.Places
	}
	return o
}

// Fits reports whether a table that begins with head has the columns of the mapping, each once: a table has no other mark of whose it is.
func (m *Mapping) Fits(head []byte) bool {
	h := &headOnly{}
	_, err := readTable(bytes.NewReader(head), h, Options{Mapping: m}.withDefaults())
	return h.seen || err == nil
}

// headOnly stops where the names of columns were found.
type headOnly struct{ seen bool }

var errHead = errors.New("the names of columns were found")

// Statement implements [Handler].
func (h *headOnly) Statement(*Header) error { h.seen = true; return errHead }

// Entry implements [Handler].
func (h *headOnly) Entry(*Entry) error { return errHead }

// End implements [Handler].
func (h *headOnly) End(*Trailer) error { return errHead }
