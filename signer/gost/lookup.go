package gost

import "unsafe"

// lookup sets q to row[mag−1] in constant time, reading all of the row, and leaves the zeros that q must hold before
// if mag is 0. T is made of limbs alone.
func lookup[T any](q *T, row []T, mag uint64) {
	dst := limbsOf(q)
	for j := range row {
		mask := -isZero64(mag ^ uint64(j+1)) //nolint:gosec // G115: j is not negative
		for i, v := range limbsOf(&row[j]) {
			dst[i] |= v & mask
		}
	}
}

// limbsOf is the memory of a value that is made of limbs alone.
func limbsOf[T any](p *T) []uint64 {
	return unsafe.Slice((*uint64)(unsafe.Pointer(p)), unsafe.Sizeof(*p)/8) //nolint:gosec // G103: see lookup
}
