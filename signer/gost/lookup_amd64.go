package gost

import "golang.org/x/sys/cpu"

// hasAVX2 says that the processor and the system can run lookupAVX2.
var hasAVX2 = cpu.X86.HasAVX2

//go:noescape
func lookupAVX2(dst, row *uint64, vectors, entries, mag uint64)
