package hsm_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"log/slog"
	"testing"
	"time"

	"qaqpa/hsm"
	"qaqpa/testenv/softhsm"
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
