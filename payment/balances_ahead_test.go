package payment

import (
	"fmt"
	"testing"
	"time"

	"qaqpa/payment/ledger"
)

// A clock that was an hour ahead for a while, and a leaf that is late after all: no leaf is lost of any balance, whenever one asks, before the
// clocks have caught up and afterwards, whatever pages cover; and verify finds a page that says otherwise how far it goes back.
func TestBalancesAfterAClockWasAhead(t *testing.T) {
	b := setup(t)
	account := b.settlement("x", 1).legs[0].Debit
	var moments []time.Time
	for i := range 3*pageLeaves + 10 {
		ahead := time.Duration(0)
		if i == 20 || i == pageLeaves+5 {
			ahead = time.Hour
		}
		b.clock.advance(ahead)
		_, err := b.postNow(b.settlement(fmt.Sprint("stm_", i), 1))
		b.must(err)
		b.clock.advance(time.Second - ahead)
		if i%40 == 0 {
			moments = append(moments, b.clock.now())
		}
	}
	agree := func(when string) {
		t.Helper()
		for _, at := range append(moments, b.clock.now()) {
			got, err := b.BalanceAt(t.Context(), account, at)
			b.must(err)
			if want := b.transferred(account, at); got.Amount != want {
				t.Errorf("%s, at %s: %d, the transfers say %d", when, at, got.Amount, want)
			}
		}
	}
	agree("before pages")
	_, err := b.workBalances(t.Context())
	b.must(err)
	agree("with pages")
	b.clock.advance(2 * time.Hour)
	moments = append(moments, b.clock.now().Add(-90*time.Minute))
	_, err = b.postNow(b.settlement("stm_late", 1))
	b.must(err)
	agree("when clocks have caught up")
	b.check()
	for _, change := range []string{`behind = NULL`, `behind = coalesce(behind, latest) + interval '1 second'`} {
		_, err := b.db.ExecContext(t.Context(), `CREATE TABLE was AS SELECT * FROM ledger_pages; UPDATE ledger_pages SET `+change)
		b.must(err)
		report, err := b.VerifyLedger(t.Context())
		b.must(err)
		if len(report.Problems) == 0 {
			t.Errorf("%s was not found", change)
		}
		_, err = b.db.ExecContext(t.Context(), `UPDATE ledger_pages p SET behind = w.behind FROM was w WHERE (w.bucket, w.seq) = (p.bucket, p.seq); DROP TABLE was`)
		b.must(err)
	}
	b.check()
}

// transferred is what the transfers that were recorded until a moment say of an account.
func (b *bundle) transferred(account ledger.Account, at time.Time) (tiyn int64) {
	b.t.Helper()
	b.must(b.db.Get(&tiyn, `SELECT coalesce(sum(CASE WHEN debit_account = $1 THEN amount ELSE -amount END), 0)::bigint FROM transfers
		WHERE $1 IN (debit_account, credit_account) AND created_at <= $2`, string(account), at))
	return tiyn
}
