package hsm_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"log/slog"
	"qaqpa/hsm"
	"qaqpa/testenv/softhsm"
	"testing"
	"time"
)

// open opens a fixture's token for one test.
func open(tb testing.TB, token *softhsm.Token, more ...func(*hsm.Config)) *hsm.Token {
	tb.Helper()
	opened, err := tryOpen(tb, token, more...)
	if err != nil {
		tb.Fatal(err)
	}
	return opened
}

func tryOpen(tb testing.TB, token *softhsm.Token, more ...func(*hsm.Config)) (*hsm.Token, error) {
	tb.Helper()
	cfg := hsm.Config{
		Module: token.Module, Token: token.Label, PIN: token.PIN, CallTimeout: 10 * time.Second,
		Log: slog.New(slog.NewTextHandler(tb.Output(), nil)),
	}
	for _, change := range more {
		change(&cfg)
	}
	opened, err := hsm.Open(tb.Context(), cfg)
	if err == nil {
		tb.Cleanup(func() {
			if err := opened.Close(); err != nil {
				tb.Error(err)
			}
		})
	}
	return opened, err
}

func generate(tb testing.TB, token *hsm.Token, label string, a hsm.Algorithm) *hsm.Key {
	tb.Helper()
	k, err := token.Generate(tb.Context(), label, a)
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

// verify checks a signature the way that a stranger would, knowing the public key only.
func verify(pub crypto.PublicKey, message, signature []byte, opts crypto.SignerOpts) bool {
	digest := message
	if opts.HashFunc() != 0 {
		h := opts.HashFunc().New()
		h.Write(message)
		digest = h.Sum(nil)
	}
	switch pub := pub.(type) {
	case *rsa.PublicKey:
		if pss, ok := opts.(*rsa.PSSOptions); ok {
			return rsa.VerifyPSS(pub, pss.Hash, digest, signature, pss) == nil
		}
		return rsa.VerifyPKCS1v15(pub, opts.HashFunc(), digest, signature) == nil
	case *ecdsa.PublicKey:
		return ecdsa.VerifyASN1(pub, digest, signature)
	case ed25519.PublicKey:
		return ed25519.Verify(pub, digest, signature)
	}
	return false
}

func TestSmoke(t *testing.T) {
	token := open(t, softhsm.ForTest(t))
	for _, a := range []hsm.Algorithm{hsm.RSA2048, hsm.ECDSAP256, hsm.ECDSAP384, hsm.ECDSAP521} {
		k := generate(t, token, "smoke-"+string(a), a)
		d := sha256.Sum256([]byte("m"))
		sig, err := k.Sign(rand.Reader, d[:], crypto.SHA256)
		if err != nil {
			t.Fatal(a, err)
		}
		if !verify(k.Public(), []byte("m"), sig, crypto.SHA256) {
			t.Fatal(a)
		}
	}
	k := generate(t, token, "smoke-ed", hsm.Ed25519)
	sig, err := k.Sign(nil, []byte("m"), crypto.Hash(0))
	if err != nil || !verify(k.Public(), []byte("m"), sig, crypto.Hash(0)) {
		t.Fatal(err)
	}
	if err := token.Health(context.Background()); err != nil {
		t.Fatal(err)
	}
	if _, err := token.Generate(t.Context(), "smoke-ed", hsm.Ed25519); !errors.Is(err, hsm.ErrKeyExists) {
		t.Fatal(err)
	}
}
