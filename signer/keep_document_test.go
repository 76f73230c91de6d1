package signer_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"

	"qaqpa/signer"
	"qaqpa/signer/algo"
	"qaqpa/signer/report"
	"qaqpa/signer/report/paper"
	"qaqpa/testenv/pki"
)

// A verdict whose document was kept is made again to the same bytes with the authorities gone and nobody asked, whichever way its
// original was given; one whose document was not kept says so.
func TestReproduce(t *testing.T) {
	b := setup(t, []pki.Family{pki.ECDSA}, withDB)
	good := b.issue(pki.Profile{Name: "good"})
	sum := algo.SHA256.Sum(nil, content)
	attached, detached := b.sign(good, content, pki.CMSOptions{TimeStamp: true}), b.sign(good, content, pki.CMSOptions{Detached: true})
	ids := map[string]string{}
	for name, req := range map[string]signer.ValidateRequest{
		"attached":    {Document: attached, KeepDocument: true},
		"detached":    {Document: detached, Detached: content, KeepDocument: true},
		"empty":       {Document: b.sign(good, nil, pki.CMSOptions{Detached: true}), Detached: []byte{}, KeepDocument: true},
		"itself":      {Document: detached, Detached: detached, KeepDocument: true},
		"digests":     {Document: detached, DetachedDigests: map[algo.Hash][]byte{algo.SHA256: sum}, KeepDocument: true},
		"no document": {Document: content, KeepDocument: true},
		"not kept":    {Document: attached},
	} {
		req.Store, req.Actor = true, "test"
		ids[name] = b.validateRequest(req).ID
	}
	if err := b.srv.Close(); err != nil {
		t.Fatal(err)
	}
	for name, id := range ids {
		want := signer.ReproducedSame
		if name == "not kept" {
			want = signer.ReproducedNot
		}
		v, got, err := b.svc.Reproduce(t.Context(), id, "test")
		if err != nil || got != want || v.ID != id {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
	if got := b.count("evidence WHERE kind IN ('document', 'original')"); got != 5 { // what several verdicts are about is kept once
		t.Errorf("%d documents and originals are kept", got)
	}
	other := b.service(func(b *bench, cfg *signer.Config) { withDB(b, cfg); withIntermediates(b, cfg) })
	if _, got, err := other.Reproduce(t.Context(), ids["attached"], ""); err != nil || got != signer.ReproducedChanged {
		t.Errorf("another trust store: %s, %v", got, err)
	}
	if v, _, err := b.svc.Reproduce(t.Context(), ids["attached"], "another"); !errors.Is(err, signer.ErrVerdictNotFound) || v.ID != "" {
		t.Errorf("a verdict of somebody else: %v", err)
	}
	if _, _, err := b.svc.Reproduce(t.Context(), "vrd_00", ""); !errors.Is(err, signer.ErrVerdictNotFound) {
		t.Errorf("unknown id: %v", err)
	}
	for name, req := range map[string]signer.ValidateRequest{
		"not stored": {Document: attached, KeepDocument: true},
		"streamed":   {Document: detached, DetachedStream: bytes.NewReader(content), KeepDocument: true, Store: true, Actor: "test"},
	} {
		if _, err := b.svc.Validate(t.Context(), req); !errors.Is(err, signer.ErrRequest) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A stored verdict that somebody changed in the database is not called the same.
func TestReproduceSeesForgery(t *testing.T) {
	b := setup(t, []pki.Family{pki.ECDSA}, withDB)
	v := b.validateRequest(signer.ValidateRequest{
		Document: b.sign(b.issue(pki.Profile{Name: "good"}), content, pki.CMSOptions{}), KeepDocument: true, Store: true, Actor: "test",
	})
	forged, err := b.svc.Verdict(t.Context(), v.ID)
	if err != nil {
		t.Fatal(err)
	}
	forged.Signatures[0].Signer.Name = "ANOTHER"
	text, err := json.Marshal(forged)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.db.ExecContext(t.Context(), `UPDATE verdicts SET verdict = $1 WHERE id = $2`, text, v.ID); err != nil {
		t.Fatal(err)
	}
	if _, got, err := b.svc.Reproduce(t.Context(), v.ID, ""); err != nil || got != signer.ReproducedChanged {
		t.Errorf("%s, %v", got, err)
	}
}

// The report as a PDF takes the gateway's seal, and what comes out is a document that this very service calls whole.
func TestReportIsSealed(t *testing.T) {
	b := setup(t, []pki.Family{pki.ECDSA}, withDB)
	id := b.issue(pki.Profile{Name: "seal"})
	svc := b.service(func(b *bench, cfg *signer.Config) { withDB(b, cfg); sealWith(b, cfg, id, id.Key) })
	v := b.store(b.sign(b.issue(pki.Profile{Name: "good"}), content, pki.CMSOptions{}), nil)
	pdf, err := paper.PDF(v, report.KK)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := svc.SealPDF(t.Context(), signer.SealPDFRequest{Document: pdf, PDFOptions: signer.PDFOptions{Permission: 1}, Actor: "test"})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := svc.Validate(t.Context(), signer.ValidateRequest{Document: sealed}); err != nil || !got.Passed() {
		t.Errorf("%s %s, %v", got.Indication, got.Sub, err)
	}
}
