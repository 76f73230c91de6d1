package api

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"testing"

	"qaqpa/payment"
)

// safe is a vault without a token: AES-256-GCM with the place as associated data.
type safe struct{ aead cipher.AEAD }

func (s safe) Seal(_ context.Context, record, place []byte) ([]byte, error) {
	nonce := make([]byte, s.aead.NonceSize())
	_, err := rand.Read(nonce)
	return s.aead.Seal(nonce, nonce, record, place), err
}

func (s safe) Open(_ context.Context, sealed, place []byte) ([]byte, error) {
	if len(sealed) < s.aead.NonceSize() {
		return nil, errors.New("too short")
	}
	return s.aead.Open(nil, sealed[:s.aead.NonceSize()], sealed[s.aead.NonceSize():], place)
}

// sealedRows is what whole gateways of the tests seal personal data by, so that every story is told over sealed rows.
func sealedRows(tb testing.TB) *payment.Privacy {
	tb.Helper()
	key, secret := make([]byte, 32), make([]byte, 32)
	for _, b := range [][]byte{key, secret} {
		if _, err := rand.Read(b); err != nil {
			tb.Fatal(err)
		}
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		tb.Fatal(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		tb.Fatal(err)
	}
	return &payment.Privacy{Vaults: []payment.NamedVault{{Name: "test", Vault: safe{aead}}}, PayerSecrets: [][]byte{secret}}
}
