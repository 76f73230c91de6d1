package payment

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"

	"qaqpa/payment/ledger"
	"qaqpa/payment/pgarray"
)

// Webhook tells an agency of a payment or a refund, with how far it came.
type Webhook struct {
	// ID is the webhook-id.
	ID    string `json:"id" db:"id"`
	Order string `json:"order" db:"order_id"`
	Debt  string `json:"debt" db:"debt_id"`
	// Refund is what it tells of; empty when it tells of the payment itself.
	Refund string `json:"refund,omitempty" db:"subject"`
	// State: waiting for its receipt, pending, delivered, dead (given up), or unwanted by an agency without address.
	State string `json:"state" db:"state"`
	// Failures count the tries since it was last put into the queue.
	Failures int `json:"failures" db:"failures"`
	// NextTry is set while it is pending.
	NextTry    *time.Time `json:"next_try,omitempty" db:"due_at"`
	CreatedAt  time.Time  `json:"created_at" db:"created_at"`
	FinishedAt *time.Time `json:"finished_at,omitempty" db:"finished_at"`
}

// WebhookQuery selects webhooks of an agency.
type WebhookQuery struct {
	Agency string
	// State narrows; empty means all.
	State string
	// Limit is 1 to 100; 0 means 50.
	Limit int
	// After is the id after which to continue.
	After string
}

// WebhookPage is a page of webhooks, the newest first.
type WebhookPage struct {
	Items   []Webhook `json:"items"`
	HasMore bool      `json:"has_more"`
}

const webhookColumns = `x.id, x.order_id, x.debt_id, x.subject, x.state, x.failures, x.due_at, x.created_at, x.finished_at`

// webhookCondition is a state as a literal: the planner takes the index of those that were given up for no parameter.
func webhookCondition(state string) (string, error) {
	switch state {
	case "":
		return "true", nil
	case "waiting", "pending", "delivered", "dead", "unwanted":
		return "x.state = '" + state + "'", nil
	}
	return "", ErrInvalid.with("is waiting, pending, delivered, dead or unwanted").at("state")
}

func (w *Webhook) clean() {
	w.CreatedAt, w.FinishedAt = w.CreatedAt.UTC(), utc(w.FinishedAt)
	if w.NextTry = utc(w.NextTry); w.State != "pending" {
		w.NextTry = nil
	}
}

// Webhooks lists an agency's webhooks, the newest first. Errors: [ErrInvalid], [ErrWebhookUnknown] for After.
func (s *Service) Webhooks(ctx context.Context, q WebhookQuery) (WebhookPage, error) {
	limit, err := pageLimit(q.Limit)
	if err != nil {
		return WebhookPage{}, err
	}
	where, err := webhookCondition(q.State)
	if err != nil {
		return WebhookPage{}, err
	}
	before := time.Unix(1<<40, 0)
	if q.After != "" {
		last, _, err := s.Webhook(ctx, q.Agency, q.After)
		if err != nil {
			return WebhookPage{}, err
		}
		before = last.CreatedAt
	}
	var rows []Webhook
	err = all(ctx, s.db, &rows, `
		SELECT y.* FROM generate_series(0, $1::integer) AS b (bucket), LATERAL (
			SELECT `+webhookColumns+` FROM outbox x
			WHERE x.bucket = b.bucket AND x.agency_id = $2 AND `+where+` AND x.created_at <= $3 AND ($4 = '' OR (x.created_at, x.id) < ($3, $4))
			ORDER BY x.created_at DESC, x.id DESC LIMIT $5) y
		ORDER BY y.created_at DESC, y.id DESC LIMIT $5`, ledger.Buckets-1, q.Agency, before, q.After, limit+1)
	if err != nil {
		return WebhookPage{}, fmt.Errorf("couldn't list webhooks: %w", err)
	}
	page := WebhookPage{Items: append([]Webhook{}, rows[:min(len(rows), limit)]...), HasMore: len(rows) > limit}
	for i := range page.Items {
		page.Items[i].clean()
	}
	return page, nil
}

// Webhook returns one of an agency with the tries to deliver it, the newest first, at most 100. Errors: [ErrWebhookUnknown].
func (s *Service) Webhook(ctx context.Context, agency, id string) (Webhook, []DeliveryTry, error) {
	tries, err := s.WebhookTries(ctx, agency, id, 0)
	if err != nil {
		return Webhook{}, nil, err
	}
	bucket, _ := bucketOfID(prefixMessage, id)
	var w Webhook
	err = orMissing(one(ctx, s.db, &w, `SELECT `+webhookColumns+` FROM outbox x WHERE x.bucket = $1 AND x.id = $2`, bucket, id), ErrWebhookUnknown)
	w.clean()
	for i := range tries {
		tries[i].At = tries[i].At.UTC()
	}
	return w, tries, err
}

// redeliverMax bounds the webhooks of one range.
const redeliverMax = 1000

// Redelivery asks for webhooks again that were made in a time: for an agency that lost what it had been told.
type Redelivery struct {
	// From is within the time, To is not.
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	// State is dead, delivered or unwanted.
	State string `json:"state"`
	// After is the Last of the range before, with whose Through this one begins: of webhooks that were made in one instant those up to it
	// were sent again. Empty begins with the first.
	After string `json:"after,omitempty"`
}

// Redelivered is what became of it.
type Redelivered struct {
	Webhooks int `json:"webhooks"`
	// HasMore: these were the oldest thousand. Ask for From = Through and After = Last again, under another key.
	HasMore bool `json:"has_more"`
	// Through is when the newest of them was made.
	Through *time.Time `json:"through,omitempty"`
	// Last is its id.
	Last string `json:"last,omitempty"`
}

// RedeliverRange puts the oldest webhooks of the range into the queue again, a thousand at most. What is delivered twice comes under
// the same webhook-id. Errors: [ErrInvalid], [ErrAgencyUnknown], and those of [Idem].
func (s *Service) RedeliverRange(ctx context.Context, idem Idem, agency string, r Redelivery) (Redelivered, bool, error) {
	where, err := webhookCondition(r.State)
	switch {
	case err != nil:
		return Redelivered{}, false, err
	case r.State != "dead" && r.State != "delivered" && r.State != "unwanted":
		return Redelivered{}, false, ErrInvalid.with("is dead, delivered or unwanted").at("state")
	case !r.From.Before(r.To):
		return Redelivered{}, false, ErrInvalid.with("is not after from").at("to")
	}
	if _, ok := bucketOfID(prefixMessage, r.After); r.After != "" && !ok {
		return Redelivered{}, false, ErrInvalid.with("is the id of a webhook").at("after")
	}
	if err := s.agencyKnown(ctx, s.db, agency); err != nil {
		return Redelivered{}, false, err
	}
	out, replayed, err := idempotent(ctx, &s.store, idem, nil, func(ctx context.Context, tx *sqlx.Tx) (Redelivered, error) {
		found, more, err := webhooksOf(ctx, tx, agency, where, r)
		if err != nil {
			return Redelivered{}, err
		}
		out := Redelivered{HasMore: more}
		byBucket := map[int][]string{}
		for _, w := range found {
			byBucket[w.Bucket] = append(byBucket[w.Bucket], w.ID)
			at := w.CreatedAt.UTC()
			out.Through, out.Last = &at, w.ID
		}
		for bucket := range ledger.Buckets { // in the order of buckets, as everywhere
			ids := byBucket[bucket]
			if len(ids) == 0 {
				continue
			}
			slices.Sort(ids)
			changed, err := tx.ExecContext(ctx, `UPDATE outbox x SET state = 'pending', failures = 0, due_at = $3, finished_at = NULL
				WHERE x.bucket = $1 AND x.id = ANY($2) AND `+where, bucket, pgarray.Texts(ids), s.now())
			if err != nil {
				return Redelivered{}, fmt.Errorf("couldn't send webhooks again: %w", err)
			}
			n, err := changed.RowsAffected()
			if err != nil {
				return Redelivered{}, fmt.Errorf("couldn't count webhooks: %w", err)
			}
			out.Webhooks += int(n)
		}
		return out, s.audit(ctx, tx, entry{idem.Caller, "webhooks.redelivered", agency, map[string]any{"from": r.From, "to": r.To, "was": r.State, "webhooks": out.Webhooks}})
	})
	if err == nil && !replayed {
		s.kick(s.wakeWebhooks)
	}
	return out, replayed, err
}

type rangedWebhook struct {
	Bucket    int       `db:"bucket"`
	ID        string    `db:"id"`
	CreatedAt time.Time `db:"created_at"`
}

// webhooksOf finds the oldest webhooks of a range, without locks: those that another has put into the queue meanwhile are told apart
// by their state when they are changed.
func webhooksOf(ctx context.Context, tx *sqlx.Tx, agency, where string, r Redelivery) ([]rangedWebhook, bool, error) {
	var rows []rangedWebhook
	err := all(ctx, tx, &rows, `
		SELECT y.* FROM generate_series(0, $1::integer) AS b (bucket), LATERAL (
			SELECT x.bucket, x.id, x.created_at FROM outbox x
			WHERE x.bucket = b.bucket AND x.agency_id = $2 AND `+where+` AND x.created_at >= $3 AND x.created_at < $4 AND ($6 = '' OR (x.created_at, x.id) > ($3, $6))
			ORDER BY x.created_at, x.id LIMIT $5) y
		ORDER BY y.created_at, y.id LIMIT $5`, ledger.Buckets-1, agency, r.From, r.To, redeliverMax+1, r.After)
	return rows[:min(len(rows), redeliverMax)], len(rows) > redeliverMax, err
}
