package gost

import (
	"fmt"
	"math/big"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// primes are all moduli that the package works with, p and q of every set.
func primes() map[string]*big.Int {
	out := map[string]*big.Int{}
	for _, c := range curves() {
		out["p of "+c.name], out["q of "+c.name] = c.ref.p, c.ref.q
	}
	return out
}

func TestField(t *testing.T) {
	for name, p := range primes() {
		t.Run(name, func(t *testing.T) {
			if p.BitLen() <= 256 {
				checkField[[4]uint64](t, p)
			} else {
				checkField[[8]uint64](t, p)
			}
		})
	}
}

// edges are the integers of E at which carries and borrows break.
func edges[E elem](p *big.Int) []*big.Int {
	top := new(big.Int).Lsh(big.NewInt(1), uint(8*byteLen[E]()))
	var out []*big.Int
	for _, base := range []*big.Int{new(big.Int), p, top, new(big.Int).Rsh(top, 1), new(big.Int).Sub(top, p)} {
		for d := int64(-3); d <= 3; d++ {
			x := new(big.Int).Add(base, big.NewInt(d))
			if x.Sign() >= 0 && x.Cmp(top) < 0 {
				out = append(out, x)
			}
		}
	}
	for i := range byteLen[E]() / 8 { // all ones in one limb, all ones but one limb
		limb := new(big.Int).Lsh(new(big.Int).SetUint64(^uint64(0)), uint(64*i))
		out = append(out, limb, new(big.Int).Sub(new(big.Int).Sub(top, big.NewInt(1)), limb))
	}
	return out
}

// checkField compares every operation with math/big, on values that pseudo-Mersenne arithmetic may hold without
// having them in [0, p).
func checkField[E elem](t *testing.T, p *big.Int) {
	t.Helper()
	f := newField(intLimbs[E](p))
	load := func(x *big.Int) E { // raw where the field allows any limbs
		if f.c != 0 {
			return intLimbs[E](x)
		}
		return intField(f, x)
	}
	check := func(op string, got E, want, x, y *big.Int) {
		t.Helper()
		if g := fieldInt(f, got); g.Cmp(new(big.Int).Mod(want, p)) != 0 {
			t.Fatalf("%s of %x, %x: got %x, want %x", op, x, y, g, want)
		}
	}
	try := func(x, y *big.Int) {
		t.Helper()
		a, b := load(x), load(y)
		var z E
		f.mul(&z, &a, &b)
		check("mul", z, new(big.Int).Mul(x, y), x, y)
		f.sqr(&z, &a)
		check("sqr", z, new(big.Int).Mul(x, x), x, y)
		f.add(&z, &a, &b)
		check("add", z, new(big.Int).Add(x, y), x, y)
		f.sub(&z, &a, &b)
		check("sub", z, new(big.Int).Sub(x, y), x, y)
		f.neg(&z, &a)
		check("neg", z, new(big.Int).Neg(x), x, y)
		if eq := new(big.Int).Mod(new(big.Int).Sub(x, y), p).Sign() == 0; (f.equal(&a, &b) == 1) != eq {
			t.Fatalf("equal of %x, %x is not %v", x, y, eq)
		}
		z = a // the operands may be the result
		f.mul(&z, &z, &z)
		check("mul in place", z, new(big.Int).Mul(x, x), x, y)
		z = a
		f.sub(&z, &b, &z)
		check("sub in place", z, new(big.Int).Sub(y, x), x, y)
	}
	all := edges[E](p)
	for _, x := range all {
		for _, y := range all {
			try(x, y)
		}
		a := load(x)
		inv := new(big.Int).ModInverse(new(big.Int).Mod(x, p), p)
		if inv == nil {
			inv = new(big.Int)
		}
		var z E
		f.inv(&z, &a)
		check("inv", z, inv, x, x)
		f.invVar(&z, &a)
		check("invVar", z, inv, x, x)
	}
	rapid.Check(t, func(t *rapid.T) {
		gen := rapid.SliceOfN(rapid.Byte(), byteLen[E](), byteLen[E]())
		x, y := new(big.Int).SetBytes(gen.Draw(t, "x")), new(big.Int).SetBytes(gen.Draw(t, "y"))
		try(x, y)
		a := load(x)
		if inv := new(big.Int).ModInverse(x, p); inv != nil {
			var z E
			f.inv(&z, &a)
			check("inv", z, inv, x, x)
			f.invVar(&z, &a)
			check("invVar", z, inv, x, x)
		}
	})
}

func TestGroup(t *testing.T) {
	for _, c := range curves() {
		t.Run(c.name, func(t *testing.T) {
			if c.bits == 256 {
				checkGroup(t, c.ref, c.arith.(*group[[4]uint64])) //nolint:errcheck // four limbs
			} else {
				checkGroup(t, c.ref, c.arith.(*group[[8]uint64])) //nolint:errcheck // eight limbs
			}
		})
	}
}

func (g *group[E]) refPoint(p *jacobian[E]) refPoint {
	if g.isInfinity(p) {
		return refPoint{}
	}
	a := g.toAffine(p)
	return refPoint{fieldInt(g.fp, a.x), fieldInt(g.fp, a.y)}
}

func samePoint(a, b refPoint) bool {
	if a.x == nil || b.x == nil {
		return a.x == b.x
	}
	return a.x.Cmp(b.x) == 0 && a.y.Cmp(b.y) == 0
}

// hardScalars are the numbers at which recodings and additions meet their exceptions.
func hardScalars(c *refCurve) []*big.Int {
	var out []*big.Int
	seen := map[string]bool{}
	add := func(x *big.Int) {
		if x.Sign() > 0 && x.Cmp(c.q) < 0 && !seen[x.String()] {
			out = append(out, x)
			seen[x.String()] = true
		}
	}
	for d := range int64(18) {
		add(big.NewInt(d))
	}
	for d := range int64(4) {
		add(new(big.Int).Sub(c.q, big.NewInt(d)))
	}
	for i := uint(7); i < uint(c.bits); i += uint(c.bits)/4 - 5 { // a digit of one, then none or all of the highest
		x := new(big.Int).Lsh(big.NewInt(1), i)
		add(x)
		add(new(big.Int).Sub(x, big.NewInt(1)))
	}
	// mulBase meets its exception at the k for which the sum of all rows but the last is k minus the last, mod q.
	for i := uint(c.bits) - 2*combWindow; i <= uint(c.bits); i++ {
		m := new(big.Int).Lsh(big.NewInt(1), i)
		r := new(big.Int).Mod(c.q, m)
		add(new(big.Int).Sub(c.q, r.Lsh(r, 1)))
		add(new(big.Int).Sub(m.Lsh(m, 1), c.q))
	}
	return out
}

func checkGroup[E elem](t *testing.T, ref *refCurve, g *group[E]) {
	t.Helper()
	f := g.fp
	jac := func(k *big.Int, z int64) jacobian[E] { // k·g with a z of our choice
		p := ref.mul(k, ref.g())
		if p.x == nil {
			return jacobian[E]{x: f.one, y: f.one}
		}
		r := jacobian[E]{x: intField(f, p.x), y: intField(f, p.y), z: intField(f, big.NewInt(z))}
		var zz E
		f.sqr(&zz, &r.z)
		f.mul(&r.x, &r.x, &zz)
		f.mul(&zz, &zz, &r.z)
		f.mul(&r.y, &r.y, &zz)
		return r
	}
	small := []*big.Int{new(big.Int), big.NewInt(1), big.NewInt(2), big.NewInt(3), big.NewInt(77), new(big.Int).Sub(ref.q, big.NewInt(1)), new(big.Int).Sub(ref.q, big.NewInt(2))}
	for _, a := range small {
		for _, b := range small {
			pa, pb := jac(a, 5), jac(b, 9)
			want := ref.add(g.refPoint(&pa), g.refPoint(&pb))
			var r jacobian[E]
			g.add(&r, &pa, &pb)
			if !samePoint(g.refPoint(&r), want) {
				t.Fatalf("%v·g + %v·g is wrong", a, b)
			}
			if b.Sign() != 0 {
				q := g.toAffine(&pb)
				r = pa
				g.addAffine(&r, &r, &q)
				if !samePoint(g.refPoint(&r), want) {
					t.Fatalf("%v·g + affine %v·g is wrong", a, b)
				}
			}
		}
		pa := jac(a, 3)
		want := ref.add(g.refPoint(&pa), g.refPoint(&pa))
		g.double(&pa, &pa)
		if !samePoint(g.refPoint(&pa), want) {
			t.Fatalf("2·%v·g is wrong", a)
		}
	}
	checkMultiples(t, ref, g)
}

func checkMultiples[E elem](t *testing.T, ref *refCurve, g *group[E]) {
	t.Helper()
	exceptions := 0
	for _, k := range hardScalars(ref) {
		kl := intLimbs[E](k)
		minus := intLimbs[E](new(big.Int).Sub(ref.q, k))
		want := ref.mul(k, ref.g())
		var zero E
		check := func(what string, got, want refPoint) {
			t.Helper()
			if !samePoint(got, want) {
				t.Fatalf("%s for %x is wrong", what, k)
			}
		}
		if p, ok := g.mulBase(&kl); ok {
			check("mulBase", g.refPoint(&p), want)
		} else {
			exceptions++
		}
		key := &privateKey[E]{group: g, int: kl} // takes the other way at the exception
		if xy := key.public(); !slices.Equal(xy, append(ref.le(want.x), ref.le(want.y)...)) {
			t.Fatalf("public key of %x is wrong", k)
		}
		p := g.mulAdd(&kl, &zero, &g.g)
		check("mulAdd of g", g.refPoint(&p), want)
		p = g.mulAdd(&zero, &kl, &g.g)
		check("mulAdd of q", g.refPoint(&p), want)
		// k·g + (q − k)·g = infinity and k·g + k·g run into every exception of the addition.
		p = g.mulAdd(&kl, &minus, &g.g)
		check("mulAdd to infinity", g.refPoint(&p), refPoint{})
		p = g.mulAdd(&kl, &kl, &g.g)
		check("mulAdd of one point twice", g.refPoint(&p), ref.add(want, want))

		if e := g.edwards; e != nil {
			base, ok := e.fromWeierstrass(&g.g)
			if !ok {
				t.Fatal("g has no Edwards form")
			}
			ep := e.mulBase(&kl)
			check("Edwards mulBase", e.refPoint(&ep), want)
			ep = e.mulAdd(&kl, &zero, &base)
			check("Edwards mulAdd of g", e.refPoint(&ep), want)
			ep = e.mulAdd(&zero, &kl, &base)
			check("Edwards mulAdd of q", e.refPoint(&ep), want)
			ep = e.mulAdd(&kl, &minus, &base)
			check("Edwards mulAdd to infinity", e.refPoint(&ep), refPoint{})
			if e.hasX(&ep, &g.g.x) {
				t.Fatal("the neutral point has an x")
			}
			ep = e.mulAdd(&kl, &kl, &base)
			check("Edwards mulAdd of one point twice", e.refPoint(&ep), ref.add(want, want))
		}
	}
	if exceptions > 1 {
		t.Errorf("mulBase has %d exceptions", exceptions)
	}
	t.Logf("exceptions of mulBase met: %d", exceptions)
}

func (e *edwards[E]) refPoint(p *edwardsPoint[E]) refPoint {
	if e.isNeutral(p) {
		return refPoint{}
	}
	a := e.toWeierstrass(p)
	return refPoint{fieldInt(e.f, a.x), fieldInt(e.f, a.y)}
}

// TestEdwardsIsComplete checks what the formulas rest on: d is not a square.
func TestEdwardsIsComplete(t *testing.T) {
	for _, c := range []testCurve{curves()[4], curves()[8]} {
		var d *big.Int
		switch g := c.arith.(type) {
		case *group[[4]uint64]:
			d = fieldInt(g.fp, g.edwards.d)
		case *group[[8]uint64]:
			d = fieldInt(g.fp, g.edwards.d)
		}
		if big.Jacobi(d, c.ref.p) != -1 {
			t.Errorf("%s: d is a square", c.name)
		}
	}
}

// TestWNAF checks that the digits give the number back and have the form promised.
func TestWNAF(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := limbsLE[[8]uint64](rapid.SliceOfN(rapid.Byte(), 64, 64).Draw(t, "k"))
		w := rapid.IntRange(2, 8).Draw(t, "w")
		var digits [520]int8
		n := wnaf(&digits, &k, w)
		sum := new(big.Int)
		for i, d := range slices.Backward(digits[:]) {
			sum.Lsh(sum, 1).Add(sum, big.NewInt(int64(d)))
			if d != 0 && (i >= n || d&1 == 0 || int(d) >= 1<<(w-1) || int(d) <= -1<<(w-1)) {
				t.Fatalf("digit %d of width %d is %d, length %d", i, w, d, n)
			}
		}
		if sum.Cmp(limbsInt(k)) != 0 {
			t.Fatalf("digits sum to %x", sum)
		}
	})
}

// TestFieldAgainstPortable runs the assembly against the portable functions.
func TestFieldAgainstPortable(t *testing.T) {
	if !hasADX {
		t.Skip("this processor has no ADX: there is nothing to compare")
	}
	m4, m8 := Test256().arith.(*group[[4]uint64]).fp, Test512().arith.(*group[[8]uint64]).fp //nolint:errcheck // known
	rapid.Check(t, func(t *rapid.T) {
		draw := func(label string) (x [8]uint64) {
			x = limbsLE[[8]uint64](rapid.SliceOfN(rapid.Byte(), 64, 64).Draw(t, label))
			for i := range x {
				switch rapid.IntRange(0, 3).Draw(t, fmt.Sprint(label, i)) {
				case 0:
					x[i] = 0
				case 1:
					x[i] = ^uint64(0)
				}
			}
			return x
		}
		same := func(op string, a, b any) {
			if a != b {
				t.Fatalf("%s: %x and %x", op, a, b)
			}
		}
		x, y := draw("x"), draw("y")
		c := uint64(rapid.Uint16Min(1).Draw(t, "c"))
		var a8, b8 [8]uint64
		mulPM8ADX(&a8, &x, &y, c)
		mulPM8Go(&b8, &x, &y, c)
		same("mulPM8", a8, b8)
		sqrPM8ADX(&a8, &x, c)
		mulPM8Go(&b8, &x, &x, c)
		same("sqrPM8", a8, b8)
		mulMont8ADX(&a8, &x, &y, &m8.p, m8.n0)
		mulMont8Go(&b8, &x, &y, &m8.p, m8.n0)
		same("mulMont8", a8, b8)
		x4, y4 := *(*[4]uint64)(x[:4]), *(*[4]uint64)(y[:4])
		var a4, b4 [4]uint64
		mulPM4ADX(&a4, &x4, &y4, c)
		mulPM4Go(&b4, &x4, &y4, c)
		same("mulPM4", a4, b4)
		sqrPM4ADX(&a4, &x4, c)
		mulPM4Go(&b4, &x4, &x4, c)
		same("sqrPM4", a4, b4)
		mulMont4ADX(&a4, &x4, &y4, &m4.p, m4.n0)
		mulMont4Go(&b4, &x4, &y4, &m4.p, m4.n0)
		same("mulMont4", a4, b4)
	})
}

// TestLookup runs both implementations over all lengths of entries and all digits.
func TestLookup(t *testing.T) {
	checkLookup(t, CryptoProA().arith.(*group[[4]uint64]).comb()[3][:])        //nolint:errcheck // four limbs
	checkLookup(t, TC26_512A().arith.(*group[[8]uint64]).comb()[3][:])         //nolint:errcheck // eight limbs
	checkLookup(t, TC26_256A().arith.(*group[[4]uint64]).edwards.comb()[3][:]) //nolint:errcheck // four limbs
	checkLookup(t, TC26_512C().arith.(*group[[8]uint64]).edwards.comb()[3][:]) //nolint:errcheck // eight limbs
}

func checkLookup[T comparable](t *testing.T, row []T) {
	t.Helper()
	for mag := range uint64(len(row) + 1) {
		var want, a T
		if mag > 0 {
			want = row[mag-1]
		}
		b := row[5]
		lookup(&a, row, mag)
		lookupGo(limbsOf(&b), row, mag)
		if a != want || b != want {
			t.Errorf("entry %d of %T is wrong", mag, want)
		}
	}
}
