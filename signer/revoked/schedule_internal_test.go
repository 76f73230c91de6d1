package revoked

import (
	"testing"
	"time"

	"qaqpa/signer/pkix"
)

// TestNext: when a point is due again, by what is at hand and what has failed.
func TestNext(t *testing.T) {
	now := time.Date(2026, 9, 1, 9, 0, 0, 0, time.UTC)
	c := Config{BaseEvery: time.Hour, DeltaEvery: 10 * time.Minute, RetryMin: 15 * time.Second, RetryMax: 10 * time.Minute}
	list := func(age, left time.Duration) *List {
		return &List{crl: &pkix.CRL{ThisUpdate: now.Add(-age), NextUpdate: now.Add(left)}}
	}
	for _, x := range []struct {
		name     string
		p        point
		from, to time.Duration
	}{
		{"nothing at hand", point{}, 48 * time.Minute, time.Hour},
		{"delta", point{Point: Point{Delta: true}}, 8 * time.Minute, 10 * time.Minute},
		{"own pace", point{Point: Point{Every: 4 * time.Hour}}, 192 * time.Minute, 4 * time.Hour},
		{"far from its end", point{list: list(time.Hour, 100*time.Hour)}, 48 * time.Minute, time.Hour},
		{"open-ended", point{list: &List{crl: &pkix.CRL{ThisUpdate: now}}}, 48 * time.Minute, time.Hour},
		{"near its end: a tenth of its time early", point{list: list(90*time.Minute, 30*time.Minute)}, 18 * time.Minute, 18 * time.Minute},
		{"inside the last tenth", point{list: list(118*time.Minute, 2*time.Minute)}, 15 * time.Second, 315 * time.Second},
		{"past its end", point{list: list(48*time.Hour, -24*time.Hour)}, 15 * time.Second, 315 * time.Second},
		{"delta past its end", point{Point: Point{Delta: true}, list: list(2*time.Hour, -time.Hour)}, 15 * time.Second, 315 * time.Second},
		{"first failure", point{failures: 1}, 7500 * time.Millisecond, 15 * time.Second},
		{"second failure", point{failures: 2}, 15 * time.Second, 30 * time.Second},
		{"sixth failure", point{failures: 6}, 4 * time.Minute, 8 * time.Minute},
		{"many failures", point{failures: 9}, 5 * time.Minute, 10 * time.Minute},
		{"very many failures", point{failures: 1 << 40}, 5 * time.Minute, 10 * time.Minute},
	} {
		for _, roll := range []float64{0, 0.3, 0.999999} {
			d := c.next(&x.p, now, roll).Sub(now)
			if d < x.from || d > x.to || roll == 0 && d != x.from {
				t.Errorf("%s: %s, want %s to %s", x.name, d, x.from, x.to)
			}
		}
		if span := c.next(&x.p, now, 0.999999).Sub(now) - c.next(&x.p, now, 0).Sub(now); span < (x.to-x.from)*9/10 {
			t.Errorf("%s: spread over %s only", x.name, span)
		}
	}
}
