package main

import (
	"os"
	"runtime"
)

// heapFloor keeps the collector from running while the heap is small: it begins a cycle when the heap has doubled, and a gateway with
// 15 MB of live data would otherwise mark all of it for every few hundred validations, a sixth of its processor time. The octets
// count as live, hold no pointers and are never touched, so that they take addresses and no memory. Where the environment sets
// GOGC or GOMEMLIMIT, its owner has decided. The result must be called at the end of the work.
func heapFloor(mebibytes int) (release func()) {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" || mebibytes <= 0 {
		return func() {}
	}
	floor := make([]byte, mebibytes<<20)
	return func() { runtime.KeepAlive(floor) }
}
