package hsm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// FleetConfig says which tokens serve together.
type FleetConfig struct {
	// Tokens are the tokens, at least one. A key that stands in several of them, the same key under the same label or id, is
	// used on all: load is shared, and when one fails the others go on.
	Tokens []FleetToken
	// Worker is the command that runs RunWorker; empty means this program with the argument "hsm-worker".
	Worker []string
	// CallTimeout is the longest that one call may take, waiting included, when its context allows more; 0 means 5 s.
	CallTimeout time.Duration
	// Stall is how long a call may be in a module before its worker process is killed and started anew; 0 means a quarter of
	// CallTimeout. It has to be longer than the token's slowest signature.
	Stall time.Duration
	// QueueMax bounds the calls of one key that wait for a token; 0 means 1024.
	QueueMax int
	// Limits are those of single keys, by label; keys without an entry have QueueMax and weight 1.
	Limits map[string]KeyLimits
	// GOST is that of Config.
	GOST ParseGOST
	// Log gets what happens to tokens; nil means no log. Worker processes write theirs to Stderr.
	Log *slog.Logger
	// Stderr is where worker processes log, best a file; nil means the standard error of this process.
	Stderr io.Writer
	// Registerer gets the metrics; nil means none.
	Registerer prometheus.Registerer
}

// FleetToken is one token of a fleet.
type FleetToken struct {
	Module string
	// Label names the token as Config.Token does: by its label, serial number or slot.
	Label string
	PIN   string
	// Arguments are those of Config.
	Arguments string
	// Processes is how many worker processes share the token; 0 means 1. Modules with locks of their own, such as SoftHSM,
	// sign faster from two.
	Processes int
	// Seats is the number of calls at once in each process; 0 means that the number which is fastest, up to 64, is found while calls wait.
	Seats int
}

// most is how many calls at once a process has at most.
func (t FleetToken) most() int {
	if t.Seats == 0 {
		return paceMost
	}
	return t.Seats
}

// LogValue hides the PIN.
func (t FleetToken) LogValue() slog.Value {
	return slog.GroupValue(slog.String("module", t.Module), slog.String("token", t.Label))
}

// String hides the PIN.
func (t FleetToken) String() string { return t.LogValue().String() }

// KeyLimits are the bounds of one key.
type KeyLimits struct {
	// PerSecond bounds its signatures on the average of a second; 0 means no bound.
	PerSecond float64
	// QueueMax bounds the calls that wait; 0 means FleetConfig.QueueMax.
	QueueMax int
	// Weight is its share of tokens that are fully used, in time, relative to other keys; 0 means 1.
	Weight float64
}

// Limits of FleetConfig.
const (
	fleetTokens     = 64
	fleetProcesses  = 16
	fleetThreads    = 4096 // all seats together, far below the 10,000 threads at which a Go process dies
	defaultKeyQueue = 1024
)

// Fleet is a set of tokens, each served by worker processes of its own. All methods may be called from any number of goroutines.
type Fleet struct {
	cfg     FleetConfig
	pins    *pins
	metrics *fleetMetrics
	quit    chan struct{}
	running sync.WaitGroup

	mu      sync.Mutex // guards what follows, and the members' and keys' state
	members []*member
	keys    map[string]*sharedKey
	virtual float64 // virtual time of the fair queues
	closed  bool
}

// OpenFleet starts the workers and waits until each token is connected or known not to be. One that is not comes in later by
// itself.
//
// Errors, when no token can be used: those of [Open], joined.
func OpenFleet(ctx context.Context, cfg FleetConfig) (*Fleet, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	f := &Fleet{cfg: cfg, pins: newPins(), quit: make(chan struct{}), keys: make(map[string]*sharedKey)}
	if f.metrics, err = newFleetMetrics(cfg.Registerer); err != nil {
		return nil, fmt.Errorf("couldn't register the metrics: %w", err)
	}
	for _, t := range cfg.Tokens {
		m, err := newMetrics(cfg.Registerer, t.Label)
		if err != nil {
			return nil, fmt.Errorf("couldn't register the metrics: %w", err)
		}
		pins := &pinMemory{}
		for i := range t.Processes {
			n := &member{fleet: f, cfg: t, index: i, metrics: m, pins: pins, settled: make(chan struct{})}
			if t.Seats == 0 {
				n.pace = newPace(paceMost)
			}
			if n.first = n; i > 0 {
				n.first = f.members[len(f.members)-1].first
			}
			f.members = append(f.members, n)
		}
	}
	for _, m := range f.members {
		f.running.Go(m.run)
	}
	f.running.Go(f.watch)
	if err := f.settle(ctx); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func (c FleetConfig) withDefaults() (FleetConfig, error) {
	if len(c.Tokens) == 0 || len(c.Tokens) > fleetTokens {
		return c, fmt.Errorf("a fleet has 1 to %d tokens", fleetTokens)
	}
	one := Config{CallTimeout: c.CallTimeout, QueueMax: c.QueueMax}
	threads, seen := 0, map[[2]string]bool{}
	c.Tokens = slices.Clone(c.Tokens)
	for i := range c.Tokens {
		t := &c.Tokens[i]
		one.Module, one.Token, one.PIN, one.SessionsMax = t.Module, t.Label, t.PIN, t.Seats
		checked, err := one.withDefaults()
		if err != nil {
			return c, fmt.Errorf("couldn't use token %q: %w", t.Label, err)
		}
		if t.Processes == 0 {
			t.Processes = 1
		}
		threads += t.Processes * t.most()
		switch name := [2]string{t.Module, t.Label}; {
		case t.Processes < 0 || t.Processes > fleetProcesses:
			return c, fmt.Errorf("token %q: Processes must be 0 to %d", t.Label, fleetProcesses)
		case seen[name]:
			return c, fmt.Errorf("token %q is given twice", t.Label)
		default:
			seen[name] = true
		}
		c.CallTimeout = checked.CallTimeout
	}
	switch {
	case threads > fleetThreads:
		return c, fmt.Errorf("all tokens together have %d seats, at most %d are allowed", threads, fleetThreads)
	case c.Stall < 0:
		return c, errors.New("setting Stall is negative")
	}
	if c.Stall == 0 {
		c.Stall = c.CallTimeout / 4
	}
	if c.QueueMax == 0 {
		c.QueueMax = defaultKeyQueue
	}
	return c.withSurroundings()
}

func (c FleetConfig) withSurroundings() (FleetConfig, error) {
	if len(c.Worker) == 0 {
		self, err := os.Executable()
		if err != nil {
			return c, fmt.Errorf("couldn't find this program to run workers: %w", err)
		}
		c.Worker = []string{self, "hsm-worker"}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Stderr == nil {
		c.Stderr = os.Stderr
	}
	return c, nil
}

// settle waits until each member is up or down for the first time.
func (f *Fleet) settle(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, f.cfg.CallTimeout)
	defer cancel()
	for _, m := range f.members {
		select {
		case <-m.settled:
		case <-ctx.Done():
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var errs []error
	for _, m := range f.members {
		switch m.state {
		case up:
			return nil
		case down:
			errs = append(errs, m.err)
		case starting:
			errs = append(errs, late(ctx, ErrUnavailable, fmt.Sprintf("token %q did not answer", m.cfg.Label)))
		}
	}
	return errors.Join(errs...)
}

// Close ends the fleet: calls that wait are refused with ErrClosed, and the worker processes end with whatever they do.
func (f *Fleet) Close() error {
	f.mu.Lock()
	if f.closed {
		f.mu.Unlock()
		return nil
	}
	f.closed = true
	for _, k := range f.keys {
		for _, t := range k.queue {
			t.end(nil, ErrClosed)
		}
		k.queue = nil
	}
	close(f.quit)
	f.mu.Unlock()
	f.running.Wait()
	return nil
}

// Health asks every token that is connected, and is nil when each key that was opened can be used on one of them.
// Errors: ErrUnavailable, ErrKeyNotFound, ErrKeyChanged, ErrClosed.
func (f *Fleet) Health(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, f.cfg.CallTimeout)
	defer cancel()
	well := make(map[*member]bool)
	var (
		mu   sync.Mutex
		all  sync.WaitGroup
		errs []error
	)
	for _, m := range f.members {
		all.Go(func() {
			_, err := m.ask(ctx, opHealth, nil)
			mu.Lock()
			defer mu.Unlock()
			if well[m] = err == nil; err != nil {
				errs = append(errs, fmt.Errorf("token %q: %w", m.cfg.Label, err))
			}
		})
	}
	all.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return ErrClosed
	}
	if len(errs) == len(f.members) {
		return errors.Join(errs...)
	}
	for _, k := range f.keys {
		usable := func(m *member) bool { return well[m] && k.places[m] != nil && k.places[m].err == nil }
		if !slices.ContainsFunc(f.members, usable) {
			return fmt.Errorf("key %q can be used on no token: %w", k.ref, errors.Join(append(errs, k.problems()...)...))
		}
	}
	return nil
}

// problems are why the key cannot be used where it was looked for.
func (k *sharedKey) problems() (errs []error) {
	for m, p := range k.places {
		if p.err != nil {
			errs = append(errs, fmt.Errorf("token %q: %w", m.cfg.Label, p.err))
		}
		if p.wrong > 1 {
			errs = append(errs, fmt.Errorf("token %q: %w", m.cfg.Label, ErrWrongSignature))
		}
	}
	return append(errs, ErrUnavailable)
}

// watchMin is the shortest pause between looks at the workers.
const watchMin = 5 * time.Millisecond

// watch is the watchdog: it kills workers whose calls do not return, and has keys looked for again where they were missing.
func (f *Fleet) watch() {
	tick := time.NewTicker(max(watchMin, f.cfg.Stall/8))
	defer tick.Stop()
	for {
		select {
		case <-f.quit:
			return
		case now := <-tick.C:
			for _, m := range f.members {
				m.inspect(now)
			}
			f.turn(func() {})
		}
	}
}

// turn changes state under the lock, then sends out what can be sent.
func (f *Fleet) turn(change func()) {
	f.mu.Lock()
	change()
	f.sweep()
	send := f.pump()
	f.mu.Unlock()
	sendAll(send)
}

// sortedKeys are the keys in an order that does not change, by name.
func (f *Fleet) sortedKeys() []*sharedKey {
	names := slices.Sorted(maps.Keys(f.keys))
	out := make([]*sharedKey, len(names))
	for i, n := range names {
		out[i] = f.keys[n]
	}
	return out
}
