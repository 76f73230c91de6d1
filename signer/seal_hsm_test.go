package signer_test

import (
	"bytes"
	"testing"
	"time"

	"qaqpa/hsm"
	"qaqpa/signer/report"
	"qaqpa/testenv/pki"
	"qaqpa/testenv/softhsm"
)

// TestSealInToken: keys that never leave a PKCS#11 token make seals that we and openssl verify.
func TestSealInToken(t *testing.T) {
	b := setup(t, []pki.Family{pki.RSA, pki.ECDSA}, nil)
	soft := softhsm.ForTest(t)
	token, err := hsm.Open(t.Context(), hsm.Config{Module: soft.Module, Token: soft.Label, PIN: soft.PIN, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := token.Close(); err != nil {
			t.Error(err)
		}
	}()
	for family, algorithm := range map[pki.Family]hsm.Algorithm{pki.RSA: hsm.RSA2048, pki.ECDSA: hsm.ECDSAP256} {
		key, err := token.Generate(t.Context(), "seal-"+string(family), algorithm)
		if err != nil {
			t.Fatal(err)
		}
		id := b.issueFor(system(family), key.Public())
		b.db = nil
		b.svc = b.service(sealer(id, key))
		for _, detached := range []bool{false, true} {
			original := content
			if !detached {
				original = nil
			}
			sealed := b.seal(content, detached)
			b.want(b.validate(sealed, original), report.TotalPassed, "", "")
			if out, err := b.opensslVerify(sealed, original); err != nil || !bytes.Equal(out, content) {
				t.Errorf("openssl: %q, %v", out, err)
			}
		}
	}
}
