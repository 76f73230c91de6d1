package hsm_test

import (
	"errors"
	"os"
	"testing"

	"qaqpa/hsm"
	"qaqpa/testenv/softhsm"
)

// TestModules runs one body over the PKCS#11 modules of Debian that can be had without a daemon of the system: SoftHSM itself, the token
// of NSS, which has nothing in common with it, p11-kit's client, which carries the calls to a process of its own, and OpenSC's spy, which passes them on and writes them
// down. What a module cannot do is skipped by name; what it can has to verify with OpenSSL.
func TestModules(t *testing.T) {
	const (
		kit = "/usr/lib/x86_64-linux-gnu/pkcs11/p11-kit-client.so"
		spy = "/usr/lib/x86_64-linux-gnu/pkcs11/pkcs11-spy.so"
	)
	soft := moduleToken(t)
	t.Run("SoftHSM", func(t *testing.T) { moduleBody(t, fleetOf(t, nil, soft)) })
	t.Run("p11-kit", func(t *testing.T) {
		if _, err := os.Stat(kit); err != nil {
			t.Skip("needs p11-kit and p11-kit-modules: there is no p11-kit-client.so")
		}
		n := &network{module: kit, soft: soft, socket: networkSocket}
		n.start(t)
		t.Cleanup(func() { n.stop(t) })
		t.Setenv("P11_KIT_SERVER_ADDRESS", "unix:path="+n.socket)
		through := *soft
		through.Module = kit
		moduleBody(t, fleetOf(t, nil, &through))
	})
	t.Run("OpenSC spy", func(t *testing.T) {
		if _, err := os.Stat(spy); err != nil {
			t.Skip("needs opensc-pkcs11: there is no pkcs11-spy.so")
		}
		t.Setenv("PKCS11SPY", soft.Module)
		t.Setenv("PKCS11SPY_OUTPUT", spyLog)
		through := *soft
		through.Module = spy
		moduleBody(t, fleetOf(t, nil, &through))
	})
	t.Run("NSS", func(t *testing.T) { nssBody(t) })
	t.Run("opencryptoki", func(t *testing.T) { opencryptokiBody(t) })
	t.Run("tpm2-pkcs11", func(t *testing.T) { tpmBody(t) })
}

var moduleAlgorithms = []hsm.Algorithm{hsm.RSA2048, hsm.ECDSAP256, hsm.ECDSAP384, hsm.Ed25519}

// moduleToken is a token with a key of each kind and keys for stored data.
func moduleToken(t *testing.T) *softhsm.Token {
	t.Helper()
	soft, err := softhsm.New(t.TempDir())
	must(t, err)
	token, err := hsm.Open(t.Context(), hsm.Config{Module: soft.Module, Token: soft.Label, PIN: soft.PIN})
	must(t, err)
	for _, a := range moduleAlgorithms {
		generate(t, token, string(a), a)
	}
	_, err = token.GenerateSecret(t.Context(), "data", hsm.AES256)
	must(t, err)
	_, err = token.GenerateSecret(t.Context(), "index", hsm.HMACSHA256)
	must(t, err)
	must(t, token.Close())
	return soft
}

func moduleBody(t *testing.T, f *hsm.Fleet) {
	t.Helper()
	for _, a := range moduleAlgorithms {
		for _, form := range forms(a) {
			t.Run(string(a)+" "+form.name, func(t *testing.T) {
				k, err := f.Key(t.Context(), hsm.Ref{Label: string(a)})
				if errors.Is(err, hsm.ErrKeyNotFound) {
					t.Skip("the module can't make such keys")
				}
				must(t, err)
				size := 32
				if h := form.opts.HashFunc(); h != 0 {
					size = h.Size()
				}
				if _, err := k.Sign(nil, make([]byte, size), form.opts); errors.Is(err, hsm.ErrAlgorithm) {
					t.Skipf("the module can't: %v", err)
				}
				signAndVerify(t, k, form)
			})
		}
	}
	t.Run("stored data", func(t *testing.T) {
		d, err := f.DataKey(t.Context(), hsm.Ref{Label: "data"})
		if errors.Is(err, hsm.ErrAlgorithm) || errors.Is(err, hsm.ErrUnavailable) || errors.Is(err, hsm.ErrKeyNotFound) {
			t.Skipf("the module can't: %v", err)
		}
		must(t, err)
		sealed, err := d.Seal(t.Context(), []byte("record"), []byte("place"))
		must(t, err)
		if opened, err := d.Open(t.Context(), sealed, []byte("place")); err != nil || string(opened) != "record" {
			t.Errorf("%q, %v", opened, err)
		}
	})
	t.Run("index", func(t *testing.T) {
		k, err := f.IndexKey(t.Context(), hsm.Ref{Label: "index"})
		if errors.Is(err, hsm.ErrKeyNotFound) {
			t.Skip("the module can't make such keys")
		}
		must(t, err)
		one, err := k.Index(t.Context(), "payer", "1")
		must(t, err)
		if two, err := k.Index(t.Context(), "payer", "1"); err != nil || string(one) != string(two) {
			t.Errorf("%x, %x, %v", one, two, err)
		}
	})
}
