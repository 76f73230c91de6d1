package auth

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"io"
	"strings"
)

const (
	tokenPrefix = "qk_"
	idBytes     = 10 // 16 characters
	secretBytes = 32 // 52 characters
	idLen       = 16
	secretLen   = 52
	tokenLen    = len(tokenPrefix) + idLen + 1 + secretLen
)

const alphabet = "abcdefghijklmnopqrstuvwxyz234567"

// newToken makes a token from fresh randomness: qk_<id>_<secret>.
func newToken(rand io.Reader) (id, secret string, err error) {
	b := make([]byte, idBytes+secretBytes)
	if _, err := io.ReadFull(rand, b); err != nil {
		return "", "", fmt.Errorf("couldn't read randomness for an API key: %w", err)
	}
	enc := base32.NewEncoding(alphabet).WithPadding(base32.NoPadding)
	return enc.EncodeToString(b[:idBytes]), enc.EncodeToString(b[idBytes:]), nil
}

// splitToken takes a token apart. It accepts exactly the form that newToken makes, so nothing else reaches a query.
func splitToken(token string) (id string, hash [sha256.Size]byte, ok bool) {
	if len(token) != tokenLen || !strings.HasPrefix(token, tokenPrefix) || token[len(tokenPrefix)+idLen] != '_' {
		return "", hash, false
	}
	id, secret := token[len(tokenPrefix):len(tokenPrefix)+idLen], token[tokenLen-secretLen:]
	if strings.Trim(id, alphabet) != "" || strings.Trim(secret, alphabet) != "" {
		return "", hash, false
	}
	return id, sha256.Sum256([]byte(secret)), true
}
