package hsm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// memberState is where a worker's token stands.
type memberState int

const (
	starting memberState = iota // being connected: calls wait for it
	up
	down // given up for the while: calls do not wait for it
)

// Waits of a member, see run and inspect.
const (
	restartFirst = 50 * time.Millisecond
	restartMax   = 5 * time.Second
	againMax     = 500 * time.Millisecond
	wellFor      = 5 * time.Second  // how long a worker lives that nothing is wrong with
	lookAgain    = time.Second      // between looks for a key that is missing
	downMax      = 10 * time.Second // after which a worker that cannot connect is started anew
	fenceBusy    = 20 * time.Millisecond
	fenceFirst   = 25 * time.Millisecond
	fenceMax     = 5 * time.Second
	wrongPause   = time.Minute // for a key that made wrong signatures even in a new process
)

// pinMemory keeps what the workers of one token learnt about its PIN beyond their lives.
type pinMemory struct {
	mu      sync.Mutex
	refused []refusedPIN
}

// member is one place in the fleet: a token, or one of several processes on it, through all its restarts.
type member struct {
	fleet   *Fleet
	cfg     FleetToken
	index   int
	metrics *metrics
	pins    *pinMemory
	first   *member       // the first one of the token
	settled chan struct{} // closed when it was up or down for the first time
	once    sync.Once

	// Guarded by fleet.mu.
	link     *link
	state    memberState
	err      error // why it is down
	since    time.Time
	epoch    uint64 // counts connections, so that a slow look for keys does not speak for a later one
	seats    int
	pace     *pace     // nil: the operator has said how many seats
	busy     int       // calls that were sent and not answered, of this link
	failures int       // calls in a row that failed for the token's sake
	fenced   time.Time // no call is sent before
	// kept is when calls were last kept out for failures, and keptSince when that began; see Tokens.
	kept, keptSince time.Time
	keptErr         error
	took            time.Duration // average time of a call; 0: not known
	asked           time.Time     // when a call was sent last
	proven          bool          // the link was up once
	looked          time.Time     // when keys were looked for last
}

// run keeps a worker process alive until the fleet is closed.
func (m *member) run() {
	if m.first != m { // a wrong PIN is tried by one of them, not by all
		select {
		case <-m.first.settled:
		case <-m.fleet.quit:
			return
		}
	}
	wait, again := restartFirst, time.Duration(0)
	for {
		began := now()
		proven := m.live()
		m.fleet.turn(func() {
			m.link, m.busy = nil, 0
			m.resize(0)
			switch {
			case m.state == up || proven:
				m.change(starting, nil)
			case m.state == starting:
				m.change(down, fmt.Errorf("%w before it was connected", errWorkerLost))
			}
		})
		pause := wait
		switch lived := now().Sub(began); {
		case !proven:
			wait = min(2*wait, restartMax)
		case lived > wellFor: // replaced at once
			wait, again, pause = restartFirst, 0, 0
		default: // so is one that ends soon, but not again and again: a call may be killing it
			wait, pause = restartFirst, again
			again = min(2*again+restartFirst/2, againMax)
		}
		select {
		case <-m.fleet.quit:
			return
		case <-time.After(pause):
		}
	}
}

// live is the life of one worker process; it tells whether the process was ever connected.
func (m *member) live() bool {
	m.fleet.mu.Lock()
	width := m.width()
	m.fleet.mu.Unlock()
	l, err := startWorker(m.fleet.cfg.Worker, m.fleet.cfg.Stderr, m.noted, m.fleet.turn)
	if err != nil {
		m.fleet.turn(func() { m.change(down, fmt.Errorf("%w: %w", ErrUnavailable, err)) })
		return false
	}
	m.fleet.turn(func() { m.link, m.proven, m.since = l, false, now() })
	m.pins.mu.Lock()
	refused := m.pins.refused
	m.pins.mu.Unlock()
	err = l.hello(hello{
		Module: m.cfg.Module, Arguments: m.cfg.Arguments, Token: m.cfg.Label, PIN: m.cfg.PIN, Seats: m.cfg.most(), Width: width,
		CallTimeoutMS: m.fleet.cfg.CallTimeout.Milliseconds(), Refused: refused,
	})
	if err != nil {
		l.kill(err)
	}
	select {
	case <-l.gone:
	case <-m.fleet.quit:
		l.kill(ErrClosed)
		<-l.gone
	}
	m.fleet.mu.Lock()
	defer m.fleet.mu.Unlock()
	return m.proven
}

// width is how many calls at once the worker shall do, as far as the token has sessions for them. The caller holds fleet.mu.
func (m *member) width() int {
	if m.pace != nil {
		return m.pace.width
	}
	return m.cfg.Seats
}

// resize has the worker do so many calls at once from now on. The caller holds fleet.mu.
func (m *member) resize(seats int) {
	m.metrics.sessions.Add(float64(seats - m.seats))
	m.seats = seats
	if m.link != nil {
		m.link.resize(seats)
	}
}

// noted takes what the worker says of its token.
func (m *member) noted(r report) {
	if len(r.Refused) > 0 {
		m.refused(r.Refused)
	}
	m.fleet.turn(func() {
		m.epoch++
		switch {
		case r.Down:
			m.change(down, r.Error)
		case r.Up:
			if m.pace != nil {
				m.pace.bound(r.Seats)
			}
			m.resize(min(m.width(), r.Seats))
			if m.state == down { // it is connected again; its keys could not be looked for as long as it counts as lost
				m.change(starting, nil)
			}
			go m.locate(m.link, m.epoch)
		default:
			m.change(starting, nil)
		}
	})
}

// refused remembers that the token refused the PIN, and tells the other workers of the token before they try it, too.
func (m *member) refused(list []refusedPIN) {
	m.pins.mu.Lock()
	known := slices.Equal(m.pins.refused, list)
	m.pins.refused = list
	m.pins.mu.Unlock()
	raw, err := json.Marshal(list)
	if known || err != nil {
		return
	}
	m.fleet.mu.Lock()
	defer m.fleet.mu.Unlock()
	for _, other := range m.fleet.members {
		if other.pins == m.pins && other != m && other.link != nil {
			other.link.post(appendFrame(nil, 0, opRecall, raw))
		}
	}
}

// change moves the member to a state. The caller holds fleet.mu.
func (m *member) change(to memberState, err error) {
	before := m.state
	m.state, m.err, m.since = to, err, now()
	if to == up {
		m.proven, m.failures, m.took = true, 0, 0
	}
	if to != starting {
		m.once.Do(func() { close(m.settled) })
	}
	if before == to {
		return
	}
	if before == up {
		m.metrics.up.Dec()
	}
	if m.fleet.closed {
		return // its end is not news
	}
	log := m.fleet.cfg.Log.With("token", m.cfg.Label, "process", m.index)
	switch to {
	case up:
		m.metrics.up.Inc()
		log.Info("token serves")
	case down:
		log.Error("token is fenced off", "error", err)
	case starting:
		log.Warn("token is being connected")
	}
}

// locate looks for all keys on a new connection and then lets calls in.
func (m *member) locate(l *link, epoch uint64) {
	m.fleet.mu.Lock()
	keys := m.fleet.sortedKeys()
	m.looked = now()
	m.fleet.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), m.fleet.cfg.CallTimeout)
	defer cancel()
	found := make(map[*sharedKey]*place, len(keys))
	for _, k := range keys {
		p, err := m.find(ctx, k)
		if err != nil && !keyFault(err) {
			return // the connection is lost again; its end, or the next connection, is told of separately
		}
		found[k] = p
	}
	m.fleet.turn(func() {
		if m.link != l || m.epoch != epoch {
			return
		}
		for k, p := range found {
			if before := k.places[m]; before != nil && p.err == nil {
				p.wrong, p.until = before.wrong, before.until // a new connection is no proof
			}
			m.note(k, p, now())
		}
		m.change(up, nil)
	})
}

// How long a key that was there counts as hidden rather than gone, and how often it is looked for meanwhile: SoftHSM shows an object neither
// by its old label nor by its new one while another process writes it, and calls are not to be refused for that.
const (
	doubtFor  = 250 * time.Millisecond
	doubtLook = 20 * time.Millisecond
)

// note takes down what became of a key on the member. The caller holds fleet.mu.
func (m *member) note(k *sharedKey, p *place, at time.Time) {
	if before := k.places[m]; before != nil && p.err != nil {
		p.doubt = before.doubt
		if before.err == nil {
			p.doubt = at.Add(doubtFor)
		}
		if l, epoch := m.link, m.epoch; at.Before(p.doubt) {
			time.AfterFunc(doubtLook, func() { m.lookAgain(k, l, epoch) })
		}
	}
	k.places[m] = p
}

// find looks for one key. With an error of the key the place says so. A key whose label was given to another one while it is in use, as a
// rotation does, is still found by its id: who was given the key goes on with it.
func (m *member) find(ctx context.Context, k *sharedKey) (*place, error) {
	p, err := m.findBy(ctx, k, k.ref)
	if id := k.knownID(); len(id) > 0 && (errors.Is(err, ErrKeyNotFound) || errors.Is(err, ErrKeyChanged)) {
		if p, err := m.findBy(ctx, k, Ref{ID: id}); err == nil {
			return p, nil
		}
	}
	return p, err
}

func (k *sharedKey) knownID() []byte {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.known {
		return nil
	}
	return k.id
}

func (m *member) findBy(ctx context.Context, k *sharedKey, ref Ref) (*place, error) {
	raw, err := json.Marshal(findRequest{Label: ref.Label, ID: ref.ID, Secret: k.secret})
	if err != nil {
		return nil, fmt.Errorf("couldn't ask for a key: %w", err)
	}
	answer, err := m.ask(ctx, opFind, raw)
	if err == nil {
		var a findAnswer
		if a, err = decode[findAnswer](answer); err == nil {
			err = k.accept(a, m.fleet.cfg.GOST)
		}
		if err == nil {
			return &place{number: a.Number}, nil
		}
	}
	return &place{err: err}, err
}

// accept holds what a token found to what is known of the key, or takes it over when nothing is known yet. Two keys of one name
// are never mixed: which of them is right nobody knows.
func (k *sharedKey) accept(a findAnswer, gost ParseGOST) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.secret {
		if k.known && k.kind != a.Kind {
			return fmt.Errorf("%w: it is of another kind", ErrKeyChanged)
		}
		k.label, k.id, k.kind, k.known = a.Label, a.ID, a.Kind, true
		return nil
	}
	pub, err := a.public(gost)
	if err != nil {
		return err
	}
	if k.known {
		if !sameKey(pub, k.judge.pub) {
			return ErrKeyChanged
		}
		return nil
	}
	k.judge.pub, k.label, k.id, k.kind, k.known = pub, a.Label, a.ID, a.Kind, true
	return nil
}

// ask sends a request that needs no seat and waits for the answer.
func (m *member) ask(ctx context.Context, op byte, payload []byte) ([]byte, error) {
	m.fleet.mu.Lock()
	l, state, why := m.link, m.state, m.err
	m.fleet.mu.Unlock()
	switch {
	case l == nil:
		return nil, fmt.Errorf("%w: it has no worker", ErrUnavailable)
	case state == down:
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, why)
	}
	answered := make(chan outcome, 1)
	l.ask(op, &exchange{
		since: now(), limit: m.fleet.cfg.CallTimeout, done: func(b []byte, err error) { answered <- outcome{payload: b, err: err} },
	}, payload)
	l.push()
	select {
	case o := <-answered:
		return o.payload, o.err
	case <-ctx.Done():
		return nil, late(ctx, ErrUnavailable, "the token did not answer")
	}
}

// inspect is the watchdog's look at a member.
func (m *member) inspect(at time.Time) {
	m.fleet.mu.Lock()
	l, state := m.link, m.state
	hopeless := m.state != up && at.Sub(m.since) > downMax && !errors.Is(m.err, ErrWrongPIN) && !errors.Is(m.err, ErrPINLocked)
	again := state == up && at.Sub(m.looked) > lookAgain
	var missing []*sharedKey
	if again {
		m.looked = at
		for _, k := range m.fleet.keys {
			if p := k.places[m]; p == nil || p.err != nil {
				missing = append(missing, k)
			}
		}
	}
	epoch := m.epoch
	m.fleet.mu.Unlock()
	if l == nil {
		return
	}
	if took := l.overdue(at); took > 0 {
		m.restart(l, "stalled", fmt.Errorf("%w: a call did not return for %v", errWorkerLost, took.Round(time.Millisecond)))
		return
	}
	if hopeless {
		m.restart(l, "hopeless", errWorkerLost)
		return
	}
	for _, k := range missing {
		go m.lookAgain(k, l, epoch)
	}
}

func (m *member) lookAgain(k *sharedKey, l *link, epoch uint64) {
	ctx, cancel := context.WithTimeout(context.Background(), m.fleet.cfg.CallTimeout)
	defer cancel()
	p, err := m.find(ctx, k)
	if err != nil && !keyFault(err) {
		return
	}
	m.fleet.turn(func() {
		if m.link == l && m.epoch == epoch {
			m.note(k, p, now())
		}
	})
}

// restart kills the worker; run starts the next one.
func (m *member) restart(l *link, reason string, why error) {
	m.fleet.metrics.restarts.WithLabelValues(m.cfg.Label, reason).Inc()
	m.fleet.cfg.Log.Warn("worker process is started anew", "token", m.cfg.Label, "process", m.index, "cause", why)
	m.fleet.turn(func() {
		if m.link == l {
			m.change(starting, nil)
		}
	})
	l.kill(why)
}

// now is the monotonic clock by which calls are measured; it is never shown as a date.
func now() time.Time { return time.Now() } //nolint:forbidigo // see above

// keyFault says that the trouble is with a key, not with its token.
func keyFault(err error) bool {
	for _, e := range []error{ErrKeyNotFound, ErrKeyAmbiguous, ErrKeyAttributes, ErrKeyChanged, ErrAlgorithm} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
