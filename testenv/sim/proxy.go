package sim

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"sync"
)

// Cut says how a process ends.
type Cut int

// Ways to end.
const (
	// Never ends nothing.
	Never Cut = iota
	// Before ends the gateway before the message leaves it.
	Before
	// After lets the message take effect and ends the gateway before it reads the reply.
	After
	// Database kills the database when the message has reached it.
	Database
	// Hang ends nobody: connections stay, and nothing is passed on any more, in either direction.
	Hang
)

// socketName is that of PostgreSQL for its default port.
const socketName = ".s.PGSQL.5432"

// Proxy passes a unix socket of PostgreSQL on. Safe for concurrent use.
type Proxy struct {
	dir, upstream string
	listener      net.Listener
	kill          func() error
	done          sync.WaitGroup

	mu   sync.Mutex
	cut  Cut
	left int
	sent int
	dead bool
	// ended is closed when the end is complete, nil before it came.
	ended chan struct{}
	err   error
	conns map[net.Conn]bool
}

// New listens in dir, which becomes the host of connection strings, and passes on to the server whose socket stands in
// upstream. kill ends that server.
func New(ctx context.Context, dir, upstream string, kill func() error) (*Proxy, error) {
	p := &Proxy{dir: dir, upstream: filepath.Join(upstream, socketName), kill: kill, conns: map[net.Conn]bool{}}
	var err error
	if p.listener, err = (&net.ListenConfig{}).Listen(ctx, "unix", filepath.Join(dir, socketName)); err != nil {
		return nil, fmt.Errorf("couldn't listen in %s: %w", dir, err)
	}
	p.done.Go(p.accept)
	return p, nil
}

// Dir is the host for connection strings.
func (p *Proxy) Dir() string { return p.dir }

// Arm lets the process end at the n-th message from now, n from 1.
func (p *Proxy) Arm(cut Cut, n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut, p.left = cut, n
}

// Dead reports whether the end has come.
func (p *Proxy) Dead() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dead
}

// Revive takes the end away: connections are let through again. It returns whether the end had come, and which.
func (p *Proxy) Revive() (Cut, error) {
	p.mu.Lock()
	came, ended := Never, p.ended
	if p.dead {
		came = p.cut
	}
	if came == Hang {
		close(ended)
	}
	p.cut = Never // from here on nothing more comes to an end
	p.mu.Unlock()
	if came == Database {
		<-ended
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dead = false
	return came, p.err
}

// Sent counts the messages since the start.
func (p *Proxy) Sent() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sent
}

// Close ends the proxy and all its connections.
func (p *Proxy) Close() error {
	err := p.listener.Close()
	if p.hanging() {
		_, _ = p.Revive() // whoever hangs is let go
	}
	p.drop()
	p.done.Wait()
	return err
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return // closed
		}
		server, err := net.Dial("unix", p.upstream)
		if err != nil || !p.keep(client, server) {
			_ = client.Close()
			if err == nil {
				_ = server.Close()
			}
			continue
		}
		muted := make(chan struct{})
		p.done.Go(func() { p.forth(client, server, muted) })
		p.done.Go(func() { p.back(client, server, muted) })
	}
}

// keep remembers a connection, unless the gateway is dead.
func (p *Proxy) keep(conns ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dead && p.cut != Hang {
		return false
	}
	for _, c := range conns {
		p.conns[c] = true
	}
	return true
}

// drop cuts all connections.
func (p *Proxy) drop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		_ = c.Close()
	}
	clear(p.conns)
}

// forth carries what the gateway sends; lib/pq writes a message at once.
func (p *Proxy) forth(client, server net.Conn, muted chan struct{}) {
	buffer := make([]byte, 1<<20)
	for {
		n, err := client.Read(buffer)
		if err != nil {
			_ = server.Close()
			return
		}
		switch p.next() {
		case Before:
			p.drop()
			return
		case After:
			close(muted) // back cuts when the reply comes
		case Database:
			_, _ = server.Write(buffer[:n]) // whether it still takes effect is up to chance, as in life
			p.fail(p.kill())
			p.drop()
			p.mu.Lock()
			close(p.ended)
			p.mu.Unlock()
			return
		case Hang, Never:
		}
		if p.hanging() {
			p.wake(client, server)
			return
		}
		if _, err := server.Write(buffer[:n]); err != nil {
			_ = client.Close()
			return
		}
	}
}

// hanging reports whether everything stands still.
func (p *Proxy) hanging() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dead && p.cut == Hang
}

// wake waits until the standstill is over, or the proxy ends, and cuts the connection, whose messages are out of step.
func (p *Proxy) wake(conns ...net.Conn) {
	p.mu.Lock()
	ended := p.ended
	p.mu.Unlock()
	<-ended
	for _, c := range conns {
		_ = c.Close()
	}
}

// next counts a message and says whether the end comes with it.
func (p *Proxy) next() Cut {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sent++
	if p.cut == Never || p.dead {
		return Never
	}
	if p.left--; p.left > 0 {
		return Never
	}
	p.dead, p.ended = true, make(chan struct{})
	return p.cut
}

func (p *Proxy) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err = errors.Join(p.err, err)
}

func (p *Proxy) back(client, server net.Conn, muted chan struct{}) {
	buffer := make([]byte, 1<<18)
	for {
		n, err := server.Read(buffer)
		if err != nil {
			_ = client.Close()
			return
		}
		select {
		case <-muted:
			p.drop()
			return
		default:
		}
		if p.hanging() {
			p.wake(client, server)
			return
		}
		if _, err := client.Write(buffer[:n]); err != nil {
			_ = server.Close()
			return
		}
	}
}
