package hsm_test

import (
	"context"
	"crypto"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"qaqpa/hsm"
	"qaqpa/testenv/softhsm"

	"github.com/miekg/pkcs11"
	"github.com/prometheus/client_golang/prometheus"
)

// twins is two tokens with the same keys, each behind a module of its own that goes wrong when it is told to.
type twins struct {
	tokens [2]*softhsm.Token
	faults [2]*softhsm.Faulty
	starts uint64 // how often the first module had been initialised when the test looked last
}

func newTwins(t *testing.T) *twins {
	t.Helper()
	soft, err := softhsm.New(t.TempDir())
	must(t, err)
	made(t, soft, map[string]hsm.Algorithm{"a": hsm.ECDSAP256, "b": hsm.Ed25519})
	twin, err := soft.Replica("second")
	must(t, err)
	p := &twins{tokens: [2]*softhsm.Token{soft, twin}}
	for i := range p.faults {
		p.faults[i], err = softhsm.NewFaulty(t.TempDir())
		must(t, err)
		t.Cleanup(func() { _ = p.faults[i].Close() })
		p.tokens[i].Module = p.faults[i].Module
	}
	return p
}

// signatures is how many each token has made.
func (p *twins) signatures(t *testing.T) (n [2]uint64) {
	t.Helper()
	for i, f := range p.faults {
		var err error
		n[i], err = f.Calls(softhsm.CallSign)
		must(t, err)
	}
	return n
}

// await waits for a condition; it fails the test when it does not come.
func await(t *testing.T, what string, reached func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !reached(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for: %s", what)
		}
	}
}

// works waits until the token with the number makes signatures again under the load.
func (p *twins) works(t *testing.T, i int) {
	t.Helper()
	before := p.signatures(t)[i]
	await(t, "signatures of a token that is well again", func() bool { return p.signatures(t)[i] > before+10 })
}

func quick(cfg *hsm.FleetConfig) { cfg.Stall = 400 * time.Millisecond }

// Whatever happens to one of two tokens, no caller sees any of it, and the token serves again when it is well.
func TestFleetGoesOnWithOneToken(t *testing.T) {
	p := newTwins(t)
	registry := prometheus.NewRegistry()
	f := fleetOf(t, func(c *hsm.FleetConfig) { quick(c); c.Registerer = registry }, p.tokens[:]...)
	keys := []*hsm.FleetKey{fleetKey(t, f, "a"), fleetKey(t, f, "b")}
	sick := p.faults[0]
	codes := map[string]uint64{
		"DEVICE_REMOVED": pkcs11.CKR_DEVICE_REMOVED, "SESSION_HANDLE_INVALID": pkcs11.CKR_SESSION_HANDLE_INVALID,
		"SESSION_COUNT": pkcs11.CKR_SESSION_COUNT, "USER_NOT_LOGGED_IN": pkcs11.CKR_USER_NOT_LOGGED_IN,
		"SESSION_CLOSED": pkcs11.CKR_SESSION_CLOSED, "DEVICE_ERROR": pkcs11.CKR_DEVICE_ERROR, "TOKEN_NOT_PRESENT": pkcs11.CKR_TOKEN_NOT_PRESENT,
		"CRYPTOKI_NOT_INITIALIZED": pkcs11.CKR_CRYPTOKI_NOT_INITIALIZED, "FUNCTION_FAILED": pkcs11.CKR_FUNCTION_FAILED,
		"KEY_HANDLE_INVALID": pkcs11.CKR_KEY_HANDLE_INVALID, "PIN_LOCKED": pkcs11.CKR_PIN_LOCKED, "of a vendor": pkcs11.CKR_VENDOR_DEFINED | 7,
	}
	l := startLoad(t, keys, 6)
	p.works(t, 0)
	p.works(t, 1)
	for name, code := range codes {
		must(t, sick.Fail(softhsm.CallSign, code, 3))
		p.works(t, 1)
		p.works(t, 0)
		if n := l.refused.Load(); n > 0 {
			t.Fatalf("%s: %d calls failed", name, n)
		}
	}
	for name, fault := range map[string][2]func() error{
		"wrong signatures": {func() error { return sick.Wrong(2) }, func() error { return sick.Wrong(0) }},
		"crashes":          {func() error { return sick.Crash(true) }, func() error { return sick.Crash(false) }},
		"freezes":          {func() error { return sick.Freeze(true) }, func() error { return sick.Freeze(false) }},
		"is removed":       {p.tokens[0].Remove, p.tokens[0].Restore},
	} {
		counts := func() [3]float64 {
			starts, err := sick.Calls(softhsm.CallInitialize)
			must(t, err)
			return [3]float64{metric(t, registry, "qaqpa_hsm_wrong_signatures_total"), metric(t, registry, "qaqpa_hsm_worker_restarts_total"), float64(starts)}
		}
		before := counts()
		must(t, fault[0]())
		await(t, "a token of which "+name+" is seen", func() bool { // a wrong signature, a worker that was killed or one that started anew
			after := counts()
			return after[0] > before[0] || after[1] > before[1] || after[2] > before[2]
		})
		p.works(t, 1)
		if name == "is removed" {
			await(t, "the state of the token that is gone", func() bool {
				s := f.Tokens()
				return len(s) == 2 && s[0].Usable == 0 && s[0].Processes == 1 && !s[0].Since.IsZero() && s[0].Problem != "" && s[0].Trouble == hsm.TroubleAbsent &&
					s[1].Usable == 1 && s[1].Trouble == ""
			})
		}
		must(t, fault[1]())
		p.works(t, 0)
		if n := l.refused.Load(); n > 0 {
			t.Fatalf("%s: %d calls failed", name, n)
		}
	}
	l.end(t)
	if metric(t, registry, "qaqpa_hsm_worker_restarts_total") == 0 || metric(t, registry, "qaqpa_hsm_wrong_signatures_total") == 0 {
		t.Error("the metrics tell nothing of what happened")
	}
	if n := metric(t, registry, "qaqpa_hsm_signatures_total"); n < float64(l.good.Load()) {
		t.Errorf("the metrics count %v signatures of %d", n, l.good.Load())
	}
}

// With one token alone calls wait for its next worker process, as far as their deadlines go.
func TestWorkerIsReplacedUnderCalls(t *testing.T) {
	p := newTwins(t)
	f := fleetOf(t, quick, p.tokens[0])
	keys := []*hsm.FleetKey{fleetKey(t, f, "a"), fleetKey(t, f, "b")}
	l := startLoad(t, keys, 4)
	for range 3 {
		l.progress(t, 50)
		must(t, p.faults[0].Crash(true))
		await(t, "a worker that starts anew", func() bool { return p.initialised(t) })
		must(t, p.faults[0].Crash(false))
		l.progress(t, 50)
		must(t, p.faults[0].Freeze(true))
		await(t, "a worker that starts anew", func() bool { return p.initialised(t) })
		must(t, p.faults[0].Freeze(false))
	}
	l.progress(t, 50)
	l.end(t)
	if n := l.refused.Load(); n > 0 {
		t.Errorf("%d calls failed although the token came back before their deadlines", n)
		l.why.Range(func(why, _ any) bool { t.Error(why); return true })
	}
}

// initialised tells whether the first module was initialised again since the last call.
func (p *twins) initialised(t *testing.T) bool {
	t.Helper()
	n, err := p.faults[0].Calls(softhsm.CallInitialize)
	must(t, err)
	before := p.starts
	p.starts = n
	return before != 0 && n > before
}

// A token that never answers again costs its callers their deadline at most, and the process none of its threads.
func TestFrozenFleetHoldsDeadlines(t *testing.T) {
	p := newTwins(t)
	f := fleetOf(t, func(c *hsm.FleetConfig) { c.CallTimeout, c.Stall, c.QueueMax = 2*time.Second, 400*time.Millisecond, 64 }, p.tokens[0])
	k := fleetKey(t, f, "a")
	sign(t, []*hsm.FleetKey{k})
	before := threads(t)
	must(t, p.faults[0].Freeze(true))
	var calls sync.WaitGroup
	errs := make([]error, 1000)
	for i := range errs {
		calls.Go(func() { _, errs[i] = k.Sign(nil, make([]byte, 32), crypto.SHA256) })
	}
	calls.Wait()
	busy := 0
	for _, err := range errs {
		var overload *hsm.OverloadError
		switch {
		case errors.As(err, &overload):
			if busy++; overload.RetryAfter() <= 0 {
				t.Error("a refusal does not say when to come again")
			}
		case !errors.Is(err, hsm.ErrUnavailable) && !errors.Is(err, hsm.ErrBusy):
			t.Errorf("frozen token: %v", err)
		}
	}
	if busy < 500 { // who comes after the first ones gave up is told that the token does not answer
		t.Errorf("%d of 1000 calls were refused at once with a queue of 64", busy)
	}
	if n := threads(t) - before; n > 40 {
		t.Errorf("1000 calls on a frozen token cost %d threads", n)
	}
	must(t, p.faults[0].Freeze(false))
	signEventually(t, []*hsm.FleetKey{k})
}

// A key with two hundred callers leaves one with ten its share, which is not what their numbers would give.
func TestNoKeyStarvesAnother(t *testing.T) {
	p := newTwins(t)
	must(t, p.faults[0].Delay(500))
	f := fleetOf(t, func(c *hsm.FleetConfig) { c.Tokens[0].Seats = 2 }, p.tokens[0])
	greedy, modest := fleetKey(t, f, "a"), fleetKey(t, f, "b")
	l := startLoad(t, []*hsm.FleetKey{greedy}, 200)
	l.progress(t, 20)
	before := l.good.Load()
	const n = 200
	var calls sync.WaitGroup
	for range 10 {
		calls.Go(func() {
			for range n / 10 {
				if _, err := modest.Sign(nil, make([]byte, 32), crypto.Hash(0)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	calls.Wait()
	if others := l.good.Load() - before; others > 8*n { // twenty times as many when first come is first served
		t.Errorf("%d signatures of the other key while this one made %d", others, n)
	}
	l.end(t)
}

func TestFleetRefusesWhatIsTooMuch(t *testing.T) {
	p := newTwins(t)
	f := fleetOf(t, func(c *hsm.FleetConfig) {
		c.Limits = map[string]hsm.KeyLimits{"a": {PerSecond: 0.01}, "b": {QueueMax: 1}}
		c.CallTimeout, c.Stall, c.Tokens[0].Seats = time.Minute, time.Minute, 1
	}, p.tokens[0])
	limited, short := fleetKey(t, f, "a"), fleetKey(t, f, "b")
	refused := 0
	for range 10 {
		_, err := limited.Sign(nil, make([]byte, 32), crypto.SHA256)
		var overload *hsm.OverloadError
		switch {
		case errors.As(err, &overload):
			if refused++; overload.Key != "a" || overload.RetryAfter() <= 0 || overload.RetryAfter() > 100*time.Second {
				t.Errorf("got %v", overload)
			}
		case err != nil:
			t.Error(err)
		}
	}
	if refused != 9 {
		t.Errorf("%d of 10 signatures were refused with one allowed in 100 seconds", refused)
	}
	must(t, p.faults[0].Freeze(true))
	var calls sync.WaitGroup
	var busy atomic.Int64
	for range 20 {
		calls.Go(func() {
			if _, err := short.Sign(nil, make([]byte, 32), crypto.Hash(0)); errors.Is(err, hsm.ErrBusy) {
				busy.Add(1)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
	await(t, "the refusals", func() bool { return busy.Load() >= 18 })
	must(t, p.faults[0].Freeze(false))
	calls.Wait()
	if n := busy.Load(); n != 18 {
		t.Errorf("%d of 20 were refused with one seat and one place to wait", n)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := short.SignContext(cancelled, make([]byte, 32), crypto.Hash(0)); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestFleetTriesAWrongPINOnce(t *testing.T) {
	p := newTwins(t)
	right := p.tokens[0].PIN
	p.tokens[0].PIN = "9999"
	two := func(c *hsm.FleetConfig) { quick(c); c.Tokens[0].Processes = 3 }
	if _, err := tryFleet(t, two, p.tokens[0]); !errors.Is(err, hsm.ErrWrongPIN) {
		t.Errorf("got %v", err)
	}
	n, err := p.faults[0].Calls(softhsm.CallLogin)
	must(t, err)
	if n != 1 {
		t.Errorf("the wrong PIN was tried %d times", n)
	}
	// With a second token that is well the fleet serves, and the PIN is not tried on, however long it takes.
	f := fleetOf(t, two, p.tokens[:]...)
	k := fleetKey(t, f, "a")
	for range 50 {
		sign(t, []*hsm.FleetKey{k})
	}
	m, err := p.faults[0].Calls(softhsm.CallLogin)
	must(t, err)
	if m-n != 1 {
		t.Errorf("a new fleet tried the wrong PIN %d times", m-n)
	}
	p.tokens[0].PIN = right
}

func TestFleetNeedsOneGoodToken(t *testing.T) {
	p := newTwins(t)
	missing := *p.tokens[0]
	missing.Module = "/nothing.so"
	if _, err := tryFleet(t, nil, &missing); !errors.Is(err, hsm.ErrModule) {
		t.Errorf("missing module: %v", err)
	}
	nobody := *p.tokens[0]
	nobody.Label = "nobody"
	if _, err := tryFleet(t, nil, &nobody); !errors.Is(err, hsm.ErrTokenNotFound) {
		t.Errorf("unknown label: %v", err)
	}
	sign(t, []*hsm.FleetKey{fleetKey(t, fleetOf(t, nil, &missing, &nobody, p.tokens[1]), "a")})
	for name, change := range map[string]func(*hsm.FleetConfig){
		"no token":    func(c *hsm.FleetConfig) { c.Tokens = nil },
		"twice":       func(c *hsm.FleetConfig) { c.Tokens = append(c.Tokens, c.Tokens[0]) },
		"no PIN":      func(c *hsm.FleetConfig) { c.Tokens[0].PIN = "" },
		"processes":   func(c *hsm.FleetConfig) { c.Tokens[0].Processes = 17 },
		"threads":     func(c *hsm.FleetConfig) { c.Tokens[0].Processes, c.Tokens[0].Seats = 16, 257 },
		"no program":  func(c *hsm.FleetConfig) { c.Worker = []string{"/nothing"} },
		"no worker":   func(c *hsm.FleetConfig) { c.Worker, c.CallTimeout = []string{"/bin/true"}, time.Second },
		"never stall": func(c *hsm.FleetConfig) { c.Stall = -1 },
	} {
		if _, err := tryFleet(t, change, p.tokens[1]); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

// Another key under the label of one that is in use: it is never asked, on a token that comes later nor on one that comes back.
func TestFleetNeverMixesKeys(t *testing.T) {
	p := newTwins(t)
	f := fleetOf(t, quick, p.tokens[:]...)
	k := fleetKey(t, f, "a")
	l := startLoad(t, []*hsm.FleetKey{k}, 4)
	l.progress(t, 20)
	plain := *p.tokens[0]
	var err error
	plain.Module, err = softhsm.ModulePath()
	must(t, err)
	must(t, p.tokens[0].Remove())
	must(t, p.tokens[0].Restore())
	must(t, plain.Reinitialise())
	made(t, &plain, map[string]hsm.Algorithm{"a": hsm.ECDSAP256, "b": hsm.Ed25519})
	l.progress(t, 200)
	l.end(t)
	if n := l.refused.Load(); n > 0 {
		t.Errorf("%d calls failed", n)
	}
	must(t, f.Close())
	other := fleetOf(t, nil, p.tokens[:]...)
	if _, err := other.Key(t.Context(), hsm.Ref{Label: "a"}); !errors.Is(err, hsm.ErrKeyChanged) {
		t.Errorf("two tokens with different keys of one label: %v", err)
	}
}

func TestRecordComesBeforeTheSignature(t *testing.T) {
	p := newTwins(t)
	f := fleetOf(t, nil, p.tokens[0])
	var seen []hsm.Use
	refuse := errors.New("the log is full")
	k := fleetKey(t, f, "a").Recorded(func(_ context.Context, u hsm.Use) error {
		if seen = append(seen, u); len(seen) > 1 {
			return refuse
		}
		return nil
	})
	if _, err := k.Sign(nil, make([]byte, 32), crypto.SHA256); err != nil {
		t.Fatal(err)
	}
	if signature, err := k.Sign(nil, make([]byte, 32), crypto.SHA256); !errors.Is(err, refuse) || signature != nil {
		t.Errorf("a signature that could not be recorded left: %x, %v", signature, err)
	}
	if len(seen) != 2 || seen[0].Key != "a" || seen[0].Token != p.tokens[0].Label || seen[0].Mechanism != "ECDSA" {
		t.Errorf("recorded %+v", seen)
	}
}

// Two round trips for a signature: nothing is looked for, asked or opened again.
func TestFleetSignatureTakesTwoCalls(t *testing.T) {
	p := newTwins(t)
	f := fleetOf(t, func(c *hsm.FleetConfig) { c.Tokens[0].Seats = 1 }, p.tokens[0])
	keys := []*hsm.FleetKey{fleetKey(t, f, "a"), fleetKey(t, f, "b")}
	sign(t, keys)
	count := func() (n [3]uint64) {
		for i, call := range []int{softhsm.CallSignInit, softhsm.CallSign, softhsm.CallOpenSession} {
			var err error
			n[i], err = p.faults[0].Calls(call)
			must(t, err)
		}
		return n
	}
	before := count()
	for range 10 {
		sign(t, keys)
	}
	after := count()
	if after[0]-before[0] != 20 || after[1]-before[1] != 20 || after[2] != before[2] {
		t.Errorf("20 signatures took %d, %d and %d calls", after[0]-before[0], after[1]-before[1], after[2]-before[2])
	}
}
