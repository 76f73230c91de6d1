package ledger

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf8"

	"qaqpa/payment/money"
)

// sortedEntry and sortedTransfer are the leaf's members in the order of their names, which is the canonical one: so the
// standard encoder writes the canonical bytes at once. A test holds them against package canon.
type sortedEntry struct {
	Amount         int64            `json:"amount"`
	Attempt        string           `json:"attempt"`
	Bank           string           `json:"bank"`
	BankReference  string           `json:"bank_reference"`
	Bucket         int              `json:"bucket"`
	Currency       money.Currency   `json:"currency"`
	DocumentSHA256 string           `json:"document_sha256"`
	ExecutedAt     string           `json:"executed_at"`
	Order          string           `json:"order"`
	Part           int              `json:"part,omitempty"`
	Parts          int              `json:"parts,omitempty"`
	PayerSHA256    string           `json:"payer_sha256"`
	RecordedAt     string           `json:"recorded_at"`
	Seq            int64            `json:"seq"`
	Terms          []sortedTerm     `json:"terms,omitempty"`
	Transfers      []sortedTransfer `json:"transfers"`
	Type           string           `json:"type"`
	Version        int              `json:"version"`
}

type sortedTransfer struct {
	Amount   int64          `json:"amount"`
	Credit   Account        `json:"credit"`
	Currency money.Currency `json:"currency"`
	Debit    Account        `json:"debit"`
	Debt     string         `json:"debt"`
	ID       string         `json:"id"`
}

type sortedTerm struct {
	Debt     string          `json:"debt"`
	Discount *sortedDiscount `json:"discount,omitempty"`
	Full     int64           `json:"full"`
	Rest     int64           `json:"rest"`
}

type sortedDiscount struct {
	Amount  int64  `json:"amount"`
	Percent string `json:"percent"`
	Until   string `json:"until"`
}

func sortTerms(list []Term) []sortedTerm {
	if len(list) == 0 {
		return nil
	}
	sorted := make([]sortedTerm, len(list))
	for i, t := range list {
		sorted[i] = sortedTerm{Debt: t.Debt, Full: t.Full, Rest: t.Rest}
		if t.Discount != nil {
			sorted[i].Discount = &sortedDiscount{Amount: t.Discount.Tiyn, Percent: t.Discount.Percent, Until: t.Discount.Until}
		}
	}
	return sorted
}

func sortTransfers(list []Transfer) []sortedTransfer {
	sorted := make([]sortedTransfer, len(list))
	for i, t := range list {
		sorted[i] = sortedTransfer{Amount: t.Tiyn, Credit: t.Credit, Currency: t.Currency, Debit: t.Debit, Debt: t.Debt, ID: t.ID}
	}
	return sorted
}

func encodeSorted(v sortedEntry) ([]byte, error) {
	// Text that is not UTF-8 would be replaced silently; canonical JSON refuses it. Only the bank's words come from outside.
	if !utf8.ValidString(v.BankReference) {
		return nil, fmt.Errorf("%w: the bank's reference is not UTF-8", ErrJournal)
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("couldn't encode the entry of %s: %w", v.Order, err)
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}
