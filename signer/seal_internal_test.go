package signer

import (
	"context"
	"testing"
	"time"
)

// TestChecksOfSealKeys: a check holds for a minute, ten while somebody renews it, and not at all after a failure or where the clock was set back.
// Who leaves before it is done changes nothing.
func TestChecksOfSealKeys(t *testing.T) {
	at := time.Date(2026, 10, 1, 9, 0, 0, 0, time.UTC)
	var k sealKey
	holds := func(what string, after time.Duration, want bool) {
		t.Helper()
		if got := k.holds(at.Add(after), time.Minute); got != want {
			t.Errorf("%s: %t, want %t", what, got, want)
		}
	}
	holds("before the first check", 0, false)
	k.learn(t.Context(), at, nil)
	holds("at once", 0, true)
	holds("before it was made", -time.Second, false)
	k.learn(t.Context(), at, nil)
	holds("within the minute", 59*time.Second, true)
	holds("after it", 61*time.Second, false)
	holds("after it, while it is renewed", 62*time.Second, true)
	holds("after ten, while it is renewed", 601*time.Second, false)
	gone, leave := context.WithCancel(t.Context())
	leave()
	k.learn(gone, at.Add(61*time.Second), gone.Err())
	holds("somebody left", 63*time.Second, false)
	holds("somebody left, and another one renews it", 63*time.Second, true)
	k.learn(t.Context(), at.Add(63*time.Second), ErrSealCertificate)
	holds("a failure", 63*time.Second, false)
	holds("a failure, while somebody asks again", 63*time.Second, false)
}
