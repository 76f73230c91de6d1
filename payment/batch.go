package payment

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// Limits of group commit.
const (
	// lanes is the number of shared commits under way at once. Each has its own buckets, so they touch other rows; while
	// one waits for the disk or for Go, the other keeps the database busy. Only the chains of the audit log may be common.
	lanes = 2
	// commitMax is the most requests of one commit.
	commitMax = 512
	// queueMax is the most requests that wait; further ones are told to come again.
	queueMax = 8192
	// batchTriesMax bounds how often one batch is tried before its members go on alone.
	batchTriesMax = 3
	// splitTriesMax and splitTime bound the parts of one batch that are tried by halves.
	splitTriesMax = 64
	splitTime     = 2 * time.Second
	// batchTime bounds one try of a commit. Callers have deadlines of their own, which free them earlier.
	batchTime = 20 * time.Second
)

// work is what one request does in a shared commit.
type work interface {
	// keys name what the request changes; two requests with a common key do not share a commit, so that each sees what
	// the other did.
	keys() []string
	// begin takes away what an earlier try has left.
	begin()
}

// job is a request that waits for its commit.
type job struct {
	work
	ctx  context.Context //nolint:containedctx // of the waiting caller: a job whose caller is gone is not begun
	done chan struct{}
	err  error
	// alone sends the caller on a path of his own: his request is no plain one, or the shared transaction failed.
	alone bool
}

// committer gathers the requests of many callers into few transactions: while one commit is on its way to the disk,
// those who come wait for the next. So a lone request is not delayed, and under load a commit carries hundreds. It is the
// only writer of its lane, so requests do not wait for each other's locks inside of the database.
//
// It starts a goroutine when there is work and ends it when there is none.
type committer struct {
	store *store
	// run reads, judges and writes for all works of one kind within the transaction.
	run func(ctx context.Context, tx *sqlx.Tx, jobs []*job) (committed func(), err error)

	mu      sync.Mutex
	waiting []*job
	running bool
}

// do waits until the work is committed. alone says that nothing of it was stored and that the caller shall use a
// transaction of its own. A caller whose context ends is freed with [ErrUndecided]: his work may still be committed.
func (c *committer) do(ctx context.Context, w work) (alone bool, err error) {
	j := &job{work: w, ctx: ctx, done: make(chan struct{})}
	c.mu.Lock()
	if len(c.waiting) >= queueMax {
		c.mu.Unlock()
		return false, ErrOverloaded
	}
	c.waiting = append(c.waiting, j)
	if !c.running {
		c.running = true
		go c.loop() //nolint:contextcheck // a commit serves many callers and must not end with one of them
	}
	c.mu.Unlock()
	select {
	case <-j.done:
		return j.alone, j.err
	case <-ctx.Done():
		return false, ErrUndecided.because(ctx.Err())
	}
}

func (c *committer) loop() {
	for {
		batch := c.take()
		if len(batch) == 0 {
			return
		}
		c.commit(batch)
	}
}

// take returns the next batch, in the order of arrival; none ends the loop.
func (c *committer) take() []*job {
	c.mu.Lock()
	defer c.mu.Unlock()
	var batch, later []*job
	taken := map[string]bool{}
	for _, j := range c.waiting {
		switch {
		case j.ctx.Err() != nil: // the caller is gone and was told that it is undecided; now it is: nothing was done
			j.err = ErrUndecided.because(j.ctx.Err())
			close(j.done)
		case len(batch) == commitMax || anyOf(taken, j.keys()):
			later = append(later, j)
			mark(taken, j.keys()) // whoever comes behind it stays behind it
		default:
			batch = append(batch, j)
			mark(taken, j.keys())
		}
	}
	c.waiting = later
	c.running = len(batch) > 0
	return batch
}

func anyOf(taken map[string]bool, keys []string) bool {
	for _, k := range keys {
		if taken[k] {
			return true
		}
	}
	return false
}

func mark(taken map[string]bool, keys []string) {
	for _, k := range keys {
		taken[k] = true
	}
}

// commit runs a batch and frees its callers. One bad member does not fail the others: a batch that is refused because of its rows is tried by
// halves, down to the member at fault, which goes on alone and gets an answer of its own.
func (c *committer) commit(batch []*job) {
	split := splitting{tries: splitTriesMax, until: time.Now().Add(splitTime)} //nolint:forbidigo // a monotonic reading that bounds work, never shown as a date
	for parts := [][]*job{batch}; len(parts) > 0; {
		part := parts[0]
		parts = parts[1:]
		if c.commitPart(part, len(part) > 1 && split.left()) {
			half := len(part) / 2
			parts = append([][]*job{part[:half], part[half:]}, parts...) // in the order of arrival
		}
	}
}

// splitting bounds what one batch may cost that is tried by halves: a single bad member of [commitMax] takes 18 tries. Beyond it, or when the tries
// themselves are slow, every member that is left goes on alone. The attack: requests that the database refuses, sent by the dozen, so that honest ones
// wait behind the search for them.
type splitting struct {
	tries int
	until time.Time
}

func (s *splitting) left() bool {
	s.tries--
	return s.tries > 0 && time.Now().Before(s.until) //nolint:forbidigo // as above
}

// commitPart runs a batch or a part of one. halves says that it is to be tried by halves: it was refused because of its rows, nothing of it is stored, and its
// callers wait on. They are freed otherwise.
func (c *committer) commitPart(part []*job, splittable bool) (halves bool) {
	err := errors.New("the shared transaction did not end")
	defer func() { // also when run panics: nobody may wait for ever
		if halves {
			return
		}
		for _, j := range part {
			if j.err == nil {
				j.err = err
			}
			if j.alone {
				j.err = nil
			}
			close(j.done)
		}
	}()
	for try := 1; ; try++ {
		for _, j := range part {
			j.err, j.alone = nil, false
			j.begin()
		}
		if err = c.once(part); err == nil || try == batchTriesMax || !repeatable(err) {
			break
		}
		c.store.retried()
	}
	switch {
	case err == nil:
	case splittable && ofRows(err):
		return true
	case len(part) == 1 && ofRows(err) && pq.As(err) == nil: // what cannot be read is as unreadable alone: the error is its own
	case ofRows(err) || repeatable(err):
		for _, j := range part {
			j.alone = true
		}
		err = nil
	}
	return false
}

func (c *committer) once(batch []*job) (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), batchTime)
	defer cancel()
	tx, err := c.store.db.BeginTxx(ctx, nil)
	if err != nil {
		return unavailable(fmt.Errorf("couldn't begin a shared transaction: %w", err))
	}
	committed, err := c.run(ctx, tx, batch)
	if err != nil {
		if rollbackErr := tx.Rollback(); rollbackErr != nil && !errors.Is(rollbackErr, sql.ErrTxDone) {
			err = errors.Join(err, rollbackErr)
		}
		return unavailable(err)
	}
	if err := tx.Commit(); err != nil {
		return unavailable(&commitError{err})
	}
	if committed != nil {
		committed()
	}
	return nil
}

// commitError is what the commit itself was answered with: unless the database refused it, it may have taken place.
type commitError struct{ err error }

// Error implements error.
func (e *commitError) Error() string { return "couldn't commit a shared transaction: " + e.err.Error() }

// Unwrap returns the cause.
func (e *commitError) Unwrap() error { return e.err }

// ofRows reports whether a shared transaction failed because of what its members are about, so that others of them may do better without the one at
// fault: the database refused a row, or a stored row cannot be read, such as one whose seal does not hold. It is false where the database did not
// answer, is ill, or may have committed: nothing is tried again then.
func ofRows(err error) bool {
	var refused *pq.Error
	var committing *commitError
	switch {
	case errors.Is(err, ErrUndecided), errors.Is(err, context.Canceled), errors.Is(err, sql.ErrTxDone), errors.Is(err, sql.ErrConnDone):
		return false
	case errors.As(err, &refused):
		return len(refused.Code) == 5 && slices.Contains(classesOfRows(), string(refused.Code[:2]))
	}
	return !errors.As(err, &committing)
}

// classesOfRows are the classes of PostgreSQL's refusals that a row can cause: cardinality, data, constraint, check of a view, limits of the program such as the
// size of a row, lock not available, and internal, which a damaged row is.
func classesOfRows() []string { return []string{"21", "22", "23", "44", "54", "55", "XX"} }
