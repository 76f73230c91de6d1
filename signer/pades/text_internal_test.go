package pades

import (
	"testing"
	"time"
)

// A signer's date outside of the years that a verdict can tell is none: it would make an error of the verdict.
func TestDate(t *testing.T) {
	for in, want := range map[string]time.Time{
		"D:20260102030405+05'00'": time.Date(2026, 1, 1, 22, 4, 5, 0, time.UTC),
		"D:2026":                  time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		"D:99991231235959Z":       time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC),
		"D:99991231235959-14'00'": {},
		"D:00010101000000+14'00'": {},
		"D:00000101000000Z":       {},
		"yesterday":               {},
	} {
		if got := date([]byte(in)); !got.Equal(want) {
			t.Errorf("%s: %s", in, got)
		}
	}
}
