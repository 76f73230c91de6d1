package gost

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"
	"io"
)

// ErrPrivateKey means that octets are not a private key of the curve: too long, zero, or not below q.
var ErrPrivateKey = errors.New("gost: not a private key of this curve")

// ErrDigest means that a digest to be signed has not the length that the curve asks for.
var ErrDigest = errors.New("gost: digest of wrong length")

// PrivateKey is a number in [1, q−1] with its public key. It is immutable, safe for concurrent use, implements
// [crypto.Signer] and hides itself from logs and from fmt.
type PrivateKey struct {
	scalar privateScalar
	public *PublicKey
	be     []byte
}

// NewPrivateKey reads a private scalar, big-endian; leading zeros may be missing or in excess, as in an ASN.1
// INTEGER. The error wraps [ErrPrivateKey].
func NewPrivateKey(c *Curve, scalarBE []byte) (*PrivateKey, error) {
	n := c.size()
	d := make([]byte, n)
	if extra := len(scalarBE) - n; extra > 0 {
		var or byte
		for _, b := range scalarBE[:extra] {
			or |= b
		}
		if or != 0 {
			return nil, fmt.Errorf("%w: more than %d bits", ErrPrivateKey, c.bits)
		}
		scalarBE = scalarBE[extra:]
	}
	copy(d[n-len(scalarBE):], scalarBE)
	scalar, err := c.arith.private(d)
	if err != nil {
		return nil, err
	}
	xy := scalar.public()
	point, err := c.arith.public(xy)
	if err != nil {
		return nil, fmt.Errorf("couldn't derive the public key: %w", err)
	}
	return &PrivateKey{scalar: scalar, public: &PublicKey{curve: c, point: point, xy: xy}, be: d}, nil
}

// GenerateKey draws a private key from rand, which must be a cryptographic source, by rejection. A source that
// gives a number out of range a hundred times in a row is refused as broken.
func GenerateKey(c *Curve, rand io.Reader) (*PrivateKey, error) {
	d := make([]byte, c.size())
	for range 100 {
		if _, err := io.ReadFull(rand, d); err != nil {
			return nil, fmt.Errorf("couldn't read randomness for a key: %w", err)
		}
		d[0] &= c.topMask // so that at least every other draw is below q
		k, err := NewPrivateKey(c, d)
		if err == nil {
			return k, nil
		}
		if !errors.Is(err, ErrPrivateKey) {
			return nil, err
		}
	}
	return nil, fmt.Errorf("couldn't draw a key: %w: the source of randomness is broken", ErrPrivateKey)
}

// Public returns the *[PublicKey].
func (k *PrivateKey) Public() crypto.PublicKey { return k.public }

// Curve returns the curve that the key was made on.
func (k *PrivateKey) Curve() *Curve { return k.public.curve }

// Equal reports in constant time of the scalar whether x is the same private key on the same curve.
func (k *PrivateKey) Equal(x crypto.PrivateKey) bool {
	o, ok := x.(*PrivateKey)
	return ok && o != nil && k.public.Equal(o.public) // d·G is one to one
}

// Bytes returns the scalar, big-endian, 32 or 64 octets. It is the secret itself.
func (k *PrivateKey) Bytes() []byte { return bytes.Clone(k.be) }

// String names the curve and not the scalar.
func (k *PrivateKey) String() string { return "gost.PrivateKey(" + k.public.curve.name + ", hidden)" }

// Format keeps the scalar out of every verb of fmt, and so out of text logs; JSON has no exported field to show.
func (k *PrivateKey) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, k.String()) }

// Sign signs digest, the hash's octets as hashed (32 or 64, by the curve), and returns r‖s, each little-endian: the
// national order. opts is ignored and may be nil: no crypto.Hash stands for these hashes.
//
// If rand is not nil, 32 octets of it are mixed into the nonce; if it is nil the signature is deterministic. A wrong
// length gives [ErrDigest], a failing rand its own error. Constant time in the scalar and the nonce.
func (k *PrivateKey) Sign(rand io.Reader, digest []byte, _ crypto.SignerOpts) ([]byte, error) {
	n := k.public.curve.size()
	if len(digest) != n {
		return nil, fmt.Errorf("%w: %d octets, want %d", ErrDigest, len(digest), n)
	}
	var extra []byte
	if rand != nil {
		extra = make([]byte, 32)
		if _, err := io.ReadFull(rand, extra); err != nil {
			return nil, fmt.Errorf("couldn't read randomness for a signature: %w", err)
		}
	}
	return k.scalar.sign(make([]byte, 0, 2*n), digest, extra), nil
}

// SignRFC is [PrivateKey.Sign] with the result in the order of RFC 4491 and RFC 9215: s‖r, each big-endian.
func (k *PrivateKey) SignRFC(rand io.Reader, digest []byte) ([]byte, error) {
	sig, err := k.Sign(rand, digest, nil)
	if err != nil {
		return nil, err
	}
	return reversed(make([]byte, 0, len(sig)), sig), nil
}

// private implements arithmetic.
func (g *group[E]) private(be []byte) (privateScalar, error) {
	d := limbsBE[E](be)
	if !g.inRange(&d) {
		return nil, fmt.Errorf("%w: not in [1, q-1]", ErrPrivateKey)
	}
	k := &privateKey[E]{group: g, int: d, be: bytes.Clone(be)}
	g.fq.fromInt(&k.d, &d)
	return k, nil
}

// privateKey implements privateScalar.
type privateKey[E elem] struct {
	group *group[E]
	int   E // the scalar
	d     E // the scalar in the form of fq
	be    []byte
}

// public implements privateScalar.
func (k *privateKey[E]) public() []byte {
	g := k.group
	a, ok := g.mulBaseAffine(&k.int)
	if !ok { // one scalar of the curve, known to all
		var zero E
		p := g.mulAdd(&k.int, &zero, &g.g)
		a = g.toAffine(&p)
	}
	g.fp.toInt(&a.x, &a.x)
	g.fp.toInt(&a.y, &a.y)
	n := byteLen[E]()
	xy := make([]byte, 2*n)
	putLE(xy[:n], &a.x)
	putLE(xy[n:], &a.y)
	return xy
}

// sign follows GOST R 34.10-2012 section 6.1. The loop runs once: another turn has the probability of
// guessing the private key.
func (k *privateKey[E]) sign(dst, digest, extra []byte) []byte {
	g := k.group
	e := g.digestNumber(digest)
	for try := byte(0); ; try++ {
		nonce := k.nonce(try, digest, extra)
		r, s, ok := k.signWith(&nonce, &e)
		if !ok {
			continue
		}
		n := byteLen[E]()
		var out [128]byte
		putLE(out[:n], &r)
		putLE(out[n:], &s)
		return append(dst, out[:2*n]...)
	}
}

// signWith makes the signature for a nonce in [0, q−1] and e in the form of fq.
func (k *privateKey[E]) signWith(nonce, e *E) (r, s E, ok bool) {
	g, fq := k.group, k.group.fq
	if isZeroLimbs(nonce) == 1 {
		return r, s, false
	}
	p, ok := g.mulBaseAffine(nonce)
	if !ok {
		return r, s, false
	}
	var x, t E
	g.fp.toInt(&x, &p.x)
	fq.fromInt(&t, &x) // x mod q
	fq.toInt(&r, &t)
	fq.mul(&s, &r, &k.d) // r·d
	fq.mul(&t, nonce, e) // k·e
	fq.add(&s, &s, &t)
	return r, s, isZeroLimbs(&r)|isZeroLimbs(&s) == 0
}

// nonce derives a number in [0, q−1] of which nobody without the scalar knows a bit:
// HMAC-Streebog-512(d, counter ‖ try ‖ len(extra) ‖ extra ‖ digest), as many blocks as give n + 256 bits or more, mod q.
// The lengths are fixed by the curve, and so is the meaning of every octet; d is of one curve.
func (k *privateKey[E]) nonce(try byte, digest, extra []byte) E {
	fq := k.group.fq
	const size = 64
	n := byteLen[E]()
	blocks := (n + 32 + size - 1) / size
	var out [2 * size]byte
	mac := newHMAC512(k.be)
	for i := range blocks {
		head := [3]byte{byte(i), try, byte(len(extra))} //nolint:gosec // G115: i < 2, extra is 0 or 32 octets
		mac.sum(out[i*size:i*size:(i+1)*size], head[:], extra, digest)
	}
	var acc E // by Horner in the form of fq: acc = acc·2^(8n) + limb, where r2 is 2^(8n) in that form
	for i := 0; i < blocks*size; i += n {
		limb := limbsBE[E](out[i : i+n])
		fq.mul(&acc, &acc, &fq.r2)
		fq.fromInt(&limb, &limb)
		fq.add(&acc, &acc, &limb)
	}
	fq.toInt(&acc, &acc)
	return acc
}
