package gost

import (
	"encoding/binary"
	"hash"
	"math/bits"
)

const gost94Block = 32

// gost94 is the state of GOST R 34.11-94 (RFC 5831) over words with the lowest first.
type gost94 struct {
	h     [4]uint64 // chaining value
	sigma [4]uint64 // sum of the blocks so far
	bits  uint64
	sbox  *SBox
	buf   [gost94Block]byte
	fill  int
}

// New34311 returns the hash function GOST R 34.11-94, nationally GOST 34.311-95, with the given S-box and a
// starting value of zeros: 32 octets, blocks of 32.
func New34311(s *SBox) hash.Hash { return &gost94{sbox: s} }

// Size returns 32.
func (d *gost94) Size() int { return 32 }

// BlockSize returns 32.
func (d *gost94) BlockSize() int { return gost94Block }

// Reset starts a new message.
func (d *gost94) Reset() { *d = gost94{sbox: d.sbox} }

// Write never fails.
func (d *gost94) Write(p []byte) (int, error) {
	n := len(p)
	d.bits += uint64(n) * 8
	if d.fill > 0 {
		k := copy(d.buf[d.fill:], p)
		d.fill += k
		p = p[k:]
		if d.fill == gost94Block {
			d.block(d.buf[:])
			d.fill = 0
		}
	}
	for ; len(p) >= gost94Block; p = p[gost94Block:] {
		d.block(p)
	}
	if len(p) > 0 {
		d.fill = copy(d.buf[:], p)
	}
	return n, nil
}

// Sum appends the hash of what was written so far; writing may go on.
func (d *gost94) Sum(b []byte) []byte {
	c := *d
	if c.fill > 0 {
		var last [gost94Block]byte
		copy(last[:], c.buf[:c.fill])
		c.block(last[:])
	}
	c.step(&[4]uint64{c.bits})
	c.step(&c.sigma)
	for _, v := range c.h {
		b = binary.LittleEndian.AppendUint64(b, v)
	}
	return b
}

// block takes the first 32 octets of p.
func (d *gost94) block(p []byte) {
	var m [4]uint64
	var c uint64
	for i := range m {
		m[i] = binary.LittleEndian.Uint64(p[8*i:])
		d.sigma[i], c = bits.Add64(d.sigma[i], m[i], c)
	}
	d.step(&m)
}

// step sets h to the step hash function of h and m (RFC 5831 section 5).
func (d *gost94) step(m *[4]uint64) {
	var keys [4][8]uint32
	u, v := d.h, *m
	for i := range keys {
		gost94Key(&keys[i], &u, &v)
		u = [4]uint64{u[1], u[2], u[3], u[0] ^ u[1]}
		if i == 1 { // the only constant other than zero is that of the third key
			xor256(&u, &gost94C3)
		}
		v = [4]uint64{v[2], v[3], v[0] ^ v[1], v[1] ^ v[2]}
	}
	s := encrypt4(&keys, &d.h, &d.sbox.t)
	for range 3 {
		mix4(&s)
	}
	xor256(&s, m)
	mix1(&s)
	xor256(&s, &d.h)
	for range 15 {
		mix4(&s)
	}
	mix1(&s)
	d.h = s
}

var gost94C3 = [4]uint64{0xff00ff00ff00ff00, 0x00ff00ff00ff00ff, 0xff0000ff00ffff00, 0xff00ffff000000ff}

func xor256(x, y *[4]uint64) {
	for i := range x {
		x[i] ^= y[i]
	}
}

// gost94Key is the transposition of u ⊕ v into a key: octet 4k + i of it is octet 8i + k.
func gost94Key(key *[8]uint32, u, v *[4]uint64) {
	w0, w1, w2, w3 := u[0]^v[0], u[1]^v[1], u[2]^v[2], u[3]^v[3]
	for k := range key {
		key[k] = uint32(w0&255 | w1&255<<8 | w2&255<<16 | w3&255<<24) //nolint:gosec // G115: four octets
		w0, w1, w2, w3 = w0>>8, w1>>8, w2>>8, w3>>8
	}
}

// order28147 is the order in which GOST 28147-89 takes the words of its key.
var order28147 = [32]uint8{
	0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7, 7, 6, 5, 4, 3, 2, 1, 0,
}

// encrypt4 encrypts the four words of h by GOST 28147-89, each under its key. The four run side by side: a round
// waits for the one before it, and one block alone leaves the processor idle most of the time.
func encrypt4(keys *[4][8]uint32, h *[4]uint64, t *[4][256]uint32) [4]uint64 {
	f := func(x uint32) uint32 {
		return t[0][x&255] | t[1][x>>8&255] | t[2][x>>16&255] | t[3][x>>24]
	}
	a0, a1, a2, a3 := uint32(h[0]), uint32(h[1]), uint32(h[2]), uint32(h[3]) //nolint:gosec // G115: lower halves
	b0, b1, b2, b3 := uint32(h[0]>>32), uint32(h[1]>>32), uint32(h[2]>>32), uint32(h[3]>>32)
	for _, k := range order28147 {
		k &= 7
		a0, b0 = b0^f(a0+keys[0][k]), a0
		a1, b1 = b1^f(a1+keys[1][k]), a1
		a2, b2 = b2^f(a2+keys[2][k]), a2
		a3, b3 = b3^f(a3+keys[3][k]), a3
	}
	join := func(a, b uint32) uint64 { return uint64(b) | uint64(a)<<32 }
	return [4]uint64{join(a0, b0), join(a1, b1), join(a2, b2), join(a3, b3)}
}

// mix1 is one turn of the shift register of RFC 5831 section 5.3 over sixteen words y of 16 bits: the new word is
// y0 ⊕ y1 ⊕ y2 ⊕ y3 ⊕ y12 ⊕ y15.
func mix1(s *[4]uint64) {
	n := s[0] ^ s[0]>>16 ^ s[0]>>32 ^ s[0]>>48 ^ s[3] ^ s[3]>>48
	s[0] = s[0]>>16 | s[1]<<48
	s[1] = s[1]>>16 | s[2]<<48
	s[2] = s[2]>>16 | s[3]<<48
	s[3] = s[3]>>16 | n<<48
}

// mix4 is four turns at once. All but the last term of each new word is there from the start; the last one is the
// new word before, which makes a running sum.
func mix4(s *[4]uint64) {
	n := s[0] ^ (s[0]>>16 | s[1]<<48) ^ (s[0]>>32 | s[1]<<32) ^ (s[0]>>48 | s[1]<<16) ^ s[3]
	n ^= n << 16
	n ^= n << 32
	n ^= s[3] >> 48 * 0x0001000100010001
	s[0], s[1], s[2], s[3] = s[1], s[2], s[3], n
}
