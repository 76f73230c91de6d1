package hsm_test

import (
	"errors"
	"testing"

	"qaqpa/hsm"
	"qaqpa/testenv/softhsm"
)

// A module that makes keys which can leave the token, although it was asked for others: what it made is read back, refused and destroyed, and the
// label is free again.
func TestKeysOfACarelessModuleAreDestroyed(t *testing.T) {
	soft, err := softhsm.New(t.TempDir())
	must(t, err)
	faulty, err := softhsm.NewFaulty(t.TempDir())
	must(t, err)
	t.Cleanup(func() { _ = faulty.Close() })
	soft.Module = faulty.Module
	token := open(t, soft)
	makers := map[string]func() error{
		"by crypto11":  func() error { _, err := token.Generate(t.Context(), "by crypto11", hsm.ECDSAP256); return err },
		"by ourselves": func() error { _, err := token.Generate(t.Context(), "by ourselves", hsm.Ed25519); return err },
		"for data":     func() error { _, err := token.GenerateSecret(t.Context(), "for data", hsm.AES256); return err },
	}
	for name, generate := range makers {
		must(t, faulty.Loosen(true))
		if err := generate(); !errors.Is(err, hsm.ErrKeyAttributes) {
			t.Errorf("%s: %v", name, err)
		}
		pairs, err := token.Keys(t.Context())
		must(t, err)
		secrets, err := token.Secrets(t.Context())
		must(t, err)
		for _, k := range pairs {
			if k.Label == name {
				t.Errorf("the pair %s is left in the token", name)
			}
		}
		for _, k := range secrets {
			if k.Label == name {
				t.Errorf("the key %s is left in the token", name)
			}
		}
		must(t, faulty.Loosen(false))
		if err := generate(); err != nil {
			t.Errorf("%s, by a module that does as it is told: %v", name, err)
		}
	}
}
