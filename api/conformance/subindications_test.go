package conformance

import (
	"strings"
	"testing"

	"qaqpa/signer/report"
	"qaqpa/testenv/specimen"
	"qaqpa/testenv/suites"
)

// TestConformanceSubIndications hands in a document for each of the 25 sub-indications of EN 319 102-1 5.1.3, with the policy and the
// evidence that belong to it, at a service with its trust and clock: one line a sub-indication.
func TestConformanceSubIndications(t *testing.T) {
	h := newHouse(t)
	suite := suites.Start(t, "HTTP: sub-indications of EN 319 102-1")
	all := report.SubIndications()
	for i := 0; i < len(all); i += suites.Every(6) { // the tests of the engine judge each of them every time
		sub := all[i]
		c := specimen.SubIndication(t, sub)
		s := h.must(t, setting{anchors: c.Anchors, intermediates: c.Intermediates, lists: c.Lists, now: c.Now})
		a := s.post(t, documentsPath, documentQuery{Document: c.Document, Evidence: c.Evidence, Rules: c.Policy})
		want := indicationOf(sub) + " " + string(sub)
		got := a.verdict.outcome()
		if sub == report.NoPOE { // a result of past validation, which leaves the document the result that it could not lift
			want = "INDETERMINATE " + string(report.RevokedCANoPOE) + ", past validation NO_POE"
			got += a.verdict.past()
		}
		suite.Show(t, suites.Case{Case: string(sub) + " (" + c.Title + ")", Expected: want, Got: got}, a.verdict.Indication == "TOTAL-PASSED")
	}
	suite.Close(t)
}

// indicationOf is the main indication to which a sub-indication belongs: the standard lists the six of failure first.
func indicationOf(sub report.SubIndication) string {
	for i, s := range report.SubIndications() {
		if s == sub && i < 6 {
			return string(report.TotalFailed)
		}
	}
	return string(report.Indeterminate)
}

// past is what past signature validation came to, where it ran.
func (v *verdict) past() string {
	for i := range v.Signatures {
		for _, b := range v.Signatures[i].Blocks {
			if b.Name == "past-signature-validation" && b.Sub != "" {
				return ", past validation " + strings.TrimSpace(b.Sub)
			}
		}
	}
	return ""
}
