package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"qaqpa/signer"
	"qaqpa/signer/report"
)

// One file that cannot be judged does not keep the others from it, and the exit code tells the gravest.
func TestValidateSeveralFiles(t *testing.T) {
	dir := t.TempDir()
	empty, unsigned := filepath.Join(dir, "empty.cms"), filepath.Join(dir, "unsigned.xml")
	for file, content := range map[string]string{empty: "", unsigned: "<a/>"} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out, errs bytes.Buffer
	code := run(t.Context(), []string{"validate", "--offline", "--json", empty, unsigned}, streams{nil, &out, &errs})
	if code != 1 || strings.Count(out.String(), "\n") != 1 || !strings.Contains(out.String(), `"indication":"TOTAL-FAILED"`) || !strings.Contains(errs.String(), "couldn't judge "+empty) {
		t.Errorf("exit %d\n%s\n%s", code, out.String(), errs.String())
	}
	if code := run(t.Context(), []string{"validate", "--offline", unsigned, unsigned}, streams{nil, &out, &errs}); code != exitFailed {
		t.Errorf("exit %d", code)
	}
}

func TestExitCodes(t *testing.T) {
	part := signer.Verdict{Indication: report.TotalPassed, Format: "XMLDSig", Coverage: "PARTIAL"}
	soap := signer.Verdict{Indication: report.TotalPassed, Format: "WSSE", Coverage: "PARTIAL"}
	whole := signer.Verdict{Indication: report.TotalPassed, Format: "CMS", Coverage: "FULL"}
	open, failed := signer.Verdict{Indication: report.Indeterminate}, signer.Verdict{Indication: report.TotalFailed}
	for _, c := range []struct {
		verdicts []signer.Verdict
		want     error
	}{
		{[]signer.Verdict{whole, soap}, nil},
		{[]signer.Verdict{whole, part}, exitError{exitPartial}},
		{[]signer.Verdict{part, open}, exitError{exitIndeterminate}},
		{[]signer.Verdict{open, failed, whole}, exitError{exitFailed}},
		{[]signer.Verdict{{Indication: "else"}}, exitError{exitFailed}},
	} {
		var all tally
		for _, v := range c.verdicts {
			all.count(v)
		}
		if got := all.exit(); !errors.Is(got, c.want) {
			t.Errorf("%v: %v, want %v", c.verdicts, got, c.want)
		}
	}
}
