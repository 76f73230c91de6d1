package payment

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jmoiron/sqlx"
	"golang.org/x/mod/sumdb/note"

	"qaqpa/payment/ledger"
)

// problemsMax bounds the problems that a report lists; the rest is counted.
const problemsMax = 1000

// verifyPage is the number of rows that are read at once.
const verifyPage = 500

// LedgerReport is the result of [VerifyLedger].
type LedgerReport struct {
	// Problems are empty when everything holds; at most 1,000 are listed.
	Problems []string `json:"problems"`
	// Unlisted counts further problems.
	Unlisted int `json:"unlisted"`
	// Leaves, Transfers, Receipts and Checkpoints count what was walked.
	Leaves      int64 `json:"leaves"`
	Transfers   int64 `json:"transfers"`
	Receipts    int64 `json:"receipts"`
	Checkpoints int64 `json:"checkpoints"`
	// Pages counts the pages of receipts in further languages.
	Pages int64 `json:"pages"`
	// Matches counts the live legs of reconciliation that were held against their rules.
	Matches int64 `json:"matches"`
	// Unsigned counts leaves that no checkpoint covers yet; normal for the last second.
	Unsigned int64 `json:"unsigned"`
	// Balances per account in tiyn, debits positive; they sum to zero. A bank's is what it owes (R6).
	Balances ledger.Balances `json:"balances"`
}

func (r *LedgerReport) problem(format string, args ...any) {
	if len(r.Problems) == problemsMax {
		r.Unlisted++
		return
	}
	r.Problems = append(r.Problems, fmt.Sprintf(format, args...))
}

// Holds reports whether no problem was found.
func (r *LedgerReport) Holds() bool { return len(r.Problems) == 0 }

// VerifyLedger walks the whole ledger in one snapshot and compares everything with everything: chains and heads of the
// journal; trees with every signed checkpoint, in order and under the keys; leaves with transfers, orders, attempts,
// items and debts, in both directions; receipts by their own proofs, and their pages in further languages; statements, matches and exceptions of reconciliation. It changes nothing, and may run beside a working
// gateway. secrets opens what is sealed of persons; nil where nothing is. A ledger that does not hold is a report with problems; an error means that it could not be read.
func VerifyLedger(ctx context.Context, db *sqlx.DB, secrets *Privacy, keys note.Verifiers) (LedgerReport, error) {
	if keys == nil {
		return LedgerReport{}, errors.New("payment: the keys of checkpoints are missing")
	}
	private, err := newPrivacy(secrets)
	if err != nil {
		return LedgerReport{}, err
	}
	tx, err := db.BeginTxx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return LedgerReport{}, fmt.Errorf("couldn't begin to read the ledger: %w", err)
	}
	defer tx.Rollback() //nolint:errcheck // nothing was written
	return verifyIn(ctx, tx, private, keys)
}

// verifyIn walks the ledger as one transaction sees it.
func verifyIn(ctx context.Context, tx sqlx.QueryerContext, private *privacy, keys note.Verifiers) (LedgerReport, error) {
	w := walk{tx: tx, keys: keys, private: private, report: &LedgerReport{Problems: []string{}, Balances: ledger.Balances{}}}
	if err := w.checkpoints(ctx); err != nil {
		return LedgerReport{}, err
	}
	used, err := w.usedBuckets(ctx)
	if err != nil {
		return LedgerReport{}, err
	}
	for _, bucket := range used {
		if err := w.bucket(ctx, bucket); err != nil {
			return LedgerReport{}, fmt.Errorf("couldn't read bucket %d: %w", bucket, err)
		}
	}
	if err := errors.Join(w.guarantees(ctx), w.holds(ctx), w.reconciliation(ctx), w.commissionsPaid(ctx)); err != nil {
		return LedgerReport{}, err
	}
	w.earned()
	var sum int64
	for _, balance := range w.report.Balances {
		sum += balance
	}
	if sum != 0 {
		w.report.problem("balances sum to %d tiyn instead of zero", sum)
	}
	return *w.report, nil
}

// VerifyLedger walks the whole ledger under the present checkpoint key; see the function of this name.
func (s *Service) VerifyLedger(ctx context.Context) (LedgerReport, error) {
	return VerifyLedger(ctx, s.db, s.cfg.Privacy, s.noteKeys)
}

// walk is one verification.
type walk struct {
	tx     sqlx.QueryerContext
	keys   note.Verifiers
	report *LedgerReport
	// private opens documents and receipts; nil where they are not sealed.
	private *privacy
	// claims are the roots that checkpoints state, per bucket in order of size.
	claims [ledger.Buckets][]claimedRoot
	// heads are the state under the newest checkpoint.
	heads *ledger.Heads
}

// claimedRoot is what a checkpoint says of one bucket.
type claimedRoot struct {
	number int64
	head   ledger.Head
}

// usedBuckets lists the buckets in which there is anything to verify, so that a young ledger is walked quickly. A bucket
// counts as used also when only its head or a checkpoint says that it is.
func (w *walk) usedBuckets(ctx context.Context) ([]int, error) {
	var heads []struct {
		Bucket int    `db:"bucket"`
		Size   int64  `db:"size"`
		Chain  []byte `db:"chain"`
	}
	if err := all(ctx, w.tx, &heads, `SELECT bucket, size, chain FROM journal_heads`); err != nil {
		return nil, err
	}
	if len(heads) != ledger.Buckets {
		w.report.problem("journal: %d heads for %d buckets", len(heads), ledger.Buckets)
	}
	marked := [ledger.Buckets]bool{}
	for _, h := range heads {
		start := ledger.ChainStart(h.Bucket)
		marked[h.Bucket] = h.Size != 0 || string(h.Chain) != string(start[:]) || len(w.claims[h.Bucket]) > 0
	}
	var filled []int
	err := all(ctx, w.tx, &filled, `
		SELECT b FROM generate_series(0, 255) AS t (b) WHERE EXISTS (SELECT 1 FROM debts WHERE bucket = b)
			OR EXISTS (SELECT 1 FROM orders WHERE bucket = b) OR EXISTS (SELECT 1 FROM attempts WHERE bucket = b)
			OR EXISTS (SELECT 1 FROM transfers WHERE bucket = b) OR EXISTS (SELECT 1 FROM journal WHERE bucket = b)
			OR EXISTS (SELECT 1 FROM receipts WHERE bucket = b) OR EXISTS (SELECT 1 FROM receipt_pages WHERE bucket = b) OR EXISTS (SELECT 1 FROM outbox WHERE bucket = b)
			OR EXISTS (SELECT 1 FROM commission_payments WHERE bucket = b)`)
	if err != nil {
		return nil, err
	}
	for _, bucket := range filled {
		marked[bucket] = true
	}
	var used []int
	for bucket, is := range marked {
		if is {
			used = append(used, bucket)
		}
	}
	return used, nil
}

// bucket walks everything in one bucket.
func (w *walk) bucket(ctx context.Context, bucket int) error {
	if err := w.journal(ctx, bucket); err != nil {
		return err
	}
	if err := errors.Join(w.states(ctx, bucket), w.refunds(ctx, bucket), w.commissions(ctx, bucket), w.sums(ctx, bucket)); err != nil {
		return err
	}
	if err := w.receipts(ctx, bucket); err != nil {
		return err
	}
	return w.pages(ctx, bucket)
}
