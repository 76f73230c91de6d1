package gost

import "math/bits"

// Curve is a set of domain parameters of GOST R 34.10-2012, immutable and safe for concurrent use. There is one
// value per parameter set; the functions of this package named after the sets return it.
type Curve struct {
	name    string
	bits    int
	topMask byte // the bits of a scalar's first octet, big-endian, that q reaches
	arith   arithmetic
}

// arithmetic hides the number of limbs from Curve and the keys.
type arithmetic interface {
	// public takes X‖Y, each little-endian, of the right length.
	public(xy []byte) (publicPoint, error)
	// private takes a big-endian scalar of the right length.
	private(d []byte) (privateScalar, error)
}

// publicPoint is a point on the curve, of order q.
type publicPoint interface {
	// verify takes digest, r and s, each little-endian and of the right length.
	verify(digest, r, s []byte) bool
}

// privateScalar is a number in [1, q−1].
type privateScalar interface {
	// public gives X‖Y, each little-endian.
	public() []byte
	// sign appends r‖s, each little-endian, to dst; extra is mixed into the nonce.
	sign(dst, digest, extra []byte) []byte
}

func newCurve(p paramSet) *Curve {
	c := &Curve{name: p.name, bits: p.bits}
	if p.bits == 256 {
		g := newGroup[[4]uint64](p)
		c.arith, c.topMask = g, maskOf(byte(g.fq.p[3]>>56))
	} else {
		g := newGroup[[8]uint64](p)
		c.arith, c.topMask = g, maskOf(byte(g.fq.p[7]>>56))
	}
	return c
}

// maskOf is 2^n − 1 for a number of n bits.
func maskOf(top byte) byte { return byte(1<<bits.Len8(top) - 1) }

// named is the same curve under another name.
func (c *Curve) named(name string) *Curve {
	d := *c
	d.name = name
	return &d
}

// Name returns the name under which the standards register the parameter set, such as
// "id-GostR3410-2001-CryptoPro-A-ParamSet".
func (c *Curve) Name() string { return c.name }

// Bits returns 256 or 512: the length of the digests that are signed, of each coordinate and of each half
// of a signature. The order of the group may be up to two bits shorter.
func (c *Curve) Bits() int { return c.bits }

// size is the number of octets of a coordinate, a scalar and a digest.
func (c *Curve) size() int { return c.bits / 8 }
