package payment

import (
	"context"
	"errors"

	"qaqpa/payment/ledger"
)

// reconciliation compares statements, matches and exceptions with each other and with the ledger, as one snapshot has them:
//
//   - cash in the ledger + open exceptions = closing balance, for each account; each opening balance follows from the one before, or from
//     what was listed as a gap; each statement is the sum of its lines;
//   - each line of a booked statement is matched for its whole amount, or listed, or resolved by a posting that moves its amount;
//   - each match names a rule that its line and its payment still fulfil, field by field (see [walk.matches]), or was made by people;
//   - each payment is expected once, as the journal has it, and settled for no more than it is; what a bank owes is what is still expected of it;
//   - what is to be sent on is expected as far as the dues say; what a closed period says is what its statements say.
func (w *walk) reconciliation(ctx context.Context) error {
	var buckets []int
	if err := all(ctx, w.tx, &buckets, `SELECT DISTINCT bucket FROM recon_banks ORDER BY bucket`); err != nil {
		return err
	}
	for _, bucket := range buckets {
		if err := errors.Join(w.accounts(ctx, bucket), w.owed(ctx, bucket), w.reconRows(ctx, bucket), w.matches(ctx, bucket)); err != nil {
			return err
		}
	}
	return w.expected(ctx)
}

// accounts proves ledger + listed exceptions = closing balance.
func (w *walk) accounts(ctx context.Context, bucket int) error {
	var rows []struct {
		Bank    string `db:"bank_bic"`
		Account string `db:"account"`
		Listed  int64  `db:"listed"`
		Closing int64  `db:"closing"`
	}
	err := all(ctx, w.tx, &rows, `
		SELECT a.bank_bic, a.account,
			(SELECT coalesce(sum(e.amount), 0) FROM recon_exceptions e
				WHERE e.bucket = $1 AND e.bank_bic = a.bank_bic AND e.account = a.account AND e.missing = 0 AND e.state NOT IN `+settledStates+`)::bigint AS listed,
			coalesce((SELECT s.closing FROM statements s WHERE s.bucket = $1 AND s.account = a.account AND s.state = 'booked' ORDER BY `+statementOrder("DESC")+` LIMIT 1), 0) AS closing
		FROM bank_accounts a WHERE a.bucket = $1 ORDER BY a.account`, bucket)
	for _, r := range rows {
		if cash := w.report.Balances[ledger.BankCash(r.Bank, r.Account)]; cash+r.Listed != r.Closing {
			w.report.problem("account %s: %d in the ledger and %d in open exceptions do not make the closing balance %d", r.Account, cash, r.Listed, r.Closing)
		}
	}
	return err
}

// owed proves that a bank owes what is expected of it, and has to give back what is expected to leave.
func (w *walk) owed(ctx context.Context, bucket int) error {
	var rows []struct {
		Bank    string `db:"bank_bic"`
		Due     int64  `db:"due"`
		Refunds int64  `db:"refunds"`
		Unread  int64  `db:"unread"`
	}
	err := all(ctx, w.tx, &rows, `
		WITH open AS (
			SELECT x.bank_bic, x.kind, x.amount - coalesce((SELECT sum(m.owed) FROM recon_matches m WHERE m.bucket = $1 AND m.expectation = x.no AND m.undone_at IS NULL), 0) AS amount
			FROM expectations x WHERE x.bucket = $1)
		SELECT b.bank_bic, coalesce(sum(o.amount) FILTER (WHERE o.kind IN ('payment', 'owed')), 0)::bigint AS due,
			coalesce(sum(o.amount) FILTER (WHERE o.kind = 'refund'), 0)::bigint AS refunds,
			(SELECT coalesce(sum(t.amount), 0) FROM transfers t JOIN recon_cursors c ON c.bucket = t.bucket AND t.journal_seq >= c.next
				WHERE t.debit_account = 'bank:' || b.bank_bic || ':due' AND t.order_id IS NOT NULL)::bigint AS unread
		FROM recon_banks b LEFT JOIN open o ON o.bank_bic = b.bank_bic WHERE b.bucket = $1 GROUP BY b.bank_bic ORDER BY b.bank_bic`, bucket)
	for _, r := range rows {
		if due := w.report.Balances[ledger.BankDue(r.Bank)]; due != r.Due+r.Unread {
			w.report.problem("bank %s: owes %d in the ledger, %d are expected of it and %d not read yet", r.Bank, due, r.Due, r.Unread)
		}
		if back := w.report.Balances[ledger.BankRefunds(r.Bank)]; back != r.Refunds {
			w.report.problem("bank %s: has %d to give back in the ledger, %d are expected to leave", r.Bank, back, r.Refunds)
		}
	}
	return err
}

// expected proves that each leaf of the journals that was read is expected once.
func (w *walk) expected(ctx context.Context) error {
	var bad []string
	err := all(ctx, w.tx, &bad, `
		WITH found AS (SELECT (no & $1) AS bucket, count(*) AS n FROM expectations WHERE kind = 'payment' GROUP BY 1),
		leaves AS (SELECT j.bucket, count(*) AS n FROM journal j JOIN recon_cursors c ON c.bucket = j.bucket AND j.seq < c.next
			WHERE j.order_id IS NOT NULL GROUP BY j.bucket)
		SELECT 'journal ' || coalesce(l.bucket, f.bucket) || ': ' || coalesce(f.n, 0) || ' payments are expected of ' || coalesce(l.n, 0)
		FROM leaves l FULL JOIN found f ON f.bucket = l.bucket WHERE coalesce(l.n, 0) <> coalesce(f.n, 0) ORDER BY 1`, ledger.Buckets-1)
	for _, text := range bad {
		w.report.problem("%s", text)
	}
	return err
}

// reconRows looks for rows that contradict each other. Each query lists what must not be.
func (w *walk) reconRows(ctx context.Context, bucket int) error {
	for _, rule := range reconContradictions {
		var bad []string
		if err := all(ctx, w.tx, &bad, rule.query+` LIMIT 100`, bucket); err != nil {
			return err
		}
		for _, id := range bad {
			w.report.problem("bucket %d: "+rule.text, bucket, id)
		}
	}
	return nil
}
