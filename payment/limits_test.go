package payment

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"qaqpa/payment/bank"
	"qaqpa/payment/catalog"
	"qaqpa/payment/money"
	"qaqpa/payment/order"
)

func (b *bundle) limit(payment, day int64) Exposure {
	b.t.Helper()
	e, _, err := b.SetBankLimits(b.t.Context(), b.idem("limits"), testBIC, BankLimits{money.FromTiyn(payment), money.FromTiyn(day)})
	b.must(err)
	return e
}

// creates tries to make an order for a new fee.
func (b *bundle) creates(bic string) error {
	b.t.Helper()
	_, _, err := b.CreateOrder(b.t.Context(), b.idem("o"), order.Request{Payer: citizenIIN, Debts: []string{b.fee(citizenIIN).ID}, Bank: bic})
	return err
}

// A bank takes no payment above its limit and no more in a day than its limit; refused ones give back on the same day, and the next day
// begins with nothing.
func TestBankLimits(t *testing.T) {
	b := setup(t)
	b.authorised(citizenIIN) // before there is a limit
	late := b.ordered(citizenIIN, b.fee(citizenIIN))
	if e := b.limit(licenceTiyn-1, 0); e.PaymentMax == nil || *e.PaymentMax != licenceTiyn-1 || e.Guarantee != nil {
		t.Errorf("%+v", e)
	}
	wants(t, b.creates(testBIC), ErrBankPaymentLimit)
	_, err := b.authoriseAs(late, citizen(citizenIIN)) // made before the limit
	wants(t, err, ErrBankPaymentLimit)
	_, err = b.began(b.initiation("r", nil, b.fee(citizenIIN)))
	wants(t, err, ErrBankPaymentLimit)
	b.must(b.creates(otherBIC))
	if e := b.limit(0, 2*licenceTiyn); e.DayUsed != licenceTiyn || e.PaymentMax != nil {
		t.Errorf("what went through before is not counted: %+v", e)
	}
	b.authorised(neighborIIN)
	wants(t, b.creates(testBIC), ErrBankDayLimit)
	_, err = b.authoriseAs(late, citizen(citizenIIN))
	wants(t, err, ErrBankDayLimit)
	b.bank.pays = []string{"refuse"}
	b.attempts()
	b.authorised(citizenIIN)
	wants(t, b.creates(testBIC), ErrBankDayLimit)
	b.clock.advance(24 * time.Hour)
	b.must(b.creates(testBIC))
	if e, err := b.Exposure(t.Context(), testBIC); err != nil || e.DayUsed != 0 {
		t.Errorf("%+v, %v", e, err)
	}
	_, _, err = b.SetBankLimits(t.Context(), b.idem("x"), testBIC, BankLimits{money.FromTiyn(-1), money.FromTiyn(0)})
	wants(t, err, ErrAmountInvalid)
	_, _, err = b.SetBankLimits(t.Context(), b.idem("y"), "XXXXKZKX", BankLimits{money.FromTiyn(1), money.FromTiyn(0)})
	wants(t, err, ErrBankUnknown)
	b.settle()
	b.agree()
}

// The statement that counts agrees with a model, whatever comes in whatever order, days that go back included.
func TestLimitsAgainstModel(t *testing.T) {
	b := setup(t)
	rapid.Check(t, func(rt *rapid.T) {
		b.limit(70, 100)
		_, err := b.db.ExecContext(t.Context(), `UPDATE guarantees SET day = '', day_used = 0 WHERE bank_bic = $1`, testBIC)
		b.must(err)
		day, used := catalog.Date(""), int64(0)
		days := []catalog.Date{"2026-03-01", "2026-03-02", "2026-03-03"}
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			on, tiyn := rapid.SampledFrom(days).Draw(rt, "day"), rapid.Int64Range(-60, 80).Draw(rt, "tiyn")
			if tiyn == 0 {
				continue
			}
			tx, err := b.db.BeginTxx(t.Context(), nil)
			b.must(err)
			got := b.count(t.Context(), tx, exposing{bic: testBIC, tiyn: tiyn, day: on, limited: tiyn > 0})
			b.must(tx.Commit())
			left := used
			if day < on {
				left = 0
			}
			fits := tiyn < 0 || (tiyn <= 70 && left+tiyn <= 100)
			switch {
			case tiyn < 0 && on == day:
				used = max(used+tiyn, 0)
			case tiyn > 0 && fits:
				used, day = left+tiyn, max(day, on)
			}
			e := guaranteeRow{}
			b.must(b.db.GetContext(t.Context(), &e, `SELECT `+guaranteeColumns+` FROM guarantees WHERE bank_bic = $1`, testBIC))
			if (got == nil) != fits || e.Day != day || e.DayUsed != used || e.DayUsed > 100 {
				rt.Fatalf("%d on %s: %v, row %s %d, model %s %d", tiyn, on, got, e.Day, e.DayUsed, day, used)
			}
		}
	})
}

// A bank that leaves payments unanswered gets no new ones, others are not concerned, and it goes on when it answers.
func TestSilentBank(t *testing.T) {
	b := setup(t, func(c *Config) { c.BreakerAfter = 4 })
	waiting := b.ordered(citizenIIN, b.fee(citizenIIN))
	b.bank.pays = []string{"timeoutNotDone", "timeoutButDone", "timeoutNotDone", "timeoutNotDone"}
	watch := func() {
		_, err := b.workBreaker(t.Context())
		b.must(err)
	}
	for i := range 4 {
		b.must(b.creates(testBIC))
		watch()
		b.authorised(citizenIIN)
		b.attempts()
		if i < 3 {
			continue
		}
		watch()
	}
	wants(t, b.creates(testBIC), ErrBankSilent)
	_, err := b.authoriseAs(waiting, citizen(citizenIIN))
	wants(t, err, ErrBankSilent)
	b.must(b.creates(otherBIC))
	banks, err := b.Banks(t.Context())
	b.must(err)
	for _, x := range banks {
		if x.Takes() == (x.BIC == testBIC) || x.Paused {
			t.Errorf("%+v", x)
		}
	}
	// The operator changes something else of the bank: it stays silent.
	_, _, err = b.RegisterBank(t.Context(), b.idem("p"), catalog.BankSpec{BIC: testBIC, BIN: bankBIN, Name: "Банк", URL: "http://bank.invalid"})
	b.must(err)
	wants(t, b.creates(testBIC), ErrBankSilent)
	b.clock.advance(10 * time.Minute)
	b.settle()
	watch()
	b.must(b.creates(testBIC))
	var told int
	b.must(b.db.Get(&told, `SELECT count(*) FROM diary WHERE action IN ('bank.silent', 'bank.answers')`))
	if told != 2 {
		t.Errorf("%d entries in the audit log", told)
	}
	b.agree()
}

// A bank that says it has payments in hand answers.
func TestPendingIsNotSilence(t *testing.T) {
	b := setup(t, func(c *Config) { c.BreakerAfter = 1 })
	b.bank.pays = []string{"timeoutButDone"}
	o := b.authorised(citizenIIN)
	b.attempts()
	var attempt string
	b.must(b.db.Get(&attempt, `SELECT attempt_id FROM orders WHERE id = $1`, o.ID))
	b.bank.mu.Lock()
	b.bank.payments[attempt].outcome = bank.Pending
	b.bank.mu.Unlock()
	b.clock.advance(10 * time.Minute)
	b.attempts()
	_, err := b.workBreaker(t.Context())
	b.must(err)
	b.must(b.creates(testBIC))
}

func TestSilence(t *testing.T) {
	for _, c := range []struct {
		before bool
		open   int
		want   bool
	}{{false, 0, false}, {false, 19, false}, {false, 20, true}, {true, 20, true}, {true, 11, true}, {true, 10, false}, {true, 0, false}} {
		if got := silence(c.before, c.open, 20); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}
