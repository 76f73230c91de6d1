package xades_test

import (
	"bytes"
	"crypto/sha256"
	"slices"
	"strings"
	"testing"

	"qaqpa/signer/algo"
	"qaqpa/signer/c14n"
	"qaqpa/signer/cms"
	"qaqpa/signer/xades"
	"qaqpa/signer/xmltree"
)

// canonical are elements of a document, found by their local names, in Canonical XML 1.0, one behind the other.
func canonical(tb testing.TB, tree *xmltree.Document, names ...string) []byte {
	tb.Helper()
	var out []byte
	for _, name := range names {
		for n := range tree.Root().Descendants() {
			if n.Kind() != xmltree.Element || n.Local() != name {
				continue
			}
			b, err := c14n.Canonical(xmltree.Subtree(n), c14n.Method{Form: c14n.Inclusive10})
			if err != nil {
				tb.Fatal(err)
			}
			out = append(out, b...)
			break
		}
	}
	return out
}

// TestMessages: what each kind of time stamp is over, put together here by the clauses of EN 319 132-1 and -2 and TS 101 903, and what it proves.
func TestMessages(t *testing.T) {
	stamp := func(name string) string {
		return `<` + name + `><x:EncapsulatedTimeStamp>` + token + `</x:EncapsulatedTimeStamp></` + name + `>`
	}
	digest := `<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><ds:DigestValue>AQID</ds:DigestValue>`
	certs := `<x:CompleteCertificateRefs><x:CertRefs><x:Cert><x:CertDigest>` + digest + `</x:CertDigest></x:Cert></x:CertRefs></x:CompleteCertificateRefs>`
	lists := `<x:CompleteRevocationRefs><x:CRLRefs><x:CRLRef><x:DigestAlgAndValue>` + digest + `</x:DigestAlgAndValue></x:CRLRef></x:CRLRefs></x:CompleteRevocationRefs>`
	values := `<x:CertificateValues><x:EncapsulatedX509Certificate>AQ==</x:EncapsulatedX509Certificate></x:CertificateValues>` +
		`<x:RevocationValues><x:OCSPValues><x:EncapsulatedOCSPValue>AQI=</x:EncapsulatedOCSPValue></x:OCSPValues></x:RevocationValues>`
	unsigned := certs + stamp("x:SignatureTimeStamp") + lists + stamp("x:SigAndRefsTimeStamp") + stamp("x:RefsOnlyTimeStamp") + values + stamp("y:ArchiveTimeStamp")
	p, checks := properties(t, "", stamp("x:AllDataObjectsTimeStamp"), unsigned)
	if w := checks.Worst(); w.Status > cms.Noted {
		t.Fatal(checks)
	}
	tree := p.Element.Document()
	// The document without the signature; SignedProperties; then what the time stamps name.
	data := []byte(order)
	archived := slices.Concat(data, canonical(t, tree, "SignedProperties", "SignedInfo", "SignatureValue", "KeyInfo", "CompleteCertificateRefs", "SignatureTimeStamp",
		"CompleteRevocationRefs", "SigAndRefsTimeStamp", "RefsOnlyTimeStamp", "CertificateValues", "RevocationValues"))
	stamps, err := p.Stamps(16)
	if err != nil || len(stamps) != 5 {
		t.Fatal(err, len(stamps))
	}
	for i, want := range []struct {
		name           string
		over           [][]byte // readings
		signature      bool
		covers, refers int
	}{
		{"content-time-stamp", [][]byte{data}, false, 0, 0},
		{"signature-time-stamp", [][]byte{canonical(t, tree, "SignatureValue")}, true, 1, 0},
		{xades.StampSigAndRefs, [][]byte{
			canonical(t, tree, "SignatureValue", "CompleteCertificateRefs", "SignatureTimeStamp", "CompleteRevocationRefs"),
			canonical(t, tree, "SignatureValue", "SignatureTimeStamp", "CompleteCertificateRefs", "CompleteRevocationRefs"),
		}, true, 2, 2},
		{xades.StampRefsOnly, [][]byte{canonical(t, tree, "CompleteCertificateRefs", "CompleteRevocationRefs")}, false, 0, 2},
		{xades.StampArchive, [][]byte{archived}, true, 7, 2},
	} {
		s := stamps[i]
		if s.String() != want.name || s.Fault != "" || s.CoversSignature != want.signature || len(s.Covers) != want.covers || len(s.References) != want.refers {
			t.Errorf("%s: %q, signature %v, covers %d, refers to %d", s.String(), s.Fault, s.CoversSignature, len(s.Covers), len(s.References))
		}
		for k, octets := range want.over {
			got, err := s.Over[k].Digest(algo.SHA256)
			if sum := sha256.Sum256(octets); err != nil || !bytes.Equal(got, sum[:]) {
				t.Errorf("%s, reading %d: %v: %s", want.name, k, err, octets)
			}
		}
	}
	if p.Level() != xades.LevelNone || !strings.Contains(tree.Text(), "RefsOnly") {
		t.Error(p.Level())
	}
}

// TestEarlyVersions: in 1.1.1 and 1.2.2 time stamps name what they are over by HashDataInfo, which may name the canonical form as well.
func TestEarlyVersions(t *testing.T) {
	for inside, fault := range map[string]bool{
		`<x:HashDataInfo uri="#sig"><x:Transforms><ds:Transform Algorithm="` + c14n.URIExclusive10 + `"/></x:Transforms></x:HashDataInfo>`: true,
		`<x:HashDataInfo uri=""/>`: true,
		``:                         false,
	} {
		p, _ := properties(t, "", "", `<x:SignatureTimeStamp>`+inside+`<x:EncapsulatedTimeStamp>`+token+`</x:EncapsulatedTimeStamp></x:SignatureTimeStamp>`)
		stamps, err := p.Stamps(4)
		if err != nil || len(stamps) != 1 || (stamps[0].Fault != "") != fault {
			t.Errorf("%s: %v %d", inside, err, len(stamps))
		}
	}
}
