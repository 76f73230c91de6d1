package path

import (
	"sync"

	"qaqpa/signer/pkix"
)

// Memo remembers which signatures of certificates, CRLs and OCSP responses were verified with which certificate's key,
// by the SHA-256 of both, so that the chain of a thousand documents is verified once. Only signatures that hold are
// remembered: that fact depends on nothing but the two objects and never changes. It holds at most twice its size and is
// safe for concurrent use. The zero Memo is not usable; see [NewMemo].
type Memo struct {
	mu         sync.RWMutex
	size       int
	young, old map[memoKey]struct{}
}

type memoKey struct{ signer, object Digest }

// NewMemo makes a Memo of at least size entries of 64 octets.
func NewMemo(size int) *Memo {
	return &Memo{size: max(size, 1), young: map[memoKey]struct{}{}}
}

func (m *Memo) has(k memoKey) bool {
	if m == nil {
		return false
	}
	m.mu.RLock()
	_, young := m.young[k]
	_, old := m.old[k]
	m.mu.RUnlock()
	if old && !young {
		m.add(k) // what is used stays
	}
	return young || old
}

func (m *Memo) add(k memoKey) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.young) >= m.size {
		m.old, m.young = m.young, make(map[memoKey]struct{}, m.size)
	}
	m.young[k] = struct{}{}
}

// Len is the number of remembered signatures.
func (m *Memo) Len() int {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return len(m.young) + len(m.old)
}

// Verify checks the signature of an object with a certificate's key, unless it is remembered, and remembers it when it holds: so
// that a list of tens of megabytes is hashed when it comes and not within a verdict.
func (m *Memo) Verify(signer *pkix.Certificate, o signedObject) error {
	key := memoKey{signer.Fingerprint(), o.Fingerprint()}
	if m.has(key) {
		return nil
	}
	if err := o.CheckSignature(signer.PublicKey, signer.PublicKeyErr); err != nil {
		return err
	}
	m.add(key)
	return nil
}
