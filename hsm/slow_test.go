package hsm_test

import (
	"testing"

	"qaqpa/hsm"
)

// Of two tokens with the same keys the slow one gets what is left, and its share again when it is as fast as the other.
func TestSlowTokenGetsLess(t *testing.T) {
	p := newTwins(t)
	f := fleetOf(t, nil, p.tokens[:]...)
	must(t, p.faults[0].Delay(20_000))
	l := startLoad(t, []*hsm.FleetKey{fleetKey(t, f, "a"), fleetKey(t, f, "b")}, 4)
	l.progress(t, 50) // until it is known
	before := p.signatures(t)
	l.progress(t, 300)
	after := p.signatures(t)
	if slow, fast := after[0]-before[0], after[1]-before[1]; slow*3 > fast {
		t.Errorf("the slow token made %d signatures, the other one %d", slow, fast)
	}
	must(t, p.faults[0].Delay(0))
	p.works(t, 0)
	p.works(t, 0)
	l.end(t)
	if n := l.refused.Load(); n > 0 {
		t.Errorf("%d calls failed", n)
	}
}
