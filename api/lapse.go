package api

import (
	"context"
	"sync"
	"time"
)

// lapse is a context with a deadline whose timer and channel are made when somebody asks for the channel: most requests end before
// anything waits, and a context of the library costs four allocations and a timer each. Made by withLapse; its cancel must be
// called when the work is done, as with the library's.
type lapse struct {
	context.Context //nolint:containedctx // this is a context, its parent is what it is made of
	deadline        time.Time

	mu     sync.Mutex
	inner  context.Context //nolint:containedctx // once somebody waits
	cancel context.CancelFunc
	ended  bool
}

func withLapse(parent context.Context, d time.Duration) *lapse {
	return &lapse{Context: parent, deadline: time.Now().Add(d)} //nolint:forbidigo // as the library's: the work has to end in real time
}

// Deadline implements context.Context.
func (l *lapse) Deadline() (time.Time, bool) {
	if d, ok := l.Context.Deadline(); ok && d.Before(l.deadline) {
		return d, true
	}
	return l.deadline, true
}

// waited is the library's context for the rest of the time.
func (l *lapse) waited() context.Context {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.inner == nil {
		l.inner, l.cancel = context.WithDeadline(l.Context, l.deadline)
		if l.ended {
			l.cancel()
		}
	}
	return l.inner
}

// Done implements context.Context.
func (l *lapse) Done() <-chan struct{} { return l.waited().Done() }

// Err implements context.Context. Nobody may see an end here that Done does not show: the library's children rely on it.
func (l *lapse) Err() error {
	l.mu.Lock()
	inner, ended := l.inner, l.ended
	l.mu.Unlock()
	switch {
	case inner != nil:
		return inner.Err()
	case ended:
		return context.Canceled
	case l.Context.Err() != nil:
		return l.Context.Err()
	case !time.Now().Before(l.deadline): //nolint:forbidigo // see withLapse
		return l.waited().Err()
	}
	return nil
}

// Value implements context.Context. Once there is one, the library's context answers: by its own key it finds that it may hang
// children on it without a goroutine for each.
func (l *lapse) Value(key any) any {
	l.mu.Lock()
	inner := l.inner
	l.mu.Unlock()
	if inner != nil {
		return inner.Value(key)
	}
	return l.Context.Value(key)
}

// end is the cancel function.
func (l *lapse) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
	if l.cancel != nil {
		l.cancel()
	}
}
