package payment

import (
	"context"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// States of a file: made, handed over, and every payment in it ended.
const (
	fileMade = "made"
	filePut  = "put"
	fileDone = "done"
)

const fileColumns = `f.bucket, f.id, f.bank_bic, f.state, f.content, f.sealed, f.attempts, f.amount, f.tries, f.due_at, f.last_problem, f.created_at`

type fileRow struct {
	Bucket      int            `db:"bucket"`
	ID          string         `db:"id"`
	Bank        string         `db:"bank_bic"`
	State       string         `db:"state"`
	Content     []byte         `db:"content"`
	Sealed      []byte         `db:"sealed"`
	Attempts    pq.StringArray `db:"attempts"`
	Amount      int64          `db:"amount"`
	Tries       int            `db:"tries"`
	DueAt       time.Time      `db:"due_at"`
	LastProblem string         `db:"last_problem"`
	CreatedAt   time.Time      `db:"created_at"`
}

func sortedIDs(ids []string) []string {
	sorted := slices.Clone(ids)
	slices.Sort(sorted)
	return sorted
}

// claimFiles takes files of one bucket that are due, and makes them due again after the lease.
func (s *store) claimFiles(ctx context.Context, bucket, limit int, lease time.Duration) ([]fileRow, error) {
	var rows []fileRow
	now := s.now()
	ctx, cancel := uncut(ctx)
	defer cancel()
	err := all(ctx, s.db, &rows, `
		WITH due AS (
			SELECT id FROM bank_files WHERE bucket = $1 AND due_at <= $2 AND state <> 'done' ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED)
		UPDATE bank_files f SET due_at = $4, tries = f.tries + 1 FROM due WHERE f.bucket = $1 AND f.id = due.id
		RETURNING `+fileColumns, bucket, now, limit, now.Add(lease))
	for i := range rows {
		if err == nil {
			err = s.private.file(ctx, &rows[i])
		}
	}
	return rows, err
}

// keepSeal stores the sealed form of a file, or returns the one that is there.
func (s *store) keepSeal(ctx context.Context, f *fileRow, sealed []byte) ([]byte, error) {
	sealed, err := s.private.seal(ctx, sealed, place("bank_files", "sealed", f.ID))
	if err != nil {
		return nil, err
	}
	var kept []byte
	err = s.inTx(ctx, func(ctx context.Context, tx *sqlx.Tx) error {
		return one(ctx, tx, &kept, `UPDATE bank_files SET sealed = coalesce(sealed, $3) WHERE bucket = $1 AND id = $2 RETURNING sealed`, f.Bucket, f.ID, sealed)
	})
	if err != nil {
		return nil, err
	}
	return s.private.open(ctx, kept, place("bank_files", "sealed", f.ID))
}

// file reads one by its MsgId, or returns [ErrFileUnknown].
func (s *store) file(ctx context.Context, id string) (fileRow, error) {
	bucket, ok := bucketOfID("", id)
	if !ok {
		return fileRow{}, ErrFileUnknown
	}
	var row fileRow
	err := orMissing(one(ctx, s.db, &row, `SELECT `+fileColumns+` FROM bank_files f WHERE f.bucket = $1 AND f.id = $2`, bucket, id), ErrFileUnknown)
	if err != nil {
		return fileRow{}, err
	}
	return row, s.private.file(ctx, &row)
}

// attemptsOf reads the attempts of a file, in the order of its list.
func (s *store) attemptsOf(ctx context.Context, f *fileRow) ([]attemptRow, error) {
	buckets := make([]int64, len(f.Attempts))
	for i, id := range f.Attempts {
		bucket, _ := bucketOfID(prefixAttempt, id)
		buckets[i] = int64(bucket)
	}
	var rows []attemptRow
	err := all(ctx, s.db, &rows, `SELECT `+attemptColumns+` FROM attempts a
		JOIN unnest($1::integer[], $2::text[]) AS t (bucket, id) ON a.bucket = t.bucket AND a.id = t.id`, pq.Array(buckets), f.Attempts)
	for i := range rows {
		if err == nil {
			err = s.private.attempt(ctx, &rows[i])
		}
	}
	return rows, err
}
