// Package loopback runs an http.Handler on 127.0.0.1 with a life bound to a context.
//
// Every stand-in (pki, bank, agency) is served by it, so that each of them listens on loopback alone
// and goes away completely: when Close returns, no handler runs any more.
package loopback

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// Server is a running HTTP server.
type Server struct {
	URL string // http://127.0.0.1:port

	http   *http.Server
	cancel context.CancelFunc // ends the context of every request
	done   chan struct{}      // closed when Serve returned
	once   sync.Once
	err    error
}

// Start listens on addr (host 127.0.0.1; port 0 picks one) and serves until ctx ends or Close.
// Requests see a context that ends at shutdown, so that a handler that sleeps on purpose wakes up.
func Start(ctx context.Context, addr string, handler http.Handler) (*Server, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("couldn't read address %q: %w", addr, err)
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return nil, fmt.Errorf("stand-ins listen on loopback only, not on %q", host)
	}
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("couldn't listen: %w", err)
	}
	return Serve(ctx, listener, handler), nil
}

// Serve is Start on an open listener, which it owns from then on.
func Serve(ctx context.Context, listener net.Listener, handler http.Handler) *Server {
	base, cancel := context.WithCancel(ctx)
	s := &Server{
		URL:    "http://" + listener.Addr().String(),
		cancel: cancel,
		done:   make(chan struct{}),
		http: &http.Server{
			Handler:           handler,
			BaseContext:       func(net.Listener) context.Context { return base },
			ReadHeaderTimeout: 10 * time.Second,
		},
	}
	go func() {
		defer close(s.done)
		if err := s.http.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			s.err = err
		}
	}()
	go func() {
		<-base.Done()
		s.shutdown() // the context has ended: shutting down needs its own deadline
	}()
	return s
}

// Close ends all requests, waits for their handlers and returns what went wrong while serving.
func (s *Server) Close() error {
	s.shutdown()
	<-s.done
	return s.err
}

func (s *Server) shutdown() {
	s.once.Do(func() {
		s.cancel()
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		if s.http.Shutdown(ctx) != nil {
			s.http.Close() // the deadline passed: cut the connections
		}
	})
}

// Sleep waits for d or until the request's context ends.
func Sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
