package statement

import (
	"bytes"

	"qaqpa/payment/money"
)

// arena holds the bytes of one entry's values. Growing leaves earlier values where they are.
type arena struct{ b []byte }

func (a *arena) keep(v []byte) []byte {
	if len(v) == 0 {
		return nil
	}
	if cap(a.b)-len(a.b) < len(v) {
		a.b = make([]byte, 0, max(2*cap(a.b), 4<<10, len(v)))
	}
	from := len(a.b)
	a.b = append(a.b, v...)
	return a.b[from:len(a.b):len(a.b)]
}

// join keeps old, a separator and v as one value.
func (a *arena) join(old []byte, sep byte, v []byte) []byte {
	if len(old) == 0 {
		return a.keep(v)
	}
	if len(v) == 0 {
		return old
	}
	need := len(old) + 1 + len(v)
	if cap(a.b)-len(a.b) < need {
		a.b = make([]byte, 0, max(2*cap(a.b), 4<<10, need))
	}
	from := len(a.b)
	a.b = append(append(append(a.b, old...), sep), v...)
	return a.b[from:len(a.b):len(a.b)]
}

// collector is what all readers share: it gathers values into entries, hands them out, sums and checks.
type collector struct {
	handler Handler
	options Options
	summary Summary
	codes   currencies

	header  Header
	open    bool // a statement was begun
	told    bool // and the handler knows of it
	trailer Trailer
	totals  totals

	entry       Entry
	inEntry     bool
	details     []Detail // backing of entry.Details
	entryBytes  arena
	detailBytes arena

	seen map[string]int // statements of this file: account and number, first line
}

func newCollector(h Handler, o Options, f Format) *collector {
	c := &collector{handler: h, options: o, seen: map[string]int{}}
	c.summary.Format = f
	c.details = make([]Detail, 0, 4)
	return c
}

func (c *collector) fail(line int, path string, kind error, text string) error {
	return &Error{Format: c.summary.Format, Line: line, Path: path, Err: kind, Text: text}
}

// begin opens a statement; its header is then filled in place.
func (c *collector) begin(line int) error {
	if c.summary.Statements >= c.options.StatementsMax {
		return c.fail(line, "", ErrLimit, "too many statements in one file")
	}
	c.header = Header{
		Format: c.summary.Format, Version: c.summary.Version, Line: line, Index: c.summary.Statements,
		LastPage: true, Declared: Declared{Count: -1, CreditCount: -1, DebitCount: -1},
	}
	c.trailer = Trailer{}
	c.totals = totals{}
	c.open, c.told = true, false
	c.summary.Statements++
	return nil
}

// tell hands the header out once.
func (c *collector) tell() error {
	if c.told {
		return nil
	}
	c.told = true
	c.header.Balances = c.trailer.Balances
	if err := c.handler.Statement(&c.header); err != nil {
		return &handlerError{err}
	}
	return nil
}

// balancesMax bounds the balances of one statement; every type for every day of a year fits.
const balancesMax = 1024

func (c *collector) balance(b Balance) error {
	if len(c.trailer.Balances) >= balancesMax {
		return c.fail(b.Line, "", ErrLimit, "too many balances")
	}
	c.trailer.Balances = append(c.trailer.Balances, b)
	return nil
}

// beginEntry opens an entry; it and its details are then filled in place.
func (c *collector) beginEntry(line int) error {
	if c.summary.Entries >= c.options.EntriesMax {
		return c.fail(line, "", ErrLimit, "too many entries")
	}
	if err := c.tell(); err != nil {
		return err
	}
	c.entryBytes.b, c.detailBytes.b = c.entryBytes.b[:0], c.detailBytes.b[:0]
	c.entry = Entry{Line: line, Index: c.trailer.Entries, Status: StatusBooked, Batch: Batch{Count: -1}}
	c.details = c.details[:0]
	c.totals.batch = batchTotals{}
	c.inEntry = true
	return nil
}

// beginDetail opens a transaction of the entry.
func (c *collector) beginDetail(line int) (*Detail, error) {
	if len(c.details) >= c.options.DetailsMax || len(c.detailBytes.b) > detailBytesMax/2 {
		if err := c.handOut(false); err != nil {
			return nil, err
		}
	}
	if len(c.details) < cap(c.details) {
		c.details = c.details[:len(c.details)+1]
	} else {
		c.details = append(c.details, Detail{})
	}
	d := &c.details[len(c.details)-1]
	creditor, other, extra := d.CreditorRefs[:0], d.OtherRefs[:0], d.Extra[:0]
	*d = Detail{}
	d.Line, d.CreditorRefs, d.OtherRefs, d.Extra = line, creditor, other, extra
	return d, nil
}

// bounded refuses an entry whose values grow without end: fields that may repeat would let them (attack: a purpose line repeated a million
// times, each joined to those before).
func (c *collector) bounded(line int, path string) error {
	if len(c.detailBytes.b) > detailBytesMax || len(c.entryBytes.b) > detailBytesMax {
		return c.fail(line, path, ErrLimit, "an entry is too large")
	}
	return nil
}

// endEntry completes the entry and hands it out.
func (c *collector) endEntry() error {
	e := &c.entry
	if e.Part == 0 && len(c.details) == 0 && !e.Batch.Present {
		if _, err := c.beginDetail(e.Line); err != nil {
			return err
		}
	}
	if e.Part == 0 && len(c.details) == 1 && !e.Batch.Present && c.details[0].Amount.Currency == "" {
		c.details[0].Amount = e.Amount
	}
	if err := c.handOut(true); err != nil {
		return err
	}
	c.inEntry = false
	c.trailer.Entries++
	c.summary.Entries++
	return c.addEntry()
}

// handOut gives the details gathered so far to the handler, the last ones or not.
func (c *collector) handOut(last bool) error {
	for i := range c.details {
		d := &c.details[i]
		if d.Direction == 0 {
			d.Direction = c.entry.Direction
		}
		if len(d.UIP) == 0 {
			d.UIP = FindUIP(d.Remittance)
		}
		if err := c.addDetail(d); err != nil {
			return err
		}
	}
	c.trailer.Details += int64(len(c.details))
	c.summary.Details += int64(len(c.details))
	c.entry.Details, c.entry.Last = c.details, last
	if err := c.handler.Entry(&c.entry); err != nil {
		return &handlerError{err}
	}
	c.details = c.details[:0]
	c.detailBytes.b = c.detailBytes.b[:0]
	c.entry.Part++
	return nil
}

// end closes the statement and hands its trailer out.
func (c *collector) end(line int) error {
	if err := c.tell(); err != nil {
		return err
	}
	c.trailer.Line = line
	c.trailer.Checks = c.checks()
	for _, k := range c.trailer.Checks {
		if k.Result == Failed {
			c.summary.Failed++
		}
	}
	c.open = false
	if err := c.handler.End(&c.trailer); err != nil {
		return &handlerError{err}
	}
	return nil
}

// currency is that of the statement: of the account, else of the first balance, else of the first entry.
func (c *collector) currency() money.Currency {
	switch {
	case c.header.Account.Currency != "":
		return c.header.Account.Currency
	case len(c.trailer.Balances) > 0:
		return c.trailer.Balances[0].Amount.Currency
	}
	return c.totals.currency
}

var uipWord = []byte("УИП")

// FindUIP returns the number behind the word УИП in a text: 6 to 35 digits or Latin letters, the word and the number parted by
// nothing but spaces, ':', '№', '#', '=' or '/'. It returns nil if there is none. The number is not an ИИН, though often as long.
func FindUIP(text []byte) []byte {
	for {
		i := bytes.Index(text, uipWord)
		if i < 0 {
			return nil
		}
		text = text[i+len(uipWord):]
		rest := bytes.TrimLeft(text, " :#=/\t№")
		n := 0
		for n < len(rest) && n <= 35 && isAlnum(rest[n]) {
			n++
		}
		if n >= 6 && n <= 35 {
			return rest[:n:n]
		}
	}
}

func isAlnum(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}

// EachReference calls fn with every reference that the entry says of d, one of its details, which is not empty and not a filler
// (NOTPROVIDED, NONREF), and with the place it stands in: those of the detail, and those of the entry unless it is a batch. A nil d
// asks for those of the entry alone. References are everywhere in real files; rules that look for one of ours look at all.
func (e *Entry) EachReference(d *Detail, fn func(place string, value []byte)) {
	if d != nil {
		d.eachReference(fn)
	}
	if d == nil || !e.Batch.Present {
		for _, s := range [...]reference{
			{"entry_ref", e.Ref},
			{"entry_bank_ref", e.BankRef},
			{"batch_message_id", e.Batch.MessageID},
			{"batch_payment_info_id", e.Batch.PaymentInfoID},
		} {
			if !filler(s.value) {
				fn(s.place, s.value)
			}
		}
	}
}

type reference struct {
	place string
	value []byte
}

func (d *Detail) eachReference(fn func(place string, value []byte)) {
	single := [...]reference{
		{"end_to_end_id", d.EndToEndID},
		{"instruction_id", d.InstructionID},
		{"transaction_id", d.TransactionID},
		{"uetr", d.UETR},
		{"bank_ref", d.BankRef},
		{"clearing_ref", d.ClearingRef},
		{"message_id", d.MessageID},
		{"payment_info_id", d.PaymentInfoID},
		{"mandate_id", d.MandateID},
		{"cheque_number", d.ChequeNumber},
		{"document_number", d.DocumentNumber},
		{"uip", d.UIP},
	}
	for _, s := range single {
		if !filler(s.value) {
			fn(s.place, s.value)
		}
	}
	for _, v := range d.OtherRefs {
		fn("other_ref", v)
	}
	for _, v := range d.CreditorRefs {
		fn("creditor_ref", v)
	}
}

func filler(v []byte) bool {
	return len(v) == 0 || string(v) == "NOTPROVIDED" || string(v) == "NONREF"
}
