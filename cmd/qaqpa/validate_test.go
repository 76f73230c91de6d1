package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"qaqpa/signer"
	"qaqpa/signer/engine"
	"qaqpa/signer/report"
	"qaqpa/testenv/pki"

	"go.yaml.in/yaml/v3"
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

// Several originals are handed in by name, and the line about the octets says what became of them.
func TestValidateOriginals(t *testing.T) {
	dir := t.TempDir()
	signature, original := filepath.Join(dir, "s.xml"), filepath.Join(dir, "a.txt")
	text := `<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="http://www.w3.org/TR/2001/REC-xml-c14n-20010315"/>` +
		`<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"/><ds:Reference URI="folder/a=1.txt">` +
		`<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><ds:DigestValue>ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs=</ds:DigestValue></ds:Reference>` +
		`</ds:SignedInfo><ds:SignatureValue>AAAA</ds:SignatureValue></ds:Signature>`
	for file, content := range map[string]string{signature: text, original: "a"} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, "what it refers to missing"},
		{[]string{"--original", "a.txt=" + original}, "what it refers to missing"},
		{[]string{"--original", "folder/a%3D1.txt=" + original, "--original", "b=" + original}, "what it refers to missing"},
		{[]string{"--detached", original}, "signature value undecided, what it refers to intact"},
	} {
		var out, errs bytes.Buffer
		code := run(t.Context(), append([]string{"validate", "--offline", signature}, c.args...), streams{nil, &out, &errs})
		if code == 0 || !strings.Contains(out.String(), c.want) {
			t.Errorf("%v: exit %d\n%s\n%s", c.args, code, out.String(), errs.String())
		}
	}
	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"validate", "--offline", signature, "--original", "a=" + original, "--detached", original}, streams{nil, &out, &errs}); code != 1 || out.Len() > 0 {
		t.Errorf("two ways: exit %d %s", code, out.String())
	}
}

// A certificate is judged alone, by evidence that is handed in, and a file that is none does not keep the others from it.
func TestValidateCertificates(t *testing.T) {
	p, err := pki.New(pki.Options{Dir: t.TempDir(), Families: []pki.Family{pki.ECDSA}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.Release() }()
	id, err := p.Issue(pki.Profile{Family: pki.ECDSA, Kind: pki.Citizen, Surname: "ӘЛИЕВ", Given: "ДӘУРЕН", IIN: pki.IIN(1)})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name string, content []byte) string {
		t.Helper()
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	crl, err := p.CRL(p.NCA(pki.ECDSA))
	if err != nil {
		t.Fatal(err)
	}
	certificate, list, other := write("c.cer", id.Certificate), write("l.crl", crl), write("x", []byte("x"))
	preset, err := engine.PolicyDocument("standard")
	if err != nil {
		t.Fatal(err)
	}
	rules := write("rules.json", preset)
	var tree any
	if err := json.Unmarshal(preset, &tree); err != nil {
		t.Fatal(err)
	}
	plain, err := yaml.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	loose := write("rules.yaml", plain)
	trust := []string{"--trust=custom", "--trust-anchors=" + write("a.pem", p.AnchorsPEM()), "--trust-intermediates=" + write("i.pem", p.IntermediatesPEM()), "--offline"}
	for _, c := range []struct {
		args []string
		exit int
		want string
	}{
		{[]string{"--certificate", certificate, "--evidence", list, "--policy=standard"}, 0, "TOTAL-PASSED"},
		{[]string{"--certificate", "--json", certificate, "--evidence", list, "--policy=standard"}, 0, `"indication":"TOTAL-PASSED"`},
		{[]string{"--certificate", certificate, "--evidence", list, "--policy-file", rules}, 0, "TOTAL-PASSED"},
		{[]string{"--certificate", certificate, "--evidence", list, "--policy-file", loose}, 0, "TOTAL-PASSED"},
		{[]string{"--certificate", certificate, "--evidence", list, "--policy-file", list}, 1, ""},
		{[]string{"--certificate", certificate, "--policy-file", rules, "--policy=strict"}, 1, ""},
		{[]string{"--certificate", certificate}, exitIndeterminate, "TRY_LATER"},
		{[]string{"--certificate", other, certificate, "--evidence", list, "--policy=standard"}, 1, "TOTAL-PASSED"},
		{[]string{"--certificate", certificate, "--etsi"}, 1, ""},
		{[]string{certificate}, exitFailed, "FORMAT_FAILURE"},
	} {
		var out, errs bytes.Buffer
		code := run(t.Context(), append(append([]string{"validate"}, c.args...), trust...), streams{nil, &out, &errs})
		if code != c.exit || !strings.Contains(out.String(), c.want) {
			t.Errorf("%v: exit %d\n%s\n%s", c.args, code, out.String(), errs.String())
		}
	}
}
