package payment

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"qaqpa/payment/ledger"
	"qaqpa/payment/money"
	"qaqpa/payment/order"
	"qaqpa/testenv/postgres"
)

const licenceTiyn = 540_600

func (b *bundle) guarantee(tiyn int64) Exposure {
	b.t.Helper()
	e, _, err := b.SetGuarantee(b.t.Context(), b.idem("guarantee"), testBIC, money.FromTiyn(tiyn))
	b.must(err)
	return e
}

func (b *bundle) exposes(committed, free int64) {
	b.t.Helper()
	e, err := b.Exposure(b.t.Context(), testBIC)
	b.must(err)
	if e.Committed != committed || e.Free != free {
		b.t.Errorf("committed %d and free %d, want %d and %d", e.Committed, e.Free, committed, free)
	}
}

// A bank takes payments up to its guarantee: those on their way and those executed count, settled and refused ones do not.
func TestGuaranteeStopsPayments(t *testing.T) {
	b := setup(t)
	b.authorised(citizenIIN) // before there is a limit
	late := b.ordered(citizenIIN, b.fee(citizenIIN))
	if e := b.guarantee(2 * licenceTiyn); e.Committed != licenceTiyn {
		t.Errorf("exposure %+v", e)
	}
	b.authorised(neighborIIN)
	b.exposes(2*licenceTiyn, 0)
	// No further order is made, and none that was made before is taken.
	_, _, err := b.CreateOrder(t.Context(), b.idem("o"), order.Request{Payer: citizenIIN, Debts: []string{b.fee(citizenIIN).ID}, Bank: testBIC})
	wants(t, err, ErrGuaranteeExhausted)
	_, err = b.authoriseAs(late, citizen(citizenIIN))
	wants(t, err, ErrGuaranteeExhausted)
	if state := b.state(late.ID); state != order.Created {
		t.Errorf("the refused order is %s", state)
	}
	_, _, err = b.CreateOrder(t.Context(), b.idem("o"), order.Request{Payer: citizenIIN, Debts: []string{b.fee(citizenIIN).ID}, Bank: otherBIC})
	b.must(err) // another bank is not concerned
	// One is refused by the bank, one is executed: room for one.
	b.bank.pays = []string{"refuse"}
	b.settle()
	b.exposes(licenceTiyn, licenceTiyn)
	// The treasury has the money.
	_, err = b.postNow(b.settlement("match-1", licenceTiyn))
	b.must(err)
	b.exposes(0, 2*licenceTiyn)
	b.guarantee(0)
	b.exposes(0, 0)
	report := b.check()
	if report.Balances[ledger.BankGuarantee(testBIC)] != 0 || report.Balances[ledger.OperatorGuarantees] != 0 {
		t.Errorf("a guarantee remains: %v", report.Balances)
	}
}

// A lowered guarantee stops new payments and lets those on their way end.
func TestGuaranteeLowered(t *testing.T) {
	b := setup(t)
	b.guarantee(3 * licenceTiyn)
	b.authorised(citizenIIN)
	b.authorised(neighborIIN)
	b.guarantee(licenceTiyn)
	b.settle()
	b.exposes(2*licenceTiyn, 0)
	if report := b.check(); report.Leaves != 4 || report.Balances[ledger.BankGuarantee(testBIC)] != licenceTiyn {
		t.Errorf("report %+v", report)
	}
}

func TestGuaranteeRefuses(t *testing.T) {
	b := setup(t)
	for _, c := range []struct {
		bic   string
		limit money.Amount
		want  *Error
	}{
		{testBIC, money.FromTiyn(-1), ErrAmountInvalid},
		{testBIC, money.Amount{Tiyn: 1, Currency: "USD"}, ErrAmountInvalid},
		{"NOBANKKZ", money.FromTiyn(1), ErrBankUnknown},
	} {
		_, _, err := b.SetGuarantee(t.Context(), b.idem("g"), c.bic, c.limit)
		wants(t, err, c.want)
	}
	_, err := b.Exposure(t.Context(), "NOBANKKZ")
	wants(t, err, ErrBankUnknown)
}

// Of many payers who sign at once, as many pass as the guarantee covers, also while it is being set.
func TestGuaranteeUnderRace(t *testing.T) {
	db, err := Connect(t.Context(), postgres.DSNForTest(t, Migrate, migrateDiary), ConnectConfig{ReadTimeout: 2 * time.Minute, LockTimeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	b := setupOn(t, db)
	const payers, room = 12, 5
	orders := make([]order.Order, payers)
	for i := range orders {
		orders[i] = b.ordered(citizenIIN, b.fee(citizenIIN))
	}
	var wait sync.WaitGroup
	errs := make([]error, payers)
	for i, o := range orders {
		signature := b.signed(o, citizen(citizenIIN))
		wait.Go(func() { _, _, errs[i] = b.Authorise(t.Context(), b.idem("s"), o.ID, signature) })
		if i == 2 {
			wait.Go(func() {
				if _, _, err := b.SetGuarantee(t.Context(), b.idem("g"), testBIC, money.FromTiyn(room*licenceTiyn)); err != nil {
					t.Error(err)
				}
			})
		}
	}
	wait.Wait()
	b.check() // the count agrees with the orders, however the race went
	passed := 0
	for _, err := range errs {
		switch {
		case err == nil:
			passed++
		case !errors.Is(err, ErrGuaranteeExhausted):
			t.Error(err)
		}
	}
	e, err := b.Exposure(t.Context(), testBIC)
	b.must(err)
	if e.Committed != int64(passed)*licenceTiyn || (passed > room && e.Free != 0) {
		t.Errorf("%d passed with exposure %+v", passed, e)
	}
}

// Whoever changes the count below the gateway is found out.
func TestVerifyFindsChangedGuarantee(t *testing.T) {
	b := setup(t)
	b.guarantee(2 * licenceTiyn)
	b.authorised(citizenIIN)
	if _, err := b.db.ExecContext(t.Context(), `UPDATE guarantees SET committed = 0 WHERE amount IS NOT NULL`); err != nil {
		t.Fatal(err)
	}
	report, err := b.VerifyLedger(t.Context())
	b.must(err)
	if report.Holds() {
		t.Error("a changed count passes")
	}
}

// A guarantee that was changed behind the ledger's back is found.
func TestVerifyFindsChangedDeposit(t *testing.T) {
	b := setup(t)
	b.guarantee(2 * licenceTiyn)
	b.check()
	for _, change := range []string{`amount = amount + 1`, `amount = NULL`} {
		_, err := b.db.ExecContext(t.Context(), `UPDATE guarantees SET `+change+` WHERE bank_bic = $1`, testBIC)
		b.must(err)
		report, err := b.VerifyLedger(t.Context())
		b.must(err)
		if !strings.Contains(strings.Join(report.Problems, "\n"), "are deposited in the ledger") {
			t.Errorf("%s not found: %v", change, report.Problems)
		}
	}
}
