package hsm_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"testing"
	"time"

	"qaqpa/hsm"
	"qaqpa/testenv/softhsm"

	"github.com/miekg/pkcs11"
)

// certify makes a certificate for pub, issued by a key that has nothing to do with it.
func certify(t *testing.T, pub crypto.PublicKey, issuer crypto.Signer, serial int64, from time.Time) []byte {
	t.Helper()
	name := pkix.Name{CommonName: "Төлем шлюзі", SerialNumber: "BIN123456789012"}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: name, NotBefore: from, NotAfter: from.AddDate(1, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, &x509.Certificate{Subject: pkix.Name{CommonName: "CA"}}, pub, issuer)
	must(t, err)
	return der
}

func TestCertificates(t *testing.T) {
	soft := softhsm.ForTest(t)
	token := open(t, soft)
	day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	ca := generate(t, token, "ca", hsm.ECDSAP384)
	for _, a := range []hsm.Algorithm{hsm.RSA2048, hsm.ECDSAP256, hsm.Ed25519} {
		label := string(a)
		k, other := generate(t, token, label, a), generate(t, token, "other "+label, a)
		if _, err := token.Certificate(t.Context(), label); !errors.Is(err, hsm.ErrCertificateNotFound) {
			t.Errorf("%s has no certificate yet: %v", label, err)
		}
		first := certify(t, k.Public(), ca, 1, day)
		for range 2 { // the second time changes nothing
			must(t, token.ImportCertificate(t.Context(), label, first))
		}
		got, err := token.Certificate(t.Context(), label)
		if err != nil || !bytes.Equal(got, first) {
			t.Errorf("%s: another certificate came back: %v", label, err)
		}
		foreign := certify(t, other.Public(), ca, 2, day)
		if err := token.ImportCertificate(t.Context(), label, foreign); !errors.Is(err, hsm.ErrCertificateMismatch) {
			t.Errorf("%s: certificate of another key: %v", label, err)
		}
		for name, junk := range map[string][]byte{"empty": {}, "cut": first[:len(first)-1], "trailing": append(bytes.Clone(first), 0), "huge": make([]byte, 1<<17)} {
			if err := token.ImportCertificate(t.Context(), label, junk); err == nil {
				t.Errorf("%s: %s certificate was accepted", label, name)
			}
		}
		renewed := certify(t, k.Public(), ca, 3, day.AddDate(0, 6, 0))
		must(t, token.ImportCertificate(t.Context(), label, renewed))
		if got, err := token.Certificate(t.Context(), label); err != nil || !bytes.Equal(got, renewed) {
			t.Errorf("%s: the renewed certificate did not come back: %v", label, err)
		}
	}
	if err := token.ImportCertificate(t.Context(), "nobody", certify(t, ca.Public(), ca, 1, day)); !errors.Is(err, hsm.ErrKeyNotFound) {
		t.Errorf("certificate for a key that is not there: %v", err)
	}
	list, err := token.Keys(t.Context())
	must(t, err)
	with := 0
	for _, k := range list {
		if k.Certificate != nil {
			with++
		}
		if k.Problem != nil {
			t.Errorf("%s is listed with the problem %v", k.Label, k.Problem)
		}
	}
	if with != 3 || len(list) != 7 {
		t.Errorf("%d keys listed, %d with a certificate", len(list), with)
	}
	if n := countCertificates(t, soft); n != 3 {
		t.Errorf("the token holds %d certificates; renewal was to remove the old ones", n)
	}
}

func countCertificates(t *testing.T, soft *softhsm.Token) (n int) {
	t.Helper()
	strangers(t, soft, func(ctx *pkcs11.Ctx, session pkcs11.SessionHandle) {
		must(t, ctx.FindObjectsInit(session, []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_CERTIFICATE)}))
		found, _, err := ctx.FindObjects(session, 100)
		must(t, err)
		must(t, ctx.FindObjectsFinal(session))
		n = len(found)
	})
	return n
}

// Of two certificates, which a crash during a renewal leaves, the newer counts; one for another key never does.
func TestCertificateLeftByAnInterruptedRenewal(t *testing.T) {
	soft := softhsm.ForTest(t)
	token := open(t, soft)
	day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	k, other := generate(t, token, "k", hsm.ECDSAP256), generate(t, token, "other", hsm.ECDSAP256)
	put := func(der []byte) {
		c, err := x509.ParseCertificate(der)
		must(t, err)
		strangers(t, soft, func(ctx *pkcs11.Ctx, session pkcs11.SessionHandle) {
			_, err := ctx.CreateObject(session, []*pkcs11.Attribute{
				pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_CERTIFICATE), pkcs11.NewAttribute(pkcs11.CKA_CERTIFICATE_TYPE, pkcs11.CKC_X_509),
				pkcs11.NewAttribute(pkcs11.CKA_TOKEN, true), pkcs11.NewAttribute(pkcs11.CKA_ID, k.ID()),
				pkcs11.NewAttribute(pkcs11.CKA_SUBJECT, c.RawSubject), pkcs11.NewAttribute(pkcs11.CKA_VALUE, der),
			})
			must(t, err)
		})
	}
	put(certify(t, other.Public(), other, 9, day.AddDate(2, 0, 0)))
	if _, err := token.Certificate(t.Context(), "k"); !errors.Is(err, hsm.ErrCertificateMismatch) {
		t.Errorf("certificate of another key beside ours: %v", err)
	}
	newer, older := certify(t, k.Public(), other, 2, day.AddDate(1, 0, 0)), certify(t, k.Public(), other, 1, day)
	put(newer)
	put(older)
	if got, err := token.Certificate(t.Context(), "k"); err != nil || !bytes.Equal(got, newer) {
		t.Errorf("not the newer one: %v", err)
	}
	must(t, token.ImportCertificate(t.Context(), "k", newer)) // the interrupted renewal again
	if n := countCertificates(t, soft); n != 1 {
		t.Errorf("%d certificates are left", n)
	}
}

func TestKeySignsACertificateRequest(t *testing.T) {
	token := open(t, softhsm.ForTest(t))
	for _, a := range []hsm.Algorithm{hsm.RSA2048, hsm.ECDSAP256, hsm.Ed25519} {
		k := generate(t, token, "csr "+string(a), a)
		der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: "qaqpa"}}, k)
		must(t, err)
		csr, err := x509.ParseCertificateRequest(der)
		must(t, err)
		must(t, csr.CheckSignature())
	}
}
