package engine_test

import (
	"bytes"
	"io"
	"testing"
	"time"

	"codeberg.org/go-pdf/fpdf"

	"qaqpa/signer/pades"
	"qaqpa/signer/report"
	"qaqpa/testenv/pki"
)

// cosignedPDF is a document whose one signature has two SignerInfos; change may edit the CMS before it is put in.
func (l *lab) cosignedPDF(second *pki.Identity, change func(cms []byte)) []byte {
	l.Helper()
	var page bytes.Buffer
	doc := fpdf.New("P", "mm", "A4", "")
	doc.AddPage()
	if err := doc.Output(&page); err != nil {
		l.Fatal(err)
	}
	p, err := pades.Prepare(page.Bytes(), pades.SignInput{SubFilter: pades.CAdESDetached, At: time.Date(2026, 10, 1, 9, 0, 0, 0, time.UTC), ContentsMax: 8000})
	if err != nil {
		l.Fatal(err)
	}
	octets, err := io.ReadAll(p.Octets())
	if err != nil {
		l.Fatal(err)
	}
	value, err := pki.CoSign(octets, pki.CMSOptions{Detached: true}, l.id, second)
	if err != nil {
		l.Fatal(err)
	}
	change(value)
	out, err := p.Finish(value)
	if err != nil {
		l.Fatal(err)
	}
	return out
}

// TestSignersOfOnePDFSignature: the standards allow one SignerInfo, readers show the first, so whoever adds a second one could have a
// name believed that nobody verified. Each is a signature with a verdict of its own.
func TestSignersOfOnePDFSignature(t *testing.T) {
	l := setup(t, pki.ECDSA)
	second, err := l.pki.Issue(pki.Profile{Family: pki.ECDSA, Kind: pki.Citizen, Surname: "ОМАРОВА", Given: "САУЛЕ", IIN: pki.IIN(2)})
	if err != nil {
		t.Fatal(err)
	}
	whole := l.assess(l.cosignedPDF(second, func([]byte) {}), nil).Verdict
	if len(whole.Signatures) != 2 || whole.Coverage != "FULL" {
		t.Fatalf("%d signatures, coverage %s", len(whole.Signatures), whole.Coverage)
	}
	named := map[string]bool{}
	for _, s := range whole.Signatures {
		if s.Indication == report.TotalFailed {
			t.Errorf("%s: %s %s", s.Signer.Name, s.Indication, s.Sub)
		}
		named[s.Signer.IIN] = true
	}
	if !named[pki.IIN(1)] || !named[pki.IIN(2)] {
		t.Errorf("signers %v", named)
	}
	// The last octet of the CMS is the end of the second signature value.
	broken := l.assess(l.cosignedPDF(second, func(cms []byte) { cms[len(cms)-1] ^= 1 }), nil).Verdict
	failed := 0
	for _, s := range broken.Signatures {
		if s.Indication == report.TotalFailed {
			failed++
		}
	}
	if failed != 1 || broken.Passed() || broken.Indication != report.TotalFailed {
		t.Errorf("%d of %d signatures fail, the document: %s", failed, len(broken.Signatures), broken.Indication)
	}
}
