package pinned

import (
	"encoding/binary"
	"math/big"
	"math/bits"
)

// element is a number modulo p = 2^256 - 2^224 + 2^192 + 2^96 - 1 in Montgomery form (times 2^256), fully reduced, least
// significant limb first.
type element [4]uint64

// Limbs of p; the third is zero.
const (
	p0 = 0xffffffffffffffff
	p1 = 0x00000000ffffffff
	p3 = 0xffffffff00000001
)

// one is 1 in Montgomery form, 2^256 mod p.
var one = element{1, 0xffffffff00000000, 0xffffffffffffffff, 0x00000000fffffffe}

// square2 is 2^512 mod p: multiplying by it brings a number into Montgomery form.
var square2 = element{3, 0xfffffffbffffffff, 0xfffffffffffffffe, 0x00000004fffffffd}

// mul sets z = x·y. Since p is -1 modulo 2^64, the factor of a Montgomery step is the lowest limb itself, and of the step's
// product only one limb needs a multiplication.
func (z *element) mul(x, y *element) {
	y0, y1, y2, y3 := y[0], y[1], y[2], y[3]
	var t0, t1, t2, t3, t4, t5, c uint64
	for _, xi := range x {
		h0, l0 := bits.Mul64(xi, y0)
		h1, l1 := bits.Mul64(xi, y1)
		h2, l2 := bits.Mul64(xi, y2)
		h3, l3 := bits.Mul64(xi, y3)
		l1, c = bits.Add64(l1, h0, 0)
		l2, c = bits.Add64(l2, h1, c)
		l3, c = bits.Add64(l3, h2, c)
		h3 += c // cannot overflow: xi·y < 2^320
		t0, c = bits.Add64(t0, l0, 0)
		t1, c = bits.Add64(t1, l1, c)
		t2, c = bits.Add64(t2, l2, c)
		t3, c = bits.Add64(t3, l3, c)
		t4, t5 = bits.Add64(t4, h3, c)

		m := t0
		hi, lo := bits.Mul64(m, p3)
		t0, c = bits.Add64(t1, m<<32, 0)
		t1, c = bits.Add64(t2, m>>32, c)
		t2, c = bits.Add64(t3, lo, c)
		t3, c = bits.Add64(t4, hi, c)
		t4 = t5 + c
	}
	z.reduce(t0, t1, t2, t3, t4)
}

// reduce sets z to t mod p, for t < 2p.
func (z *element) reduce(t0, t1, t2, t3, t4 uint64) {
	r0, b := bits.Sub64(t0, p0, 0)
	r1, b := bits.Sub64(t1, p1, b)
	r2, b := bits.Sub64(t2, 0, b)
	r3, b := bits.Sub64(t3, p3, b)
	_, b = bits.Sub64(t4, 0, b)
	if b != 0 {
		z[0], z[1], z[2], z[3] = t0, t1, t2, t3
		return
	}
	z[0], z[1], z[2], z[3] = r0, r1, r2, r3
}

// add sets z = x + y.
func (z *element) add(x, y *element) {
	t0, c := bits.Add64(x[0], y[0], 0)
	t1, c := bits.Add64(x[1], y[1], c)
	t2, c := bits.Add64(x[2], y[2], c)
	t3, c := bits.Add64(x[3], y[3], c)
	z.reduce(t0, t1, t2, t3, c)
}

// sub sets z = x - y.
func (z *element) sub(x, y *element) {
	t0, b := bits.Sub64(x[0], y[0], 0)
	t1, b := bits.Sub64(x[1], y[1], b)
	t2, b := bits.Sub64(x[2], y[2], b)
	t3, b := bits.Sub64(x[3], y[3], b)
	borrowed := -b // all ones when p has to be added back
	var c uint64
	z[0], c = bits.Add64(t0, borrowed&p0, 0)
	z[1], c = bits.Add64(t1, borrowed&p1, c)
	z[2], c = bits.Add64(t2, 0, c)
	z[3], _ = bits.Add64(t3, borrowed&p3, c)
}

func (z *element) isZero() bool { return z[0]|z[1]|z[2]|z[3] == 0 }

// setBytes sets z to a big-endian number of 32 bytes. It is false when the number is not below p.
func (z *element) setBytes(b []byte) bool {
	t := element{
		binary.BigEndian.Uint64(b[24:]), binary.BigEndian.Uint64(b[16:]),
		binary.BigEndian.Uint64(b[8:]), binary.BigEndian.Uint64(b),
	}
	var reduced element
	reduced.reduce(t[0], t[1], t[2], t[3], 0)
	if reduced != t {
		return false
	}
	z.mul(&t, &square2)
	return true
}

// bytes returns z as a big-endian number of 32 bytes.
func (z *element) bytes() []byte {
	var t element
	t.mul(z, &element{1})
	out := make([]byte, 0, 32)
	for i := 3; i >= 0; i-- {
		out = binary.BigEndian.AppendUint64(out, t[i])
	}
	return out
}

// invert sets z = 1/x for x other than zero. It is used while tables are made, not while signatures are verified.
func (z *element) invert(x *element, p *big.Int) {
	n := new(big.Int).SetBytes(x.bytes())
	n.ModInverse(n, p)
	var b [32]byte
	z.setBytes(n.FillBytes(b[:]))
}
