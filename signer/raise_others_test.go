package signer_test

import (
	"encoding/json"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"qaqpa/signer"
	"qaqpa/signer/engine"
	"qaqpa/signer/report"
	"qaqpa/signer/sealing"
	"qaqpa/signer/trust"
	"qaqpa/testenv/pki"
)

// TestRaiseOthers: documents of DSS, which no program of ours made, are raised to T at times at which their certificates were in date, and hold again before our own
// validation. Their authorities are believed for the test, and their revocation is not asked for: nobody answers any more.
func TestRaiseOthers(t *testing.T) {
	dir := os.Getenv("QAQPA_CORPORA")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared", "corpora")
	}
	text, err := os.ReadFile(filepath.Join(dir, "dss", "cases.jsonl"))
	if err != nil {
		t.Skipf("outside test data are not here (QAQPA_CORPORA): %v", err)
	}
	raised := map[string]int{}
	for _, at := range []time.Time{time.Date(2021, 2, 15, 9, 0, 0, 0, time.UTC), time.Date(2024, 1, 15, 9, 0, 0, 0, time.UTC)} {
		b := &bench{TB: t, clk: &clock{at: at}}
		if b.pki, err = pki.New(pki.Options{Dir: t.TempDir(), Families: []pki.Family{pki.ECDSA}, Now: b.clk.now}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = b.pki.Release() })
		if b.srv, err = b.pki.Serve(t.Context()); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			var row struct {
				Format, Document, Expect string
				Others                   []string
			}
			if err := json.Unmarshal([]byte(line), &row); err != nil {
				t.Fatal(err)
			}
			if row.Expect != "intact" || len(row.Others) > 0 || strings.HasPrefix(row.Format, "asic") || raised[row.Format] >= 3 {
				continue
			}
			document, err := os.ReadFile(filepath.Join(dir, "dss", row.Document))
			if err != nil {
				t.Fatal(err)
			}
			if len(document) < 1<<18 && b.raiseOther(document) {
				t.Log(row.Document)
				raised[row.Format]++
			}
		}
	}
	t.Logf("raised: %v", raised)
	for _, format := range []string{"cades", "xades", "pades", "jades"} {
		if raised[format] == 0 {
			t.Errorf("no document of %s was raised", format)
		}
	}
}

// raiseOther raises a document whose signatures are of the level B and pass; false for others.
func (b *bench) raiseOther(document []byte) bool {
	b.Helper()
	anchors := b.pki.AnchorsPEM()
	for _, c := range engine.Open(document, nil, nil).Embedded().Certificates {
		if c.IsCA {
			anchors = append(anchors, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
		}
	}
	store, err := trust.New(trust.Config{Mode: trust.Custom, Anchors: [][]byte{anchors}})
	if err != nil {
		return false // authorities that cannot be believed
	}
	svc := b.service(func(b *bench, cfg *signer.Config) {
		cfg.Trust, cfg.TSA, cfg.Revocation = store, b.srv.URL+"/tsp/", signer.RevocationOff
		cfg.Policy = engine.PolicyStandard
	})
	judge := func(document []byte) signer.Verdict {
		v, err := svc.Validate(b.Context(), signer.ValidateRequest{Document: document})
		if err != nil {
			b.Fatal(err)
		}
		return v
	}
	v := judge(document)
	for _, s := range v.Signatures {
		if family, level, _ := strings.Cut(s.Level, "-"); v.Indication != report.TotalPassed || level != "B" && level != "B-B" || family == "" {
			return false
		}
	}
	if len(v.Signatures) == 0 {
		return false
	}
	out, err := svc.Raise(b.Context(), signer.RaiseRequest{Document: document, Level: sealing.T, Actor: "test"})
	if errors.Is(err, signer.ErrRequest) {
		b.Logf("%s: %v", v.Format, err) // a form that nothing can be added to
		return false
	}
	if err != nil {
		b.Errorf("%s %s: %v", v.Format, v.Signatures[0].Level, err)
		return false
	}
	after := judge(out.Document)
	for _, s := range after.Signatures {
		if after.Indication != report.TotalPassed || !strings.HasSuffix(s.Level, "-T") || !s.TimeProven {
			b.Errorf("%s: %s %s, %s", v.Format, after.Indication, after.Sub, s.Level)
		}
	}
	return true
}
