package payment

import (
	"strings"
	"testing"
)

// What balances of the past are read from is held against the leaves.
func TestVerifyFindsChangedPast(t *testing.T) {
	b := setup(t)
	b.posted(2 * pageLeaves)
	_, err := b.workBalances(t.Context())
	b.must(err)
	b.check()
	for name, change := range map[string][3]string{
		"an older sum": {
			`UPDATE ledger_marks m SET debit = debit + 1, credit = credit + 1 WHERE seq = (SELECT min(seq) FROM ledger_marks x WHERE x.bucket = m.bucket AND x.account = m.account)
				AND seq < (SELECT max(seq) FROM ledger_marks x WHERE x.bucket = m.bucket AND x.account = m.account)`,
			`UPDATE ledger_marks m SET debit = debit - 1, credit = credit - 1 WHERE seq = (SELECT min(seq) FROM ledger_marks x WHERE x.bucket = m.bucket AND x.account = m.account)
				AND seq < (SELECT max(seq) FROM ledger_marks x WHERE x.bucket = m.bucket AND x.account = m.account)`,
			"the stored sum of",
		},
		"the time of a page": {
			`UPDATE ledger_pages SET latest = latest + interval '10 minutes'`, `UPDATE ledger_pages SET latest = latest - interval '10 minutes'`, "another time than its leaves",
		},
		"the time of a leaf": {
			`UPDATE journal SET created_at = created_at + interval '10 minutes' WHERE seq = 3`, `UPDATE journal SET created_at = created_at - interval '10 minutes' WHERE seq = 3`,
			"stored as of another time",
		},
		"a sum that is gone": {
			`CREATE TABLE gone AS SELECT * FROM ledger_marks ORDER BY bucket, account, seq LIMIT 1; DELETE FROM ledger_marks m USING gone g WHERE (m.bucket, m.account, m.seq) = (g.bucket, g.account, g.seq)`,
			`INSERT INTO ledger_marks SELECT * FROM gone`, "the stored sum of",
		},
	} {
		_, err := b.db.ExecContext(t.Context(), change[0])
		b.must(err)
		report, err := b.VerifyLedger(t.Context())
		b.must(err)
		if !strings.Contains(strings.Join(report.Problems, "\n"), change[2]) {
			t.Errorf("%s not found: %v", name, report.Problems)
		}
		_, err = b.db.ExecContext(t.Context(), change[1])
		b.must(err)
	}
	b.check()
}
