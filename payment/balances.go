package payment

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"qaqpa/payment/ledger"
)

// pageLeaves is how many leaves of a bucket are summed up into one page. The rest of a bucket, at most so many leaves, is read from the
// journal when somebody asks.
const pageLeaves = 128

// clockSlack is by how much times of leaves may go back within a bucket: transactions take a time before they take their place. It is far more
// than a transaction lasts.
const clockSlack = time.Minute

// Balance is what stands on an account at a moment, in tiyn.
type Balance struct {
	Account ledger.Account `json:"account"`
	At      time.Time      `json:"at"`
	// Debit and Credit are all that was ever posted to each side; Amount is debit less credit.
	Debit  int64 `json:"debit"`
	Credit int64 `json:"credit"`
	Amount int64 `json:"balance"`
}

// sides are what a page of leaves posts to an account.
type sides struct{ debit, credit int64 }

// workBalances sums up pages of the journals that are full, and returns how many. Payments take no part in it.
func (s *store) workBalances(ctx context.Context) (int, error) {
	var behind []struct {
		Bucket int   `db:"bucket"`
		Size   int64 `db:"size"`
		Next   int64 `db:"next"`
	}
	err := all(ctx, s.db, &behind, `
		SELECT h.bucket, h.size, coalesce(p.seq, 0) AS next FROM journal_heads h
		LEFT JOIN LATERAL (SELECT seq FROM ledger_pages x WHERE x.bucket = h.bucket ORDER BY seq DESC LIMIT 1) p ON true
		WHERE h.size >= coalesce(p.seq, 0) + $1 ORDER BY h.bucket`, pageLeaves)
	if err != nil {
		return 0, err
	}
	done := 0
	for _, b := range behind {
		for from := b.Next; from+pageLeaves <= b.Size; from += pageLeaves {
			if err := s.markPage(ctx, b.Bucket, from); err != nil {
				return done, fmt.Errorf("couldn't sum up bucket %d from leaf %d: %w", b.Bucket, from, err)
			}
			done++
		}
	}
	return done, nil
}

// markPage sums one page up. Another process that does the same writes the same; the second to come changes nothing.
func (s *store) markPage(ctx context.Context, bucket int, from int64) error {
	var leaves []struct {
		Leaf []byte    `db:"leaf"`
		At   time.Time `db:"created_at"`
	}
	err := all(ctx, s.db, &leaves, `SELECT leaf, created_at FROM journal WHERE bucket = $1 AND seq >= $2 AND seq < $3`, bucket, from, from+pageLeaves)
	if err != nil {
		return err
	}
	if len(leaves) != pageLeaves {
		return fmt.Errorf("%d leaves of %d: %w", len(leaves), pageLeaves, errWrote)
	}
	sums, earliest, latest := map[ledger.Account]sides{}, leaves[0].At, time.Time{}
	for _, l := range leaves {
		if err := ledger.Sums(l.Leaf, func(debit, credit ledger.Account, tiyn int64) {
			d := sums[debit]
			d.debit += tiyn
			sums[debit] = d
			c := sums[credit]
			c.credit += tiyn
			sums[credit] = c
		}); err != nil {
			return err
		}
		if l.At.After(latest) {
			latest = l.At
		}
		if l.At.Before(earliest) {
			earliest = l.At
		}
	}
	return s.inTx(ctx, func(ctx context.Context, tx *sqlx.Tx) error {
		result, err := tx.ExecContext(ctx, `
			INSERT INTO ledger_pages (bucket, seq, latest, behind)
			SELECT $1, $2, greatest($3::timestamptz, p.latest), CASE WHEN $5::timestamptz < p.latest - $6 * interval '1 second' THEN $5::timestamptz END
			FROM (SELECT (SELECT latest FROM ledger_pages WHERE bucket = $1 AND seq = $4) AS latest) AS p ON CONFLICT DO NOTHING`,
			bucket, from+pageLeaves, latest, from, earliest, clockSlack.Seconds())
		if err != nil {
			return fmt.Errorf("couldn't store a page: %w", err)
		}
		if n, err := result.RowsAffected(); err != nil || n == 0 {
			return err
		}
		accounts := slices.Sorted(maps.Keys(sums))
		debits, credits := make([]int64, len(accounts)), make([]int64, len(accounts))
		for i, a := range accounts {
			debits[i], credits[i] = sums[a].debit, sums[a].credit
		}
		return exec(ctx, tx, int64(len(accounts)), `
			INSERT INTO ledger_marks (bucket, account, seq, debit, credit)
			SELECT $1, t.account, $2, t.debit + coalesce(m.debit, 0), t.credit + coalesce(m.credit, 0)
			FROM unnest($3::text[], $4::bigint[], $5::bigint[]) AS t (account, debit, credit)
			LEFT JOIN LATERAL (SELECT debit, credit FROM ledger_marks x WHERE x.bucket = $1 AND x.account = t.account ORDER BY x.seq DESC LIMIT 1) m ON true`,
			bucket, from+pageLeaves, pq.Array(accounts), pq.Array(debits), pq.Array(credits))
	})
}

// pagesAt says for each bucket up to where pages count at a moment ($1), and in which ranges of leaves behind that some may: until a page whose
// latest time is later by more than the slack ($2), or the last one that goes back behind that since a clock had been ahead; and those that no
// page covers yet.
const pagesAt = `
	WITH base AS (
		SELECT b.bucket,
			coalesce((SELECT p.seq FROM ledger_pages p WHERE p.bucket = b.bucket AND p.latest <= $1 ORDER BY p.latest DESC, p.seq DESC LIMIT 1), 0) AS seq,
			(SELECT p.seq FROM ledger_pages p WHERE p.bucket = b.bucket AND p.latest > $2 ORDER BY p.latest, p.seq LIMIT 1) AS later,
			(SELECT p.seq FROM ledger_pages p WHERE p.bucket = b.bucket AND p.behind IS NOT NULL AND p.behind <= $1 ORDER BY p.seq DESC LIMIT 1) AS late,
			(SELECT p.seq FROM ledger_pages p WHERE p.bucket = b.bucket ORDER BY p.seq DESC LIMIT 1) AS covered
		FROM generate_series(0, 255) AS b (bucket)),
	ranges AS (
		SELECT bucket, seq AS first, CASE WHEN later IS NULL THEN 9223372036854775807 ELSE greatest(later, late) END AS stop FROM base
		UNION ALL SELECT bucket, covered, 9223372036854775807 FROM base WHERE later IS NOT NULL) `

// BalanceAt tells what stood on an account at a moment: everything that was recorded until then. The moment lies in the past;
// of the last seconds transactions may still be on their way. Errors: [ErrAccountUnknown] for a name that no account can have, [ErrInvalid].
func (r *Registrar) BalanceAt(ctx context.Context, account ledger.Account, at time.Time) (Balance, error) {
	if !account.Valid() {
		return Balance{}, ErrAccountUnknown
	}
	if at.After(r.now()) {
		return Balance{}, ErrInvalid.with("lies in the future").at("at")
	}
	return balanceAt(ctx, r.db, account, at.UTC())
}

// balanceAt reads pages and the rest in one statement, which sees one state of both.
func balanceAt(ctx context.Context, q sqlx.QueryerContext, account ledger.Account, at time.Time) (Balance, error) {
	b := Balance{Account: account, At: at}
	var row struct {
		Debit  int64         `db:"debit"`
		Credit int64         `db:"credit"`
		Leaves pq.ByteaArray `db:"leaves"`
	}
	err := one(ctx, q, &row, pagesAt+`, marked AS (
			SELECT m.debit, m.credit FROM base, LATERAL (
				SELECT debit, credit FROM ledger_marks x WHERE x.bucket = base.bucket AND x.account = $3 AND x.seq <= base.seq ORDER BY x.seq DESC LIMIT 1) m)
		SELECT (SELECT coalesce(sum(debit), 0)::bigint FROM marked) AS debit, (SELECT coalesce(sum(credit), 0)::bigint FROM marked) AS credit, ARRAY(
			SELECT j.leaf FROM ranges r JOIN journal j ON j.bucket = r.bucket AND j.seq >= r.first AND j.seq < r.stop
			WHERE j.created_at <= $1 AND position(convert_to($3, 'UTF8') IN j.leaf) > 0) AS leaves`,
		at, at.Add(clockSlack), string(account))
	if err != nil {
		return b, err
	}
	b.Debit, b.Credit = row.Debit, row.Credit
	for _, leaf := range row.Leaves {
		if err := ledger.Sums(leaf, func(debit, credit ledger.Account, tiyn int64) {
			if debit == account {
				b.Debit += tiyn
			}
			if credit == account {
				b.Credit += tiyn
			}
		}); err != nil {
			return b, err
		}
	}
	b.Amount = b.Debit - b.Credit
	return b, nil
}

// postedNow is what stands on an account that postings alone move, debit less credit, as the transaction sees it, whatever clocks say: a mark
// for each bucket, and the transfers of the postings behind its last page, at most a page's and what has come since the worker was there.
func postedNow(ctx context.Context, q sqlx.QueryerContext, account ledger.Account) (tiyn int64, err error) {
	return tiyn, one(ctx, q, &tiyn, `
		WITH base AS (
			SELECT b.bucket, coalesce((SELECT p.seq FROM ledger_pages p WHERE p.bucket = b.bucket ORDER BY p.seq DESC LIMIT 1), 0) AS seq
			FROM generate_series(0, 255) AS b (bucket))
		SELECT (coalesce((SELECT sum(m.debit - m.credit) FROM base, LATERAL (
				SELECT debit, credit FROM ledger_marks x WHERE x.bucket = base.bucket AND x.account = $1 AND x.seq <= base.seq ORDER BY x.seq DESC LIMIT 1) m), 0)
			+ coalesce((SELECT sum(t.amount) FROM base
				CROSS JOIN LATERAL (SELECT bucket, posting_id FROM journal j WHERE j.bucket = base.bucket AND j.seq >= base.seq AND j.posting_id IS NOT NULL OFFSET 0) j
				CROSS JOIN LATERAL (SELECT CASE WHEN x.debit_account = $1 THEN x.amount ELSE -x.amount END AS amount FROM transfers x
					WHERE x.bucket = j.bucket AND x.posting_id = j.posting_id AND $1 IN (x.debit_account, x.credit_account) OFFSET 0) t), 0))::bigint`, string(account))
}

// Balances tells what stood on every account at a moment, by their names; accounts on which nothing was posted until then are left out.
// It asks account by account. Errors: [ErrInvalid].
func (r *Registrar) Balances(ctx context.Context, at time.Time) ([]Balance, error) {
	if at.After(r.now()) {
		return nil, ErrInvalid.with("lies in the future").at("at")
	}
	tx, err := r.db.BeginTxx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return nil, unavailable(fmt.Errorf("couldn't begin to read the ledger: %w", err))
	}
	defer tx.Rollback() //nolint:errcheck // nothing was written
	names, err := accountNames(ctx, tx)
	if err != nil {
		return nil, err
	}
	var out []Balance
	for _, name := range names {
		b, err := balanceAt(ctx, tx, name, at.UTC())
		if err != nil {
			return nil, err
		}
		if b.Debit != 0 || b.Credit != 0 {
			out = append(out, b)
		}
	}
	return out, nil
}

// accountNames lists all accounts: those of pages by steps over the index, and those of leaves that no page covers yet.
func accountNames(ctx context.Context, tx sqlx.QueryerContext) ([]ledger.Account, error) {
	var names []ledger.Account
	err := all(ctx, tx, &names, `
		WITH RECURSIVE a AS (
			SELECT b.bucket, (SELECT min(account) FROM ledger_marks m WHERE m.bucket = b.bucket) AS account FROM generate_series(0, 255) AS b (bucket)
			UNION ALL
			SELECT a.bucket, (SELECT min(account) FROM ledger_marks m WHERE m.bucket = a.bucket AND m.account > a.account) FROM a WHERE a.account IS NOT NULL)
		SELECT DISTINCT account FROM a WHERE account IS NOT NULL`)
	if err != nil {
		return nil, err
	}
	known := map[ledger.Account]bool{}
	for _, n := range names {
		known[n] = true
	}
	var leaves [][]byte
	if err := all(ctx, tx, &leaves, `SELECT j.leaf FROM generate_series(0, 255) AS b (bucket) JOIN journal j ON j.bucket = b.bucket
		AND j.seq >= coalesce((SELECT max(p.seq) FROM ledger_pages p WHERE p.bucket = b.bucket), 0)`); err != nil {
		return nil, err
	}
	for _, leaf := range leaves {
		if err := ledger.Sums(leaf, func(debit, credit ledger.Account, _ int64) { known[debit], known[credit] = true, true }); err != nil {
			return nil, err
		}
	}
	return slices.Sorted(maps.Keys(known)), nil
}
