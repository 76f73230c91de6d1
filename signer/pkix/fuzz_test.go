package pkix

import (
	"bytes"
	"crypto/x509"
	"math/big"
	"testing"
)

// FuzzCertificate: what is read says what the standard library reads, and keeps its octets.
func FuzzCertificate(f *testing.F) {
	f.Add(certificateDER(f, nil))
	f.Add(certificateDER(f, func(c *x509.Certificate) {
		c.IsCA, c.BasicConstraintsValid, c.DNSNames = true, true, []string{"example.kz"}
		c.PermittedDNSDomains, c.CRLDistributionPoints = []string{"example.kz"}, []string{"http://crl/"}
		c.OCSPServer, c.Policies = []string{"http://ocsp/"}, oids(f, "1.2.3")
	}))
	f.Fuzz(func(t *testing.T, der []byte) {
		c, err := ParseCertificate(der)
		if err != nil {
			return
		}
		if !bytes.Equal(c.Raw, der) || !c.Subject.Equal(c.Subject) || c.Subject.String() == "" && !c.Subject.Empty() {
			t.Errorf("%x", der)
		}
		std, err := x509.ParseCertificate(der)
		if err != nil || len(c.Defects) > 0 {
			return
		}
		if !bytes.Equal(c.RawTBS, std.RawTBSCertificate) || !bytes.Equal(c.RawSPKI, std.RawSubjectPublicKeyInfo) ||
			!bytes.Equal(c.RawSubject, std.RawSubject) || !c.NotAfter.Equal(std.NotAfter) || c.IsCA != std.IsCA ||
			KeyUsage(std.KeyUsage) != c.KeyUsage || signed2s(c.Serial).Cmp(std.SerialNumber) != 0 {
			t.Errorf("another reading than the standard library's: %x", der)
		}
		if std.BasicConstraintsValid && std.IsCA && std.MaxPathLen != c.PathLen && std.MaxPathLen <= 1<<31-1 {
			t.Errorf("path length %d, the standard library has %d", c.PathLen, std.MaxPathLen)
		}
	})
}

// signed2s is the value of a two's complement number.
func signed2s(b []byte) *big.Int {
	v := new(big.Int).SetBytes(b)
	if b[0]&0x80 != 0 {
		v.Sub(v, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	return v
}

// FuzzCRL: every entry that is walked is found, and nothing else; the standard library reads as many.
func FuzzCRL(f *testing.F) {
	f.Add(crlDER(f, nil))
	f.Add(crlDER(f, nil, x509.RevocationListEntry{SerialNumber: big.NewInt(300), RevocationTime: now, ReasonCode: 6},
		x509.RevocationListEntry{SerialNumber: big.NewInt(2), RevocationTime: now}))
	f.Fuzz(func(t *testing.T, der []byte) {
		c, err := ParseCRL(der)
		if err != nil {
			return
		}
		n := 0
		for e := range c.Entries() {
			n++
			if e.Issuer == nil && len(c.Lookup(c.Issuer, e.Serial)) == 0 {
				t.Errorf("entry %x is not found: %x", e.Serial, der)
			}
		}
		std, err := x509.ParseRevocationList(der)
		if n != c.Len() || err == nil && len(std.RevokedCertificateEntries) != n {
			t.Errorf("%d entries, walked %d: %x", c.Len(), n, der)
		}
	})
}

// FuzzOCSP: no panic, and the octets are kept.
func FuzzOCSP(f *testing.F) {
	der, _ := ocspDER(f, nil)
	f.Add(der)
	f.Add([]byte{0x30, 3, 10, 1, 3})
	f.Fuzz(func(t *testing.T, der []byte) {
		if o, err := ParseOCSPResponse(der); err == nil && o.Status == OCSPSuccessful {
			basic, err := ParseBasicOCSPResponse(o.RawBasic)
			if err != nil || len(basic.Responses) != len(o.Responses) || !bytes.Contains(der, o.RawTBS) {
				t.Errorf("%x: %v", der, err)
			}
		}
		if q, err := ParseOCSPRequest(der); err == nil && !bytes.Equal(q.Raw, der) {
			t.Errorf("%x", der)
		}
	})
}

// FuzzPEM: any octets at all.
func FuzzPEM(f *testing.F) {
	f.Add([]byte("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"))
	f.Add([]byte("MAA="))
	f.Fuzz(func(t *testing.T, b []byte) {
		if certs, err := ParsePEMOrDER(b); err == nil && len(certs) == 0 {
			t.Error("neither certificates nor an error")
		}
		if n, err := ParseName(b); err == nil {
			if again, err := ParseName(n.Raw); err != nil || !again.Equal(n) {
				t.Errorf("%x", b)
			}
		}
	})
}
