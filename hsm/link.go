package hsm

import (
	"bufio"
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

	mu      sync.Mutex // guards what follows
	next    uint64
	pending map[uint64]*exchange
	dead    error
	out     []byte        // frames that were not written at once
	flush   chan struct{} // wakes the goroutine that writes them
	load    int           // bytes of all pending requests

	gone chan struct{} // closed when the process has ended
}

// exchange is one request and what is to be done with its answer.
type exchange struct {
	since time.Time
	limit time.Duration // the worker is killed when there is no answer by then
	size  int
	done  func(payload []byte, err error) // called once, by the link's goroutines or by whoever kills it
}

// loadMax is how much may be under way before writing is left to a goroutine of its own: less than any kernel buffers, so that
// a direct write never blocks on a worker that does not read.
const loadMax = 64 << 10

// startWorker starts a worker process. Secrets that came to the gateway by its environment stay here.
func startWorker(command []string, stderr io.Writer, noted func(report)) (*link, error) {
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
		cmd: cmd, conn: conn, life: write, noted: noted, pending: make(map[uint64]*exchange), next: 1,
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

// ask sends a request. x.done is called with the answer, with an error when there will be none.
func (l *link) ask(op byte, x *exchange, payload ...[]byte) {
	for _, p := range payload {
		x.size += len(p)
	}
	l.mu.Lock()
	if l.dead != nil {
		l.mu.Unlock()
		x.done(nil, l.dead)
		return
	}
	number := l.next
	l.next++
	l.pending[number] = x
	l.load += x.size
	l.mu.Unlock()
	l.post(appendFrame(make([]byte, 0, frameHead+x.size), number, op, payload...))
}

// post writes a frame: at once if nothing is waiting and the kernel surely has room, else by the writing goroutine, which
// writes all that has come together. It never blocks.
func (l *link) post(frame []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead != nil {
		return
	}
	if len(l.out) == 0 && l.load < loadMax && len(frame) < loadMax {
		if n, err := l.conn.Write(frame); err != nil {
			frame = frame[n:] // the writing goroutine meets the error again
		} else {
			return
		}
	}
	l.out = append(l.out, frame...)
	select {
	case l.flush <- struct{}{}:
	default:
	}
}

// write empties the buffer whenever it is told to. What is being written stays in the buffer until it is, so that post does not
// overtake it.
func (l *link) write() {
	for {
		select {
		case <-l.flush:
		case <-l.gone:
			return
		}
		for {
			l.mu.Lock()
			chunk := l.out[:min(len(l.out), 1<<16)]
			l.mu.Unlock()
			if len(chunk) == 0 {
				break
			}
			if _, err := l.conn.Write(chunk); err != nil {
				l.kill(fmt.Errorf("%w: %w", errWorkerLost, err))
				return
			}
			l.mu.Lock()
			l.out = l.out[len(chunk):]
			if len(l.out) == 0 {
				l.out = nil
			}
			l.mu.Unlock()
		}
	}
}

// read hands out answers until the worker closes the socket.
func (l *link) read() {
	in := bufio.NewReaderSize(l.conn, 64<<10)
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
			l.noted(r)
			continue
		}
		l.mu.Lock()
		x := l.pending[f.number]
		delete(l.pending, f.number)
		if x != nil {
			l.load -= x.size
		}
		l.mu.Unlock()
		if x != nil {
			x.finish(f)
		}
	}
	_ = l.cmd.Wait() // how it ended is of no interest
	close(l.gone)
}

func (x *exchange) finish(f frame) {
	if f.op == outcomeOK {
		x.done(f.payload, nil)
		return
	}
	e, err := decode[*failure](f.payload)
	if err != nil || e == nil {
		x.done(nil, fmt.Errorf("%w: %w", ErrUnavailable, errFrame))
		return
	}
	x.done(nil, e)
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
	for _, x := range lost {
		x.done(nil, why)
	}
}

// overdue says how long the call that is furthest past its limit has been under way; zero when none is.
func (l *link) overdue(now time.Time) (longest time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, x := range l.pending {
		if took := now.Sub(x.since); took > x.limit && took > longest {
			longest = took
		}
	}
	return longest
}
