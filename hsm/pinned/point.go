package pinned

import "math/big"

// affine is a point of the curve other than the one at infinity.
type affine struct{ x, y element }

// point is a point as (X/ZZ, Y/ZZZ) with ZZ^3 = ZZZ^2; ZZ = 0 is the point at infinity. In these coordinates adding an
// affine point takes 8 multiplications and 2 squares.
type point struct{ x, y, zz, zzz element }

func (p *point) set(a *affine) { p.x, p.y, p.zz, p.zzz = a.x, a.y, one, one }

// add sets p = p + a, with negative p = p - a. The formula holds for different points only, so the others are told apart:
// a signature is input from outside (from a faulty token), and may be made to meet them.
func (p *point) add(a *affine, negative bool) {
	ay := a.y
	if negative {
		ay.sub(&element{}, &a.y)
	}
	if p.zz.isZero() {
		p.x, p.y, p.zz, p.zzz = a.x, ay, one, one
		return
	}
	var h, r, hh, hhh, q element
	h.mul(&a.x, &p.zz)
	h.sub(&h, &p.x)
	r.mul(&ay, &p.zzz)
	r.sub(&r, &p.y)
	if h.isZero() {
		if r.isZero() {
			p.setDouble(&affine{a.x, ay})
			return
		}
		*p = point{}
		return
	}
	hh.mul(&h, &h)
	hhh.mul(&h, &hh)
	q.mul(&p.x, &hh)
	p.x.mul(&r, &r)
	p.x.sub(&p.x, &hhh)
	p.x.sub(&p.x, &q)
	p.x.sub(&p.x, &q)
	q.sub(&q, &p.x)
	q.mul(&q, &r)
	p.y.mul(&p.y, &hhh)
	p.y.sub(&q, &p.y)
	p.zz.mul(&p.zz, &hh)
	p.zzz.mul(&p.zzz, &hhh)
}

// setDouble sets p = 2·a. The curve has no point of order two, so the result is never the point at infinity.
func (p *point) setDouble(a *affine) {
	var u, v, w, s, m, t element
	u.add(&a.y, &a.y)
	v.mul(&u, &u)
	w.mul(&u, &v)
	s.mul(&a.x, &v)
	// m = 3x² + a with a = -3, that is 3(x-1)(x+1).
	t.sub(&a.x, &one)
	m.add(&a.x, &one)
	m.mul(&m, &t)
	t.add(&m, &m)
	m.add(&m, &t)
	p.x.mul(&m, &m)
	p.x.sub(&p.x, &s)
	p.x.sub(&p.x, &s)
	s.sub(&s, &p.x)
	s.mul(&s, &m)
	t.mul(&w, &a.y)
	p.y.sub(&s, &t)
	p.zz, p.zzz = v, w
}

// normalise turns points, none at infinity, into affine ones with one inversion for all.
func normalise(points []point, out []affine, p *big.Int) {
	products := make([]element, len(points))
	sum := one
	for i := range points {
		products[i] = sum
		sum.mul(&sum, &points[i].zzz)
	}
	sum.invert(&sum, p)
	for i := len(points) - 1; i >= 0; i-- {
		var inverse element // 1/Z³
		inverse.mul(&sum, &products[i])
		sum.mul(&sum, &points[i].zzz)
		out[i].y.mul(&points[i].y, &inverse)
		inverse.mul(&inverse, &points[i].zz) // 1/Z
		inverse.mul(&inverse, &inverse)
		out[i].x.mul(&points[i].x, &inverse)
	}
}
