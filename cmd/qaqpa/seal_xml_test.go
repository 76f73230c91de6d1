//go:build !release

package main

import (
	"os"
	"strings"
	"testing"
)

// TestXAdES: XML documents are sealed with the key of the token, and any file beside or inside of a signature; they are raised and validated.
func TestXAdES(t *testing.T) {
	s := newSigning(t)
	tsa := s.pkiServer.URL + "/tsp/"
	document := s.write(t, "order.xml", []byte(`<?xml version="1.0"?><order Id="o1"><sum>540600</sum></order>`))
	sealed := s.run(t, "seal", document, "--format=xades", "--xades-level=LTA", "--tsa", tsa)
	if !strings.HasSuffix(strings.TrimSpace(sealed), "order.sealed.xml") {
		t.Errorf("written to %s", sealed)
	}
	if said := s.run(t, "validate", sealed); !strings.Contains(said, "XAdES-B-LTA") || !strings.Contains(said, "TOTAL-PASSED") {
		t.Errorf("%s", said)
	}
	beside := s.run(t, "seal", s.document, "--format=xades", "--xades-packaging=detached", "--xades-name=a.txt")
	raised := s.run(t, "raise", beside, "--level=LT", "--tsa", tsa, "--original", s.document)
	if said := s.run(t, "validate", raised, "--detached", s.document); !strings.Contains(said, "XAdES-B-LT") || !strings.Contains(said, "TOTAL-PASSED") {
		t.Errorf("%s", said)
	}
	around := s.run(t, "seal", s.document, "--format=xades", "--xades-packaging=enveloping", "-o", s.write(t, "x", nil)+".xml")
	if said := s.run(t, "validate", around); !strings.Contains(said, "XAdES-B-B") || !strings.Contains(said, "TOTAL-PASSED") {
		t.Errorf("%s", said)
	}
	s.refused(t, "XML", "seal", s.document, "--format=xades", "-o", document+".1")
	s.refused(t, "go with --format=cades", "seal", document, "--format=xades", "--timestamp")
	s.refused(t, "goes with --xades-packaging=enveloped", "seal", document, "--format=xades", "--xades-packaging=detached", "--xades-element=o1", "-o", document+".1")
	s.refused(t, "goes with --xades-packaging=detached", "seal", document, "--format=xades", "--xades-name=a", "-o", document+".1")
	s.refused(t, "go with --format=xades", "seal", document, "--xades-level=T")
	s.refused(t, "time-stamping", "seal", document, "--format=xades", "--xades-level=T", "--tsa=", "-o", document+".2")
	text, err := os.ReadFile(strings.TrimSpace(sealed))
	if err != nil {
		t.Fatal(err)
	}
	broken := s.write(t, "broken.xml", []byte(strings.Replace(string(text), "540600", "640600", 1)))
	s.refused(t, "exit status 4", "validate", broken)
}
