package gostref

import (
	"crypto"
	cryptorand "crypto/rand"
	"errors"
	"fmt"
	"io"
	"math/big"
	"slices"
)

// PublicKey is a point with its curve.
type PublicKey struct {
	Curve *Curve
	Point
}

// PrivateKey is a scalar in [1, Q-1] with its public key. It is a crypto.Signer.
type PrivateKey struct {
	PublicKey
	D *big.Int
}

// Generate draws a key pair.
func Generate(c *Curve, rand io.Reader) (*PrivateKey, error) {
	d, err := c.scalar(rand)
	if err != nil {
		return nil, err
	}
	return NewPrivateKey(c, d)
}

// NewPrivateKey takes the scalar.
func NewPrivateKey(c *Curve, d *big.Int) (*PrivateKey, error) {
	if d.Sign() <= 0 || d.Cmp(c.Q) >= 0 {
		return nil, errors.New("private key is not in [1, q-1]")
	}
	return &PrivateKey{PublicKey{c, c.Multiply(d, c.Base())}, d}, nil
}

// NewPublicKey reads X‖Y, each little-endian.
func NewPublicKey(c *Curve, xy []byte) (*PublicKey, error) {
	if len(xy) != 2*c.Size {
		return nil, fmt.Errorf("public key has %d octets, not %d", len(xy), 2*c.Size)
	}
	p := Point{fromLE(xy[:c.Size]), fromLE(xy[c.Size:])}
	if !c.On(p) {
		return nil, errors.New("public key is not on its curve")
	}
	return &PublicKey{c, p}, nil
}

// Bytes is X‖Y, each little-endian.
func (k *PublicKey) Bytes() []byte {
	return append(toLE(k.X, k.Curve.Size), toLE(k.Y, k.Curve.Size)...)
}

// Equal compares curve and point.
func (k *PublicKey) Equal(other crypto.PublicKey) bool {
	o, ok := other.(*PublicKey)
	return ok && o.Curve.Name == k.Curve.Name && o.X.Cmp(k.X) == 0 && o.Y.Cmp(k.Y) == 0
}

// Public is a *PublicKey.
func (k *PrivateKey) Public() crypto.PublicKey { return &k.PublicKey }

// Sign makes r‖s, each little-endian: the national form. digest is the hash's octets in natural
// order; rand may be nil for the system's source. The options are ignored.
func (k *PrivateKey) Sign(rand io.Reader, digest []byte, _ crypto.SignerOpts) ([]byte, error) {
	if rand == nil {
		rand = cryptorand.Reader
	}
	for range 100 {
		nonce, err := k.Curve.scalar(rand)
		if err != nil {
			return nil, err
		}
		if r, s := k.SignNonce(digest, nonce); r != nil {
			return append(toLE(r, k.Curve.Size), toLE(s, k.Curve.Size)...), nil
		}
	}
	return nil, errors.New("no usable nonce in a hundred draws")
}

// SignNonce is the bare algorithm of RFC 7091 6.1 with a given nonce; (nil, nil) if r or s is zero.
func (k *PrivateKey) SignNonce(digest []byte, nonce *big.Int) (r, s *big.Int) {
	c := k.Curve
	r = new(big.Int).Mod(c.Multiply(nonce, c.Base()).X, c.Q)
	s = new(big.Int).Mul(r, k.D)
	s.Add(s, new(big.Int).Mul(nonce, c.reduce(digest))).Mod(s, c.Q)
	if r.Sign() == 0 || s.Sign() == 0 {
		return nil, nil
	}
	return r, s
}

// Verify checks r‖s, each little-endian (RFC 7091 6.2).
func (k *PublicKey) Verify(digest, sig []byte) bool {
	c := k.Curve
	if len(sig) != 2*c.Size {
		return false
	}
	return k.verify(digest, fromLE(sig[:c.Size]), fromLE(sig[c.Size:]))
}

func (k *PublicKey) verify(digest []byte, r, s *big.Int) bool {
	c := k.Curve
	if r.Sign() == 0 || s.Sign() == 0 || r.Cmp(c.Q) >= 0 || s.Cmp(c.Q) >= 0 {
		return false
	}
	v := new(big.Int).ModInverse(c.reduce(digest), c.Q)
	z1 := new(big.Int).Mul(s, v)
	z2 := new(big.Int).Mul(r, v)
	z2.Neg(z2)
	p := c.Add(c.Multiply(z1.Mod(z1, c.Q), c.Base()), c.Multiply(z2.Mod(z2, c.Q), k.Point))
	return p.X != nil && p.X.Mod(p.X, c.Q).Cmp(r) == 0
}

// reduce turns a digest into e: little-endian number mod q, with 1 in place of 0.
func (c *Curve) reduce(digest []byte) *big.Int {
	e := fromLE(digest)
	if e.Mod(e, c.Q).Sign() == 0 {
		e.SetInt64(1)
	}
	return e
}

func fromLE(b []byte) *big.Int {
	b = slices.Clone(b)
	slices.Reverse(b)
	return new(big.Int).SetBytes(b)
}

func toLE(n *big.Int, size int) []byte {
	b := n.FillBytes(make([]byte, size))
	slices.Reverse(b)
	return b
}
