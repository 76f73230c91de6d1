package pades_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	stdpkix "crypto/x509/pkix"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"qaqpa/signer/asn1ber"
	"qaqpa/signer/cms"
	"qaqpa/signer/pades"
	"qaqpa/signer/pkix"
)

// old makes a signature in one of the old forms. Cert, which Prepare does not write, takes the place of Location.
func old(t *testing.T, form pades.SubFilter, cert []byte, value func(digest []byte) []byte) []byte {
	t.Helper()
	p, err := pades.Prepare(paper(), pades.SignInput{SubFilter: form, At: time.Now(), Location: strings.Repeat("x", len(cert)), ContentsMax: 4096})
	if err != nil {
		t.Fatal(err)
	}
	empty, err := p.Finish(nil)
	if err != nil {
		t.Fatal(err)
	}
	empty = bytes.Replace(empty, fmt.Appendf(nil, "/Location <%X>", strings.Repeat("x", len(cert))), fmt.Appendf(nil, "/Cert     <%X>", cert), 1)
	r := open(t, empty).Signatures[0].Range
	sum := sha1.Sum(append(bytes.Clone(empty[:r.GapFrom]), empty[r.GapTo:r.End]...))
	copy(empty[r.GapFrom+1:], fmt.Appendf(nil, "%X", value(sum[:])))
	return empty
}

// The two forms over SHA-1 hold where they should, and not for another document.
func TestFormsOverSHA1(t *testing.T) {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	template := &x509.Certificate{SerialNumber: big.NewInt(9), Subject: stdpkix.Name{CommonName: "Old"}, NotBefore: at, NotAfter: at.AddDate(1, 0, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := pkix.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	plain := func(digest []byte) []byte {
		sig, err := rsa.SignPKCS1v15(rand.Reader, private, crypto.SHA1, digest)
		if err != nil {
			t.Fatal(err)
		}
		return asn1ber.Primitive(asn1ber.OctetString, sig)
	}
	attached := func(digest []byte) []byte {
		value, err := cms.Sign(cms.SignInput{Content: digest, Certificate: cert, Signer: private, SigningTime: at, Rand: rand.Reader})
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
	for form, value := range map[pades.SubFilter]func([]byte) []byte{pades.RSAOverSHA1: plain, pades.CMSOverSHA1: attached} {
		d := open(t, old(t, form, der, value))
		s := d.Signatures[0]
		if f := fault(d, s); f != "" || s.Coverage() != pades.Whole || s.SubFilter != form {
			t.Errorf("%s: %s, %v", form, f, s.Structure())
		}
		other := func(digest []byte) []byte { return value(bytes.Repeat([]byte{7}, len(digest))) }
		d = open(t, old(t, form, der, other))
		if fault(d, d.Signatures[0]) == "" {
			t.Errorf("%s: the digest of another document holds", form)
		}
		d = open(t, old(t, form, newKey(t).cert.Raw, value))
		if form == pades.RSAOverSHA1 && fault(d, d.Signatures[0]) == "" {
			t.Errorf("%s: holds with another certificate", form)
		}
	}
}
