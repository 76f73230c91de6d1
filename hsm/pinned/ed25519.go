package pinned

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha512"
	"errors"

	"filippo.io/edwards25519"
	"filippo.io/edwards25519/field"
)

// A scalar of edwards25519 is below 2^253: cut into octets, signed digits of −128…128 carry nothing out of the last one.
const (
	edWindows = 32
	edHalf    = 128
)

// niels is a point of edwards25519 as an addition wants it (Hisil, Wong, Carter, Dawson, "Twisted Edwards Curves Revisited", 3.1): y+x, y−x and
// 2dxy.
type niels struct{ plus, minus, td2 field.Element }

// edTable holds d·256^i·B for d in 1…edHalf.
type edTable [edWindows][edHalf]niels

// Ed25519 is what all keys of the curve share.
type Ed25519 struct{ base *edTable }

// NewEd25519 makes the table of the base point.
func NewEd25519() *Ed25519 { return &Ed25519{base: newEdTable(edwards25519.NewGeneratorPoint())} }

// EdKey is a public key of Ed25519 with its table.
type EdKey struct {
	curve *Ed25519
	pub   [ed25519.PublicKeySize]byte
	minus *edTable // of −A
}

// Key makes the table of a public key.
//
// Errors: [ErrKey].
func (c *Ed25519) Key(pub ed25519.PublicKey) (*EdKey, error) {
	a, err := new(edwards25519.Point).SetBytes(pub)
	if err != nil {
		return nil, errors.Join(ErrKey, err)
	}
	return &EdKey{curve: c, pub: [ed25519.PublicKeySize]byte(pub), minus: newEdTable(a.Negate(a))}, nil
}

// Verify tells whether the signature is one of the message (RFC 8032 5.1.7, without the cofactor, as crypto/ed25519 does): S is below the
// order of the group, and R is the encoding of S·B − k·A, octet by octet.
func (k *EdKey) Verify(message, signature []byte) bool {
	if len(signature) != ed25519.SignatureSize {
		return false
	}
	s, err := new(edwards25519.Scalar).SetCanonicalBytes(signature[32:])
	if err != nil {
		return false
	}
	h := sha512.New()
	h.Write(signature[:32])
	h.Write(k.pub[:])
	h.Write(message)
	var digest [sha512.Size]byte
	challenge, err := new(edwards25519.Scalar).SetUniformBytes(h.Sum(digest[:0]))
	if err != nil {
		return false
	}
	var sum edPoint
	sum.neutral()
	k.curve.base.addTo(&sum, s)
	k.minus.addTo(&sum, challenge)
	r := sum.encoding()
	return bytes.Equal(r[:], signature[:32])
}

// edPoint is a point in extended coordinates: x = X/Z, y = Y/Z, T = XY/Z.
type edPoint struct{ x, y, z, t field.Element }

func (p *edPoint) neutral() {
	p.x.Zero()
	p.y.One()
	p.z.One()
	p.t.Zero()
}

// add adds q, or −q. The formulas hold for all points of this curve, the neutral one, equal and opposite ones included: −1 is a square
// modulo p, and d is not.
func (p *edPoint) add(q *niels, negative bool) {
	plus, minus := &q.plus, &q.minus
	if negative {
		plus, minus = minus, plus
	}
	var a, b, c, d, e, f, g, h field.Element
	a.Multiply(a.Subtract(&p.y, &p.x), minus)
	b.Multiply(b.Add(&p.y, &p.x), plus)
	c.Multiply(&p.t, &q.td2)
	d.Add(&p.z, &p.z)
	e.Subtract(&b, &a)
	h.Add(&b, &a)
	if f.Subtract(&d, &c); negative {
		f.Add(&d, &c)
		g.Subtract(&d, &c)
	} else {
		g.Add(&d, &c)
	}
	p.x.Multiply(&e, &f)
	p.y.Multiply(&g, &h)
	p.t.Multiply(&e, &h)
	p.z.Multiply(&f, &g)
}

// encoding is that of RFC 8032 5.1.2: y, with the lowest bit of x on top.
func (p *edPoint) encoding() (out [32]byte) {
	var inverse, x, y field.Element
	inverse.Invert(&p.z)
	x.Multiply(&p.x, &inverse)
	y.Multiply(&p.y, &inverse)
	copy(out[:], y.Bytes())
	if x.IsNegative() == 1 {
		out[31] |= 0x80
	}
	return out
}

// addTo adds k·B to p.
func (t *edTable) addTo(p *edPoint, k *edwards25519.Scalar) {
	carry := 0
	for i, octet := range k.Bytes() { // the lowest first
		var d int
		d, carry = signed(int(octet)+carry, edHalf)
		switch {
		case d > 0:
			p.add(&t[i][d-1], false)
		case d < 0:
			p.add(&t[i][-d-1], true)
		}
	}
}

func newEdTable(base *edwards25519.Point) *edTable {
	t := new(edTable)
	d2 := twiceD()
	row := make([]edwards25519.Point, edHalf)
	for i := range t {
		row[0].Set(base)
		for d := 1; d < edHalf; d++ {
			row[d].Add(&row[d-1], base)
		}
		normaliseEd(row, t[i][:], d2)
		base = new(edwards25519.Point).Add(&row[edHalf-1], &row[edHalf-1]) // twice the last one is the next window's base
	}
	return t
}

// twiceD is 2d of the curve's equation −x² + y² = 1 + dx²y², d = −121665/121666.
func twiceD() *field.Element {
	var one, d, q field.Element
	one.One()
	d.Mult32(&one, 121665)
	q.Mult32(&one, 121666)
	d.Multiply(d.Negate(&d), q.Invert(&q))
	return d.Add(&d, &d)
}

// normaliseEd divides all points by their Z, with one inversion (Montgomery's trick). No Z of a point is zero.
func normaliseEd(from []edwards25519.Point, to []niels, d2 *field.Element) {
	products := make([]field.Element, len(from))
	all := new(field.Element).One()
	for i := range from {
		products[i].Set(all)
		_, _, z, _ := from[i].ExtendedCoordinates()
		all.Multiply(all, z)
	}
	all.Invert(all)
	for i := len(from) - 1; i >= 0; i-- {
		px, py, z, _ := from[i].ExtendedCoordinates()
		var inverse, x, y field.Element
		inverse.Multiply(all, &products[i])
		all.Multiply(all, z)
		x.Multiply(px, &inverse)
		y.Multiply(py, &inverse)
		to[i].plus.Add(&y, &x)
		to[i].minus.Subtract(&y, &x)
		to[i].td2.Multiply(to[i].td2.Multiply(&x, &y), d2)
	}
}
