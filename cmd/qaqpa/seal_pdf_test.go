//go:build !release

package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"codeberg.org/go-pdf/fpdf"
)

// TestSealPDF: PDF documents are sealed with the key of the token and validated, visibly and for the long term; what a
// certification forbids is refused.
func TestSealPDF(t *testing.T) {
	s := newSigning(t)
	f := fpdf.New("P", "mm", "A4", "")
	f.AddPage()
	var out bytes.Buffer
	if err := f.Output(&out); err != nil {
		t.Fatal(err)
	}
	document := s.write(t, "order.pdf", out.Bytes())
	sealed := s.run(t, "seal", document, "--format=pades", "--pdf-level=LTA", "--tsa", s.pkiServer.URL+"/tsp/", "--pdf-code=https://qaqpa.example/verify", "--pdf-certify=1")
	if !strings.HasSuffix(strings.TrimSpace(sealed), ".sealed.pdf") {
		t.Errorf("written to %s", sealed)
	}
	said := s.run(t, "validate", sealed)
	for _, want := range []string{"PAdES-B-LTA", "revision 2 of 4", "later, in revision 3: evidence", "later, in revision 4: time_stamp"} {
		if !strings.Contains(said, want) {
			t.Errorf("no %q in %s", want, said)
		}
	}
	s.refused(t, "forbids further signatures", "seal", sealed, "--format=pades")
	s.refused(t, "not a PDF document", "seal", s.document, "--format=pades")
	s.refused(t, "go with --format=cades", "seal", document, "--format=pades", "--detached")
	changed, err := os.ReadFile(sealed)
	if err != nil {
		t.Fatal(err)
	}
	broken := s.write(t, "broken.pdf", append(changed, "9 0 obj<<>>endobj"...))
	s.refused(t, "exit status 4", "validate", broken)
}
