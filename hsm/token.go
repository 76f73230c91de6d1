package hsm

import (
	"context"
	"crypto"
	"errors"
	"io"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Config says which token to open and within which limits.
type Config struct {
	Module      string        // path of the PKCS#11 library
	Token       string        // label of the token
	PIN         string        // user PIN: a value, read by cmd from a file or the environment
	SessionsMax int           // calls in flight on the token; 0: 8
	QueueMax    int           // calls that may wait for one; 0: 32 × SessionsMax
	CallTimeout time.Duration // longest wait of one call, queue included; 0: 5 s
	Now         func() time.Time
	Log         *slog.Logger
	Registerer  prometheus.Registerer
}

// Token is an open token.
type Token struct{}

// Key is a private key in a token; it implements crypto.Signer.
type Key struct{}

// KeyInfo describes a private key found in the token.
type KeyInfo struct {
	Label       string
	ID          []byte
	Algorithm   Algorithm
	Public      crypto.PublicKey
	Certificate []byte // DER, nil when there is none
	Problem     error  // why Key would refuse it; nil: usable
}

// Algorithm is the type and size of a key.
type Algorithm string

// Key types that Generate makes.
const (
	RSA2048   Algorithm = "rsa-2048"
	RSA3072   Algorithm = "rsa-3072"
	RSA4096   Algorithm = "rsa-4096"
	ECDSAP256 Algorithm = "ecdsa-p256"
	ECDSAP384 Algorithm = "ecdsa-p384"
	ECDSAP521 Algorithm = "ecdsa-p521"
	Ed25519   Algorithm = "ed25519"
)

var errDraft = errors.New("package under construction")

func InitToken(module, label, soPIN, pin string) error     { return errDraft }
func Open(ctx context.Context, cfg Config) (*Token, error) { return nil, errDraft }
func (t *Token) Generate(ctx context.Context, label string, a Algorithm) (*Key, error) {
	return nil, errDraft
}
func (t *Token) Key(ctx context.Context, label string) (*Key, error) { return nil, errDraft }
func (t *Token) Keys(ctx context.Context) ([]KeyInfo, error)         { return nil, errDraft }
func (t *Token) ImportCertificate(ctx context.Context, label string, der []byte) error {
	return errDraft
}
func (t *Token) Certificate(ctx context.Context, label string) ([]byte, error) { return nil, errDraft }
func (t *Token) Health(ctx context.Context) error                              { return errDraft }
func (t *Token) Close() error                                                  { return nil }

func (k *Key) Public() crypto.PublicKey { return nil }
func (k *Key) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return k.SignContext(context.Background(), digest, opts)
}
func (k *Key) SignContext(ctx context.Context, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return nil, errDraft
}
func (k *Key) Label() string        { return "" }
func (k *Key) ID() []byte           { return nil }
func (k *Key) Algorithm() Algorithm { return "" }
