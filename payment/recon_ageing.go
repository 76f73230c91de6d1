package payment

import (
	"context"
	"time"

	"github.com/jmoiron/sqlx"

	"qaqpa/payment/recon"
)

// ageingDaysBack is how far behind the last ageing payments are looked at again: their expectations may have been made late.
const ageingDaysBack = 62

// longestTermDays is more than any term of 60 banking days has of days.
const longestTermDays = 120

// ageing lists payments whose term ended on or before the day and that nothing has paid, or only a part of them, and voids what has come since. A
// payment that a line names is not listed twice: the exception about the line stands for it.
func (s *Service) ageing(ctx context.Context, tx *sqlx.Tx, head headRow, day recon.Day, now time.Time) error {
	// Two sums, because each is found by an index of its own.
	if err := exec(ctx, tx, -1, `
		UPDATE recon_exceptions e SET state = 'void', resolution = 'paid since', proposal = '', proposed_by = '', changed_at = $3, version = version + 1
		WHERE e.bucket = $1 AND e.bank_bic = $2 AND e.missing <> 0 AND e.state NOT IN `+settledStates+` AND e.amount =
			(SELECT coalesce(sum(m.owed), 0) FROM recon_matches m WHERE m.bucket = $1 AND m.expectation = e.missing AND m.whole AND m.undone_at IS NULL) +
			(SELECT coalesce(sum(m.owed), 0) FROM recon_matches m WHERE m.bucket = $1 AND m.expectation = e.missing AND NOT m.whole AND m.undone_at IS NULL)`,
		head.Bucket, head.Bank, now); err != nil {
		return err
	}
	from := day.AddDate(0, 0, -ageingDaysBack)
	if head.AgedOn == nil {
		from = time.Time{}.AddDate(1, 0, 0)
	} else if aged := head.AgedOn.UTC().AddDate(0, 0, -ageingDaysBack); aged.Before(from) {
		from = aged
	}
	if err := exec(ctx, tx, -1, `
		INSERT INTO recon_exceptions (bucket, statement, no, part, missing, bank_bic, account, kind, state, amount, rule, owner, opened_on, version,
			proposal, proposed_by, resolution, posting_id, changed_at)
		SELECT $1, 0, 0, 0, x.no, $2, '', 'missing', 'open', x.amount, 0, '', $4, 1, '', '', '', '', $5
		FROM expectations x
		LEFT JOIN (SELECT m.expectation, sum(m.owed) AS owed FROM recon_matches m WHERE m.bucket = $1 AND m.statement >= $6 AND NOT m.whole AND m.undone_at IS NULL GROUP BY 1) AS p
			ON p.expectation = x.no
		WHERE x.bucket = $1 AND x.bank_bic = $2 AND x.due_on >= $3 AND x.due_on <= $4 AND x.amount <> coalesce(p.owed, 0)
			AND NOT EXISTS (SELECT 1 FROM recon_matches m WHERE m.bucket = $1 AND m.statement >= $6 AND m.expectation = x.no AND m.whole AND m.undone_at IS NULL)
			AND NOT EXISTS (SELECT 1 FROM recon_exceptions e WHERE e.bucket = $1 AND e.related = x.no AND e.state NOT IN `+settledStates+`
				AND e.kind IN ('over', 'under', 'data', 'foreign-currency'))
		ON CONFLICT DO NOTHING`, head.Bucket, head.Bank, from, day, now, max(from.AddDate(0, 0, -longestTermDays-matchedEarlyDays).UnixMilli(), 0)<<statementRandomBits); err != nil {
		return err
	}
	if head.AgedOn != nil && !day.After(head.AgedOn.UTC()) {
		return nil
	}
	return exec(ctx, tx, 1, `UPDATE recon_banks SET aged_on = $3 WHERE bucket = $1 AND bank_bic = $2`, head.Bucket, head.Bank, day)
}
