package tsa

import (
	"context"
	"crypto"
	"io"
)

// contextKey is a key of a token, whose calls can be bounded.
type contextKey interface {
	crypto.Signer
	SignContext(ctx context.Context, digest []byte, opts crypto.SignerOpts) ([]byte, error)
}

// boundKey is such a key within one caller's deadline.
type boundKey struct {
	contextKey
	sign func(digest []byte, opts crypto.SignerOpts) ([]byte, error)
}

// Sign is SignContext with the caller's context.
func (k boundKey) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return k.sign(digest, opts)
}
