package ledger

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// Algorithm bytes of C2SP signed-note.
const (
	algorithmEd25519 = 1
	algorithmECDSA   = 2
)

// ErrKey says that a key cannot sign or verify notes.
var ErrKey = errors.New("key is not usable for notes")

// keyOf returns the algorithm, the encoded key and the key hash of C2SP signed-note: for Ed25519 over name and key, for
// ECDSA the first four bytes of the digest of the SubjectPublicKeyInfo.
func keyOf(name string, public crypto.PublicKey) (algorithm byte, encoded []byte, hash uint32, err error) {
	if name == "" || strings.ContainsAny(name, " +\n\t\r") {
		return 0, nil, 0, fmt.Errorf("%w: name %q", ErrKey, name)
	}
	switch key := public.(type) {
	case ed25519.PublicKey:
		if len(key) != ed25519.PublicKeySize {
			return 0, nil, 0, fmt.Errorf("%w: Ed25519 key of %d bytes", ErrKey, len(key))
		}
		body := append([]byte(name+"\n"), algorithmEd25519)
		sum := sha256.Sum256(append(body, key...))
		return algorithmEd25519, key, binary.BigEndian.Uint32(sum[:]), nil
	case *ecdsa.PublicKey:
		if key.Curve != elliptic.P256() {
			return 0, nil, 0, fmt.Errorf("%w: ECDSA on %s", ErrKey, key.Curve.Params().Name)
		}
		der, err := x509.MarshalPKIXPublicKey(key)
		if err != nil {
			return 0, nil, 0, fmt.Errorf("%w: %w", ErrKey, err)
		}
		sum := sha256.Sum256(der)
		return algorithmECDSA, der, binary.BigEndian.Uint32(sum[:]), nil
	}
	return 0, nil, 0, fmt.Errorf("%w: %T", ErrKey, public)
}

// noteKey verifies, and with a private half signs, notes.
type noteKey struct {
	name   string
	hash   uint32
	public crypto.PublicKey
	signer crypto.Signer
	random io.Reader
}

// NewSigner returns a signer of notes with a key of a token: Ed25519 or ECDSA P-256. random goes to the key's Sign.
func NewSigner(name string, signer crypto.Signer, random io.Reader) (note.Signer, error) {
	_, _, hash, err := keyOf(name, signer.Public())
	if err != nil {
		return nil, err
	}
	return &noteKey{name: name, hash: hash, public: signer.Public(), signer: signer, random: random}, nil
}

// NewVerifier returns a verifier of notes by a public key: Ed25519 or ECDSA P-256.
func NewVerifier(name string, public crypto.PublicKey) (note.Verifier, error) {
	_, _, hash, err := keyOf(name, public)
	if err != nil {
		return nil, err
	}
	return &noteKey{name: name, hash: hash, public: public}, nil
}

// VerifierKey renders a public key as text, name+hash+base64, the form that auditors keep.
func VerifierKey(name string, public crypto.PublicKey) (string, error) {
	algorithm, encoded, hash, err := keyOf(name, public)
	if err != nil {
		return "", err
	}
	body := append([]byte{algorithm}, encoded...)
	return fmt.Sprintf("%s+%08x+%s", name, hash, base64.StdEncoding.EncodeToString(body)), nil
}

// ParseVerifier reads what [VerifierKey] wrote. Errors wrap [ErrKey].
func ParseVerifier(text string) (note.Verifier, error) {
	const textMax = 1000
	if len(text) > textMax {
		return nil, fmt.Errorf("%w: too long", ErrKey)
	}
	name, rest, _ := strings.Cut(text, "+")
	hashText, bodyText, _ := strings.Cut(rest, "+")
	body, err := base64.StdEncoding.Strict().DecodeString(bodyText)
	if err != nil || len(body) < 2 {
		return nil, fmt.Errorf("%w: not name+hash+key", ErrKey)
	}
	var public crypto.PublicKey = ed25519.PublicKey(body[1:])
	switch body[0] {
	case algorithmEd25519:
	case algorithmECDSA:
		if public, err = x509.ParsePKIXPublicKey(body[1:]); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrKey, err)
		}
	default:
		return nil, fmt.Errorf("%w: algorithm %d", ErrKey, body[0])
	}
	v, err := NewVerifier(name, public)
	if err != nil {
		return nil, err
	}
	if fmt.Sprintf("%08x", v.KeyHash()) != hashText {
		return nil, fmt.Errorf("%w: its hash is %08x", ErrKey, v.KeyHash())
	}
	return v, nil
}

// Name implements note.Verifier and note.Signer.
func (k *noteKey) Name() string { return k.name }

// KeyHash implements note.Verifier and note.Signer.
func (k *noteKey) KeyHash() uint32 { return k.hash }

// Sign implements note.Signer.
func (k *noteKey) Sign(message []byte) ([]byte, error) {
	if _, ok := k.public.(ed25519.PublicKey); ok {
		return k.signer.Sign(k.random, message, crypto.Hash(0))
	}
	digest := sha256.Sum256(message)
	return k.signer.Sign(k.random, digest[:], crypto.SHA256)
}

// Verify implements note.Verifier.
func (k *noteKey) Verify(message, signature []byte) bool {
	switch key := k.public.(type) {
	case ed25519.PublicKey:
		return ed25519.Verify(key, message, signature)
	case *ecdsa.PublicKey:
		digest := sha256.Sum256(message)
		return ecdsa.VerifyASN1(key, digest[:], signature)
	}
	return false
}
