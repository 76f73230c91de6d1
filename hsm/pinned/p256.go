package pinned

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/binary"
	"errors"
	"math/big"
)

// ErrKey is wrapped by the errors for a public key that is not one of the curve.
var ErrKey = errors.New("not a public key of the curve")

// P256 is what all keys of the curve share.
type P256 struct {
	p, n      *big.Int
	generator *table
}

// NewP256 makes the table of the generator.
func NewP256() *P256 {
	c := elliptic.P256().Params()
	var b [32]byte
	var g affine
	g.x.setBytes(c.Gx.FillBytes(b[:]))
	g.y.setBytes(c.Gy.FillBytes(b[:]))
	return &P256{p: c.P, n: c.N, generator: newTable(g, c.P)}
}

// Key is a public key with its table.
type Key struct {
	curve *P256
	table *table
}

// Key makes the table of a public key. The key is checked to lie on the curve.
//
// Errors: [ErrKey].
func (c *P256) Key(pub *ecdsa.PublicKey) (*Key, error) {
	if pub == nil || pub.Curve != elliptic.P256() {
		return nil, ErrKey
	}
	raw, err := pub.Bytes() // uncompressed: 04, x, y; refuses what is not on the curve
	if err != nil {
		return nil, errors.Join(ErrKey, err)
	}
	var q affine
	if len(raw) != 65 || !q.x.setBytes(raw[1:33]) || !q.y.setBytes(raw[33:]) {
		return nil, ErrKey
	}
	return &Key{curve: c, table: newTable(q, c.p)}, nil
}

// Verify tells whether r‖s, each big-endian of 32 bytes, is a signature of the digest (FIPS 186-5 6.4.2). Of a digest longer
// than 32 bytes the leftmost 32 count.
func (k *Key) Verify(digest, signature []byte) bool {
	if len(signature) != 64 {
		return false
	}
	n := k.curve.n
	r, s := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
	if r.Sign() == 0 || s.Sign() == 0 || r.Cmp(n) >= 0 || s.Cmp(n) >= 0 {
		return false
	}
	w := s.ModInverse(s, n)
	e := new(big.Int).SetBytes(digest[:min(32, len(digest))])
	u1, u2 := scalar(e.Mul(e, w), n), scalar(new(big.Int).Mul(r, w), n)
	var sum point
	k.curve.generator.addTo(&sum, &u1)
	k.table.addTo(&sum, &u2)
	if sum.zz.isZero() {
		return false
	}
	return k.curve.sameX(&sum, r)
}

// scalar reduces x modulo n.
func scalar(x, n *big.Int) (k [4]uint64) {
	var b [32]byte
	x.Mod(x, n).FillBytes(b[:])
	for i := range k {
		k[3-i] = binary.BigEndian.Uint64(b[8*i:])
	}
	return k
}

// sameX tells whether the point's x modulo n is r, without computing x: x may be r or r + n, as n is below p.
func (c *P256) sameX(at *point, r *big.Int) bool {
	var b [32]byte
	for range 2 {
		if r.Cmp(c.p) >= 0 {
			return false
		}
		var x element
		x.setBytes(r.FillBytes(b[:]))
		x.mul(&x, &at.zz)
		if x == at.x {
			return true
		}
		r.Add(r, c.n)
	}
	return false
}
