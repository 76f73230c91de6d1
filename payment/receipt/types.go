package receipt

import (
	"qaqpa/payment/catalog"
	"qaqpa/payment/debt"
	"qaqpa/payment/ledger"
	"qaqpa/payment/money"
)

// Issuer is the operator of the gateway.
type Issuer struct {
	// Name of the operator in the three languages.
	Name Texts `json:"name"`
	// BIN of the operator.
	BIN string `json:"bin"`
	// URL is the public base, without a trailing slash; receipts point to URL + "/verify?code=…".
	URL string `json:"url"`
}

// Texts is a text in three languages.
type Texts = catalog.Names

// Type and Version mark the layout of a core.
const (
	Type    = "receipt"
	Version = 1
)

// Core is the receipt as machines read it. Its canonical JSON is what the gateway seals.
type Core struct {
	Type    string `json:"type"`
	Version int    `json:"version"`
	// ID is "rcp_", two hex digits of the bucket, 32 hex digits.
	ID string `json:"id"`
	// Code is printed on the receipt; see [NewCode].
	Code  string     `json:"code"`
	Order string     `json:"order"`
	Payer debt.Payer `json:"payer"`
	// Items are the debts that were paid.
	Items []Item `json:"items"`
	money.Amount
	// Commission is what the payer paid the bank on top of the amount; nil where it took nothing.
	Commission    *Commission `json:"commission,omitempty"`
	Bank          Bank        `json:"bank"`
	BankReference string      `json:"bank_reference"`
	// ExecutedAt is the bank's time of execution, IssuedAt the gateway's of the receipt, RFC 3339 in UTC.
	ExecutedAt string `json:"executed_at"`
	IssuedAt   string `json:"issued_at"`
	// PDFSHA256 is the digest of the page as it was drawn, hex: of the PDF, or of what a sealed PDF begins with; see [BeginsWithPage].
	PDFSHA256 string `json:"pdf_sha256"`
	// DocumentSHA256 is the digest of the document that the payer signed, hex.
	DocumentSHA256 string `json:"document_sha256"`
	// Nonce of that document; it opens the journal's commitment to the payer.
	Nonce   string       `json:"nonce"`
	Journal ledger.Proof `json:"journal"`
	Issuer  Issuer       `json:"issuer"`
}

// Commission is a bank's, in tiyn.
type Commission struct {
	Tiyn int64 `json:"amount"`
	// Debit is the amount of the receipt and the commission together, which left the payer's account.
	Debit int64 `json:"debit_amount"`
}

// Bank executed the payment.
type Bank struct {
	BIC  string `json:"bic"`
	Name string `json:"name"`
}

// Item is one debt that was paid.
type Item struct {
	Debt      string `json:"debt"`
	Reference string `json:"reference"`
	// Transfer in the ledger.
	Transfer    string              `json:"transfer"`
	Purpose     string              `json:"purpose,omitempty"`
	Service     string              `json:"service"`
	ServiceName Texts               `json:"service_name"`
	Agency      string              `json:"agency"`
	AgencyName  Texts               `json:"agency_name"`
	Beneficiary catalog.Beneficiary `json:"beneficiary"`
	KBK         string              `json:"kbk"`
	KNP         string              `json:"knp"`
	KBE         string              `json:"kbe"`
	// Basis tells how the amount was made.
	Basis catalog.Basis `json:"basis"`
	// Term names full amount, discount or rest, where the item is not the whole debt.
	Term *ledger.Term `json:"term,omitempty"`
	money.Amount
}
