package hsm_test

import (
	"testing"

	"qaqpa/hsm"

	"github.com/prometheus/client_golang/prometheus"
)

// A token that is a round trip away gets more sessions as long as that makes it faster, and its calls go on meanwhile; a number that the operator
// has set stays.
func TestSessionsAreFoundWhileCallsWait(t *testing.T) {
	p := newTwins(t)
	for _, f := range p.faults {
		must(t, f.Delay(20_000))
	}
	found, set := prometheus.NewRegistry(), prometheus.NewRegistry()
	far := fleetOf(t, func(c *hsm.FleetConfig) { c.Registerer = found }, p.tokens[0])
	fixed := fleetOf(t, func(c *hsm.FleetConfig) { c.Registerer, c.Tokens[0].Seats = set, 4 }, p.tokens[1])
	l := startLoad(t, []*hsm.FleetKey{fleetKey(t, far, "a")}, 100)
	other := startLoad(t, []*hsm.FleetKey{fleetKey(t, fixed, "a")}, 20)
	await(t, "more sessions", func() bool { return metric(t, found, "qaqpa_hsm_sessions") > 8 })
	l.progress(t, 200)
	if n := metric(t, set, "qaqpa_hsm_sessions"); n != 4 {
		t.Errorf("%v sessions in place of the 4 that were set", n)
	}
	l.end(t)
	other.end(t)
	if n := l.refused.Load() + other.refused.Load(); n > 0 {
		t.Errorf("%d calls were refused", n)
	}
}
