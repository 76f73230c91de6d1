package payment

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jmoiron/sqlx"

	"qaqpa/payment/notify"
)

// webhooksAtOnce bounds the deliveries that one process has open.
const webhooksAtOnce = 32

// outboxRow is a webhook that is due.
type outboxRow struct {
	Bucket   int    `db:"bucket"`
	ID       string `db:"id"`
	Agency   string `db:"agency_id"`
	Payload  []byte `db:"payload"`
	Order    string `db:"order_id"`
	Debt     string `db:"debt_id"`
	Failures int    `db:"failures"`
	// DueAt is the end of the lease.
	DueAt time.Time `db:"due_at"`
}

// workWebhooks starts the delivery of webhooks that are due, as many as there are free slots, and returns how many. It
// does not wait for them: an agency that hangs holds up nobody else.
func (s *Service) workWebhooks(ctx context.Context) (int, error) {
	if s.posts.free() == 0 {
		return 0, nil
	}
	buckets, err := s.dueBuckets(ctx, `SELECT DISTINCT bucket FROM outbox WHERE state = 'pending' AND due_at <= $1`, s.now())
	if err != nil {
		return 0, err
	}
	done := 0
	for _, bucket := range buckets {
		free := s.posts.free()
		if free == 0 {
			break
		}
		claimed, err := s.claimWebhooks(ctx, bucket, free)
		if err != nil {
			return done, err
		}
		for _, w := range claimed {
			s.posts.start(func() {
				err := s.deliver(ctx, w)
				if ctx.Err() != nil { // we are stopping: not the receiver's failure
					err = errors.Join(err, s.release(ctx,
						`UPDATE outbox SET due_at = $3 WHERE bucket = $1 AND id = $2 AND due_at = $4 AND state = 'pending'`, w.Bucket, w.ID, w.DueAt))
				}
				if err != nil {
					s.metrics.failures.WithLabelValues("webhooks").Inc()
					s.log.WarnContext(ctx, "webhook goes on later", slog.String("webhook", w.ID), slog.Any("err", err))
				}
			})
		}
		done += len(claimed)
	}
	return done, nil
}

func (s *Service) claimWebhooks(ctx context.Context, bucket, limit int) ([]outboxRow, error) {
	var claimed []outboxRow
	now := s.now()
	ctx, cancel := uncut(ctx)
	defer cancel()
	err := all(ctx, s.db, &claimed, `
		WITH due AS (
			SELECT id FROM outbox x WHERE bucket = $1 AND state = 'pending' AND due_at <= $2
				AND NOT EXISTS (SELECT 1 FROM outbox e WHERE e.bucket = x.bucket AND e.order_id = x.order_id AND e.debt_id = x.debt_id
					AND e.state IN ('waiting', 'pending') AND e.id < x.id) -- of one payment one after the other, as things happened
			ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED)
		UPDATE outbox w SET due_at = $4 FROM due WHERE w.bucket = $1 AND w.id = due.id
		RETURNING w.bucket, w.id, w.agency_id, w.payload, w.failures, w.due_at, w.order_id, w.debt_id`, bucket, now, limit, now.Add(s.cfg.WebhookTimeout+storeGrace))
	for i := range claimed {
		if w := &claimed[i]; err == nil {
			w.Payload, err = s.private.open(ctx, w.Payload, place("outbox", "payload", w.Order+"/"+w.Debt))
		}
	}
	return claimed, err
}

// deliver tries one webhook once and stores what came of it. A crash between the two delivers it again under the same
// webhook-id: at least once.
func (s *Service) deliver(ctx context.Context, w outboxRow) error {
	agency, err := s.Agency(ctx, w.Agency)
	if err != nil {
		return err
	}
	if agency.WebhookURL == "" || agency.WebhookDisabledAt != nil {
		return s.finish(ctx, w, "unwanted")
	}
	started := s.now()
	headers, err := notify.Sign(s.cfg.WebhookSigner, rand.Reader, w.ID, started, w.Payload)
	if err != nil {
		return err
	}
	secrets, err := s.secretsOf(ctx, w.Agency)
	if err != nil {
		return err
	}
	if err := notify.AddHMAC(headers, w.Payload, secrets...); err != nil {
		return err
	}
	result := s.webhooks.Deliver(ctx, agency.WebhookURL, headers, w.Payload)
	if ctx.Err() != nil {
		return nil //nolint:nilerr // we are stopping, and the caller gives the webhook back
	}
	return s.storeDelivery(ctx, w, delivery{result, agency.WebhookURL, started})
}

func (s *Service) finish(ctx context.Context, w outboxRow, state string) error {
	return s.inTx(ctx, func(ctx context.Context, tx *sqlx.Tx) error {
		return exec(ctx, tx, -1, `UPDATE outbox SET state = $3, finished_at = $4 WHERE bucket = $1 AND id = $2 AND state = 'pending'`,
			w.Bucket, w.ID, state, s.now())
	})
}

// delivery is a try with its result.
type delivery struct {
	notify.Result
	address string
	started time.Time
}

// storeDelivery logs a try and decides what comes next: delivered, another try, or dead.
func (s *Service) storeDelivery(ctx context.Context, w outboxRow, r delivery) error {
	now := s.now()
	state, failures, due := "pending", w.Failures, now
	var finished *time.Time
	label := "failed"
	if r.Delivered() {
		state, finished, label = "delivered", &now, "delivered"
	} else {
		failures++
		pause, again := notify.Backoff(s.cfg.WebhookBackoff, failures, r.RetryAfter, spread64())
		due = now.Add(pause)
		if !again || r.Gone() {
			state, finished, label = "dead", &now, "dead"
		}
	}
	problem := ""
	if r.Err != nil {
		problem = clip(r.Err.Error())
	}
	s.metrics.deliveries.WithLabelValues(label).Inc()
	gone := state == "dead" && r.Gone()
	return s.inTx(ctx, func(ctx context.Context, tx *sqlx.Tx) error {
		var number int
		if err := one(ctx, tx, &number, `SELECT count(*) + 1 FROM deliveries WHERE bucket = $1 AND outbox_id = $2`, w.Bucket, w.ID); err != nil {
			return err
		}
		// A try after the lease of another worker: the row may be finished, and the log still tells of both.
		if err := exec(ctx, tx, -1, `
			INSERT INTO deliveries (bucket, outbox_id, number, at, status, problem, duration_ms) VALUES ($1, $2, $3, $4, $5, $6, $7)
			ON CONFLICT DO NOTHING`, w.Bucket, w.ID, number, r.started, r.Status, problem, now.Sub(r.started).Milliseconds()); err != nil {
			return err
		}
		if gone {
			moved, err := disable(ctx, tx, w.Agency, r.address, now)
			if err != nil {
				return err
			}
			if moved { // nothing was wrong with the webhook
				return exec(ctx, tx, -1, `UPDATE outbox SET due_at = $3 WHERE bucket = $1 AND id = $2 AND state = 'pending'`, w.Bucket, w.ID, now)
			}
		}
		return exec(ctx, tx, -1, `UPDATE outbox SET state = $3, failures = $4, due_at = $5, finished_at = $6
			WHERE bucket = $1 AND id = $2 AND state = 'pending'`, w.Bucket, w.ID, state, failures, due, finished)
	})
}

// disable stops webhooks to an address that is gone, unless the agency has moved to another one since: what the old address says of itself as
// it should, while deliveries to it are under way, must not silence the new one.
func disable(ctx context.Context, tx *sqlx.Tx, agency, address string, at time.Time) (moved bool, err error) {
	result, err := tx.ExecContext(ctx, `UPDATE agencies SET webhook_disabled_at = coalesce(webhook_disabled_at, $3) WHERE id = $1 AND webhook_url = $2`, agency, address, at)
	if err != nil {
		return false, fmt.Errorf("couldn't stop webhooks to %s: %w", agency, err)
	}
	n, err := result.RowsAffected()
	return n == 0, err
}

// spread64 is the random number by which pauses differ.
func spread64() uint64 {
	var raw [8]byte
	if _, err := rand.Read(raw[:]); err != nil {
		return 0 // crypto/rand does not fail; without spread the pause is only less spread
	}
	return binary.LittleEndian.Uint64(raw[:])
}
