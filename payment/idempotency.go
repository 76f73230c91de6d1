package payment

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"
)

// idemRow is a stored use of a key.
type idemRow struct {
	RequestHash []byte `db:"request_hash"`
	Failed      bool   `db:"failed"`
	Response    []byte `db:"response"`
}

func (i Idem) check() error {
	const callerMax, keyMax = 128, 255
	if i.Caller == "" || len(i.Caller) > callerMax {
		return ErrInvalid.with("the caller of an idempotency key is missing or too long")
	}
	if i.Key == "" {
		return ErrIdempotencyMissing
	}
	if len(i.Key) > keyMax {
		return ErrInvalid.with("the idempotency key is longer than 255 characters").at("Idempotency-Key")
	}
	for _, c := range []byte(i.Key) {
		if c < 0x20 || c > 0x7e {
			return ErrInvalid.with("the idempotency key is not printable ASCII").at("Idempotency-Key")
		}
	}
	return nil
}

// flight names the use of a key within the process; neither part holds a zero byte.
func (i Idem) flight() string { return i.Caller + "\x00" + i.Key }

// place binds a stored result to its key.
func (i Idem) place() []byte { return place("idempotency", "response", i.Caller+"/"+i.Key) }

// bucket is that of caller and key; the length keeps the pairs ("a","bc") and ("ab","c") apart.
func (i Idem) bucket() int {
	return bucketOf(strconv.Itoa(len(i.Caller)) + ":" + i.Caller + ":" + i.Key)
}

// idempotent runs effect once per key. The key's row commits with the effect; a refusal is stored after the effect was
// rolled back. Whether the result was stored before is the second value. prepare, which may be nil, runs before the
// transaction for what must not happen inside one, such as asking the verifier.
//
// A crash before the commit leaves nothing; after it, everything: the repetition returns the stored result.
func idempotent[T any](
	ctx context.Context, s *store, idem Idem, prepare func(context.Context) error, effect func(context.Context, *sqlx.Tx) (T, error),
) (T, bool, error) {
	var none T
	if err := idem.check(); err != nil {
		return none, false, err
	}
	flight := idem.flight()
	if _, busy := s.inFlight.LoadOrStore(flight, true); busy {
		return none, false, ErrIdempotencyBusy
	}
	defer s.inFlight.Delete(flight)

	if prepare != nil {
		// The stored result first: what prepare would find now may differ from what it found then.
		if row, found, err := findIdem(ctx, s.db, idem, s); err != nil || found {
			return replay[T](idem, row, err)
		}
		if err := prepare(ctx); err != nil {
			return keepRefusal[T](ctx, s, idem, err)
		}
	}
	var out T
	var stored *idemRow
	err := s.inTx(ctx, func(ctx context.Context, tx *sqlx.Tx) error {
		out, stored = none, nil
		row, fresh, err := claimIdem(ctx, tx, idem, s)
		if err != nil {
			return err
		}
		if !fresh {
			stored = &row
			return nil
		}
		if out, err = effect(ctx, tx); err != nil {
			return err
		}
		response, err := json.Marshal(out)
		if err != nil {
			return fmt.Errorf("couldn't encode the result: %w", err)
		}
		if response, err = s.private.seal(ctx, response, idem.place()); err != nil {
			return err
		}
		return exec(ctx, tx, 1, `UPDATE idempotency SET response = $4 WHERE bucket = $1 AND caller = $2 AND key = $3`,
			idem.bucket(), s.private.caller(idem.Caller), idem.Key, response)
	})
	switch {
	case err != nil:
		return keepRefusal[T](ctx, s, idem, err)
	case stored != nil:
		return replay[T](idem, *stored, nil)
	}
	return out, false, nil
}

// claimIdem takes the key, or finds its row. A key that another process is working on is waited for, up to the lock
// time-out of the connection.
func claimIdem(ctx context.Context, tx *sqlx.Tx, idem Idem, s *store) (row idemRow, fresh bool, err error) {
	if len(s.private.callerForms(idem.Caller)) > 1 { // it may stand there in another form
		if err := s.takeTurns(ctx, tx, int64(idem.bucket())); err != nil {
			return idemRow{}, false, err
		}
		if row, found, err := findIdem(ctx, tx, idem, s); err != nil || found {
			return row, false, err
		}
	}
	result, err := tx.ExecContext(ctx, `
		INSERT INTO idempotency (bucket, caller, key, request_hash, failed, response, created_at)
		VALUES ($1, $2, $3, $4, false, '', $5) ON CONFLICT DO NOTHING`,
		idem.bucket(), s.private.caller(idem.Caller), idem.Key, idem.Hash[:], s.now())
	if pq.As(err, pqerror.LockNotAvailable) != nil {
		return idemRow{}, false, ErrIdempotencyBusy
	}
	if err != nil {
		return idemRow{}, false, fmt.Errorf("couldn't claim the idempotency key: %w", err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 1 {
		return idemRow{}, true, err
	}
	row, found, err := findIdem(ctx, tx, idem, s)
	if err == nil && !found {
		err = errAgain // the other transaction rolled back in between
	}
	return row, false, err
}

func findIdem(ctx context.Context, q sqlx.QueryerContext, idem Idem, s *store) (idemRow, bool, error) {
	var rows []idemRow
	err := all(ctx, q, &rows, `SELECT request_hash, failed, response FROM idempotency WHERE bucket = $1 AND caller = ANY($2) AND key = $3`,
		idem.bucket(), s.private.callerForms(idem.Caller), idem.Key)
	if err != nil || len(rows) == 0 {
		return idemRow{}, false, err
	}
	rows[0].Response, err = s.private.open(ctx, rows[0].Response, idem.place())
	return rows[0], true, err
}

// replay turns a stored row into the result of then.
func replay[T any](idem Idem, row idemRow, err error) (T, bool, error) {
	var out T
	if err != nil {
		return out, false, err
	}
	if !bytes.Equal(row.RequestHash, idem.Hash[:]) {
		return out, false, ErrIdempotencyReuse
	}
	if row.Failed {
		var refused Error
		if err := json.Unmarshal(row.Response, &refused); err != nil {
			return out, false, fmt.Errorf("couldn't read a stored refusal: %w", err)
		}
		return out, true, &refused
	}
	if err := json.Unmarshal(row.Response, &out); err != nil {
		return out, false, fmt.Errorf("couldn't read a stored result: %w", err)
	}
	return out, true, nil
}

// keepRefusal stores a refusal under its key, so that a repetition is answered alike. Malformed requests are not kept:
// the client mends them and may use the key again. Nor is what was not decided.
func keepRefusal[T any](ctx context.Context, s *store, idem Idem, cause error) (T, bool, error) {
	var none T
	var refused *Error
	if !errors.As(cause, &refused) || refused.Kind == KindInvalid || refused.Kind == KindUnavailable || errors.Is(cause, ErrIdempotencyBusy) {
		return none, false, cause
	}
	response, err := json.Marshal(refused)
	if err != nil {
		return none, false, errors.Join(cause, err)
	}
	var stored *idemRow
	err = s.inTx(ctx, func(ctx context.Context, tx *sqlx.Tx) error {
		stored = nil
		row, fresh, err := claimIdem(ctx, tx, idem, s)
		if err != nil {
			return err
		}
		if !fresh {
			stored = &row
			return nil
		}
		return exec(ctx, tx, 1, `UPDATE idempotency SET failed = true, response = $4 WHERE bucket = $1 AND caller = $2 AND key = $3`,
			idem.bucket(), s.private.caller(idem.Caller), idem.Key, response)
	})
	switch {
	case err != nil:
		return none, false, errors.Join(cause, err)
	case stored != nil: // another process was faster with the same key: its result counts
		return replay[T](idem, *stored, nil)
	}
	return none, false, cause
}
