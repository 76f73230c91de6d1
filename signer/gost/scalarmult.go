package gost

// Window widths in bits. A wider window for the base point costs memory once; for a key it costs
// additions in every verification.
const (
	baseWindow = 8
	keyWindow  = 5
	combWindow = 5
)

// combRow holds 1…16 times 2^(5i)·g for row i.
type combRow[E elem] [1 << (combWindow - 1)]affine[E]

// combRows is how many signed digits a scalar has.
func combRows[E elem]() int { return (8*byteLen[E]() + combWindow) / combWindow }

// combDigit gives digit i of k, recoded from 0…31 to −15…16, as magnitude and sign, and the carry to the next.
func combDigit[E elem](k *E, i int, carryIn uint64) (mag, neg, carry uint64) {
	w := bitsAt(k, combWindow*i, combWindow) + carryIn // 0…32
	neg = (w + 15) >> combWindow                       // 1 if w > 16: the digit is w − 32
	mag = (w ^ -neg) + neg + neg<<combWindow
	return mag, neg, neg
}

// oddMultiples gives p, 3p, 5p, … in affine form.
func (g *group[E]) oddMultiples(p *affine[E], n int) []affine[E] {
	js := make([]jacobian[E], n)
	js[0] = g.fromAffine(p)
	var twice jacobian[E]
	g.double(&twice, &js[0])
	for i := 1; i < n; i++ {
		g.add(&js[i], &js[i-1], &twice)
	}
	return g.normalize(js)
}

// makeComb computes the table of mulBase.
func (g *group[E]) makeComb() []combRow[E] {
	n := combRows[E]()
	const m = 1 << (combWindow - 1)
	js := make([]jacobian[E], 0, n*m)
	p := g.fromAffine(&g.g)
	for range n {
		q := p
		for range m {
			js = append(js, q)
			g.add(&q, &q, &p)
		}
		for range combWindow {
			g.double(&p, &p)
		}
	}
	rows := make([]combRow[E], n)
	for i, a := range g.normalize(js) {
		rows[i/m][i%m] = a
	}
	return rows
}

// mulBase computes k·g for 0 < k < q in constant time.
//
// It sums one signed digit of five bits per row, from the lowest. The sum so far is below 2^(5i) in magnitude
// and the addend is a multiple of 2^(5i), so that the two are never equal or opposite, except at the last rows by
// wrapping around q, for one k of a curve. For it ok is false, and the caller takes another way.
func (g *group[E]) mulBase(k *E) (p jacobian[E], ok bool) {
	f := g.fp
	rows := g.comb()
	var bad, carry uint64
	inf := uint64(1)
	for i := range rows {
		var mag, neg uint64
		mag, neg, carry = combDigit(k, i, carry)
		q := affine[E]{}
		lookup(&q, rows[i][:], mag)
		var negY E
		f.neg(&negY, &q.y)
		selectLimbs(&q.y, &negY, &q.y, neg)
		skip := isZero64(mag)

		var h, rr, z E
		g.mixedDifferences(&h, &rr, &p, &q)
		bad |= f.isZero(&h) &^ (inf | skip)
		var sum jacobian[E]
		f.mul(&z, &p.z, &h)
		sum.z = z
		g.finishAdd(&sum, &p.x, &p.y, &h, &rr)
		first := inf &^ skip
		selectLimbs(&sum.x, &q.x, &sum.x, first)
		selectLimbs(&sum.y, &q.y, &sum.y, first)
		selectLimbs(&sum.z, &f.one, &sum.z, first)
		selectLimbs(&p.x, &p.x, &sum.x, skip)
		selectLimbs(&p.y, &p.y, &sum.y, skip)
		selectLimbs(&p.z, &p.z, &sum.z, skip)
		inf &= skip
	}
	return p, bad == 0
}

// mulBaseAffine is mulBase brought to affine form, by whichever form of the curve is faster.
func (g *group[E]) mulBaseAffine(k *E) (affine[E], bool) {
	if g.edwards != nil {
		p := g.edwards.mulBase(k)
		return g.edwards.toWeierstrass(&p), true
	}
	p, ok := g.mulBase(k)
	return g.toAffine(&p), ok
}

// bitsAt gives n bits of k from bit position at; bits beyond the end are zero.
func bitsAt[E elem](k *E, at, n int) uint64 {
	i, s := at/64, at%64
	if i >= len(*k) {
		return 0
	}
	w := (*k)[i] >> s
	if s+n > 64 && i+1 < len(*k) {
		w |= (*k)[i+1] << (64 - s)
	}
	return w & (1<<n - 1)
}

// wnaf writes the width-w non-adjacent form of k into digits, which come in as zeros, lowest first, and returns how
// many there are. Digits are zero or odd, of magnitude below 2^(w−1). Variable time.
func wnaf[E elem](digits *[520]int8, k *E, w int) int {
	n := 0
	carry := uint64(0)
	for at := 0; at <= 64*len(*k); {
		if bitsAt(k, at, 1) == carry {
			at++
			continue
		}
		d := int(bitsAt(k, at, w) + carry) //nolint:gosec // G115: at most 2^w
		carry = 0
		if d >= 1<<(w-1) {
			d -= 1 << w
			carry = 1
		}
		digits[at] = int8(d) //nolint:gosec // G115: |d| < 2^(w−1) ≤ 128
		n = at + 1
		at += w
	}
	return n
}

// mulAdd computes u1·g + u2·q in variable time, for any point q of the curve.
func (g *group[E]) mulAdd(u1, u2 *E, q *affine[E]) jacobian[E] {
	var d1, d2 [520]int8
	n := max(wnaf(&d1, u1, baseWindow), wnaf(&d2, u2, keyWindow))
	var tab [1 << (keyWindow - 2)]jacobian[E]
	tab[0] = g.fromAffine(q)
	var p jacobian[E]
	g.double(&p, &tab[0])
	for i := 1; i < len(tab); i++ {
		g.add(&tab[i], &tab[i-1], &p)
	}
	base := g.odd()
	p = jacobian[E]{}
	for i := n - 1; i >= 0; i-- {
		g.double(&p, &p)
		if d := d2[i]; d > 0 {
			g.add(&p, &p, &tab[d/2])
		} else if d < 0 {
			t := tab[-d/2]
			g.fp.neg(&t.y, &t.y)
			g.add(&p, &p, &t)
		}
		if d := d1[i]; d > 0 {
			g.addAffine(&p, &p, &base[d/2])
		} else if d < 0 {
			t := base[-d/2]
			g.fp.neg(&t.y, &t.y)
			g.addAffine(&p, &p, &t)
		}
	}
	return p
}
