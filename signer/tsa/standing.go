package tsa

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// standingEvery is how long it holds that the certificate was not found withdrawn; standingGrace is how many times that, while somebody asks
// anew: a revocation service that is slow must not stop the stamps.
const (
	standingEvery = time.Minute
	standingGrace = 10
)

// standing remembers when the certificate was last found in good standing.
type standing struct {
	mu      sync.Mutex
	checked time.Time
	asking  bool // a caller is at it
}

// good asks Config.Withdrawn about once a minute. A refusal is not remembered: each request asks again.
func (w *standing) good(ctx context.Context, cfg Config) error {
	if cfg.Withdrawn == nil {
		return nil
	}
	now := cfg.Now()
	w.mu.Lock()
	age := now.Sub(w.checked)
	if !w.checked.IsZero() && age >= 0 && (age < standingEvery || w.asking && age < standingGrace*standingEvery) {
		w.mu.Unlock()
		return nil
	}
	w.asking = true
	w.mu.Unlock()
	err := cfg.Withdrawn(ctx, cfg.Chain)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asking = false
	if gone := ctx.Err(); gone != nil && errors.Is(err, gone) {
		return err // who asked did not wait for the answer: nothing is known against the certificate
	}
	w.checked = time.Time{}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrCertificate, err)
	}
	w.checked = now
	return nil
}
