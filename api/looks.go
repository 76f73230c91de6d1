package api

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"qaqpa/api/auth"
)

// lookStep is for how long the same client that reads the same thing again is one look: programs ask every few seconds what became of an order, and a page
// of hundred equal lines tells a person nothing.
const lookStep = 15 * time.Minute

// looksKept bounds the looks that are remembered. One that is forgotten is written down again.
const looksKept = 16 << 10

// recentLooks remembers what was written down a short while ago. It is safe for concurrent use.
type recentLooks struct {
	mu   sync.Mutex
	last *lru.Cache[string, time.Time]
}

func newRecentLooks() (*recentLooks, error) {
	last, err := lru.New[string, time.Time](looksKept)
	if err != nil {
		return nil, fmt.Errorf("couldn't make the table of looks: %w", err)
	}
	return &recentLooks{last: last}, nil
}

func (l *recentLooks) recent(key string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	at, ok := l.last.Get(key)
	return ok && now.Sub(at) < lookStep && !now.Before(at)
}

func (l *recentLooks) noted(key string, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last.Add(key, now)
}

// noteRead writes down that a client reads something of a person: a debt, an order, a receipt (R42). What cannot be written down is not shown. The portal shows
// people their own; who changes something stands in the audit log with it.
func (s *Server) noteRead(ctx context.Context, r *request, payer string) error {
	if r.method != http.MethodGet || r.caller.Kind == auth.Portal {
		return nil
	}
	// The path names the thing by its id, which says nothing of the person.
	key, now := r.caller.Actor()+" "+r.path, s.cfg.Now()
	if s.looks.recent(key, now) {
		return nil
	}
	if err := s.noteLook(ctx, r, payer, "API: GET "+r.path); err != nil {
		return err
	}
	s.looks.noted(key, now)
	return nil
}
