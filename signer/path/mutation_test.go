package path

import (
	"testing"

	"qaqpa/signer/pkix"
)

// TestMutations flips each bit of the leaf, the CA, the list about the CA and the response about the leaf, one at a time.
// None may pass: whatever the signature does not cover is bound otherwise.
func TestMutations(t *testing.T) {
	s := newScene(t)
	responder := s.responder(nil)
	o := s.ocsp(response{signer: responder, certs: []*entity{responder}, single: []singleResponse{s.good(s.leaf, s.ca)}})
	s.in.OCSP = []*pkix.OCSPResponse{o}
	if r := Validate(s.in); r.Indication != Passed {
		t.Fatal(explain(r))
	}
	crl := s.in.CRLs[0]
	for _, part := range []struct {
		name   string
		raw    []byte
		change func(in *Inputs, b []byte) error
	}{
		{"leaf", s.leaf.cert.Raw, func(in *Inputs, b []byte) (err error) {
			in.Leaf, err = pkix.ParseCertificate(b)
			return err
		}},
		{"CA", s.ca.cert.Raw, func(in *Inputs, b []byte) error {
			c, err := pkix.ParseCertificate(b)
			in.Pool = []*pkix.Certificate{c}
			return err
		}},
		{"list", crl.Raw, func(in *Inputs, b []byte) error {
			c, err := pkix.ParseCRL(b)
			in.CRLs = []*pkix.CRL{c}
			return err
		}},
		{"response", o.Raw, func(in *Inputs, b []byte) error {
			c, err := pkix.ParseOCSPResponse(b)
			in.OCSP = []*pkix.OCSPResponse{c}
			return err
		}},
	} {
		unreadable, refused, survived := 0, 0, 0
		for i := range len(part.raw) * 8 {
			b := append([]byte{}, part.raw...)
			b[i/8] ^= 1 << (i % 8)
			in := s.in
			if err := part.change(&in, b); err != nil {
				unreadable++
				continue
			}
			if r := Validate(in); r.Indication == Passed {
				survived++
				t.Errorf("%s: bit %d of octet %d (%02x) flipped and passed", part.name, i%8, i/8, part.raw[i/8])
				continue
			}
			refused++
		}
		t.Logf("%s: %d unreadable, %d refused, %d survived", part.name, unreadable, refused, survived)
	}
}
