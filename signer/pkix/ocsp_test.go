package pkix

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	stdpkix "crypto/x509/pkix"
	"errors"
	"math/big"
	"slices"
	"testing"
	"time"

	"qaqpa/signer/algo"
	"qaqpa/signer/asn1ber"

	"golang.org/x/crypto/ocsp"
)

// TestOCSPRequest: another program reads our requests as they are meant.
func TestOCSPRequest(t *testing.T) {
	cert := parse(t, certificateDER(t, nil))
	der, err := NewOCSPRequest(cert, cert, algo.SHA256, nil)
	if err != nil {
		t.Fatal(err)
	}
	std, err := x509.ParseCertificate(cert.Raw)
	if err != nil {
		t.Fatal(err)
	}
	want, err := ocsp.CreateRequest(std, std, &ocsp.RequestOptions{Hash: crypto.SHA256})
	if err != nil {
		t.Fatal(err)
	}
	other, err := ocsp.ParseRequest(der)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := ocsp.ParseRequest(want)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(other.IssuerKeyHash, theirs.IssuerKeyHash) || !bytes.Equal(other.IssuerNameHash, theirs.IssuerNameHash) ||
		other.SerialNumber.Cmp(theirs.SerialNumber) != 0 || other.HashAlgorithm != theirs.HashAlgorithm {
		t.Errorf("%+v, want %+v", other, theirs)
	}
	withNonce, err := NewOCSPRequest(cert, cert, algo.Streebog512, []byte("01234567"))
	if err != nil {
		t.Fatal(err)
	}
	q, err := ParseOCSPRequest(withNonce)
	if err != nil {
		t.Fatal(err)
	}
	if len(q.CertIDs) != 1 || !q.CertIDs[0].Matches(cert, cert) || string(q.Nonce) != "01234567" || q.Signed ||
		q.CertIDs[0].Hash != algo.Streebog512 || !bytes.Equal(q.Raw, withNonce) {
		t.Errorf("%+v", q)
	}
	for _, nonce := range [][]byte{{}, make([]byte, maxNonce+1)} {
		if _, err := NewOCSPRequest(cert, cert, algo.SHA256, nonce); err == nil {
			t.Errorf("nonce of %d octets accepted", len(nonce))
		}
	}
	for n := range withNonce {
		if _, err := ParseOCSPRequest(withNonce[:n]); err == nil {
			t.Errorf("%d octets of %d accepted", n, len(withNonce))
		}
	}
}

// responder is a self-signed certificate with a key that golang.org/x/crypto/ocsp can sign with.
func responder(tb testing.TB) (*x509.Certificate, *ecdsa.PrivateKey) {
	tb.Helper()
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), testKey(2).Seed())
	if err != nil {
		tb.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(0x1234), Subject: stdpkix.Name{CommonName: "Test"}, NotBefore: now, NotAfter: now.AddDate(1, 0, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		tb.Fatal(err)
	}
	std, err := x509.ParseCertificate(der)
	if err != nil {
		tb.Fatal(err)
	}
	return std, key
}

// ocspDER lets another program make a response and returns the responder's certificate with it.
func ocspDER(tb testing.TB, edit func(*ocsp.Response)) ([]byte, *Certificate) {
	tb.Helper()
	std, key := responder(tb)
	r := ocsp.Response{
		Status: ocsp.Good, SerialNumber: big.NewInt(0x1234), ThisUpdate: now, NextUpdate: now.Add(time.Hour), IssuerHash: crypto.SHA256,
		Certificate: std,
	}
	if edit != nil {
		edit(&r)
	}
	der, err := ocsp.CreateResponse(std, std, r, key)
	if err != nil {
		tb.Fatal(err)
	}
	return der, parse(tb, std.Raw)
}

func TestOCSPResponse(t *testing.T) {
	der, cert := ocspDER(t, func(r *ocsp.Response) {
		r.Status, r.RevokedAt, r.RevocationReason = ocsp.Revoked, now.Add(-time.Hour), ocsp.KeyCompromise
	})
	o, err := ParseOCSPResponse(der)
	if err != nil {
		t.Fatal(err)
	}
	s := o.Responses[0]
	if o.Status != OCSPSuccessful || !o.NamedBy(cert) || len(o.Certificates) != 1 || s.Status != CertRevoked ||
		!s.RevokedAt.Equal(now.Add(-time.Hour)) || s.Reason != KeyCompromise || !s.ThisUpdate.Equal(now) ||
		!s.NextUpdate.Equal(now.Add(time.Hour)) || !s.CertID.Matches(cert, cert) || s.NeverIssued() {
		t.Errorf("%+v", o)
	}
	if err := o.CheckSignature(cert.PublicKey, cert.PublicKeyErr); err != nil {
		t.Error(err)
	}
	basic, err := ParseBasicOCSPResponse(o.RawBasic)
	if err != nil || !bytes.Equal(basic.RawTBS, o.RawTBS) {
		t.Errorf("basic response: %v", err)
	}
	der, _ = ocspDER(t, func(r *ocsp.Response) {
		r.Status, r.RevokedAt, r.RevocationReason = ocsp.Revoked, time.Unix(0, 0), ocsp.CertificateHold
	})
	never, err := ParseOCSPResponse(der)
	if err != nil || !never.Responses[0].NeverIssued() {
		t.Errorf("never issued: %v", err)
	}
}

func TestOCSPResponseRefused(t *testing.T) {
	good, _ := ocspDER(t, nil)
	for n := range good {
		if _, err := ParseOCSPResponse(good[:n]); err == nil {
			t.Errorf("%d octets of %d accepted", n, len(good))
		}
	}
	status := func(n byte) []byte { return []byte{0x30, 3, 10, 1, n} }
	for n, want := range []error{0: asn1ber.ErrSyntax, 1: nil, 2: nil, 3: nil, 4: asn1ber.ErrSyntax, 5: nil, 6: nil, 7: asn1ber.ErrSyntax} {
		if _, err := ParseOCSPResponse(status(byte(n))); !errors.Is(err, want) {
			t.Errorf("status %d: %v, want %v", n, err, want)
		}
	}
	other := slices.Clone(good)
	at := bytes.Index(other, []byte("\x2b\x06\x01\x05\x05\x07\x30\x01\x01"))
	other[at+8] = 9
	if _, err := ParseOCSPResponse(other); !errors.Is(err, ErrOCSPType) {
		t.Errorf("another type of response: %v", err)
	}
	for _, in := range [][]byte{nil, []byte("Try again"), append(slices.Clone(good), 0)} {
		if _, err := ParseOCSPResponse(in); !errors.Is(err, asn1ber.ErrSyntax) {
			t.Errorf("%q: %v", in[:min(len(in), 9)], err)
		}
	}
}

// TestCertIDMatches compares each part alone.
func TestCertIDMatches(t *testing.T) {
	der, cert := ocspDER(t, nil)
	o, err := ParseOCSPResponse(der)
	if err != nil {
		t.Fatal(err)
	}
	id := o.Responses[0].CertID
	for name, change := range map[string]func(id *CertID){
		"name":   func(id *CertID) { id.IssuerNameHash = flipped(id.IssuerNameHash) },
		"key":    func(id *CertID) { id.IssuerKeyHash = flipped(id.IssuerKeyHash) },
		"serial": func(id *CertID) { id.Serial = flipped(id.Serial) },
		"hash":   func(id *CertID) { id.Hash = algo.SHA384 },
		"error":  func(id *CertID) { id.HashErr = errors.New("unknown") },
	} {
		changed := id
		if !changed.Matches(cert, cert) {
			t.Fatal("the CertID does not match")
		}
		change(&changed)
		if changed.Matches(cert, cert) {
			t.Errorf("matches with another %s", name)
		}
	}
}
