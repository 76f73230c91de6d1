package hsm_test

import (
	"crypto"
	"errors"
	"sync"
	"testing"
	"time"

	"qaqpa/hsm"
	"qaqpa/testenv/softhsm"

	"github.com/prometheus/client_golang/prometheus"
)

// A token that was removed under load and put back is as fast as it was: each signature takes the two calls that it took before, no
// session is opened for it, both processes take part, and a batch takes, once within the wait, no longer than half as long again as one of a fleet
// that was opened afterwards and never lost its token. What stays slow for good fails; a busy machine is as busy for the other.
func TestTokenIsAsFastAfterItsReturn(t *testing.T) {
	soft, err := softhsm.New(t.TempDir())
	must(t, err)
	made(t, soft, map[string]hsm.Algorithm{"k": hsm.ECDSAP256})
	plain := *soft
	faulty, err := softhsm.NewFaulty(t.TempDir())
	must(t, err)
	t.Cleanup(func() { _ = faulty.Close() })
	soft.Module = faulty.Module
	registry := prometheus.NewRegistry()
	f := fleetOf(t, func(c *hsm.FleetConfig) {
		c.Registerer, c.Tokens[0].Processes, c.Tokens[0].Seats = registry, 2, 2
	}, soft)
	k := fleetKey(t, f, "k")
	l := startLoad(t, []*hsm.FleetKey{k}, 8)
	l.progress(t, 100)
	must(t, plain.Remove())
	await(t, "a token that is known to be gone", func() bool { return errors.Is(f.Health(t.Context()), hsm.ErrUnavailable) })
	l.allRefused(t)
	must(t, plain.Restore())
	l.progress(t, 100)
	if n := metric(t, registry, "qaqpa_hsm_worker_restarts_total"); n > 0 {
		t.Errorf("%v worker processes were started anew for it: they connect by themselves", n)
	}
	await(t, "both processes", func() bool { return metric(t, registry, "qaqpa_hsm_up") == 2 && f.Health(t.Context()) == nil })
	l.end(t)

	count := func() (n [3]uint64) {
		for i, call := range []int{softhsm.CallSignInit, softhsm.CallSign, softhsm.CallOpenSession} {
			var err error
			n[i], err = faulty.Calls(call)
			must(t, err)
		}
		return n
	}
	signBatch(t, k) // opens the sessions that are not open yet
	begin := count()
	signBatch(t, k)
	end := count()
	if end[0]-begin[0] != batchSize || end[1]-begin[1] != batchSize || end[2]-begin[2] > 4 {
		t.Errorf("%d signatures took %d and %d calls, and opened %d sessions", batchSize, end[0]-begin[0], end[1]-begin[1], end[2]-begin[2])
	}
	fresh := fleetKey(t, fleetOf(t, func(c *hsm.FleetConfig) { c.Tokens[0].Processes, c.Tokens[0].Seats = 2, 2 }, soft), "k")
	signBatch(t, fresh)
	best, other := time.Hour, time.Hour
	await(t, "the speed of a token that was never away", func() bool {
		best, other = min(best, signBatch(t, k)), min(other, signBatch(t, fresh))
		return best < other*3/2
	})
	t.Logf("a batch took %v, and %v in a fleet whose token was never away", best, other)
}

// batchSize is a multiple of the callers.
const batchSize = 320

// signBatch makes signatures with 8 callers and tells how long it took.
func signBatch(t *testing.T, k *hsm.FleetKey) time.Duration {
	t.Helper()
	var all sync.WaitGroup
	begin := time.Now()
	for range 8 {
		all.Go(func() {
			for range batchSize / 8 {
				if _, err := k.Sign(nil, make([]byte, 32), crypto.SHA256); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	return time.Since(begin)
}
