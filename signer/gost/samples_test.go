package gost

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"hash"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// corpora finds the real data beside the project.
func corpora(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("QAQPA_CORPORA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "corpora")
	}
	if _, err := os.Stat(filepath.Join(dir, "kz")); err != nil {
		t.Skipf("REAL CERTIFICATES NOT CHECKED: set QAQPA_CORPORA to their folder: %v", err)
	}
	return filepath.Join(dir, "kz")
}

// nationalKey reads the two forms of public keys that CAs have (kz-eds.md section 3), nil for others.
func nationalKey(t *testing.T, c *x509.Certificate) *PublicKey {
	t.Helper()
	var spki struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}
	if _, err := asn1.Unmarshal(c.RawSubjectPublicKeyInfo, &spki); err != nil {
		t.Fatal(err)
	}
	curve := map[string]*Curve{
		"1.2.398.3.10.1.1.1.1": CryptoProA(), "1.2.398.3.10.1.1.2.2": TC26_512A(),
	}[spki.Algorithm.Algorithm.String()]
	if curve == nil {
		return nil
	}
	var xy []byte
	if _, err := asn1.Unmarshal(spki.Key.RightAlign(), &xy); err != nil {
		t.Fatal(err)
	}
	k, err := NewPublicKey(curve, xy)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// nationalHash is the hash of a certificate's signature, nil if that is not a national one.
func nationalHash(t *testing.T, c *x509.Certificate) hash.Hash {
	t.Helper()
	var cert struct {
		TBS       asn1.RawValue
		Algorithm pkix.AlgorithmIdentifier
		Signature asn1.BitString
	}
	if _, err := asn1.Unmarshal(c.Raw, &cert); err != nil {
		t.Fatal(err)
	}
	switch cert.Algorithm.Algorithm.String() {
	case "1.2.398.3.10.1.1.1.2":
		return New34311(SBoxTest())
	case "1.2.398.3.10.1.1.2.3.2":
		return NewStreebog512()
	}
	return nil
}

// TestRealCertificates verifies every certificate file of the corpus that a national CA signed with GOST, wherever the
// CA's certificate is there too.
func TestRealCertificates(t *testing.T) {
	var certs []*x509.Certificate
	names := map[*x509.Certificate]string{}
	err := filepath.WalkDir(corpora(t), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".cer") && !strings.HasSuffix(path, ".crt") {
			return err
		}
		der, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if block, _ := pem.Decode(der); block != nil {
			der = block.Bytes
		}
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return err
		}
		certs = append(certs, c)
		names[c] = filepath.Base(path)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	verified := map[string]int{}
	for _, c := range certs {
		h := nationalHash(t, c)
		if h == nil {
			continue
		}
		found, ok := 0, false
		for _, ca := range certs { // CAs of one name exist with several keys
			key := nationalKey(t, ca)
			if key == nil || !bytes.Equal(ca.RawSubject, c.RawIssuer) {
				continue
			}
			found++
			h.Reset()
			_, _ = h.Write(c.RawTBSCertificate)
			digest := h.Sum(nil)
			if len(digest)*8 != key.Curve().Bits() || !key.Verify(digest, c.Signature) {
				continue
			}
			ok = true
			verified[key.Curve().Name()]++
			digest[5] ^= 1
			if key.Verify(digest, c.Signature) {
				t.Errorf("%s verifies with another digest", names[c])
			}
			break
		}
		if found > 0 && !ok {
			t.Errorf("%s: none of the %d certificates of its CA verifies it", names[c], found)
		}
		if found == 0 {
			t.Logf("%s: its CA's certificate is not in the corpus", names[c])
		}
	}
	t.Logf("verified: %v", verified)
	if verified[CryptoProA().Name()] == 0 || verified[TC26_512A().Name()] == 0 {
		t.Error("nothing was verified on one of the two national curves")
	}
}
