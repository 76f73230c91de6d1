package payment

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/lib/pq"

	"qaqpa/payment/catalog"
	"qaqpa/payment/money"
	"qaqpa/payment/register"
)

// agenciesMax bounds the list of agencies.
const agenciesMax = 1000

// Agencies lists the agencies in the order in which they were registered, at most 1000.
func (r *Registrar) Agencies(ctx context.Context) ([]catalog.Agency, error) {
	var rows []agencyRow
	if err := all(ctx, r.db, &rows, `SELECT `+agencyColumns+` FROM agencies ORDER BY id LIMIT $1`, agenciesMax); err != nil {
		return nil, err
	}
	out := make([]catalog.Agency, len(rows))
	for i, row := range rows {
		out[i] = row.agency()
	}
	return out, nil
}

// DeadWebhooks are an agency's webhooks that were given up.
type DeadWebhooks struct {
	Agency string    `db:"agency_id"`
	Count  int       `db:"count"`
	Since  time.Time `db:"since"`
}

// DeadWebhooks counts the webhooks that were given up and not sent again since, by agency.
func (s *Service) DeadWebhooks(ctx context.Context) ([]DeadWebhooks, error) {
	var rows []DeadWebhooks
	err := all(ctx, s.db, &rows, `SELECT agency_id, count(*)::integer AS count, min(finished_at) AS since FROM outbox
		WHERE bucket = ANY(ARRAY(SELECT generate_series(0, 255))) AND state = 'dead' GROUP BY agency_id ORDER BY agency_id`)
	return rows, err
}

// DeliveryTry is one delivery of a webhook as it was tried.
type DeliveryTry struct {
	Number     int       `db:"number"`
	At         time.Time `db:"at"`
	Status     int       `db:"status"`
	Problem    string    `db:"problem"`
	DurationMS int64     `db:"duration_ms"`
}

// triesShown bounds what one page lists.
const triesShown = 100

// WebhookTries lists the deliveries of an agency's webhook that were tried, the newest first, at most 100: those before the number before, or
// the last ones for 0. Errors: [ErrWebhookUnknown].
func (s *Service) WebhookTries(ctx context.Context, agency, webhook string, before int) ([]DeliveryTry, error) {
	bucket, ok := bucketOfID(prefixMessage, webhook)
	if !ok {
		return nil, ErrWebhookUnknown
	}
	var known string
	if err := orMissing(one(ctx, s.db, &known, `SELECT id FROM outbox WHERE bucket = $1 AND id = $2 AND agency_id = $3`, bucket, webhook, agency), ErrWebhookUnknown); err != nil {
		return nil, err
	}
	var rows []DeliveryTry
	err := all(ctx, s.db, &rows, `SELECT number, at, status, problem, duration_ms FROM deliveries WHERE bucket = $1 AND outbox_id = $2 AND ($3 = 0 OR number < $3) ORDER BY number DESC LIMIT $4`,
		bucket, webhook, before, triesShown)
	return rows, err
}

// MatchDay is how many lines of a bank's statements of a day the rules matched when they came.
type MatchDay struct {
	Bank           string
	Day            catalog.Date
	Lines, Matched int64
}

// MatchRates sums by bank and day what became of the statements that close on a day from since on, as the reports on their files say: what
// people matched afterwards is not in it. Statements that were replaced or taken back do not count.
func (s *Service) MatchRates(ctx context.Context, since catalog.Date) ([]MatchDay, error) {
	if !since.Valid() {
		return nil, ErrInvalid.with("YYYY-MM-DD").at("since")
	}
	var rows []struct {
		Bucket int    `db:"bucket"`
		ID     int64  `db:"id"`
		Bank   string `db:"bank_bic"`
		Day    string `db:"day"`
		Lines  int64  `db:"lines"`
		SHA256 []byte `db:"sha256"`
	}
	err := all(ctx, s.db, &rows, `
		SELECT s.bucket, s.id, s.bank_bic, s.closed_on::text AS day, s.lines, s.sha256 FROM statements s
		WHERE s.bucket = ANY(ARRAY(SELECT generate_series(0, 255))) AND s.state = 'booked' AND s.closed_on >= $1::date
		ORDER BY s.bank_bic, s.closed_on, s.id LIMIT $2`, string(since), matchRowsMax)
	if err != nil {
		return nil, err
	}
	digests := make([][]byte, len(rows))
	for i, r := range rows {
		digests[i] = r.SHA256
	}
	matched, err := s.matchedWhenBooked(ctx, digests)
	if err != nil {
		return nil, err
	}
	var out []MatchDay
	for _, r := range rows {
		if n := len(out); n == 0 || out[n-1].Bank != r.Bank || string(out[n-1].Day) != r.Day {
			out = append(out, MatchDay{Bank: r.Bank, Day: catalog.Date(r.Day)})
		}
		day := &out[len(out)-1]
		day.Lines, day.Matched = day.Lines+r.Lines, day.Matched+matched[statementPublicID(r.Bucket, r.ID)]
	}
	return out, nil
}

// matchRowsMax bounds the statements that rates are read from: of two weeks, some hundred banks' accounts.
const matchRowsMax = 5000

// matchedWhenBooked tells by statement how many lines the rules matched, as the reports on the files with these digests say. Each is read once: it
// tells of all statements of its file, so that read with each of them it would grow with their square.
func (s *Service) matchedWhenBooked(ctx context.Context, digests [][]byte) (map[string]int64, error) {
	slices.SortFunc(digests, bytes.Compare)
	digests = slices.CompactFunc(digests, bytes.Equal)
	buckets := make([]int64, len(digests))
	for i, d := range digests {
		buckets[i] = int64(d[0])
	}
	out := map[string]int64{}
	var results [][]byte
	if err := all(ctx, s.db, &results, `SELECT result FROM statement_files WHERE bucket = ANY($1) AND sha256 = ANY($2)`, pq.Array(buckets), pq.Array(digests)); err != nil {
		return nil, err
	}
	for _, result := range results {
		var report FileReport
		if err := json.Unmarshal(result, &report); err != nil {
			return nil, fmt.Errorf("couldn't read a stored report: %w", err)
		}
		for _, st := range report.Statements {
			out[st.ID] = st.Matched
		}
	}
	return out, nil
}

// owedByDay sums in the database: a page or a day may stand for a million payments.
func (s *Service) owedByDay(ctx context.Context, bank string, from, to catalog.Date) ([]register.Obligation, error) {
	var rows []struct {
		Day       string `db:"day"`
		Count     int    `db:"count"`
		Confirmed int64  `db:"confirmed"`
		Settled   int    `db:"settled"`
		Seen      int64  `db:"seen"`
	}
	err := all(ctx, s.cfg.Bulk, &rows, `
		SELECT e.paid_on::text AS day, count(*)::integer AS count, sum(e.amount)::bigint AS confirmed,
			count(*) FILTER (WHERE e.settled)::integer AS settled, coalesce(sum(e.amount) FILTER (WHERE e.settled), 0)::bigint AS seen
		FROM (SELECT x.amount, x.paid_on, EXISTS (SELECT 1 FROM recon_matches m WHERE m.bucket = x.bucket AND m.expectation = x.no AND m.undone_at IS NULL) AS settled
			FROM expectations x WHERE x.bucket = $1 AND x.bank_bic = $2 AND x.kind = 'payment' AND x.paid_on BETWEEN $3::date AND $4::date) AS e
		GROUP BY e.paid_on ORDER BY e.paid_on`, bucketOf(bank), bank, string(from), string(to))
	if err != nil {
		return nil, err
	}
	out := make([]register.Obligation, len(rows))
	today, err := time.Parse(time.DateOnly, string(catalog.DateOf(s.now())))
	if err != nil {
		return nil, fmt.Errorf("couldn't count days: %w", err)
	}
	for i, r := range rows {
		o := register.Obligation{
			Bank: bank, Day: catalog.Date(r.Day), Count: r.Count, Confirmed: money.FromTiyn(r.Confirmed), SettledCount: r.Settled,
			Settled: money.FromTiyn(r.Seen), Owed: money.FromTiyn(r.Confirmed - r.Seen),
		}
		if day, err := time.Parse(time.DateOnly, r.Day); err == nil && o.Owed.Tiyn > 0 {
			o.DaysOpen = max(int(today.Sub(day)/(24*time.Hour)), 0)
		}
		out[i] = o
	}
	return out, nil
}

// PublishedProposals are the changes of an agency's service that two people agreed on, by the version that came of them.
func (s *Service) PublishedProposals(ctx context.Context, agency, code string) (map[int]Proposal, error) {
	var rows []proposalRow
	err := all(ctx, s.db, &rows, `SELECT `+proposalColumns+` FROM service_proposals WHERE agency_id = $1 AND code = $2 AND state = 'published'
		ORDER BY base_version DESC LIMIT $3`, agency, code, proposalsShown)
	if err != nil {
		return nil, err
	}
	out := make(map[int]Proposal, len(rows))
	for _, r := range rows {
		p, err := r.proposal()
		if err != nil {
			return nil, err
		}
		out[p.Base+1] = p
	}
	return out, nil
}
