package engine_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"qaqpa/signer/algo"
	"qaqpa/signer/cms"
	"qaqpa/signer/engine"
	"qaqpa/signer/report"
)

// conformanceLine is a line of conformance.jsonl.
type conformanceLine struct {
	Suite           string      `json:"suite"`
	Agreed          int         `json:"agreed"`
	Total           int         `json:"total"`
	OutOfScope      int         `json:"out_of_scope"`
	WronglyAccepted int         `json:"wrongly_accepted"`
	Deviations      []deviation `json:"deviations"`
}

type deviation struct {
	Case string `json:"case"`
	Why  string `json:"why"`
}

// write prints the counts and appends them to the file that make conformance names.
func (l *conformanceLine) write(tb testing.TB) {
	tb.Helper()
	tb.Logf("%s: %d of %d agree, %d wrongly accepted", l.Suite, l.Agreed, l.Total, l.WronglyAccepted)
	for _, d := range l.Deviations {
		tb.Logf("  %s: %s", d.Case, d.Why)
	}
	path := os.Getenv("QAQPA_CONFORMANCE")
	if path == "" {
		return
	}
	text, err := json.Marshal(l)
	if err != nil {
		tb.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write(append(text, '\n')); err != nil {
		tb.Fatal(err)
	}
}

// dssRow is a row of dss/cases.jsonl.
type dssRow struct {
	Format   string   `json:"format"`
	Document string   `json:"document"`
	Others   []string `json:"others"`
	Expect   string   `json:"expect"`
	Test     string   `json:"test"`
}

// dssTexts are originals that the tests of DSS make in memory; an empty one stands for the digest inside the signature.
var dssTexts = map[string]string{
	"CAdESBESDetachedSignedDataContentTypeTest":      "Hello World",
	"CAdESLevelERSDetachedOriginalNotCoveredTest":    "Hello World!",
	"DoubleCAdESLevelERSDetachedHashtreeRenewalTest": "Hello World !!!",
	"CAdESDetachedTstV2WithDigestDocTest":            "aaa",
	"CAdESDetachedTstV2Test":                         "aaa",
	"CAdESWithInvalidOCSPResponsesEncodingTest":      "",
	"CAdESWithDuplicatedSignedAttrsTest":             "",
}

// dssSound are the rows of another expectation whose signature is intact all the same: the defect is in a time stamp or an
// evidence record, or the test asserts nothing bad.
var dssSound = []string{
	"CAdESLevelLTAWithCopiedATSTTest", "CAdESLevelTWithCopiedSigTstTest", "CAdESLevelERSDetachedOriginalNotCoveredTest",
	"CAdESLevelERSRenewedHashtreeInvalidTest", "CAdESEnvelopingValidationTest",
}

// dssLevels are the levels of documents that tell theirs by name. Signature-15-CBp-LT-2 has references without the data that
// they name, which is the older form C, whatever it is called.
var dssLevels = map[string]string{
	"Signature-C-BES-4.p7m": "CAdES-B", "cades-t-copied-sigtst.p7m": "CAdES-T", "Signature-15-CBp-LT-2.p7m": "CAdES-C",
	"counterSignedLTA.p7s": "CAdES-LTA", "cades-extended-a.pkcs7": "CAdES-LTA", "Signature-C-X-1.p7m": "CAdES-X",
	"Signature-C-A-XL-1.p7m": "CAdES-A", "cadesLTAwithATv2.sig": "CAdES-A", "signatureExtendedTwoLTA.p7s": "CAdES-A",
	"cades-lta-copied-atst.p7m": "CAdES-LTA", "cades-bes-signeddata-detached.p7s": "CAdES-B",
}

// TestConformanceDSSCAdES judges the CAdES documents of DSS. No anchors are given: what is compared is whether every signature is
// cryptographically intact and finds what it covers, and the level.
func TestConformanceDSSCAdES(t *testing.T) {
	dir := filepath.Join(corporaDir(t), "dss")
	a := newArchive(t)
	line := conformanceLine{Suite: "CAdES documents of DSS", Deviations: []deviation{}}
	levels := map[string]int{}
	for _, row := range dssRows(t, dir, "cades") {
		name := row.Test[strings.LastIndex(row.Test, ".")+1:]
		line.Total++
		v := a.judgeRow(dir, row, name)
		intact := len(v.Signatures) > 0
		for i := range v.Signatures {
			s := &v.Signatures[i]
			intact = intact && isIntact(s)
			levels[s.Level]++
			if want, ok := dssLevels[filepath.Base(row.Document)]; ok && s.Level != want {
				t.Errorf("%s: level %s, want %s", name, s.Level, want)
			}
			if s.Indication == report.TotalPassed {
				t.Errorf("%s passes without an anchor", name)
			}
		}
		want := row.Expect == "intact" || slices.Contains(dssSound, name)
		if intact == want {
			line.Agreed++
			continue
		}
		line.Deviations = append(line.Deviations, deviation{name, string(v.Sub)})
		t.Errorf("%s: intact %v, want %v: %s", name, intact, want, v.Sub)
	}
	t.Logf("levels: %v", levels)
	line.write(t)
}

// judgeRow judges one document with what its test has.
func (a *archive) judgeRow(dir string, row dssRow, name string) report.Verdict {
	a.Helper()
	read := func(name string) []byte {
		b, err := os.ReadFile(filepath.Join(dir, name))
		a.Must(err)
		return b
	}
	var original engine.Original
	var ev engine.Evidence
	for _, other := range row.Others {
		if filepath.Ext(other) != ".cer" {
			original.Octets = read(other)
			continue
		}
		more, err := engine.ParseEvidence(read(other))
		a.Must(err)
		ev = ev.Join(more)
	}
	doc := read(row.Document)
	if text, ok := dssTexts[name]; ok {
		original.Octets = []byte(text)
		if text == "" {
			sd, err := cms.ParseArmoured(doc, cms.Limits{})
			a.Must(err)
			si := &sd.Signers[0]
			original = engine.Original{Digests: map[algo.Hash][]byte{si.DigestAlgorithm: si.MessageDigest}}
		}
	}
	set := a.set
	set.At = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	set.Now = set.At
	return engine.OpenWith(doc, original, nil).Assess(set, ev).Verdict
}

// isIntact: format, signing certificate and cryptography hold, whatever is thought of the chain, and in counter-signatures too.
func isIntact(s *report.Signature) bool {
	for _, b := range s.Blocks {
		switch b.Name {
		case "format-checking", "identification-of-the-signing-certificate", "cryptographic-verification":
			if b.Indication != "PASSED" {
				return false
			}
		}
	}
	for i := range s.CounterSignatures {
		if !isIntact(&s.CounterSignatures[i]) {
			return false
		}
	}
	return true
}

func dssRows(tb testing.TB, dir, format string) []dssRow {
	tb.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "cases.jsonl"))
	if err != nil {
		tb.Fatal(err)
	}
	var out []dssRow
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		var r dssRow
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			tb.Fatal(err)
		}
		if r.Format == format {
			out = append(out, r)
		}
	}
	return out
}

// corporaDir is where the outside test data is; without it the test is skipped.
func corporaDir(tb testing.TB) string {
	tb.Helper()
	dir := os.Getenv("QAQPA_CORPORA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "corpora")
	}
	if _, err := os.Stat(dir); err != nil {
		tb.Skip("no outside test data: " + dir)
	}
	return dir
}
