package gost

import (
	"bytes"
	"math/big"
	"slices"
	"sync"
	"testing"
)

// refCurve is the yardstick: the equations of GOST R 34.10-2012 in affine coordinates over math/big, slow, plain and
// sharing nothing with the package but the printed parameters.
type refCurve struct {
	name       string
	bits       int
	p, q, a, b *big.Int
	gx, gy     *big.Int
}

// refPoint is infinity when x is nil.
type refPoint struct{ x, y *big.Int }

func hexInt(tb testing.TB, s string) *big.Int {
	tb.Helper()
	n, ok := new(big.Int).SetString(s, 16)
	if !ok {
		tb.Fatalf("%q is no number", s)
	}
	return n
}

func (c *refCurve) inverse(x *big.Int) *big.Int { return new(big.Int).ModInverse(x, c.p) }

func (c *refCurve) add(u, v refPoint) refPoint {
	if u.x == nil {
		return v
	}
	if v.x == nil {
		return u
	}
	l := new(big.Int)
	if u.x.Cmp(v.x) == 0 {
		sum := new(big.Int).Add(u.y, v.y)
		if sum.Mod(sum, c.p).Sign() == 0 {
			return refPoint{}
		}
		l.Mul(u.x, u.x).Mul(l, big.NewInt(3)).Add(l, c.a)
		l.Mul(l, c.inverse(sum))
	} else {
		d := new(big.Int).Sub(v.x, u.x)
		l.Sub(v.y, u.y).Mul(l, c.inverse(d.Mod(d, c.p)))
	}
	x := new(big.Int).Mul(l, l)
	x.Sub(x, u.x).Sub(x, v.x).Mod(x, c.p)
	y := new(big.Int).Sub(u.x, x)
	y.Mul(y, l).Sub(y, u.y).Mod(y, c.p)
	return refPoint{x, y}
}

func (c *refCurve) mul(k *big.Int, u refPoint) refPoint {
	var r refPoint
	for i := k.BitLen() - 1; i >= 0; i-- {
		r = c.add(r, r)
		if k.Bit(i) == 1 {
			r = c.add(r, u)
		}
	}
	return r
}

func (c *refCurve) g() refPoint { return refPoint{c.gx, c.gy} }

func (c *refCurve) e(digest []byte) *big.Int {
	le := slices.Clone(digest)
	slices.Reverse(le)
	e := new(big.Int).SetBytes(le)
	if e.Mod(e, c.q).Sign() == 0 {
		e.SetInt64(1)
	}
	return e
}

func (c *refCurve) le(x *big.Int) []byte {
	b := x.FillBytes(make([]byte, c.bits/8))
	slices.Reverse(b)
	return b
}

func (c *refCurve) int(le []byte) *big.Int {
	b := slices.Clone(le)
	slices.Reverse(b)
	return new(big.Int).SetBytes(b)
}

// sign gives r‖s little-endian, or nil if k will not do.
func (c *refCurve) sign(d, k *big.Int, digest []byte) []byte {
	p := c.mul(k, c.g())
	if p.x == nil {
		return nil
	}
	r := new(big.Int).Mod(p.x, c.q)
	s := new(big.Int).Mul(r, d)
	s.Add(s, new(big.Int).Mul(k, c.e(digest))).Mod(s, c.q)
	if r.Sign() == 0 || s.Sign() == 0 {
		return nil
	}
	return append(c.le(r), c.le(s)...)
}

func (c *refCurve) verify(pub refPoint, digest, sig []byte) bool {
	n := c.bits / 8
	if len(sig) != 2*n || len(digest) != n {
		return false
	}
	r, s := c.int(sig[:n]), c.int(sig[n:])
	if r.Sign() == 0 || s.Sign() == 0 || r.Cmp(c.q) >= 0 || s.Cmp(c.q) >= 0 {
		return false
	}
	v := new(big.Int).ModInverse(c.e(digest), c.q)
	z1 := new(big.Int).Mul(s, v)
	z2 := new(big.Int).Mul(r, v)
	z2.Neg(z2)
	p := c.add(c.mul(z1.Mod(z1, c.q), c.g()), c.mul(z2.Mod(z2, c.q), pub))
	return p.x != nil && new(big.Int).Mod(p.x, c.q).Cmp(r) == 0
}

func (c *refCurve) public(d *big.Int) []byte {
	p := c.mul(d, c.g())
	return append(c.le(p.x), c.le(p.y)...)
}

// curves lists every parameter set once with its reference.
var curves = sync.OnceValue(func() []testCurve {
	all := []*Curve{
		Test256(), CryptoProA(), CryptoProB(), CryptoProC(), TC26_256A(),
		Test512(), TC26_512A(), TC26_512B(), TC26_512C(),
	}
	out := make([]testCurve, len(all))
	for i, c := range all {
		out[i] = testCurve{Curve: c, ref: refOf(c)}
	}
	return out
})

type testCurve struct {
	*Curve
	ref *refCurve
}

// refOf takes the numbers back out of a curve; TestParameters compares them with the standards' text.
func refOf(c *Curve) *refCurve {
	if c.bits == 256 {
		return refOfGroup(c, c.arith.(*group[[4]uint64])) //nolint:errcheck // 256 bits are four limbs
	}
	return refOfGroup(c, c.arith.(*group[[8]uint64])) //nolint:errcheck // 512 bits are eight limbs
}

func refOfGroup[E elem](c *Curve, g *group[E]) *refCurve {
	return &refCurve{
		name: c.name, bits: c.bits, p: limbsInt(g.fp.p), q: limbsInt(g.fq.p),
		a: fieldInt(g.fp, g.a), b: fieldInt(g.fp, g.b), gx: fieldInt(g.fp, g.g.x), gy: fieldInt(g.fp, g.g.y),
	}
}

func limbsInt[E elem](x E) *big.Int {
	b := make([]byte, byteLen[E]())
	putBE(b, &x)
	return new(big.Int).SetBytes(b)
}

func intLimbs[E elem](x *big.Int) E {
	return limbsBE[E](x.FillBytes(make([]byte, byteLen[E]())))
}

// fieldInt is the integer that an element stands for.
func fieldInt[E elem](f *field[E], x E) *big.Int {
	var z E
	f.toInt(&z, &x)
	return limbsInt(z)
}

func intField[E elem](f *field[E], x *big.Int) E {
	z := intLimbs[E](x)
	f.fromInt(&z, &z)
	return z
}

// key makes the private key of a big integer.
func (c testCurve) key(tb testing.TB, d *big.Int) *PrivateKey {
	tb.Helper()
	k, err := NewPrivateKey(c.Curve, d.Bytes())
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

func publicOf(tb testing.TB, k *PrivateKey) *PublicKey {
	tb.Helper()
	p, ok := k.Public().(*PublicKey)
	if !ok {
		tb.Fatalf("Public is a %T", k.Public())
	}
	return p
}

// pattern gives n octets that depend on seed and look random.
func pattern(seed string, n int) []byte {
	var out []byte
	for i := byte(0); len(out) < n; i++ {
		out = append(out, HMAC512([]byte(seed), bytes.Repeat([]byte{i}, 3))...)
	}
	return out[:n]
}

// scalar gives a number in [1, q−1] that depends on seed.
func (c testCurve) scalar(seed string) *big.Int {
	q1 := new(big.Int).Sub(c.ref.q, big.NewInt(1))
	d := new(big.Int).SetBytes(pattern(seed, c.bits/8+8))
	return d.Mod(d, q1).Add(d, big.NewInt(1))
}
