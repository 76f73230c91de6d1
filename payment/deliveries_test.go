package payment

import (
	"context"
	"fmt"
	"time"
)

// Delivery is one try to deliver a webhook.
type Delivery struct {
	// Webhook is the webhook-id.
	Webhook string `json:"webhook"`
	Debt    string `json:"debt"`
	// State of the webhook: waiting for its receipt, pending, delivered, dead, or unwanted by an agency without address.
	State string `json:"state"`
	// Number counts tries from 1; 0 when there was none yet.
	Number int       `json:"number"`
	At     time.Time `json:"at"`
	Status int       `json:"status"`
	// Problem tells why there was no status.
	Problem    string `json:"problem,omitempty"`
	DurationMS int64  `json:"duration_ms"`
}

// Deliveries lists the tries to tell agencies of an order, oldest first per webhook. Errors: [ErrOrderUnknown].
func (s *Service) Deliveries(ctx context.Context, orderID string) ([]Delivery, error) {
	o, err := s.readOrder(ctx, s.db, orderID)
	if err != nil {
		return nil, err
	}
	var rows []struct {
		Webhook  string    `db:"id"`
		Debt     string    `db:"debt_id"`
		State    string    `db:"state"`
		Number   int       `db:"number"`
		At       time.Time `db:"at"`
		Status   int       `db:"status"`
		Problem  string    `db:"problem"`
		Duration int64     `db:"duration_ms"`
	}
	err = all(ctx, s.db, &rows, `
		SELECT w.id, w.debt_id, w.state, coalesce(d.number, 0) AS number, coalesce(d.at, w.created_at) AS at, coalesce(d.status, 0) AS status,
			coalesce(d.problem, '') AS problem, coalesce(d.duration_ms, 0) AS duration_ms
		FROM outbox w LEFT JOIN deliveries d ON d.bucket = w.bucket AND d.outbox_id = w.id
		WHERE w.bucket = $1 AND w.order_id = $2 ORDER BY w.id, d.number`, o.Bucket, o.ID)
	if err != nil {
		return nil, fmt.Errorf("couldn't list deliveries of %s: %w", orderID, err)
	}
	out := make([]Delivery, len(rows))
	for i, r := range rows {
		out[i] = Delivery{
			Webhook: r.Webhook, Debt: r.Debt, State: r.State, Number: r.Number, At: r.At.UTC(), Status: r.Status, Problem: r.Problem, DurationMS: r.Duration,
		}
	}
	return out, nil
}
