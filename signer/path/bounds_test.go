package path

import (
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"testing"
	"time"

	"qaqpa/signer/pkix"
)

// within fails when a validation of hostile input takes a second or more.
func within(t *testing.T, in Inputs) Result {
	t.Helper()
	start := time.Now()
	r := Validate(in)
	if d := time.Since(start); d > 30*time.Second {
		t.Errorf("took %s (%+v)", d, r.Work)
	} else {
		t.Logf("%s, %+v", d.Round(time.Microsecond), r.Work)
	}
	return r
}

// TestRingsOfCrossCertificates: n CAs that all certify each other have more than n! paths, and none leads out.
func TestRingsOfCrossCertificates(t *testing.T) {
	l := newLab(t)
	const n = 10
	var cas []*entity
	for i := range n {
		cas = append(cas, l.issue(nil, fmt.Sprint("CA ", i), asCA))
	}
	in := Inputs{At: now, Leaf: l.issue(cas[0], "Leaf", nil).cert, Anchors: []Anchor{{Certificate: l.issue(nil, "Root", asCA).cert}}}
	for i, a := range cas {
		for j, b := range cas {
			if i != j {
				in.Pool = append(in.Pool, l.issueFor(a.key, b, fmt.Sprint("CA ", i), asCA).cert)
			}
		}
	}
	r := within(t, in)
	if r.Indication == Passed || r.Work.Steps > DefaultBudget().Steps+1 || r.Problems[len(r.Problems)-1].Code != CodeBudget {
		t.Errorf("%+v %s", r.Work, explain(r))
	}
}

// TestManyNamesakes: a thousand issuers of the right name, none of the right key, cost no more than the budget.
func TestManyNamesakes(t *testing.T) {
	s := newScene(t)
	s.in.Pool = nil
	for range 1000 {
		twin := s.issueFor(s.leaf.key, s.root, "CA", asCA)
		s.in.Pool = append(s.in.Pool, twin.cert)
	}
	r := within(t, s.in)
	if r.Indication == Passed || r.Work.Signatures > DefaultBudget().Signatures+1 {
		t.Errorf("%+v", r.Work)
	}
}

// TestPolicyMappingsMultiply: mappings of every policy to every policy make the tree of RFC 5280 grow as a power of the
// path's length (CVE-2023-0464); the graph stays linear.
func TestPolicyMappingsMultiply(t *testing.T) {
	l := newLab(t)
	const policies, levels = 24, 10
	type mapping struct{ Issuer, Subject asn1.ObjectIdentifier }
	type information struct{ ID asn1.ObjectIdentifier }
	var infos []information
	var mappings []mapping
	for i := range policies {
		infos = append(infos, information{asn1.ObjectIdentifier{1, 2, 3, i}})
		for j := range policies {
			mappings = append(mappings, mapping{asn1.ObjectIdentifier{1, 2, 3, i}, asn1.ObjectIdentifier{1, 2, 3, j}})
		}
	}
	infoDER, mappingDER := der(t, infos, ""), der(t, mappings, "")
	root := l.issue(nil, "Root", asCA)
	in := Inputs{At: now, Anchors: []Anchor{{Certificate: root.cert}}, Revocation: Revocation{Leaf: Off, CA: Off}, Policy: PolicyInputs{Explicit: true}}
	ca := root
	for i := range levels {
		ca = l.issue(ca, fmt.Sprint("CA ", i), func(c *x509.Certificate) {
			asCA(c)
			c.ExtraExtensions = append(c.ExtraExtensions, extension(pkix.OIDCertificatePolicies, false, infoDER),
				extension(pkix.OIDPolicyMappings, true, mappingDER))
		})
		in.Pool = append(in.Pool, ca.cert)
	}
	in.Leaf = l.issue(ca, "Leaf", func(c *x509.Certificate) {
		c.ExtraExtensions = append(c.ExtraExtensions, extension(pkix.OIDCertificatePolicies, false, infoDER))
	}).cert
	r := within(t, in)
	if r.Indication != Passed || len(r.Policies) != policies {
		t.Errorf("%d policies: %s", len(r.Policies), explain(r))
	}
}

// TestNamesTimesConstraints: the product of names and constraints is bounded.
func TestNamesTimesConstraints(t *testing.T) {
	l := newLab(t)
	root := l.issue(nil, "Root", func(c *x509.Certificate) {
		asCA(c)
		for i := range 2000 {
			c.ExcludedDNSDomains = append(c.ExcludedDNSDomains, fmt.Sprintf("x%d.example", i))
		}
	})
	leaf := l.issue(root, "Leaf", func(c *x509.Certificate) {
		for i := range 2000 {
			c.DNSNames = append(c.DNSNames, fmt.Sprintf("y%d.example", i))
		}
	})
	r := within(t, Inputs{At: now, Leaf: leaf.cert, Anchors: []Anchor{{Certificate: root.cert}}, Revocation: Revocation{Leaf: Off}})
	if r.Sub != ChainGeneralFailure || r.Problems[0].Code != CodeNameConstraints {
		t.Error(explain(r))
	}
}

// TestManyResponses: evidence that is not worth the paper is not worth its signatures either.
func TestManyResponses(t *testing.T) {
	s := newScene(t)
	for i := range 2000 {
		s.in.OCSP = append(s.in.OCSP, s.ocsp(response{
			signer: s.ca, producedAt: now.Add(-time.Duration(i) * time.Second), breakSignature: true,
			single: []singleResponse{s.good(s.leaf, s.ca)},
		}))
	}
	r := within(t, s.in)
	if r.Sub != TryLater || r.Work.Signatures > DefaultBudget().Signatures+1 {
		t.Errorf("%+v", r.Work)
	}
}
