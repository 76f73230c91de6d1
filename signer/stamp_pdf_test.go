package signer_test

import (
	"crypto/sha256"
	"testing"

	"qaqpa/signer/algo"
	"qaqpa/signer/pades"
	"qaqpa/signer/report"
	"qaqpa/signer/tsp"
	"qaqpa/testenv/pki"
)

// TestStampedPDF: a PDF document that nobody signed and a time-stamping authority stamped is judged as what it is; with another
// imprint it is nothing.
func TestStampedPDF(t *testing.T) {
	b := setup(t, []pki.Family{pki.RSA}, nil)
	stamped := func(wrong byte) []byte {
		p, err := pades.Prepare(page(t), pades.SignInput{SubFilter: pades.TimeStamp})
		if err != nil {
			t.Fatal(err)
		}
		imprint := p.Digest(algo.SHA256)
		imprint[0] ^= wrong
		request, err := tsp.Request{Hash: algo.SHA256, Imprint: imprint, Certificates: true}.Encode()
		if err != nil {
			t.Fatal(err)
		}
		r, err := tsp.ParseResponse(b.pki.TimeStamp(request))
		if err != nil || len(imprint) != sha256.Size {
			t.Fatal(err)
		}
		out, err := p.Finish(r.RawToken)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	v := b.validate(stamped(0), nil)
	if v.Indication != report.TotalPassed || v.Coverage != "FULL" || v.Passed() || len(v.TimeStamps) != 1 || v.TimeStamps[0].Kind != "document-time-stamp" {
		t.Errorf("%s/%s, coverage %s, %+v", v.Indication, v.Sub, v.Coverage, v.TimeStamps)
	}
	if v := b.validate(stamped(1), nil); v.Indication != report.TotalFailed || v.Coverage != "" {
		t.Errorf("another imprint: %s/%s, coverage %s", v.Indication, v.Sub, v.Coverage)
	}
}

// TestLockedPDF: without its password nothing can be said of a document, which is not the same as a bad signature.
func TestLockedPDF(t *testing.T) {
	needsPrograms(t, "qpdf")
	b := setup(t, []pki.Family{pki.ECDSA}, nil)
	v := b.validate(objectStreams(t, page(t), "--encrypt", "user", "owner", "256", "--"), nil)
	if v.Indication != report.Indeterminate || v.Passed() || len(v.Reasons) != 1 || v.Reasons[0].Code != report.ReasonPDFEncrypted {
		t.Errorf("%s/%s, %+v", v.Indication, v.Sub, v.Reasons)
	}
}
