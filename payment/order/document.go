package order

import (
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"qaqpa/payment/canon"
	"qaqpa/payment/catalog"
	"qaqpa/payment/debt"
	"qaqpa/payment/money"
)

// DocumentType marks a document as the authorisation of a payment, so that a signature given for anything else
// cannot be taken for one.
const DocumentType = "payment-authorisation"

// DocumentVersion is the version of the layout.
const DocumentVersion = 1

// Document is what the payer signs: everything that the order does, in words and numbers, with a nonce and an end of
// validity so that the signature serves once. The gateway stores its bytes and verifies over them.
type Document struct {
	Type    string `json:"type"`
	Version int    `json:"version"`
	// Statement says in three languages what a signature under the document means.
	Statement catalog.Names `json:"statement"`
	Gateway   Gateway       `json:"gateway"`
	Order     string        `json:"order"`
	// Nonce is 16 random bytes in hex.
	Nonce     string       `json:"nonce"`
	CreatedAt string       `json:"created_at"`
	ExpiresAt string       `json:"expires_at"`
	Payer     debt.Payer   `json:"payer"`
	Bank      DocumentBank `json:"bank"`
	// Initiated says that the bank ordered the payment for its own client, and that nobody signed this document.
	Initiated *Initiated     `json:"initiated,omitempty"`
	Items     []DocumentItem `json:"items"`
	// Total in tenge with two decimals, for the reader; Amount is the same in tiyn.
	Total string `json:"total"`
	money.Amount
	// Commission of the bank; nil where it takes none.
	Commission *Commission `json:"commission,omitempty"`
}

// Gateway names the operator to whom the signature is given.
type Gateway struct {
	BIN string `json:"bin"`
	URL string `json:"url"`
}

// DocumentBank is the bank that shall execute the payment.
type DocumentBank struct {
	BIC  string `json:"bic"`
	Name string `json:"name"`
}

// Initiated names the message of the bank that began a payment.
type Initiated struct {
	Request string `json:"request"`
	// Channel is app, terminal or branch.
	Channel string `json:"channel"`
}

// DocumentItem is one debt to be paid.
type DocumentItem struct {
	Debt        string        `json:"debt"`
	DebtVersion int           `json:"debt_version"`
	Reference   string        `json:"reference"`
	Purpose     string        `json:"purpose,omitempty"`
	Agency      string        `json:"agency"`
	AgencyName  catalog.Names `json:"agency_name"`
	Service     string        `json:"service"`
	ServiceName catalog.Names `json:"service_name"`
	// ServiceVersion is the publication under which the debt was loaded.
	ServiceVersion int                 `json:"service_version"`
	KBK            string              `json:"kbk"`
	KNP            string              `json:"knp"`
	KBE            string              `json:"kbe"`
	Beneficiary    catalog.Beneficiary `json:"beneficiary"`
	Basis          catalog.Basis       `json:"basis"`
	// Full is the whole debt in tiyn, where Amount is not: it is what a discount leaves, or an instalment.
	Full       int64              `json:"full,omitempty"`
	Discount   *catalog.Reduction `json:"discount,omitempty"`
	Instalment bool               `json:"instalment,omitempty"`
	// Commission is the item's share of what the payer pays the bank on top, AgencyCommission of what the agency owes the bank, in tiyn.
	Commission       int64 `json:"commission,omitempty"`
	AgencyCommission int64 `json:"agency_commission,omitempty"`
	// CommissionTerms names the charge of which they are shares.
	CommissionTerms string `json:"commission_terms,omitempty"`
	// Sum in tenge with two decimals; Amount is the same in tiyn.
	Sum string `json:"sum"`
	money.Amount
}

// Statement is the text above the numbers.
func Statement() catalog.Names {
	return catalog.Names{
		KK: "Осы құжатқа қол қою арқылы мен банкке төменде көрсетілген төлемді орындауды тапсырамын.",
		RU: "Подписывая этот документ, я поручаю банку исполнить указанный ниже платёж.",
		EN: "By signing this document I order the bank to execute the payment stated below.",
	}
}

// Encode renders the document as it is stored and signed: canonical order of keys, indented for the reader.
func (d Document) Encode() ([]byte, error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	raw, err := canon.Indent(d)
	if err != nil {
		return nil, fmt.Errorf("couldn't encode the document of %s: %w", d.Order, err)
	}
	return raw, nil
}

// DecodeDocument reads a stored document strictly.
func DecodeDocument(raw []byte) (Document, error) {
	var d Document
	if err := canon.Decode(raw, &d); err != nil {
		return Document{}, err
	}
	return d, d.check()
}

// ReadStored reads a document that [Document.Encode] wrote and that was kept since: the rules are checked, the spelling is
// not. It costs a fifth of [DecodeDocument].
func ReadStored(raw []byte) (Document, error) {
	var d Document
	if err := json.Unmarshal(raw, &d, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)); err != nil {
		return Document{}, fmt.Errorf("couldn't read a stored document: %w", err)
	}
	return d, d.check()
}

// check holds the document to its own rules: the total is the sum of the items, and both spellings of each amount
// agree, so that nobody signs other figures than are executed.
func (d Document) check() error {
	if d.Type != DocumentType || d.Version != DocumentVersion || len(d.Items) == 0 {
		return fmt.Errorf("couldn't take a document of type %q version %d with %d items", d.Type, d.Version, len(d.Items))
	}
	total := money.FromTiyn(0)
	for _, item := range d.Items {
		if item.Sum != item.Decimal() || !item.Positive() || !item.fits() {
			return fmt.Errorf("couldn't take %s: sum %s of %d tiyn, in full %d", item.Debt, item.Sum, item.Tiyn, item.Full)
		}
		var err error
		if total, err = total.Plus(item.Amount); err != nil {
			return fmt.Errorf("couldn't add up the document: %w", err)
		}
	}
	if total != d.Amount || d.Total != d.Decimal() {
		return fmt.Errorf("couldn't take a total of %s for items of %s", d.Total, total.Decimal())
	}
	if err := d.checkCharges(); err != nil {
		return err
	}
	for _, at := range []string{d.CreatedAt, d.ExpiresAt} {
		if _, err := time.Parse(time.RFC3339Nano, at); err != nil {
			return fmt.Errorf("couldn't read a time of the document: %w", err)
		}
	}
	return nil
}

// fits reports whether sum, full amount and discount of an item agree.
func (i DocumentItem) fits() bool {
	switch {
	case i.Instalment:
		return i.Discount == nil && i.Tiyn <= i.Full
	case i.Discount != nil:
		return i.Discount.Tiyn > 0 && i.Full > i.Tiyn && i.Full-i.Tiyn == i.Discount.Tiyn && i.Discount.Until.Valid()
	}
	return i.Full == 0
}

// Lapsed names a debt of the document whose discount is over on a day, so that the document asks for less than is due; "" when
// there is none.
func (d Document) Lapsed(on catalog.Date) string {
	for _, item := range d.Items {
		if item.Discount != nil && item.Discount.Over(on) {
			return item.Debt
		}
	}
	return ""
}

// InParts reports whether the document pays a part of some debt.
func (d Document) InParts() bool {
	for _, item := range d.Items {
		if item.Instalment {
			return true
		}
	}
	return false
}
