package statement

import (
	"bytes"
	"unicode/utf8"

	"qaqpa/payment/money"
)

// movement begins an entry by :61:. It is handed out when the next field shows that its :86: is complete.
func (r *mt) movement() error {
	if err := r.endMovement(); err != nil {
		return err
	}
	if err := r.beginEntry(r.tagLine); err != nil {
		return err
	}
	v, more, _ := bytes.Cut(r.value, []byte{'\n'})
	// One dialect breaks the line between mark and amount.
	if n := len(v); n > 0 && (v[n-1] == 'C' || v[n-1] == 'D' || v[n-1] == 'R') && len(more) > 0 {
		next, rest, _ := bytes.Cut(more, []byte{'\n'})
		v, more = append(append(make([]byte, 0, n+len(next)), v...), next...), rest
	}
	if r.currencyOfMovement() == "" {
		return r.mtFault("61", ErrStructure, "a movement in front of the balance or limit that tells its currency")
	}
	if !r.movementLine(v) {
		return r.mtFault("61", ErrValue, quote(v))
	}
	if _, err := r.beginDetail(r.tagLine); err != nil {
		return err
	}
	if more = bytes.TrimSpace(bytes.ReplaceAll(more, []byte{'\n'}, []byte{' '})); len(more) > 0 {
		r.entry.Info = r.entryBytes.keep(more)
	}
	r.info, r.free = true, r.free[:0]
	return nil
}

// movementLine reads YYMMDD [MMDD] C|D|RC|RD [third letter of the currency] amount N|F|S and three characters, reference
// [//bank reference].
func (r *mt) movementLine(v []byte) bool {
	e := &r.entry
	if len(v) < 6 {
		return false
	}
	var ok bool
	if e.ValueDate, ok = valueDate(v[:6]); !ok {
		return false
	}
	v = v[6:]
	e.BookDate = e.ValueDate
	if len(v) >= 4 && string(v[:4]) == "    " {
		v = v[4:]
	} else if len(v) >= 4 && number(v[:4]) >= 0 {
		if e.BookDate, ok = bookDate(e.ValueDate, number(v[:2]), number(v[2:4])); !ok {
			return false
		}
		v = v[4:]
	}
	if v, ok = r.mark(v); !ok {
		return false
	}
	n := 0
	for n < len(v) && (v[n] >= '0' && v[n] <= '9' || v[n] == ',') {
		n++
	}
	sum, ok := decimal(v[:n], ',')
	if !ok {
		return false
	}
	e.Amount = money.Amount{Tiyn: sum, Currency: r.currencyOfMovement()}
	return r.references(v[n:])
}

// valueDate reads YYMMDD. Banks that count interest by months of 30 days write the 30th and 29th of February: it is then its last day.
func valueDate(v []byte) (Date, bool) {
	if d, ok := shortDate(v); ok {
		return d, true
	}
	if string(v[2:5]) == "023" || string(v[2:6]) == "0229" {
		return shortDate(append(append(make([]byte, 0, 6), v[:4]...), "28"...))
	}
	return 0, false
}

// bookDate completes MMDD by the year in which it is nearest to the value date.
func bookDate(value Date, month, day int) (Date, bool) {
	year := value.Year()
	switch {
	case month-value.Month() > 6:
		year--
	case value.Month()-month > 6:
		year++
	}
	return NewDate(year, month, day)
}

// mark takes the direction: RC takes a credit back, so it debits. A letter behind it is the third of the currency, or R as some German
// banks write C as CR and D as DR.
func (r *mt) mark(v []byte) ([]byte, bool) {
	e := &r.entry
	e.Reversal = len(v) > 0 && v[0] == 'R'
	if e.Reversal {
		v = v[1:]
	}
	if len(v) == 0 || (v[0] != 'C' && v[0] != 'D') {
		return v, false
	}
	e.Direction = Credit
	if (v[0] == 'D') != e.Reversal {
		e.Direction = Debit
	}
	v = v[1:]
	if len(v) > 0 && v[0] >= 'A' && v[0] <= 'Z' {
		v = v[1:]
	}
	return v, true
}

func (r *mt) currencyOfMovement() money.Currency {
	if r.expected != "" {
		return r.expected
	}
	return r.header.Account.Currency
}

// references takes what follows the amount. The standard knows N, F and S in front of the three characters; banks write other letters.
// A reference of the letter N alone is the remains of one that is not told. Between reference and text beyond its 16 characters some banks put spaces instead of a
// line end.
func (r *mt) references(v []byte) bool {
	e := &r.entry
	if len(v) < 4 || v[0] < 'A' || v[0] > 'Z' {
		return false
	}
	e.BankCode = r.entryBytes.keep(v[:4])
	own, bank, _ := bytes.Cut(v[4:], []byte("//"))
	own, text, _ := bytes.Cut(own, []byte("  "))
	e.Info = r.entryBytes.keep(bytes.TrimSpace(text))
	if own = bytes.TrimSpace(own); string(own) != "N" {
		e.Ref = r.entryBytes.keep(own)
	}
	e.BankRef = r.entryBytes.keep(bytes.TrimSpace(bank))
	return true
}

// information takes :86: or :NS:. Behind :61: it is about the movement, elsewhere about the statement.
func (r *mt) information(tag string) error {
	if !r.info || !r.inEntry {
		return nil
	}
	if tag == "NS" {
		r.nonSwift(&r.details[0])
		return r.bounded(r.tagLine, ":NS:")
	}
	if len(r.free)+len(r.value) > fieldBytesMax {
		return r.mtFault(tag, ErrLimit, "too much information about one entry")
	}
	if len(r.free) > 0 {
		r.free = append(r.free, ' ')
	}
	r.free = append(r.free, unwrap(r.value)...)
	return nil
}

// endMovement hands the entry out, if there is one.
func (r *mt) endMovement() error {
	if !r.inEntry {
		return nil
	}
	if len(r.free) > 0 {
		r.details86(&r.details[0], r.free)
	}
	r.info = false
	return r.endEntry()
}

// wrapAt is the length from which on a line counts as full: SWIFT breaks at 65, some programs count the tag in.
const wrapAt = 61

// unwrap joins the lines of a field: with nothing between them where a line was full or a space already stands, else with a space.
// Fields of the form ?nn are cut anywhere and joined without.
func unwrap(v []byte) []byte {
	out := make([]byte, 0, len(v))
	tight := structuredMark(v) != 0
	full := true
	for line := range bytes.SplitSeq(v, []byte{'\n'}) {
		spaced := len(out) == 0 || out[len(out)-1] == ' ' || bytes.HasPrefix(line, []byte{' '})
		if !tight && !full && !spaced && len(line) > 0 {
			out = append(out, ' ')
		}
		out = append(out, line...)
		full = utf8.RuneCount(line) >= wrapAt
	}
	return bytes.TrimSpace(out)
}
