package portal

import (
	"qaqpa/signer/report"
)

// View is what the page of verification shows. At most one of Verdict, Receipt and Notice is set, except that a sealed
// receipt has both Verdict and Receipt.
type View struct {
	Frame
	// Code of a receipt, as the reader gave it; it fills the field again.
	Code string
	// SizeMB is how large both files may be together.
	SizeMB int
	// Verdict on an uploaded document.
	Verdict *report.Verdict
	// Receipt that the gateway issued.
	Receipt *Receipt
	// File says that the receipt is that of an uploaded file, octet by octet.
	File bool
	// Notice says why there is nothing to show.
	Notice Notice
	// TraceID is shown with a Notice, for the contact centre.
	TraceID string
}

// Notice names a message to the reader; its texts are verify.notice.<Notice>.title and .text.
type Notice string

// The notices.
const (
	ReceiptUnknown  Notice = "receipt_unknown"
	ReceiptChanged  Notice = "receipt_changed"
	DocumentMissing Notice = "document_missing"
	TooLarge        Notice = "too_large"
	FormInvalid     Notice = "form_invalid"
	TooMany         Notice = "too_many"
	Unavailable     Notice = "unavailable"
)

// Notices lists them, for the test of the catalogues.
func Notices() []Notice {
	return []Notice{ReceiptUnknown, ReceiptChanged, DocumentMissing, TooLarge, FormInvalid, TooMany, Unavailable}
}

// Render makes the page of verification.
func (p *Pages) Render(v View) ([]byte, error) {
	m := verifyModel{
		frame: p.frame(v.Frame, "verify"), Code: v.Code, File: v.File, TraceID: v.TraceID, Size: map[string]int{"Size": v.SizeMB}, Bytes: v.SizeMB << 20,
	}
	m.Module = "/verify/verify.js"
	m.Receipt = receiptModel(m.words, v.Receipt)
	if v.Verdict != nil {
		var err error
		if m.Verdict, err = verdictModel(m.words, *v.Verdict); err != nil {
			return nil, err
		}
	}
	if v.Notice != "" {
		m.Notice = "notice." + string(v.Notice)
	}
	return p.render("verify", m)
}
