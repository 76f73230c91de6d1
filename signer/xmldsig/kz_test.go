package xmldsig_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"qaqpa/signer/pkix"
	"qaqpa/signer/xmldsig"
	"qaqpa/signer/xmltree"
)

// nationalSamples are the signed documents of NCANode's tests, with what each signature covers.
var nationalSamples = []struct {
	file   string
	scopes []string
}{
	{"XmlServiceTest.XML_SIGNED_VALID_STRING.xml", []string{"FULL / without /a/ds:Signature"}},
	{"XmlServiceTest.XML_SIGNED_VALID_STRING_TWO_SIGNERS.xml", []string{
		"FULL / without /a/ds:Signature[1], /a/ds:Signature[2]", "FULL / without /a/ds:Signature[2]",
	}},
	{"WsseServiceTest.XML_SIGNED_STRING.xml", []string{
		"PARTIAL /SOAP-ENV:Envelope/SOAP-ENV:Body (id id-0ace83d4-0477-4890-90b2-50b3bd434949)",
	}},
}

func TestConformanceKZXML(t *testing.T) {
	rep := report{Suite: "kz: XML and WSSE"}
	dir := corpora(t, "kz", "ncanode", "groovy")
	for _, sample := range nationalSamples {
		t.Run(sample.file, func(t *testing.T) {
			doc := open(t, readFile(t, filepath.Join(dir, sample.file)))
			if len(doc.Signatures) != len(sample.scopes) {
				t.Fatalf("%d signatures", len(doc.Signatures))
			}
			for i, s := range doc.Signatures {
				rep.Total++
				checked := s.Check(xmldsig.Inputs{})
				signers := s.Candidates(offered(s))
				if len(signers) == 0 {
					t.Fatal("no certificate of the signer")
				}
				checks := checked.Verify(signers[0])
				t.Logf("%s: %s", s.Algorithm.Name, checks)
				if !passes(checks) {
					t.Errorf("signature %d: %s", i, checks)
				}
				if got := checked.References[0].Scope.String(); got != sample.scopes[i] {
					t.Errorf("signature %d covers %s", i, got)
				}
				rep.Agreed++
			}
		})
	}
	rep.write(t)
}

// authorities are the test CAs that issued the certificates of the samples.
func authorities(tb testing.TB) (out []*pkix.Certificate) {
	tb.Helper()
	dir := corpora(tb, "kz", "ncanode", "groovy")
	for _, name := range []string{"NCA_2004_RSA_CERT", "NCA_2004_GOST_CERT", "NCA_2015_CERT"} {
		all, err := pkix.ParsePEMOrDER(readFile(tb, filepath.Join(dir, "WithTestData."+name+".bin")))
		if err != nil {
			tb.Fatal(err)
		}
		out = append(out, all...)
	}
	return out
}

func issued(c *pkix.Certificate, by []*pkix.Certificate) bool {
	for _, a := range by {
		if c.CheckSignatureFrom(a) == nil {
			return true
		}
	}
	return false
}

// holds is what a careful caller asks: everything that the untouched document had must still be there, and hold, and the
// signers' certificates must be those of the CAs. KeyInfo is not signed: it is the CA's signature that protects it.
func holds(b []byte, signatures int, cas []*pkix.Certificate) bool {
	tree, err := xmltree.Parse(b, xmltree.Limits{})
	if err != nil {
		return false
	}
	doc, err := xmldsig.Open(tree, xmldsig.Limits{})
	if err != nil || len(doc.Signatures) != signatures {
		return false
	}
	for _, s := range doc.Signatures {
		checked := s.Check(xmldsig.Inputs{})
		signers := s.Candidates(offered(s))
		if len(signers) == 0 || !issued(signers[0], cas) || !passes(checked.Verify(signers[0])) {
			return false
		}
		if checked.References[0].Scope.Coverage == xmldsig.Nothing {
			return false
		}
	}
	return true
}

// Bits of the national samples are flipped: one in eleven (61 under the race detector), each of them under QAQPA_CONFORMANCE (make
// conformance-kz). What survives must lie where no signature looks.
func TestConformanceKZFlippedXML(t *testing.T) {
	rep := report{Suite: "kz: XML and WSSE with one bit changed"}
	dir := corpora(t, "kz", "ncanode", "groovy")
	for _, sample := range nationalSamples {
		t.Run(sample.file, func(t *testing.T) {
			b := readFile(t, filepath.Join(dir, sample.file))
			n, cas := len(sample.scopes), authorities(t)
			if !holds(b, n, cas) {
				t.Fatal("the document itself does not hold")
			}
			unsigned := unsignedPlaces(t, b)
			step := 11
			switch {
			case os.Getenv("QAQPA_CONFORMANCE") != "":
				step = 1
			case testing.Short() || slowness > 1:
				step = 61
			}
			survived := map[string]int{}
			for bit := 0; bit < len(b)*8; bit += step {
				changed := bytes.Clone(b)
				changed[bit/8] ^= 1 << (bit % 8)
				rep.Total++
				if !holds(changed, n, cas) {
					rep.Agreed++
					continue
				}
				why, ok := unsigned[bit/8]
				if ok {
					rep.leaveOut(why)
				} else {
					rep.WronglyAccepted++
					t.Errorf("octet %d, bit %d: …%s… became %q", bit/8, bit%8, b[max(0, bit/8-20):min(len(b), bit/8+20)], changed[bit/8])
				}
				survived[why]++
			}
			t.Logf("survived: %v", survived)
		})
	}
	rep.Total -= rep.OutOfScope
	rep.write(t)
}

// unsignedPlaces are the octets of a document that none of its signatures covers, with the reason.
func unsignedPlaces(tb testing.TB, b []byte) map[int]string {
	tb.Helper()
	out := map[int]string{}
	doc := open(tb, b)
	from, _ := doc.Tree.Element().Range()
	for i := range from {
		out[i] = "XML declaration"
	}
	var sets []xmltree.NodeSet
	for _, s := range doc.Signatures {
		nodes, _ := s.Check(xmldsig.Inputs{}).References[0].Nodes()
		sets = append(sets, nodes, xmltree.Subtree(s.SignedInfo))
	}
	for n := range doc.Tree.Root().Descendants() {
		covered := false
		for _, set := range sets {
			covered = covered || set.Has(n)
		}
		if covered {
			continue
		}
		from, to := n.Range()
		why := "between the parts of a signature"
		switch {
		case n.Kind() == xmltree.Element && !strings.HasPrefix(n.Path(), "/SOAP-ENV") && strings.Contains(n.Path(), "Signature"):
			why = "names and attributes in a signature outside SignedInfo"
		case strings.HasPrefix(n.Path(), "/SOAP-ENV:Envelope"):
			why = "envelope and header, which the signature of the body does not cover"
		}
		for i := from; i < to; i++ {
			out[i] = why
		}
	}
	// What is covered, or is the value or the certificate itself, must not survive.
	for _, set := range sets {
		for n := range set.Tree() {
			if n.Kind() == xmltree.Element || n.Kind() == xmltree.Root {
				continue
			}
			from, to := n.Range()
			for i := from; i < to; i++ {
				delete(out, i)
			}
		}
	}
	for _, s := range doc.Signatures {
		values := []xmltree.Node{s.SignatureValue}
		for _, c := range s.KeyInfo.Certificates {
			values = append(values, c.Element)
		}
		for _, v := range values {
			from, to := v.FirstChild().Range()
			for i := from; i < to; i++ {
				if c := b[i]; c == '\n' || c == '&' || c == '#' || c == '1' || c == '3' || c == ';' || c == '\r' {
					out[i] = "white space of base64, or the digits of its character references"
				} else {
					delete(out, i)
				}
			}
		}
	}
	return out
}
