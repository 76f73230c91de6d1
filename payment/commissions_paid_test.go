package payment

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"qaqpa/payment/catalog"
	"qaqpa/payment/commission"
	"qaqpa/payment/ledger"
	"qaqpa/payment/refund"
)

// agencyBears makes the agency owe one percent of each payment to the bank.
func (b *bundle) agencyBears() {
	b.t.Helper()
	spec := onePercent()
	spec.Bearer, spec.GivenBack = commission.Agency, commission.Always
	b.inForce(spec)
}

func (b *bundle) paidToBank(tiyn int64, reference string) CommissionPaid {
	return CommissionPaid{Agency: b.agency.ID, Bank: testBIC, Tiyn: tiyn, PaidOn: catalog.DateOf(b.clock.now()), Reference: reference}
}

// A payment of an agency to its bank is in the books when two people agree: the bank has got it, the agency owes it no more, and no tiyn
// comes or goes. The same key and the same payment order count once.
func TestAgencyPaysItsBank(t *testing.T) {
	b := setup(t)
	b.agencyBears()
	b.executed(citizenIIN)
	owes, got, earned := ledger.AgencyCommission(b.agency.ID, testBIC), ledger.BankCharged(testBIC), ledger.BankCommission(testBIC)
	b.stands(map[ledger.Account]int64{owes: licenceCharged, got: 0, earned: -licenceCharged})
	idem := b.by("aru")
	asked, _, err := b.RecordCommissionPaid(t.Context(), idem, b.paidToBank(5000, "ПП-1"))
	if err != nil || asked.State != commissionPaidOpen || asked.Owed != licenceCharged {
		t.Fatalf("%+v %v", asked, err)
	}
	if again, replayed, err := b.RecordCommissionPaid(t.Context(), idem, b.paidToBank(5000, "ПП-1")); err != nil || !replayed || again.ID != asked.ID {
		t.Errorf("repeated: %+v %v %v", again, replayed, err)
	}
	b.stands(map[ledger.Account]int64{owes: licenceCharged, got: 0})
	_, _, err = b.DecideCommissionPaid(t.Context(), b.by("aru"), asked.ID, true)
	wants(t, err, ErrFourEyes)
	yes := b.by("dana")
	done, _, err := b.DecideCommissionPaid(t.Context(), yes, asked.ID, true)
	if err != nil || done.State != commissionPaidBooked || done.Owed != licenceCharged-5000 || done.DecidedBy != "dana" {
		t.Fatalf("%+v %v", done, err)
	}
	if _, replayed, err := b.DecideCommissionPaid(t.Context(), yes, asked.ID, true); err != nil || !replayed {
		t.Errorf("repeated: %v %v", replayed, err)
	}
	_, _, err = b.DecideCommissionPaid(t.Context(), b.by("dana"), asked.ID, false)
	wants(t, err, ErrCommissionDecided)
	b.stands(map[ledger.Account]int64{owes: licenceCharged - 5000, got: 5000, earned: -licenceCharged})
	list, err := b.CommissionPayments(t.Context(), testBIC)
	if err != nil || len(list) != 1 || list[0].State != commissionPaidBooked || list[0].Reference != "ПП-1" {
		t.Errorf("%+v %v", list, err)
	}
}

func TestAgencyPaysItsBankRefuses(t *testing.T) {
	b := setup(t)
	b.agencyBears()
	b.executed(citizenIIN)
	good := b.paidToBank(licenceCharged, "ПП-1")
	for name, c := range map[string]struct {
		change func(*CommissionPaid)
		want   *Error
	}{
		"nothing":           {func(p *CommissionPaid) { p.Tiyn = 0 }, ErrInvalid},
		"negative":          {func(p *CommissionPaid) { p.Tiyn = -1 }, ErrInvalid},
		"overflowing":       {func(p *CommissionPaid) { p.Tiyn = catalog.TiynMax + 1 }, ErrInvalid},
		"tomorrow":          {func(p *CommissionPaid) { p.PaidOn = catalog.DateOf(b.clock.now().AddDate(0, 0, 1)) }, ErrInvalid},
		"no day":            {func(p *CommissionPaid) { p.PaidOn = "2026-02-30" }, ErrInvalid},
		"no reference":      {func(p *CommissionPaid) { p.Reference = "" }, ErrInvalid},
		"a long reference":  {func(p *CommissionPaid) { p.Reference = strings.Repeat("1", 36) }, ErrInvalid},
		"more than is owed": {func(p *CommissionPaid) { p.Tiyn++ }, ErrCommissionPaidTooMuch},
		"another bank":      {func(p *CommissionPaid) { p.Bank = otherBIC }, ErrCommissionPaidTooMuch},
		"no bank":           {func(p *CommissionPaid) { p.Bank = "NOBANKKZ" }, ErrBankUnknown},
		"no agency":         {func(p *CommissionPaid) { p.Agency = "agc_none" }, ErrAgencyUnknown},
	} {
		p := good
		c.change(&p)
		if _, _, err := b.RecordCommissionPaid(t.Context(), b.by("aru"), p); err == nil {
			t.Errorf("%s was taken", name)
		} else {
			wants(t, err, c.want)
		}
	}
	first, _, err := b.RecordCommissionPaid(t.Context(), b.by("aru"), good)
	b.must(err)
	_, _, err = b.RecordCommissionPaid(t.Context(), b.by("dana"), good) // the same payment order, by somebody who did not know
	wants(t, err, ErrCommissionPaidTwice)
	if out, _, err := b.DecideCommissionPaid(t.Context(), b.by("aru"), first.ID, false); err != nil || out.State != commissionPaidRejected {
		t.Errorf("%+v %v", out, err)
	}
	b.stands(map[ledger.Account]int64{ledger.BankCharged(testBIC): 0})
	again, _, err := b.RecordCommissionPaid(t.Context(), b.by("aru"), good) // what was rejected may be recorded anew
	b.must(err)
	for _, id := range []string{"", "cmp_x", strings.Replace(again.ID, "cmp_", "cmt_", 1), again.ID[:len(again.ID)-1] + "x"} {
		_, _, err = b.DecideCommissionPaid(t.Context(), b.by("dana"), id, true)
		wants(t, err, ErrCommissionPaymentUnknown)
	}
	b.diary.failNext(1)
	if _, _, err := b.DecideCommissionPaid(t.Context(), b.by("dana"), again.ID, true); err == nil {
		t.Error("booked without a note")
	}
	b.stands(map[ledger.Account]int64{ledger.BankCharged(testBIC): 0})
}

// oneOf books two payments at once, of which each is within what is owed and both are not: one is booked.
func (b *bundle) oneOf(paid func(reference string) CommissionPaid) {
	b.t.Helper()
	var wait sync.WaitGroup
	var errs [2]error
	var recorded [2]CommissionPayment
	for i := range recorded { // both before either is booked, or the second would not be recorded
		p, _, err := b.RecordCommissionPaid(b.t.Context(), b.by("aru"), paid(fmt.Sprint("ПП-", i)))
		b.must(err)
		recorded[i] = p
	}
	for i, p := range recorded {
		idem := b.by("dana")
		wait.Go(func() { _, _, errs[i] = b.DecideCommissionPaid(b.t.Context(), idem, p.ID, true) })
	}
	wait.Wait()
	if (errs[0] == nil) == (errs[1] == nil) {
		b.t.Errorf("%v, %v", errs[0], errs[1])
	}
}

func TestAgencyPaysItsBankAtOnce(t *testing.T) {
	b := setup(t)
	b.agencyBears()
	b.executed(citizenIIN)
	b.oneOf(func(reference string) CommissionPaid { return b.paidToBank(licenceCharged-1, reference) })
	b.stands(map[ledger.Account]int64{ledger.BankCharged(testBIC): licenceCharged - 1, ledger.AgencyCommission(b.agency.ID, testBIC): 1})
}

// Whatever is recorded, decided, paid and given back in whichever order: what is booked is what the books say, never more than was ever
// charged, and the three accounts of commissions make zero.
func TestAgencyPaysItsBankProperty(t *testing.T) {
	b := setup(t)
	b.agencyBears()
	owes, got := ledger.AgencyCommission(b.agency.ID, testBIC), ledger.BankCharged(testBIC)
	var owed, paid int64
	var open []CommissionPayment
	executions := 0
	for seed := range uint64(3) {
		luck := rand.New(rand.NewPCG(seed, 7))
		for step := range 30 {
			switch what := luck.IntN(10); {
			case step == 0 || (what == 0 && executions < 6): // executions are dear
				executions++
				o := b.executed(citizenIIN)
				owed += licenceCharged
				if luck.IntN(3) == 0 {
					b.decided("dana", ActApprove, b.wished(wishOf(refund.PayBack, item(o))))
					b.settle()
					owed -= licenceCharged
				}
			case what < 5:
				tiyn := 1 + luck.Int64N(2*licenceCharged)
				p, _, err := b.RecordCommissionPaid(t.Context(), b.by("aru"), b.paidToBank(tiyn, fmt.Sprint(seed, "-", step)))
				if fits := tiyn <= owed-paid; fits != (err == nil) {
					t.Fatalf("seed %d step %d: %d of %d owed: %v", seed, step, tiyn, owed-paid, err)
				}
				if err == nil {
					open = append(open, p)
				}
			case len(open) > 0:
				p := open[0]
				open = open[1:]
				agree := luck.IntN(3) > 0
				_, _, err := b.DecideCommissionPaid(t.Context(), b.by("dana"), p.ID, agree)
				switch fits := p.Tiyn <= owed-paid; {
				case agree && fits != (err == nil), !agree && err != nil:
					t.Fatalf("seed %d step %d: %d of %d owed: %v", seed, step, p.Tiyn, owed-paid, err)
				case agree && fits:
					paid += p.Tiyn
				}
			}
		}
	}
	if paid == 0 {
		t.Error("nothing was booked")
	}
	b.stands(map[ledger.Account]int64{owes: owed - paid, got: paid})
}

// What was changed behind the ledger's back is found.
func TestVerifyFindsCommissionPayments(t *testing.T) {
	b := setup(t)
	b.agencyBears()
	b.executed(citizenIIN)
	p, _, err := b.RecordCommissionPaid(t.Context(), b.by("aru"), b.paidToBank(licenceCharged, "ПП-1"))
	b.must(err)
	_, _, err = b.DecideCommissionPaid(t.Context(), b.by("dana"), p.ID, true)
	b.must(err)
	b.check()
	for name, change := range map[string][2]string{
		"amount": {`UPDATE commission_payments SET amount = amount - 1 WHERE id = $1`, `UPDATE commission_payments SET amount = amount + 1 WHERE id = $1`},
		"bank":   {`UPDATE commission_payments SET bank_bic = 'CASPKZKA' WHERE id = $1`, `UPDATE commission_payments SET bank_bic = 'TSESKZKA' WHERE id = $1`},
		"state":  {`UPDATE commission_payments SET state = 'rejected' WHERE id = $1`, `UPDATE commission_payments SET state = 'booked' WHERE id = $1`},
		"id":     {`UPDATE commission_payments SET id = 'cmp_x' WHERE id = $1`, `UPDATE commission_payments SET id = $1 WHERE id = 'cmp_x'`},
		"more than was charged": {
			`INSERT INTO commission_payments SELECT bucket, id || 'x', agency_id, bank_bic, 1, paid_on, 'other', state, asked_by, asked_at, decided_by, decided_at FROM commission_payments WHERE id = $1`,
			`DELETE FROM commission_payments WHERE id = $1 || 'x'`,
		},
	} {
		_, err := b.db.ExecContext(t.Context(), change[0], p.ID)
		b.must(err)
		report, err := b.VerifyLedger(t.Context())
		b.must(err)
		if !strings.Contains(strings.Join(report.Problems, "\n"), "commission") {
			t.Errorf("%s not found: %v", name, report.Problems)
		}
		_, err = b.db.ExecContext(t.Context(), change[1], p.ID)
		b.must(err)
	}
	b.check()
}
