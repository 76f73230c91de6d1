package hsm_test

import (
	"crypto"
	"errors"
	"log/slog"
	"testing"
	"time"

	"qaqpa/hsm"
	"qaqpa/testenv/softhsm"
)

// fleetOf opens a fleet over tokens for one test.
func fleetOf(tb testing.TB, change func(*hsm.FleetConfig), tokens ...*softhsm.Token) *hsm.Fleet {
	tb.Helper()
	f, err := tryFleet(tb, change, tokens...)
	if err != nil {
		tb.Fatal(err)
	}
	return f
}

func tryFleet(tb testing.TB, change func(*hsm.FleetConfig), tokens ...*softhsm.Token) (*hsm.Fleet, error) {
	tb.Helper()
	cfg := hsm.FleetConfig{CallTimeout: 10 * time.Second, Log: slog.New(slog.NewTextHandler(tb.Output(), nil))}
	for _, t := range tokens {
		cfg.Tokens = append(cfg.Tokens, hsm.FleetToken{Module: t.Module, Label: t.Label, PIN: t.PIN})
	}
	if change != nil {
		change(&cfg)
	}
	f, err := hsm.OpenFleet(tb.Context(), cfg)
	if err == nil {
		tb.Cleanup(func() { _ = f.Close() })
	}
	return f, err
}

func fleetKey(tb testing.TB, f *hsm.Fleet, label string) *hsm.FleetKey {
	tb.Helper()
	k, err := f.Key(tb.Context(), hsm.Ref{Label: label})
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

// made makes keys in a token with a library of this process, and lets go of it.
func made(tb testing.TB, soft *softhsm.Token, keys map[string]hsm.Algorithm) {
	tb.Helper()
	token, err := hsm.Open(tb.Context(), hsm.Config{Module: soft.Module, Token: soft.Label, PIN: soft.PIN})
	if err != nil {
		tb.Fatal(err)
	}
	for label, a := range keys {
		generate(tb, token, label, a)
	}
	if err := token.Close(); err != nil {
		tb.Fatal(err)
	}
}

func TestFleetSignsWithEveryAlgorithm(t *testing.T) {
	soft, err := softhsm.New(t.TempDir())
	must(t, err)
	algorithms := map[string]hsm.Algorithm{}
	for _, a := range []hsm.Algorithm{hsm.RSA2048, hsm.ECDSAP256, hsm.ECDSAP384, hsm.ECDSAP521, hsm.Ed25519} {
		algorithms[string(a)] = a
	}
	made(t, soft, algorithms)
	f := fleetOf(t, nil, soft)
	for label, a := range algorithms {
		k := fleetKey(t, f, label)
		if k.Algorithm() != a || k.Label() != label || len(k.ID()) == 0 {
			t.Errorf("key %q is %q, %s", label, k.Label(), k.Algorithm())
		}
		for _, form := range forms(a) {
			t.Run(label+" "+form.name, func(t *testing.T) { signAndVerify(t, k, form) })
		}
		byID, err := f.Key(t.Context(), hsm.Ref{ID: k.ID()})
		must(t, err)
		if byID.Label() != label {
			t.Errorf("the id of %q names %q", label, byID.Label())
		}
	}
	if _, err := f.Key(t.Context(), hsm.Ref{Label: "nobody"}); !errors.Is(err, hsm.ErrKeyNotFound) {
		t.Errorf("a key that is not there: %v", err)
	}
	must(t, f.Health(t.Context()))
	k := fleetKey(t, f, "rsa-2048")
	if _, err := k.Sign(nil, make([]byte, 20), crypto.SHA1); !errors.Is(err, hsm.ErrAlgorithm) {
		t.Errorf("SHA-1: %v", err)
	}
	must(t, f.Close())
	if _, err := k.Sign(nil, make([]byte, 32), crypto.SHA256); !errors.Is(err, hsm.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}
