package pinned

import "math/big"

// A scalar is cut into windows of so many bits; a table holds the multiples of each window's base. Ten bits is where
// fewer additions no longer outweigh what a larger table costs in the processor's caches.
const (
	windowBits = 10
	windows    = (256 + windowBits) / windowBits // the last one takes the carry of the signed digits
	half       = 1 << (windowBits - 1)
)

// table holds d·2^(windowBits·i)·B for d in 1…half.
type table [windows][half]affine

func newTable(base affine, p *big.Int) *table {
	t := new(table)
	row := make([]point, half)
	for i := range t {
		row[0].set(&base)
		for d := 1; d < half; d++ {
			row[d] = row[d-1]
			row[d].add(&base, false)
		}
		normalise(row, t[i][:], p)
		var next [1]point // twice the last one is the next window's base
		next[0].setDouble(&t[i][half-1])
		var bases [1]affine
		normalise(next[:], bases[:], p)
		base = bases[0]
	}
	return t
}

// addTo adds k·B to p. k is below 2^256, least significant limb first.
func (t *table) addTo(p *point, k *[4]uint64) {
	carry := 0
	for i := range t {
		var d int
		d, carry = signed(digit(k, i*windowBits)+carry, half)
		switch {
		case d > 0:
			p.add(&t[i][d-1], false)
		case d < 0:
			p.add(&t[i][-d-1], true)
		}
	}
}

// signed makes of a digit below 4·half one from −half to half, and what the next digit gets: so a table needs half of the multiples.
func signed(d, half int) (digit, carry int) {
	if d > half {
		return d - 2*half, 1
	}
	return d, 0
}

// digit returns windowBits bits of k from bit at on.
func digit(k *[4]uint64, at int) int {
	limb, shift := at/64, uint(at%64)
	if limb > 3 {
		return 0
	}
	d := k[limb] >> shift
	if shift > 64-windowBits && limb < 3 {
		d |= k[limb+1] << (64 - shift)
	}
	return int(d & (1<<windowBits - 1))
}
