package payment

import (
	"bytes"
	"context"
)

// sums compares the newest sum of each account with the transfers that it covers.
func (w *walk) sums(ctx context.Context, bucket int) error {
	var bad []string
	err := all(ctx, w.tx, &bad, `
		WITH newest AS (SELECT DISTINCT ON (account) account, seq, debit, credit FROM ledger_marks WHERE bucket = $1 ORDER BY account, seq DESC),
			posted AS (
				SELECT debit_account AS account, journal_seq AS seq, amount AS debit, 0 AS credit FROM transfers WHERE bucket = $1
				UNION ALL SELECT credit_account, journal_seq, 0, amount FROM transfers WHERE bucket = $1)
		SELECT n.account FROM newest n LEFT JOIN (
			SELECT p.account, sum(p.debit) AS debit, sum(p.credit) AS credit FROM posted p JOIN newest x ON x.account = p.account AND p.seq < x.seq GROUP BY 1) s
			ON s.account = n.account
		WHERE (s.debit, s.credit) IS DISTINCT FROM (n.debit::numeric, n.credit::numeric) LIMIT 100`, bucket)
	for _, account := range bad {
		w.report.problem("bucket %d: the stored sum of %s is not what its transfers say", bucket, account)
	}
	return err
}

// snapshot compares the stored state of all buckets with the one that the checkpoints up to there have made; w.heads is at the given one.
func (w *walk) snapshot(ctx context.Context, number int64) error {
	if number%snapshotEvery != 0 {
		return nil
	}
	var heads [][]byte
	err := all(ctx, w.tx, &heads, `SELECT heads FROM checkpoint_snapshots WHERE number = $1`, number)
	for _, stored := range heads { // none where the checkpoint is older than snapshots are
		if !bytes.Equal(stored, w.heads.Marshal()) {
			w.report.problem("checkpoint %d: the stored state of the buckets is another", number)
		}
	}
	return err
}
