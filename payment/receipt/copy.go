package receipt

import (
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"qaqpa/payment/canon"
	"qaqpa/payment/ledger"
)

// CopyName is the file in the PDF of a copy that holds the [Copy] in canonical JSON.
const CopyName = "receipt-copy.json"

// CopyType and CopyVersion mark the layout of a copy.
const (
	CopyType    = "receipt_copy"
	CopyVersion = 1
)

// ErrCopy says that a copy contradicts itself or its page.
var ErrCopy = errors.New("copy of a receipt does not hold")

// Copy is a receipt on another page than its own: a translation, or the paper form for a court. Its PDF begins with the page of which it has the
// digest, holds it as a file, and is sealed over the whole.
type Copy struct {
	Type     string   `json:"type"`
	Version  int      `json:"version"`
	Language Language `json:"language"`
	// PageSHA256 is the digest of the page as it was drawn, hex; see [BeginsWith].
	PageSHA256 string `json:"page_sha256"`
	// MadeAt is RFC 3339 in UTC.
	MadeAt string `json:"made_at"`
	// Receipt is the core that the page tells of, and ReceiptCMS the seal over it: attached CMS, DER, base64.
	Receipt    Core   `json:"receipt"`
	ReceiptCMS string `json:"receipt_cms"`
	// Court is set on a court's copy.
	Court *Court `json:"court,omitempty"`
}

// Court is what a court's copy has beyond the receipt: who asked for it, and the chain of evidence behind the payment (R10, R11).
type Court struct {
	// ID is "ccp_" and 32 hex digits.
	ID string `json:"id"`
	// RequestedBy and Reason are of whom asked, in his words.
	RequestedBy string `json:"requested_by"`
	Reason      string `json:"reason"`
	// Document is what the payer authorised, octet by octet, and Attempt what the bank was asked, by id. Withheld says that document and signatures are
	// left out: they name payments to others than who asks.
	Document string `json:"document,omitempty"`
	Withheld bool   `json:"withheld,omitempty"`
	Attempt  string `json:"attempt"`
	// Authorisations, in the order of signing, and Confirmation, the bank's word that made the payment.
	Authorisations []Authorisation `json:"authorisations"`
	Confirmation   *Statement      `json:"confirmation,omitempty"`
	// History are the steps of the order, the oldest first.
	History []Step `json:"history"`
	// Refunded is what the payer got back until the copy was made, in tiyn.
	Refunded int64 `json:"refunded"`
}

// Authorisation is one on which the order rests.
type Authorisation struct {
	// Method is eds, code, mandate or bank.
	Method string `json:"method"`
	// Signer is the IIN or BIN of whom the signature speaks for.
	Signer            string `json:"signer"`
	CertificateSHA256 string `json:"certificate_sha256,omitempty"`
	Statement
	// Record and Agreement are of an order that an agreement for repeated payments authorised: the gateway's own record, which binds order and
	// agreement, see [mandate.Record], and the agreement with the payer's signature.
	Record    string     `json:"record,omitempty"`
	Agreement *Agreement `json:"agreement,omitempty"`
}

// Statement is a signed message with the gateway's verdict on it.
type Statement struct {
	// At is when the gateway took it, RFC 3339 in UTC.
	At string `json:"at"`
	// SHA256 of the signed message, hex, and the message itself, base64; it is CMS or XML. Both are empty where nothing is signed.
	SHA256  string `json:"sha256,omitempty"`
	Message string `json:"message,omitempty"`
	// Verdict names the stored one; Indication and Sub are its outcome by EN 319 102-1.
	Verdict    string `json:"verdict,omitempty"`
	Indication string `json:"indication,omitempty"`
	Sub        string `json:"sub,omitempty"`
	// Evidence is what the verdict rests on, as far as it is not in the message: certificates, CRLs and OCSP answers, DER, base64. What is too
	// long is left out.
	Evidence []string `json:"evidence,omitempty"`
}

// Step is one of the order.
type Step struct {
	At    string `json:"at"`
	Event string `json:"event"`
	State string `json:"state"`
}

// Encode renders the copy in canonical JSON.
func (c Copy) Encode() ([]byte, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	return canon.Marshal(c)
}

// DecodeCopy reads a copy, which must be canonical and state every field, and holds it to its own rules. The seals, the page and the journal are
// checked apart. Errors wrap [ErrCopy].
func DecodeCopy(b []byte) (Copy, error) {
	var c Copy
	if err := canon.DecodeExact(b, &c); err != nil {
		return Copy{}, fmt.Errorf("%w: %w", ErrCopy, err)
	}
	return c, c.check()
}

func (c Copy) check() error {
	if c.Type != CopyType || c.Version != CopyVersion || !c.Language.Known() || c.PageSHA256 == "" || c.ReceiptCMS == "" {
		return fmt.Errorf("%w: type %q version %d in %q", ErrCopy, c.Type, c.Version, c.Language)
	}
	if _, err := time.Parse(time.RFC3339Nano, c.MadeAt); err != nil {
		return fmt.Errorf("%w: time %q", ErrCopy, c.MadeAt)
	}
	if err := c.Receipt.check(); err != nil {
		return fmt.Errorf("%w: %w", ErrCopy, err)
	}
	if c.Court == nil {
		return nil
	}
	if c.Court.ID == "" || c.Court.Reason == "" || c.Court.Withheld != (c.Court.Document == "") {
		return fmt.Errorf("%w: what a court needs is missing", ErrCopy)
	}
	// The attack: a good receipt beside the document of another order.
	if !c.Court.Withheld && digestOf([]byte(c.Court.Document)) != c.Receipt.DocumentSHA256 {
		return fmt.Errorf("%w: the order's document is not the one of the receipt", ErrCopy)
	}
	if entry, err := ledger.DecodeEntry([]byte(c.Receipt.Journal.Leaf)); err != nil || entry.Attempt != c.Court.Attempt {
		return fmt.Errorf("%w: the attempt is not the one of the journal", ErrCopy)
	}
	for _, one := range c.Court.statements() {
		if err := one.check(); err != nil {
			return err
		}
	}
	for _, a := range c.Court.Authorisations {
		if err := a.check(c); err != nil {
			return err
		}
	}
	return nil
}

// statements lists the signed messages.
func (c *Court) statements() []Statement {
	var list []Statement
	for _, a := range c.Authorisations {
		list = append(list, a.Statement)
		if a.Agreement != nil {
			list = append(list, a.Agreement.Statement)
		}
	}
	if c.Confirmation != nil {
		list = append(list, *c.Confirmation)
	}
	return list
}

func (s Statement) check() error {
	message, err := s.Signed()
	if err != nil {
		return fmt.Errorf("%w: message: %w", ErrCopy, err)
	}
	if len(message) > 0 && digestOf(message) != s.SHA256 {
		return fmt.Errorf("%w: a signed message differs from its digest", ErrCopy)
	}
	return nil
}

// Signed is the message; empty where none is in the copy.
func (s Statement) Signed() ([]byte, error) { return base64.StdEncoding.DecodeString(s.Message) }

// Seal is the CMS over the core.
func (c Copy) Seal() ([]byte, error) { return base64.StdEncoding.DecodeString(c.ReceiptCMS) }
