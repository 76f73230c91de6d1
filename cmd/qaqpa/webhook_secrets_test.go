//go:build !release

package main

import (
	"strings"
	"testing"
)

// An agency gets a secret that the token makes: another one each time, and never one without the key.
func TestWebhookSecretCommand(t *testing.T) {
	s := newSigning(t)
	agency := strings.TrimSpace(s.run(t, "clients", "add-agency", "--bin=990140000017", "--name-kk=Полиция", "--name-ru=Полиция", "--name-en=Police"))
	s.run(t, "keys", "generate", "webhook-secrets", "--algorithm=hmac-sha256")
	seen := map[string]bool{}
	for range 2 {
		secret := strings.TrimSpace(s.run(t, "clients", "webhook-secret", agency, "--webhook-secret-key=webhook-secrets"))
		if !strings.HasPrefix(secret, "whsec_") || len(secret) != len("whsec_")+44 || seen[secret] {
			t.Errorf("got %q", secret)
		}
		seen[secret] = true
	}
	s.refused(t, "agency_unknown", "clients", "webhook-secret", "agc_none", "--webhook-secret-key=webhook-secrets")
	s.refused(t, "overlap", "clients", "webhook-secret", agency, "--webhook-secret-key=webhook-secrets", "--overlap=1000h")
	s.refused(t, "none", "clients", "webhook-secret", agency, "--webhook-secret-key=none")
	s.refused(t, "seal", "clients", "webhook-secret", agency, "--webhook-secret-key=seal") // a key of another kind
}
