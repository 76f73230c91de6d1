package signer_test

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"qaqpa/signer"
	"qaqpa/signer/report"
	"qaqpa/testenv/pki"
)

// What the answers of the responders come to is kept with them and no longer: a verdict is the same whether its evidence was gathered
// or taken over as a whole, is stored with all of it, and ends with the answers. Another document, or evidence that came with the
// request, is judged by its own.
func TestKeptAnswersChangeNothing(t *testing.T) {
	b := setup(t, []pki.Family{pki.RSA}, func(b *bench, cfg *signer.Config) { withDB(b, cfg); cfg.OCSPReuse = time.Minute })
	id := b.issue(pki.Profile{})
	doc := b.sign(id, content, pki.CMSOptions{})
	var before []byte
	for i, how := range []string{"fetched", "taken one by one", "taken as a whole", "again"} {
		v := b.validate(doc, nil)
		b.want(v, report.TotalPassed, "", "")
		text, err := v.AppendJSON(nil)
		if err != nil {
			t.Fatal(err)
		}
		if i > 1 && !bytes.Equal(text, before) {
			t.Errorf("%s:\n%s\nbefore:\n%s", how, text, before)
		}
		before = text
	}
	plain := b.validate(doc, nil)
	stored, err := b.svc.Validate(t.Context(), signer.ValidateRequest{Document: doc, Store: true, Actor: "test"})
	if err != nil || len(stored.Evidence) != len(plain.Evidence) {
		t.Fatalf("%v %+v", err, stored.Evidence)
	}
	again, err := b.svc.Replay(t.Context(), stored.ID, doc, nil)
	if err != nil || again.Indication != report.TotalPassed {
		t.Errorf("what was stored does not suffice: %v %s", err, again.Sub)
	}
	more, err := b.svc.Validate(t.Context(), signer.ValidateRequest{Document: doc, Evidence: [][]byte{b.pki.IntermediatesPEM()}})
	if err != nil || more.Indication != report.TotalPassed || len(more.Evidence) < len(plain.Evidence) ||
		!slices.ContainsFunc(more.Evidence, func(e report.Evidence) bool { return e.Source == "request" }) {
		t.Errorf("evidence of the request: %v %s %+v", err, more.Sub, more.Evidence)
	}
	b.want(b.validate(bytes.Replace(doc, content[:8], []byte("8 octets"), 1), nil), report.TotalFailed, report.HashFailure, "content_changed")
	last := b.validate(doc, nil)
	if got, err := last.AppendJSON(nil); err != nil || !bytes.Equal(got, before) {
		t.Errorf("%v, the others left something behind:\n%s", err, got)
	}
	if err := b.pki.Revoke(id, pki.KeyCompromise, b.clk.now()); err != nil {
		t.Fatal(err)
	}
	b.clk.add(61 * time.Second)
	b.want(b.validate(doc, nil), report.TotalFailed, report.Revoked, "revoked")
	b.want(b.validate(doc, nil), report.TotalFailed, report.Revoked, "revoked")
}
