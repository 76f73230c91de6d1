package signer_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"qaqpa/signer"
	"qaqpa/testenv/fault"
	"qaqpa/testenv/pki"
)

// TestWithdrawn: a revoked certificate is told, one that is good, unknown to the trust store or of which nobody can say anything is not.
func TestWithdrawn(t *testing.T) {
	b := setup(t, []pki.Family{pki.ECDSA}, nil)
	issue := func(name string, change func(*pki.Profile)) *pki.Identity {
		p := system(pki.ECDSA)
		p.Name = name
		if change != nil {
			change(&p)
		}
		return b.issue(p)
	}
	good, revoked, foreign := issue("good", nil), issue("revoked", nil), issue("foreign", func(p *pki.Profile) { p.Impostor = true })
	if err := b.pki.Revoke(revoked, pki.KeyCompromise, b.clk.now().Add(-time.Minute)); err != nil {
		t.Fatal(err)
	}
	ask := func(ctx context.Context, id *pki.Identity) error {
		return b.svc.Withdrawn(ctx, append(parse(t, id.Certificate), parse(t, id.Chain[:1]...)...))
	}
	if err := errors.Join(ask(t.Context(), good), ask(t.Context(), foreign)); err != nil {
		t.Error(err)
	}
	if err := ask(t.Context(), revoked); !errors.Is(err, signer.ErrSigningCertificate) {
		t.Error(err)
	}
	for _, service := range []string{"ocsp", "crl"} {
		b.fault(fault.Fault{Kind: pki.FaultDown, On: service, Count: -1})
	}
	if err := ask(t.Context(), issue("silent", nil)); err != nil {
		t.Error(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := ask(ended, good); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
