package payment

import (
	"context"
	"fmt"
	"slices"
	"time"

	"qaqpa/payment/catalog"
	"qaqpa/payment/ledger"
	"qaqpa/payment/money"
	"qaqpa/payment/order"
)

// BankAttempt is an attempt to pay through a bank and what became of it.
type BankAttempt struct {
	ID    string             `db:"id"`
	Order string             `db:"order_id"`
	State order.AttemptState `db:"state"`
	money.Amount
	CreatedAt time.Time `db:"created_at"`
	// ExecutedAt and BankReference are set once it was executed, Reason once it was refused, in the bank's words.
	ExecutedAt    *time.Time `db:"executed_at"`
	BankReference string     `db:"bank_reference"`
	// ToldReference is set when a statement proved the execution under BankReference, and the bank told of it under another one later.
	ToldReference string `db:"told_reference"`
	Reason        string `db:"reason"`
}

// BankAttemptQuery selects the payments of a bank that were begun on a day, or those of all days without an outcome; the newest first.
type BankAttemptQuery struct {
	Bank string
	// Day of Astana; it does not narrow what has no outcome.
	Day catalog.Date
	// State narrows: executed, refused, or open for those without an outcome; empty means all.
	State string
	// After is the id behind which to continue; empty starts.
	After string
	// Limit is 1 to 100; 0 means 50.
	Limit int
}

// AttemptsOpen selects attempts without an outcome.
const AttemptsOpen = "open"

// BankAttemptPage is a page of them.
type BankAttemptPage struct {
	Items   []BankAttempt
	HasMore bool
}

// behindHex sorts behind all ids.
const behindHex = "g"

// tailOf is what of an id sorts by time in all buckets; empty for what is no id.
func tailOf(prefix, id string) string {
	if _, ok := bucketOfID(prefix, id); !ok {
		return ""
	}
	return id[len(prefix)+2:]
}

// BankAttempts lists payments of a bank. Ids grow with time within their bucket, so that a day is read from the primary keys, and what is
// older costs nothing. Errors: [ErrInvalid].
func (s *Service) BankAttempts(ctx context.Context, q BankAttemptQuery) (BankAttemptPage, error) {
	limit, err := pageLimit(q.Limit)
	if err != nil {
		return BankAttemptPage{}, err
	}
	day, err := time.ParseInLocation(time.DateOnly, string(q.Day), time.FixedZone("Astana", 5*60*60))
	if err != nil || day.Year() < 2000 || day.Year() > 9999 {
		return BankAttemptPage{}, ErrInvalid.with("a day is written 2026-11-30").at("day")
	}
	if !slices.Contains([]string{"", string(order.AttemptExecuted), string(order.AttemptRefused), AttemptsOpen}, q.State) {
		return BankAttemptPage{}, ErrInvalid.with("executed, refused or open").at("state")
	}
	first, last, state := firstIDAt(day), firstIDAt(day.AddDate(0, 0, 1)), `($6 = '' OR x.state = $6)`
	if q.State == AttemptsOpen { // few at any time, found by the index of those that workers have to look after
		first, last, state = "", behindHex, `$6 = 'open' AND x.state IN ('prepared', 'sent', 'unknown', 'absent')`
	}
	if q.After != "" {
		tail := tailOf(prefixAttempt, q.After)
		if tail == "" {
			return BankAttemptPage{}, ErrInvalid.with("no payment has this id").at("starting_after")
		}
		last = min(last, tail)
	}
	var rows []BankAttempt
	err = all(ctx, s.db, &rows, `
		SELECT w.id, w.order_id, w.state, w.amount, w.currency, w.created_at, o.executed_at, coalesce(o.bank_reference, '') AS bank_reference, w.told_reference, o.reason
		FROM (
			SELECT y.* FROM generate_series(0, $1::integer) AS b (bucket), LATERAL (
				SELECT * FROM attempts x WHERE x.bucket = b.bucket AND x.id >= $2 || lpad(to_hex(b.bucket), 2, '0') || $3 AND x.id < $2 || lpad(to_hex(b.bucket), 2, '0') || $4
					AND x.bank_bic = $5 AND `+state+`
				ORDER BY x.id DESC LIMIT $7) y
			ORDER BY substr(y.id, length($2) + 3) DESC LIMIT $7) w
		JOIN orders o ON o.bucket = w.bucket AND o.id = w.order_id
		ORDER BY substr(w.id, length($2) + 3) DESC`, ledger.Buckets-1, prefixAttempt, first, last, q.Bank, q.State, limit+1)
	if err != nil {
		return BankAttemptPage{}, fmt.Errorf("couldn't list payments of a bank: %w", err)
	}
	return BankAttemptPage{Items: rows[:min(len(rows), limit)], HasMore: len(rows) > limit}, nil
}

// BankQueryFilter selects the questions that a bank was asked (R10), the newest first.
type BankQueryFilter struct {
	Bank string
	// State narrows; empty means all.
	State BankQueryState
	// After is the id behind which to continue; empty starts.
	After string
	// Limit is 1 to 100; 0 means 50.
	Limit int
}

// BankQueryPage is a page of questions.
type BankQueryPage struct {
	Items   []BankQuery
	HasMore bool
}

// BankQueries lists what a bank was asked about accounts, pledges and payments, with its answers. Errors: [ErrInvalid].
func (s *Service) BankQueries(ctx context.Context, q BankQueryFilter) (BankQueryPage, error) {
	limit, err := pageLimit(q.Limit)
	if err != nil {
		return BankQueryPage{}, err
	}
	if !slices.Contains([]BankQueryState{"", QueryAsked, QueryAnswered, QueryUnanswered}, q.State) {
		return BankQueryPage{}, ErrInvalid.with("asked, answered or unanswered").at("state")
	}
	last := behindHex
	if q.After != "" {
		if last = tailOf(prefixQuery, q.After); last == "" {
			return BankQueryPage{}, ErrInvalid.with("no question has this id").at("starting_after")
		}
	}
	var rows []queryRow
	err = all(ctx, s.db, &rows, `
		SELECT y.* FROM generate_series(0, $1::integer) AS b (bucket), LATERAL (
			SELECT `+queryColumns+` FROM bank_queries x WHERE x.bucket = b.bucket AND x.bank_bic = $2 AND x.id < $3 || lpad(to_hex(b.bucket), 2, '0') || $4
				AND ($5 = '' OR x.state = $5) ORDER BY x.id DESC LIMIT $6) y
		ORDER BY substr(y.id, length($3) + 3) DESC LIMIT $6`, ledger.Buckets-1, q.Bank, prefixQuery, last, string(q.State), limit+1)
	if err != nil {
		return BankQueryPage{}, fmt.Errorf("couldn't list the questions to a bank: %w", err)
	}
	page := BankQueryPage{HasMore: len(rows) > limit}
	for _, r := range rows[:min(len(rows), limit)] {
		if err := s.openQuery(ctx, &r); err != nil {
			return BankQueryPage{}, err
		}
		view, err := r.view()
		if err != nil {
			return BankQueryPage{}, err
		}
		page.Items = append(page.Items, view)
	}
	return page, nil
}
