package payment

import (
	"context"
	"time"
)

// BankStatement is one statement of a bank in a list. Amounts are tiyn.
type BankStatement struct {
	ID       string
	Account  string
	Number   int64
	Page     int
	From, To string
	// State is booked, noted (a notice or copy: nothing is booked), replaced or withdrawn.
	State   string
	Lines   int64
	Closing int64
	// Open counts the exceptions about it that are not resolved, up to [OpenCountMax].
	Open       int
	ReceivedAt time.Time
}

// Bounds of a list of statements.
const (
	// OpenCountMax is where counting the open exceptions of one statement ends, so that a list costs the same whatever is in it.
	OpenCountMax = 1000
	// BankStatementsMax is how many statements a list has.
	BankStatementsMax = 50
)

// BankStatements lists the statements of a bank that came last, the newest first, at most [BankStatementsMax].
func (s *Service) BankStatements(ctx context.Context, bank string) ([]BankStatement, error) {
	var rows []struct {
		Bucket  int       `db:"bucket"`
		ID      int64     `db:"id"`
		Account string    `db:"account"`
		Number  int64     `db:"number"`
		Page    int       `db:"page"`
		From    time.Time `db:"opened_on"`
		To      time.Time `db:"closed_on"`
		State   string    `db:"state"`
		Lines   int64     `db:"lines"`
		Closing int64     `db:"closing"`
		Open    int       `db:"open"`
		At      time.Time `db:"created_at"`
	}
	// Ids begin with the time, so that the order of the primary key is that of arrival.
	err := all(ctx, s.db, &rows, `
		SELECT s.bucket, s.id, s.account, s.number, s.page, s.opened_on, s.closed_on, s.state, s.lines, s.closing, s.created_at,
			(SELECT count(*) FROM (SELECT 1 FROM recon_exceptions e
				WHERE e.bucket = s.bucket AND e.statement = s.id AND e.state NOT IN ` + settledStates + ` LIMIT $3) AS o)::integer AS open
		FROM statements s WHERE s.bucket = $1 AND s.bank_bic = $2 ORDER BY s.id DESC LIMIT $4`,
		bucketOf(bank), bank, OpenCountMax, BankStatementsMax)
	if err != nil {
		return nil, err
	}
	out := make([]BankStatement, len(rows))
	for i, r := range rows {
		out[i] = BankStatement{
			ID: statementPublicID(r.Bucket, r.ID), Account: r.Account, Number: r.Number, Page: r.Page, From: r.From.Format(time.DateOnly),
			To: r.To.Format(time.DateOnly), State: r.State, Lines: r.Lines, Closing: r.Closing, Open: r.Open, ReceivedAt: r.At.UTC(),
		}
	}
	return out, nil
}
