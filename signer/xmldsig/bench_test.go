package xmldsig_test

import (
	"path/filepath"
	"testing"

	"qaqpa/signer/xmldsig"
	"qaqpa/signer/xmltree"
)

// A document from its octets to its checks, against the public-key operation alone.
func BenchmarkVerify(b *testing.B) {
	dir := corpora(b, "kz", "ncanode", "groovy")
	for _, name := range []string{"XmlServiceTest.XML_SIGNED_VALID_STRING.xml", "WsseServiceTest.XML_SIGNED_STRING.xml"} {
		raw := readFile(b, filepath.Join(dir, name))
		s := open(b, raw).Signatures[0]
		cert := offered(s)[0]
		octets, err := s.SignedInfoOctets()
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name+" key alone", func(b *testing.B) {
			for b.Loop() {
				if err := s.Algorithm.Verify(cert.PublicKey, octets, s.Value); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				tree, err := xmltree.Parse(raw, xmltree.Limits{})
				if err != nil {
					b.Fatal(err)
				}
				doc, err := xmldsig.Open(tree, xmldsig.Limits{})
				if err != nil {
					b.Fatal(err)
				}
				if !passes(doc.Signatures[0].Check(xmldsig.Inputs{}).Verify(cert)) {
					b.Fatal("does not hold")
				}
			}
		})
	}
}
