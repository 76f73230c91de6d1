package payment

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
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

// commit runs a batch and frees its callers. One bad member does not fail the others: when the database refuses the whole,
// every member goes on alone and gets an answer of its own.
func (c *committer) commit(batch []*job) {
	err := errors.New("the shared transaction did not end")
	defer func() { // also when run panics: nobody may wait for ever
		for _, j := range batch {
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
		for _, j := range batch {
			j.err, j.alone = nil, false
			j.begin()
		}
		if err = c.once(batch); err == nil || try == batchTriesMax || !repeatable(err) {
			break
		}
		c.store.retried()
	}
	if refusedByDatabase(err) || repeatable(err) {
		for _, j := range batch {
			j.alone = true
		}
		err = nil
	}
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
		return unavailable(fmt.Errorf("couldn't commit a shared transaction: %w", err))
	}
	if committed != nil {
		committed()
	}
	return nil
}

// refusedByDatabase tells a statement that the database answered with a refusal from one that it did not answer.
func refusedByDatabase(err error) bool {
	if errors.Is(err, errWrote) || errors.Is(err, errPosted) {
		return true
	}
	var refused *pq.Error
	if !errors.As(err, &refused) || len(refused.Code) != 5 {
		return false
	}
	switch refused.Code[:2] {
	case "21", "22", "23", "55": // cardinality, data, constraint, lock not available
		return true
	}
	return false
}
