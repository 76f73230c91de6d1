//go:build !race

package revoked_test

const raceEnabled = false
