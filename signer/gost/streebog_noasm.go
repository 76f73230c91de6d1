//go:build !amd64

package gost

const hasVector = false

type streebogVector struct{}

func streebogVectors() *streebogVector { return nil }

// streebogAVX512 is never called: hasVector is false.
func streebogAVX512(_, _, _ *[8]uint64, _ *byte, _, _ uint64, _ *streebogVector) {}
