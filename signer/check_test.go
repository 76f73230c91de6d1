package signer_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"qaqpa/signer"
	"qaqpa/signer/jws"
	"qaqpa/signer/pkix"
	"qaqpa/signer/report"
	"qaqpa/testenv/fault"
	"qaqpa/testenv/pki"
)

// TestRevocationCheck: a caller's choice of services is kept to, and never makes more of silence than the policy does.
func TestRevocationCheck(t *testing.T) {
	b := setup(t, []pki.Family{pki.ECDSA}, nil)
	id, revoked := b.issue(pki.Profile{Name: "good"}), b.issue(pki.Profile{Name: "revoked"})
	doc, bad := b.sign(id, content, pki.CMSOptions{}), b.sign(revoked, content, pki.CMSOptions{})
	if err := b.pki.Revoke(revoked, pki.KeyCompromise, b.clk.now().Add(-time.Minute)); err != nil {
		t.Fatal(err)
	}
	list, err := b.pki.CRL(b.pki.NCA(pki.ECDSA))
	if err != nil {
		t.Fatal(err)
	}
	judge := func(doc []byte, c signer.RevocationCheck, evidence ...[]byte) signer.Verdict {
		return b.validateRequest(signer.ValidateRequest{Document: doc, Check: &c, Evidence: evidence})
	}
	for _, c := range []signer.RevocationCheck{{}, {OCSP: true}, {CRL: true}, {OCSP: true, CRL: true}} {
		b.want(judge(doc, c), report.TotalPassed, "", "")
	}
	b.want(judge(bad, signer.RevocationCheck{OCSP: true}), report.TotalFailed, report.Revoked, report.ReasonRevoked)
	b.want(judge(bad, signer.RevocationCheck{CRL: true}), report.TotalFailed, report.Revoked, report.ReasonRevoked)
	b.want(judge(bad, signer.RevocationCheck{}), report.TotalPassed, "", "")
	// What is at hand counts although nobody is to be asked.
	b.want(judge(bad, signer.RevocationCheck{}, list), report.TotalFailed, report.Revoked, report.ReasonRevoked)

	b.fault(fault.Fault{Kind: pki.FaultDown, On: "ocsp", Count: -1})
	b.want(judge(doc, signer.RevocationCheck{CRL: true}), report.TotalPassed, "", "")
	b.want(judge(doc, signer.RevocationCheck{OCSP: true, CRL: true}), report.TotalPassed, "", "")
	// The service has another source at hand, and must not take it for the one that was asked for.
	b.want(judge(doc, signer.RevocationCheck{OCSP: true}), report.Indeterminate, report.TryLater, report.ReasonRevocationMissing)

	stored := b.service(withDB)
	_, err = stored.Validate(t.Context(), signer.ValidateRequest{Document: doc, Store: true, Actor: "test", Check: &signer.RevocationCheck{}})
	if !errors.Is(err, signer.ErrRequest) {
		t.Errorf("a verdict that follows from no policy is stored: %v", err)
	}
}

// TestSignJWT: tokens by keys of all kinds, with an audit row each; what must not be signed is not.
func TestSignJWT(t *testing.T) {
	b := setup(t, []pki.Family{pki.ECDSA, pki.GOST2015}, withDB)
	claims := []byte(`{"sub":"850101300019","exp":1790845800}`)
	for _, family := range b.pki.Families() {
		key := b.key(b.issue(pki.Profile{Family: family, Name: "auth_" + string(family), Use: pki.Auth}))
		token, err := b.svc.SignJWT(t.Context(), signer.SignJWTRequest{Claims: claims, Key: key, Actor: "test"})
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := jws.Parse(token, jws.Options{})
		if err != nil || parsed.VerifyCertificate(key.Chain[0], nil) != nil || string(parsed.Payload) != string(claims) || parsed.Header.Type != "JWT" {
			t.Errorf("%s: %v", token, err)
		}
	}
	var details []string
	if err := b.db.Select(&details, `SELECT convert_from(detail, 'UTF8') FROM audit_entries WHERE action = 'document.signed'`); err != nil || len(details) != 2 {
		t.Fatalf("%d audit rows, %v", len(details), err)
	}
	var detail struct{ Format string }
	if err := json.Unmarshal([]byte(details[0]), &detail); err != nil || detail.Format != "JWT" || strings.Contains(details[0], "850101300019") {
		t.Errorf("%s, %v", details[0], err)
	}
	good := b.key(b.issue(pki.Profile{Name: "signer"}))
	other := b.key(b.issue(pki.Profile{Name: "other"}))
	old := b.key(b.issue(pki.Profile{Name: "old", NotBefore: b.clk.now().Add(-48 * time.Hour), NotAfter: b.clk.now().Add(-time.Hour)}))
	for name, c := range map[string]struct {
		req  signer.SignJWTRequest
		want error
	}{
		"no actor":              {signer.SignJWTRequest{Claims: claims, Key: good}, signer.ErrRequest},
		"no claims":             {signer.SignJWTRequest{Claims: []byte(`[1]`), Key: good, Actor: "test"}, signer.ErrRequest},
		"claims twice":          {signer.SignJWTRequest{Claims: []byte(`{"a":1,"a":2}`), Key: good, Actor: "test"}, signer.ErrRequest},
		"algorithm of others":   {signer.SignJWTRequest{Claims: claims, Algorithm: jws.RS256, Key: good, Actor: "test"}, signer.ErrRequest},
		"out of date":           {signer.SignJWTRequest{Claims: claims, Key: old, Actor: "test"}, signer.ErrSigningCertificate},
		"another's certificate": {signer.SignJWTRequest{Claims: claims, Key: signer.SigningKey{Key: good.Key, Chain: []*pkix.Certificate{other.Chain[0]}}, Actor: "test"}, signer.ErrSigningCertificate},
	} {
		if token, err := b.svc.SignJWT(t.Context(), c.req); !errors.Is(err, c.want) || token != "" {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}
