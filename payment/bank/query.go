package bank

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"qaqpa/payment/canon"
	"qaqpa/payment/catalog"
	"qaqpa/payment/money"
)

// Types of the messages by which a bank is asked for facts (R10).
const (
	QueryType  = "bank-query"
	AnswerType = "bank-answer"
)

// QueryKind is what a bank is asked.
type QueryKind string

// Kinds of queries.
const (
	// Ownership asks whether an account belongs to the person.
	Ownership QueryKind = "account-ownership"
	// Pledge asks whether property of the person is pledged to the bank.
	Pledge QueryKind = "pledge"
	// PaymentFact asks for amount, date, sender and beneficiaries of a payment.
	PaymentFact QueryKind = "payment-fact"
)

// Kinds of property.
const (
	Movable   = "movable"
	Immovable = "immovable"
)

// Subject is what a query is about; the answer repeats it.
type Subject struct {
	Kind QueryKind `json:"kind"`
	// Person is an IIN or BIN; of a payment, the payer.
	Person string `json:"person"`
	// Account is an IBAN, for [Ownership].
	Account string `json:"account,omitempty"`
	// PropertyKind and PropertyNumber name property by its register, for [Pledge].
	PropertyKind   string `json:"property_kind,omitempty"`
	PropertyNumber string `json:"property_number,omitempty"`
	// Attempt names a payment, for [PaymentFact].
	Attempt string `json:"attempt,omitempty"`
}

// Check refuses a subject that is not one of its kind, and no other: a member too many was meant as something else. Errors wrap [ErrMessage].
func (s Subject) Check() error {
	const numberMax = 64
	want := Subject{Kind: s.Kind, Person: s.Person}
	ok := catalog.ValidPayerID(s.Person)
	switch s.Kind {
	case Ownership:
		want.Account = s.Account
		ok = ok && catalog.ValidIBAN(s.Account)
	case Pledge:
		want.PropertyKind, want.PropertyNumber = s.PropertyKind, s.PropertyNumber
		ok = ok && (s.PropertyKind == Movable || s.PropertyKind == Immovable) && s.PropertyNumber != "" && len(s.PropertyNumber) <= numberMax && printable(s.PropertyNumber)
	case PaymentFact:
		want.Attempt = s.Attempt
		ok = ok && s.Attempt != "" && len(s.Attempt) <= numberMax && printable(s.Attempt)
	default:
		return fmt.Errorf("%w: kind %q", ErrMessage, s.Kind)
	}
	if !ok || s != want {
		return fmt.Errorf("%w: not the subject of %s", ErrMessage, s.Kind)
	}
	return nil
}

// Query asks a bank.
type Query struct {
	Type string `json:"type"`
	// ID is drawn for each query; the answer repeats it.
	ID   string `json:"query"`
	Bank string `json:"bank"`
	Subject
	At string `json:"at"`
}

// Encode renders the query in canonical form.
func (q Query) Encode() ([]byte, error) {
	q.Type = QueryType
	return canon.Marshal(q)
}

// QueryAnswer is the bank's word. Of Belongs, Pledged and Payment it has the one of its kind.
type QueryAnswer struct {
	Type string `json:"type"`
	ID   string `json:"query"`
	Bank string `json:"bank"`
	Subject
	// Belongs: the account is the person's.
	Belongs *bool `json:"belongs,omitempty"`
	// Pledged: the property is pledged to the bank by the person.
	Pledged *bool        `json:"pledged,omitempty"`
	Payment *FactPayment `json:"payment,omitempty"`
	At      string       `json:"at"`
}

// FactPayment is a payment as the bank knows it.
type FactPayment struct {
	// Outcome as of a payment-status; what follows is of executed ones alone.
	Outcome Outcome `json:"outcome"`
	Tiyn    int64   `json:"amount,omitempty"`
	// Currency of the amount.
	Currency      money.Currency `json:"currency,omitempty"`
	ExecutedAt    string         `json:"executed_at,omitempty"`
	BankReference string         `json:"bank_reference,omitempty"`
	// Sender is the IIN or BIN whose account was debited.
	Sender string `json:"sender,omitempty"`
	// Credits, one for each beneficiary, add up to the amount.
	Credits []FactCredit `json:"credits,omitempty"`
}

// FactCredit is what one beneficiary got.
type FactCredit struct {
	BIN     string `json:"bin"`
	Account string `json:"account"`
	Tiyn    int64  `json:"amount"`
}

// ParseAnswer reads the content of the answer to q. An answer to another query, of another bank or about something else is refused: it may
// be an old one that is played again. Errors wrap [ErrMessage].
func ParseAnswer(content []byte, q Query) (QueryAnswer, error) {
	var a QueryAnswer
	if err := canon.Decode(content, &a); err != nil {
		return QueryAnswer{}, fmt.Errorf("%w: %w", ErrMessage, err)
	}
	switch {
	case a.Type != AnswerType:
		return QueryAnswer{}, fmt.Errorf("%w: type %q", ErrMessage, a.Type)
	case a.ID != q.ID || a.Bank != q.Bank || a.Subject != q.Subject:
		return QueryAnswer{}, fmt.Errorf("%w: the answer to another query", ErrMessage)
	case instant(a.At).IsZero():
		return QueryAnswer{}, fmt.Errorf("%w: at %q", ErrMessage, a.At)
	}
	// Exactly the word that was asked for: one that is left out is not "no".
	if (a.Belongs != nil) != (a.Kind == Ownership) || (a.Pledged != nil) != (a.Kind == Pledge) || (a.Payment != nil) != (a.Kind == PaymentFact) {
		return QueryAnswer{}, fmt.Errorf("%w: not an answer about %s", ErrMessage, a.Kind)
	}
	if a.Payment != nil {
		return a, a.Payment.check()
	}
	return a, nil
}

// check holds a payment to the rules of a payment-status, and its credits to its amount.
func (p FactPayment) check() error {
	status := Status{
		Bank: "-", Attempt: "-", Order: "-", Outcome: p.Outcome, Tiyn: p.Tiyn, Currency: p.Currency, BankReference: p.BankReference, ExecutedAt: p.ExecutedAt,
	}
	if err := status.check(); err != nil {
		return err
	}
	if p.Outcome != Executed {
		if p.Tiyn != 0 || p.Sender != "" || len(p.Credits) != 0 || p.ExecutedAt != "" {
			return fmt.Errorf("%w: %s with figures", ErrMessage, p.Outcome)
		}
		return nil
	}
	left := p.Tiyn
	for _, c := range p.Credits {
		if !catalog.ValidPayerID(c.BIN) || !catalog.ValidIBAN(c.Account) || c.Tiyn <= 0 || c.Tiyn > left {
			return fmt.Errorf("%w: a credit of %d", ErrMessage, c.Tiyn)
		}
		left -= c.Tiyn
	}
	if left != 0 || !catalog.ValidPayerID(p.Sender) || len(p.Credits) > DebtsMax {
		return fmt.Errorf("%w: credits do not make %d, or no sender", ErrMessage, p.Tiyn)
	}
	return nil
}

// At is when the payment was executed, in UTC; zero when it was not.
func (p FactPayment) At() time.Time { return Status{ExecutedAt: p.ExecutedAt}.At() }

// Same reports whether two answers credit the same beneficiaries with the same sums, in any order.
func (p FactPayment) Same(credits []FactCredit) bool {
	left := slices.Clone(credits)
	for _, c := range p.Credits {
		i := slices.Index(left, c)
		if i < 0 {
			return false
		}
		left = slices.Delete(left, i, i+1)
	}
	return len(left) == 0
}

// Query posts a sealed query to the bank's /queries. Errors wrap [ErrNoReply].
func (c *Client) Query(ctx context.Context, bankURL string, message []byte) (Reply, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, bankURL+"/queries", bytes.NewReader(message))
	if err != nil {
		return Reply{}, fmt.Errorf("%w: %w", ErrNoReply, err)
	}
	request.Header.Set("Content-Type", ContentType)
	return c.do(request)
}
