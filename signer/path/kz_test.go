package path

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"qaqpa/signer/pkix"
)

// fromKeyStore lets OpenSSL take the certificate out of a PKCS#12 file.
func fromKeyStore(tb testing.TB, path string) []byte {
	tb.Helper()
	for _, password := range []string{"Qwerty12", "Aa123456"} { // published with the test keys
		out, err := exec.CommandContext(tb.Context(), "openssl", "pkcs12", "-in", path, "-nokeys", "-legacy", "-passin", "pass:"+password).Output()
		if err == nil {
			return out
		}
	}
	tb.Fatalf("openssl cannot read %s", path)
	return nil
}

// kzCertificates are all certificates of the national corpora, from files and key stores, each once.
func kzCertificates(tb testing.TB) []*pkix.Certificate {
	tb.Helper()
	var out []*pkix.Certificate
	seen := map[Digest]bool{}
	walkKZ(tb, func(path string) {
		var b []byte
		var err error
		switch base := filepath.Base(path); {
		case strings.HasSuffix(base, ".p12") || strings.HasPrefix(base, "WithTestData.KEY_"):
			b = fromKeyStore(tb, path)
		case strings.HasSuffix(base, ".cer"), strings.HasSuffix(base, ".crt"), strings.HasSuffix(base, ".pem"),
			strings.Contains(base, "CERT"):
			if b, err = os.ReadFile(path); err != nil {
				tb.Fatal(err)
			}
		default:
			return
		}
		certs, err := pkix.ParsePEMOrDER(b)
		if err != nil {
			tb.Fatalf("%s: %v", path, err)
		}
		for _, c := range certs {
			if !seen[c.Fingerprint()] {
				seen[c.Fingerprint()] = true
				out = append(out, c)
			}
		}
	})
	return out
}

func walkKZ(tb testing.TB, visit func(path string)) {
	tb.Helper()
	err := filepath.WalkDir(filepath.Join(corpora(tb), "kz"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			visit(path)
		}
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
}

// TestNationalChains builds and verifies the chain of every national certificate, at a time inside its validity: the
// CAs of production and of the test contours, RSA and GOST of both generations.
func TestNationalChains(t *testing.T) {
	pool := kzCertificates(t)
	var anchors []Anchor
	for _, c := range pool {
		if c.SelfIssued() {
			anchors = append(anchors, Anchor{Certificate: c, IgnoreDates: true})
		}
	}
	var agreed, total int
	lengths := map[int]int{}
	for _, c := range pool {
		total++
		at := c.NotBefore.AddDate(0, 0, 1)
		r := Validate(Inputs{Leaf: c, Pool: pool, Anchors: anchors, At: at, Revocation: Revocation{Leaf: Off, CA: Off}})
		if r.Indication != Passed {
			t.Errorf("%s (issuer %s) at %s: %s", c.Subject, c.Issuer, at, explain(r))
			continue
		}
		agreed++
		lengths[len(r.Chain)]++
	}
	t.Logf("national chains: %d/%d (%d anchors; chains by length %v)", agreed, total, len(anchors), lengths)
}

// TestNationalLists verifies the signature of every national list by a CA of the corpora.
func TestNationalLists(t *testing.T) {
	pool := kzCertificates(t)
	var agreed, total int
	walkKZ(t, func(path string) {
		if !strings.HasSuffix(path, ".crl") {
			return
		}
		total++
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		crl, err := pkix.ParseCRL(unarmour(b))
		if err != nil {
			t.Errorf("%s: %v", path, err)
			return
		}
		for _, c := range pool {
			if c.Subject.Equal(crl.Issuer) && crl.CheckSignature(c.PublicKey, c.PublicKeyErr) == nil {
				agreed++
				t.Logf("%s: %s, %d entries, delta %v, number %x, base %x", filepath.Base(path), crl.SignatureAlgorithm.Name,
					crl.Len(), crl.Delta, crl.Number, crl.BaseNumber)
				return
			}
		}
		t.Errorf("%s: no CA of the corpora signed it (%s)", path, crl.Issuer)
	})
	t.Logf("national lists: %d/%d", agreed, total)
}

// TestNationalNamesAreNotConfused: two test CAs have names that differ by one letter, which look alike.
func TestNationalNamesAreNotConfused(t *testing.T) {
	a := readCert(t, "kz/sdk/CA_Test/NCA/nca_rsa_test.cer")
	b := readCert(t, "kz/sdk/CA_Test/NCA/old/nca_rsa_test_old.crt")
	if a.Subject.Equal(b.Subject) {
		t.Errorf("%s equals %s", a.Subject, b.Subject)
	}
}

// TestNationalRevocation judges the published test keys by the lists published with them. Their folders say which are
// revoked; where the lists know better, the case says so.
func TestNationalRevocation(t *testing.T) {
	pool := kzCertificates(t)
	var anchors []Anchor
	for _, c := range pool {
		if c.SelfIssued() {
			anchors = append(anchors, Anchor{Certificate: c, IgnoreDates: true})
		}
	}
	var agreed, total int
	for _, set := range []struct {
		keys, lists string
		odd         map[string]Status // part of a path: what the lists say in place of its folder
	}{
		{"kz/testkeys-2027", "kz/testkeys-2027", map[string]Status{
			"legal/valid/employee.p12": StatusRevoked, "legal/valid/infosystem.p12": StatusRevoked, // superseded
		}},
		{"kz/sdk/Gost2015/2023.11.17_valid", "kz/sdk/CRL", map[string]Status{
			"6dba535d60e55c61d30ec7ec8984b1b332f12027": StatusGood, // an information system's key that is newer than the list
		}},
		{"kz/sdk/Gost2004 and RSA/2023.11.17_valid", "kz/sdk/CRL", map[string]Status{
			"c0f94276a64698a3e011ce3216335caf5913854f": StatusUnavailable, // of a CA whose lists are not there
		}},
	} {
		var lists []*pkix.CRL
		walk(t, set.lists, ".crl", func(_ string, b []byte) {
			crl, err := pkix.ParseCRL(unarmour(b))
			if err != nil {
				t.Fatal(err)
			}
			lists = append(lists, crl)
		})
		walk(t, set.keys, ".p12", func(path string, _ []byte) {
			total++
			certs, err := pkix.ParsePEMOrDER(fromKeyStore(t, path))
			if err != nil {
				t.Fatal(err)
			}
			at := certs[0].NotBefore
			for _, crl := range lists {
				if crl.Issuer.Equal(certs[0].Issuer) && crl.ThisUpdate.After(at) {
					at = crl.ThisUpdate
				}
			}
			r := Validate(Inputs{Leaf: certs[0], Pool: pool, Anchors: anchors, At: at, CRLs: lists, Revocation: Revocation{CA: IfAvailable}})
			want := StatusGood
			if strings.Contains(strings.ToLower(path), "/revoked/") {
				want = StatusRevoked
			}
			for part, status := range set.odd {
				if strings.Contains(path, part) {
					want = status
				}
			}
			if len(r.Revocation) == 0 || r.Revocation[0].Status != want {
				t.Errorf("%s at %s: want %s, got %s", path, at, want, explain(r))
				return
			}
			agreed++
		})
	}
	t.Logf("national revocation: %d/%d", agreed, total)
}

func walk(t *testing.T, folder, suffix string, visit func(path string, b []byte)) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(corpora(t), folder), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, suffix) {
			return err
		}
		b, err := os.ReadFile(path)
		visit(path, b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
