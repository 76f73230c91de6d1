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
	// Allocations stand in the place of the beneficiary when there are several.
	Allocations []allocation `json:"allocations,omitempty"`
	// Commission is taken from the payer for the bank itself, on top of the amount.
	Commission int64  `json:"commission,omitempty"`
	Purpose    string `json:"purpose"`
}

// allocation is what one of several beneficiaries gets.
type allocation struct {
	Reference   string      `json:"reference"`
	Amount      int64       `json:"amount"`
	Currency    string      `json:"currency"`
	Beneficiary Beneficiary `json:"beneficiary"`
}

// credits are the sums that leave the payer's account, one for each beneficiary.
func (o order) credits() []allocation {
	if len(o.Allocations) > 0 {
		return o.Allocations
	}
	return []allocation{{Reference: o.Attempt, Amount: o.Amount, Currency: o.Currency, Beneficiary: o.Beneficiary}}
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
	Commission int64      `json:"commission,omitempty"`
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
	case o.Amount <= 0 || o.Commission < 0 || o.Currency != "KZT":
		return o, errors.New("the amount must be positive, in KZT")
	case len(o.Payer.ID) != 12:
		return o, errors.New("payer.id has 12 digits")
	case len(o.Allocations) == 1 || (len(o.Allocations) > 1 && o.Beneficiary != Beneficiary{}):
		return o, errors.New("either a beneficiary or two allocations and more")
	}
	return o, checkCredits(o)
}

// checkCredits holds the credits to the sum that the payer agreed to.
func checkCredits(o order) error {
	left := o.Amount
	for _, c := range o.credits() {
		switch {
		case c.Beneficiary.Account == "" || c.Beneficiary.BIC == "" || c.Beneficiary.BIN == "":
			return errors.New("the beneficiary needs account, bic and bin")
		case c.Amount <= 0 || c.Amount > left || c.Currency != "KZT" || c.Reference == "":
			return errors.New("an allocation needs reference and a part of the amount, in KZT")
		}
		left -= c.Amount
	}
	if left != 0 {
		return errors.New("the allocations must add up to the amount")
	}
	return nil
}

// fingerprint of what may not differ when an attempt comes again.
func (o order) fingerprint() string {
	raw, err := json.Marshal(o)
	if err != nil {
		panic(err) // strings and a number always encode
	}
	return fmt.Sprintf("%x", sha256.Sum256(raw))
}
