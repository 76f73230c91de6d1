package gost

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"
)

// ErrPublicKey means that octets are not a public key of the curve: wrong length, coordinate out of range,
// point off the curve or outside of the subgroup of order q.
var ErrPublicKey = errors.New("gost: not a public key of this curve")

// PublicKey is a point of order q on its curve, checked when it was made. It is immutable and safe for
// concurrent use.
type PublicKey struct {
	curve *Curve
	point publicPoint
	xy    []byte
}

// NewPublicKey reads a public key: X‖Y, each little-endian, 64 octets for curves of 256 bits and 128 for those of
// 512. The error wraps [ErrPublicKey].
//
// Coordinates must be below p and satisfy the curve's equation. Where the group is larger than q
// (paramSetA of 256 bits, paramSetC of 512), the point must also be of order q, which costs about as much as a
// verification: a point with a component of small order would verify under several keys.
func NewPublicKey(c *Curve, xyLE []byte) (*PublicKey, error) {
	if len(xyLE) != 2*c.size() {
		return nil, fmt.Errorf("%w: %d octets, want %d", ErrPublicKey, len(xyLE), 2*c.size())
	}
	point, err := c.arith.public(xyLE)
	if err != nil {
		return nil, err
	}
	return &PublicKey{curve: c, point: point, xy: bytes.Clone(xyLE)}, nil
}

// Bytes returns X‖Y, each little-endian, as [NewPublicKey] takes it. The caller may change it.
func (k *PublicKey) Bytes() []byte { return bytes.Clone(k.xy) }

// Curve returns the curve that the key was made on.
func (k *PublicKey) Curve() *Curve { return k.curve }

// Equal reports whether x is a *PublicKey with the same point on the same curve, whatever name the curve goes by.
func (k *PublicKey) Equal(x crypto.PublicKey) bool {
	o, ok := x.(*PublicKey)
	return ok && o != nil && k.curve.arith == o.curve.arith && bytes.Equal(k.xy, o.xy)
}

// Verify reports whether sig is a signature of digest in the national order: r‖s, each little-endian, 64 octets for
// curves of 256 bits and 128 for those of 512. digest is the hash's octets as hashed, 32 or 64. Anything of another
// length or out of range is no signature.
func (k *PublicKey) Verify(digest, sig []byte) bool {
	n := k.curve.size()
	if len(digest) != n || len(sig) != 2*n {
		return false
	}
	return k.point.verify(digest, sig[:n], sig[n:])
}

// VerifyRFC is [PublicKey.Verify] for signatures in the order of RFC 4491 and RFC 9215, which OpenSSL's engine and
// PKCS#11 also use: s‖r, each big-endian. digest is as in Verify.
func (k *PublicKey) VerifyRFC(digest, sig []byte) bool {
	if len(sig) != 2*k.curve.size() {
		return false
	}
	var buf [128]byte
	return k.Verify(digest, reversed(buf[:0], sig))
}

// reversed appends b to dst, last octet first: this turns each of the two orders of a signature into the other.
func reversed(dst, b []byte) []byte {
	for i := range b {
		dst = append(dst, b[len(b)-1-i])
	}
	return dst
}

// public implements arithmetic.
func (g *group[E]) public(xy []byte) (publicPoint, error) {
	n := byteLen[E]()
	x, y := limbsLE[E](xy[:n]), limbsLE[E](xy[n:])
	if lessLimbs(&x, &g.fp.p)&lessLimbs(&y, &g.fp.p) == 0 {
		return nil, fmt.Errorf("%w: coordinate not below p", ErrPublicKey)
	}
	k := &publicKey[E]{group: g}
	g.fp.fromInt(&k.q.x, &x)
	g.fp.fromInt(&k.q.y, &y)
	if !g.onCurve(&k.q) {
		return nil, fmt.Errorf("%w: point off the curve", ErrPublicKey)
	}
	if g.edwards != nil && !g.edwards.subgroup(&k.e, &k.q, &g.fq.p) {
		return nil, fmt.Errorf("%w: point of another order than q", ErrPublicKey)
	}
	return k, nil
}

// publicKey implements publicPoint.
type publicKey[E elem] struct {
	group *group[E]
	q     affine[E]
	e     edwardsPoint[E] // q in the other form, if the curve has one
}

// verify follows GOST R 34.10-2012 section 6.2.
func (k *publicKey[E]) verify(digest, rLE, sLE []byte) bool {
	g, fq := k.group, k.group.fq
	r, s := limbsLE[E](rLE), limbsLE[E](sLE)
	if !g.inRange(&r) || !g.inRange(&s) { // step 1
		return false
	}
	e := g.digestNumber(digest) // steps 2 and 3
	var v, z1, z2 E
	fq.invVar(&v, &e)   // step 4
	fq.mul(&z1, &s, &v) // step 5: s is an integer, v in Montgomery form, so z1 is an integer
	fq.mul(&z2, &r, &v)
	fq.neg(&z2, &z2)
	var c jacobian[E] // steps 6 and 7
	var ce edwardsPoint[E]
	if g.edwards != nil {
		ce = g.edwards.mulAdd(&z1, &z2, &k.e)
	} else if c = g.mulAdd(&z1, &z2, &k.q); g.isInfinity(&c) {
		return false
	}
	for x, ok := r, g.belowP(&r); ok; ok = addLimbs(&x, &x, &fq.p) == 0 && g.belowP(&x) { // all x of which r is the residue
		var in E
		g.fp.fromInt(&in, &x)
		if g.edwards != nil && g.edwards.hasX(&ce, &in) || g.edwards == nil && g.hasX(&c, &in) {
			return true
		}
	}
	return false
}

func (g *group[E]) belowP(x *E) bool { return lessLimbs(x, &g.fp.p) == 1 }

// inRange reports whether 0 < x < q.
func (g *group[E]) inRange(x *E) bool {
	return isZeroLimbs(x) == 0 && lessLimbs(x, &g.fq.p) == 1
}

// digestNumber gives e in the form of fq: the digest as a little-endian number mod q, or 1 if that is 0.
func (g *group[E]) digestNumber(digest []byte) E {
	x := limbsLE[E](digest)
	var e E
	g.fq.fromInt(&e, &x)
	selectLimbs(&e, &g.fq.one, &e, g.fq.isZero(&e))
	return e
}

// hasX reports whether the affine x of p is x, without an inversion.
func (g *group[E]) hasX(p *jacobian[E], x *E) bool {
	var t E
	g.fp.sqr(&t, &p.z)
	g.fp.mul(&t, &t, x)
	return g.fp.equal(&t, &p.x) == 1
}
