package sealed

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// SecretBytes is the length of a secret.
const SecretBytes = 32

// Layout of a form.
const (
	// kind cannot begin a number, which has digits alone. What follows names the secret, so that forms under an older one are known.
	kind      = "p1."
	nameLen   = 6
	vectorLen = 16
	numberMax = 32
)

// Errors of this package, for errors.Is.
var (
	// ErrSecret: a secret of another length.
	ErrSecret = errors.New("a secret of payers' numbers has 32 bytes")
	// ErrForm: not made under this secret, or altered.
	ErrForm = errors.New("not the stored form of a payer's number under this secret")
)

// Payers makes and opens forms. Safe for concurrent use.
type Payers struct {
	prefix string
	mac    [sha256.Size]byte
	block  cipher.Block
}

// New takes the secret. Errors: [ErrSecret].
func New(secret []byte) (*Payers, error) {
	if len(secret) != SecretBytes {
		return nil, ErrSecret
	}
	p := &Payers{mac: derive(secret, "qaqpa payer vector v1")}
	key, name := derive(secret, "qaqpa payer cipher v1"), derive(secret, "qaqpa payer name v1")
	p.prefix = kind + base64.RawURLEncoding.EncodeToString(name[:])[:nameLen] + "."
	var err error
	if p.block, err = aes.NewCipher(key[:]); err != nil {
		return nil, fmt.Errorf("couldn't use a secret of payers' numbers: %w", err)
	}
	return p, nil
}

func derive(secret []byte, purpose string) [sha256.Size]byte {
	h := hmac.New(sha256.New, secret)
	h.Write([]byte(purpose))
	return [sha256.Size]byte(h.Sum(nil))
}

// Form is the stored form of a number of at most 32 bytes. What is no number, the empty text included, has a form as well.
func (p *Payers) Form(number string) string {
	raw := make([]byte, vectorLen, vectorLen+len(number))
	copy(raw, p.vector(number))
	raw = append(raw, number...)
	cipher.NewCTR(p.block, raw[:vectorLen]).XORKeyStream(raw[vectorLen:], raw[vectorLen:])
	return p.prefix + base64.RawURLEncoding.EncodeToString(raw)
}

func (p *Payers) vector(number string) []byte {
	h := hmac.New(sha256.New, p.mac[:])
	h.Write([]byte(number))
	return h.Sum(nil)[:vectorLen]
}

// Prefix begins every form under this secret, and none under another.
func (p *Payers) Prefix() string { return p.prefix }

// Number opens a form. Errors: [ErrForm].
func (p *Payers) Number(form string) (string, error) {
	text, ok := strings.CutPrefix(form, p.prefix)
	if !ok || len(text) > base64.RawURLEncoding.EncodedLen(vectorLen+numberMax) {
		return "", ErrForm
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) < vectorLen {
		return "", ErrForm
	}
	number := make([]byte, len(raw)-vectorLen)
	cipher.NewCTR(p.block, raw[:vectorLen]).XORKeyStream(number, raw[vectorLen:])
	if !hmac.Equal(p.vector(string(number)), raw[:vectorLen]) {
		return "", ErrForm
	}
	return string(number), nil
}

// IsForm reports whether a stored text is a form, under whatever secret, and not a number as it stands.
func IsForm(text string) bool { return strings.HasPrefix(text, kind) }
