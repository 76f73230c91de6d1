package hsm_test

import (
	"crypto"
	"errors"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"qaqpa/hsm"
	"qaqpa/testenv/softhsm"
)

// TestBenchHSMOverload asks for twice as many signatures as the token makes, by the clock and not by what comes back, with another key that
// asks for little beside it: what is accepted must be answered in bounded time, and the other key must not wait for the first.
// It also compares the rate before a token was removed and after it was restored.
//
//	make bench-hsm
func TestBenchHSMOverload(t *testing.T) {
	if os.Getenv("QAQPA_BENCH") == "" {
		t.Skip("a measurement: make bench-hsm")
	}
	soft, err := softhsm.New(t.TempDir())
	must(t, err)
	made(t, soft, map[string]hsm.Algorithm{"greedy": hsm.RSA2048, "modest": hsm.RSA2048})
	const queue = 64
	f := fleetOf(t, func(cfg *hsm.FleetConfig) {
		cfg.Tokens[0].Processes, cfg.Tokens[0].Seats, cfg.QueueMax = 2, 4, queue
	}, soft)
	greedy, modest := fleetKey(t, f, "greedy"), fleetKey(t, f, "modest")
	signRate(t, greedy, 32)
	capacity := signRate(t, greedy, 32)
	load := startOverload(greedy, 2*capacity)
	time.Sleep(benchRun / 5)
	var waited []time.Duration
	for range 200 {
		begin := time.Now()
		if _, err := modest.Sign(nil, make([]byte, 32), crypto.SHA256); err != nil {
			t.Error(err)
		}
		waited = append(waited, time.Since(begin))
	}
	took, refused := load.end()
	bound := time.Duration(float64(queue+16) / capacity * float64(time.Second))
	t.Logf("capacity %.0f/s, asked %.0f/s: %d answered, %d refused", capacity, 2*capacity, len(took), refused)
	t.Logf("answered within: median %v, 99 %% %v, longest %v; the full queue alone takes %v", share(took, 0.5), share(took, 0.99), share(took, 1), bound)
	t.Logf("the modest key: median %v, 99 %% %v", share(waited, 0.5), share(waited, 0.99))
	report(t, "hsm/overload/p99 of a full queue (1/s)", 1/share(took, 0.99).Seconds(), "4 times what a full queue takes", 1/(4*bound.Seconds()), 1)
	report(t, "hsm/overload/p99 of the modest key (1/s)", 1/share(waited, 0.99).Seconds(), "what a full queue takes", 1/bound.Seconds(), 1)

	must(t, soft.Remove())
	await(t, "a token that is known to be gone", func() bool {
		_, err := greedy.Sign(nil, make([]byte, 32), crypto.SHA256)
		return errors.Is(err, hsm.ErrUnavailable)
	})
	must(t, soft.Restore())
	await(t, "the token", func() bool {
		_, err := greedy.Sign(nil, make([]byte, 32), crypto.SHA256)
		return err == nil
	})
	await(t, "both processes", func() bool { return f.Health(t.Context()) == nil })
	signRate(t, greedy, 32)
	report(t, "hsm/after the token came back", signRate(t, greedy, 32), "before it was removed", capacity, 0.9)
}

// overload asks for signatures at times that do not depend on the answers.
type overload struct {
	stop    chan struct{}
	pacer   sync.WaitGroup
	calls   sync.WaitGroup
	mu      sync.Mutex
	took    []time.Duration
	refused atomic.Int64
}

func startOverload(k *hsm.FleetKey, perSecond float64) *overload {
	o := &overload{stop: make(chan struct{})}
	o.pacer.Go(func() {
		begin, asked := time.Now(), 0
		for tick := time.NewTicker(time.Millisecond); ; {
			select {
			case <-o.stop:
				tick.Stop()
				return
			case <-tick.C:
			}
			for due := int(perSecond * time.Since(begin).Seconds()); asked < due; asked++ {
				scheduled := begin.Add(time.Duration(float64(asked) / perSecond * float64(time.Second)))
				o.calls.Go(func() { o.one(k, scheduled) })
			}
		}
	})
	return o
}

func (o *overload) one(k *hsm.FleetKey, scheduled time.Time) {
	if _, err := k.Sign(nil, make([]byte, 32), crypto.SHA256); err != nil {
		o.refused.Add(1)
		return
	}
	took := time.Since(scheduled)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.took = append(o.took, took)
}

func (o *overload) end() ([]time.Duration, int64) {
	close(o.stop)
	o.pacer.Wait()
	o.calls.Wait()
	return o.took, o.refused.Load()
}

// share is the time within which that share of all is.
func share(all []time.Duration, part float64) time.Duration {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[min(len(all)-1, int(part*float64(len(all))))]
}
