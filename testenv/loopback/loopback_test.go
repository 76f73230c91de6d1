package loopback_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"qaqpa/testenv/loopback"
)

func TestListensOnLoopbackOnly(t *testing.T) {
	for _, addr := range []string{"0.0.0.0:0", ":0", "192.0.2.1:0", "localhost:0", "127.0.0.1", "x"} {
		if s, err := loopback.Start(t.Context(), addr, http.NotFoundHandler()); err == nil {
			t.Errorf("listens on %s", addr)
			s.Close()
		}
	}
}

// A handler that sleeps on purpose ends with the context, and Close returns after it.
func TestShutdownWakesHandlers(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	inside, ended := make(chan struct{}), false
	s, err := loopback.Start(ctx, "127.0.0.1:0", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(inside)
		loopback.Sleep(r.Context(), time.Hour)
		ended = true
	}))
	if err != nil {
		t.Fatal(err)
	}
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		r, err := http.NewRequestWithContext(context.WithoutCancel(ctx), http.MethodGet, s.URL, http.NoBody)
		if err != nil {
			t.Error(err)
			return
		}
		if resp, err := http.DefaultClient.Do(r); err == nil {
			resp.Body.Close()
		}
	}()
	<-inside
	cancel()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if !ended {
		t.Error("Close returned before the handler")
	}
	<-answered
	if err := s.Close(); err != nil {
		t.Error("a second Close:", err)
	}
}
