package signer

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/google/uuid"
)

// newID makes a public id: prefix, two hex digits of bucket, 32 hex digits of a UUIDv7.
func newID(prefix, bucket string) (string, error) {
	u, err := uuid.NewV7()
	if err != nil {
		return "", fmt.Errorf("couldn't make an id: %w", err)
	}
	return prefix + "_" + bucket + hex.EncodeToString(u[:]), nil
}

// idDigits is the length of an id behind its prefix.
const idDigits = 34

// bucketOf reads the bucket of an id; ok is false for what is no id of this prefix.
func bucketOf(prefix, id string) (bucket int, ok bool) {
	rest, ok := strings.CutPrefix(id, prefix+"_")
	if !ok || len(rest) != idDigits {
		return 0, false
	}
	for _, r := range rest {
		if !strings.ContainsRune("0123456789abcdef", r) {
			return 0, false
		}
	}
	b, err := strconv.ParseUint(rest[:2], 16, 8)
	return int(b), err == nil
}
