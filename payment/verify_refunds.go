package payment

import (
	"context"

	"qaqpa/payment/ledger"
)

// refunds looks for refunds that do not fit to their shares, their people or the ledger. Each query lists what must not be.
func (w *walk) refunds(ctx context.Context, bucket int) error {
	for _, rule := range []struct{ text, query string }{
		{"of transfer %s another amount is taken or returned than its refunds say", `
			SELECT s.transfer_id FROM refund_shares s LEFT JOIN refunds r ON r.bucket = s.bucket AND r.transfer_id = s.transfer_id
				AND r.state NOT IN ('refused', 'rejected', 'withdrawn')
			WHERE s.bucket = $1 GROUP BY s.transfer_id, s.taken, s.returned
			HAVING coalesce(sum(r.amount) FILTER (WHERE r.kind <> 'returned'), 0) <> s.taken
				OR coalesce(sum(r.amount) FILTER (WHERE r.kind = 'returned'), 0) <> s.returned`},
		{"the share of transfer %s is not what the transfer brought", `
			SELECT s.transfer_id FROM refund_shares s LEFT JOIN transfers t ON t.bucket = s.bucket AND t.id = s.transfer_id
			WHERE s.bucket = $1 AND (t.id IS NULL OR t.amount <> s.amount OR t.credit_account <> s.account OR t.debt_id <> s.debt_id)`},
		{"refund %s has other postings than its state says", `
			SELECT r.id FROM refunds r WHERE r.bucket = $1 AND r.kind = 'refund' AND ARRAY(
				SELECT split_part(p.subject, ':', 2) FROM postings p WHERE p.bucket = r.bucket AND p.kind = 'refund'
					AND p.subject IN (r.id || ':hold', r.id || ':post', r.id || ':release') ORDER BY 1)
				<> CASE WHEN r.state IN ('requested', 'rejected', 'withdrawn') THEN ARRAY[]::text[] WHEN r.state = 'executed' THEN ARRAY['hold', 'post']
					WHEN r.state = 'refused' THEN ARRAY['hold', 'release'] ELSE ARRAY['hold'] END`},
		{"correction %s is booked and not posted, or the other way round", `
			SELECT r.id FROM refunds r LEFT JOIN postings p ON p.bucket = r.bucket AND p.kind = 'correction' AND p.subject = r.id || ':move'
			WHERE r.bucket = $1 AND r.kind <> 'refund' AND (r.state = 'booked') <> (p.id IS NOT NULL)`},
		{"refund %s moved another amount", `
			SELECT r.id FROM refunds r JOIN transfers t ON t.bucket = r.bucket AND t.posting_id = r.posting_id
			WHERE r.bucket = $1 AND (t.amount <> r.amount OR t.debt_id <> r.debt_id)`},
		{"refund %s was decided by who asked", `SELECT id FROM refunds WHERE bucket = $1 AND decided_by = asked_by`},
		{"refund %s is executed without a stored message of the bank", `
			SELECT r.id FROM refunds r LEFT JOIN refund_messages m ON m.bucket = r.bucket AND m.refund_id = r.id AND m.outcome = 'executed'
			WHERE r.bucket = $1 AND r.state = 'executed' AND m.refund_id IS NULL`},
		{"events of refund %s do not lead to its state", `
			SELECT r.id FROM refunds r LEFT JOIN refund_events e ON e.bucket = r.bucket AND e.refund_id = r.id AND e.seq = r.version
			WHERE r.bucket = $1 AND (e.seq IS NULL OR e.to_state <> r.state)`},
	} {
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

// holds compares what is held for refunds at each bank with the refunds on their way, and sees that corrections are whole.
func (w *walk) holds(ctx context.Context) error {
	var rows []struct {
		Bank string `db:"bank_bic"`
		Held int64  `db:"held"`
	}
	err := all(ctx, w.tx, &rows, `SELECT b.bic AS bank_bic, (SELECT coalesce(sum(r.amount), 0)::bigint FROM refunds r
		WHERE r.bank_bic = b.bic AND r.state IN ('approved', 'sent', 'unknown', 'absent')) AS held FROM banks b ORDER BY b.bic`)
	if err != nil {
		return err
	}
	for _, r := range rows {
		if held := -w.report.Balances[ledger.BankHeld(r.Bank)]; held != r.Held {
			w.report.problem("refunds through %s: %d tiyn are held for %d on the way", r.Bank, held, r.Held)
		}
	}
	if rest := w.report.Balances[ledger.OperatorCorrections]; rest != 0 {
		w.report.problem("corrections from payer to payer are not whole: %d tiyn", rest)
	}
	return nil
}
