//go:build race

package p12

// raceEnabled: the race detector makes everything ten times slower, and times say nothing.
const raceEnabled = true
