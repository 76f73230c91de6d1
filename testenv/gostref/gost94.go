package gostref

import (
	"encoding/binary"
	"hash"
	"math/bits"
)

// testSBox is id-GostR3411-94-TestParamSet (RFC 4357 11.2): row 0 substitutes the lowest nibble.
func testSBox() [8][16]byte {
	rows := [8]string{
		"4A92D80E6B1C7F53", "EB4C6DFA23810759", "581DA342EFC7609B", "7DA1089FE46CB253",
		"6C715FD84A9E03B2", "4BA0721D36859CFE", "DB413F590AE7682C", "1FD057A4923E6B8C",
	}
	var box [8][16]byte
	for i, row := range rows {
		for j := range row {
			c := row[j]
			if c >= 'A' {
				c -= 'A' - '9' - 1
			}
			box[i][j] = c - '0'
		}
	}
	return box
}

// gost94 collects the message and hashes it in Sum: slow and simple.
type gost94 struct {
	message []byte
	box     [8][16]byte
}

// New94Test is GOST R 34.11-94 with the test S-box: the national GOST 34.311-95.
func New94Test() hash.Hash { return &gost94{box: testSBox()} }

func (g *gost94) Write(p []byte) (int, error) {
	g.message = append(g.message, p...)
	return len(p), nil
}
func (g *gost94) Reset()         { g.message = nil }
func (g *gost94) Size() int      { return 32 }
func (g *gost94) BlockSize() int { return 32 }

// Sum follows RFC 5831 section 8; numbers are little-endian octet strings.
func (g *gost94) Sum(prefix []byte) []byte {
	var h, sum, length [32]byte
	binary.LittleEndian.PutUint64(length[:], uint64(len(g.message))*8)
	for rest := g.message; len(rest) > 0; {
		var block [32]byte
		n := copy(block[:], rest)
		rest = rest[n:]
		carry := 0
		for i := range sum {
			carry += int(sum[i]) + int(block[i])
			sum[i] = byte(carry & 0xff)
			carry >>= 8
		}
		h = g.step(block, h)
	}
	h = g.step(length, h)
	h = g.step(sum, h)
	return append(prefix, h[:]...)
}

// step is the function χ(M, H).
func (g *gost94) step(m, h [32]byte) [32]byte {
	var s [32]byte
	for i, key := range keys94(m, h) {
		copy(s[8*i:], g.encrypt(key, h[8*i:8*i+8]))
	}
	for range 12 {
		s = psi(s)
	}
	s = psi(xor32(s, m))
	s = xor32(s, h)
	for range 61 {
		s = psi(s)
	}
	return s
}

// keys94 makes the four cipher keys (RFC 5831 6.1).
func keys94(m, h [32]byte) [4][32]byte {
	c3 := [8]uint32{0xFF00FF00, 0xFF00FF00, 0x00FF00FF, 0x00FF00FF, 0x00FFFF00, 0xFF0000FF, 0x000000FF, 0xFF00FFFF}
	var keys [4][32]byte
	u, v := h, m
	for j := range keys {
		if j > 0 {
			u = mixA(u)
			if j == 2 {
				for i, c := range c3 {
					binary.LittleEndian.PutUint32(u[4*i:], binary.LittleEndian.Uint32(u[4*i:])^c)
				}
			}
			v = mixA(mixA(v))
		}
		w := xor32(u, v)
		for i := range 4 {
			for k := range 8 {
				keys[j][i+4*k] = w[8*i+k]
			}
		}
	}
	return keys
}

// mixA is A(x4‖x3‖x2‖x1) = (x1⊕x2)‖x4‖x3‖x2.
func mixA(x [32]byte) (y [32]byte) {
	copy(y[:24], x[8:])
	for i := range 8 {
		y[24+i] = x[i] ^ x[8+i]
	}
	return y
}

// psi is one step of the mixing register over sixteen 16-bit words.
func psi(y [32]byte) (out [32]byte) {
	copy(out[:30], y[2:])
	for _, word := range []int{0, 1, 2, 3, 12, 15} {
		out[30] ^= y[2*word]
		out[31] ^= y[2*word+1]
	}
	return out
}

// encrypt is GOST 28147-89 in simple substitution mode (RFC 5830).
func (g *gost94) encrypt(key [32]byte, block []byte) []byte {
	n1, n2 := binary.LittleEndian.Uint32(block), binary.LittleEndian.Uint32(block[4:])
	for round := range 32 {
		k := round % 8
		if round >= 24 {
			k = 7 - k
		}
		t := n1 + binary.LittleEndian.Uint32(key[4*k:])
		var sub uint32
		for i := range 8 {
			sub |= uint32(g.box[i][t>>(4*i)&15]) << (4 * i)
		}
		n1, n2 = n2^bits.RotateLeft32(sub, 11), n1
	}
	out := make([]byte, 8)
	binary.LittleEndian.PutUint32(out, n2)
	binary.LittleEndian.PutUint32(out[4:], n1)
	return out
}

func xor32(a, b [32]byte) [32]byte {
	for i := range a {
		a[i] ^= b[i]
	}
	return a
}
