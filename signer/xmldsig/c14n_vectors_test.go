package xmldsig_test

import (
	"bytes"
	"fmt"
	"path/filepath"
	"testing"

	"qaqpa/signer/xmldsig"
)

// The octets that each reference digests, against the 32 files that merlin's suites give for them.
func TestConformanceCanonicalOctets(t *testing.T) {
	top := corpora(t, "xmlsec")
	equal := 0
	for _, suite := range []struct {
		dir, document, pattern string
		references             int
	}{
		{"merlin-c14n-three", "signature.xml", "c14n-%d.txt", 27},
		{"merlin-xpath-filter2-three", "sign-spec.xml", "sign-spec-c14n-%d.txt", 2},
		{"merlin-xpath-filter2-three", "sign-xfdl.xml", "sign-xfdl-c14n-%d.txt", 1},
	} {
		dir := filepath.Join(top, suite.dir)
		s := open(t, readFile(t, filepath.Join(dir, suite.document))).Signatures[0]
		checked := s.Check(xmldsig.Inputs{})
		if len(checked.References) != suite.references {
			t.Fatalf("%s: %d references", suite.document, len(checked.References))
		}
		var octets [][]byte
		for i, o := range checked.References {
			if !o.Agrees() {
				t.Errorf("%s, reference %d: %+v", suite.document, i, o.Check)
			}
			b, err := o.Octets()
			if err != nil {
				t.Errorf("%s, reference %d: %v", suite.document, i, err)
			}
			octets = append(octets, b)
		}
		info, err := s.SignedInfoOctets()
		if err != nil {
			t.Fatal(err)
		}
		for i, got := range append(octets, info) {
			name := fmt.Sprintf(suite.pattern, i)
			if i == len(octets) && suite.document == "sign-xfdl.xml" {
				break // the suite gives no SignedInfo here
			}
			if want := readFile(t, filepath.Join(dir, name)); !bytes.Equal(got, want) {
				t.Errorf("%s differs:\n%s\nwant\n%s", name, got, want)
				continue
			}
			equal++
		}
	}
	rep := report{Suite: "c14n: octets of references in merlin's suites", Agreed: equal, Total: 32}
	rep.write(t)
	if equal != 32 {
		t.Errorf("%d of 32 equal", equal)
	}
}
