package payment

import (
	"strings"
	"testing"

	"qaqpa/payment/ledger"
	"qaqpa/payment/recon"
)

// madeGood is what the agency says to have paid its beneficiaries in place of what the bank kept back.
func (b *bundle) madeGood(tiyn int64, reference string) CommissionPaid {
	paid := b.paidToBank(tiyn, reference)
	paid.MadeGood = true
	return paid
}

// bookedPaid records and books a payment of an agency.
func (b *bundle) bookedPaid(paid CommissionPaid) CommissionPayment {
	b.t.Helper()
	p, _, err := b.RecordCommissionPaid(b.t.Context(), b.by("aru"), paid)
	b.must(err)
	p, _, err = b.DecideCommissionPaid(b.t.Context(), b.by("dana"), p.ID, true)
	b.must(err)
	return p
}

// madeGoodStands checks what is to be made good and what was; nothing of it changes what the bank has earned, got and is owed.
func (b *bundle) madeGoodStands(kept, made int64) {
	b.t.Helper()
	b.stands(map[ledger.Account]int64{
		ledger.AgencyKept(b.agency.ID, testBIC): kept - made, ledger.AgencyMadeGood(b.agency.ID, testBIC): made,
		ledger.BankCharged(testBIC): kept, ledger.BankCommission(testBIC): -licenceCharged, ledger.AgencyCommission(b.agency.ID, testBIC): licenceCharged - kept,
	})
}

// What a bank kept back is made good when two people agree that it was paid: as far as it stands there, once for a payment order, and no tiyn
// before the bank has kept anything back.
func TestAgencyMakesGood(t *testing.T) {
	b, _, refs := nets(t, 1)
	_, _, err := b.RecordCommissionPaid(t.Context(), b.by("aru"), b.madeGood(1, "ПП-0")) // owed to the bank, and not kept back by it
	wants(t, err, ErrCommissionPaidTooMuch)
	b.reconcile(sheet{number: 1, day: b.today(), lines: []line{{tiyn: licenceNet, ref: refs[0]}}}.camt())
	b.madeGoodStands(licenceCharged, 0)
	for name, change := range map[string]func(*CommissionPaid){
		"more than was kept back": func(p *CommissionPaid) { p.Tiyn = licenceCharged + 1 },
		"of another bank":         func(p *CommissionPaid) { p.Bank = otherBIC },
		"of the bank's bill":      func(p *CommissionPaid) { p.MadeGood = false },
	} {
		paid := b.madeGood(5000, "ПП-1")
		change(&paid)
		if _, _, err := b.RecordCommissionPaid(t.Context(), b.by("aru"), paid); err == nil {
			t.Errorf("%s was taken", name)
		} else {
			wants(t, err, ErrCommissionPaidTooMuch)
		}
	}
	asked, _, err := b.RecordCommissionPaid(t.Context(), b.by("aru"), b.madeGood(5000, "ПП-1"))
	if err != nil || !asked.MadeGood || asked.Owed != licenceCharged {
		t.Fatalf("%+v %v", asked, err)
	}
	b.madeGoodStands(licenceCharged, 0)
	_, _, err = b.DecideCommissionPaid(t.Context(), b.by("aru"), asked.ID, true)
	wants(t, err, ErrFourEyes)
	done, _, err := b.DecideCommissionPaid(t.Context(), b.by("dana"), asked.ID, true)
	if err != nil || done.State != commissionPaidBooked || !done.MadeGood || done.Owed != licenceCharged-5000 {
		t.Fatalf("%+v %v", done, err)
	}
	_, _, err = b.RecordCommissionPaid(t.Context(), b.by("aru"), b.madeGood(1, "ПП-1")) // the same payment order
	wants(t, err, ErrCommissionPaidTwice)
	b.madeGoodStands(licenceCharged, 5000)
	b.bookedPaid(b.madeGood(licenceCharged-5000, "ПП-2"))
	b.madeGoodStands(licenceCharged, licenceCharged)
	_, _, err = b.RecordCommissionPaid(t.Context(), b.by("aru"), b.madeGood(1, "ПП-3"))
	wants(t, err, ErrCommissionPaidTooMuch)
	list, err := b.CommissionPayments(t.Context(), testBIC)
	if err != nil || len(list) != 2 || !list[0].MadeGood || !list[1].MadeGood {
		t.Errorf("%+v %v", list, err)
	}
}

// A match that is undone after the agency has made good leaves it with a claim, which the books say; matched again, nothing stands.
func TestMadeGoodOutlivesItsMatch(t *testing.T) {
	b, _, refs := nets(t, 1)
	s := b.reconcile(sheet{number: 1, day: b.today(), lines: []line{{tiyn: licenceNet, ref: refs[0]}}}.camt()).Statements[0]
	b.bookedPaid(b.madeGood(licenceCharged, "ПП-1"))
	_, _, err := b.UndoMatch(t.Context(), b.by("aru"), s.ID, MatchUndoing{No: 1, Comment: "not so"})
	b.must(err)
	b.madeGoodStands(0, licenceCharged)
	b.resolved(b.theOnly(recon.Surplus), ExceptionAction{Way: recon.KeptBack, Expectations: b.expectationIDs(), Comment: "it is so"})
	b.madeGoodStands(licenceCharged, licenceCharged)
}

func TestAgencyMakesGoodAtOnce(t *testing.T) {
	b, _, refs := nets(t, 1)
	b.reconcile(sheet{number: 1, day: b.today(), lines: []line{{tiyn: licenceNet, ref: refs[0]}}}.camt())
	b.oneOf(func(reference string) CommissionPaid { return b.madeGood(licenceCharged-1, reference) })
	b.madeGoodStands(licenceCharged, licenceCharged-1)
}

// What was changed behind the ledger's back is found.
func TestVerifyFindsMadeGood(t *testing.T) {
	b, _, refs := nets(t, 1)
	b.reconcile(sheet{number: 1, day: b.today(), lines: []line{{tiyn: licenceNet, ref: refs[0]}}}.camt())
	p := b.bookedPaid(b.madeGood(licenceCharged, "ПП-1"))
	b.check()
	for name, change := range map[string][2]string{
		"amount": {`UPDATE commission_payments SET amount = amount - 1 WHERE id = $1`, `UPDATE commission_payments SET amount = amount + 1 WHERE id = $1`},
		"who got it": {
			`UPDATE commission_payments SET made_good = false WHERE id = $1`, `UPDATE commission_payments SET made_good = true WHERE id = $1`,
		},
		"state": {`UPDATE commission_payments SET state = 'rejected' WHERE id = $1`, `UPDATE commission_payments SET state = 'booked' WHERE id = $1`},
		"legs": {
			`UPDATE transfers SET debit_account = replace(debit_account, ':made-good', ':kept'), credit_account = replace(credit_account, ':kept', ':made-good')
				WHERE posting_id = (SELECT id FROM postings WHERE subject = $1)`,
			`UPDATE transfers SET debit_account = replace(debit_account, ':kept', ':made-good'), credit_account = replace(credit_account, ':made-good', ':kept')
				WHERE posting_id = (SELECT id FROM postings WHERE subject = $1)`,
		},
	} {
		_, err := b.db.ExecContext(t.Context(), change[0], p.ID)
		b.must(err)
		report, err := b.VerifyLedger(t.Context())
		b.must(err)
		found := strings.Join(report.Problems, "\n")
		if !strings.Contains(found, p.ID) || !strings.Contains(found, ":kept stands at") {
			t.Errorf("%s not found: %v", name, report.Problems)
		}
		_, err = b.db.ExecContext(t.Context(), change[1], p.ID)
		b.must(err)
	}
	b.check()
}
