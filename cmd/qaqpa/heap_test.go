package main

import (
	"runtime"
	"testing"
)

// With the floor the collector waits until as much was allocated, and without it, or where the environment decides, it does not.
func TestHeapFloor(t *testing.T) {
	const mebibytes = 256
	// Twice, and signed: what the case before has let go of may outlive the first cycle, and then the goal sinks.
	next := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.NextGC)
	}
	for name, c := range map[string]struct {
		gogc      string
		mebibytes int
		floor     bool
	}{"with": {"", mebibytes, true}, "without": {"", 0, false}, "GOGC set": {"100", mebibytes, false}} {
		t.Setenv("GOGC", c.gogc)
		before := next()
		release := heapFloor(c.mebibytes)
		if grown := next()-before >= mebibytes<<20; grown != c.floor {
			t.Errorf("%s: the floor is there: %v", name, grown)
		}
		release()
	}
}
