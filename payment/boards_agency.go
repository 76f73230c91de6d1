package payment

import (
	"context"
	"time"

	"qaqpa/payment/ledger"
	"qaqpa/payment/money"
)

// AgencyPayment is an executed payment of a debt, or a refund of one, with the webhook that tells its agency.
type AgencyPayment struct {
	// Webhook is the webhook-id.
	Webhook   string `db:"id"`
	Order     string `db:"order_id"`
	Debt      string `db:"debt_id"`
	Reference string `db:"reference"`
	// Subject is the refund that the webhook tells of; empty for the payment itself.
	Subject string `db:"subject"`
	money.Amount
	Bank string `db:"bank_bic"`
	// ExecutedAt is when the payment was executed, CreatedAt when the webhook was written down.
	ExecutedAt time.Time `db:"executed_at"`
	CreatedAt  time.Time `db:"created_at"`
	// State of the webhook, as in [Delivery].
	State    string    `db:"state"`
	Failures int       `db:"failures"`
	DueAt    time.Time `db:"due_at"`
	// Status and Problem of the last try; 0 and empty when there was none.
	Status  int    `db:"status"`
	Problem string `db:"problem"`
}

// AgencyPaymentQuery selects what was paid to an agency and the webhooks that tell of it, the newest first.
type AgencyPaymentQuery struct {
	Agency string
	// Webhooks lists those that tell of refunds, too; without it payments alone are listed.
	Webhooks bool
	// Dead leaves the webhooks that were given up; Webhook narrows to one.
	Dead    bool
	Webhook string
	// After is the webhook-id behind which to continue; empty starts.
	After string
	// Limit is 1 to 100; 0 means 50.
	Limit int
}

// AgencyPaymentPage is a page of them.
type AgencyPaymentPage struct {
	Items   []AgencyPayment
	HasMore bool
}

// Which rows of the outbox a query reads, each from an index of its own: outbox_agency, outbox_dead, the primary key.
const (
	outboxOfAgency = `x.bucket = b.bucket AND x.agency_id = $1 AND ($4 OR x.subject = '') AND (x.created_at, x.id) < ($5, $6)`
	outboxDead     = outboxOfAgency + ` AND x.state = 'dead'`
	outboxOne      = `x.bucket = b.bucket AND x.agency_id = $1 AND ($4 OR x.subject = '') AND (x.created_at, x.id) < ($5, $6) AND x.id = $7 AND b.bucket = $8`
)

// AgencyPayments lists what was paid to an agency. Errors: [ErrInvalid], [ErrWebhookUnknown] for an After or Webhook that is not of the agency.
func (s *Service) AgencyPayments(ctx context.Context, q AgencyPaymentQuery) (AgencyPaymentPage, error) {
	limit, err := pageLimit(q.Limit)
	if err != nil {
		return AgencyPaymentPage{}, err
	}
	from, after := time.Unix(1<<40, 0), ""
	if q.After != "" {
		if from, err = s.webhookTime(ctx, q.Agency, q.After); err != nil {
			return AgencyPaymentPage{}, err
		}
		after = q.After
	}
	which, args := outboxOfAgency, []any{q.Agency, limit + 1, ledger.Buckets - 1, q.Webhooks, from, after}
	switch {
	case q.Webhook != "":
		bucket, ok := bucketOfID(prefixMessage, q.Webhook)
		if !ok {
			return AgencyPaymentPage{}, ErrWebhookUnknown
		}
		which, args = outboxOne, append(args, q.Webhook, bucket)
	case q.Dead:
		which = outboxDead
	}
	var rows []AgencyPayment
	err = all(ctx, s.db, &rows, `
		SELECT w.id, w.order_id, w.debt_id, d.reference, w.subject, coalesce(r.amount, i.amount) AS amount, i.currency, o.bank_bic, o.executed_at, w.created_at,
			w.state, w.failures, w.due_at, coalesce(t.status, 0) AS status, coalesce(t.problem, '') AS problem
		FROM (
			SELECT y.* FROM generate_series(0, $3::integer) AS b (bucket),
				LATERAL (SELECT * FROM outbox x WHERE `+which+` ORDER BY x.created_at DESC, x.id DESC LIMIT $2) y
			ORDER BY y.created_at DESC, y.id DESC LIMIT $2) w
		JOIN orders o ON o.bucket = w.bucket AND o.id = w.order_id
		JOIN debts d ON d.bucket = w.bucket AND d.id = w.debt_id
		JOIN order_items i ON i.bucket = w.bucket AND i.order_id = w.order_id AND i.debt_id = w.debt_id
		LEFT JOIN refunds r ON r.bucket = w.bucket AND r.id = w.subject
		LEFT JOIN LATERAL (SELECT status, problem FROM deliveries x WHERE x.bucket = w.bucket AND x.outbox_id = w.id ORDER BY number DESC LIMIT 1) t ON true
		ORDER BY w.created_at DESC, w.id DESC`, args...)
	if err != nil {
		return AgencyPaymentPage{}, err
	}
	if q.Webhook != "" && len(rows) == 0 {
		return AgencyPaymentPage{}, ErrWebhookUnknown
	}
	return AgencyPaymentPage{Items: rows[:min(len(rows), limit)], HasMore: len(rows) > limit}, nil
}

// webhookTime is when a webhook of an agency was written down.
func (s *Service) webhookTime(ctx context.Context, agency, webhook string) (time.Time, error) {
	bucket, ok := bucketOfID(prefixMessage, webhook)
	if !ok {
		return time.Time{}, ErrWebhookUnknown
	}
	var at time.Time
	err := one(ctx, s.db, &at, `SELECT created_at FROM outbox WHERE bucket = $1 AND id = $2 AND agency_id = $3`, bucket, webhook, agency)
	return at, orMissing(err, ErrWebhookUnknown)
}

// DeadCount counts an agency's webhooks that were given up and not sent again since.
func (s *Service) DeadCount(ctx context.Context, agency string) (int, error) {
	var n int
	err := one(ctx, s.db, &n, `SELECT count(*)::integer FROM outbox WHERE bucket = ANY(ARRAY(SELECT generate_series(0, 255))) AND agency_id = $1 AND state = 'dead'`, agency)
	return n, err
}

// FeedSummary is a feed of debts that came lately.
type FeedSummary struct {
	Name     string    `db:"feed"`
	Lines    int       `db:"lines"`
	Accepted int       `db:"accepted"`
	Refused  int       `db:"refused"`
	Complete bool      `db:"complete"`
	LoadedAt time.Time `db:"loaded_at"`
}

// FeedPage is a page of feeds.
type FeedPage struct {
	Items   []FeedSummary
	HasMore bool
}

// Bounds of a list of feeds.
const (
	feedsShown = 50
	// FeedsLookBack is how old feeds are listed.
	FeedsLookBack = 31 * 24 * time.Hour
)

// RecentFeeds lists the feeds of an agency that came last, the newest first, 50 of the last month; after is the name behind which to continue,
// empty to start. A feed to which lines came meanwhile moves to the front.
func (s *Service) RecentFeeds(ctx context.Context, agency, after string) (FeedPage, error) {
	var rows []FeedSummary
	err := all(ctx, s.db, &rows, `
		WITH feeds AS (
			SELECT c.feed, sum(c.lines)::integer AS lines, sum(c.accepted)::integer AS accepted, sum(c.refused)::integer AS refused,
				bool_or(c.last) AS complete, max(c.loaded_at) AS loaded_at
			FROM generate_series(0, 255) AS b (bucket), LATERAL (
				SELECT feed, lines, accepted, refused, last, loaded_at FROM debt_feed_chunks x WHERE x.bucket = b.bucket AND x.agency_id = $1 AND x.loaded_at >= $2) c
			GROUP BY c.feed)
		SELECT feed, lines, accepted, refused, complete, loaded_at FROM feeds
		WHERE $3 = '' OR (loaded_at, feed) < (SELECT f.loaded_at, f.feed FROM feeds f WHERE f.feed = $3)
		ORDER BY loaded_at DESC, feed DESC LIMIT $4`, agency, s.now().Add(-FeedsLookBack), after, feedsShown+1)
	return FeedPage{Items: rows[:min(len(rows), feedsShown)], HasMore: len(rows) > feedsShown}, err
}
