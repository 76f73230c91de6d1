package payment

import (
	"testing"

	"qaqpa/payment/commission"
	"qaqpa/payment/ledger"
	"qaqpa/payment/refund"
)

// The attack: a payment is moved to other budget codes in two parts, and each part is given back whole: the bank would give its commission back twice.
func TestCommissionOfMovedMoneyIsNotGivenBackTwice(t *testing.T) {
	b := setup(t)
	spec := onePercent()
	spec.GivenBack = commission.Always
	b.inForce(spec)
	o := b.executed(citizenIIN)
	for i, part := range []*int64{new(int64(licenceTiyn / 3)), nil} {
		to := licenceSpec()
		to.Code, to.KBK = "other-"+string(rune('a'+i)), []string{"108126", "108127"}[i]
		right, _, err := b.PublishService(t.Context(), b.idem("p"), b.agency.ID, to)
		b.must(err)
		move := item(o)
		move.Service, move.Tiyn = right.ID, part
		x := b.decided("dana", ActApprove, b.wished(wishOf(refund.WrongKBK, move)))
		var moved string
		b.must(b.db.Get(&moved, `SELECT id FROM transfers WHERE posting_id = $1`, x.Posting))
		back := b.decided("dana", ActApprove, b.wished(wishOf(refund.PayBack, refund.Item{Order: o.ID, Debt: o.Items[0].Debt, Transfer: moved})))
		if back.Commission != 0 {
			t.Errorf("with %d of %d tiyn a commission of %d is given back", back.Tiyn, o.Tiyn, back.Commission)
		}
		b.settle()
	}
	b.stands(map[ledger.Account]int64{ledger.BankCommission(testBIC): -licenceCharged, ledger.BankCharged(testBIC): licenceCharged})
}
