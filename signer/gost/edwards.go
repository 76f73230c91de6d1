package gost

import "sync"

// edwards is a curve of cofactor four in its twisted Edwards form u² + v² = 1 + d·u²·v² (RFC 7836 section 5.2, e = 1).
// As d is not a square the addition law is complete: one formula, without exceptions, for any two points. Both
// additions and doublings cost less than on the equation with x³, to which only the ends of a computation
// are converted: x = σ·(1 + v)/(1 − v) + τ, y = (x − τ)/u with σ = (1 − d)/4 and τ = (1 + d)/6.
type edwards[E elem] struct {
	f          *field[E]
	d          E
	sigma, tau E
	comb       func() []edwardsRow[E]
	odd        func() []edwardsCached[E]
}

// edwardsPoint is (x/z, y/z) with t = x·y/z.
type edwardsPoint[E elem] struct{ x, y, z, t E }

// edwardsAffine is (x, y) with dt = d·x·y.
type edwardsAffine[E elem] struct{ x, y, dt E }

// edwardsCached is a point prepared for addition in variable time.
type edwardsCached[E elem] struct {
	x, y, z, dt E
	sum, diff   E    // y + x, y − x
	affine      bool // z is one
}

// edwardsRow holds 1…16 times 2^(5i)·g for row i.
type edwardsRow[E elem] [1 << (combWindow - 1)]edwardsAffine[E]

// newEdwards makes the Edwards form of g out of d.
func newEdwards[E elem](g *group[E], d E) *edwards[E] {
	f := g.fp
	e := &edwards[E]{f: f}
	f.fromInt(&e.d, &d)
	f.sub(&e.sigma, &f.one, &e.d)
	f.half(&e.sigma, &e.sigma)
	f.half(&e.sigma, &e.sigma)
	var six E
	f.add(&six, &f.one, &f.one)
	f.add(&six, &six, &f.one)
	f.add(&six, &six, &six)
	f.inv(&six, &six)
	f.add(&e.tau, &f.one, &e.d)
	f.mul(&e.tau, &e.tau, &six)
	base, _ := e.fromWeierstrass(&g.g)
	e.comb = sync.OnceValue(func() []edwardsRow[E] { return e.makeComb(&base) })
	e.odd = sync.OnceValue(func() []edwardsCached[E] { return e.makeOdd(&base) })
	return e
}

// fromWeierstrass converts a point, or reports that it has no image: such points are of order two or four.
func (e *edwards[E]) fromWeierstrass(p *affine[E]) (edwardsPoint[E], bool) {
	f := e.f
	var xt, den, inv E
	var r edwardsPoint[E]
	f.sub(&xt, &p.x, &e.tau)
	f.add(&den, &xt, &e.sigma)
	f.mul(&inv, &den, &p.y)
	if f.isZero(&inv) == 1 {
		return r, false
	}
	f.invVar(&inv, &inv)
	f.mul(&r.x, &xt, &den)
	f.mul(&r.x, &r.x, &inv)
	f.sub(&r.y, &xt, &e.sigma)
	f.mul(&r.y, &r.y, &p.y)
	f.mul(&r.y, &r.y, &inv)
	r.z = f.one
	f.mul(&r.t, &r.x, &r.y)
	return r, true
}

// subgroup sets r to the image of p and reports whether p has order q.
func (e *edwards[E]) subgroup(r *edwardsPoint[E], p *affine[E], q *E) bool {
	var ok bool
	if *r, ok = e.fromWeierstrass(p); !ok {
		return false
	}
	var zero E
	s := e.mulAdd(&zero, q, r)
	return e.isNeutral(&s)
}

// toWeierstrass converts a point of odd order other than the neutral one, in constant time.
func (e *edwards[E]) toWeierstrass(p *edwardsPoint[E]) affine[E] {
	f := e.f
	var num, den E
	var r affine[E]
	f.add(&num, &p.z, &p.y)
	f.mul(&num, &num, &e.sigma)
	f.sub(&den, &p.z, &p.y)
	f.mul(&den, &den, &p.x)
	f.inv(&den, &den)
	f.mul(&num, &num, &den)
	f.mul(&r.x, &num, &p.x)
	f.add(&r.x, &r.x, &e.tau)
	f.mul(&r.y, &num, &p.z)
	return r
}

// hasX reports whether the x of p in Weierstrass form is x. It is false for the neutral point.
func (e *edwards[E]) hasX(p *edwardsPoint[E], x *E) bool {
	f := e.f
	var l, r, den E
	f.sub(&den, &p.z, &p.y)
	f.sub(&l, x, &e.tau)
	f.mul(&l, &l, &den)
	f.add(&r, &p.z, &p.y)
	f.mul(&r, &r, &e.sigma)
	return f.equal(&l, &r) == 1
}

func (e *edwards[E]) neutral() edwardsPoint[E] {
	return edwardsPoint[E]{y: e.f.one, z: e.f.one}
}

func (e *edwards[E]) isNeutral(p *edwardsPoint[E]) bool {
	return e.f.isZero(&p.x)&e.f.equal(&p.y, &p.z) == 1
}

// double sets r = 2p, and r.t only if asked; p.t is not used. r and p may be one.
func (e *edwards[E]) double(r, p *edwardsPoint[E], withT bool) {
	f := e.f
	var a, b, ee, ff, gg, hh E
	f.add(&ee, &p.x, &p.y)
	f.sqr(&ee, &ee)
	f.sqr(&a, &p.x)
	f.sqr(&b, &p.y)
	f.sqr(&ff, &p.z)
	f.add(&ff, &ff, &ff)
	f.add(&gg, &a, &b)
	f.sub(&hh, &a, &b)
	f.sub(&ee, &ee, &gg)
	f.sub(&ff, &gg, &ff)
	f.mul(&r.x, &ee, &ff)
	f.mul(&r.y, &gg, &hh)
	f.mul(&r.z, &ff, &gg)
	if withT {
		f.mul(&r.t, &ee, &hh)
	}
}

// edwardsSum holds the terms of an addition: ee = (x1 + y1)(x2 + y2), a = x1·x2, b = y1·y2, c = d·t1·t2, dd = z1·z2.
type edwardsSum[E elem] struct{ ee, a, b, c, dd E }

// finish sets r to the sum, and r.t only if asked.
func (e *edwards[E]) finish(r *edwardsPoint[E], s *edwardsSum[E], withT bool) {
	f := e.f
	var ff, gg, hh E
	f.sub(&s.ee, &s.ee, &s.a)
	f.sub(&s.ee, &s.ee, &s.b)
	f.sub(&ff, &s.dd, &s.c)
	f.add(&gg, &s.dd, &s.c)
	f.sub(&hh, &s.b, &s.a)
	f.mul(&r.x, &s.ee, &ff)
	f.mul(&r.y, &gg, &hh)
	f.mul(&r.z, &ff, &gg)
	if withT {
		f.mul(&r.t, &s.ee, &hh)
	}
}

// addCached sets r = p + q, or p − q if minus. Variable time; r and p may be one.
func (e *edwards[E]) addCached(r *edwardsPoint[E], q *edwardsCached[E], minus, withT bool) {
	f := e.f
	var s edwardsSum[E]
	f.add(&s.ee, &r.x, &r.y)
	f.mul(&s.a, &r.x, &q.x)
	f.mul(&s.b, &r.y, &q.y)
	f.mul(&s.c, &r.t, &q.dt)
	if minus {
		f.mul(&s.ee, &s.ee, &q.diff)
		f.neg(&s.a, &s.a)
		f.neg(&s.c, &s.c)
	} else {
		f.mul(&s.ee, &s.ee, &q.sum)
	}
	if q.affine {
		s.dd = r.z
	} else {
		f.mul(&s.dd, &r.z, &q.z)
	}
	e.finish(r, &s, withT)
}

// addAffine sets r = r + q in constant time.
func (e *edwards[E]) addAffine(r *edwardsPoint[E], q *edwardsAffine[E]) {
	f := e.f
	var s edwardsSum[E]
	var sum E
	f.add(&s.ee, &r.x, &r.y)
	f.add(&sum, &q.x, &q.y)
	f.mul(&s.ee, &s.ee, &sum)
	f.mul(&s.a, &r.x, &q.x)
	f.mul(&s.b, &r.y, &q.y)
	f.mul(&s.c, &r.t, &q.dt)
	s.dd = r.z
	e.finish(r, &s, true)
}

// cache prepares p, of which t must be set.
func (e *edwards[E]) cache(p *edwardsPoint[E]) edwardsCached[E] {
	c := edwardsCached[E]{x: p.x, y: p.y, z: p.z}
	e.f.mul(&c.dt, &p.t, &e.d)
	e.f.add(&c.sum, &p.y, &p.x)
	e.f.sub(&c.diff, &p.y, &p.x)
	return c
}

// oddMultiples fills tab with p, 3p, 5p, …
func (e *edwards[E]) oddMultiples(tab []edwardsCached[E], p *edwardsPoint[E]) {
	var twice edwardsPoint[E]
	e.double(&twice, p, true)
	step := e.cache(&twice)
	q := *p
	tab[0] = e.cache(&q)
	for i := 1; i < len(tab); i++ {
		e.addCached(&q, &step, false, true)
		tab[i] = e.cache(&q)
	}
}

// normalize brings points to z = 1 with one inversion for all.
func (e *edwards[E]) normalize(ps []edwardsPoint[E]) {
	f := e.f
	before := make([]E, len(ps)) // product of the z before i
	acc := f.one
	for i := range ps {
		before[i] = acc
		f.mul(&acc, &acc, &ps[i].z)
	}
	f.inv(&acc, &acc)
	for i := len(ps) - 1; i >= 0; i-- {
		var zi E
		p := &ps[i]
		f.mul(&zi, &acc, &before[i])
		f.mul(&acc, &acc, &p.z)
		f.mul(&p.x, &p.x, &zi)
		f.mul(&p.y, &p.y, &zi)
		f.mul(&p.t, &p.x, &p.y)
		p.z = f.one
	}
}

// makeOdd computes the table of g for mulAdd.
func (e *edwards[E]) makeOdd(g *edwardsPoint[E]) []edwardsCached[E] {
	ps := make([]edwardsPoint[E], 1<<(baseWindow-2))
	var twice edwardsPoint[E]
	e.double(&twice, g, true)
	step := e.cache(&twice)
	ps[0] = *g
	for i := 1; i < len(ps); i++ {
		ps[i] = ps[i-1]
		e.addCached(&ps[i], &step, false, true)
	}
	e.normalize(ps)
	tab := make([]edwardsCached[E], len(ps))
	for i := range ps {
		tab[i] = e.cache(&ps[i])
		tab[i].affine = true
	}
	return tab
}

// makeComb computes the table of mulBase.
func (e *edwards[E]) makeComb(g *edwardsPoint[E]) []edwardsRow[E] {
	rows := make([]edwardsRow[E], combRows[E]())
	m := len(rows[0])
	ps := make([]edwardsPoint[E], 0, len(rows)*m)
	p := *g
	for range rows {
		step := e.cache(&p)
		q := p
		for range m {
			ps = append(ps, q)
			e.addCached(&q, &step, false, true)
		}
		for range combWindow {
			e.double(&p, &p, true)
		}
	}
	e.normalize(ps)
	for i := range ps {
		c := e.cache(&ps[i])
		rows[i/m][i%m] = edwardsAffine[E]{c.x, c.y, c.dt}
	}
	return rows
}

// mulBase computes k·g for k < q in constant time.
func (e *edwards[E]) mulBase(k *E) edwardsPoint[E] {
	f := e.f
	p := e.neutral()
	var carry uint64
	rows := e.comb()
	for i := range rows {
		var mag, neg uint64
		mag, neg, carry = combDigit(k, i, carry)
		none := isZero64(mag)
		q := edwardsAffine[E]{}
		lookup(&q, rows[i][:], mag)
		selectLimbs(&q.y, &f.one, &q.y, none) // the neutral point
		var minus E
		f.neg(&minus, &q.x)
		selectLimbs(&q.x, &minus, &q.x, neg)
		f.neg(&minus, &q.dt)
		selectLimbs(&q.dt, &minus, &q.dt, neg)
		e.addAffine(&p, &q)
	}
	return p
}

// mulAdd computes u1·g + u2·q in variable time.
func (e *edwards[E]) mulAdd(u1, u2 *E, q *edwardsPoint[E]) edwardsPoint[E] {
	var d1, d2 [520]int8
	n := max(wnaf(&d1, u1, baseWindow), wnaf(&d2, u2, keyWindow))
	var tab [1 << (keyWindow - 2)]edwardsCached[E]
	e.oddMultiples(tab[:], q)
	base := e.odd()
	p := e.neutral()
	for i := n - 1; i >= 0; i-- {
		a, b := d1[i], d2[i]
		e.double(&p, &p, a != 0 || b != 0)
		if b > 0 {
			e.addCached(&p, &tab[b/2], false, a != 0)
		} else if b < 0 {
			e.addCached(&p, &tab[-b/2], true, a != 0)
		}
		if a > 0 {
			e.addCached(&p, &base[a/2], false, false)
		} else if a < 0 {
			e.addCached(&p, &base[-a/2], true, false)
		}
	}
	return p
}
