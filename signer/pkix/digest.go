package pkix

import (
	"sync/atomic"

	"qaqpa/signer/algo"
)

// digestMemo keeps the digests of an object whose octets never change, one for each hash that was asked for: identifiers in
// signatures name certificates by them, and Streebog takes 15 µs for one. Safe for concurrent use.
type digestMemo struct{ first atomic.Pointer[digestEntry] }

type digestEntry struct {
	hash algo.Hash
	sum  []byte
	next *digestEntry
}

func (m *digestMemo) of(h algo.Hash, octets []byte) []byte {
	for {
		first := m.first.Load()
		for e := first; e != nil; e = e.next {
			if e.hash == h {
				return e.sum
			}
		}
		made := &digestEntry{hash: h, sum: h.Sum(nil, octets), next: first}
		if m.first.CompareAndSwap(first, made) { // else another goroutine was faster, perhaps with this very hash
			return made.sum
		}
	}
}

// Digest is the digest of the whole certificate with a hash, which must be valid; computed once for each hash. Callers must not
// change it.
func (c *Certificate) Digest(h algo.Hash) []byte {
	if h == algo.SHA256 {
		c.Fingerprint()
		return c.fingerprint[:]
	}
	return c.digests.of(h, c.Raw)
}
