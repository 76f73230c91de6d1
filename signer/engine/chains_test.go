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
	other := a.issue(pki.Profile{})
	documents := [][]byte{a.sign(a.id, pki.CMSOptions{}), a.sign(other, pki.CMSOptions{Chain: true}), a.stamped(a.sign(a.id, pki.CMSOptions{}))}
	raw, err := a.pki.OCSPFor(a.id, pki.OCSPOptions{})
	a.must(err)
	good, err := pkix.ParseOCSPResponse(raw)
	a.must(err)
	a.must(a.pki.Revoke(a.id, pki.KeyCompromise, a.clock.Add(3*time.Hour)))
	raw, err = a.pki.OCSPFor(a.id, pki.OCSPOptions{ThisUpdate: a.clock.Add(4 * time.Hour), ProducedAt: a.clock.Add(4 * time.Hour)})
	a.must(err)
	revoked, err := pkix.ParseOCSPResponse(raw)
	a.must(err)
	chains, err := engine.NewChains(64)
	a.must(err)
	judge := func(doc []byte, set engine.Setting, ev engine.Evidence) (string, report.Indication) {
		v := engine.Open(doc, nil, nil).Assess(set, ev).Verdict
		text, err := json.Marshal(v)
		a.must(err)
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
						set.Policy, set.At = policy, a.start.Add(after)
						set.Now = a.start.Add(max(after, time.Duration(round)*time.Hour))
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
