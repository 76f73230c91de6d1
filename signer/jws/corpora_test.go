package jws_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// compactJAdES are the documents of the DSS corpus in compact form, by path.
func compactJAdES(tb testing.TB) map[string]string {
	tb.Helper()
	root := os.Getenv("QAQPA_CORPORA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "corpora")
	}
	dir := filepath.Join(root, "dss", "jades")
	if _, err := os.Stat(dir); err != nil {
		tb.Skipf("corpora not here (set QAQPA_CORPORA): %v", err)
	}
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
