package gost

import "sync"

// group is a curve y² = x³ + a·x + b over fp with a base point of prime order q. It is immutable after
// newGroup, apart from the tables, which are made at their first use.
type group[E elem] struct {
	fp, fq  *field[E]
	a, b    E    // internal form
	halfA   E    // a/2
	minus3  bool // a = −3, which saves two squarings in a doubling
	g       affine[E]
	comb    func() []combRow[E] // multiples of g for signing
	odd     func() []affine[E]  // odd multiples of g for verification
	edwards *edwards[E]         // the other form of the curve, if it has one
}

// newGroup takes the numbers of p.
func newGroup[E elem](p paramSet) *group[E] {
	num := func(hex string) E { return mustHex[E](hex) }
	g := &group[E]{fp: newField(num(p.p)), fq: newField(num(p.q))}
	a, b, x, y := num(p.a), num(p.b), num(p.x), num(p.y)
	g.fp.fromInt(&g.a, &a)
	g.fp.half(&g.halfA, &g.a)
	g.fp.fromInt(&g.b, &b)
	g.fp.fromInt(&g.g.x, &x)
	g.fp.fromInt(&g.g.y, &y)
	var t, three E
	three[0] = 3
	subLimbs(&t, &g.fp.p, &three)
	g.minus3 = t == a
	g.comb = sync.OnceValue(g.makeComb)
	g.odd = sync.OnceValue(func() []affine[E] { return g.oddMultiples(&g.g, 1<<(baseWindow-2)) })
	if p.edwardsD != "" {
		g.edwards = newEdwards(g, num(p.edwardsD))
	}
	return g
}

// onCurve reports whether y² = x³ + a·x + b.
func (g *group[E]) onCurve(p *affine[E]) bool {
	f := g.fp
	var l, r E
	f.sqr(&r, &p.x)
	f.add(&r, &r, &g.a)
	f.mul(&r, &r, &p.x)
	f.add(&r, &r, &g.b)
	f.sqr(&l, &p.y)
	return f.equal(&l, &r) == 1
}

// mustHex reads a number of the tables in this package, which the tests check one by one.
func mustHex[E elem](s string) E {
	var x E
	for i := range len(s) {
		d := uint64(s[i])
		switch {
		case d >= '0' && d <= '9':
			d -= '0'
		default:
			d -= 'A' - 10
		}
		for j := len(x) - 1; j > 0; j-- {
			x[j] = x[j]<<4 | x[j-1]>>60
		}
		x[0] = x[0]<<4 | d
	}
	return x
}
