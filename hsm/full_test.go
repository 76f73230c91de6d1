package hsm_test

import (
	"crypto"
	"errors"
	"testing"
	"time"

	"qaqpa/hsm"
	"qaqpa/testenv/softhsm"

	"github.com/miekg/pkcs11"
)

// TestFullToken: a token without room makes no key and takes no certificate, says so, and goes on signing; when there is room, it is all
// as before.
func TestFullToken(t *testing.T) {
	soft, err := softhsm.New(t.TempDir())
	must(t, err)
	faulty, err := softhsm.NewFaulty(t.TempDir())
	must(t, err)
	t.Cleanup(func() { _ = faulty.Close() })
	full := *soft
	full.Module = faulty.Module
	token := open(t, &full)
	k := generate(t, token, "seal", hsm.ECDSAP256)
	certificate := certify(t, k.Public(), k, 1, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	for name, c := range map[string]struct {
		call int
		do   func() error
	}{
		"rsa":         {softhsm.CallGenerateKeyPair, func() error { _, err := token.Generate(t.Context(), "rsa", hsm.RSA2048); return err }},
		"ecdsa":       {softhsm.CallGenerateKeyPair, func() error { _, err := token.Generate(t.Context(), "ecdsa", hsm.ECDSAP384); return err }},
		"ed25519":     {softhsm.CallGenerateKeyPair, func() error { _, err := token.Generate(t.Context(), "ed25519", hsm.Ed25519); return err }},
		"secret":      {softhsm.CallGenerateKey, func() error { _, err := token.GenerateSecret(t.Context(), "secret", hsm.AES256); return err }},
		"certificate": {softhsm.CallCreateObject, func() error { return token.ImportCertificate(t.Context(), "seal", certificate) }},
	} {
		must(t, faulty.Fail(c.call, uint64(pkcs11.CKR_DEVICE_MEMORY), 1))
		if err := c.do(); !errors.Is(err, hsm.ErrTokenFull) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := k.Sign(nil, make([]byte, 32), crypto.SHA256); err != nil {
			t.Errorf("%s: the token signs no more: %v", name, err)
		}
		if err := c.do(); err != nil {
			t.Errorf("%s, with room again: %v", name, err)
		}
	}
	list, err := token.Keys(t.Context())
	must(t, err)
	for _, k := range list {
		if k.Problem != nil {
			t.Errorf("%s: %v", k.Label, k.Problem)
		}
	}
}
