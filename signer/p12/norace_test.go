//go:build !race

package p12

const raceEnabled = false
