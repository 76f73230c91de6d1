package payment

import (
	"encoding/json"
	"time"

	"qaqpa/payment/catalog"
	"qaqpa/payment/debt"
	"qaqpa/payment/money"
)

// Idem makes a call repeatable: the first use of a key stores the result, later ones return it.
type Idem struct {
	// Caller scopes the key: the id of the authenticated client.
	Caller string
	// Key is the client's Idempotency-Key, 1 to 255 printable ASCII characters.
	Key string
	// Hash is SHA-256 over method, path and body. The same key with another hash is [ErrIdempotencyReuse].
	Hash [32]byte
}

// ServiceQuery selects services of the catalogue, in the order of ids.
type ServiceQuery struct {
	// Agency narrows to one agency; empty means all.
	Agency string
	// After is the id after which to continue; empty starts.
	After string
	// Limit is 1 to 100; 0 means 50.
	Limit int
}

// ServicePage is a page of the catalogue.
type ServicePage struct {
	Items   []catalog.Service `json:"items"`
	HasMore bool              `json:"has_more"`
}

// DebtQuery selects debts of one payer.
type DebtQuery struct {
	// Payer is an IIN or BIN.
	Payer string
	// Agency narrows to the debts of one agency; empty means all.
	Agency string
	// Reference narrows to debts with this number; empty means any.
	Reference string
	// State narrows to one state; empty means open and reserved ones.
	State debt.State
	// After is the id after which to continue; empty starts.
	After string
	// Limit is 1 to 100; 0 means 50.
	Limit int
}

// DebtPage is a page of debts, in the order of their ids.
type DebtPage struct {
	Items   []debt.Debt `json:"items"`
	HasMore bool        `json:"has_more"`
	// LoadedAt is the oldest of the times at which agencies stated the listed debts; nil for an empty page.
	LoadedAt *time.Time `json:"loaded_at,omitempty"`
	// Registers are the agencies that keep their own register and were asked for this page; see [Service.LookUp].
	Registers []RegisterAnswer `json:"registers,omitempty"`
}

// DebtBatch is the result of a batch, item by item.
type DebtBatch struct {
	Results  []debt.Result `json:"results"`
	Accepted int           `json:"accepted"`
	Refused  int           `json:"refused"`
	LoadedAt time.Time     `json:"loaded_at"`
}

// Confirmation says what a bank's message did.
type Confirmation struct {
	// Result is "applied" or "already-applied".
	Result string `json:"result"`
	Order  string `json:"order"`
	// Refund is set when the message was about one.
	Refund string `json:"refund,omitempty"`
}

// Results of a confirmation.
const (
	Applied        = "applied"
	AlreadyApplied = "already-applied"
)

// Receipt is a stored receipt. Its documents are fetched apart.
type Receipt struct {
	ID    string `json:"id"`
	Code  string `json:"code"`
	Order string `json:"order"`
	// Core is the canonical JSON that was sealed; see package receipt.
	Core json.RawMessage `json:"core"`
	// PDFSHA256 is the hex digest of the PDF as it is given out. The core has that of the page before it was sealed.
	PDFSHA256 string    `json:"pdf_sha256"`
	IssuedAt  time.Time `json:"issued_at"`
	// Refunded is what the payer got back since, in tiyn: the receipt proves that the money was paid, and not that it stayed.
	Refunded int64 `json:"refunded,omitempty"`
}

// Checkpoint is a signed state of the whole journal.
type Checkpoint struct {
	Number int64 `json:"number"`
	// Size is the number of leaves in all buckets.
	Size int64 `json:"size"`
	// Root is the base64 hash at the top of the tree over the buckets.
	Root string `json:"root"`
	// Note is the signed note in full.
	Note string    `json:"note"`
	At   time.Time `json:"at"`
}

// PaymentFact answers an agency's question about a debt: amount, date, sender and beneficiary (R10 b).
type PaymentFact struct { //nolint:revive // "payment fact" is the name in the glossary; a bare Fact says nothing
	Debt      string `json:"debt"`
	Reference string `json:"reference"`
	Agency    string `json:"agency"`
	Paid      bool   `json:"paid"`
	// State of the debt.
	State debt.State `json:"state"`
	money.Amount
	Payer         debt.Payer          `json:"payer"`
	Beneficiary   catalog.Beneficiary `json:"beneficiary"`
	Order         string              `json:"order,omitempty"`
	Transfer      string              `json:"transfer,omitempty"`
	Bank          string              `json:"bank,omitempty"`
	BankReference string              `json:"bank_reference,omitempty"`
	ExecutedAt    *time.Time          `json:"executed_at,omitempty"`
	Receipt       string              `json:"receipt,omitempty"`
	// Discount is what was taken off, in tiyn: Amount is what was paid.
	Discount int64 `json:"discount,omitempty"`
	// Instalments are the parts, oldest first, of a debt that is paid in parts, and Left what is still owed, in tiyn.
	Instalments []PaidPart `json:"instalments,omitempty"`
	Left        int64      `json:"left,omitempty"`
	// Refunded is what the payer got back, in tiyn.
	Refunded int64 `json:"refunded,omitempty"`
}

// PaidPart is a part of a debt that a bank has executed.
type PaidPart struct {
	Order         string     `json:"order"`
	Transfer      string     `json:"transfer"`
	Bank          string     `json:"bank"`
	BankReference string     `json:"bank_reference"`
	ExecutedAt    *time.Time `json:"executed_at,omitempty"`
	Receipt       string     `json:"receipt,omitempty"`
	money.Amount
}
