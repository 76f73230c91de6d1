package hsm

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// OverloadError refuses a call because its key has more to do than its tokens can, or than its limit allows. It wraps ErrBusy.
type OverloadError struct {
	// Key is the label of the key.
	Key string
	// After is when the caller may try again.
	After time.Duration
}

// Error says which key is overloaded.
func (e *OverloadError) Error() string {
	return fmt.Sprintf("key %q is overloaded, try again in %v", e.Key, e.After)
}

// Unwrap returns ErrBusy.
func (e *OverloadError) Unwrap() error { return ErrBusy }

// RetryAfter is when the caller may try again.
func (e *OverloadError) RetryAfter() time.Duration { return e.After }

// sharedKey is a key of the fleet, wherever it stands.
type sharedKey struct {
	ref    Ref
	secret bool

	mu    sync.Mutex // guards what follows until known; then it does not change
	known bool
	label string
	id    []byte
	kind  Algorithm
	judge *judge

	// Guarded by fleet.mu.
	places  map[*member]*place
	queue   []*task // first come, first served
	sent    int     // calls that workers have, with or without a seat
	virtual float64 // virtual time at which its next call is due
	cost    float64 // average seconds of a call in the token
	limits  KeyLimits
	limiter *rate.Limiter // nil: no limit

	wronged atomic.Bool // some token made a wrong signature with it since one made a right one
}

// place is what a key is called on one worker.
type place struct {
	number uint32
	err    error     // why it cannot be used there
	doubt  time.Time // until when that is not believed, see note
	until  time.Time // until when not to try a key that made wrong signatures
	wrong  int
}

// task is one call on its way.
type task struct {
	key        *sharedKey
	op         byte
	head, data []byte
	deadline   time.Time
	done       chan struct{}

	// Guarded by fleet.mu until done is closed.
	sent   time.Time
	by     *member // who has it, or had it last
	tries  int
	over   bool // done is closed, or the caller has left
	result []byte
	err    error
}

// triesFleet is how often a call is made at most, on whichever tokens.
const triesFleet = 8

func (t *task) end(result []byte, err error) {
	if !t.over {
		t.over, t.result, t.err = true, result, err
		close(t.done)
	}
}

// dispatch is a call that was given to a member, to be sent after the lock is released.
type dispatch struct {
	task   *task
	link   *link
	number uint32
}

// do queues a call and waits for its result.
func (f *Fleet) do(ctx context.Context, t *task) ([]byte, error) {
	if ctx.Err() != nil { // the key is not used for somebody who has gone
		return nil, late(ctx, ErrBusy, "no token became free")
	}
	t.done = make(chan struct{})
	t.deadline, _ = ctx.Deadline()
	f.mu.Lock()
	if err := f.admit(t); err != nil {
		f.mu.Unlock()
		return nil, err
	}
	t.key.queue = append(t.key.queue, t)
	if len(t.key.queue) == 1 { // a key that was idle has no claim on the time that it did not use
		t.key.virtual = max(t.key.virtual, f.virtual)
	}
	f.sweep()
	send := f.pump()
	f.metrics.queue.WithLabelValues(t.key.label).Set(float64(len(t.key.queue)))
	f.mu.Unlock()
	sendAll(send) //nolint:contextcheck // a look for a key outlives the call that missed it
	select {
	case <-t.done:
		return t.result, t.err
	case <-ctx.Done():
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if t.over {
		return t.result, t.err
	}
	t.over = true
	if i := slices.Index(t.key.queue, t); i >= 0 {
		t.key.queue = slices.Delete(t.key.queue, i, i+1)
		if t.tries == 0 {
			return nil, late(ctx, ErrBusy, "no token became free")
		}
	}
	return nil, late(ctx, ErrUnavailable, "no token answered")
}

// admit refuses what cannot be done in time, at once and with the time after which it can. The caller holds f.mu.
func (f *Fleet) admit(t *task) error {
	k := t.key
	if f.closed {
		return ErrClosed
	}
	refuse := func(after time.Duration) error {
		f.metrics.refused.WithLabelValues(k.label).Inc()
		return &OverloadError{Key: k.label, After: max(after, 10*time.Millisecond)}
	}
	if k.limiter != nil {
		if r := k.limiter.Reserve(); !r.OK() || r.Delay() > 0 {
			after := time.Second
			if r.OK() {
				after = r.Delay()
			}
			r.Cancel()
			return refuse(after)
		}
	}
	wait, waiting := f.backlog(k)
	switch {
	case waiting >= k.limits.QueueMax:
		return refuse(wait)
	case len(k.queue) > 0 && time.Until(t.deadline) < wait:
		return refuse(wait - time.Until(t.deadline))
	}
	return nil
}

// backlog estimates how long a call of the key would wait: the calls before it, in its own queue and ahead of their seats, and as many
// of each other key as come in between by fair turns. It also counts those calls before it.
func (f *Fleet) backlog(k *sharedKey) (time.Duration, int) {
	seats := 0
	for _, m := range f.members {
		if m.state == up && k.usable(m, now()) {
			seats += m.seats
		}
	}
	waiting := len(k.queue) + max(0, k.sent-seats)
	if seats == 0 {
		return 0, len(k.queue) // nothing is known; hopeless calls are refused by sweep
	}
	own := float64(waiting) * k.cost / k.limits.Weight
	total := own
	for _, other := range f.keys {
		if other != k {
			total += min(own, float64(len(other.queue))*other.cost/other.limits.Weight)
		}
	}
	return time.Duration(total / float64(seats) * float64(time.Second)), waiting
}

// usable says whether calls of the key may go to m. The caller holds fleet.mu.
func (k *sharedKey) usable(m *member, at time.Time) bool {
	p := k.places[m]
	return p != nil && p.err == nil && !at.Before(p.until)
}

// hope says whether a call of the key may yet be done: somebody can do it, or will say soon. Fences pass by themselves.
func (k *sharedKey) hope(m *member) bool {
	p, at := k.places[m], now()
	good := p != nil && (p.err == nil || at.Before(p.doubt))
	switch m.state {
	case up:
		return good && p.wrong < 2
	case starting: // a module that hangs while it is connected is not waited for
		return (p == nil || good) && at.Sub(m.since) < m.fleet.cfg.CallTimeout
	case down:
	}
	return false
}

// sweep refuses the calls that nobody can do. The caller holds f.mu.
func (f *Fleet) sweep() {
	for _, k := range f.keys {
		if len(k.queue) == 0 || slices.ContainsFunc(f.members, k.hope) {
			continue
		}
		errs := k.problems()
		for _, m := range f.members {
			if m.state == down {
				errs = append(errs, fmt.Errorf("token %q: %w", m.cfg.Label, m.err))
			}
		}
		for _, t := range k.queue {
			t.end(nil, errors.Join(append(errs, t.err)...))
		}
		k.queue = nil
	}
}

// pump gives waiting calls to members that have a seat free, in fair turns: the key whose virtual time is the least goes first,
// and each call moves its key on by the time that it takes in a token. So a key with a thousand calls and one with a single
// call get the same share. The caller holds f.mu.
func (f *Fleet) pump() (send []dispatch) {
	at := now()
	for {
		var (
			next *sharedKey
			to   *member
		)
		for _, k := range f.keys {
			if len(k.queue) == 0 || next != nil && k.virtual >= next.virtual {
				continue
			}
			if m := f.choose(k.queue[0], at); m != nil {
				next, to = k, m
			}
		}
		if next == nil {
			return send
		}
		t := next.queue[0]
		next.queue[0] = nil
		next.queue = next.queue[1:]
		f.virtual = max(f.virtual, next.virtual)
		next.virtual = max(next.virtual, f.virtual) + max(next.cost, 1e-6)/next.limits.Weight
		t.by, t.sent, t.tries = to, at, t.tries+1
		if at.Sub(to.asked) > tookHolds {
			to.took = 0
		}
		to.asked = at
		to.busy++
		next.sent++
		send = append(send, dispatch{task: t, link: to.link, number: next.places[to].number})
	}
}

// choose picks the member that will be done first; one that has just failed the call only when there is no other.
func (f *Fleet) choose(t *task, at time.Time) (best *member) {
	score := math.Inf(1)
	for _, m := range f.members {
		if m.state != up || at.Before(m.fenced) || !t.key.usable(m, at) {
			continue
		}
		s := float64(m.busy+1) / float64(m.seats) * max(m.took.Seconds(), 1e-6)
		if at.Sub(m.asked) > tookHolds { // what its calls took then may have passed: it is tried again
			s = 0
		}
		if m == t.by {
			s += 1e6 // after everybody else, busy or not
		}
		if s < score {
			best, score = m, s
		}
	}
	if best != nil && best.busy >= best.room() {
		return f.free(t, at)
	}
	return best
}

// tookHolds is how long the average time of a member's calls says something without a new one. A token that was slow for a while, or froze, would
// else be left out for as long as another one can do all there is.
const tookHolds = time.Second

// aheadMax bounds how long a call may wait in a worker for a seat, and aheadSeats how many wait there for each.
const (
	aheadMax   = 2 * time.Millisecond
	aheadSeats = 8
)

// room is how many calls may be with the worker: one for each seat, and as many more as it does in a moment, so that it never waits
// for the next. Slow calls wait here, where they can still go to another token.
func (m *member) room() int {
	if m.took <= 0 {
		return m.seats
	}
	return m.seats + min(aheadSeats*m.seats, int(time.Duration(m.seats)*aheadMax/m.took))
}

// free is any member with a seat free, but for the one that failed the call last.
func (f *Fleet) free(t *task, at time.Time) *member {
	for _, m := range f.members {
		if m.state == up && !at.Before(m.fenced) && t.key.usable(m, at) && m.busy < m.room() && m != t.by {
			return m
		}
	}
	return nil
}

// sendAll sends calls to their workers, those for one worker together. The caller does not hold fleet.mu.
func sendAll(calls []dispatch) {
	for i, d := range calls {
		t, m := d.task, d.task.by
		m.metrics.inFlight.Inc()
		x := &exchange{seated: true, limit: m.fleet.cfg.Stall}
		x.done = func(payload []byte, err error) {
			m.metrics.inFlight.Dec()
			m.answered(d.link, x, t, payload, err)
		}
		d.link.ask(t.op, x, binary.BigEndian.AppendUint32(nil, d.number), t.head, t.data)
		if i+1 == len(calls) || calls[i+1].link != d.link {
			d.link.push()
		}
	}
}

// weight of the newest time in the averages.
const average = 0.1

// answered takes the outcome of a call: it goes to its caller, or to another token. The caller holds fleet.mu, see link.turn.
func (m *member) answered(l *link, x *exchange, t *task, payload []byte, err error) {
	took := now().Sub(t.sent)
	if !x.since.IsZero() {
		took = now().Sub(x.since)
	}
	t.key.sent--
	if m.link == l {
		m.busy--
		if m.state == up && errors.Is(err, errWorkerLost) { // run will see it, too, but not before the next call is sent
			m.change(starting, nil)
		}
	}
	switch {
	case err != nil: // how long it took to fail does not say how long calls take
	case m.took == 0:
		m.took = took
	default:
		m.took += time.Duration(average * float64(took-m.took))
	}
	if err == nil && m.pace != nil && m.link == l && m.state == up && m.pace.done(now(), m.crowded(t.key)) {
		m.resize(m.pace.width)
	}
	if err == nil {
		m.failures = 0
		t.key.cost += average * (took.Seconds() - t.key.cost)
		t.end(payload, nil)
		return
	}
	if !m.blame(t, err) || t.tries >= triesFleet || t.over || m.fleet.closed {
		t.end(nil, err)
		return
	}
	t.err = err
	t.key.queue = append([]*task{t}, t.key.queue...) // it has waited already
}

// crowded says whether more calls ask for the member than it has seats: one has just ended, and still all of them are taken.
func (m *member) crowded(k *sharedKey) bool { return m.busy+len(k.queue) >= m.seats }

// blame draws the consequence of a failed call, and says whether the call may be made again. The caller holds fleet.mu.
func (m *member) blame(t *task, err error) (again bool) {
	at := now()
	switch {
	case errors.Is(err, ErrSealed), errors.Is(err, errFrame):
		return false
	case errors.Is(err, ErrAlgorithm):
		return t.tries < len(m.fleet.members) // another token may have the mechanism
	case keyFault(err):
		if t.key.usable(m, at) { // the first of many calls that meet it
			m.note(t.key, &place{err: err}, at)
		}
		return true
	case errors.Is(err, ErrBusy):
		m.fence(at, fenceBusy)
		return true
	case errors.Is(err, errWorkerLost):
		return true
	}
	// A lost connection is made again by the worker, which tells so. What fails again and again although it is connected is
	// kept out for longer and longer.
	m.failures++
	if m.failures > 1 {
		m.keepOut(at, err)
		m.fence(at, min(fenceFirst<<min(m.failures-2, 10), fenceMax))
	}
	return true
}

func (m *member) fence(at time.Time, d time.Duration) {
	m.fenced = at.Add(d)
	time.AfterFunc(d, func() { m.fleet.turn(func() {}) })
}
