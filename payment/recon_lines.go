package payment

import (
	"fmt"
	"strconv"
	"time"

	"qaqpa/payment/money"
	"qaqpa/payment/recon"
	"qaqpa/payment/statement"
)

// lineColumns are the columns of statement_lines in the order in which lineWriter writes them.
const lineColumns = `bucket, statement, no, part, amount, booked_on, count, reverses, reference, uip, bank_reference, batch, payer, kbk, purpose, foreign_amount`

// Limits of texts of a line, in bytes; what is longer is cut.
const (
	referenceBytesMax = 140
	purposeBytesMax   = 1000
)

// parsedStatement is what the end of a statement tells.
type parsedStatement struct {
	id            int64
	index         int
	account       accountRow
	format        statement.Format
	name          string
	number        int64
	page          int
	from, to      recon.Day
	opening       int64
	closing       int64
	credit, debit int64
	lines         int64
	noted         bool
	// untold: a table that tells neither balances nor days; what it opens with is the closing balance before it.
	untold      bool
	first, last statement.Date // of its lines
}

// lineWriter turns the entries of a file into rows. It is the handler of one reading.
type lineWriter struct {
	copy *copyIn
	// probe matches lines by the first rule as they come; nil leaves that to the database.
	probe *probing
	// account finds the account of a statement; it is asked once per statement.
	account func(id, bic string) (accountRow, error)
	// newID makes the number of a statement.
	newID func() (int64, error)
	today recon.Day
	done  []parsedStatement

	current parsedStatement
	prefix  []byte // the first columns, the same for all rows of a statement
	day     statement.Date
	dayText []byte
	// split says that the entry in hand is written by its transactions.
	split bool
	part  int
}

// Statement implements statement.Handler.
func (w *lineWriter) Statement(h *statement.Header) error {
	account, err := w.account(h.Account.ID, h.Account.ServicerBIC)
	if err != nil {
		return err
	}
	if h.Account.Currency != "" && h.Account.Currency != money.KZT {
		return ErrStatementCheck.with("the account is kept in "+string(h.Account.Currency)).of(reasonCurrency, string(h.Account.Currency)).at("currency")
	}
	id, err := w.newID()
	if err != nil {
		return err
	}
	w.current = parsedStatement{
		id: id, index: h.Index, account: account, format: h.Format, name: clipBytes(h.ID, referenceBytesMax), number: h.Number, page: h.Page,
		from: dayOf(h.From), to: dayOf(h.To), noted: h.Format.Kind() != statement.Booked || h.Copy != "",
	}
	w.prefix = strconv.AppendInt(w.prefix[:0], int64(account.Bucket), 10)
	w.prefix = append(w.prefix, '\t')
	w.prefix = strconv.AppendInt(w.prefix, id, 10)
	w.prefix = append(w.prefix, '\t')
	w.probe.begin(&w.current)
	return nil
}

func clipBytes(s string, limit int) string { return s[:min(len(s), limit)] }

// dayOf is zero for no day.
func dayOf(d statement.Date) recon.Day {
	if d == 0 {
		return recon.Day{}
	}
	return d.Time(time.UTC)
}

// Entry implements statement.Handler. A batch whose transactions all have amounts becomes a line for each of them, any other
// entry one line.
func (w *lineWriter) Entry(e *statement.Entry) error {
	if e.Status != statement.StatusBooked {
		return nil
	}
	if e.Part == 0 {
		w.split, w.part = itemised(e), 0
	} else if w.split != itemised(e) {
		// A batch that is handed out in parts was begun by its transactions; the entry's own line cannot be taken back.
		return ErrStatementCheck.with(fmt.Sprintf("line %d: some transactions of a large batch have no amount", e.Line)).of(reasonBatch, strconv.Itoa(e.Line)).at("batch")
	}
	if !w.split {
		if e.Part > 0 {
			return nil
		}
		var only statement.Detail
		if len(e.Details) == 1 {
			only = e.Details[0]
		}
		return w.row(e, &only, e.Amount, e.Direction)
	}
	for i := range e.Details {
		w.part++
		d := &e.Details[i]
		if err := w.row(e, d, d.Amount, d.Direction); err != nil {
			return err
		}
	}
	return nil
}

// itemised reports whether the entry is told by its transactions.
func itemised(e *statement.Entry) bool {
	if len(e.Details) == 0 || (len(e.Details) == 1 && e.Part == 0 && e.Last && !e.Batch.Present) {
		return false
	}
	for i := range e.Details {
		if e.Details[i].Amount.Currency != e.Amount.Currency {
			return false
		}
	}
	return true
}

// row writes one line.
func (w *lineWriter) row(e *statement.Entry, d *statement.Detail, amount money.Amount, direction statement.Direction) error {
	foreign := amount.Currency != money.KZT
	if amount.Tiyn == 0 {
		return nil // nothing moves
	}
	tiyn := amount.Tiyn
	if direction == statement.Debit {
		tiyn = -tiyn
	}
	if foreign {
		tiyn = 0
	}
	no, count := e.Index+1, max(e.Batch.Count, 0)
	lines := &w.copy.tables[copyLines]
	b := append(lines.buf, w.prefix...)
	b = strconv.AppendInt(b, no, 10)
	b = append(b, '\t')
	b = strconv.AppendInt(b, int64(w.part), 10)
	b = append(b, '\t')
	b = strconv.AppendInt(b, tiyn, 10)
	b = append(b, '\t')
	day := len(b)
	b = append(w.date(b, e), '\t')
	b = strconv.AppendInt(b, count, 10)
	b = append(b, '\t')
	b = strconv.AppendBool(b, e.Reversal)
	b = append(b, '\t')
	compared := len(b)
	b = w.references(b, e, d)
	payer := &d.Debtor
	if direction == statement.Debit {
		payer = &d.Creditor
	}
	b = field(b, payer.ID, referenceBytesMax)
	b = field(b, d.KBK, referenceBytesMax)
	purpose := len(b)
	b = field(b, purposeOf(e, d), purposeBytesMax)
	from := len(b)
	if foreign {
		b = append(b, amount.Decimal()...)
		b = append(b, ' ')
		b = appendCopyText(b, []byte(amount.Currency), referenceBytesMax)
	}
	lines.buf = b
	w.current.lines++
	if err := w.probe.line(w.copy, probedLine{no: no, part: w.part, tiyn: tiyn, marks: b[day:compared], compared: b[compared:purpose], foreign: b[from:]}); err != nil {
		return err
	}
	return w.copy.row(copyLines)
}

func purposeOf(e *statement.Entry, d *statement.Detail) []byte {
	if len(d.Remittance) > 0 {
		return d.Remittance
	}
	return e.Info
}

// date appends the day on which the entry was booked, which is the same for most entries of a statement.
func (w *lineWriter) date(b []byte, e *statement.Entry) []byte {
	day := e.BookDate
	if day == 0 {
		day = e.ValueDate
	}
	if day == 0 {
		at := w.current.to
		if at.IsZero() {
			at = w.today
		}
		return at.AppendFormat(b, time.DateOnly)
	}
	if day != w.day || w.dayText == nil {
		w.day, w.dayText = day, day.Append(w.dayText[:0])
	}
	if s := &w.current; s.first == 0 || day < s.first {
		s.first = day
	}
	w.current.last = max(w.current.last, day)
	return append(b, w.dayText...)
}

// references appends reference, uip, bank_reference and batch.
func (w *lineWriter) references(b []byte, e *statement.Entry, d *statement.Detail) []byte {
	b = field(b, reference(e, d), referenceBytesMax)
	b = field(b, d.UIP, referenceBytesMax)
	bank := d.BankRef
	if len(bank) == 0 {
		bank = e.BankRef
	}
	b = field(b, bank, referenceBytesMax)
	batch := d.PaymentInfoID
	if len(batch) == 0 {
		batch = e.Batch.PaymentInfoID
	}
	return field(b, batch, referenceBytesMax)
}

// reference finds what names the payment to us: EndToEndId, or where a bank has none, ours in any place where banks are
// known to put it, or what stands in its stead.
func reference(e *statement.Entry, d *statement.Detail) []byte {
	end := recon.Reference(d.EndToEndID)
	if recon.Ours(end) {
		return end
	}
	var found []byte
	look := func(values ...[]byte) {
		for _, v := range values {
			if id := recon.Reference(v); found == nil && recon.Ours(id) {
				found = id
			}
		}
	}
	look(d.InstructionID, d.TransactionID, d.DocumentNumber, e.Ref)
	look(d.OtherRefs...)
	look(d.CreditorRefs...)
	if found == nil {
		found = recon.PurposeID(purposeOf(e, d))
	}
	for _, v := range [...][]byte{end, d.InstructionID, e.Ref, d.DocumentNumber, d.TransactionID} {
		if len(found) == 0 {
			found = recon.Reference(v)
		}
	}
	return found
}

// End implements statement.Handler.
func (w *lineWriter) End(t *statement.Trailer) error {
	s := w.current
	for _, check := range t.Checks {
		switch {
		case check.Result != statement.Failed:
		case check.Name == statement.CheckCurrency, check.Name == statement.CheckCopy:
			// Lines in other currencies become exceptions; a copy is noted and books nothing.
		default:
			return ErrStatementCheck.with(fmt.Sprintf("line %d: %s: the file says %s, found %s", check.Line, check.Name, check.Want, check.Got)).
				of(reasonCheckPrefix+string(check.Name), fmt.Sprintf("%d: %s ≠ %s", check.Line, check.Want, check.Got)).at(string(check.Name))
		}
	}
	s.credit, s.debit = t.Credit.Sum, t.Debit.Sum
	if err := s.bounds(t, w.today); err != nil {
		return err
	}
	w.done = append(w.done, s)
	return nil
}

// bounds takes balances and days of a statement. A statement that is to be booked needs both balances: without them nothing
// says that it is whole.
func (s *parsedStatement) bounds(t *statement.Trailer, today recon.Day) error {
	opening, closing := statement.Bounds(t.Balances)
	if opening == nil && closing == nil && s.format == statement.CSV && s.first != 0 {
		s.untold, s.from, s.to = true, dayOf(s.first), dayOf(s.last)
		return nil
	}
	if !s.noted && (opening == nil || closing == nil) {
		return ErrStatementCheck.with("opening or closing balance is missing").of(reasonBounds, "").at("balance")
	}
	if opening != nil && closing != nil {
		s.opening, s.closing = opening.Amount.Tiyn, closing.Amount.Tiyn
		if s.from.IsZero() {
			s.from = dayOf(opening.Date)
		}
		if s.to.IsZero() {
			s.to = dayOf(closing.Date)
		}
	}
	if s.to.IsZero() {
		s.to = today
	}
	if s.from.IsZero() || s.from.After(s.to) {
		s.from = s.to
	}
	return nil
}
