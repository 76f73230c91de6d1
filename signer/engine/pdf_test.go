package engine_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"qaqpa/signer/report"
	"qaqpa/testenv/pki"
)

// Every PDF document of DSS gets a verdict, in time. No anchors of theirs are known, so none may pass; what is broken in
// itself fails.
func TestPDFDocumentsOfDSS(t *testing.T) {
	root := os.Getenv("QAQPA_CORPORA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "corpora")
	}
	files, _ := filepath.Glob(filepath.Join(root, "dss", "pades", "validation", "*.pdf"))
	more, _ := filepath.Glob(filepath.Join(root, "dss", "pades", "validation", "*", "*.pdf"))
	if files = append(files, more...); len(files) == 0 {
		t.Skip("corpora not here (set QAQPA_CORPORA)")
	}
	broken := []string{
		"siwa.pdf", "pdf-eof.pdf", "pdf-signed-corrupted.pdf", "pdf-byterange-overlap.pdf", "pdf-signed-out-of-byteRange.pdf",
		"pdf-removed-pages.pdf", "BadEncodedCMS.pdf", "pades-enveloping-empty-bytes-cms.pdf",
	}
	levels := map[string]string{
		"pades-bes.pdf": "PAdES-B-B", "pades-ltv.pdf": "PAdES-B-LTA", "doc-firmado.pdf": "PAdES-B-LTA", "doc-firmado-LT.pdf": "PAdES-B-LT",
		"DSS-3567.pdf": "PDF", "pades-t-duplicated-sigtst.pdf": "PAdES-B-T",
	}
	l := setup(t, pki.ECDSA)
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		v := l.assess(b, nil).Verdict
		took := time.Since(start)
		name := filepath.Base(file)
		if v.Format != "PDF" || v.Detached || len(v.Signatures)+len(v.TimeStamps) == 0 {
			t.Errorf("%s: format %s, %d signatures", name, v.Format, len(v.Signatures))
			continue
		}
		if v.Indication == report.TotalPassed || v.Passed() {
			t.Errorf("%s passes", name)
		}
		if strings.Contains(strings.Join(broken, " "), name) && (v.Indication != report.TotalFailed || v.Coverage == "FULL") {
			t.Errorf("%s: %s, coverage %s", name, v.Indication, v.Coverage)
		}
		if want := levels[name]; want != "" && v.Signatures[0].Level != want {
			t.Errorf("%s: level %s, not %s", name, v.Signatures[0].Level, want)
		}
		if took > 2*time.Minute { // a guard against hanging
			t.Errorf("%s took %s", name, took)
		}
		t.Logf("%s: %s/%s, %s, %d signatures, %s", name, v.Indication, v.Sub, v.Coverage, len(v.Signatures), took.Round(time.Millisecond))
	}
}
