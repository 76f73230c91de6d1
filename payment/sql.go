package payment

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"
)

// openDB makes a pool over a connector.
func openDB(connector driver.Connector) *sql.DB { return sql.OpenDB(connector) }

// joinClose closes c and adds what went wrong to err.
func joinClose(err error, c io.Closer) error { return errors.Join(err, c.Close()) }

// errAgain asks for the transaction to be run again from the start.
var errAgain = errors.New("transaction must be repeated")

// triesMax bounds how often one transaction is run.
const triesMax = 10

// store is the database with the clock: what every part of the domain needs.
type store struct {
	db  *sqlx.DB
	now func() time.Time
	// inFlight holds the idempotency keys that this process is working on.
	inFlight *sync.Map
	retried  func()
	// private seals and opens personal data; nil stores them as they stand.
	private *privacy
}

func newStore(db *sqlx.DB, now func() time.Time) store {
	return store{
		db: db, inFlight: &sync.Map{}, retried: func() {},
		now: func() time.Time { return now().UTC().Truncate(time.Microsecond) },
	}
}

// inTx runs fn in a transaction and commits it. Serialisation failures and deadlocks are repeated, so fn may run more
// than once: it has no effect outside of the transaction and sets its results anew each time. A commit whose answer is
// lost may have happened: callers repeat under their idempotency key.
func (s *store) inTx(ctx context.Context, fn func(ctx context.Context, tx *sqlx.Tx) error) error {
	for try := 1; ; try++ {
		err := s.once(ctx, fn)
		if err == nil || try == triesMax || !repeatable(err) {
			return unavailable(err)
		}
		s.retried()
		pause := time.Duration(1+rand.Int64N(int64(try*try))) * 2 * time.Millisecond //nolint:gosec // G404: jitter is no secret
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-time.After(pause):
		}
	}
}

func (s *store) once(ctx context.Context, fn func(ctx context.Context, tx *sqlx.Tx) error) error {
	tx, err := s.db.BeginTxx(ctx, nil)
	if err != nil {
		return fmt.Errorf("couldn't begin a transaction: %w", err)
	}
	if err := fn(ctx, tx); err != nil {
		if rollbackErr := tx.Rollback(); rollbackErr != nil && !errors.Is(rollbackErr, sql.ErrTxDone) {
			return errors.Join(err, rollbackErr)
		}
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("couldn't commit: %w", err)
	}
	return nil
}

func repeatable(err error) bool {
	return errors.Is(err, errAgain) || pq.As(err, pqerror.TRSerializationFailure) != nil || pq.As(err, pqerror.TRDeadlockDetected) != nil
}

// one runs a query for a single row; see [orMissing].
func one(ctx context.Context, q sqlx.QueryerContext, into any, query string, args ...any) error {
	if err := sqlx.GetContext(ctx, q, into, query, args...); err != nil {
		return unavailable(fmt.Errorf("couldn't read %T: %w", into, err))
	}
	return nil
}

// orMissing turns "no row" into a refusal and leaves other errors alone.
func orMissing(err error, missing *Error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return missing
	}
	return err
}

// all runs a query for any number of rows.
func all(ctx context.Context, q sqlx.QueryerContext, into any, query string, args ...any) error {
	if err := sqlx.SelectContext(ctx, q, into, query, args...); err != nil {
		return unavailable(fmt.Errorf("couldn't read %T: %w", into, err))
	}
	return nil
}

// exec runs a statement that must change exactly want rows; want < 0 admits any number.
func exec(ctx context.Context, tx *sqlx.Tx, want int64, query string, args ...any) error {
	result, err := tx.ExecContext(ctx, query, args...)
	if err != nil {
		return fmt.Errorf("couldn't write: %w", err)
	}
	if want < 0 {
		return nil
	}
	got, err := result.RowsAffected()
	if err != nil {
		return fmt.Errorf("couldn't count what was written: %w", err)
	}
	if got != want {
		return fmt.Errorf("wrote %d rows instead of %d: %w", got, want, errWrote)
	}
	return nil
}

// errWrote says that a statement did not find the rows that were locked for it.
var errWrote = errors.New("unexpected number of rows")
