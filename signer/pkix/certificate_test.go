package pkix

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	stdpkix "crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"net/url"
	"slices"
	"testing"
	"time"

	"qaqpa/signer/algo"
	"qaqpa/signer/asn1ber"

	"github.com/google/go-cmp/cmp"
)

var now = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// testKey is the n-th key of the tests.
func testKey(n byte) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte{n})
	return ed25519.NewKeyFromSeed(seed[:])
}

// certificateDER lets the standard library make a certificate; edit changes the template.
func certificateDER(tb testing.TB, edit func(*x509.Certificate)) []byte {
	tb.Helper()
	c := &x509.Certificate{
		SerialNumber: big.NewInt(0x1234), Subject: stdpkix.Name{CommonName: "Test", Country: []string{"KZ"}},
		NotBefore: now, NotAfter: now.AddDate(1, 0, 0),
	}
	if edit != nil {
		edit(c)
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, testKey(1).Public(), testKey(1))
	if err != nil {
		tb.Fatal(err)
	}
	return der
}

func parse(tb testing.TB, der []byte) *Certificate {
	tb.Helper()
	c, err := ParseCertificate(der)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func oids(tb testing.TB, dotted ...string) []x509.OID {
	tb.Helper()
	out := make([]x509.OID, len(dotted))
	for i, d := range dotted {
		var err error
		if out[i], err = x509.ParseOID(d); err != nil {
			tb.Fatal(err)
		}
	}
	return out
}

func TestCertificateFields(t *testing.T) {
	der := certificateDER(t, func(c *x509.Certificate) {
		c.SerialNumber = new(big.Int).SetBytes([]byte{0x80, 1})
		c.IsCA, c.BasicConstraintsValid, c.MaxPathLen = true, true, 3
		c.KeyUsage = x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment | x509.KeyUsageCertSign | x509.KeyUsageDecipherOnly
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection, x509.ExtKeyUsageOCSPSigning}
		c.SubjectKeyId, c.AuthorityKeyId = []byte("subject"), []byte("subject")
		c.DNSNames, c.EmailAddresses = []string{"example.kz"}, []string{"a@example.kz"}
		c.IPAddresses = []net.IP{net.IPv4(192, 0, 2, 1)}
		c.URIs = []*url.URL{{Scheme: "http", Host: "example.kz"}}
		c.OCSPServer, c.IssuingCertificateURL = []string{"http://ocsp/"}, []string{"http://ca/"}
		c.CRLDistributionPoints = []string{"http://crl/1", "http://crl/2"}
		c.Policies = oids(t, "1.2.3", "2.25.329800735698586629295641978511506172918")
		c.PermittedDNSDomains, c.ExcludedEmailAddresses = []string{"example.kz"}, []string{".org"}
		c.PermittedIPRanges = []*net.IPNet{{IP: net.IPv4(192, 0, 2, 0).To4(), Mask: net.CIDRMask(24, 32)}}
		with(OIDInhibitAnyPolicy, true, []byte{2, 1, 2})(c)
		with(OIDPolicyConstraints, true, []byte{0x30, 3, 0x80, 1, 1})(c)
		with(OIDPolicyMappings, true, []byte{0x30, 10, 0x30, 8, 6, 2, 42, 3, 6, 2, 42, 4})(c)
	})
	c := parse(t, der)
	std, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	var names, permitted, excluded []string
	for _, n := range c.SubjectAltName {
		names = append(names, n.String())
	}
	for _, s := range c.NameConstraints.Permitted {
		permitted = append(permitted, s.Base.String())
	}
	for _, s := range c.NameConstraints.Excluded {
		excluded = append(excluded, s.Base.String())
	}
	for _, f := range []struct {
		name      string
		got, want any
	}{
		{"raw", c.Raw, der},
		{"tbs", c.RawTBS, std.RawTBSCertificate},
		{"issuer", c.RawIssuer, std.RawIssuer},
		{"subject", c.RawSubject, std.RawSubject},
		{"key", c.RawSPKI, std.RawSubjectPublicKeyInfo},
		{"signature", c.Signature, std.Signature},
		{"version", c.Version, 3},
		{"serial", c.SerialHex(), "8001"},
		{"serial octets", c.Serial, []byte{0, 0x80, 1}},
		{"subject", c.Subject.String(), "CN=Test,C=KZ"},
		{"not before", c.NotBefore, std.NotBefore},
		{"not after", c.NotAfter, std.NotAfter},
		{"key usage", c.KeyUsage, DigitalSignature | NonRepudiation | KeyCertSign | DecipherOnly},
		{"purposes", c.EKU, []string{EKUEmailProtection, EKUOCSPSigning}},
		{"CA", c.IsCA, true},
		{"path length", c.PathLen, 3},
		{"subject key", c.SubjectKeyID, []byte("subject")},
		{"authority key", c.AuthorityKeyID, &AuthorityKeyID{KeyID: []byte("subject")}},
		{"names", names, []string{"DNS:example.kz", "email:a@example.kz", "IP:192.0.2.1", "URI:http://example.kz"}},
		{"permitted", permitted, []string{"DNS:example.kz", "IP:192.0.2.0/255.255.255.0"}},
		{"excluded", excluded, []string{"email:.org"}},
		{"OCSP", c.OCSPServers, []string{"http://ocsp/"}},
		{"issuers", c.CAIssuers, []string{"http://ca/"}},
		{"lists", [][]string{c.CRLDistributionPoints[0].URIs(), c.CRLDistributionPoints[1].URIs()}, [][]string{{"http://crl/1"}, {"http://crl/2"}}},
		{"policies", []string{c.Policies[0].OID, c.Policies[1].OID}, []string{"1.2.3", "2.25.329800735698586629295641978511506172918"}},
		{"policy constraints", c.PolicyConstraints, &PolicyConstraints{RequireExplicitPolicy: 1, InhibitPolicyMapping: -1}},
		{"mappings", c.PolicyMappings, []PolicyMapping{{"1.2.3", "1.2.4"}}},
		{"inhibit any policy", c.InhibitAnyPolicy, 2},
		{"unknown critical", c.UnknownCritical, []string(nil)},
		{"defects", len(c.Defects), 0},
		{"family", c.PublicKey.Family, algo.Ed25519},
		{"fingerprint", c.Fingerprint(), sha256.Sum256(der)},
	} {
		if d := cmp.Diff(f.want, f.got); d != "" {
			t.Errorf("%s: %s", f.name, d)
		}
	}
	if err := c.CheckSignatureFrom(c); err != nil {
		t.Error(err)
	}
	if !c.SelfIssued() {
		t.Error("not self-issued")
	}
}

func TestCertificateWithoutExtensions(t *testing.T) {
	c := parse(t, certificateDER(t, nil))
	if c.PathLen != -1 || c.InhibitAnyPolicy != -1 || c.HasKeyUsage || c.HasEKU || c.HasBasicConstraints || c.IsCA {
		t.Errorf("%+v", c.CertificateExtensions)
	}
}

// with adds an extension as it stands.
func with(oid string, critical bool, value []byte) func(*x509.Certificate) {
	return func(c *x509.Certificate) {
		var id asn1.ObjectIdentifier
		raw, err := asn1ber.EncodedOID(oid)
		if err == nil {
			_, err = asn1.Unmarshal(raw, &id)
		}
		if err != nil {
			panic(err)
		}
		c.ExtraExtensions = append(c.ExtraExtensions, stdpkix.Extension{Id: id, Critical: critical, Value: value})
	}
}

// TestDefects: a fault in one extension does not hide the holder, and is told.
func TestDefects(t *testing.T) {
	null, empty := asn1.NullBytes, []byte{0x30, 0}
	for _, c := range []struct {
		name, oid string
		value     []byte
	}{
		{"key usage of another type", OIDKeyUsage, null},
		{"key usage with bits set that are unused", OIDKeyUsage, []byte{3, 2, 7, 0xff}},
		{"purposes empty", OIDExtendedKeyUsage, empty},
		{"basic constraints of another type", OIDBasicConstraints, null},
		{"basic constraints with a negative length", OIDBasicConstraints, []byte{0x30, 6, 1, 1, 0xff, 2, 1, 0xff}},
		{"basic constraints with something after", OIDBasicConstraints, []byte{0x30, 6, 1, 1, 0xff, 2, 1, 0, 5, 0}},
		{"subject key of another type", OIDSubjectKeyID, null},
		{"authority key with a serial number alone", OIDAuthorityKeyID, []byte{0x30, 3, 0x82, 1, 1}},
		{"policies empty", OIDCertificatePolicies, empty},
		{"policy twice", OIDCertificatePolicies, []byte{0x30, 12, 0x30, 4, 6, 2, 42, 3, 0x30, 4, 6, 2, 42, 3}},
		{"mappings empty", OIDPolicyMappings, empty},
		{"policy constraints empty", OIDPolicyConstraints, empty},
		{"inhibit any policy negative", OIDInhibitAnyPolicy, []byte{2, 1, 0xff}},
		{"name constraints empty", OIDNameConstraints, empty},
		{"name constraints with an empty list", OIDNameConstraints, []byte{0x30, 2, 0xa0, 0}},
		{"name constraint by an address without mask", OIDNameConstraints, []byte{0x30, 10, 0xa0, 8, 0x30, 6, 0x87, 4, 1, 2, 3, 4}},
		{"address of five octets", OIDSubjectAltName, []byte{0x30, 7, 0x87, 5, 1, 2, 3, 4, 5}},
		{"host name with an octet beyond ASCII", OIDSubjectAltName, []byte{0x30, 3, 0x82, 1, 0x80}},
		{"name of no form", OIDSubjectAltName, []byte{0x30, 3, 0x8f, 1, 0x41}},
		{"issuer names empty", OIDIssuerAltName, empty},
		{"distribution points empty", OIDCRLDistributionPoints, empty},
		{"distribution point with reasons alone", OIDCRLDistributionPoints, []byte{0x30, 6, 0x30, 4, 0x81, 2, 1, 2}},
		{"freshest list of another type", OIDFreshestCRL, null},
		{"access empty", OIDAuthorityInfoAccess, empty},
		{"ocsp-nocheck of another type", OIDOCSPNoCheck, []byte{2, 1, 0}},
		{"noRevAvail of another type", OIDNoRevAvail, empty},
		{"indefinite length", OIDExtendedKeyUsage, []byte{0x30, 0x80, 0, 0}},
		{"octets after", OIDOCSPNoCheck, []byte{5, 0, 0}},
	} {
		cert := parse(t, certificateDER(t, with(c.oid, false, c.value)))
		if len(cert.Defects) != 1 || cert.Defects[0].OID != c.oid || cert.Defects[0].String() == "" {
			t.Errorf("%s: %v", c.name, cert.Defects)
		}
		if cert.IsCA || cert.KeyUsage != 0 && cert.KeyUsage != 0x1ff || cert.OCSPNoCheck && c.oid != OIDOCSPNoCheck {
			t.Errorf("%s: allows something: %+v", c.name, cert.CertificateExtensions)
		}
	}
	if c := parse(t, certificateDER(t, with(OIDOCSPNoCheck, false, nil))); !c.OCSPNoCheck || len(c.Defects) > 0 {
		t.Errorf("ocsp-nocheck as the national responders write it: %+v", c.Defects)
	}
	if c := parse(t, certificateDER(t, with("1.2.3.4", true, null))); !slices.Equal(c.UnknownCritical, []string{"1.2.3.4"}) {
		t.Errorf("unknown critical: %v", c.UnknownCritical)
	}
}

// TestCertificateRefused: what cannot be taken apart.
func TestCertificateRefused(t *testing.T) {
	good := certificateDER(t, with(OIDOCSPNoCheck, false, asn1.NullBytes))
	twice := certificateDER(t, func(c *x509.Certificate) {
		with("1.2.3.4", false, asn1.NullBytes)(c)
		with("1.2.3.5", false, asn1.NullBytes)(c)
	})
	for i := range twice[:len(twice)-3] { // 1.2.3.5 becomes 1.2.3.4
		if string(twice[i:i+3]) == "\x2a\x03\x05" {
			twice[i+2] = 4
		}
	}
	many := certificateDER(t, func(c *x509.Certificate) {
		for i := range maxExtensions + 1 {
			c.ExtraExtensions = append(c.ExtraExtensions, stdpkix.Extension{Id: asn1.ObjectIdentifier{1, 2, 3, i}, Value: asn1.NullBytes})
		}
	})
	long := certificateDER(t, func(c *x509.Certificate) { c.SerialNumber = new(big.Int).Lsh(big.NewInt(1), 8*maxSerialOctets) })
	for _, c := range []struct {
		name string
		der  []byte
		want error
	}{
		{"nothing", nil, asn1ber.ErrSyntax},
		{"octets after", append(slices.Clone(good), 0), asn1ber.ErrSyntax},
		{"cut short", good[:len(good)-1], asn1ber.ErrSyntax},
		{"indefinite length", append([]byte{0x30, 0x80}, append(slices.Clone(good[4:]), 0, 0)...), asn1ber.ErrSyntax},
		{"extension twice", twice, ErrDuplicateExtension},
		{"too many extensions", many, asn1ber.ErrLimit},
		{"long serial number", long, asn1ber.ErrLimit},
		{"too large", make([]byte, maxCertificateBytes+1), asn1ber.ErrLimit},
		{"not a sequence", []byte{4, 2, 0, 0}, asn1ber.ErrSyntax},
	} {
		if _, err := ParseCertificate(c.der); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	for n := range good {
		if _, err := ParseCertificate(good[:n]); err == nil {
			t.Errorf("%d octets of %d accepted", n, len(good))
		}
	}
}

func TestSignatureOfAnother(t *testing.T) {
	c := parse(t, certificateDER(t, nil))
	other := parse(t, flipped(certificateDER(t, nil)))
	if err := other.CheckSignatureFrom(c); !errors.Is(err, algo.ErrSignature) {
		t.Errorf("%v, want algo.ErrSignature", err)
	}
}

func TestPEM(t *testing.T) {
	der := certificateDER(t, nil)
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	key := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("x")})
	for _, c := range []struct {
		name string
		in   []byte
		want int
	}{
		{"DER", der, 1},
		{"PEM", block, 1},
		{"two and other things", slices.Concat([]byte("subject=x\n"), block, key, []byte("\n\n"), block), 2},
		{"base64", block[28 : len(block)-26], 1},
	} {
		certs, err := ParsePEMOrDER(c.in)
		if err != nil || len(certs) != c.want || !certs[0].Equal(parse(t, der)) {
			t.Errorf("%s: %d certificates, %v", c.name, len(certs), err)
		}
	}
	for _, in := range [][]byte{nil, key, []byte("hello"), []byte("aGVsbG8=")} {
		if _, err := ParsePEMOrDER(in); !errors.Is(err, ErrNoCertificate) {
			t.Errorf("%q: %v", in, err)
		}
	}
	if _, err := ParsePEMOrDER(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der[1:]})); err == nil {
		t.Error("a broken certificate is passed over")
	}
}

// flipped is b with its last bit changed.
func flipped(b []byte) []byte {
	b = slices.Clone(b)
	b[len(b)-1] ^= 1
	return b
}
