package hsm

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// Token is an open token. All methods may be called from any number of goroutines.
type Token struct {
	cfg     Config
	lib     *library
	metrics *metrics

	state   atomic.Pointer[state]
	reports chan loss     // from whoever voided a connection to the supervisor
	queue   chan *job     // calls that wait for a session
	workers []*worker     // SessionsMax of them
	seats   []*worker     // Config.seats of them: not served from the queue
	opened  time.Time     // start of the workers' monotonic clock
	quit    chan struct{} // closed by Close
	closing sync.Once
	running sync.WaitGroup // workers, the supervisor and ceremonies
	stopped chan struct{}  // closed when all of these have ended and the library is released

	mu   sync.Mutex // guards keys
	keys map[string]*Key

	pins   *pins
	making chan struct{} // holds one while objects are made or changed, so that two cannot take one label
}

// state is where a token stands: up (conn), being connected (neither), or down (err). It is replaced, never changed.
type state struct {
	conn    *conn
	err     error
	changed chan struct{} // closed when the state is replaced
}

// loss tells the supervisor why a connection was voided.
type loss struct {
	conn  *conn
	fault fault
	cause error
}

// Waits between attempts to get a lost token back.
const (
	retryFirst = 50 * time.Millisecond
	retryMax   = 2 * time.Second
)

// Open loads the module, finds the token by its name and logs in. ctx bounds the wait; a login that the token refuses
// is not repeated.
//
// Errors: [ErrModule], [ErrTokenNotFound], [ErrTokenAmbiguous], [ErrWrongPIN], [ErrPINLocked], [ErrUnavailable].
func Open(ctx context.Context, cfg Config) (*Token, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("couldn't open token %q: %w", cfg.Token, err)
	}
	m, err := newMetrics(cfg.Registerer, cfg.Token)
	if err != nil {
		return nil, fmt.Errorf("couldn't register the metrics: %w", err)
	}
	lib, err := acquire(cfg.Module, cfg.Arguments)
	if err != nil {
		return nil, fmt.Errorf("couldn't open token %q: %w", cfg.Token, err)
	}
	t := newToken(cfg, lib, m)
	first := t.state.Load()
	t.start()
	select {
	case <-first.changed:
		err = t.state.Load().err
	case <-ctx.Done():
		err = late(ctx, ErrUnavailable, "the module did not answer")
	}
	if err != nil {
		_ = t.Close()
		return nil, fmt.Errorf("couldn't open token %q: %w", cfg.Token, err)
	}
	return t, nil
}

func newToken(cfg Config, lib *library, m *metrics) *Token {
	t := &Token{
		cfg: cfg, lib: lib, metrics: m,
		reports: make(chan loss, 1),
		queue:   make(chan *job, cfg.QueueMax),
		quit:    make(chan struct{}),
		stopped: make(chan struct{}),
		keys:    make(map[string]*Key),
		pins:    newPins(),
		making:  make(chan struct{}, 1),
		opened:  time.Now(), //nolint:forbidigo // a monotonic reading to measure calls by, never shown as a date
	}
	for i := range cfg.SessionsMax {
		t.workers = append(t.workers, &worker{token: t, index: i})
	}
	for i := range cfg.seats {
		t.seats = append(t.seats, &worker{token: t, index: i})
	}
	t.state.Store(&state{changed: make(chan struct{})})
	return t
}

// start sets the supervisor and the workers going.
func (t *Token) start() {
	t.running.Go(t.supervise)
	for _, w := range t.workers {
		t.running.Go(w.run)
	}
	t.lib.join(t)
	go func() {
		t.running.Wait()
		t.lib.part(t)
		t.lib.release()
		close(t.stopped)
	}()
}

// Close ends the token: calls that wait are refused with ErrClosed, calls in flight are waited for. When one does not
// return within CallTimeout, Close returns ErrUnavailable and the library stays as it is until the call returns. The
// process stays logged in while another Token is open on the same token.
func (t *Token) Close() error {
	t.closing.Do(func() { close(t.quit) })
	timer := time.NewTimer(t.cfg.CallTimeout)
	defer timer.Stop()
	select {
	case <-t.stopped:
		return nil
	case <-timer.C:
		return fmt.Errorf("couldn't close token %q: %w: a call does not return", t.cfg.Token, ErrUnavailable)
	}
}

// Health asks the token whether it is there, logged in to, and holds every key that was opened.
// Errors: ErrUnavailable, ErrBusy, ErrKeyNotFound, ErrKeyChanged, ErrClosed.
func (t *Token) Health(ctx context.Context) error {
	t.mu.Lock()
	keys := make([]*Key, 0, len(t.keys))
	for _, k := range t.keys {
		keys = append(keys, k)
	}
	t.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, t.cfg.CallTimeout)
	defer cancel()
	err := t.call(ctx, func(s session) error {
		if err := s.check(t.cfg.Token); err != nil {
			return err
		}
		for _, k := range keys {
			if _, err := k.find(s); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("token %q is not healthy: %w", t.cfg.Token, err)
	}
	return nil
}

// up returns the connection, after waiting for one that is being made. gone ends the wait.
func (t *Token) up(gone <-chan struct{}) (*conn, error) {
	for {
		s := t.state.Load()
		switch {
		case s.err != nil:
			return nil, fmt.Errorf("%w: %w", ErrUnavailable, s.err)
		case s.conn != nil:
			return s.conn, nil
		}
		select {
		case <-s.changed:
		case <-gone:
			return nil, fmt.Errorf("%w: it is being connected", ErrUnavailable)
		case <-t.quit:
			return nil, ErrClosed
		}
	}
}

// suspect voids the connection c, unless that was done already, and has the supervisor make another one.
func (t *Token) suspect(c *conn, f fault, cause error) {
	old := t.state.Load()
	if old.conn != c {
		return
	}
	if t.state.CompareAndSwap(old, &state{changed: make(chan struct{})}) {
		t.note(state{})
		close(old.changed)
		t.reports <- loss{conn: c, fault: f, cause: cause} // its one place is free: c was voided once
	}
}

// publish replaces the state; the supervisor alone calls it, and only while there is no connection.
func (t *Token) publish(s *state) {
	s.changed = make(chan struct{})
	old := t.state.Swap(s)
	t.note(*s)
	close(old.changed)
}

func (t *Token) note(s state) {
	if t.cfg.noted != nil {
		t.cfg.noted(s)
	}
}

// supervise owns the connection: it makes the first one, and a new one whenever one was voided.
func (t *Token) supervise() {
	seen, afresh := t.lib.current.Load(), false
	wait := retryFirst
	for tries := 0; ; tries++ {
		c, err := t.attempt(func() (*conn, error) { return t.recover(seen, afresh, tries > 0) })
		if err == nil {
			t.found(c)
			select {
			case r := <-t.reports:
				t.noteLoss(r)
				seen, afresh = c.generation, r.fault == faultToken || !c.proven.Load()
			case <-t.quit:
				t.leave(c)
				return
			}
			wait, tries = retryFirst, 0
			continue
		}
		select {
		case <-t.quit:
			return
		default:
		}
		t.lost(err)
		if !t.pause(wait) {
			return
		}
		wait = min(2*wait, retryMax)
		seen, afresh = t.lib.current.Load(), false
	}
}

// attempt runs one recovery. When it does not end in time the token is given up for the while, so that calls are
// refused rather than kept waiting for a module that hangs; but it is waited for, since it cannot be called off.
func (t *Token) attempt(recovery func() (*conn, error)) (*conn, error) {
	var (
		c    *conn
		err  error
		done = make(chan struct{})
	)
	go func() {
		defer close(done)
		c, err = recovery()
	}()
	timer := time.NewTimer(2 * t.cfg.CallTimeout)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
		t.lost(fmt.Errorf("%w: the module does not answer", ErrUnavailable))
		<-done
	}
	return c, err
}

// recover connects: on the library as it is first, as that disturbs nobody else, then on one initialised anew. Only a
// library that was initialised anew shows a token that came back. A wrong PIN is no reason for that at the first try.
func (t *Token) recover(seen uint64, afresh, again bool) (*conn, error) {
	gone, stop := t.deadline()
	defer stop()
	if err := t.lib.ready(gone); err != nil {
		return nil, err
	}
	if !afresh {
		c, err := t.lib.connect(gone, t.cfg.Token, t.cfg.PIN)
		t.metrics.connected("session", err)
		if err == nil || !again && (errors.Is(err, ErrWrongPIN) || errors.Is(err, ErrPINLocked)) {
			return c, err
		}
		seen = t.lib.current.Load()
	}
	if err := t.lib.restart(gone, seen); err != nil {
		return nil, err
	}
	c, err := t.lib.connect(gone, t.cfg.Token, t.cfg.PIN)
	t.metrics.connected("library", err)
	if err == nil {
		c.afresh = true
	}
	return c, err
}

// deadline bounds the supervisor's waits like those of one call; Close ends them too.
func (t *Token) deadline() (<-chan struct{}, func()) {
	ctx, cancel := context.WithTimeout(context.Background(), t.cfg.CallTimeout)
	go func() {
		select {
		case <-t.quit:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx.Done(), cancel
}

func (t *Token) found(c *conn) {
	t.metrics.up.Set(1)
	t.publish(&state{conn: c})
	t.cfg.Log.Info("token connected", "token", t.cfg.Token, "serial", c.serial, "generation", c.generation)
}

// noteLoss logs a lost connection. That this process initialised the library again is an expected one.
func (t *Token) noteLoss(r loss) {
	level := slog.LevelWarn
	if errors.Is(r.cause, errStale) {
		level = slog.LevelDebug
	}
	t.cfg.Log.Log(context.Background(), level, "token lost its connection", "token", t.cfg.Token, "cause", r.cause)
}

// lost publishes why the token is down; only a change of the reason is logged.
func (t *Token) lost(err error) {
	t.metrics.up.Set(0)
	if before := t.state.Load().err; before == nil || before.Error() != err.Error() {
		t.cfg.Log.Error("token is lost", "token", t.cfg.Token, "error", err)
	}
	t.publish(&state{err: err})
}

// leave closes the anchor session of a sound connection.
func (t *Token) leave(c *conn) {
	if t.lib.gate.enter(t.quit) {
		defer t.lib.gate.leave()
		if t.lib.current.Load() == c.generation {
			_ = t.lib.ctx.CloseSession(c.anchor)
		}
	}
}

// pause waits; it is false when the token was closed.
func (t *Token) pause(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-t.quit:
		return false
	}
}
