package engine_test

import (
	"encoding/json"
	"testing"
	"time"

	"qaqpa/signer/engine"
	"qaqpa/signer/path"
	"qaqpa/signer/pkix"
	"qaqpa/signer/report"
	"qaqpa/testenv/pki"
)

// TestChainsChangeNothing: with the memory and without it verdicts are the same, whatever changes between two documents: time in
// both directions and across every bound, evidence, trust, policy, the signer's status.
func TestChainsChangeNothing(t *testing.T) {
	a := newArchive(t)
	other := a.Issue(pki.Profile{})
	documents := [][]byte{a.Sign(a.ID, pki.CMSOptions{}), a.Sign(other, pki.CMSOptions{Chain: true}), a.Stamped(a.Sign(a.ID, pki.CMSOptions{}), nil)}
	raw, err := a.PKI.OCSPFor(a.ID, pki.OCSPOptions{})
	a.Must(err)
	good, err := pkix.ParseOCSPResponse(raw)
	a.Must(err)
	a.Must(a.PKI.Revoke(a.ID, pki.KeyCompromise, a.Clock.Add(3*time.Hour)))
	raw, err = a.PKI.OCSPFor(a.ID, pki.OCSPOptions{ThisUpdate: a.Clock.Add(4 * time.Hour), ProducedAt: a.Clock.Add(4 * time.Hour)})
	a.Must(err)
	revoked, err := pkix.ParseOCSPResponse(raw)
	a.Must(err)
	chains, err := engine.NewChains(64)
	a.Must(err)
	judge := func(doc []byte, set engine.Setting, ev engine.Evidence) (string, report.Indication) {
		v := engine.Open(doc, nil, nil).Assess(set, ev).Verdict
		text, err := json.Marshal(v)
		a.Must(err)
		return string(text), v.Indication
	}
	evidence := []engine.Evidence{
		{CRLs: a.crls},
		{CRLs: a.crls, OCSP: []*pkix.OCSPResponse{good}},
		{CRLs: a.crls, OCSP: []*pkix.OCSPResponse{good}, Nonces: map[path.Digest][]byte{good.Fingerprint(): {4, 1, 7}}},
		{CRLs: a.crls, OCSP: []*pkix.OCSPResponse{revoked, good}},
		{CRLs: a.crls[:1]},
		{},
	}
	strict := policyWith(t, engine.PolicyStandard, map[engine.Constraint]engine.Level{engine.TimeStampPresent: engine.Fail})
	outcomes := map[report.Indication]int{}
	for round := range 2 {
		for _, after := range []time.Duration{
			time.Minute, 0, time.Hour, 2 * time.Hour, 5 * time.Hour, 24 * time.Hour, 24*time.Hour + time.Second, 25 * time.Hour, -2 * time.Hour,
			366 * day, 365*day - time.Hour, 20 * 365 * day, time.Minute,
		} {
			for _, ev := range evidence {
				for _, policy := range []engine.Policy{a.set.Policy, strict, policyNamed(t, engine.PolicyKZ)} {
					for _, doc := range documents {
						set := a.set
						set.Policy, set.At = policy, a.Start.Add(after)
						set.Now = a.Start.Add(max(after, time.Duration(round)*time.Hour))
						want, indication := judge(doc, set, ev)
						set.Chains = chains
						for range 2 { // the second is remembered where the first may be
							if got, _ := judge(doc, set, ev); got != want {
								t.Fatalf("round %d, after %s: remembered\n%s\nwant\n%s", round, after, got, want)
							}
						}
						outcomes[indication]++
					}
				}
			}
		}
	}
	if outcomes[report.TotalPassed] < 10 || outcomes[report.Indeterminate] < 10 || outcomes[report.TotalFailed] < 10 {
		t.Errorf("%v", outcomes)
	}
	t.Log(outcomes)
}
