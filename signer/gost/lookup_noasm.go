//go:build !amd64

package gost

const hasAVX2 = false

// lookupAVX2 is never called: hasAVX2 is false.
func lookupAVX2(_, _ *uint64, _, _, _ uint64) {}
