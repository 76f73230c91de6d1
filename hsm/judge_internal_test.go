package hsm

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/asn1"
	"errors"
	"math/big"
	"testing"
)

// A key that has signed for a while is verified by tables or in vectors: good signatures go on being good, one bit makes each of them wrong, and
// so does another key.
func TestVerificationByTables(t *testing.T) {
	_, ed, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string]crypto.Signer{"Ed25519": ed, "P-256": ec}
	for name, bits := range map[string]int{"RSA-2048": 2048, "RSA-3072": 3072} {
		if keys[name], err = rsa.GenerateKey(rand.Reader, bits); err != nil {
			t.Fatal(err)
		}
	}
	for name, key := range keys {
		t.Run(name, func(t *testing.T) {
			opts := crypto.SignerOpts(crypto.SHA256)
			if name == "Ed25519" {
				opts = crypto.Hash(0)
			}
			j := &judge{pub: key.Public(), pins: newPins()}
			for n := range pinAfter + 20 {
				digest := sha256.Sum256([]byte{byte(n)})
				r, err := newRequest(j.pub, digest[:], opts)
				if err != nil {
					t.Fatal(err)
				}
				raw := rawSignature(t, key, digest[:], opts)
				if _, err := j.signature(r, raw); err != nil {
					t.Fatalf("signature %d: %v", n, err)
				}
				raw[n%len(raw)] ^= 1 << (n % 8)
				if _, err := j.signature(r, raw); !errors.Is(err, ErrWrongSignature) {
					t.Fatalf("signature %d with one bit changed: %v", n, err)
				}
				other := sha256.Sum256([]byte{byte(n), 1})
				if _, err := j.signature(r, rawSignature(t, key, other[:], opts)); !errors.Is(err, ErrWrongSignature) {
					t.Fatalf("signature %d of something else: %v", n, err)
				}
			}
			if j.table.Load() == nil && j.edTable.Load() == nil && len(name) < 8 {
				t.Error("it has no table")
			}
		})
	}
}

// rawSignature is what a token returns.
func rawSignature(t *testing.T, key crypto.Signer, digest []byte, opts crypto.SignerOpts) []byte {
	t.Helper()
	signature, err := key.Sign(rand.Reader, digest, opts)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := key.(*ecdsa.PrivateKey); !ok {
		return signature
	}
	var parsed struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(signature, &parsed); err != nil {
		t.Fatal(err)
	}
	return append(parsed.R.FillBytes(make([]byte, 32)), parsed.S.FillBytes(make([]byte, 32))...)
}
