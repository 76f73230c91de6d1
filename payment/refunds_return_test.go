package payment

import (
	"sync"
	"testing"
	"time"

	"qaqpa/payment/ledger"
	"qaqpa/payment/refund"
)

// Two returns that the same money of the suspense would cover are approved at once, while time goes on: one is.
func TestReturnsAtOnce(t *testing.T) {
	b := setup(t)
	first, second := b.wishedReturn(), b.wishedReturn()
	b.suspend(licenceTiyn)
	now := b.now
	var mu sync.Mutex
	var ticks time.Duration
	b.now = func() time.Time { // each look at the clock is a moment later
		mu.Lock()
		defer mu.Unlock()
		ticks += time.Millisecond
		return now().Add(ticks)
	}
	// The bank's row is held while both begin.
	tx, err := b.db.BeginTxx(t.Context(), nil)
	b.must(err)
	_, err = tx.ExecContext(t.Context(), `SELECT 1 FROM recon_banks WHERE bank_bic = $1 FOR UPDATE`, testBIC)
	b.must(err)
	var wait sync.WaitGroup
	var errs [2]error
	for i, x := range []refund.Refund{first, second} {
		idem := b.by("dana")
		wait.Go(func() {
			_, _, errs[i] = b.DecideRefund(t.Context(), idem, "", x.ID, RefundDecision{Action: ActApprove, Version: x.Version})
		})
	}
	time.Sleep(300 * time.Millisecond)
	b.must(tx.Rollback())
	wait.Wait()
	if (errs[0] == nil) == (errs[1] == nil) {
		t.Errorf("%v, %v", errs[0], errs[1])
	}
	if left := b.balance(string(ledger.BankSuspense(testBIC))); left != 0 {
		t.Errorf("%d in suspense", left)
	}
}

func (b *bundle) wishedReturn() refund.Refund {
	b.t.Helper()
	b.account()
	return b.wished(wishOf(refund.Returned, item(b.executed(citizenIIN))))
}
