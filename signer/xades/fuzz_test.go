package xades_test

import (
	"testing"

	"qaqpa/signer/algo"
	"qaqpa/signer/xades"
	"qaqpa/signer/xmldsig"
	"qaqpa/signer/xmltree"
)

// Whatever the document: no panic, within the limits; what is not signed is not told, and what can be raised can be read again.
func FuzzProperties(f *testing.F) {
	for _, packaging := range []xades.Packaging{xades.Enveloped, xades.Enveloping} {
		out := sign(f, input(f, packaging, order))
		f.Add([]byte(out))
		_, p := read(f, out, nil)
		stamped, err := p.AddSignatureStamp([]byte{0x30, 0})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(stamped)
		_, p = read(f, string(stamped), nil)
		archived, err := p.AddArchiveStamp([]byte{0x30, 0})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(archived)
	}
	id, _ := holders(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		tree, err := xmltree.Parse(b, xmltree.Limits{Nodes: 1 << 12})
		if err != nil {
			return
		}
		doc, err := xmldsig.Open(tree, xmldsig.Limits{Octets: 1 << 20, Steps: 50_000})
		if err != nil {
			return
		}
		work := doc.NewWork()
		for _, s := range doc.Signatures {
			checked := s.Check(xmldsig.Inputs{Work: work})
			p := xades.Read(checked, work)
			if p == nil {
				continue
			}
			p.Verify(id.cert)
			if p.Believed != (!p.Signed.IsZero() && checked.Covers(p.Signed)) || !p.Believed && (!p.SigningTime.IsZero() || p.Policy != nil) {
				t.Fatal("believed without being signed")
			}
			stamps, _ := p.Stamps(8)
			for _, st := range stamps {
				for _, over := range st.Over {
					_, _ = over.Digest(algo.SHA256)
				}
			}
			p.Level()
			p.Evidence()
			raised, err := p.AddSignatureStamp([]byte{0x30, 0})
			if err != nil {
				continue
			}
			if _, err := xmltree.Parse(raised, xmltree.Limits{}); err != nil {
				t.Fatalf("raised to something else: %v", err)
			}
		}
	})
}
