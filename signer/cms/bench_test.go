package cms_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"testing"

	"qaqpa/signer/cms"
	"qaqpa/signer/gost"
	"qaqpa/signer/pkix"
)

// Validation of a document of 10 kB with one signer, against the floor: one hash of content and one verification. The
// signer's certificate is parsed once, as a cache of the caller keeps it; the row "with certificate" parses it too.
func BenchmarkValidate(b *testing.B) {
	body := make([]byte, 10<<10)
	for _, name := range []string{"RSA", "P-256", "GOST-2015-512"} {
		id := named(b, name)
		in := id.input(false)
		in.Content = body
		doc, err := cms.Sign(in)
		if err != nil {
			b.Fatal(err)
		}
		sd := parse(b, doc)
		signed, err := sd.Signers[0].SignedOctets()
		if err != nil {
			b.Fatal(err)
		}
		signature := sd.Signers[0].Signature
		b.Run(name+"/floor", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if !floor(id.key.Public(), body, signed, signature) {
					b.Fatal("floor does not verify")
				}
			}
		})
		b.Run(name+"/parse", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := cms.Parse(doc, cms.Limits{}); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/parse+verify", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				sd, err := cms.Parse(doc, cms.Limits{})
				if err != nil {
					b.Fatal(err)
				}
				if w := sd.Signers[0].Verify(cms.Content{}, id.cert).Worst(); w.Status != cms.Passed {
					b.Fatal(w)
				}
			}
		})
		b.Run(name+"/parse+verify with certificate", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				sd, err := cms.Parse(doc, cms.Limits{})
				if err != nil {
					b.Fatal(err)
				}
				cert, err := pkix.ParseCertificate(sd.Certificates[0])
				if err != nil {
					b.Fatal(err)
				}
				if w := sd.Signers[0].Verify(cms.Content{}, cert).Worst(); w.Status != cms.Passed {
					b.Fatal(w)
				}
			}
		})
		b.Run(name+"/sign", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := cms.Sign(in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// floor is the raw work: hash the content, hash the attributes, verify.
func floor(pub crypto.PublicKey, content, signed, signature []byte) bool {
	switch key := pub.(type) {
	case *rsa.PublicKey:
		c, d := sha256.Sum256(content), sha256.Sum256(signed)
		return c != d && rsa.VerifyPKCS1v15(key, crypto.SHA256, d[:], signature) == nil
	case *ecdsa.PublicKey:
		c, d := sha256.Sum256(content), sha256.Sum256(signed)
		return c != d && ecdsa.VerifyASN1(key, d[:], signature)
	case *gost.PublicKey:
		h := gost.NewStreebog512()
		h.Write(content)
		h.Sum(nil)
		h.Reset()
		h.Write(signed)
		return key.Verify(h.Sum(nil), signature)
	}
	return false
}
