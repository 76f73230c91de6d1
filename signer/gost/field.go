package gost

import "unsafe"

// elem is a number of 256 or 512 bits, least significant limb first. The arithmetic above the limbs is
// written once for both lengths; the two are different shapes to the compiler, so that nothing of this
// genericity is left at run time.
type elem interface{ [4]uint64 | [8]uint64 }

// field is arithmetic modulo an odd number p of which the top limb is not zero.
//
// If p = 2^(64n) − c with a small c, the elements are kept as they are, in [0, 2^(64n)): a value below c has
// then two forms, which only canon, isZero and equal have to know. Otherwise they are kept in
// Montgomery form, in [0, p). Values enter by fromInt and leave by toInt.
type field[E elem] struct {
	kind   int
	p      E
	c      uint64 // 2^(64n) − p if that is small, else 0
	n0     uint64 // −1/p mod 2^64
	r2     E      // 2^(128n) mod p, for Montgomery form
	one    E      // 1 in internal form
	p62    signed62
	pinv62 uint64 // 1/p mod 2^62
}

// as4 and as8 give back the concrete array behind a type parameter; the caller has checked the length.
func as4[E elem](p *E) *[4]uint64 {
	return (*[4]uint64)(unsafe.Pointer(p)) //nolint:gosec // G103: E is exactly [4]uint64 where len is 4
}

func as8[E elem](p *E) *[8]uint64 {
	return (*[8]uint64)(unsafe.Pointer(p)) //nolint:gosec // G103: E is exactly [8]uint64 where len is 8
}

// How a field multiplies: pseudo-Mersenne or Montgomery, assembly or not.
const (
	kindPM  = 1
	kindADX = 2
)

// newField prepares arithmetic modulo p.
func newField[E elem](p E) *field[E] {
	f := &field[E]{p: p}
	if hasADX {
		f.kind = kindADX
	}
	inv := p[0] // correct to 3 bits; each step doubles that
	for range 5 {
		inv *= 2 - p[0]*inv
	}
	f.n0, f.p62, f.pinv62 = -inv, toSigned62(&p), inv&mask62
	top := ^uint64(0)
	for i := 1; i < len(p); i++ {
		top &= p[i]
	}
	if top == ^uint64(0) && -p[0] < 1<<16 {
		f.c = -p[0]
		f.kind |= kindPM
		f.one[0] = 1
		return f
	}
	var x E
	x[0] = 1
	for i := range 128 * len(p) {
		if i == 64*len(p) {
			f.one = x
		}
		f.add(&x, &x, &x)
	}
	f.r2 = x
	return f
}

// mul sets z = x·y. The arguments may be one and the same.
func (f *field[E]) mul(z, x, y *E) {
	if len(*z) == 4 {
		switch f.kind {
		case kindPM | kindADX:
			mulPM4ADX(as4(z), as4(x), as4(y), f.c)
		case kindPM:
			mulPM4Go(as4(z), as4(x), as4(y), f.c)
		case kindADX:
			mulMont4ADX(as4(z), as4(x), as4(y), as4(&f.p), f.n0)
		default:
			mulMont4Go(as4(z), as4(x), as4(y), as4(&f.p), f.n0)
		}
		return
	}
	switch f.kind {
	case kindPM | kindADX:
		mulPM8ADX(as8(z), as8(x), as8(y), f.c)
	case kindPM:
		mulPM8Go(as8(z), as8(x), as8(y), f.c)
	case kindADX:
		mulMont8ADX(as8(z), as8(x), as8(y), as8(&f.p), f.n0)
	default:
		mulMont8Go(as8(z), as8(x), as8(y), as8(&f.p), f.n0)
	}
}

// sqr sets z = x².
func (f *field[E]) sqr(z, x *E) {
	if f.kind != kindPM|kindADX {
		f.mul(z, x, x)
		return
	}
	if len(*z) == 4 {
		sqrPM4ADX(as4(z), as4(x), f.c)
	} else {
		sqrPM8ADX(as8(z), as8(x), f.c)
	}
}

// sqrN sets z = x^(2^n), n > 0.
func (f *field[E]) sqrN(z, x *E, n int) {
	f.sqr(z, x)
	for range n - 1 {
		f.sqr(z, z)
	}
}

// add sets z = x + y.
func (f *field[E]) add(z, x, y *E) {
	switch {
	case len(*z) == 4 && f.c != 0:
		addPM4(as4(z), as4(x), as4(y), f.c)
	case len(*z) == 4:
		addMont4(as4(z), as4(x), as4(y), as4(&f.p))
	case f.c != 0:
		addPM8(as8(z), as8(x), as8(y), f.c)
	default:
		carry := addLimbs(z, x, y)
		f.subOnce(z, carry)
	}
}

// sub sets z = x − y.
func (f *field[E]) sub(z, x, y *E) {
	switch {
	case len(*z) == 4 && f.c != 0:
		subPM4(as4(z), as4(x), as4(y), f.c)
	case len(*z) == 4:
		subMont4(as4(z), as4(x), as4(y), as4(&f.p))
	case f.c != 0:
		subPM8(as8(z), as8(x), as8(y), f.c)
	default:
		subMont8(as8(z), as8(x), as8(y), as8(&f.p))
	}
}

// neg sets z = −x.
func (f *field[E]) neg(z, x *E) {
	var zero E
	f.sub(z, &zero, x)
}

// subOnce brings carry·2^(64n) + z, which is below 2p, into [0, p).
func (f *field[E]) subOnce(z *E, carry uint64) {
	var t E
	borrow := subLimbs(&t, z, &f.p)
	selectLimbs(z, &t, z, carry|(1^borrow))
}

// canon brings x into its only form in [0, p) and leaves Montgomery form as it is.
func (f *field[E]) canon(x *E) {
	if f.c != 0 {
		f.subOnce(x, 0)
	}
}

// isZero reports in constant time whether x = 0: 1 for yes.
func (f *field[E]) isZero(x *E) uint64 {
	t := *x
	f.canon(&t)
	return isZeroLimbs(&t)
}

// equal reports in constant time whether x = y: 1 for yes.
func (f *field[E]) equal(x, y *E) uint64 {
	var t E
	f.sub(&t, x, y)
	return f.isZero(&t)
}

// fromInt takes any integer of n limbs into the field, reducing it.
func (f *field[E]) fromInt(z, x *E) {
	if f.c != 0 {
		*z = *x
		f.canon(z)
		return
	}
	f.mul(z, x, &f.r2) // x·r2 < 2^(64n)·p, so that the product comes out below 2p before its last step
}

// toInt gives the integer in [0, p) that x stands for.
func (f *field[E]) toInt(z, x *E) {
	if f.c != 0 {
		*z = *x
		f.canon(z)
		return
	}
	var one E
	one[0] = 1
	f.mul(z, x, &one)
}

// half sets z = x/2.
func (f *field[E]) half(z, x *E) {
	mask := -((*x)[0] & 1)
	if len(*z) == 4 {
		halve4(as4(z), as4(x), as4(&f.p), mask)
	} else {
		halve8(as8(z), as8(x), as8(&f.p), mask)
	}
}

// inv sets z = 1/x by Fermat's little theorem, in constant time; 1/0 is 0.
func (f *field[E]) inv(z, x *E) {
	var e, two E
	two[0] = 2
	subLimbs(&e, &f.p, &two)
	if f.c != 0 && f.c < 1<<lowBits-2 {
		f.invPM(z, x, e[0]&(1<<lowBits-1))
		return
	}
	// The exponent p − 2 is public: windows of four bits over it.
	var tab [16]E
	tab[0] = f.one
	for i := 1; i < 16; i++ {
		f.mul(&tab[i], &tab[i-1], x)
	}
	acc := f.one
	for i := len(e) - 1; i >= 0; i-- {
		for s := 60; s >= 0; s -= 4 {
			f.sqrN(&acc, &acc, 4)
			if w := e[i] >> s & 15; w != 0 {
				f.mul(&acc, &acc, &tab[w])
			}
		}
	}
	*z = acc
}

// lowBits of p − 2 may be anything in invPM; all bits above them are ones.
const lowBits = 10

// invPM sets z = x^(p−2) for a pseudo-Mersenne p: a run of ones by doubling its length, then the low bits.
func (f *field[E]) invPM(z, x *E, low uint64) {
	t, base := *x, *x
	run := 1 // t = x^(2^run − 1)
	for n, i := 64*len(*x)-lowBits, 62; i >= 0; i-- {
		if n>>(i+1) == 0 {
			continue // not yet below the highest bit of n
		}
		var u E
		f.sqrN(&u, &t, run)
		f.mul(&t, &t, &u)
		run *= 2
		if n>>i&1 == 1 {
			f.sqr(&t, &t)
			f.mul(&t, &t, &base)
			run++
		}
	}
	for i := lowBits - 1; i >= 0; i-- {
		f.sqr(&t, &t)
		if low>>i&1 == 1 {
			f.mul(&t, &t, &base)
		}
	}
	*z = t
}
