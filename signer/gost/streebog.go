package gost

import (
	"encoding/binary"
	"hash"
	"math/bits"
)

const streebogBlock = 64

// streebog is the state of GOST R 34.11-2012 (RFC 6986) over words with the lowest first.
type streebog struct {
	h      [8]uint64       // chaining value
	n      [8]uint64       // bits hashed so far
	sigma  [8]uint64       // sum of the blocks so far
	table  *[8][256]uint64 // nil where vector is not
	vector *streebogVector // nil where the processor has no such instructions
	buf    [streebogBlock]byte
	fill   int
	size   int // 32 or 64
}

// NewStreebog256 returns the hash function GOST R 34.11-2012 with 256 bits.
func NewStreebog256() hash.Hash { return newStreebog(32) }

// NewStreebog512 returns the hash function GOST R 34.11-2012 with 512 bits.
func NewStreebog512() hash.Hash { return newStreebog(64) }

func newStreebog(size int) *streebog {
	d := &streebog{size: size}
	d.pick(hasVector)
	d.Reset()
	return d
}

// pick chooses the implementation.
func (d *streebog) pick(vector bool) {
	d.table, d.vector = nil, nil
	if vector {
		d.vector = streebogVectors()
	} else {
		d.table = streebogTable()
	}
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
	d.step(m[:], uint64(d.fill)*8) //nolint:gosec // G115: fill is below 64
	var tail [2 * streebogBlock]byte
	for i := range 8 {
		binary.LittleEndian.PutUint64(tail[8*i:], d.n[i])
		binary.LittleEndian.PutUint64(tail[streebogBlock+8*i:], d.sigma[i])
	}
	d.n = [8]uint64{} // the last two blocks are hashed with the counter at zero
	d.step(tail[:], 0)
	var out [64]byte
	for i, v := range d.h {
		binary.LittleEndian.PutUint64(out[8*i:], v)
	}
	return append(b, out[64-d.size:]...)
}

// blocks takes whole blocks, at least one.
func (d *streebog) blocks(p []byte) { d.step(p, 8*streebogBlock) }

// step takes whole blocks, at least one, each of which counts for so many bits.
func (d *streebog) step(p []byte, bits uint64) {
	if d.vector != nil {
		streebogAVX512(&d.h, &d.n, &d.sigma, &p[0], uint64(len(p)/streebogBlock), bits, d.vector)
		return
	}
	var w [8]uint64
	for ; len(p) >= streebogBlock; p = p[streebogBlock:] {
		for i := range w {
			w[i] = binary.LittleEndian.Uint64(p[8*i:])
		}
		d.compress(&w)
		d.count(bits)
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

// compress sets h = g_n(h, m) of RFC 6986 section 8.
func (d *streebog) compress(m *[8]uint64) {
	var k, s, k2, s2 [8]uint64
	lps(&k, &d.h, &d.n, d.table)
	lps(&s, m, &k, d.table)
	for r := 0; r < len(streebogC)-2; r += 2 {
		lps(&k2, &k, &streebogC[r], d.table)
		lps(&s2, &s, &k2, d.table)
		lps(&k, &k2, &streebogC[r+1], d.table)
		lps(&s, &s2, &k, d.table)
	}
	lps(&k2, &k, &streebogC[10], d.table)
	lps(&s2, &s, &k2, d.table)
	lps(&k, &k2, &streebogC[11], d.table)
	for i := range s {
		d.h[i] ^= s2[i] ^ k[i] ^ m[i]
	}
}

// lps is substitution, transposition and matrix of a ⊕ b; out must differ from both.
func lps(out, a, b *[8]uint64, t *[8][256]uint64) {
	w0, w1, w2, w3 := a[0]^b[0], a[1]^b[1], a[2]^b[2], a[3]^b[3]
	w4, w5, w6, w7 := a[4]^b[4], a[5]^b[5], a[6]^b[6], a[7]^b[7]
	for r := range out {
		out[r] = t[0][byte(w0)] ^ t[1][byte(w1)] ^ t[2][byte(w2)] ^ t[3][byte(w3)] ^
			t[4][byte(w4)] ^ t[5][byte(w5)] ^ t[6][byte(w6)] ^ t[7][byte(w7)]
		w0, w1, w2, w3 = w0>>8, w1>>8, w2>>8, w3>>8
		w4, w5, w6, w7 = w4>>8, w5>>8, w6>>8, w7>>8
	}
}
