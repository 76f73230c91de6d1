package path

import (
	"testing"
	"time"

	"qaqpa/signer/pkix"
)

// FuzzValidate feeds parsed but arbitrary certificates, lists and responses into a sound scene: it may not panic, not
// run long, and not accept a leaf that is not the one signed.
func FuzzValidate(f *testing.F) {
	s := withStatus(newScene(f))
	crl, o := s.in.CRLs[0], s.in.OCSP[0]
	f.Add(s.leaf.cert.Raw, s.ca.cert.Raw, crl.Raw, o.Raw)
	f.Add(s.ca.cert.Raw, s.leaf.cert.Raw, crl.Raw, o.Raw)
	f.Add(s.root.cert.Raw, s.root.cert.Raw, crl.Raw, o.Raw)
	f.Fuzz(func(t *testing.T, leaf, ca, list, response []byte) {
		in := s.in
		in.Pool, in.CRLs, in.OCSP = nil, nil, nil
		var err error
		if in.Leaf, err = pkix.ParseCertificate(leaf); err != nil {
			return
		}
		if c, err := pkix.ParseCertificate(ca); err == nil {
			in.Pool = []*pkix.Certificate{c, s.ca.cert}
		}
		if c, err := pkix.ParseCRL(list); err == nil {
			in.CRLs = []*pkix.CRL{c, crl}
		}
		if c, err := pkix.ParseOCSPResponse(response); err == nil {
			in.OCSP = []*pkix.OCSPResponse{c, o}
		}
		start := time.Now()
		r := Validate(in)
		if d := time.Since(start); d > 30*time.Second {
			t.Errorf("took %s", d)
		}
		if r.Indication == Passed && !in.Leaf.Equal(s.leaf.cert) && !in.Leaf.Equal(s.ca.cert) && !in.Leaf.Equal(s.root.cert) {
			t.Errorf("accepted %x", leaf)
		}
		Needs(in, r)
		Build(in)
	})
}
