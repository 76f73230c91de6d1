package gost

import (
	"encoding/binary"
	"hash"
	"math/bits"
)

const streebogBlock = 64

// streebog is the state of GOST R 34.11-2012 (RFC 6986) over words with the lowest first.
type streebog struct {
	h     [8]uint64 // chaining value
	n     [8]uint64 // bits hashed so far
	sigma [8]uint64 // sum of the blocks so far
	table *[8][256]uint64
	buf   [streebogBlock]byte
	fill  int
	size  int // 32 or 64
}

// NewStreebog256 returns the hash function GOST R 34.11-2012 with 256 bits.
func NewStreebog256() hash.Hash { return newStreebog(32) }

// NewStreebog512 returns the hash function GOST R 34.11-2012 with 512 bits.
func NewStreebog512() hash.Hash { return newStreebog(64) }

func newStreebog(size int) *streebog {
	d := &streebog{size: size, table: streebogTable()}
	d.Reset()
	return d
}

// Size returns 32 or 64.
func (d *streebog) Size() int { return d.size }

// BlockSize returns 64.
func (d *streebog) BlockSize() int { return streebogBlock }

// Reset starts a new message.
func (d *streebog) Reset() {
	d.n, d.sigma, d.fill = [8]uint64{}, [8]uint64{}, 0
	var iv uint64
	if d.size == 32 {
		iv = 0x0101010101010101
	}
	for i := range d.h {
		d.h[i] = iv
	}
}

// Write never fails.
func (d *streebog) Write(p []byte) (int, error) {
	n := len(p)
	if d.fill > 0 {
		k := copy(d.buf[d.fill:], p)
		d.fill += k
		p = p[k:]
		if d.fill == streebogBlock {
			d.blocks(d.buf[:])
			d.fill = 0
		}
	}
	if full := len(p) &^ (streebogBlock - 1); full > 0 {
		d.blocks(p[:full])
		p = p[full:]
	}
	if len(p) > 0 {
		d.fill = copy(d.buf[:], p)
	}
	return n, nil
}

// Sum appends the hash of what was written so far; writing may go on.
func (d *streebog) Sum(b []byte) []byte {
	c := *d
	return c.finish(b)
}

// finish is Sum that spends the state.
func (d *streebog) finish(b []byte) []byte {
	var m [streebogBlock]byte
	copy(m[:], d.buf[:d.fill])
	m[d.fill] = 1
	var w, zero [8]uint64
	for i := range w {
		w[i] = binary.LittleEndian.Uint64(m[8*i:])
	}
	d.compress(&w, &d.n)
	d.count(uint64(d.fill) * 8) //nolint:gosec // G115: below 512
	add512(&d.sigma, &w)
	n, sigma := d.n, d.sigma
	d.compress(&n, &zero)
	d.compress(&sigma, &zero)
	var out [64]byte
	for i, v := range d.h {
		binary.LittleEndian.PutUint64(out[8*i:], v)
	}
	return append(b, out[64-d.size:]...)
}

// blocks takes whole blocks.
func (d *streebog) blocks(p []byte) {
	var w [8]uint64
	for ; len(p) >= streebogBlock; p = p[streebogBlock:] {
		for i := range w {
			w[i] = binary.LittleEndian.Uint64(p[8*i:])
		}
		d.compress(&w, &d.n)
		d.count(8 * streebogBlock)
		add512(&d.sigma, &w)
	}
}

// count adds to the number of bits.
func (d *streebog) count(n uint64) {
	var carry uint64
	d.n[0], carry = bits.Add64(d.n[0], n, 0)
	for i := 1; carry != 0 && i < 8; i++ {
		d.n[i], carry = bits.Add64(d.n[i], 0, carry)
	}
}

// add512 sets x += y mod 2^512.
func add512(x, y *[8]uint64) {
	var c uint64
	for i := range x {
		x[i], c = bits.Add64(x[i], y[i], c)
	}
}

// compress sets h = g_N(h, m) of RFC 6986 section 8.
func (d *streebog) compress(m, n *[8]uint64) {
	var k, s, t [8]uint64
	for i := range t {
		t[i] = d.h[i] ^ n[i]
	}
	lps(&k, &t, d.table)
	s = *m
	for r := range streebogC {
		for i := range t {
			t[i] = s[i] ^ k[i]
		}
		lps(&s, &t, d.table)
		c := &streebogC[r]
		for i := range t {
			t[i] = k[i] ^ c[i]
		}
		lps(&k, &t, d.table)
	}
	for i := range s {
		d.h[i] ^= s[i] ^ k[i] ^ m[i]
	}
}

// lps is substitution, transposition and matrix: out and in must differ.
func lps(out, in *[8]uint64, t *[8][256]uint64) {
	for r := range 8 {
		s := 8 * r
		out[r] = t[0][byte(in[0]>>s)] ^ t[1][byte(in[1]>>s)] ^
			t[2][byte(in[2]>>s)] ^ t[3][byte(in[3]>>s)] ^
			t[4][byte(in[4]>>s)] ^ t[5][byte(in[5]>>s)] ^
			t[6][byte(in[6]>>s)] ^ t[7][byte(in[7]>>s)]
	}
}
