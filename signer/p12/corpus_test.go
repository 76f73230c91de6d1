package p12_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"qaqpa/signer/asn1ber"
	"qaqpa/signer/p12"
	"qaqpa/signer/rawsig"
)

// corpora is the folder of real test data; tests that need it are skipped plainly where it is absent.
func corpora(tb testing.TB, parts ...string) string {
	tb.Helper()
	root := os.Getenv("QAQPA_CORPORA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "corpora")
	}
	path := filepath.Join(append([]string{root}, parts...)...)
	if _, err := os.Stat(path); err != nil {
		tb.Skipf("corpora not here (set QAQPA_CORPORA): %v", err)
	}
	return path
}

// sample is one file of the national CA's test keys.
type sample struct{ name, path, password string }

// samples are all national PKCS #12 files of the corpora.
func samples(tb testing.TB) []sample {
	tb.Helper()
	root := corpora(tb, "kz")
	var out []sample
	err := filepath.WalkDir(root, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		base := filepath.Base(path)
		switch {
		case strings.HasSuffix(base, ".p12"), strings.Contains(base, ".KEY_") && strings.HasSuffix(base, "_2004.bin"):
			out = append(out, sample{name, path, "Qwerty12"})
		case strings.Contains(base, ".KEY_"):
			out = append(out, sample{name, path, "Aa123456"})
		}
		return err
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

func mustOpen(tb testing.TB, file []byte, password string) *p12.Store {
	tb.Helper()
	s, err := p12.Open(file, password, p12.Limits{})
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// checkEntry lets a key sign and its certificate verify.
func checkEntry(tb testing.TB, e *p12.Entry) {
	tb.Helper()
	if e.Certificate == nil {
		tb.Fatalf("%s: no certificate", e.Alias)
	}
	message := []byte("қаулы")
	sig, _, err := rawsig.Sign(rawsig.SignInput{Signer: e.Key, Public: e.Certificate.PublicKey, Data: message, Rand: rand.Reader})
	if err != nil {
		tb.Fatalf("%s: %v", e.Alias, err)
	}
	if _, err := rawsig.Verify(e.Certificate.PublicKey, message, sig, rawsig.Options{}); err != nil {
		tb.Errorf("%s: %v", e.Alias, err)
	}
}

// TestConformanceKZFiles: all 70 national files open, and each key signs what its certificate verifies.
func TestConformanceKZFiles(t *testing.T) {
	keyID := regexp.MustCompile(`^[0-9a-f]{40}$`)
	families := map[string]int{}
	folders := map[string]int{}
	agreed, total := 0, 0
	for _, s := range samples(t) {
		total++
		t.Run(s.name, func(t *testing.T) {
			file := read(t, s.path)
			store := mustOpen(t, file, s.password)
			if len(store.Entries) != 1 || len(store.Certificates) != 0 || !store.Authenticated {
				t.Fatalf("%d keys, %d other certificates, authenticated %t", len(store.Entries), len(store.Certificates), store.Authenticated)
			}
			e := &store.Entries[0]
			checkEntry(t, e)
			if !keyID.MatchString(e.Alias) || e.Alias != fmt.Sprintf("%x", e.LocalKeyID) || len(e.Chain) != 0 {
				t.Errorf("alias %q, local key id %x, chain of %d", e.Alias, e.LocalKeyID, len(e.Chain))
			}
			// The SDK names its files by the key id.
			if base := filepath.Base(s.path); strings.Contains(base, "_") && strings.HasPrefix(s.name, "sdk") && !strings.Contains(base, e.Alias) {
				t.Errorf("alias %s", e.Alias)
			}
			if _, err := p12.Open(file, s.password+" ", p12.Limits{}); !errors.Is(err, p12.ErrPassword) {
				t.Errorf("other password: %v", err)
			}
			families[e.Certificate.PublicKey.Family.String()]++
			folder, _, _ := strings.Cut(s.name, string(filepath.Separator))
			folders[folder]++
			if !t.Failed() {
				agreed++
			}
		})
	}
	t.Log(families, folders)
	if folders["sdk"] != 52 || folders["testkeys-2027"] != 12 || folders["ncanode"] != 6 {
		t.Errorf("files: %v", folders)
	}
	if families["GOST 34.310-2004"]+families["GOST R 34.10-2012-512"] != 51 || families["RSA"] != 19 {
		t.Errorf("keys: %v", families)
	}
	record(t, "national key files", agreed, total, 0)
}

// A bit flipped anywhere in a national file: never opened, and never called a wrong password.
// One octet in 31 of one file in 17; each octet of each file under QAQPA_CONFORMANCE (make conformance-kz).
func TestConformanceKZFlippedFiles(t *testing.T) {
	step, files := 31, 17
	if os.Getenv("QAQPA_CONFORMANCE") != "" {
		step, files = 1, 1
	}
	all := samples(t)
	outcomes, wrong := map[string]int{}, 0
	for i := 0; i < len(all); i += files {
		s := all[i]
		file := read(t, s.path)
		for at := 0; at < len(file); at += step {
			bad := bytes.Clone(file)
			bad[at] ^= 1 << ((at + i) % 8)
			_, err := p12.Open(bad, s.password, p12.Limits{})
			switch {
			case errors.Is(err, p12.ErrDamaged):
				outcomes["damaged"]++
			case errors.Is(err, p12.ErrUnsupported):
				outcomes["unsupported"]++
			case errors.Is(err, asn1ber.ErrLimit):
				outcomes["limit"]++
			default:
				wrong++
				t.Errorf("%s, octet %d: %v", s.name, at, err)
			}
		}
	}
	t.Log(outcomes)
	refused := outcomes["damaged"] + outcomes["unsupported"] + outcomes["limit"]
	record(t, "national key files with one bit of each octet changed", refused, refused+wrong, wrong)
}

// record adds a line to the table of conformance, where one is made.
func record(t *testing.T, suite string, agreed, total, wrong int) {
	t.Helper()
	t.Logf("%s: %d of %d agree, %d wrongly accepted", suite, agreed, total, wrong)
	path := os.Getenv("QAQPA_CONFORMANCE")
	if path == "" {
		return
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	_, err = fmt.Fprintf(f, `{"suite":%q,"agreed":%d,"total":%d,"out_of_scope":0,"wrongly_accepted":%d,"deviations":[]}`+"\n", suite, agreed, total, wrong)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Error(err)
	}
}

func TestTruncated(t *testing.T) {
	s := samples(t)[0]
	file := read(t, s.path)
	for n := range file {
		if _, err := p12.Open(file[:n], s.password, p12.Limits{}); !errors.Is(err, p12.ErrDamaged) {
			t.Fatalf("%d of %d octets: %v", n, len(file), err)
		}
	}
	if _, err := p12.Open(append(file, 0), s.password, p12.Limits{}); !errors.Is(err, p12.ErrDamaged) {
		t.Errorf("one octet more: %v", err)
	}
}
