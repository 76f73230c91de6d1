package gost

import (
	"math/big"
	"slices"
)

// refGost94 is GOST R 34.11-94 as RFC 5831 puts it, word by word on octets and integers; only the S-box is shared with
// the package.
func refGost94(s *SBox, p []byte) []byte {
	h := make([]byte, 32)
	sum := new(big.Int)
	block := func(m []byte) {
		le := slices.Clone(m)
		slices.Reverse(le)
		sum.Add(sum, new(big.Int).SetBytes(le))
		h = refStep94(s, h, m)
	}
	rest := p
	for ; len(rest) >= 32; rest = rest[32:] {
		block(rest[:32])
	}
	if len(rest) > 0 {
		block(append(slices.Clone(rest), make([]byte, 32-len(rest))...))
	}
	le := func(x *big.Int) []byte {
		b := new(big.Int).And(x, new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 256), big.NewInt(1))).FillBytes(make([]byte, 32))
		slices.Reverse(b)
		return b
	}
	h = refStep94(s, h, le(big.NewInt(int64(len(p))*8)))
	return refStep94(s, h, le(sum))
}

// refStep94 is the step hash function on octets, the lowest first.
func refStep94(s *SBox, h, m []byte) []byte {
	a := func(y []byte) []byte { // y4‖y3‖y2‖y1 to (y1 ⊕ y2)‖y4‖y3‖y2
		out := slices.Clone(y[8:])
		for i := range 8 {
			out = append(out, y[i]^y[8+i])
		}
		return out
	}
	u, v := h, m
	var enc []byte
	for i := range 4 {
		key := make([]byte, 32)
		for j := range 4 {
			for k := range 8 {
				key[j+4*k] = u[8*j+k] ^ v[8*j+k]
			}
		}
		enc = append(enc, refEncrypt(s, key, h[8*i:8*i+8])...)
		u, v = a(u), a(a(v))
		if i == 1 {
			for j, bit := range "01010101" + "10101010" + "01101001" + "10001101" {
				if bit == '1' {
					u[j] ^= 0xff
				}
			}
		}
	}
	psi := func(y []byte, n int) []byte {
		y = slices.Clone(y)
		for range n {
			for b := range 2 {
				y = append(y, y[b]^y[2+b]^y[4+b]^y[6+b]^y[24+b]^y[30+b])
			}
			y = y[2:]
		}
		return y
	}
	xor := func(x, y []byte) []byte {
		out := slices.Clone(x)
		for i := range out {
			out[i] ^= y[i]
		}
		return out
	}
	return psi(xor(h, psi(xor(m, psi(enc, 12)), 1)), 61)
}

// refEncrypt is one block of GOST 28147-89.
func refEncrypt(s *SBox, key, block []byte) []byte {
	word := func(b []byte) uint32 {
		return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24
	}
	n1, n2 := word(block), word(block[4:])
	for i := range 32 {
		k := i % 8
		if i >= 24 {
			k = 7 - k
		}
		x := n1 + word(key[4*k:])
		var y uint32
		for j := range 4 {
			y |= s.t[j][x>>(8*j)&255]
		}
		n1, n2 = n2^y, n1
	}
	return []byte{
		byte(n2), byte(n2 >> 8), byte(n2 >> 16), byte(n2 >> 24),
		byte(n1), byte(n1 >> 8), byte(n1 >> 16), byte(n1 >> 24),
	}
}
