package payment

import (
	"context"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"qaqpa/payment/flow"
	"qaqpa/payment/money"
	"qaqpa/payment/order"
)

const attemptColumns = `a.bucket, a.id, a.order_id, a.bank_bic, a.state, a.amount, a.currency, a.message, a.sends, a.tries, a.due_at,
	a.last_problem, a.created_at, a.updated_at, a.initiator`

type attemptRow struct {
	Bucket int                `db:"bucket"`
	ID     string             `db:"id"`
	Order  string             `db:"order_id"`
	Bank   string             `db:"bank_bic"`
	State  order.AttemptState `db:"state"`
	money.Amount
	Message     []byte    `db:"message"`
	Sends       int       `db:"sends"`
	Tries       int       `db:"tries"`
	DueAt       time.Time `db:"due_at"`
	LastProblem string    `db:"last_problem"`
	CreatedAt   time.Time `db:"created_at"`
	UpdatedAt   time.Time `db:"updated_at"`
	// Initiator is initiatorGateway or initiatorBank.
	Initiator string `db:"initiator"`
}

// step takes an edge of the attempt's table.
func (a *attemptRow) step(table flow.Table[order.AttemptState], event flow.Event) error {
	next, err := table.Next(a.State, event)
	if err != nil {
		return fmt.Errorf("couldn't move attempt %s: %w", a.ID, err)
	}
	a.State = next
	return nil
}

// prepareAttempt stores the payment that the bank shall execute, before anyone calls the bank, and names it in the order. With by,
// the bank began it: it counts as sent, and the bank is asked about it when the order's time is over.
func (s *Service) prepareAttempt(ctx context.Context, tx *sqlx.Tx, o *orderRow, doc order.Document, by *initiation) error {
	now := s.now()
	id, err := newID(prefixAttempt, o.Bucket)
	if err != nil {
		return err
	}
	parts, err := instructions(ctx, tx, o, doc)
	if err != nil {
		return err
	}
	message, err := s.message(o, doc, parts, id, now)
	if err != nil {
		return fmt.Errorf("couldn't write the payment order of %s: %w", o.ID, err)
	}
	if message, err = s.private.seal(ctx, message, place("attempts", "message", id)); err != nil {
		return err
	}
	o.Attempt = &id
	a := attemptRow{State: s.attemptTable.Start(), DueAt: now, Initiator: initiatorGateway}
	if by != nil {
		if err := a.step(s.attemptTable, order.Send); err != nil {
			return err
		}
		a.Sends, a.DueAt, a.Initiator = 1, o.ExpiresAt, initiatorBank
	}
	return exec(ctx, tx, 1, `
		INSERT INTO attempts (bucket, id, order_id, bank_bic, state, amount, currency, message, sends, tries, due_at, last_problem,
			created_at, updated_at, initiator) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $10, 0, $11, '', $9, $9, $12)`,
		o.Bucket, id, o.ID, o.Bank, a.State, o.Tiyn, o.Currency, message, now, a.Sends, a.DueAt, a.Initiator)
}

// lockAttempt locks an attempt and its order, the order first, or returns [ErrAttemptUnknown].
func (s *store) lockAttempt(ctx context.Context, tx *sqlx.Tx, id string) (*attemptRow, *orderRow, error) {
	bucket, ok := bucketOfID(prefixAttempt, id)
	if !ok {
		return nil, nil, ErrAttemptUnknown
	}
	var orderID string
	if err := orMissing(one(ctx, tx, &orderID, `SELECT order_id FROM attempts WHERE bucket = $1 AND id = $2`, bucket, id), ErrAttemptUnknown); err != nil {
		return nil, nil, err
	}
	o, err := s.lockOrder(ctx, tx, orderID)
	if err != nil {
		return nil, nil, err
	}
	var a attemptRow
	err = orMissing(one(ctx, tx, &a, `SELECT `+attemptColumns+` FROM attempts a WHERE a.bucket = $1 AND a.id = $2 FOR UPDATE`, bucket, id), ErrAttemptUnknown)
	if err != nil {
		return nil, nil, err
	}
	return &a, o, s.private.attempt(ctx, &a)
}

func saveAttempt(ctx context.Context, tx *sqlx.Tx, a *attemptRow) error {
	return exec(ctx, tx, 1, `UPDATE attempts SET state = $3, sends = $4, tries = $5, due_at = $6, last_problem = $7, updated_at = $8
		WHERE bucket = $1 AND id = $2`, a.Bucket, a.ID, a.State, a.Sends, a.Tries, a.DueAt, clip(a.LastProblem), a.UpdatedAt)
}

// dueBuckets lists the buckets in which a table has work, from a partial index; the claims are made bucket by bucket.
func (s *store) dueBuckets(ctx context.Context, query string, args ...any) ([]int, error) {
	var buckets []int
	err := all(ctx, s.db, &buckets, query, args...)
	return buckets, err
}

// claimAttempts takes attempts of one bucket that are due, and makes them due again after the lease, so that a worker
// that dies leaves them to the next one. What goes to banks by file is left to [Service.workFiles].
func (s *store) claimAttempts(ctx context.Context, bucket, limit int, byFile []string, lease time.Duration) ([]attemptRow, error) {
	var rows []attemptRow
	now := s.now()
	ctx, cancel := uncut(ctx)
	defer cancel()
	err := all(ctx, s.db, &rows, `
		WITH due AS (
			SELECT id FROM attempts
			WHERE bucket = $1 AND due_at <= $2 AND state IN ('prepared', 'sent', 'unknown', 'absent')
				AND file_id IS NULL AND (state <> 'prepared' OR bank_bic <> ALL(coalesce($5::text[], '{}')))
			ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED)
		UPDATE attempts a SET due_at = $4, tries = a.tries + 1 FROM due WHERE a.bucket = $1 AND a.id = due.id
		RETURNING `+attemptColumns, bucket, now, limit, now.Add(lease), pq.Array(byFile))
	for i := range rows {
		if err == nil {
			err = s.private.attempt(ctx, &rows[i])
		}
	}
	return rows, err
}
