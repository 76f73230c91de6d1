package gost

import "math/bits"

// Inversion of public values: D. J. Bernstein and B.-Y. Yang, "Fast constant-time gcd computation and modular
// inversion" (2019), in its variable-time form: sixty-two division steps at a time on the lowest words, as a 2×2
// matrix, which is then applied to the whole numbers. It is several times faster than Fermat's theorem.

// signed62 is Σ limb[i]·2^(62i); all limbs but the highest in use are in [0, 2^62).
type signed62 [9]int64

const mask62 = 1<<62 - 1

// toSigned62 takes n-limb numbers apart.
func toSigned62[E elem](x *E) signed62 {
	var s signed62
	for i := range limbs62(x) {
		s[i] = int64(bitsAt(x, 62*i, 62)) //nolint:gosec // G115: 62 bits
	}
	return s
}

// limbs62 is how many limbs of 62 bits hold x with a sign: 5 or 9.
func limbs62[E elem](x *E) int { return len(*x) + 1 }

// mac adds a·b to the signed 128-bit number hi:lo.
func mac(hi, lo uint64, a, b int64) (uint64, uint64) {
	h, l := bits.Mul64(uint64(a), uint64(b))               //nolint:gosec // G115: two's complement is meant
	h -= uint64(a>>63)&uint64(b) + uint64(b>>63)&uint64(a) //nolint:gosec // G115: likewise
	lo, c := bits.Add64(lo, l, 0)
	return hi + h + c, lo
}

// shift62 divides the signed 128-bit number hi:lo by 2^62.
func shift62(hi, lo uint64) (uint64, uint64) {
	return uint64(int64(hi) >> 62), lo>>62 | hi<<2 //nolint:gosec // G115: two's complement is meant
}

// steps62 is the matrix of sixty-two division steps, times 2^62.
type steps62 struct{ u, v, q, r int64 }

// divSteps does sixty-two division steps on the lowest words of f and g and returns the new eta.
func divSteps(eta int, f, g uint64) (int, steps62) {
	u, v, q, r := uint64(1), uint64(0), uint64(0), uint64(1)
	for i := 62; ; {
		zeros := bits.TrailingZeros64(g | ^uint64(0)<<i)
		g >>= zeros
		u <<= zeros
		v <<= zeros
		eta -= zeros
		i -= zeros
		if i == 0 {
			break
		}
		var w uint64
		if eta < 0 {
			eta = -eta
			f, g = g, -f
			u, q = q, -u
			v, r = r, -v
			limit := min(eta+1, i)
			w = f * g * (f*f - 2) & (^uint64(0) >> (64 - limit)) & 63 // −g/f mod 2^6
		} else {
			limit := min(eta+1, i)
			w = f + (f+1)&4<<1
			w = -w * g & (^uint64(0) >> (64 - limit)) & 15 // −g/f mod 2^4
		}
		g += f * w
		q += u * w
		r += v * w
	}
	return eta, steps62{int64(u), int64(v), int64(q), int64(r)} //nolint:gosec // G115: two's complement is meant
}

// updateFG applies t to f and g of n limbs.
func (t *steps62) updateFG(f, g *signed62, n int) {
	fh, fl := mac(0, 0, t.u, f[0])
	fh, fl = mac(fh, fl, t.v, g[0])
	gh, gl := mac(0, 0, t.q, f[0])
	gh, gl = mac(gh, gl, t.r, g[0])
	fh, fl = shift62(fh, fl)
	gh, gl = shift62(gh, gl)
	for i := 1; i < n; i++ {
		fi, gi := f[i], g[i]
		fh, fl = mac(fh, fl, t.u, fi)
		fh, fl = mac(fh, fl, t.v, gi)
		gh, gl = mac(gh, gl, t.q, fi)
		gh, gl = mac(gh, gl, t.r, gi)
		f[i-1], g[i-1] = int64(fl&mask62), int64(gl&mask62)
		fh, fl = shift62(fh, fl)
		gh, gl = shift62(gh, gl)
	}
	f[n-1], g[n-1] = int64(fl), int64(gl) //nolint:gosec // G115: two's complement is meant
}

// updateDE applies t to d and e modulo p, keeping them in (−2p, p); pinv is 1/p mod 2^62.
func (t *steps62) updateDE(d, e, p *signed62, pinv uint64, n int) {
	sd, se := d[n-1]>>63, e[n-1]>>63
	md, me := t.u&sd+t.v&se, t.q&sd+t.r&se
	dh, dl := mac(0, 0, t.u, d[0])
	dh, dl = mac(dh, dl, t.v, e[0])
	eh, el := mac(0, 0, t.q, d[0])
	eh, el = mac(eh, el, t.r, e[0])
	md -= int64((pinv*dl + uint64(md)) & mask62) //nolint:gosec // G115: 62 bits
	me -= int64((pinv*el + uint64(me)) & mask62) //nolint:gosec // G115: 62 bits
	dh, dl = mac(dh, dl, p[0], md)
	eh, el = mac(eh, el, p[0], me)
	dh, dl = shift62(dh, dl)
	eh, el = shift62(eh, el)
	for i := 1; i < n; i++ {
		di, ei := d[i], e[i]
		dh, dl = mac(dh, dl, t.u, di)
		dh, dl = mac(dh, dl, t.v, ei)
		dh, dl = mac(dh, dl, p[i], md)
		eh, el = mac(eh, el, t.q, di)
		eh, el = mac(eh, el, t.r, ei)
		eh, el = mac(eh, el, p[i], me)
		d[i-1], e[i-1] = int64(dl&mask62), int64(el&mask62)
		dh, dl = shift62(dh, dl)
		eh, el = shift62(eh, el)
	}
	d[n-1], e[n-1] = int64(dl), int64(el) //nolint:gosec // G115: two's complement is meant
}

// invVar sets z = 1/x in time that depends on x; 1/0 is 0.
func (f *field[E]) invVar(z, x *E) {
	in := *x
	f.canon(&in)
	n := limbs62(x)
	fs, gs := f.p62, toSigned62(&in)
	var d, e signed62
	e[0] = 1
	eta := -1
	length := n
	for {
		var t steps62
		eta, t = divSteps(eta, uint64(fs[0]), uint64(gs[0])) //nolint:gosec // G115: lowest words
		t.updateDE(&d, &e, &f.p62, f.pinv62, n)
		t.updateFG(&fs, &gs, length)
		if gs.isZero(length) {
			break
		}
		fn, gn := fs[length-1], gs[length-1]
		if length > 1 && fn^fn>>63 == 0 && gn^gn>>63 == 0 { // the top limbs are but signs
			length--
			fs[length-1] |= fn << 62
			gs[length-1] |= gn << 62
		}
	}
	f.fromSigned62(z, &d, fs[length-1] < 0)
	if f.c == 0 { // 1/(x·R) to R/x
		f.mul(z, z, &f.r2)
		f.mul(z, z, &f.r2)
	}
}

// fromSigned62 sets z to d or, if minus is set, to −d, for d in (−2p, p).
func (f *field[E]) fromSigned62(z *E, d *signed62, minus bool) {
	n := limbs62(z)
	if d[n-1] < 0 {
		d.add(&f.p62, n)
	}
	if minus {
		for i := range n {
			d[i] = -d[i]
		}
		d.add(&signed62{}, n)
	}
	if d[n-1] < 0 {
		d.add(&f.p62, n)
	}
	for i := range len(*z) {
		at := 64 * i
		(*z)[i] = uint64(d[at/62])>>(at%62) | uint64(d[at/62+1])<<(62-at%62) //nolint:gosec // G115: limbs are not negative now
	}
}

// add sets s = s + p and brings the limbs back into their range.
func (s *signed62) add(p *signed62, n int) {
	var carry int64
	for i := range n {
		v := s[i] + p[i] + carry
		if i < n-1 {
			carry = v >> 62
			v &= mask62
		}
		s[i] = v
	}
}

func (s *signed62) isZero(n int) bool {
	var or int64
	for _, v := range s[:n] {
		or |= v
	}
	return or == 0
}
