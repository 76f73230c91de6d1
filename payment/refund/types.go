package refund

import (
	"time"

	"qaqpa/payment/money"
)

// Kind says what is done with an executed payment.
type Kind string

// Kinds.
const (
	// PayBack gives the payer money back through his bank.
	PayBack Kind = "refund"
	// WrongKBK moves money of one agency to the budget code of another of its services.
	WrongKBK Kind = "wrong-kbk"
	// WrongPayer moves money to the debt of the person for whom it was meant.
	WrongPayer Kind = "wrong-payer"
	// Returned notes that the treasury sent money back: the beneficiary is due it again.
	Returned Kind = "returned"
)

// Kinds lists all kinds.
func Kinds() []Kind { return []Kind{PayBack, WrongKBK, WrongPayer, Returned} }

// Reason names why.
type Reason string

// Reasons lists the reasons; their texts are in the catalogues of languages.
func Reasons() []Reason {
	return []Reason{"paid-twice", "wrong-amount", "wrong-payer", "wrong-kbk", "service-not-rendered", "court-decision", "treasury-return", "other"}
}

// Aftermath says what becomes of the debt.
type Aftermath string

// What becomes of a debt whose payment was given back.
const (
	// Closed: nothing is owed any more.
	Closed Aftermath = "closed"
	// Reopened: the payer owes it again, as a debt of its own that names the old one. The paid debt stays what it is: paid.
	Reopened Aftermath = "reopened"
)

// Request asks for refunds or corrections; each item becomes one of its own.
type Request struct {
	Kind   Kind   `json:"kind"`
	Reason Reason `json:"reason"`
	// Comment is for the second person, 1 to 500 characters.
	Comment string `json:"comment"`
	// Then is what becomes of the debts; empty means closed, and for a wrong payer reopened. Not for the other kinds.
	Then Aftermath `json:"then,omitempty"`
	// Fault says that the error was the gateway's or the bank's: where the terms of the commission say so, it is given back with a payment
	// that is given back whole. For refunds only.
	Fault bool   `json:"fault,omitempty"`
	Items []Item `json:"items"`
}

// Item is a paid debt of an executed order, in whole or in part.
type Item struct {
	Order string `json:"order"`
	Debt  string `json:"debt"`
	// Transfer names money that a correction has moved to another budget code; empty means the payment itself.
	Transfer string `json:"transfer,omitempty"`
	// Tiyn to give back or move; nil means all that is left.
	Tiyn *int64 `json:"amount,omitempty"`
	// Left is what was left when the person looked; another amount now refuses the item. nil looks at nothing.
	Left *int64 `json:"left,omitempty"`
	// Service is where the money belongs, for a wrong budget code.
	Service string `json:"service,omitempty"`
	// Target is the open debt for which it was meant, for a wrong payer.
	Target string `json:"target,omitempty"`
}

// Refund is a refund, correction or return.
type Refund struct {
	// ID is "rfd_", two hex digits of the payer's bucket, 32 hex digits.
	ID string `json:"id"`
	// Batch is common to the items of one request.
	Batch   string `json:"batch"`
	Version int    `json:"version"`
	Kind    Kind   `json:"kind"`
	State   State  `json:"state"`
	Order   string `json:"order"`
	Debt    string `json:"debt"`
	// Transfer brought the money that is given back or moved.
	Transfer string `json:"transfer"`
	Agency   string `json:"agency"`
	Bank     string `json:"bank"`
	money.Amount
	// Commission is what the bank gives the payer back of what it took for itself, AgencyCommission what the agency no longer owes it, in tiyn.
	Commission       int64     `json:"commission,omitempty"`
	AgencyCommission int64     `json:"agency_commission,omitempty"`
	Reason           Reason    `json:"reason"`
	Comment          string    `json:"comment"`
	Then             Aftermath `json:"then,omitempty"`
	Service          string    `json:"service,omitempty"`
	Target           string    `json:"target,omitempty"`
	// AskedBy and DecidedBy are two different people; webhooks leave both out.
	AskedBy   string     `json:"asked_by,omitempty"`
	AskedAt   time.Time  `json:"asked_at"`
	DecidedBy string     `json:"decided_by,omitempty"`
	DecidedAt *time.Time `json:"decided_at,omitempty"`
	// BankReference, ExecutedAt and BankReason are the bank's.
	BankReference string     `json:"bank_reference,omitempty"`
	ExecutedAt    *time.Time `json:"executed_at,omitempty"`
	BankReason    string     `json:"bank_reason,omitempty"`
	// Successor is the debt that is open again.
	Successor string `json:"successor,omitempty"`
	// Posting is the last that the ledger has of it.
	Posting string `json:"posting,omitempty"`
}

// Event is one step in the life of a refund.
type Event struct {
	// Seq counts from 1 within the refund.
	Seq   int       `json:"seq"`
	At    time.Time `json:"at"`
	Event string    `json:"event"`
	From  State     `json:"from,omitempty"`
	To    State     `json:"to"`
	Actor string    `json:"actor"`
	// Detail is a short text.
	Detail string `json:"detail,omitempty"`
}
