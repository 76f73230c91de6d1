package hsm

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// errWorkerLost: the worker process ended, or was ended because a call in it did not return.
var errWorkerLost = fmt.Errorf("%w: its worker process ended", ErrUnavailable)

// link is one worker process and what the gateway waits for from it. It is never repaired: when it is dead another one is made.
type link struct {
	cmd  *exec.Cmd
	conn net.Conn
	life *os.File // the worker ends when this is closed

	noted func(report) // told each state, in order, by the reading goroutine
	turn  func(func()) // within it all outcomes are given, those that came together in one

	mu      sync.Mutex // guards what follows
	next    uint64
	pending map[uint64]*exchange
	dead    error
	out     []byte        // frames that are not written yet
	unsent  int           // how many of them want a seat
	flush   chan struct{} // wakes the goroutine that writes what would not be written at once
	writing bool          // it does
	load    int           // bytes of all pending requests
	seats   int           // calls that the worker does at once; it takes them in the order in which they came. 0: it was not told yet
	seated  int           // calls that want a seat and are not answered
	working int           // those that have one
	waiting []*exchange   // those that have none yet, in order

	gone chan struct{} // closed when the process has ended
}

// exchange is one request and what is to be done with its answer.
type exchange struct {
	since  time.Time     // when the worker began with it; zero while it waits there for a seat
	limit  time.Duration // the worker is killed when there is no answer by then
	seated bool          // it wants a seat
	size   int
	done   func(payload []byte, err error) // called once, within link.turn
}

// outcome is what became of an exchange.
type outcome struct {
	x       *exchange
	payload []byte
	err     error
}

// loadMax is how much may be under way, in bytes, before writing is left to a goroutine of its own: less than any kernel buffers, so that
// a direct write never blocks, with the lock that the watchdog needs, on a worker that does not read. The kernel counts frameCost for
// what it keeps of each write, however short.
const (
	loadMax   = 128 << 10
	frameCost = 768
)

// startWorker starts a worker process. Secrets that came to the gateway by its environment stay here.
func startWorker(command []string, stderr io.Writer, noted func(report), turn func(func())) (*link, error) {
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("couldn't make a socket pair: %w", err)
	}
	ours, theirs := os.NewFile(uintptr(fds[0]), "worker"), os.NewFile(uintptr(fds[1]), "gateway")
	defer func() { _, _ = ours.Close(), theirs.Close() }() // net has a copy of ours, the process one of theirs
	conn, err := net.FileConn(ours)
	if err != nil {
		return nil, fmt.Errorf("couldn't use the socket pair: %w", err)
	}
	read, write, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("couldn't make a pipe: %w", err), conn.Close())
	}
	defer func() { _ = read.Close() }()
	cmd := exec.Command(command[0], command[1:]...) //nolint:gosec,noctx // the gateway's own program; it ends by its life line
	cmd.ExtraFiles, cmd.Stderr = []*os.File{theirs, read}, stderr
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "QAQPA_HSM_PIN=") || strings.HasPrefix(v, "QAQPA_DATABASE=") || strings.HasPrefix(v, "PGPASSWORD=")
	})
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("couldn't start a worker process: %w", err), conn.Close(), write.Close())
	}
	l := &link{
		cmd: cmd, conn: conn, life: write, noted: noted, turn: turn, pending: make(map[uint64]*exchange), next: 1,
		flush: make(chan struct{}, 1), gone: make(chan struct{}),
	}
	go l.read()
	go l.write()
	return l, nil
}

// hello tells the worker which token to open.
func (l *link) hello(h hello) error {
	raw, err := json.Marshal(h)
	if err != nil {
		return fmt.Errorf("couldn't write the hello: %w", err)
	}
	l.post(appendFrame(nil, 0, opHello, raw))
	return nil
}

// ask puts a request into the buffer; push sends it. x.done is called with the answer, with an error when there will be none.
func (l *link) ask(op byte, x *exchange, payload ...[]byte) {
	x.size = frameCost
	for _, p := range payload {
		x.size += len(p)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if why := l.dead; why != nil {
		go l.turn(func() { x.done(nil, why) })
		return
	}
	number := l.next
	l.next++
	l.pending[number] = x
	l.load += x.size
	if x.seated {
		l.seated++
		l.unsent++
		if l.working < l.seats {
			l.working++
			x.since = now()
		} else {
			l.waiting = append(l.waiting, x)
		}
	}
	l.out = appendFrame(l.out, number, op, payload...)
}

// begin lets calls that wait in the worker have the seats that are free. The caller holds l.mu.
func (l *link) begin() {
	for l.working < l.seats && len(l.waiting) > 0 {
		l.waiting[0].since = now()
		l.waiting = l.waiting[1:]
		l.working++
	}
}

// resize changes how many calls the worker does at once. Calls that it has begun with go on.
func (l *link) resize(seats int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if seats < 1 || l.seats == seats {
		return
	}
	l.seats = seats
	l.begin()
	l.out = appendFrame(l.out, 0, opSeats, binary.BigEndian.AppendUint32(nil, uint32(seats))) //nolint:gosec // at most 256
	l.send()
}

// post sends a frame to which there is no answer.
func (l *link) post(frame []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.out = append(l.out, frame...)
	l.send()
}

// plenty is how many calls beyond its seats a worker has before more are kept back: they go together with the next answers, which
// come before they could be begun with. One write in place of several wakes the worker once.
const plenty = 3

// push writes what is in the buffer, unless the worker has plenty to do: whoever gets its next answer pushes again. It never blocks.
func (l *link) push() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.unsent > 0 && l.seated-l.unsent >= l.seats+plenty {
		return
	}
	l.send()
}

// send writes the buffer: at once if the kernel surely has room, else by the writing goroutine. The caller holds l.mu.
func (l *link) send() {
	if l.dead != nil || len(l.out) == 0 || l.writing {
		return
	}
	if l.load < loadMax && len(l.out) < loadMax {
		n, err := l.conn.Write(l.out)
		if err == nil {
			l.out, l.unsent = l.out[:0], 0
			return
		}
		l.out = l.out[n:] // the writing goroutine meets the error again
	}
	l.writing, l.unsent = true, 0
	l.flush <- struct{}{}
}

// write empties the buffer whenever it is told to.
func (l *link) write() {
	for {
		select {
		case <-l.flush:
		case <-l.gone:
			return
		}
		for {
			l.mu.Lock()
			chunk := l.out
			l.out, l.unsent, l.writing = nil, 0, len(chunk) > 0
			l.mu.Unlock()
			if len(chunk) == 0 {
				break
			}
			if _, err := l.conn.Write(chunk); err != nil {
				l.kill(fmt.Errorf("%w: %w", errWorkerLost, err))
				return
			}
		}
	}
}

// read hands out answers until the worker closes the socket. Those that came together are handed out together.
func (l *link) read() {
	in := bufio.NewReaderSize(l.conn, 64<<10)
	var batch []outcome
	for {
		f, err := readFrame(in)
		if err != nil {
			l.kill(errWorkerLost)
			break
		}
		if f.op == outcomeState {
			r, err := decode[report](f.payload)
			if err != nil {
				l.kill(err)
				break
			}
			r.Seats = max(1, r.Seats)
			l.noted(r)
		} else if o, ok := l.answered(f); ok {
			batch = append(batch, o)
		}
		if len(batch) > 0 && !frameWaits(in) {
			l.give(batch)
			clear(batch)
			batch = batch[:0]
		}
	}
	_ = l.cmd.Wait() // how it ended is of no interest
	close(l.gone)
}

// give hands out outcomes and sends what was kept back for them.
func (l *link) give(batch []outcome) {
	l.turn(func() {
		for _, o := range batch {
			o.x.done(o.payload, o.err)
		}
	})
	l.push()
}

// answered finds the exchange that a frame answers, and lets the next one have its seat.
func (l *link) answered(f frame) (outcome, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	x := l.pending[f.number]
	if x == nil {
		return outcome{}, false
	}
	delete(l.pending, f.number)
	l.load -= x.size
	if x.seated {
		l.seated--
		l.working--
		l.begin()
	}
	o := outcome{x: x}
	if f.op == outcomeOK {
		o.payload = f.payload
		return o, true
	}
	e, err := decode[*failure](f.payload)
	if o.err = e; err != nil || e == nil {
		o.err = fmt.Errorf("%w: %w", ErrUnavailable, errFrame)
	}
	return o, true
}

// kill ends the process and everything that waits for it. The kernel ends calls that no module would.
func (l *link) kill(why error) {
	l.mu.Lock()
	if l.dead != nil {
		l.mu.Unlock()
		return
	}
	l.dead = why
	lost := l.pending
	l.pending = nil
	l.mu.Unlock()
	_ = l.cmd.Process.Kill()
	_ = l.conn.Close()
	_ = l.life.Close()
	l.turn(func() {
		for _, x := range lost {
			x.done(nil, why)
		}
	})
}

// overdue says how long the call that is furthest past its limit has been under way; zero when none is.
func (l *link) overdue(now time.Time) (longest time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, x := range l.pending {
		if took := now.Sub(x.since); !x.since.IsZero() && took > x.limit && took > longest {
			longest = took
		}
	}
	return longest
}
