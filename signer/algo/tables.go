package algo

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"sync"
	"sync/atomic"

	"qaqpa/hsm/pinned"
	"qaqpa/signer/asn1ber"
)

// Tables let the public keys of P-256 that sign most be verified with multiples that were computed once: those of banks, of
// portals and of the gateway itself sign thousands of documents. Public values only. A key that was used tablesAfter times gets a
// table of 0.9 MB; of more than size such keys the oldest loses its own and has to be used as often again, so that a sender of many
// keys costs at most the tables of every tablesAfter-th verification. Safe for concurrent use.
type Tables struct {
	mu    sync.Mutex
	size  int
	curve *pinned.P256
	ring  []*tableOf
}

// tablesAfter is how often a key is used before its table is made, which takes the time of some fifty verifications.
const tablesAfter = 128

// NewTables makes Tables of at most size keys. Nothing is computed yet.
func NewTables(size int) *Tables { return &Tables{size: max(size, 1)} }

// tableOf belongs to one parsed key.
type tableOf struct {
	all  *Tables
	uses atomic.Uint32
	key  atomic.Pointer[pinned.Key]
}

// Watch returns a key whose verifications are counted, and speeded up when there are many. Keys of other kinds are returned as
// they are.
func (t *Tables) Watch(pub PublicKey) PublicKey {
	if key, ok := pub.Key.(*ecdsa.PublicKey); ok && t != nil && key.Curve == elliptic.P256() {
		pub.table = &tableOf{all: t}
	}
	return pub
}

// holds reports that a signature was verified by the table. False says nothing: crypto/ecdsa has the last word on what is refused.
func (w *tableOf) holds(key *ecdsa.PublicKey, digest, sig []byte) bool {
	if w == nil {
		return false
	}
	k := w.key.Load()
	if k == nil {
		if w.uses.Add(1) == tablesAfter {
			w.all.add(w, key)
		}
		return false
	}
	pair, ok := pairOf(sig)
	return ok && k.Verify(digest, pair[:])
}

// add makes the table of a key, and takes the oldest from another when there are too many.
func (t *Tables) add(w *tableOf, key *ecdsa.PublicKey) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.curve == nil {
		t.curve = pinned.NewP256()
	}
	k, err := t.curve.Key(key)
	if err != nil {
		return
	}
	if len(t.ring) == t.size {
		oldest := t.ring[0]
		t.ring = append(t.ring[:0], t.ring[1:]...)
		oldest.key.Store(nil)
		oldest.uses.Store(0)
	}
	t.ring = append(t.ring, w)
	w.key.Store(k)
}

// pairOf reads ECDSA-Sig-Value (RFC 3279 2.2.3) in DER as r‖s of 32 octets each; ok false for everything else, other encodings of the
// same numbers among it.
func pairOf(sig []byte) (pair [64]byte, ok bool) {
	e, err := asn1ber.ParseDER(sig)
	if err != nil || e.Tag != asn1ber.Sequence {
		return pair, false
	}
	r, err := e.Children()
	if err != nil {
		return pair, false
	}
	for i := range 2 {
		n, err := r.Read(asn1ber.Integer)
		if err != nil {
			return pair, false
		}
		octets, err := n.Integer()
		if err != nil || len(octets) == 0 || octets[0] >= 0x80 {
			return pair, false
		}
		if octets[0] == 0 {
			octets = octets[1:]
		}
		if len(octets) > 32 {
			return pair, false
		}
		copy(pair[32*i+32-len(octets):], octets)
	}
	return pair, r.Empty()
}
