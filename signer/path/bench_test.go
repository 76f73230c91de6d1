package path

import (
	"testing"

	"qaqpa/signer/pkix"
)

// BenchmarkValidate: a chain of three with an OCSP response and a list, anew and with all signatures remembered.
func BenchmarkValidate(b *testing.B) {
	s := withStatus(newScene(b))
	run := func(b *testing.B) {
		b.Helper()
		b.ReportAllocs()
		for b.Loop() {
			if r := Validate(s.in); r.Indication != Passed {
				b.Fatal(explain(r))
			}
		}
	}
	b.Run("anew", run)
	s.in.Memo = NewMemo(1024)
	b.Run("remembered", run)
}

// BenchmarkNational: a GOST chain of three with the national list.
func BenchmarkNational(b *testing.B) {
	leaf, err := pkix.ParsePEMOrDER(fromKeyStore(b, corpora(b)+"/kz/testkeys-2027/individual/valid/individual_valid.p12"))
	if err != nil {
		b.Fatal(err)
	}
	crl := readCRL(b, "kz/testkeys-2027/nca_gost2022_test.crl")
	in := Inputs{
		Leaf: leaf[0], Pool: []*pkix.Certificate{readCert(b, "kz/testkeys-2027/nca_gost2022_test.cer")},
		Anchors: []Anchor{{Certificate: readCert(b, "kz/testkeys-2027/root_test_gost_2022.cer")}},
		At:      crl.ThisUpdate, CRLs: []*pkix.CRL{crl}, Revocation: Revocation{CA: IfAvailable},
	}
	run := func(b *testing.B) {
		b.Helper()
		b.ReportAllocs()
		for b.Loop() {
			if r := Validate(in); r.Indication != Passed {
				b.Fatal(explain(r))
			}
		}
	}
	b.Run("anew", run)
	in.Memo = NewMemo(1024)
	b.Run("remembered", run)
}
