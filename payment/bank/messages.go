package bank

import (
	"errors"
	"fmt"
	"time"

	"qaqpa/payment/canon"
	"qaqpa/payment/money"
)

// ContentType of all messages.
const ContentType = "application/pkcs7-mime"

// Types of messages.
const (
	OrderType  = "payment-order"
	StatusType = "payment-status"
)

// ErrMessage says that a message is not what the interface defines.
var ErrMessage = errors.New("not a message of the payment interface")

// Order asks a bank to execute a payment. The bank is idempotent by Attempt.
type Order struct {
	Type    string `json:"type"`
	Attempt string `json:"attempt"`
	Order   string `json:"order"`
	// Bank is the BIC of the receiver.
	Bank string `json:"bank"`
	money.Amount
	Payer Payer `json:"payer"`
	// Beneficiary gets the whole amount; nil when Allocations say who gets what.
	Beneficiary *Beneficiary `json:"beneficiary,omitempty"`
	// Allocations, two or more, add up to the amount. The payer's account is debited for all of them or for none.
	Allocations []Allocation `json:"allocations,omitempty"`
	Purpose     string       `json:"purpose"`
	CreatedAt   string       `json:"created_at"`
	// Commission is what the bank takes from the payer's account for itself, on top of the amount, in tiyn; not more and not less.
	Commission int64 `json:"commission,omitempty"`
	// Request and ExpiresAt answer a bank that began the payment itself: its own name of it, and until when it may begin to
	// execute.
	Request   string `json:"request,omitempty"`
	ExpiresAt string `json:"expires_at,omitempty"`
}

// Allocation is what one of several beneficiaries gets.
type Allocation struct {
	// Reference names the credit in statements (EndToEndId): 34 hex digits.
	Reference string `json:"reference"`
	money.Amount
	Beneficiary Beneficiary `json:"beneficiary"`
	Purpose     string      `json:"purpose"`
}

// Payer is the IIN or BIN that pays.
type Payer struct {
	ID string `json:"id"`
}

// Beneficiary is where the money goes, with the budget codes.
type Beneficiary struct {
	Name    string `json:"name"`
	BIN     string `json:"bin"`
	Account string `json:"account"`
	BIC     string `json:"bic"`
	KBK     string `json:"kbk"`
	KNP     string `json:"knp"`
	KBE     string `json:"kbe"`
}

// Encode renders the order in canonical form; the same order always has the same bytes.
func (o Order) Encode() ([]byte, error) {
	o.Type = OrderType
	return canon.Marshal(o)
}

// Outcome is what a bank says about an attempt.
type Outcome string

// Outcomes.
const (
	Executed Outcome = "executed"
	Refused  Outcome = "refused"
	// Pending means that the bank has the attempt and has not finished it.
	Pending Outcome = "pending"
	// Absent means that the bank does not know the attempt: it may be sent again.
	Absent Outcome = "absent"
)

// Status is a bank's word about an attempt.
type Status struct {
	Type    string  `json:"type"`
	Bank    string  `json:"bank"`
	Attempt string  `json:"attempt"`
	Order   string  `json:"order,omitempty"`
	Outcome Outcome `json:"outcome"`
	Tiyn    int64   `json:"amount,omitempty"`
	// Currency of the amount.
	Currency      money.Currency `json:"currency,omitempty"`
	BankReference string         `json:"bank_reference,omitempty"`
	// ExecutedAt is RFC 3339, as the bank wrote it; see [Status.Executed].
	ExecutedAt string `json:"executed_at,omitempty"`
	// Commission is what the bank took from the payer on top of the amount, in tiyn; only of an executed payment.
	Commission int64  `json:"commission,omitempty"`
	Reason     string `json:"reason,omitempty"`
}

// Amount is the amount of the status.
func (s Status) Amount() money.Amount { return money.Amount{Tiyn: s.Tiyn, Currency: s.Currency} }

// At is the time of execution in UTC, cut to microseconds; zero when the status has none.
func (s Status) At() time.Time {
	at, err := time.Parse(time.RFC3339Nano, s.ExecutedAt)
	if err != nil {
		return time.Time{}
	}
	return at.UTC().Truncate(time.Microsecond)
}

// Limits of texts, in bytes.
const (
	textMax   = 140
	reasonMax = 500
)

// ParseStatus reads the content of a status message. An executed one needs amount, currency, reference and a time
// between 2000 and 9999. Errors wrap [ErrMessage].
func ParseStatus(content []byte) (Status, error) {
	var s Status
	if err := canon.Decode(content, &s); err != nil {
		return Status{}, fmt.Errorf("%w: %w", ErrMessage, err)
	}
	if s.Type != StatusType {
		return Status{}, fmt.Errorf("%w: type %q", ErrMessage, s.Type)
	}
	return s, s.check()
}

// check holds a status to its rules, its type aside.
func (s Status) check() error {
	if s.Bank == "" || s.Attempt == "" {
		return fmt.Errorf("%w: bank or id is missing", ErrMessage)
	}
	for _, text := range []string{s.Bank, s.Attempt, s.Order, s.BankReference, s.ExecutedAt, string(s.Currency)} {
		if len(text) > textMax || !printable(text) {
			return fmt.Errorf("%w: a text is too long or unprintable", ErrMessage)
		}
	}
	if len(s.Reason) > reasonMax || !printable(s.Reason) {
		return fmt.Errorf("%w: reason is too long or unprintable", ErrMessage)
	}
	if s.Commission < 0 || s.Commission > 0 && s.Outcome != Executed {
		return fmt.Errorf("%w: commission of %d", ErrMessage, s.Commission)
	}
	switch s.Outcome {
	case Executed:
		return s.checkExecuted()
	case Refused, Pending, Absent:
		return nil
	}
	return fmt.Errorf("%w: outcome %q", ErrMessage, s.Outcome)
}

func (s Status) checkExecuted() error {
	at := s.At()
	switch {
	case !s.Amount().Positive():
		return fmt.Errorf("%w: executed amount %d %q", ErrMessage, s.Tiyn, s.Currency)
	case s.BankReference == "":
		return fmt.Errorf("%w: executed without bank_reference", ErrMessage)
	case s.Order == "":
		return fmt.Errorf("%w: executed without order", ErrMessage)
	case at.Year() < 2000 || at.Year() > 9999:
		return fmt.Errorf("%w: executed_at %q", ErrMessage, s.ExecutedAt)
	}
	return nil
}

func printable(text string) bool {
	for _, r := range text {
		if r < ' ' || r == 0x7f || r == 0xfffd {
			return false
		}
	}
	return true
}
