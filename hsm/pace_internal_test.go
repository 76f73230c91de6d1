package hsm

import (
	"testing"
	"time"
)

// run lets calls end at the rate that a token has with the present number of sessions, and returns the numbers at the end of the run.
func (p *pace) run(rate func(sessions int) float64, lasts time.Duration) {
	at := time.Unix(0, 0)
	for end := at.Add(lasts); at.Before(end); {
		p.done(at, true)
		at = at.Add(time.Duration(float64(time.Second) / rate(p.width)))
	}
}

// A token that is a round trip away is as fast as it has sessions; one that computes here gains nothing from the third on, and loses by its
// locks; one with four processors of its own is fastest with four.
func TestPaceFindsTheFastestNumber(t *testing.T) {
	tokens := map[string]struct {
		rate     func(sessions int) float64
		from, to int
	}{
		"far":        {func(n int) float64 { return 500 * float64(n) }, 64, 64},
		"here":       {func(n int) float64 { return 15_000 / (1 + 0.05*float64(n)) }, 1, 1},
		"the same":   {func(int) float64 { return 2000 }, 1, 1},
		"four":       {func(n int) float64 { return 900*float64(min(n, 4)) - 20*float64(n) }, 4, 4},
		"smart card": {func(int) float64 { return 2 }, 1, 8}, // one call after the other: windows of half a minute
	}
	for name, c := range tokens {
		for _, first := range []int{1, 8, 64} {
			p := newPace(paceMost)
			p.width = first
			p.run(c.rate, 40*time.Second)
			if name == "smart card" && first > 8 {
				continue
			}
			settled := p.width
			if p.base > 0 { // an attempt is under way
				settled = p.from
			}
			if settled < c.from || settled > c.to {
				t.Errorf("%s, from %d: %d sessions", name, first, settled)
			}
		}
	}
}

// What is learnt is learnt again when the token changes, and nothing is learnt while calls do not wait.
func TestPaceFollowsTheToken(t *testing.T) {
	p := newPace(paceMost)
	p.run(func(int) float64 { return 2000 }, 20*time.Second)
	p.run(func(n int) float64 { return 500 * float64(n) }, 60*time.Second)
	if p.width < 32 {
		t.Errorf("%d sessions of a token that has moved away", p.width)
	}
	idle := newPace(paceMost)
	at := time.Unix(0, 0)
	for n := range 10_000 {
		at = at.Add(time.Millisecond)
		if idle.done(at, n%50 != 0) && idle.calls > 0 {
			t.Fatal("the number changed while calls did not wait")
		}
	}
	if idle.width != paceFirst {
		t.Errorf("%d sessions although calls did not wait", idle.width)
	}
	if one := newPace(1); one.width != 1 {
		t.Errorf("%d sessions of a token with one", one.width)
	} else if one.run(func(int) float64 { return 1000 }, 10*time.Second); one.width != 1 {
		t.Errorf("%d sessions of a token with one", one.width)
	}
}
