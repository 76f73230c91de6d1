package totp

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // G505: RFC 6238 over HMAC, for which collisions of the hash do not matter
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"
)

const (
	stepSeconds = 30
	digits      = 6
	modulus     = 1_000_000
	// SecretLen is the length of a seed in bytes: that of the hash (RFC 4226 4, R6).
	SecretLen = 20
	// drift is how many steps the clock of a phone may be wrong, either way (RFC 6238 5.2).
	drift = 1
)

// NewSecret draws a seed.
func NewSecret(random io.Reader) ([]byte, error) {
	secret := make([]byte, SecretLen)
	if _, err := io.ReadFull(random, secret); err != nil {
		return nil, fmt.Errorf("couldn't draw a seed: %w", err)
	}
	return secret, nil
}

// Step is the number of the 30 seconds in which at lies.
func Step(at time.Time) int64 { return at.Unix() / stepSeconds }

// Code is the password of a step (RFC 4226 5.3).
func Code(secret []byte, step int64) string {
	var counter [8]byte
	binary.BigEndian.PutUint64(counter[:], uint64(step)) //nolint:gosec // G115: a step before 1970 is no worse than another
	mac := hmac.New(sha1.New, secret)
	mac.Write(counter[:])
	sum := mac.Sum(nil)
	offset := sum[len(sum)-1] & 0x0f
	value := binary.BigEndian.Uint32(sum[offset:]) & 0x7fffffff
	return fmt.Sprintf("%0*d", digits, value%modulus)
}

// Matches finds the step whose password this is, near at. The caller refuses a step that is not later than the last one
// that he took: a password serves once (RFC 6238 5.2).
func Matches(secret []byte, code string, at time.Time) (step int64, ok bool) {
	code = strings.Join(strings.Fields(code), "")
	if len(code) != digits {
		return 0, false
	}
	for n := Step(at) - drift; n <= Step(at)+drift; n++ {
		if subtle.ConstantTimeCompare([]byte(Code(secret, n)), []byte(code)) == 1 {
			step, ok = n, true
		}
	}
	return step, ok
}

// Text is a seed as people type it: base32 in groups of four.
func Text(secret []byte) string {
	plain := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(secret)
	var out strings.Builder
	for i, c := range plain {
		if i > 0 && i%4 == 0 {
			out.WriteByte(' ')
		}
		out.WriteRune(c)
	}
	return out.String()
}

// URI is what a QR code tells an authenticator application.
func URI(secret []byte, issuer, account string) string {
	q := url.Values{"secret": {strings.ReplaceAll(Text(secret), " ", "")}, "issuer": {issuer}}
	return "otpauth://totp/" + url.PathEscape(issuer+":"+account) + "?" + q.Encode()
}
