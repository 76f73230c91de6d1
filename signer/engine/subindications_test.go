package engine_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"qaqpa/signer/engine"
	"qaqpa/signer/report"
	"qaqpa/signer/trust"
	"qaqpa/testenv/specimen"
)

// policyWith is a preset in which some constraints have another level.
func policyWith(tb testing.TB, name string, levels map[engine.Constraint]engine.Level) engine.Policy {
	tb.Helper()
	text, err := engine.PolicyDocument(name)
	if err != nil {
		tb.Fatal(err)
	}
	var d map[string]any
	if err := json.Unmarshal(text, &d); err != nil {
		tb.Fatal(err)
	}
	constraints, _ := d["constraints"].(map[string]any)
	for c, l := range levels {
		constraints[string(c)] = l
	}
	if text, err = json.Marshal(d); err != nil {
		tb.Fatal(err)
	}
	p, err := engine.LoadPolicy(text)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

const day = 24 * time.Hour

// judgeCase judges a document of the laboratory under its own terms.
func judgeCase(tb testing.TB, c specimen.Case) report.Verdict {
	tb.Helper()
	must := func(err error) {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
	}
	store, err := trust.New(trust.Config{Mode: trust.Custom, Anchors: c.Anchors, Intermediates: c.Intermediates, Lists: c.Lists})
	must(err)
	policy, err := engine.LoadPolicy(c.Policy)
	must(err)
	var ev engine.Evidence
	for _, raw := range c.Evidence {
		more, err := engine.ParseEvidence(raw)
		must(err)
		ev = ev.Join(more)
	}
	set := engine.Setting{At: c.Now, Now: c.Now, Trust: engine.NewTrust(store), Policy: policy}
	return engine.Open(c.Document, nil, nil).Assess(set, ev).Verdict
}

// integrities are what the octets of some of the documents say, whatever came of the whole; those of all others hold together.
var integrities = map[report.SubIndication]report.Integrity{
	report.HashFailure:               {Value: report.ValueCorrect, Key: report.KeyOfCertificate, References: report.ReferencesChanged},
	report.SigCryptoFailure:          {Value: report.ValueWrong, Key: report.KeyOfCertificate, References: report.ReferencesIntact},
	report.NoSigningCertificateFound: {Value: report.Undecided, References: report.ReferencesIntact},
	report.SignedDataNotFound:        {Value: report.ValueCorrect, Key: report.KeyOfCertificate, References: report.ReferencesMissing},
}

// TestSubIndicationDocuments: every sub-indication of the standard is the result of a document, or of one of its blocks.
func TestSubIndicationDocuments(t *testing.T) {
	failed := []report.SubIndication{
		report.FormatFailure, report.HashFailure, report.SigCryptoFailure, report.Revoked, report.Expired, report.NotYetValid,
	}
	if n := len(report.SubIndications()); n != 25 {
		t.Fatalf("%d sub-indications", n)
	}
	for _, sub := range report.SubIndications() {
		t.Run(string(sub), func(t *testing.T) {
			v := judgeCase(t, specimen.SubIndication(t, sub))
			text := v.ETSI()
			checkETSI(t, text)
			if !bytes.Contains(text, []byte("urn:etsi:019102:subindication:"+string(sub)+"<")) || !bytes.Equal(v.ETSI(), text) {
				t.Error("the report does not say so, or not each time")
			}
			indication, want := report.Indeterminate, sub
			if slices.Contains(failed, sub) {
				indication = report.TotalFailed
			}
			if sub == report.NoPOE { // a result of past validation; the document keeps the result that it could not lift
				want = report.RevokedCANoPOE
				if !slices.ContainsFunc(v.Signatures[0].Blocks, func(b report.Block) bool { return b.Sub == sub }) {
					t.Errorf("%+v", v.Signatures[0].Blocks)
				}
			}
			integrity, ok := integrities[sub]
			if !ok {
				integrity = report.Integrity{Value: report.ValueCorrect, Key: report.KeyOfCertificate, References: report.ReferencesIntact}
			}
			for i := range v.Signatures {
				if got := v.Signatures[i].Integrity; got != integrity {
					t.Errorf("%+v, want %+v", got, integrity)
				}
			}
			if v.Indication != indication || v.Sub != want {
				t.Errorf("%s/%s, want %s/%s: %+v", v.Indication, v.Sub, indication, want, v.Signatures)
			}
		})
	}
}
