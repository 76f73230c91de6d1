package pki

import (
	"errors"
	"io"
	"time"
)

// Options for [New].
type Options struct {
	// Dir is the folder of the PKI; created if absent.
	Dir string
	// Families to create; zero: all four. Ignored when the folder already holds a PKI.
	Families []Family
	// Now is the clock of issuance and of the services; zero: time.Now.
	Now func() time.Time
	// Rand is the source of keys and nonces; zero: crypto/rand.
	Rand io.Reader
	// BaseURL replaces http://127.0.0.1:port in new certificates (without a trailing slash).
	BaseURL string
}

// Errors of [PKI] methods.
var (
	ErrExists  = errors.New("an identity of this name exists")
	ErrUnknown = errors.New("no such identity")
	ErrNoKey   = errors.New("the identity has no private key here")
)
