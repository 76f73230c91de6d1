package gost

import "math/bits"

// The functions here end the arithmetic on every processor and serve as the yardstick for the assembly.
// "PM" is the pseudo-Mersenne form p = 2^(64n) − c, c < 2^16, with values in [0, 2^(64n));
// "Mont" is Montgomery multiplication modulo any odd p, with values in [0, p).

func mulPM4Go(z, x, y *[4]uint64, c uint64) {
	var t [8]uint64
	for i := range 4 {
		var carry uint64
		for j := range 4 {
			hi, lo := bits.Mul64(x[i], y[j])
			var k uint64
			lo, k = bits.Add64(lo, t[i+j], 0)
			hi += k
			t[i+j], k = bits.Add64(lo, carry, 0)
			carry = hi + k
		}
		t[i+4] = carry
	}
	var carry uint64
	for i := range 4 {
		hi, lo := bits.Mul64(t[i+4], c)
		var k uint64
		lo, k = bits.Add64(lo, t[i], 0)
		hi += k
		t[i], k = bits.Add64(lo, carry, 0)
		carry = hi + k
	}
	z[0], carry = bits.Add64(t[0], carry*c, 0)
	z[1], carry = bits.Add64(t[1], 0, carry)
	z[2], carry = bits.Add64(t[2], 0, carry)
	z[3], carry = bits.Add64(t[3], 0, carry)
	z[0] += carry * c // a carry out leaves less than 2^32
}

func mulPM8Go(z, x, y *[8]uint64, c uint64) {
	var t [16]uint64
	for i := range 8 {
		var carry uint64
		for j := range 8 {
			hi, lo := bits.Mul64(x[i], y[j])
			var k uint64
			lo, k = bits.Add64(lo, t[i+j], 0)
			hi += k
			t[i+j], k = bits.Add64(lo, carry, 0)
			carry = hi + k
		}
		t[i+8] = carry
	}
	var carry uint64
	for i := range 8 {
		hi, lo := bits.Mul64(t[i+8], c)
		var k uint64
		lo, k = bits.Add64(lo, t[i], 0)
		hi += k
		t[i], k = bits.Add64(lo, carry, 0)
		carry = hi + k
	}
	z[0], carry = bits.Add64(t[0], carry*c, 0)
	for i := 1; i < 8; i++ {
		z[i], carry = bits.Add64(t[i], 0, carry)
	}
	z[0] += carry * c
}

func mulMont4Go(z, x, y, p *[4]uint64, n0 uint64) {
	var t [5]uint64
	for i := range 4 {
		montRow4(&t, x[i], y, p, n0)
	}
	var r [4]uint64
	var b uint64
	for i := range 4 {
		r[i], b = bits.Sub64(t[i], p[i], b)
	}
	mask := -(t[4] | (1 ^ b))
	for i := range 4 {
		z[i] = t[i] ^ mask&(t[i]^r[i])
	}
}

// montRow4 sets t = (t + x·y + m·p)/2^64 with the m that makes it exact. t stays below 2p.
func montRow4(t *[5]uint64, x uint64, y, p *[4]uint64, n0 uint64) {
	var carry, k uint64
	for j := range 4 {
		hi, lo := bits.Mul64(x, y[j])
		lo, k = bits.Add64(lo, t[j], 0)
		hi += k
		t[j], k = bits.Add64(lo, carry, 0)
		carry = hi + k
	}
	var over uint64
	t[4], over = bits.Add64(t[4], carry, 0)
	m := t[0] * n0
	hi, lo := bits.Mul64(m, p[0])
	_, k = bits.Add64(lo, t[0], 0)
	carry = hi + k
	for j := 1; j < 4; j++ {
		hi, lo := bits.Mul64(m, p[j])
		lo, k = bits.Add64(lo, t[j], 0)
		hi += k
		t[j-1], k = bits.Add64(lo, carry, 0)
		carry = hi + k
	}
	t[3], k = bits.Add64(t[4], carry, 0)
	t[4] = over + k
}

func mulMont8Go(z, x, y, p *[8]uint64, n0 uint64) {
	var t [9]uint64
	for i := range 8 {
		montRow8(&t, x[i], y, p, n0)
	}
	var r [8]uint64
	var b uint64
	for i := range 8 {
		r[i], b = bits.Sub64(t[i], p[i], b)
	}
	mask := -(t[8] | (1 ^ b))
	for i := range 8 {
		z[i] = t[i] ^ mask&(t[i]^r[i])
	}
}

func montRow8(t *[9]uint64, x uint64, y, p *[8]uint64, n0 uint64) {
	var carry, k uint64
	for j := range 8 {
		hi, lo := bits.Mul64(x, y[j])
		lo, k = bits.Add64(lo, t[j], 0)
		hi += k
		t[j], k = bits.Add64(lo, carry, 0)
		carry = hi + k
	}
	var over uint64
	t[8], over = bits.Add64(t[8], carry, 0)
	m := t[0] * n0
	hi, lo := bits.Mul64(m, p[0])
	_, k = bits.Add64(lo, t[0], 0)
	carry = hi + k
	for j := 1; j < 8; j++ {
		hi, lo := bits.Mul64(m, p[j])
		lo, k = bits.Add64(lo, t[j], 0)
		hi += k
		t[j-1], k = bits.Add64(lo, carry, 0)
		carry = hi + k
	}
	t[7], k = bits.Add64(t[8], carry, 0)
	t[8] = over + k
}

func addPM4(z, x, y *[4]uint64, c uint64) {
	t0, k := bits.Add64(x[0], y[0], 0)
	t1, k := bits.Add64(x[1], y[1], k)
	t2, k := bits.Add64(x[2], y[2], k)
	t3, k := bits.Add64(x[3], y[3], k)
	t0, k = bits.Add64(t0, c&-k, 0)
	z[1], k = bits.Add64(t1, 0, k)
	z[2], k = bits.Add64(t2, 0, k)
	z[3], k = bits.Add64(t3, 0, k)
	z[0] = t0 + c&-k
}

func subPM4(z, x, y *[4]uint64, c uint64) {
	t0, k := bits.Sub64(x[0], y[0], 0)
	t1, k := bits.Sub64(x[1], y[1], k)
	t2, k := bits.Sub64(x[2], y[2], k)
	t3, k := bits.Sub64(x[3], y[3], k)
	t0, k = bits.Sub64(t0, c&-k, 0)
	z[1], k = bits.Sub64(t1, 0, k)
	z[2], k = bits.Sub64(t2, 0, k)
	z[3], k = bits.Sub64(t3, 0, k)
	z[0] = t0 - c&-k
}

func addPM8(z, x, y *[8]uint64, c uint64) {
	t0, k := bits.Add64(x[0], y[0], 0)
	t1, k := bits.Add64(x[1], y[1], k)
	t2, k := bits.Add64(x[2], y[2], k)
	t3, k := bits.Add64(x[3], y[3], k)
	t4, k := bits.Add64(x[4], y[4], k)
	t5, k := bits.Add64(x[5], y[5], k)
	t6, k := bits.Add64(x[6], y[6], k)
	t7, k := bits.Add64(x[7], y[7], k)
	t0, k = bits.Add64(t0, c&-k, 0)
	z[1], k = bits.Add64(t1, 0, k)
	z[2], k = bits.Add64(t2, 0, k)
	z[3], k = bits.Add64(t3, 0, k)
	z[4], k = bits.Add64(t4, 0, k)
	z[5], k = bits.Add64(t5, 0, k)
	z[6], k = bits.Add64(t6, 0, k)
	z[7], k = bits.Add64(t7, 0, k)
	z[0] = t0 + c&-k
}

func subPM8(z, x, y *[8]uint64, c uint64) {
	t0, k := bits.Sub64(x[0], y[0], 0)
	t1, k := bits.Sub64(x[1], y[1], k)
	t2, k := bits.Sub64(x[2], y[2], k)
	t3, k := bits.Sub64(x[3], y[3], k)
	t4, k := bits.Sub64(x[4], y[4], k)
	t5, k := bits.Sub64(x[5], y[5], k)
	t6, k := bits.Sub64(x[6], y[6], k)
	t7, k := bits.Sub64(x[7], y[7], k)
	t0, k = bits.Sub64(t0, c&-k, 0)
	z[1], k = bits.Sub64(t1, 0, k)
	z[2], k = bits.Sub64(t2, 0, k)
	z[3], k = bits.Sub64(t3, 0, k)
	z[4], k = bits.Sub64(t4, 0, k)
	z[5], k = bits.Sub64(t5, 0, k)
	z[6], k = bits.Sub64(t6, 0, k)
	z[7], k = bits.Sub64(t7, 0, k)
	z[0] = t0 - c&-k
}

// addMont4 sets z = x + y for values in [0, p).
func addMont4(z, x, y, p *[4]uint64) {
	t0, k := bits.Add64(x[0], y[0], 0)
	t1, k := bits.Add64(x[1], y[1], k)
	t2, k := bits.Add64(x[2], y[2], k)
	t3, k := bits.Add64(x[3], y[3], k)
	r0, b := bits.Sub64(t0, p[0], 0)
	r1, b := bits.Sub64(t1, p[1], b)
	r2, b := bits.Sub64(t2, p[2], b)
	r3, b := bits.Sub64(t3, p[3], b)
	m := (k | (1 ^ b)) - 1 // all ones if the sum is below p
	z[0] = r0 ^ m&(r0^t0)
	z[1] = r1 ^ m&(r1^t1)
	z[2] = r2 ^ m&(r2^t2)
	z[3] = r3 ^ m&(r3^t3)
}

// subMont4 sets z = x − y for values in [0, p).
func subMont4(z, x, y, p *[4]uint64) {
	t0, k := bits.Sub64(x[0], y[0], 0)
	t1, k := bits.Sub64(x[1], y[1], k)
	t2, k := bits.Sub64(x[2], y[2], k)
	t3, k := bits.Sub64(x[3], y[3], k)
	m := -k
	z[0], k = bits.Add64(t0, p[0]&m, 0)
	z[1], k = bits.Add64(t1, p[1]&m, k)
	z[2], k = bits.Add64(t2, p[2]&m, k)
	z[3], _ = bits.Add64(t3, p[3]&m, k)
}

// halve4 sets z = (x + p&mask)/2, which must be an integer.
func halve4(z, x, p *[4]uint64, mask uint64) {
	t0, k := bits.Add64(x[0], p[0]&mask, 0)
	t1, k := bits.Add64(x[1], p[1]&mask, k)
	t2, k := bits.Add64(x[2], p[2]&mask, k)
	t3, k := bits.Add64(x[3], p[3]&mask, k)
	z[0] = t0>>1 | t1<<63
	z[1] = t1>>1 | t2<<63
	z[2] = t2>>1 | t3<<63
	z[3] = t3>>1 | k<<63
}

// subMont8 sets z = x − y for values in [0, p).
func subMont8(z, x, y, p *[8]uint64) {
	t0, k := bits.Sub64(x[0], y[0], 0)
	t1, k := bits.Sub64(x[1], y[1], k)
	t2, k := bits.Sub64(x[2], y[2], k)
	t3, k := bits.Sub64(x[3], y[3], k)
	t4, k := bits.Sub64(x[4], y[4], k)
	t5, k := bits.Sub64(x[5], y[5], k)
	t6, k := bits.Sub64(x[6], y[6], k)
	t7, k := bits.Sub64(x[7], y[7], k)
	m := -k
	z[0], k = bits.Add64(t0, p[0]&m, 0)
	z[1], k = bits.Add64(t1, p[1]&m, k)
	z[2], k = bits.Add64(t2, p[2]&m, k)
	z[3], k = bits.Add64(t3, p[3]&m, k)
	z[4], k = bits.Add64(t4, p[4]&m, k)
	z[5], k = bits.Add64(t5, p[5]&m, k)
	z[6], k = bits.Add64(t6, p[6]&m, k)
	z[7], _ = bits.Add64(t7, p[7]&m, k)
}

// halve8 sets z = (x + p&mask)/2, which must be an integer.
func halve8(z, x, p *[8]uint64, mask uint64) {
	t0, k := bits.Add64(x[0], p[0]&mask, 0)
	t1, k := bits.Add64(x[1], p[1]&mask, k)
	t2, k := bits.Add64(x[2], p[2]&mask, k)
	t3, k := bits.Add64(x[3], p[3]&mask, k)
	t4, k := bits.Add64(x[4], p[4]&mask, k)
	t5, k := bits.Add64(x[5], p[5]&mask, k)
	t6, k := bits.Add64(x[6], p[6]&mask, k)
	t7, k := bits.Add64(x[7], p[7]&mask, k)
	z[0] = t0>>1 | t1<<63
	z[1] = t1>>1 | t2<<63
	z[2] = t2>>1 | t3<<63
	z[3] = t3>>1 | t4<<63
	z[4] = t4>>1 | t5<<63
	z[5] = t5>>1 | t6<<63
	z[6] = t6>>1 | t7<<63
	z[7] = t7>>1 | k<<63
}
