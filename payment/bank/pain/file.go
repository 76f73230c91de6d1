package pain

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"qaqpa/payment/money"
)

// Namespace of the files that [File.Encode] writes.
const Namespace = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"

// PaymentsMax is how many payments a file may carry.
const PaymentsMax = 1000

// ErrFile says that a file cannot be written as the schema wants it.
var ErrFile = errors.New("not a file of payment orders")

// File is one pain.001.
type File struct {
	// MsgID names the file: 1 to 35 letters and digits.
	MsgID string
	// MadeAt is the time of its making.
	MadeAt time.Time
	// ExecuteOn is the banking day on which the bank shall execute it, as YYYY-MM-DD.
	ExecuteOn string
	// Initiator is the operator of the gateway, Bank the BIC of the bank that holds the payers' accounts.
	Initiator Party
	Bank      string
	// Payments, 1 to [PaymentsMax].
	Payments []Payment
}

// Party is a person or company with its IIN or BIN; a person's name may be empty.
type Party struct{ Name, ID string }

// Payment is one debit of a payer.
type Payment struct {
	// ID is the 34 hex digits of the attempt.
	ID string
	// Payer is the IIN or BIN.
	Payer string
	// Commission is what the bank takes from the payer on top of the credits, in tiyn. Where it is not 0, ChrgBr is DEBT (all charges are the
	// debtor's, the credits arrive whole) and InstrForDbtrAgt names the sum: the message has no amount for charges.
	Commission int64
	// Credits, one for each beneficiary.
	Credits []Credit
}

// Credit is what one beneficiary gets.
type Credit struct {
	// EndToEnd names it in statements.
	EndToEnd string
	money.Amount
	Beneficiary   Party
	Account, BIC  string
	KBK, KNP, KBE string
	Purpose       string
}

// Sum of the credits.
func (p Payment) Sum() (money.Amount, error) {
	sum := money.FromTiyn(0)
	for _, c := range p.Credits {
		var err error
		if sum, err = sum.Plus(c.Amount); err != nil {
			return money.Amount{}, fmt.Errorf("%w: %w", ErrFile, err)
		}
	}
	return sum, nil
}

// Encode writes the file in the order of the schema. The same file has the same bytes always. Errors wrap [ErrFile].
func (f File) Encode() ([]byte, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	total, credits := money.FromTiyn(0), 0
	sums := make([]money.Amount, len(f.Payments))
	for i, p := range f.Payments {
		var err error
		if sums[i], err = p.Sum(); err != nil {
			return nil, err
		}
		if total, err = total.Plus(sums[i]); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrFile, err)
		}
		credits += len(p.Credits)
	}
	w := &writer{}
	w.raw(`<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<Document xmlns="` + Namespace + `">`)
	w.in("CstmrCdtTrfInitn", func() {
		w.in("GrpHdr", func() {
			w.text("MsgId", f.MsgID)
			w.text("CreDtTm", f.MadeAt.UTC().Format("2006-01-02T15:04:05.000Z"))
			w.text("NbOfTxs", strconv.Itoa(credits))
			w.text("CtrlSum", total.Decimal())
			w.in("InitgPty", func() { w.party(f.Initiator, "BIN") })
		})
		for i, p := range f.Payments {
			w.in("PmtInf", func() { w.payment(f, p, sums[i]) })
		}
	})
	w.raw("</Document>\n")
	return w.Bytes(), nil
}

func (f File) check() error {
	switch {
	case !name(f.MsgID) || f.MadeAt.IsZero() || f.Bank == "":
		return fmt.Errorf("%w: name, time or bank is missing", ErrFile)
	case len(f.Payments) == 0 || len(f.Payments) > PaymentsMax:
		return fmt.Errorf("%w: %d payments", ErrFile, len(f.Payments))
	}
	if _, err := time.Parse(time.DateOnly, f.ExecuteOn); err != nil {
		return fmt.Errorf("%w: day of execution %q", ErrFile, f.ExecuteOn)
	}
	for _, p := range f.Payments {
		if !name(p.ID) || p.Payer == "" || p.Commission < 0 || len(p.Credits) == 0 {
			return fmt.Errorf("%w: payment %q is not whole", ErrFile, p.ID)
		}
		for _, c := range p.Credits {
			if !name(c.EndToEnd) || !c.Positive() || c.Account == "" || c.BIC == "" {
				return fmt.Errorf("%w: a credit of %q is not whole", ErrFile, p.ID)
			}
		}
	}
	return nil
}

// name reports whether text may name a message, a payment or a credit: Max35Text of letters and digits.
func name(text string) bool {
	if text == "" || len(text) > 35 {
		return false
	}
	for i := range len(text) {
		c := text[i]
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return true
}

// writer writes elements.
type writer struct{ bytes.Buffer }

// raw writes markup; a buffer takes everything.
func (w *writer) raw(markup string) { _, _ = w.WriteString(markup) }

func (w *writer) in(element string, inside func()) {
	w.raw("<" + element + ">")
	inside()
	w.raw("</" + element + ">")
}

// text writes an element with text; an empty one is left out, as the schema has no empty texts.
func (w *writer) text(element, text string) {
	if text != "" {
		w.in(element, func() { w.escape(text) })
	}
}

// escape cannot fail on a buffer; what XML has no character for becomes U+FFFD.
func (w *writer) escape(text string) { _ = xml.EscapeText(w, []byte(text)) }

func (w *writer) payment(f File, p Payment, sum money.Amount) {
	w.text("PmtInfId", p.ID)
	w.text("PmtMtd", "TRF")
	w.text("BtchBookg", "true") // one debit for all credits
	w.text("NbOfTxs", strconv.Itoa(len(p.Credits)))
	w.text("CtrlSum", sum.Decimal())
	w.in("PmtTpInf", func() { w.text("InstrPrty", "NORM") })
	w.in("ReqdExctnDt", func() { w.text("Dt", f.ExecuteOn) })
	w.in("Dbtr", func() { w.party(Party{ID: p.Payer}, "IIN") })
	w.in("DbtrAcct", func() { w.in("Id", func() { w.other(p.Payer, "IIN") }) })
	w.in("DbtrAgt", func() { w.agent(f.Bank) })
	if p.Commission > 0 {
		w.text("ChrgBr", "DEBT")
	}
	for _, c := range p.Credits {
		w.in("CdtTrfTxInf", func() { w.credit(p, c) })
	}
}

func (w *writer) credit(p Payment, c Credit) {
	w.in("PmtId", func() {
		w.text("InstrId", p.ID)
		w.text("EndToEndId", c.EndToEnd)
	})
	w.in("Amt", func() {
		w.raw(`<InstdAmt Ccy="` + string(money.KZT) + `">` + c.Decimal() + "</InstdAmt>")
	})
	w.in("CdtrAgt", func() { w.agent(c.BIC) })
	w.in("Cdtr", func() { w.party(c.Beneficiary, "BIN") })
	w.in("CdtrAcct", func() { w.in("Id", func() { w.text("IBAN", c.Account) }) })
	if p.Commission > 0 && c == p.Credits[0] { // once: it is taken once for the payment
		w.text("InstrForDbtrAgt", "/COMMISSION/"+string(money.KZT)+money.FromTiyn(p.Commission).Decimal())
	}
	if c.KNP != "" {
		w.in("Purp", func() { w.text("Prtry", c.KNP) })
	}
	if c.KBK != "" {
		w.in("Tax", func() { w.in("Rcrd", func() { w.text("CtgyDtls", c.KBK) }) })
	}
	w.in("RmtInf", func() {
		w.text("Ustrd", cut(c.Purpose))
		if c.KBE != "" {
			w.text("Ustrd", "/KBE/"+c.KBE)
		}
	})
}

// party writes PartyIdentification135; the scheme of a payer is IIN and that of a company BIN.
func (w *writer) party(p Party, scheme string) {
	w.text("Nm", cut(p.Name))
	if p.ID == "" {
		return
	}
	kind := "OrgId"
	if scheme == "IIN" {
		kind = "PrvtId"
	}
	w.in("Id", func() { w.in(kind, func() { w.other(p.ID, scheme) }) })
}

func (w *writer) other(id, scheme string) {
	w.in("Othr", func() {
		w.text("Id", id)
		w.in("SchmeNm", func() { w.text("Prtry", scheme) })
	})
}

func (w *writer) agent(bic string) {
	w.in("FinInstnId", func() { w.text("BICFI", bic) })
}

// cut keeps a text within the 140 characters of the schema.
func cut(text string) string {
	const most = 140
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most])
}
