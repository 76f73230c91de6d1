package debt

import (
	"time"

	"qaqpa/payment/catalog"
	"qaqpa/payment/money"
)

// State of a debt.
type State string

// States of a debt; the transitions stand in [Transitions].
const (
	// Open may be paid, amended or recalled.
	Open State = "open"
	// Reserved is being paid by one authorised order.
	Reserved State = "reserved"
	// Paid was executed by a bank. Final.
	Paid State = "paid"
	// Recalled was taken back by the agency.
	Recalled State = "recalled"
)

// Payer owes a debt.
type Payer struct {
	// ID is an IIN or a BIN: 12 digits with a valid check digit.
	ID string `json:"id"`
	// Name as the agency knows it; may be empty.
	Name string `json:"name,omitempty"`
}

// Item is one debt in a batch of an agency.
type Item struct {
	// Reference is the agency's own number of the debt, 1 to 64 characters, unique per agency and payer. A known
	// reference amends the debt.
	Reference string `json:"reference"`
	// Payer owes it.
	Payer Payer `json:"payer"`
	// Service is the id of a service of the same agency; a recall needs none.
	Service string `json:"service,omitempty"`
	// Tiyn is the amount owed. Nil takes the tariff of the service; a "percent" one admits what lies
	// within its bounds, and one that is neither "stated" nor that no other amount than its own.
	Tiyn *int64 `json:"amount,omitempty"`
	// Currency is KZT or empty.
	Currency money.Currency `json:"currency,omitempty"`
	// Purpose tells the payer what it is for, up to 200 characters; may be empty.
	Purpose string `json:"purpose,omitempty"`
	// DueOn is the last day to pay in time; may be empty. Payment after it is still taken.
	DueOn catalog.Date `json:"due_on,omitempty"`
	// AroseOn is the day on which the debt arose, such as that on which a fine was handed over, not after the day of loading:
	// its tariff is used, and discount windows of days begin on it. Absent, it is the day of the first loading.
	AroseOn catalog.Date `json:"arose_on,omitempty"`
	// Action is what the agency does: state (the default) or recall.
	Action Action `json:"action,omitempty"`
	// Reason of a recall, 1 to 200 characters; the payer sees it. With Supersedes it may be left out.
	Reason string `json:"reason,omitempty"`
	// Supersedes is the reference of a debt of the same payer that this one takes the place of: that one is recalled
	// together with this one's coming, or neither happens.
	Supersedes string `json:"supersedes,omitempty"`
}

// Action of an item.
type Action string

// Actions.
const (
	// StateIt makes, amends or reopens a debt.
	StateIt Action = "state"
	// RecallIt takes it back.
	RecallIt Action = "recall"
)

// Debt is a stored debt.
type Debt struct {
	// ID is "dbt_", two hex digits of the bucket, 32 hex digits.
	ID string `json:"id"`
	// Agency is the source.
	Agency    string `json:"agency"`
	Reference string `json:"reference"`
	Payer     Payer  `json:"payer"`
	// Service and ServiceVersion under which the debt was loaded.
	Service        string `json:"service"`
	ServiceVersion int    `json:"service_version"`
	money.Amount
	// Basis tells how the amount was made.
	Basis   catalog.Basis `json:"basis"`
	Purpose string        `json:"purpose,omitempty"`
	DueOn   catalog.Date  `json:"due_on,omitempty"`
	// AroseOn is when discount windows of days begin.
	AroseOn catalog.Date `json:"arose_on,omitempty"`
	State   State        `json:"state"`
	// Paid in instalments that banks have executed, in tiyn, less what was given back and is owed again; Held by orders that
	// are being paid. Both are 0 where the debt is paid at once: then State says all.
	Paid int64 `json:"paid,omitempty"`
	Held int64 `json:"held,omitempty"`
	// Payable is what an order made now for all of an open debt would pay, in tiyn, and Discount what it rests on. They are
	// told when a debt is read, not stored.
	Payable  int64                 `json:"payable,omitempty"`
	Discount *catalog.OpenDiscount `json:"discount,omitempty"`
	// InstalmentMin is the service's; 0 when the debt is paid as a whole only.
	InstalmentMin int64 `json:"instalment_min,omitempty"`
	// OwnFee says that the payer stated the fee himself: one order alone can pay it.
	OwnFee bool `json:"own_fee,omitempty"`
	// Version counts changes from 1; an order pays exactly one version.
	Version int `json:"version"`
	// Order is the order that reserved or paid the debt.
	Order string `json:"order,omitempty"`
	// LoadedAt is when the agency last stated the debt: the age that the citizen sees.
	LoadedAt time.Time `json:"loaded_at"`
	// PaidAt is when the bank executed the payment.
	PaidAt *time.Time `json:"paid_at,omitempty"`
	// RecallReason is why the agency took it back.
	RecallReason string `json:"recall_reason,omitempty"`
	// SettledBy is the correction whose money, paid for another debt by mistake, settled this one; such a debt is recalled.
	SettledBy string `json:"settled_by,omitempty"`
}

// Result says what became of one item of a batch.
type Result struct {
	// Index of the item in the batch, from 0.
	Index     int    `json:"index"`
	Reference string `json:"reference"`
	// Outcome is created, amended, reopened, unchanged, recalled or refused.
	Outcome Outcome `json:"outcome"`
	// Debt is the id, unless the item was refused before one was known.
	Debt string `json:"debt,omitempty"`
	// Superseded is the id of the debt that this one took the place of.
	Superseded string `json:"superseded,omitempty"`
	// Code and Detail tell why an item was refused; Field points into it.
	Code   string `json:"code,omitempty"`
	Field  string `json:"field,omitempty"`
	Detail string `json:"detail,omitempty"`
	// Reason is which of the things that Code stands for is the matter; Facts are what it is about.
	Reason Reason `json:"reason,omitempty"`
	Facts  Facts  `json:"facts,omitzero"`
}

// Outcome of one item of a batch.
type Outcome string

// Outcomes.
const (
	Created   Outcome = "created"
	Amended   Outcome = "amended"
	Reopened  Outcome = "reopened"
	Unchanged Outcome = "unchanged"
	Withdrawn Outcome = "recalled"
	Refused   Outcome = "refused"
)
