package hsm

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// Descriptors that a worker process inherits beside its standard ones.
const (
	workerSocket = 3
	workerLife   = 4 // reading it ends when the gateway does
)

// findsMax bounds the calls other than signatures that a worker does at once.
const findsMax = 4

// worker is the process that has a token's module to itself.
type workerProcess struct {
	token *Token
	log   *slog.Logger
	life  io.Reader

	reading sync.Mutex // held by the seat whose turn it is to read
	in      *bufio.Reader

	writing sync.Mutex // guards what follows
	out     io.Writer
	answers []byte // that are not written yet
	count   int    // how many they are

	mu      sync.Mutex // guards what follows
	keys    []any      // *Key or *secret, by number
	numbers map[string]uint32
	resized chan struct{} // closed when width changes

	width atomic.Int32 // seats that take calls

	finds chan struct{} // holds one for each call other than a signature
	ended chan error    // gets the reason why the process ends, once
}

// RunWorker is the whole life of a worker process: it is told over the inherited socket which token to open, and serves calls
// until the gateway closes the socket or dies. The process does nothing else: a call that never returns is got rid of by
// killing it, and nothing but the token's sessions is lost.
//
// It returns when the gateway is gone; the caller then ends the process, whatever calls are still in C.
func RunWorker(log *slog.Logger) error {
	socket, life := os.NewFile(workerSocket, "socket"), os.NewFile(workerLife, "life")
	if socket == nil || life == nil {
		return errors.New("this command is run by the gateway, not by hand")
	}
	p := &workerProcess{
		log: log, life: life, in: bufio.NewReaderSize(socket, 64<<10), out: socket, numbers: make(map[string]uint32),
		finds: make(chan struct{}, findsMax), ended: make(chan error, 1), resized: make(chan struct{}),
	}
	return p.run()
}

func (p *workerProcess) run() error {
	f, err := readFrame(p.in)
	if err != nil || f.op != opHello {
		return errors.Join(errors.New("the gateway said no hello"), err)
	}
	h, err := decode[hello](f.payload)
	if err != nil {
		return err
	}
	if err := p.open(h); err != nil {
		p.log.Error("token can't be opened", "token", h.Token, "error", err)
		p.tell(report{Down: true, Error: failureOf(err)})
		return err
	}
	p.resize(h.Width)
	debug.SetGCPercent(400) // what is allocated is small and dies at once
	go func() {
		_, err := p.life.Read(make([]byte, 1)) // nothing ever comes
		p.end(err)
	}()
	for _, seat := range p.token.seats {
		go p.serve(seat)
	}
	return <-p.ended
}

// resize has so many seats take calls from now on. A seat in C keeps its processor for Go's scheduler while there are more of them than
// seats; handing it over and getting it back costs as much as a fifth of a P-256 signature.
func (p *workerProcess) resize(width int) {
	width = max(1, min(width, len(p.token.seats)))
	if more := width + 4; more > runtime.GOMAXPROCS(0) {
		runtime.GOMAXPROCS(more)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.width.Store(int32(width)) //nolint:gosec // at most 256
	close(p.resized)
	p.resized = make(chan struct{})
}

// rest is nil for a seat that takes calls, else what is closed when that may change.
func (p *workerProcess) rest(seat *worker) <-chan struct{} {
	if seat.index < int(p.width.Load()) {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if seat.index < int(p.width.Load()) {
		return nil
	}
	return p.resized
}

// open loads the module and starts connecting. What fails later is reported as a state.
func (p *workerProcess) open(h hello) error {
	cfg := Config{
		Module: h.Module, Arguments: h.Arguments, Token: h.Token, PIN: h.PIN, SessionsMax: 1, QueueMax: findsMax,
		CallTimeout: time.Duration(h.CallTimeoutMS) * time.Millisecond, Log: p.log, seats: h.Seats, refused: h.Refused,
	}
	cfg, err := cfg.withDefaults()
	if err != nil {
		return err
	}
	m, err := newMetrics(nil, cfg.Token)
	if err != nil {
		return err
	}
	lib, err := acquire(cfg.Module, cfg.Arguments)
	if err != nil {
		return err
	}
	lib.recall(cfg.PIN, cfg.refused)
	t := newToken(cfg, lib, m)
	p.token = t
	t.cfg.noted = func(s state) {
		r := report{Refused: lib.refusals(cfg.PIN)}
		switch {
		case s.conn != nil:
			r.Up, r.Serial, r.Advanced = true, s.conn.serial, s.conn.generation
			r.Seats = max(1, min(h.Seats, s.conn.sessions-1)) // one is for finding keys
		case s.err != nil:
			r.Down, r.Error = true, failureOf(s.err)
		}
		p.tell(r)
	}
	t.start()
	return nil
}

// tell sends the state of the token.
func (p *workerProcess) tell(r report) {
	raw, err := json.Marshal(r)
	if err != nil {
		p.end(err)
		return
	}
	p.send(0, outcomeState, raw)
}

// send writes an answer, and those that were kept back.
func (p *workerProcess) send(number uint64, outcome byte, payload []byte) {
	p.keep(number, outcome, payload)
	p.flush()
}

// keep puts an answer into the buffer.
func (p *workerProcess) keep(number uint64, outcome byte, payload []byte) {
	p.writing.Lock()
	defer p.writing.Unlock()
	p.answers = appendFrame(p.answers, number, outcome, payload)
	p.count++
}

// flush writes the buffer.
func (p *workerProcess) flush() {
	p.writing.Lock()
	defer p.writing.Unlock()
	if len(p.answers) == 0 {
		return
	}
	_, err := p.out.Write(p.answers)
	p.answers, p.count = p.answers[:0], 0
	if err != nil {
		p.end(err)
	}
}

func (p *workerProcess) end(err error) {
	select {
	case p.ended <- err:
	default:
	}
}

// serve is the life of a seat. The seats take turns to read: whoever has read a call does it, in its own session, while the
// next one reads. So a call changes goroutines nowhere between socket and token.
func (p *workerProcess) serve(seat *worker) {
	for {
		if c := p.token.state.Load(); c.conn != nil && seat.index > 0 && seat.index >= c.conn.sessions-1 {
			<-c.changed // the token has no session for this seat
			continue
		}
		if rest := p.rest(seat); rest != nil {
			p.flush()
			<-rest
			continue
		}
		if !p.reading.TryLock() {
			p.flush() // who reads may wait for long
			p.reading.Lock()
			if p.rest(seat) != nil { // it has become one too many meanwhile
				p.reading.Unlock()
				continue
			}
		}
		if !frameWaits(p.in) {
			p.flush() // nobody is kept waiting for an answer while the worker waits for a call
		}
		f, err := readFrame(p.in)
		p.reading.Unlock()
		if err != nil {
			p.end(err)
			return
		}
		switch f.op {
		case opRecall:
			if refused, err := decode[[]refusedPIN](f.payload); err == nil {
				p.token.lib.recall(p.token.cfg.PIN, refused)
			}
		case opSeats:
			if len(f.payload) == 4 {
				p.resize(int(binary.BigEndian.Uint32(f.payload)))
			}
		case opSign, opMAC, opGCM:
			begin := now()
			p.answer(f.number, func() ([]byte, error) { return p.use(seat, f) })
			if p.full() || now().Sub(begin) > answersWait {
				p.flush()
			}
		default:
			p.finds <- struct{}{}
			go func() {
				defer func() { <-p.finds }()
				p.answer(f.number, func() ([]byte, error) { return p.look(f) })
				p.flush()
			}()
		}
	}
}

func (p *workerProcess) answer(number uint64, do func() ([]byte, error)) {
	out, err := do()
	if err == nil {
		p.keep(number, outcomeOK, out)
		return
	}
	raw, merr := json.Marshal(failureOf(err))
	if merr != nil {
		p.end(merr)
		return
	}
	p.keep(number, outcomeError, raw)
}

// answersMax is how many answers go out together at most; one to a call that took longer than answersWait is not kept back, since the
// next may take as long.
const (
	answersMax  = 4
	answersWait = 300 * time.Microsecond
)

func (p *workerProcess) full() bool {
	p.writing.Lock()
	defer p.writing.Unlock()
	return p.count >= answersMax
}

// use does a call that uses a key.
func (p *workerProcess) use(seat *worker, f frame) (out []byte, err error) {
	if len(f.payload) < 5 {
		return nil, errFrame
	}
	switch k := p.key(binary.BigEndian.Uint32(f.payload)).(type) {
	case *Key:
		c, err := parseSignCall(f.payload)
		if err != nil || f.op != opSign {
			return nil, errors.Join(errFrame, err)
		}
		err = seat.direct(func(s session) (err error) {
			out, err = k.signIn(s, c.m, c.data, c.size)
			return err
		})
		return out, err
	case *secret:
		if f.op == opMAC {
			err = seat.direct(func(s session) (err error) {
				out, err = k.mac(s, f.payload[4:])
				return err
			})
			return out, err
		}
		_, g, err := parseGCM(f.payload)
		if err != nil || f.op != opGCM {
			return nil, errors.Join(errFrame, err)
		}
		err = seat.direct(func(s session) (err error) {
			out, err = k.crypt(s, g)
			return err
		})
		return out, err
	}
	return nil, fmt.Errorf("%w: it was not looked for", ErrKeyNotFound)
}

func (p *workerProcess) key(number uint32) any {
	p.mu.Lock()
	defer p.mu.Unlock()
	if int(number) < len(p.keys) {
		return p.keys[number]
	}
	return nil
}

// look does a call that reads the token.
func (p *workerProcess) look(f frame) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), p.token.cfg.CallTimeout)
	defer cancel()
	if f.op == opHealth {
		return nil, p.token.Health(ctx)
	}
	r, err := decode[findRequest](f.payload)
	if err != nil {
		return nil, err
	}
	ref := Ref{Label: r.Label, ID: r.ID}
	switch f.op {
	case opCertificate:
		return p.token.CertificateOf(ctx, ref)
	case opFind:
		return p.find(ctx, ref, r.Secret)
	}
	return nil, errFrame
}

// find looks for a key as if for the first time: what stood in the token before the gateway asked again does not matter.
func (p *workerProcess) find(ctx context.Context, ref Ref, isSecret bool) ([]byte, error) {
	if isSecret {
		k, err := p.token.findSecret(ctx, ref)
		if err != nil {
			return nil, err
		}
		return json.Marshal(findAnswer{Number: p.number("s"+ref.String(), k), Label: k.label, ID: k.id, Kind: k.kind})
	}
	p.token.forget(ref)
	k, err := p.token.Find(ctx, ref)
	if err != nil {
		return nil, err
	}
	a, err := k.answer(p.number("k"+ref.String(), k))
	if err != nil {
		return nil, err
	}
	return json.Marshal(a)
}

// number gives a key its number, the same one for the same name.
func (p *workerProcess) number(name string, key any) uint32 {
	p.mu.Lock()
	defer p.mu.Unlock()
	n, ok := p.numbers[name]
	if !ok {
		n = uint32(len(p.keys)) //nolint:gosec // keys are few
		p.keys = append(p.keys, nil)
		p.numbers[name] = n
	}
	p.keys[n] = key
	return n
}
