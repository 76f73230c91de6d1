package signer_test

import (
	"testing"
	"time"

	"qaqpa/signer"
	"qaqpa/signer/cms"
	"qaqpa/signer/report"
	"qaqpa/testenv/pki"
)

// BenchmarkValidate judges one document again and again: chain and revocation are known, as in a gateway at work. "floor" is
// the one signature and the digests that cannot be left out.
func BenchmarkValidate(b *testing.B) {
	for _, family := range []pki.Family{pki.RSA, pki.ECDSA, pki.GOST2015} {
		h := setup(b, []pki.Family{family}, func(_ *bench, cfg *signer.Config) { cfg.OCSPReuse = time.Hour })
		id := h.issue(pki.Profile{})
		doc := h.sign(id, make([]byte, 1000), pki.CMSOptions{})
		b.Run(string(family)+"/validate", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				v, err := h.svc.Validate(b.Context(), signer.ValidateRequest{Document: doc})
				if err != nil || v.Indication != report.TotalPassed {
					b.Fatalf("%s %v", v.Sub, err)
				}
			}
		})
		b.Run(string(family)+"/floor", func(b *testing.B) {
			sd, err := cms.Parse(doc, cms.Limits{})
			if err != nil {
				b.Fatal(err)
			}
			si, cert := &sd.Signers[0], parse(b, id.Certificate)[0]
			signed, err := si.SignedOctets()
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				_ = si.DigestAlgorithm.Sum(nil, sd.Content)
				if err := si.SignatureAlgorithm.Verify(cert.PublicKey, signed, si.Signature); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
