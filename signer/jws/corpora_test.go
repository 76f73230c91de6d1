package jws_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"qaqpa/signer/algo"
	"qaqpa/signer/jws"
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

// Keys of the national CA's test packs make JWTs that their certificates verify, under the algorithm of their kind.
func TestNationalKeys(t *testing.T) {
	made := map[jws.Algorithm]int{}
	err := filepath.WalkDir(corpora(t, "kz"), func(path string, _ os.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".p12") {
			return err
		}
		file, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		store, err := p12.Open(file, "Qwerty12", p12.Limits{})
		if err != nil {
			return err
		}
		e := store.Entries[0]
		token := mustParse(t, mustSign(t, jws.SignInput{Signer: e.Key, Certificate: e.Certificate, Type: "JWT", Embed: true, Payload: payload}))
		if err := token.VerifyCertificate(e.Certificate, nil); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		token.Signature[len(token.Signature)/2] ^= 4
		if err := token.VerifyCertificate(e.Certificate, nil); !errors.Is(err, algo.ErrSignature) {
			t.Errorf("%s, changed: %v", path, err)
		}
		made[token.Header.Algorithm]++
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Log(made)
	if made[jws.GG2015] != 34 || made[jws.GG2004] != 14 || made[jws.RS256] != 16 {
		t.Errorf("tokens: %v", made)
	}
}

// compactJAdES are the documents of the DSS corpus in compact form, by path.
func compactJAdES(tb testing.TB) map[string]string {
	tb.Helper()
	dir := corpora(tb, "dss", "jades")
	out := make(map[string]string)
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if b = bytes.TrimSpace(b); bytes.HasPrefix(b, []byte("ey")) && bytes.Count(b, []byte(".")) == 2 {
			name, err := filepath.Rel(dir, path)
			out[name] = string(b)
			return err
		}
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	return out
}
