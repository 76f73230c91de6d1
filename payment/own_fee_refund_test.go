package payment

import (
	"testing"

	"qaqpa/payment/debt"
	"qaqpa/payment/refund"
)

// Money for a fee that the payer has ordered himself goes back, and nobody owes it again: not by wish of the agency, and not because it went to somebody else's debt.
func TestOwnFeeIsNotOwedAgain(t *testing.T) {
	b := setup(t)
	v := b.duty()
	paid := func() refund.Item {
		o, _, err := b.CreateFeeOrder(t.Context(), b.idem("fee"), feeRequest(v, 50_000_000))
		b.must(err)
		b.must(b.signs(o))
		b.settle()
		return item(o)
	}
	first := paid()
	req := wishOf(refund.PayBack, first)
	req.Then = refund.Reopened
	_, _, err := b.RequestRefunds(t.Context(), b.by("aru"), "", req)
	wants(t, err, ErrRefundItem)
	req.Then = refund.Closed
	x := b.decided("dana", ActApprove, b.wished(req))
	b.settle()
	if x = b.refunded(x.ID); x.State != refund.Executed || x.Successor != "" {
		t.Errorf("refund %+v", x)
	}
	second := paid()
	target := b.owes(b.agency.ID, b.fine, "FINE-1", 500_000)
	second.Target = target.ID
	x = b.decided("dana", ActApprove, b.wished(wishOf(refund.WrongPayer, second)))
	if x.State != refund.Booked || x.Then != refund.Closed || x.Successor != "" {
		t.Errorf("correction %+v", x)
	}
	open, err := b.LookUp(t.Context(), "operator:test", DebtQuery{Payer: citizenIIN})
	b.must(err)
	for _, d := range open.Items {
		if d.State == debt.Open {
			t.Errorf("owed again: %+v", d)
		}
	}
	b.settle()
	b.check()
}

// What was paid under an agreement counts against the limit of its month until all of it is back with the payer.
func TestMandateLimitAfterRefund(t *testing.T) {
	b := setup(t)
	m := b.agreed(citizenIIN, 1000_00, 1000_00)
	o, err := b.byMandate(m, b.penalty(citizenIIN, 1000_00))
	b.must(err)
	b.settle()
	part := item(o)
	part.Tiyn = new(int64(400_00))
	b.decided("dana", ActApprove, b.wished(wishOf(refund.PayBack, part)))
	b.settle()
	if spent := b.spentUnder(m); spent != 1000_00 {
		t.Errorf("after a part came back %d is spent", spent)
	}
	_, err = b.byMandate(m, b.penalty(citizenIIN, 1))
	wants(t, err, ErrMandateLimit)
	part.Tiyn = new(int64(600_00))
	rest := b.decided("dana", ActApprove, b.wished(wishOf(refund.PayBack, part)))
	if spent := b.spentUnder(m); spent != 1000_00 {
		t.Errorf("while the rest is on its way back %d is spent", spent)
	}
	b.settle()
	if rest = b.refunded(rest.ID); rest.State != refund.Executed {
		t.Fatalf("refund %+v", rest)
	}
	if spent := b.spentUnder(m); spent != 0 {
		t.Errorf("after all came back %d is spent", spent)
	}
	_, err = b.byMandate(m, b.penalty(citizenIIN, 1000_00))
	b.must(err)
	_, err = b.byMandate(m, b.penalty(citizenIIN, 1))
	wants(t, err, ErrMandateLimit)
	b.settle()
	b.agree()
}
