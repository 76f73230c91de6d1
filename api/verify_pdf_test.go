package api

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"qaqpa/signer"
)

// TestValidatePDF: a PDF document is a body like any other; the verdict tells what later revisions changed.
func TestValidatePDF(t *testing.T) {
	root := os.Getenv("QAQPA_CORPORA")
	if root == "" {
		root = filepath.Join("..", "..", "shared", "corpora")
	}
	document, err := os.ReadFile(filepath.Join(root, "dss", "pades", "validation", "dss-2236", "replace.pdf"))
	if err != nil {
		t.Skipf("corpora not here (set QAQPA_CORPORA): %v", err)
	}
	j := newJudging(t)
	for _, contentType := range []string{typePDF, typeBytes} {
		v := in[signer.Verdict](t, j.do(call{method: http.MethodPost, path: "/v1/validations", contentType: contentType, body: document}), 200)
		if v.Format != "PDF" || v.Coverage != "PARTIAL" || v.Passed() || len(v.Signatures) != 1 {
			t.Fatalf("format %s, coverage %s, %d signatures", v.Format, v.Coverage, len(v.Signatures))
		}
		if s := v.Signatures[0]; s.Revision != 1 || s.Revisions != 2 || len(s.Changes) == 0 || s.Changes[0].Kind != "form_fill" {
			t.Errorf("revision %d of %d, changes %+v", s.Revision, s.Revisions, s.Changes)
		}
	}
}
