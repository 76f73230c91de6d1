package audit

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// Recorder commits entries that need no other effect beside them, such as the use of a key. Entries of callers that come
// while a commit is under way share the next one, so that many callers cost few commits.
//
// Safe for concurrent use; it starts no goroutine: one of the waiting callers does the work.
type Recorder struct {
	log *Log
	db  *sqlx.DB

	mu      sync.Mutex
	busy    bool
	waiting []*waiter
}

type waiter struct {
	entries []Entry
	done    chan error    // the outcome of the commit
	lead    chan struct{} // it is this caller's turn to commit for all who wait
}

// Bounds of one shared commit.
const (
	batchMax     = 256
	commitMax    = 10 * time.Second
	attemptsMax  = 5
	retryBackoff = 5 * time.Millisecond
)

// NewRecorder makes a Recorder.
func NewRecorder(log *Log, db *sqlx.DB) *Recorder { return &Recorder{log: log, db: db} }

// Record returns when the entries are committed, or with the error of the commit: then none of them is there. It
// takes at most as long as two commits, 20 s in the worst case, whatever becomes of ctx meanwhile.
func (r *Recorder) Record(ctx context.Context, entries ...Entry) error {
	for _, e := range entries {
		if err := e.check(); err != nil { // alone: it must not fail the others
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	w := &waiter{entries: entries, done: make(chan error, 1), lead: make(chan struct{}, 1)}
	r.mu.Lock()
	r.waiting = append(r.waiting, w)
	if !r.busy {
		r.busy = true
		w.lead <- struct{}{}
	}
	r.mu.Unlock()
	select {
	case err := <-w.done:
		return err
	case <-w.lead:
		r.commit(ctx)
		return <-w.done
	}
}

// commit serves the callers that wait, the leader among them, and hands the lead to the next.
func (r *Recorder) commit(ctx context.Context) {
	r.mu.Lock()
	n := min(len(r.waiting), batchMax)
	batch := r.waiting[:n:n]
	r.waiting = r.waiting[n:]
	r.mu.Unlock()
	var entries []Entry
	for _, w := range batch {
		entries = append(entries, w.entries...)
	}
	// The commit belongs to all who wait: it does not end with the leader's context.
	own, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitMax)
	defer cancel()
	err := r.append(own, entries)
	for _, w := range batch {
		w.done <- err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.waiting) > 0 {
		r.waiting[0].lead <- struct{}{}
		return
	}
	r.busy = false
}

func (r *Recorder) append(ctx context.Context, entries []Entry) error {
	for attempt := 1; ; attempt++ {
		err := r.once(ctx, entries)
		var pe *pq.Error
		if err == nil || attempt == attemptsMax || !errors.As(err, &pe) || (pe.Code != "40001" && pe.Code != "40P01") {
			return err
		}
		select {
		case <-time.After(retryBackoff << attempt):
		case <-ctx.Done():
			return err
		}
	}
}

func (r *Recorder) once(ctx context.Context, entries []Entry) error {
	tx, err := r.db.BeginTxx(ctx, nil)
	if err != nil {
		return fmt.Errorf("couldn't begin an audit transaction: %w", err)
	}
	if err := r.log.AppendAll(ctx, tx, entries); err != nil {
		_ = tx.Rollback() // the first error is the one to tell
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("couldn't commit the audit entry: %w", err)
	}
	return nil
}
