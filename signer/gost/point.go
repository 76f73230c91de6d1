package gost

// affine is a point other than infinity.
type affine[E elem] struct{ x, y E }

// jacobian is the point (x/z², y/z³), or infinity if z = 0.
type jacobian[E elem] struct{ x, y, z E }

func (g *group[E]) isInfinity(p *jacobian[E]) bool { return g.fp.isZero(&p.z) == 1 }

func (g *group[E]) fromAffine(p *affine[E]) jacobian[E] {
	return jacobian[E]{x: p.x, y: p.y, z: g.fp.one}
}

// toAffine needs a p other than infinity.
func (g *group[E]) toAffine(p *jacobian[E]) affine[E] {
	var zi, zz E
	g.fp.inv(&zi, &p.z)
	g.fp.sqr(&zz, &zi)
	var r affine[E]
	g.fp.mul(&r.x, &p.x, &zz)
	g.fp.mul(&zz, &zz, &zi)
	g.fp.mul(&r.y, &p.y, &zz)
	return r
}

// double sets r = 2p; r and p may be one. It has no exceptions: infinity and points of order two give z = 0.
//
// With m = (3x² + a·z⁴)/2 the sum is (m² − 2·x·y², m·(x·y² − x₃) − y⁴, y·z): half of the usual z, which saves six of
// the usual fourteen additions.
func (g *group[E]) double(r, p *jacobian[E]) {
	f := g.fp
	var zz, yy, xyy, m, t E
	f.sqr(&zz, &p.z)
	f.sqr(&yy, &p.y)
	f.mul(&xyy, &p.x, &yy)
	if g.minus3 { // 3/2·(x − z²)(x + z²)
		f.sub(&t, &p.x, &zz)
		f.add(&m, &p.x, &zz)
		f.mul(&t, &t, &m)
		f.half(&m, &t)
		f.add(&m, &m, &t)
	} else {
		f.sqr(&t, &p.x)
		f.half(&m, &t)
		f.add(&m, &m, &t)
		f.sqr(&t, &zz)
		f.mul(&t, &t, &g.halfA)
		f.add(&m, &m, &t)
	}
	f.mul(&r.z, &p.y, &p.z)
	f.sqr(&t, &m)
	f.sub(&t, &t, &xyy)
	f.sub(&r.x, &t, &xyy)
	f.sub(&t, &xyy, &r.x)
	f.mul(&t, &t, &m)
	f.sqr(&yy, &yy)
	f.sub(&r.y, &t, &yy)
}

// add sets r = p + q for any two points, in time that depends on them; r may be one of them.
func (g *group[E]) add(r, p, q *jacobian[E]) {
	if g.isInfinity(p) {
		*r = *q
		return
	}
	if g.isInfinity(q) {
		*r = *p
		return
	}
	f := g.fp
	var z1, z2, u1, s1, h, rr E
	f.sqr(&z1, &p.z)
	f.sqr(&z2, &q.z)
	f.mul(&u1, &p.x, &z2)
	f.mul(&h, &q.x, &z1)
	f.mul(&s1, &p.y, &z2)
	f.mul(&s1, &s1, &q.z)
	f.mul(&rr, &q.y, &z1)
	f.mul(&rr, &rr, &p.z)
	f.sub(&h, &h, &u1)
	f.sub(&rr, &rr, &s1)
	if f.isZero(&h) == 1 {
		if f.isZero(&rr) == 1 {
			g.double(r, p)
		} else {
			*r = jacobian[E]{}
		}
		return
	}
	f.mul(&z1, &p.z, &q.z)
	f.mul(&r.z, &z1, &h)
	g.finishAdd(r, &u1, &s1, &h, &rr)
}

// finishAdd computes x and y of a sum from u1 = x1·z2², s1 = y1·z2³, h = u2 − u1 and rr = s2 − s1.
func (g *group[E]) finishAdd(r *jacobian[E], u1, s1, h, rr *E) {
	f := g.fp
	var hh, hhh, v E
	f.sqr(&hh, h)
	f.mul(&hhh, &hh, h)
	f.mul(&v, u1, &hh)
	f.sqr(&r.x, rr)
	f.sub(&r.x, &r.x, &hhh)
	f.sub(&r.x, &r.x, &v)
	f.sub(&r.x, &r.x, &v)
	f.sub(&v, &v, &r.x)
	f.mul(&v, &v, rr)
	f.mul(&hhh, &hhh, s1)
	f.sub(&r.y, &v, &hhh)
}

// addAffine sets r = p + q for any p and q, in time that depends on them; r may be p.
func (g *group[E]) addAffine(r, p *jacobian[E], q *affine[E]) {
	if g.isInfinity(p) {
		*r = g.fromAffine(q)
		return
	}
	var h, rr E
	g.mixedDifferences(&h, &rr, p, q)
	f := g.fp
	if f.isZero(&h) == 1 {
		if f.isZero(&rr) == 1 {
			g.double(r, p)
		} else {
			*r = jacobian[E]{}
		}
		return
	}
	x, y := p.x, p.y
	f.mul(&r.z, &p.z, &h)
	g.finishAdd(r, &x, &y, &h, &rr)
}

// mixedDifferences sets h = x2·z1² − x1 and rr = y2·z1³ − y1.
func (g *group[E]) mixedDifferences(h, rr *E, p *jacobian[E], q *affine[E]) {
	f := g.fp
	var zz E
	f.sqr(&zz, &p.z)
	f.mul(h, &q.x, &zz)
	f.mul(&zz, &zz, &p.z)
	f.mul(rr, &q.y, &zz)
	f.sub(h, h, &p.x)
	f.sub(rr, rr, &p.y)
}

// normalize turns points other than infinity into affine form with one inversion for all.
func (g *group[E]) normalize(ps []jacobian[E]) []affine[E] {
	f := g.fp
	out := make([]affine[E], len(ps))
	acc := f.one
	for i := range ps {
		out[i].x = acc // product of the z before i
		f.mul(&acc, &acc, &ps[i].z)
	}
	f.inv(&acc, &acc)
	for i := len(ps) - 1; i >= 0; i-- {
		var zi, zz E
		f.mul(&zi, &acc, &out[i].x)
		f.mul(&acc, &acc, &ps[i].z)
		f.sqr(&zz, &zi)
		f.mul(&out[i].x, &ps[i].x, &zz)
		f.mul(&zz, &zz, &zi)
		f.mul(&out[i].y, &ps[i].y, &zz)
		f.canon(&out[i].x)
		f.canon(&out[i].y)
	}
	return out
}
