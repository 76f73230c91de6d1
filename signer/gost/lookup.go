package gost

import "unsafe"

// lookup sets q to row[mag−1], or to zeros if mag is 0, in constant time: it reads all of the row. T is affine or
// edwardsAffine: limbs alone, 64, 96, 128 or 192 octets of them.
func lookup[T any](q *T, row []T, mag uint64) {
	dst := limbsOf(q)
	if hasAVX2 {
		lookupAVX2(&dst[0], &limbsOf(&row[0])[0], uint64(len(dst)/4), uint64(len(row)), mag)
		return
	}
	lookupGo(dst, row, mag)
}

// lookupGo is lookup on any processor.
func lookupGo[T any](dst []uint64, row []T, mag uint64) {
	clear(dst)
	for j := range row {
		mask := -isZero64(mag ^ uint64(j+1))
		for i, v := range limbsOf(&row[j]) {
			dst[i] |= v & mask
		}
	}
}

// limbsOf is the memory of a value that is made of limbs alone.
func limbsOf[T any](p *T) []uint64 {
	return unsafe.Slice((*uint64)(unsafe.Pointer(p)), unsafe.Sizeof(*p)/8) //nolint:gosec // G103: T is arrays of uint64
}
