package payment

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"qaqpa/payment/ledger"
)

// Prefixes of public ids.
const (
	prefixAgency   = "agc_"
	prefixService  = "svc_"
	prefixDebt     = "dbt_"
	prefixOrder    = "ord_"
	prefixAttempt  = "att_"
	prefixTransfer = "trf_"
	prefixReceipt  = "rcp_"
	prefixMessage  = "msg_"
	prefixPosting  = "pst_"
)

// bucketOf places the rows of an owner: the first byte of SHA-256.
func bucketOf(owner string) int {
	sum := sha256.Sum256([]byte(owner))
	return int(sum[0])
}

// newID makes an id that sorts by time within its bucket. Reference data have no bucket: pass -1.
func newID(prefix string, bucket int) (string, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return "", fmt.Errorf("couldn't make an id: %w", err)
	}
	text := hex.EncodeToString(id[:])
	if bucket >= 0 && bucket < ledger.Buckets {
		text = fmt.Sprintf("%02x", bucket) + text
	}
	return prefix + text, nil
}

// bucketOfID reads the bucket out of a public id; ok is false when the text cannot be an id of this kind.
func bucketOfID(prefix, id string) (bucket int, ok bool) {
	const digits = 34
	rest, found := strings.CutPrefix(id, prefix)
	if !found || len(rest) != digits || strings.ToLower(rest) != rest {
		return 0, false
	}
	raw, err := hex.DecodeString(rest)
	if err != nil {
		return 0, false
	}
	return int(raw[0]), true
}
