package payment

import (
	"bytes"
	"context"
)

// sums compares the sums of each account along the journal, of which balances of the past are read, with the transfers that they cover, and
// the times of pages with those of their leaves.
func (w *walk) sums(ctx context.Context, bucket int) error {
	var bad []string
	if err := all(ctx, w.tx, &bad, `
		WITH posted AS (
				SELECT account, (seq / $2 + 1) * $2 AS seq, sum(debit) AS debit, sum(credit) AS credit FROM (
					SELECT debit_account AS account, journal_seq AS seq, amount AS debit, 0 AS credit FROM transfers WHERE bucket = $1
					UNION ALL SELECT credit_account, journal_seq, 0, amount FROM transfers WHERE bucket = $1) t
				WHERE seq < (SELECT max(seq) FROM ledger_pages WHERE bucket = $1) GROUP BY 1, 2),
			due AS (SELECT account, seq, sum(debit) OVER w AS debit, sum(credit) OVER w AS credit FROM posted WINDOW w AS (PARTITION BY account ORDER BY seq))
		SELECT DISTINCT coalesce(d.account, m.account) FROM due d FULL JOIN (SELECT account, seq, debit, credit FROM ledger_marks WHERE bucket = $1) m
			ON m.account = d.account AND m.seq = d.seq
		WHERE (d.debit, d.credit) IS DISTINCT FROM (m.debit::numeric, m.credit::numeric) LIMIT 100`, bucket, int64(pageLeaves)); err != nil {
		return err
	}
	for _, account := range bad {
		w.report.problem("bucket %d: the stored sum of %s is not what its transfers say", bucket, account)
	}
	var pages []int64
	err := all(ctx, w.tx, &pages, `
		SELECT p.seq FROM (SELECT seq, earliest, so_far, lag(so_far) OVER (ORDER BY seq) AS before FROM (
				SELECT seq, earliest, max(latest) OVER (ORDER BY seq) AS so_far FROM (
					SELECT (seq / $2 + 1) * $2 AS seq, min(created_at) AS earliest, max(created_at) AS latest FROM journal WHERE bucket = $1 GROUP BY 1) j) j) j
			RIGHT JOIN ledger_pages p ON p.seq = j.seq
		WHERE p.bucket = $1 AND (p.latest, p.behind) IS DISTINCT FROM (j.so_far, CASE WHEN j.earliest < j.before - $3 * interval '1 second' THEN j.earliest END)
		ORDER BY p.seq LIMIT 100`, bucket, int64(pageLeaves), clockSlack.Seconds())
	for _, seq := range pages {
		w.report.problem("bucket %d: the page before leaf %d has another time than its leaves", bucket, seq)
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
