package receipt

import (
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
)

// ErrCode says that text is no code of a receipt.
var ErrCode = errors.New("not a receipt code")

// codeBytes is the length of a code before encoding: the bucket and 72 random bits, too many to guess.
const codeBytes = 10

// crockford has no I, L, O and U, which people misread.
func crockford() *base32.Encoding {
	return base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)
}

// NewCode makes a code: 16 characters in groups of four. The bucket leads to the rows of the payer.
func NewCode(bucket int, random io.Reader) (string, error) {
	raw := [codeBytes]byte{byte(bucket)} //nolint:gosec // G115: buckets are below 256
	if _, err := io.ReadFull(random, raw[1:]); err != nil {
		return "", fmt.Errorf("couldn't draw a code: %w", err)
	}
	return group(crockford().EncodeToString(raw[:])), nil
}

// ParseCode reads a code as people type it, in any case, with or without hyphens and spaces, O for 0, I or L for 1, and
// returns its printed form and the bucket. Errors wrap [ErrCode].
func ParseCode(text string) (code string, bucket int, err error) {
	const textMax, length = 64, 16
	if len(text) > textMax {
		return "", 0, ErrCode
	}
	plain := strings.NewReplacer("-", "", " ", "", "O", "0", "I", "1", "L", "1").Replace(strings.ToUpper(text))
	raw, err := crockford().DecodeString(plain)
	if err != nil || len(plain) != length || len(raw) != codeBytes {
		return "", 0, ErrCode
	}
	return group(plain), int(raw[0]), nil
}

func group(plain string) string {
	return plain[:4] + "-" + plain[4:8] + "-" + plain[8:12] + "-" + plain[12:]
}

// VerifyURL is the public address at which anyone checks a receipt; the QR code holds it.
func VerifyURL(base, code string) string { return base + "/verify?code=" + url.QueryEscape(code) }
