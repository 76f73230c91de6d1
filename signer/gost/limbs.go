package gost

import (
	"encoding/binary"
	"math/bits"
)

// addLimbs sets z = x + y and returns the carry.
func addLimbs[E elem](z, x, y *E) uint64 {
	var carry uint64
	for i := range len(*z) {
		(*z)[i], carry = bits.Add64((*x)[i], (*y)[i], carry)
	}
	return carry
}

// subLimbs sets z = x − y and returns the borrow.
func subLimbs[E elem](z, x, y *E) uint64 {
	var borrow uint64
	for i := range len(*z) {
		(*z)[i], borrow = bits.Sub64((*x)[i], (*y)[i], borrow)
	}
	return borrow
}

// selectLimbs sets z = x if bit is 1 and z = y if bit is 0, in constant time.
func selectLimbs[E elem](z, x, y *E, bit uint64) {
	mask := -bit
	for i := range len(*z) {
		(*z)[i] = (*y)[i] ^ mask&((*x)[i]^(*y)[i])
	}
}

// isZeroLimbs returns 1 if all limbs are zero, else 0, in constant time.
func isZeroLimbs[E elem](x *E) uint64 {
	var or uint64
	for i := range len(*x) {
		or |= (*x)[i]
	}
	return isZero64(or)
}

// isZero64 returns 1 for 0 and 0 for anything else, in constant time.
func isZero64(x uint64) uint64 { return 1 ^ (x|-x)>>63 }

// lessLimbs returns 1 if x < y, in constant time.
func lessLimbs[E elem](x, y *E) uint64 {
	var t E
	return subLimbs(&t, x, y)
}

// byteLen is the number of octets of E.
func byteLen[E elem]() int {
	var x E
	return 8 * len(x)
}

// limbsLE reads byteLen octets, least significant first.
func limbsLE[E elem](b []byte) E {
	var x E
	for i := range len(x) {
		x[i] = binary.LittleEndian.Uint64(b[8*i:])
	}
	return x
}

// limbsBE reads byteLen octets, most significant first.
func limbsBE[E elem](b []byte) E {
	var x E
	for i := range len(x) {
		x[len(x)-1-i] = binary.BigEndian.Uint64(b[8*i:])
	}
	return x
}

// putLE writes x into byteLen octets, least significant first.
func putLE[E elem](b []byte, x *E) {
	for i := range len(*x) {
		binary.LittleEndian.PutUint64(b[8*i:], (*x)[i])
	}
}

// putBE writes x into byteLen octets, most significant first.
func putBE[E elem](b []byte, x *E) {
	for i := range len(*x) {
		binary.BigEndian.PutUint64(b[8*i:], (*x)[len(*x)-1-i])
	}
}
