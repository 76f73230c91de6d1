package statement

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// corpora returns the folder of the outside samples, and skips where there is none.
func corpora(tb testing.TB) string {
	tb.Helper()
	top := os.Getenv("QAQPA_CORPORA")
	if top == "" {
		top = filepath.Join("..", "..", "..", "shared", "corpora")
	}
	top = filepath.Join(top, "statements")
	if _, err := os.Stat(top); err != nil {
		tb.Skipf("the samples are not here (QAQPA_CORPORA): %v", err)
	}
	return top
}

func sample(tb testing.TB, name string) []byte {
	tb.Helper()
	b, err := os.ReadFile(filepath.Join(corpora(tb), filepath.FromSlash(name)))
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// dump keeps what a reader told, as text: a line for each header, entry, detail and trailer, empty fields left out.
type dump struct {
	lines []string
}

func (d *dump) String() string { return strings.Join(d.lines, "\n") }

func (d *dump) add(format string, args ...any) {
	d.lines = append(d.lines, fmt.Sprintf(format, args...))
}

func (d *dump) Statement(h *Header) error {
	d.add("statement %s %s n%d p%d %v %s %s/%s %s..%s %s", h.ID, h.MessageID, h.Number, h.Page, h.LastPage, h.Copy, h.Account.ID, h.Account.Currency, h.From, h.To, h.CreatedAt.Format("2006-01-02T15:04:05Z"))
	return nil
}

func (d *dump) Entry(e *Entry) error {
	if e.Part == 0 {
		d.add("entry %s %s %s %s rev=%v %s/%s%s%s%s%s%s%s", e.Amount.Decimal(), e.Amount.Currency, e.Direction, e.Status, e.Reversal, e.BookDate, e.ValueDate,
			named2("ref", e.Ref), named2("bank", e.BankRef), named2("code", e.Code), named2("bankcode", e.BankCode), named2("info", e.Info), e.Batch.text())
	}
	for i := range e.Details {
		d.add("  %s", e.text2(&e.Details[i]))
	}
	return nil
}

func (b Batch) text() string {
	if !b.Present {
		return ""
	}
	return fmt.Sprintf(" batch(%d %s %s%s%s)", b.Count, b.Total.Decimal(), b.Total.Currency, named2("msg", b.MessageID), named2("inf", b.PaymentInfoID))
}

func (d *dump) End(t *Trailer) error {
	for _, b := range t.Balances {
		d.add("balance %s %s %s %s", b.Type, b.Amount.Decimal(), b.Amount.Currency, b.Date)
	}
	d.add("end %d entries %d details %d pending +%d %d -%d %d", t.Entries, t.Details, t.Pending, t.Credit.Count, t.Credit.Sum, t.Debit.Count, t.Debit.Sum)
	for _, c := range t.Checks {
		if c.Result == Failed {
			d.add("failed %s line %d want %s got %s", c.Name, c.Line, c.Want, c.Got)
		}
	}
	return nil
}

func named2(name string, v []byte) string {
	if len(v) == 0 {
		return ""
	}
	return fmt.Sprintf(" %s=%q", name, v)
}

func (e *Entry) text2(d *Detail) string {
	out := d.Direction.String()
	if d.Amount.Currency != "" {
		out += " " + d.Amount.Decimal() + " " + string(d.Amount.Currency)
	}
	e.EachReference(d, func(place string, v []byte) { out += named2(place, v) })
	for i, p := range []*Party{&d.Debtor, &d.Creditor, &d.UltimateDebtor, &d.UltimateCreditor} {
		text := named2("name", p.Name) + named2("id", p.ID) + named2("acct", p.Account) + named2("bic", p.BIC) + named2("code", p.Code)
		if text != "" {
			out += fmt.Sprintf(" %s(%s)", []string{"dbtr", "cdtr", "udbtr", "ucdtr"}[i], strings.TrimSpace(text))
		}
	}
	out += named2("knp", d.KNP) + named2("kbk", d.KBK) + named2("purp", d.Purpose) + named2("rmt", d.Remittance) + named2("status", d.Status) + named2("reason", d.Reason) + named2("why", d.ReasonText)
	if d.DocumentDate != 0 {
		out += " docdate=" + d.DocumentDate.String()
	}
	if d.Instructed.Currency != "" {
		out += " instructed=" + d.Instructed.Decimal() + string(d.Instructed.Currency)
	}
	return out
}

func readAll(document []byte, o Options) (string, error) {
	var d dump
	_, err := Read(bytes.NewReader(document), &d, o)
	return d.String(), err
}
