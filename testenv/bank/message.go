package bank

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Outcomes of a payment-status.
const (
	Executed = "executed"
	Refused  = "refused"
	Pending  = "pending"
	Absent   = "absent"
)

// order is the gateway's payment-order. Amounts are in tiyn. Unknown fields are ignored.
type order struct {
	Type     string `json:"type"`
	Attempt  string `json:"attempt"`
	Order    string `json:"order"`
	Bank     string `json:"bank"`
	Amount   int64  `json:"amount"`
	Currency string `json:"currency"`
	Payer    struct {
		ID string `json:"id"`
	} `json:"payer"`
	Beneficiary Beneficiary `json:"beneficiary"`
	Purpose     string      `json:"purpose"`
}

// Beneficiary of a payment.
type Beneficiary struct {
	Name    string `json:"name"`
	BIN     string `json:"bin"`
	Account string `json:"account"`
	BIC     string `json:"bic"`
	KBK     string `json:"kbk"`
	KNP     string `json:"knp"`
	KBE     string `json:"kbe"`
}

// Status is the bank's payment-status message.
type Status struct {
	Type       string     `json:"type"`
	Bank       string     `json:"bank"`
	Attempt    string     `json:"attempt"`
	Order      string     `json:"order,omitempty"`
	Outcome    string     `json:"outcome"`
	Amount     int64      `json:"amount,omitempty"`
	Currency   string     `json:"currency,omitempty"`
	Reference  string     `json:"bank_reference,omitempty"`
	ExecutedAt *time.Time `json:"executed_at,omitempty"`
	Reason     string     `json:"reason,omitempty"`
}

// parseOrder reads the content of a sealed message and refuses what the bank can't execute.
func parseOrder(content []byte, bic string) (order, error) {
	var o order
	if err := json.Unmarshal(content, &o); err != nil {
		return o, fmt.Errorf("couldn't read the payment order: %w", err)
	}
	switch {
	case o.Type != "payment-order":
		return o, fmt.Errorf("type %q is not payment-order", o.Type)
	case o.Bank != bic:
		return o, fmt.Errorf("the order is for bank %q", o.Bank)
	case o.Attempt == "" || len(o.Attempt) > 100 || o.Order == "" || len(o.Order) > 100:
		return o, errors.New("attempt and order have 1 to 100 characters")
	case o.Amount <= 0 || o.Currency != "KZT":
		return o, errors.New("the amount must be positive, in KZT")
	case len(o.Payer.ID) != 12:
		return o, errors.New("payer.id has 12 digits")
	case o.Beneficiary.Account == "" || o.Beneficiary.BIC == "" || o.Beneficiary.BIN == "":
		return o, errors.New("the beneficiary needs account, bic and bin")
	}
	return o, nil
}

// fingerprint of what may not differ when an attempt comes again.
func (o order) fingerprint() string {
	raw, err := json.Marshal(o)
	if err != nil {
		panic(err) // strings and a number always encode
	}
	return fmt.Sprintf("%x", sha256.Sum256(raw))
}
