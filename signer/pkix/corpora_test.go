package pkix

import (
	"bytes"
	"encoding/base64"
	"encoding/pem"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// corpora is the folder of real data, or the test is skipped.
func corpora(tb testing.TB) string {
	tb.Helper()
	dir := os.Getenv("QAQPA_CORPORA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "corpora")
	}
	if _, err := os.Stat(dir); err != nil {
		tb.Skipf("real data is absent: %v (set QAQPA_CORPORA)", err)
	}
	return dir
}

// files lists the files below a folder of the corpora whose names end in one of the suffixes.
func files(tb testing.TB, folder string, suffixes ...string) []string {
	tb.Helper()
	var out []string
	err := filepath.WalkDir(filepath.Join(corpora(tb), folder), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		for _, s := range suffixes {
			if strings.HasSuffix(path, s) {
				out = append(out, path)
				break
			}
		}
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

func read(tb testing.TB, path string) []byte {
	tb.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// unarmour takes PEM or base64 off.
func unarmour(b []byte) []byte {
	if block, _ := pem.Decode(b); block != nil {
		return block.Bytes
	}
	if der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(string(b)), "")); err == nil {
		return der
	}
	return b
}

func TestCertificatesOfTheCorporaAreRead(t *testing.T) {
	for _, c := range []struct {
		folder   string
		suffixes []string
		least    int
	}{
		{"pkits/certs", []string{".crt"}, 405},
		{"kz", []string{".cer", ".crt", "CERT.bin", "CERT_INDIVIDUAL.bin", ".pem"}, 30},
		{"ocsp", []string{".pem"}, 31},
	} {
		agreed, total := 0, 0
		for _, path := range files(t, c.folder, c.suffixes...) {
			total++
			certs, err := ParsePEMOrDER(read(t, path))
			if err != nil {
				t.Errorf("%s: %v", path, err)
				continue
			}
			ok := true
			for _, cert := range certs {
				if len(cert.Defects) > 0 || cert.PublicKeyErr != nil && !strings.Contains(path, "DSA") {
					t.Errorf("%s: defects %v, key %v", path, cert.Defects, cert.PublicKeyErr)
					ok = false
				}
			}
			if ok {
				agreed++
			}
		}
		t.Logf("certificates of %s read: %d/%d", c.folder, agreed, total)
		if total < c.least {
			t.Errorf("%s: %d certificates, want at least %d", c.folder, total, c.least)
		}
	}
}

func TestRevocationListsOfTheCorporaAreRead(t *testing.T) {
	agreed, total := 0, 0
	for _, path := range append(files(t, "pkits/crls", ".crl"), files(t, "kz", ".crl")...) {
		total++
		crl, err := ParseCRL(unarmour(read(t, path)))
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		if len(crl.Defects) > 0 {
			t.Errorf("%s: %v", path, crl.Defects)
			continue
		}
		n := 0
		for e := range crl.Entries() {
			n++
			if !bytes.Equal(e.Serial, crl.entries.serialAt(crl.entries.sorted[0])) && len(e.Serial) == 0 {
				t.Errorf("%s: entry without serial number", path)
			}
		}
		if n != crl.Len() {
			t.Errorf("%s: %d entries walked of %d", path, n, crl.Len())
		}
		agreed++
	}
	t.Logf("revocation lists read: %d/%d", agreed, total)
}

func TestResponsesOfTheCorporaAreRead(t *testing.T) {
	agreed, total := 0, 0
	for _, path := range append(files(t, "ocsp", ".ors"), files(t, "kz/ncanode/ocsp", ".bin")...) {
		total++
		o, err := ParseOCSPResponse(unarmour(read(t, path)))
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		if o.Status != OCSPSuccessful || len(o.Responses) != 1 {
			t.Errorf("%s: status %v, %d responses", path, o.Status, len(o.Responses))
			continue
		}
		agreed++
		t.Log(filepath.Base(path), o.Responses[0].Status, o.Responses[0].NeverIssued(), o.ExtendedRevocation, o.Responses[0].CertID.HashErr)
	}
	t.Logf("OCSP responses read: %d/%d", agreed, total)
}
