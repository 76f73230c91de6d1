package gost

import (
	"math/bits"
	"sync"
)

// SBox is the substitution of GOST 28147-89 that an instance of GOST R 34.11-94 uses: immutable.
type SBox struct {
	name string
	t    [4][256]uint32 // by octet: both nibbles substituted and the word rotated by 11
}

// Name returns the name of the parameter set as the standards register it.
func (s *SBox) Name() string { return s.name }

// newSBox takes eight rows of sixteen hexadecimal digits; row 0 substitutes the lowest nibble.
func newSBox(name string, rows [8]string) *SBox {
	s := &SBox{name: name}
	digit := func(row string, i int) uint32 {
		d := uint32(row[i])
		if d >= 'A' {
			return d - 'A' + 10
		}
		return d - '0'
	}
	for i := range s.t {
		for v := range 256 {
			w := digit(rows[2*i], v&15) | digit(rows[2*i+1], v>>4)<<4
			s.t[i][v] = bits.RotateLeft32(w<<(8*i), 11)
		}
	}
	return s
}

// Constants in all but name, made at their first use.
var (
	sboxTest = sync.OnceValue(func() *SBox {
		return newSBox("id-GostR3411-94-TestParamSet", [8]string{
			"4A92D80E6B1C7F53", "EB4C6DFA23810759", "581DA342EFC7609B", "7DA1089FE46CB253",
			"6C715FD84A9E03B2", "4BA0721D36859CFE", "DB413F590AE7682C", "1FD057A4923E6B8C",
		})
	})
	sboxCryptoPro = sync.OnceValue(func() *SBox {
		return newSBox("id-GostR3411-94-CryptoProParamSet", [8]string{
			"A4568137DCE092BF", "5F402DB91763CEA8", "7FCE94103B526A8D", "4A7C0F28E165DB93",
			"764B9C2A180EFD35", "7624D9F0A15B8EC3", "DE41705A3C8F629B", "13A95B4F867ED02C",
		})
	})
)

// SBoxTest is the S-box of the examples of RFC 5831, which national GOST 34.311-95 signatures use
// ("D-TEST", 1.2.398.3.10.1.3.1.1.0).
func SBoxTest() *SBox { return sboxTest() }

// SBoxCryptoPro is the S-box of RFC 4357 section 11.2 (1.2.643.2.2.30.1), which OpenSSL's md_gost94 uses.
func SBoxCryptoPro() *SBox { return sboxCryptoPro() }
