package order

import (
	"time"

	"qaqpa/payment/money"
)

// State of an order.
type State string

// States of an order.
const (
	// Created waits for the payer's signature until it expires.
	Created State = "created"
	// Authorised carries the payer's signature; its attempt is stored, the bank not yet asked.
	Authorised State = "authorised"
	// Executing was sent to the bank, which has not said how it ended.
	Executing State = "executing"
	// Unknown lost the bank's answer; the outcome is looked up until it is known, and is never taken for "no".
	Unknown State = "unknown"
	// Executed is confirmed by the bank and stands in the ledger. Final.
	Executed State = "executed"
	// Refused was declined by the bank; nothing moved. Final.
	Refused State = "refused"
	// Expired was not signed in time. Final.
	Expired State = "expired"
	// Cancelled was given up by the payer before signing. Final.
	Cancelled State = "cancelled"
)

// Order is one payment of one payer through one bank, for one or more debts of one or more agencies.
type Order struct {
	// ID is "ord_", two hex digits of the bucket, 32 hex digits.
	ID    string `json:"id"`
	Payer string `json:"payer"`
	// Bank is the BIC.
	Bank  string `json:"bank"`
	State State  `json:"state"`
	money.Amount
	// Commission is what the payer pays the bank on top of the amount, in tiyn.
	Commission int64 `json:"commission,omitempty"`
	// Items in the order of debt ids.
	Items []Item `json:"items"`
	// Allocations are the parts of an order that goes to more than one agency or beneficiary; empty otherwise.
	Allocations []Part `json:"allocations,omitempty"`
	// DocumentSHA256 is the hex digest of the bytes to be signed.
	DocumentSHA256 string    `json:"document_sha256"`
	CreatedAt      time.Time `json:"created_at"`
	ExpiresAt      time.Time `json:"expires_at"`
	// AuthorisedAt, VerdictID and Signer are set once the payer's signature was accepted.
	AuthorisedAt *time.Time `json:"authorised_at,omitempty"`
	VerdictID    string     `json:"verdict_id,omitempty"`
	Signer       string     `json:"signer,omitempty"`
	// Signers are all who have signed, in their order; SignaturesNeeded is how many have to, where
	// it is more than one and the order waits for them.
	Signers          []string `json:"signers,omitempty"`
	SignaturesNeeded int      `json:"signatures_needed,omitempty"`
	// Attempt is the payment at the bank.
	Attempt string `json:"attempt,omitempty"`
	// BankReference and ExecutedAt are the bank's, once executed.
	BankReference string     `json:"bank_reference,omitempty"`
	ExecutedAt    *time.Time `json:"executed_at,omitempty"`
	// ToldReference is another one by which the bank told of the same execution, when a statement had proven it before; for the bank and operators.
	ToldReference string `json:"told_reference,omitempty"`
	// Reason is the bank's, once refused.
	Reason string `json:"reason,omitempty"`
	// Receipt is the id of the receipt, once made; of the first part's where there are several.
	Receipt string `json:"receipt,omitempty"`
}

// Item is the part of an order that pays one debt.
type Item struct {
	Debt string `json:"debt"`
	// DebtVersion is the version of the debt that the payer saw.
	DebtVersion int    `json:"debt_version"`
	Service     string `json:"service"`
	Agency      string `json:"agency"`
	// Part is the allocation to which the item belongs, 0 when there is but one.
	Part int `json:"part,omitempty"`
	// Instalment says that the item pays a part of the debt.
	Instalment bool `json:"instalment,omitempty"`
	// Discount is what was taken off the debt, in tiyn; the document has the rule.
	Discount int64 `json:"discount,omitempty"`
	// Commission is the item's share of the order's, in tiyn.
	Commission int64 `json:"commission,omitempty"`
	money.Amount
}

// Part is an [Allocation] as it is told.
type Part struct {
	Part   int    `json:"part"`
	Agency string `json:"agency"`
	money.Amount
	// Reference is the one under which the bank's statement has it.
	Reference string `json:"reference"`
	// Receipt is the id of its receipt, once made.
	Receipt string `json:"receipt,omitempty"`
}

// Event is one step in the life of an order.
type Event struct {
	// Seq counts from 1 within the order.
	Seq   int       `json:"seq"`
	At    time.Time `json:"at"`
	Event string    `json:"event"`
	From  State     `json:"from,omitempty"`
	To    State     `json:"to"`
	// Detail is a short text without personal data.
	Detail string `json:"detail,omitempty"`
}

// Request creates an order.
type Request struct {
	// Payer is the IIN or BIN that owes all the debts.
	Payer string `json:"payer"`
	// Debts are ids, 1 to 50, without duplicates.
	Debts []string `json:"debts"`
	// Bank is the BIC of the bank that shall execute it.
	Bank string `json:"bank"`
	// Instalments name debts of which a part shall be paid; the others are paid in full. At most one for a debt.
	Instalments []Instalment `json:"instalments,omitempty"`
}

// Instalment asks for a part of a debt to be paid.
type Instalment struct {
	Debt string `json:"debt"`
	// Tiyn is the part.
	Tiyn int64 `json:"amount"`
}
