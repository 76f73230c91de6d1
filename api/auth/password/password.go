package password

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"
)

// Cost of one try: 19 MiB and two passes, the second recommendation of OWASP. It is part of what is kept, so that it may
// be raised without asking everybody for a new password.
const (
	memoryKiB = 19 << 10
	passes    = 2
	lanes     = 1
	scheme    = "argon2id$19456$2$1"
)

const (
	saltLen = 16
	halfLen = 32
)

// Bounds of a password in characters. Length is all that is asked for: rules about signs make passwords worse (NIST SP
// 800-63B 5.1.1.2).
const (
	LenMin = 12
	LenMax = 100
)

// The refusals.
var (
	// ErrLength says that a password is too short or too long.
	ErrLength = errors.New("a password has 12 to 100 characters")
	// ErrPlain says that it is one character or pair over and over, or the name of its owner.
	ErrPlain = errors.New("the password is too easy to guess")
)

// Check says whether a password may be chosen by the person of that name.
func Check(password, owner string) error {
	if !utf8.ValidString(password) {
		return ErrLength
	}
	password = norm.NFKC.String(password)
	letters := []rune(password)
	if len(letters) < LenMin || len(letters) > LenMax {
		return ErrLength
	}
	different := map[rune]bool{}
	for _, c := range letters {
		different[c] = true
	}
	const variety = 5
	if len(different) < variety || (owner != "" && strings.Contains(strings.ToLower(password), strings.ToLower(norm.NFKC.String(owner)))) {
		return ErrPlain
	}
	return nil
}

// Keep makes what is stored: salt, one half of the stretched password, and secret sealed under the other half.
func Keep(random io.Reader, password string, secret []byte) (string, error) {
	salt := make([]byte, saltLen)
	if _, err := io.ReadFull(random, salt); err != nil {
		return "", fmt.Errorf("couldn't draw a salt: %w", err)
	}
	compare, key := stretch(password, salt)
	seal, err := sealer(key)
	if err != nil {
		return "", err
	}
	// The key serves once, with its salt, so the nonce may be zero.
	sealed := seal.Seal(nil, make([]byte, seal.NonceSize()), secret, []byte(scheme)) //nolint:gosec // G407: see above
	return strings.Join([]string{scheme, encode(salt), encode(compare), encode(sealed)}, "$"), nil
}

// Open gives the secret back to whoever knows the password. The time that a refusal takes says nothing about the password.
func Open(kept, password string) (secret []byte, ok bool) {
	parts := strings.Split(strings.TrimPrefix(kept, scheme+"$"), "$")
	const fields = 3
	if !strings.HasPrefix(kept, scheme+"$") || len(parts) != fields {
		return nil, false
	}
	salt, err1 := decode(parts[0])
	compare, err2 := decode(parts[1])
	sealed, err3 := decode(parts[2])
	if errors.Join(err1, err2, err3) != nil {
		return nil, false
	}
	got, key := stretch(password, salt)
	if subtle.ConstantTimeCompare(got, compare) != 1 {
		return nil, false
	}
	seal, err := sealer(key)
	if err != nil {
		return nil, false
	}
	secret, err = seal.Open(nil, make([]byte, seal.NonceSize()), sealed, []byte(scheme))
	return secret, err == nil
}

// Waste costs as much as Open does, for names that do not exist: otherwise the clock would tell which ones do.
func Waste(password string) { stretch(password, make([]byte, saltLen)) }

// stretch takes the compatible composed form: the same password is typed differently on different keyboards. The cut comes after that: a
// password in decomposed form may be several times as long as the same one composed.
func stretch(password string, salt []byte) (compare, key []byte) {
	plain := []byte(norm.NFKC.String(password))
	plain = plain[:min(len(plain), 4*LenMax)] // bounded work, whatever is sent; no longer one can have been chosen
	both := argon2.IDKey(plain, salt, passes, memoryKiB, lanes, 2*halfLen)
	return both[:halfLen], both[halfLen:]
}

func sealer(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("couldn't make a cipher: %w", err)
	}
	seal, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("couldn't make a seal: %w", err)
	}
	return seal, nil
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func decode(s string) ([]byte, error) { return base64.RawURLEncoding.Strict().DecodeString(s) }
