package hsm

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/miekg/pkcs11"
)

// triesMax is how often a call is begun at most: as things are, on a new connection, and on a library initialised anew.
const triesMax = 3

// session is what a call gets to work with: a session of its own, on one connection.
type session struct {
	*conn
	handle pkcs11.SessionHandle
}

// job is one call on its way through the queue. It is done by a worker and waited for by its caller, who may give up:
// the deadline of a call holds although the call itself cannot be stopped.
type job struct {
	do    func(session) error
	alone func(*conn) error // set instead of do: to be done with nobody else in the library
	gone  <-chan struct{}   // closed at the caller's deadline
	done  chan struct{}     // closed after err was set
	err   error
	stage atomic.Int32
}

// Stages of a job. Its worker moves it on; its caller may set abandoned at any stage.
const (
	queued    int32 = iota // no worker has taken it
	taken                  // its worker waits for the token or the library
	calling                // its worker is in C
	finished               // err is set
	abandoned              // its caller has left
)

// call has a worker do something in a session and waits for it, until ctx ends. It does not touch what do writes after
// it has returned an error: do may still be running.
func (t *Token) call(ctx context.Context, do func(session) error) error {
	return t.submit(ctx, &job{do: do})
}

func (t *Token) submit(ctx context.Context, j *job) error {
	if ctx.Err() != nil { // the key is not used for somebody who has gone
		return late(ctx, ErrBusy, "no session became free")
	}
	if t.hangs() {
		return fmt.Errorf("%w: no call returns", ErrUnavailable)
	}
	select {
	case <-t.quit:
		return ErrClosed
	default:
	}
	j.gone, j.done = ctx.Done(), make(chan struct{})
	select {
	case t.queue <- j:
	default:
		return fmt.Errorf("%w: %d calls wait", ErrBusy, cap(t.queue))
	}
	select {
	case <-j.done:
		return j.err
	case <-t.stopped:
		return ErrClosed
	case <-ctx.Done():
	}
	switch j.stage.Swap(abandoned) {
	case finished:
		<-j.done
		return j.err
	case calling:
		return late(ctx, ErrUnavailable, "the call does not return")
	case taken:
		return late(ctx, ErrUnavailable, "the token is being connected")
	default:
		return late(ctx, ErrBusy, "no session became free")
	}
}

// hangs says that every session is in a call that is taken not to return, so that waiting for one is in vain.
func (t *Token) hangs() bool {
	if len(t.queue) == 0 && t.workers[0].since.Load() == 0 {
		return false // the usual case, without looking at all workers
	}
	sessions := t.cfg.SessionsMax
	if c := t.state.Load().conn; c != nil {
		sessions = min(sessions, c.sessions)
	}
	return t.stuck() >= sessions
}

// stuck counts the calls that have been in C for more than half of the time that a whole call may take. Whether their
// callers still wait does not matter: who gives up early does not make a token slow.
func (t *Token) stuck() (n int) {
	now := time.Since(t.opened)
	for _, w := range t.workers {
		if since := time.Duration(w.since.Load()); since != 0 && now-since > t.cfg.CallTimeout/2 {
			n++
		}
	}
	return n
}

// worker does calls, one at a time, in a session that is its alone. Workers are the bulkhead: a module that hangs
// costs SessionsMax threads and no more.
type worker struct {
	token *Token
	index int
	since atomic.Int64 // when it went into C, after Token.opened; 0 while it is not in C
	on    session      // zero while it has none
}

func (w *worker) run() {
	for {
		s := w.token.state.Load()
		queue := w.token.queue
		if s.conn != nil && w.index >= s.conn.sessions {
			queue = nil // the token has no session for this worker
		}
		select {
		case j := <-queue:
			w.serve(j)
		case <-s.changed:
		case <-w.token.quit:
			w.leave()
			return
		}
	}
}

// leave refuses what is queued and closes the session.
func (w *worker) leave() {
	for {
		select {
		case j := <-w.token.queue:
			if j.stage.CompareAndSwap(queued, taken) {
				j.finish(ErrClosed)
			}
			continue
		default:
		}
		break
	}
	lib := w.token.lib
	if w.on.conn == nil || !lib.gate.enter(w.token.quit) {
		return
	}
	defer lib.gate.leave()
	if lib.current.Load() == w.on.generation {
		_ = lib.ctx.CloseSession(w.on.handle)
	}
}

// serve does one job. A fault of the connection is not the caller's affair as long as a new one can be had in time:
// the call is repeated on it, which is safe because a signature that was not handed out has no effect.
func (w *worker) serve(j *job) {
	if !j.stage.CompareAndSwap(queued, taken) {
		return // its caller has left the queue
	}
	for tries := 1; ; tries++ {
		c, err := w.token.up(j.gone)
		if err != nil {
			j.finish(err)
			return
		}
		err = w.call(c, j)
		f := faultOf(err)
		if j.alone != nil && !errors.Is(err, errStale) {
			f = faultNone // half of it may be done: whoever asked has to look before asking again
		}
		if f != faultNone {
			w.on = session{} // not closed: when the handle is stale, the number may be another worker's session by now
			w.token.suspect(c, f, err)
		}
		if f == faultNone || tries == triesMax {
			j.finish(typed(err))
			return
		}
		if errors.Is(err, errStale) {
			tries-- // it has not begun: another Token of the process had the library initialised anew, which is bounded by the deadline alone
		}
	}
}

// direct does one call in the seat's own session, once and at once: when there is no connection it fails. Only one goroutine
// uses a seat.
func (w *worker) direct(do func(session) error) error {
	s := w.token.state.Load()
	switch {
	case s.err != nil:
		return fmt.Errorf("%w: %w", ErrUnavailable, s.err)
	case s.conn == nil:
		return fmt.Errorf("%w: it is being connected", ErrUnavailable)
	}
	j := &job{do: do}
	j.stage.Store(taken)
	err := w.call(s.conn, j)
	if f := faultOf(err); f != faultNone {
		w.on = session{} // not closed, as in serve
		w.token.suspect(s.conn, f, err)
	}
	return typed(err)
}

// call makes one attempt at a job on the connection c.
func (w *worker) call(c *conn, j *job) error {
	lib := w.token.lib
	if j.alone != nil {
		if lib.stuck() > 0 || !lib.gate.close(j.gone) {
			return errOvertaken
		}
		defer lib.gate.open()
	} else {
		if !lib.gate.enter(j.gone) {
			return errOvertaken
		}
		defer lib.gate.leave()
	}
	if lib.current.Load() != c.generation {
		return errStale
	}
	if !j.stage.CompareAndSwap(taken, calling) {
		return errOvertaken
	}
	w.token.metrics.inFlight.Inc()
	w.since.Store(int64(max(1, time.Since(w.token.opened))))
	err := w.callIn(c, j)
	w.since.Store(0)
	w.token.metrics.inFlight.Dec()
	j.stage.CompareAndSwap(calling, taken) // unless the caller has left meanwhile
	if err == nil {
		c.proven.Store(true)
	}
	return err
}

// callIn runs the job: alone, or in the worker's session, opened if it has none on this connection.
func (w *worker) callIn(c *conn, j *job) error {
	if j.alone != nil {
		return j.alone(c)
	}
	if w.on.conn != c {
		w.on = session{}
		handle, err := c.lib.ctx.OpenSession(c.slot, pkcs11.CKF_SERIAL_SESSION)
		if errors.Is(err, pkcs11.Error(pkcs11.CKR_SESSION_COUNT)) && !c.afresh {
			return errSessionsLost
		}
		if err != nil {
			return fmt.Errorf("couldn't open a session: %w", err)
		}
		w.on = session{conn: c, handle: handle}
	}
	return j.do(w.on)
}

// finish hands the outcome to the caller, if it still waits.
func (j *job) finish(err error) {
	j.err = err
	if j.stage.CompareAndSwap(taken, finished) {
		close(j.done)
	}
}
