package signer_test

import (
	"errors"
	"testing"
	"time"

	"qaqpa/signer"
	"qaqpa/signer/report"
	"qaqpa/signer/sealing"
	"qaqpa/signer/trust"
	"qaqpa/testenv/pki"
)

// TestRaiseTakesWhatIsThere: evidence that a document carries and that is good is enough: nobody is asked for what is known. What has ended by the time
// of a signature that nothing proves is not enough.
func TestRaiseTakesWhatIsThere(t *testing.T) {
	b := setup(t, []pki.Family{pki.ECDSA}, withTSA)
	key := b.key(b.issue(pki.Profile{}))
	full := b.signCMS(signer.SignCMSRequest{Document: content, Key: key, TimeStamp: true, Evidence: true})
	half := b.signCMS(signer.SignCMSRequest{CMS: full, Document: content, Key: key}) // one more signature, which has neither
	store, err := trust.New(trust.Config{Mode: trust.Custom, Anchors: [][]byte{b.pki.AnchorsPEM()}, Intermediates: [][]byte{b.pki.IntermediatesPEM()}})
	if err != nil {
		t.Fatal(err)
	}
	silent := b.service(func(b *bench, cfg *signer.Config) {
		withTSA(b, cfg)
		cfg.Trust, cfg.Revocation = store, signer.RevocationOffline
	})
	raise := func(document []byte, level sealing.Level) ([]byte, error) {
		out, err := silent.Raise(t.Context(), signer.RaiseRequest{Document: document, Level: level, Actor: "test"})
		return out.Document, err
	}
	for name, document := range map[string][]byte{"of LT": full, "of which one is at B": half} {
		out, err := raise(document, sealing.LTA)
		if err != nil {
			t.Errorf("signatures %s: %v", name, err)
			continue
		}
		v := b.validate(out, nil)
		b.want(v, report.TotalPassed, "", "")
		for _, s := range v.Signatures {
			if s.Level != "CAdES-LTA" {
				t.Errorf("signatures %s: %s", name, s.Level)
			}
		}
	}
	bare := b.signCMS(signer.SignCMSRequest{Document: content, Key: key})
	if _, err := raise(bare, sealing.LT); err == nil {
		t.Error("raised to LT without any evidence")
	}
	b.clk.add(40 * 24 * time.Hour)
	if _, err := raise(half, sealing.LT); err == nil {
		t.Error("raised to LT by evidence that had ended")
	} else {
		var refused *signer.NotRaisableError
		if !errors.Is(err, signer.ErrEvidence) && !errors.As(err, &refused) {
			t.Errorf("ended evidence: %v", err)
		}
	}
}
