package audit

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Chains is the number of chains, one per bucket.
const Chains = 256

// Limits of an entry's fields.
const (
	actorBytesMax   = 256
	actionBytesMax  = 128
	subjectBytesMax = 256
	detailBytesMax  = 64 << 10
	entriesMax      = 10_000
)

// ErrEntry is wrapped by the errors for an entry that cannot be kept: an empty or oversize field, text that is not UTF-8.
var ErrEntry = errors.New("unusable audit entry")

// Entry is one event.
type Entry struct {
	// Actor is who did it: a client, an operator, a worker of the gateway. Not a name of a person.
	Actor string
	// Action is a dotted verb, such as "document.sealed".
	Action string
	// Subject is the public id of what it was done to; its bucket chooses the chain.
	Subject string
	// Detail is free, usually JSON, at most 64 KiB; it must not hold secrets.
	Detail []byte
}

// Record is a stored entry.
type Record struct {
	Entry
	Chain    int
	Seq      int64
	PrevHash [32]byte
	Hash     [32]byte
	At       time.Time
}

func (e Entry) check() error {
	for _, f := range []struct {
		name, value string
		max         int
	}{
		{"actor", e.Actor, actorBytesMax},
		{"action", e.Action, actionBytesMax},
		{"subject", e.Subject, subjectBytesMax},
	} {
		switch {
		case f.value == "":
			return fmt.Errorf("%w: %s is empty", ErrEntry, f.name)
		case len(f.value) > f.max:
			return fmt.Errorf("%w: %s has %d bytes, at most %d are kept", ErrEntry, f.name, len(f.value), f.max)
		case !utf8.ValidString(f.value) || strings.ContainsRune(f.value, 0):
			return fmt.Errorf("%w: %s is not UTF-8 text", ErrEntry, f.name)
		}
	}
	if len(e.Detail) > detailBytesMax {
		return fmt.Errorf("%w: detail has %d bytes, at most %d are kept", ErrEntry, len(e.Detail), detailBytesMax)
	}
	return nil
}

// Bucket returns the chain of a subject: the bucket that a public id names in the two hex digits behind its prefix
// ("ord_7f…" gives 0x7f), else the first byte of SHA-256. So an entry lies beside the rows that it speaks of.
func Bucket(subject string) int {
	if _, rest, ok := strings.Cut(subject, "_"); ok && len(rest) > 2 {
		if b, err := hex.DecodeString(rest[:2]); err == nil {
			return int(b[0])
		}
	}
	return int(sha256.Sum256([]byte(subject))[0])
}

// hash binds all fields of a record and the one before. Variable fields are preceded by their length, so that no two
// records share an encoding.
func (r *Record) hash() [32]byte {
	b := make([]byte, 0, 256+len(r.Detail))
	b = append(b, "qaqpa audit entry v1\x00"...)
	b = binary.BigEndian.AppendUint64(b, uint64(r.Chain)) //nolint:gosec // 0..255
	b = binary.BigEndian.AppendUint64(b, uint64(r.Seq))   //nolint:gosec // a two's-complement image is injective
	b = append(b, r.PrevHash[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(r.At.UnixMicro()))
	for _, f := range [][]byte{[]byte(r.Actor), []byte(r.Action), []byte(r.Subject), r.Detail} {
		b = binary.BigEndian.AppendUint64(b, uint64(len(f)))
		b = append(b, f...)
	}
	return sha256.Sum256(b)
}
