package gost

import (
	"sync"

	"golang.org/x/sys/cpu"
)

// hasVector says that the processor and the system can run streebogAVX512 (Intel since Ice Lake, AMD since Zen 4).
var hasVector = cpu.X86.HasAVX512F && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512VBMI && cpu.X86.HasAVX512GFNI

//go:noescape
func streebogAVX512(h, n, sigma *[8]uint64, p *byte, blocks, bits uint64, k *streebogVector) //nolint:revive // argument-limit: the whole loop runs in assembly

// streebogVector is what streebogAVX512 keeps in registers, in this order.
type streebogVector struct {
	pi        [256]byte
	matrix    [8][8]uint64 // [c][j] takes octet c of a word to octet j
	index     [8][64]byte  // [c] is 8r + c for octet r of every lane
	transpose [64]byte
	c         [12][64]byte // the constants, transposed
}

var streebogVectors = sync.OnceValue(func() *streebogVector {
	var k streebogVector
	copy(k.pi[:], streebogPi)
	for c := range 8 {
		for j := range 8 {
			// The instruction takes the row of output bit b from octet 7 − b of the matrix.
			for bit := range 8 {
				a := byte(streebogA[63-8*c-bit] >> (8 * j))
				for b := range 8 {
					k.matrix[c][j] |= uint64(a>>b&1) << (8*(7-b) + bit)
				}
			}
			for r := range 8 {
				k.index[c][8*j+r] = byte(8*r + c)
			}
			k.transpose[8*j+c] = byte(8*c + j)
		}
	}
	for i, c := range streebogC {
		for at, from := range k.transpose {
			k.c[i][at] = byte(c[from/8] >> (from % 8 * 8))
		}
	}
	return &k
})
