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

// The report for people is a file of the form that its name asks for, in the language asked for, and never takes another's place.
func TestValidateReport(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "unsigned.xml")
	if err := os.WriteFile(file, []byte("<a/>"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	for name, begins := range map[string]string{"out.pdf": "%PDF-", "out.html": "<!doctype html>\n<html lang=\"kk\">"} {
		args := []string{"validate", "--offline", "--language", "kk", "--report", filepath.Join(dir, name), file}
		if code := run(t.Context(), args, streams{nil, &out, &errs}); code != exitFailed {
			t.Fatalf("exit %d\n%s", code, errs.String())
		}
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !strings.HasPrefix(string(got), begins) {
			t.Errorf("%s: %v %.60s", name, err, got)
		}
		if code := run(t.Context(), args, streams{nil, &out, &errs}); code != 1 || !strings.Contains(errs.String(), "file already exists") {
			t.Errorf("a second time: exit %d\n%s", code, errs.String())
		}
	}
	for _, args := range [][]string{{"--report", filepath.Join(dir, "out.doc"), file}, {"--report", filepath.Join(dir, "two.pdf"), file, file}} {
		if code := run(t.Context(), append([]string{"validate", "--offline"}, args...), streams{nil, &out, &errs}); code != 1 {
			t.Errorf("%v: exit %d", args, code)
		}
	}
}
