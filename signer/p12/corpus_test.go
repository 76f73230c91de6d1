package p12_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"qaqpa/signer/p12"
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

// samples are all national PKCS #12 files of the corpora: 52, 12 and 6.
func samples(tb testing.TB) []sample {
	tb.Helper()
	root := corpora(tb, "kz")
	var out []sample
	err := filepath.WalkDir(root, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(root, path)
		base := filepath.Base(path)
		switch {
		case strings.HasSuffix(base, ".p12"), strings.Contains(base, ".KEY_") && strings.HasSuffix(base, "_2004.bin"):
			out = append(out, sample{name, path, "Qwerty12"})
		case strings.Contains(base, ".KEY_"):
			out = append(out, sample{name, path, "Aa123456"})
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

func TestNationalFilesOpen(t *testing.T) {
	counts := map[string]int{}
	all := samples(t)
	for _, s := range all {
		t.Run(s.name, func(t *testing.T) {
			store, err := p12.Open(read(t, s.path), s.password, p12.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if len(store.Entries) != 1 || len(store.Certificates) != 0 || !store.Authenticated {
				t.Fatalf("%d keys, %d other certificates, authenticated %t", len(store.Entries), len(store.Certificates), store.Authenticated)
			}
			e := store.Entries[0]
			t.Log(e.Alias, e.Certificate.PublicKey.Family, e.Certificate.Subject)
			counts[e.Certificate.PublicKey.Family.String()]++
		})
	}
	t.Log(len(all), counts)
}
