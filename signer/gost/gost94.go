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
	d.bits += uint64(n) * 8 //nolint:gosec // G115: a length is not negative
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
	var s [4]uint64
	u, v := d.h, *m
	for i := range s {
		var key [8]uint32
		gost94Key(&key, &u, &v)
		s[i] = encrypt28147(&key, d.h[i], &d.sbox.t)
		u = [4]uint64{u[1], u[2], u[3], u[0] ^ u[1]}
		if i == 1 { // the only constant other than zero is that of the third key
			for j, c := range gost94C3 {
				u[j] ^= c
			}
		}
		v = [4]uint64{v[2], v[3], v[0] ^ v[1], v[1] ^ v[2]}
	}
	mix(&s, 12)
	xor256(&s, m)
	mix(&s, 1)
	xor256(&s, &d.h)
	mix(&s, 61)
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
	for k := range key {
		s := 8 * k
		key[k] = uint32((u[0]^v[0])>>s&0xff |
			(u[1]^v[1])>>s&0xff<<8 |
			(u[2]^v[2])>>s&0xff<<16 |
			(u[3]^v[3])>>s&0xff<<24)
	}
}

// encrypt28147 is one block of GOST 28147-89.
func encrypt28147(key *[8]uint32, block uint64, t *[4][256]uint32) uint64 {
	a, b := uint32(block), uint32(block>>32)
	f := func(x uint32) uint32 {
		return t[0][byte(x)] | t[1][byte(x>>8)] | t[2][byte(x>>16)] | t[3][byte(x>>24)]
	}
	for range 3 {
		for i := 0; i < 8; i += 2 {
			b ^= f(a + key[i])
			a ^= f(b + key[i+1])
		}
	}
	for i := 7; i > 0; i -= 2 {
		b ^= f(a + key[i])
		a ^= f(b + key[i-1])
	}
	return uint64(b) | uint64(a)<<32
}

// mix applies n turns of the shift register of RFC 5831 section 5.3 to its sixteen words of 16 bits.
func mix(s *[4]uint64, n int) {
	var y [16 + 61]uint16
	for i := range 16 {
		y[i] = uint16(s[i/4] >> (i % 4 * 16))
	}
	for i := range n {
		y[i+16] = y[i] ^ y[i+1] ^ y[i+2] ^ y[i+3] ^ y[i+12] ^ y[i+15]
	}
	for i := range s {
		s[i] = 0
		for j := range 4 {
			s[i] |= uint64(y[n+4*i+j]) << (16 * j)
		}
	}
}
