package path

import (
	"errors"
	"testing"

	"qaqpa/signer/algo"
)

// counted is a signed object that counts how often its signature is verified.
type counted struct {
	id    Digest
	err   error
	calls int
}

func (c *counted) Fingerprint() Digest { return c.id }
func (c *counted) SignedLen() int      { return 1 }
func (c *counted) CheckSignature(algo.PublicKey, error) error {
	c.calls++
	return c.err
}

// TestMemoVerify: what holds is verified once for each key; what does not hold is never remembered.
func TestMemoVerify(t *testing.T) {
	l := newLab(t)
	one, two := l.issue(nil, "one", asCA).cert, l.issue(nil, "two", asCA).cert
	m := NewMemo(8)
	good, bad := &counted{id: Digest{1}}, &counted{id: Digest{2}, err: algo.ErrSignature}
	for range 3 {
		if err := m.Verify(one, good); err != nil {
			t.Fatal(err)
		}
		if err := m.Verify(one, bad); !errors.Is(err, algo.ErrSignature) {
			t.Fatal(err)
		}
	}
	if good.calls != 1 || bad.calls != 3 || m.Len() != 1 {
		t.Errorf("verified %d and %d times, %d remembered", good.calls, bad.calls, m.Len())
	}
	good.err = algo.ErrSignature // under another key the same object is another question
	if err := m.Verify(two, good); !errors.Is(err, algo.ErrSignature) || good.calls != 2 {
		t.Errorf("under another key: %v", err)
	}
}
