package xmldsig_test

import (
	"bytes"
	"errors"
	"testing"

	"qaqpa/signer/xmldsig"
	"qaqpa/signer/xmltree"
)

// Whatever the document: no panic, within the limits; what is said to agree has the digest that stands there, what is said
// to be covered is in the extracted nodes, and FULL holds the document element.
func FuzzDocument(f *testing.F) {
	f.Add([]byte("<a>" + unsigned(reference("", transform(xmldsig.TransformEnveloped, ""))) + "</a>"))
	f.Add([]byte("<a Id='x'>QUFB" + unsigned(reference("#x", transform(xmldsig.TransformBase64, ""))+reference("#xpointer(id('x'))", "")) + "</a>"))
	f.Add([]byte("<a>" + unsigned(reference("", xpathTransform("not(ancestor-or-self::ds:Signature)"))+reference("", filter2("subtract", "//ds:Signature"))) + "</a>"))
	f.Add(signedParts(f, `<a><b Id="one">x</b></a>`, "one"))
	b, err := xmldsig.SignEnveloped(named(f, "P-256").input(order))
	f.Add(mustSign(f, b, err))
	f.Fuzz(func(t *testing.T, b []byte) {
		tree, err := xmltree.Parse(b, xmltree.Limits{Nodes: 1 << 12})
		if err != nil {
			return
		}
		doc, err := xmldsig.Open(tree, xmldsig.Limits{Octets: 1 << 20, Steps: 50_000})
		if err != nil {
			if !errors.Is(err, xmldsig.ErrLimit) {
				t.Fatal(err)
			}
			return
		}
		work := doc.NewWork()
		for _, s := range doc.Signatures {
			checked := s.Check(xmldsig.Inputs{Work: work})
			for _, o := range checked.References {
				checkOutcome(t, o)
			}
			if passes(checked.Verify(nil)) {
				t.Fatal("holds without a certificate")
			}
			s.Candidates(offered(s))
		}
	})
}

func checkOutcome(t *testing.T, o *xmldsig.Outcome) {
	t.Helper()
	nodes, exact := o.Nodes()
	if o.Scope.Coverage == xmldsig.Full && (!exact || !nodes.Has(nodes.Document().Element())) {
		t.Fatalf("FULL without the document element: %s", o.Scope)
	}
	if !o.Agrees() {
		return
	}
	octets, err := o.Octets()
	if err != nil {
		t.Fatal(err)
	}
	if got := o.Reference.Digest.Sum(nil, octets); !bytes.Equal(got, o.Reference.Value) {
		t.Fatalf("the extracted octets have another digest: %s", o.Scope)
	}
}
