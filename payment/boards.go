package payment

import (
	"context"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"

	"qaqpa/payment/catalog"
	"qaqpa/payment/ledger"
	"qaqpa/payment/money"
	"qaqpa/payment/order"
)

// The boards are what people of agencies, banks and the operator look at: reads beside the money, which take no locks.

// boardMax bounds what a board lists.
const boardMax = 100

// Redeliver sends a webhook of the agency again, as if it had never been tried: one that was delivered, one that is dead,
// one that waits for its next try. Errors: [ErrWebhookUnknown], [ErrWebhookWaiting], and those of [Idem].
func (s *Service) Redeliver(ctx context.Context, idem Idem, agency, webhook string) (string, bool, error) {
	out, replayed, err := idempotent(ctx, &s.store, idem, nil, func(ctx context.Context, tx *sqlx.Tx) (string, error) {
		bucket, ok := bucketOfID(prefixMessage, webhook)
		if !ok {
			return "", ErrWebhookUnknown
		}
		var row struct {
			Agency string `db:"agency_id"`
			State  string `db:"state"`
		}
		err := orMissing(one(ctx, tx, &row, `SELECT agency_id, state FROM outbox WHERE bucket = $1 AND id = $2 FOR UPDATE`, bucket, webhook), ErrWebhookUnknown)
		if err != nil {
			return "", err
		}
		if row.Agency != agency {
			return "", ErrWebhookUnknown
		}
		if row.State == "waiting" {
			return "", ErrWebhookWaiting
		}
		err = exec(ctx, tx, 1, `UPDATE outbox SET state = 'pending', failures = 0, due_at = $3, finished_at = NULL WHERE bucket = $1 AND id = $2`, bucket, webhook, s.now())
		if err != nil {
			return "", err
		}
		return webhook, s.audit(ctx, tx, entry{idem.Caller, "webhook.redelivered", webhook, map[string]string{"agency": agency, "was": row.State}})
	})
	if err == nil && !replayed {
		s.kick(s.wakeWebhooks)
	}
	return out, replayed, err
}

// OpenAttempt is a payment whose outcome is not known yet.
type OpenAttempt struct {
	ID    string             `db:"id"`
	Order string             `db:"order_id"`
	Bank  string             `db:"bank_bic"`
	State order.AttemptState `db:"state"`
	money.Amount
	Tries       int       `db:"tries"`
	DueAt       time.Time `db:"due_at"`
	LastProblem string    `db:"last_problem"`
	CreatedAt   time.Time `db:"created_at"`
}

// OpenAttempts lists payments that are on the way or unknown, the oldest first, at most 100. bank narrows to one bank;
// empty means all.
func (s *Service) OpenAttempts(ctx context.Context, bank string) ([]OpenAttempt, error) {
	var rows []OpenAttempt
	err := all(ctx, s.db, &rows, `
		SELECT id, order_id, bank_bic, state, amount, currency, tries, due_at, last_problem, created_at FROM attempts
		WHERE state IN ('prepared', 'sent', 'unknown', 'absent') AND ($1 = '' OR bank_bic = $1) ORDER BY created_at LIMIT $2`, bank, boardMax)
	return rows, err
}

// Traffic counts attempts by the minute in which they were made.
type Traffic struct {
	At       time.Time `db:"at"`
	Executed int64     `db:"executed"`
	Refused  int64     `db:"refused"`
	Open     int64     `db:"open"`
	// Tiyn that was executed.
	Tiyn int64 `db:"tiyn"`
}

// TrafficSince counts attempts from since on, minute by minute, in the order of time; minutes without any are left out.
// bank narrows to one bank; empty means all. Ids grow with time within their bucket, so that each bucket is read from
// its primary key, and what is older costs nothing.
func (s *Service) TrafficSince(ctx context.Context, bank string, since time.Time) ([]Traffic, error) {
	var rows []Traffic
	err := all(ctx, s.db, &rows, `
		SELECT date_trunc('minute', a.created_at) AS at,
			count(*) FILTER (WHERE a.state = 'executed') AS executed,
			count(*) FILTER (WHERE a.state = 'refused') AS refused,
			count(*) FILTER (WHERE a.state NOT IN ('executed', 'refused')) AS open,
			coalesce(sum(a.amount) FILTER (WHERE a.state = 'executed'), 0)::bigint AS tiyn
		FROM generate_series(0, $1::integer) AS b (bucket),
			LATERAL (SELECT * FROM attempts x WHERE x.bucket = b.bucket AND x.id >= $2 || lpad(to_hex(b.bucket), 2, '0') || $3) a
		WHERE $4 = '' OR a.bank_bic = $4
		GROUP BY 1 ORDER BY 1`, ledger.Buckets-1, prefixAttempt, firstIDAt(since), bank)
	return rows, err
}

// firstIDAt is the least id, prefix and bucket left out, that can have been made at a time (RFC 9562 §5.7).
func firstIDAt(t time.Time) string {
	var id uuid.UUID
	ms := t.UnixMilli()
	for i := range 6 {
		id[i] = byte(ms >> (40 - 8*i)) //nolint:gosec // G115: each byte of 48 bits
	}
	return hex.EncodeToString(id[:])
}

// Found is what the contact centre sees of an order.
type Found struct {
	ID    string      `db:"id"`
	Payer string      `db:"payer_id"`
	Name  string      `db:"payer_name"`
	Bank  string      `db:"bank_bic"`
	State order.State `db:"state"`
	money.Amount
	CreatedAt  time.Time  `db:"created_at"`
	ExecutedAt *time.Time `db:"executed_at"`
	Reason     string     `db:"reason"`
	Receipt    *string    `db:"receipt_id"`
}

// FindQuery is a question of the contact centre. Payer or Code is obligatory.
type FindQuery struct {
	// Payer is an IIN or BIN.
	Payer string
	// Code of a receipt, or the id of an order.
	Code string
	// Tiyn narrows to an amount; 0 means any.
	Tiyn int64
	// On narrows to a day of Astana; empty means any.
	On catalog.Date
}

// FindOrders answers the contact centre (R44), the newest first, at most 100. The look has to be noted before; see
// package auth. Errors: [ErrPayerIDInvalid], [ErrInvalid].
func (s *Service) FindOrders(ctx context.Context, q FindQuery) ([]Found, error) {
	id := ""
	if q.Code != "" {
		id = q.Code
		if _, isOrder := bucketOfID(prefixOrder, q.Code); !isOrder {
			r, err := s.ReceiptByCode(ctx, q.Code)
			if err != nil {
				return nil, err
			}
			id = r.Order
		}
		o, err := s.readOrder(ctx, s.db, id)
		if err != nil {
			return nil, err
		}
		q.Payer = o.PayerID
	}
	if !catalog.ValidPayerID(q.Payer) {
		return nil, ErrPayerIDInvalid.at("payer")
	}
	from, to := time.Unix(0, 0), time.Unix(1<<40, 0)
	if q.On != "" {
		day, err := time.ParseInLocation(time.DateOnly, string(q.On), time.FixedZone("Astana", 5*60*60))
		if err != nil {
			return nil, ErrInvalid.with("a day is written 2026-11-30").at("on")
		}
		from, to = day, day.AddDate(0, 0, 1)
	}
	var rows []Found
	err := all(ctx, s.db, &rows, `
		SELECT id, payer_id, payer_name, bank_bic, state, amount, currency, created_at, executed_at, reason, receipt_id FROM orders
		WHERE bucket = $1 AND payer_id = ANY($2) AND ($3 = '' OR id = $3) AND ($4 = 0 OR amount = $4) AND created_at >= $5 AND created_at < $6
		ORDER BY id DESC LIMIT $7`, bucketOf(q.Payer), s.private.forms(q.Payer), id, q.Tiyn, from, to, boardMax)
	if err != nil {
		return nil, fmt.Errorf("couldn't search orders: %w", err)
	}
	for i := range rows {
		r := &rows[i]
		if r.Payer, err = s.private.number(r.Payer); err != nil {
			return nil, err
		}
		if r.Name, err = s.private.openText(ctx, r.Name, place("orders", "payer_name", r.ID)); err != nil {
			return nil, err
		}
	}
	return rows, nil
}
