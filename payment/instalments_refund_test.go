package payment

import (
	"testing"
	"time"

	"qaqpa/payment/debt"
	"qaqpa/payment/order"
	"qaqpa/payment/refund"
)

// givesBack refunds what an order paid of a debt, 0 for all of it, and lets it be owed again. It returns the debt that is owed.
func (b *bundle) givesBack(o order.Order, d debt.Debt, tiyn int64) debt.Debt {
	b.t.Helper()
	back := refund.Item{Order: o.ID, Debt: d.ID}
	if tiyn > 0 {
		back.Tiyn = &tiyn
	}
	req := wishOf(refund.PayBack, back)
	req.Then = refund.Reopened
	x := b.decided("dana", ActApprove, b.wished(req))
	b.settle()
	if x = b.refunded(x.ID); x.State != refund.Executed {
		b.t.Fatalf("%+v", x)
	}
	again, err := b.Debt(b.t.Context(), x.Successor)
	b.must(err)
	return again
}

// A debt of which every part was given back is owed like one that nobody has paid: as a whole, with its discount while the window is
// open, and without it afterwards.
func TestDebtIsPaidAtOnceAfterItsPartsWereGivenBack(t *testing.T) {
	for name, days := range map[string]int{"in the window": 0, "after it": 8} {
		t.Run(name, func(t *testing.T) {
			b := setup(t)
			d := b.fined(10_000)
			o := b.paysPart(d, 4000)
			b.settle()
			b.givesBack(o, d, 0)
			b.clock.advance(time.Duration(days) * 24 * time.Hour)
			want := int64(5000)
			if days > 0 {
				want = 10_000
			}
			if now := b.debtNow(d); now.Paid != 0 || now.Payable != want {
				t.Fatalf("%+v", now)
			}
			b.paysPart(d, 0)
			b.settle()
			if now := b.debtNow(d); now.State != debt.Paid {
				t.Errorf("%+v", now)
			}
			b.agree()
		})
	}
}

// Who pays under a discount, is given the money back and owes it again owes what he owed at first: not the half of the half, which
// could be asked for again and again, and not the half for ever after the window.
func TestDiscountIsGivenOnce(t *testing.T) {
	b := setup(t)
	d := b.fined(10_000)
	o := b.paysPart(d, 0)
	b.settle()
	again := b.givesBack(o, d, 0)
	if again.Tiyn != 10_000 || again.Payable != 5000 || again.AroseOn != d.AroseOn {
		t.Errorf("all of it: %+v", again)
	}
	o = b.paysPart(again, 0)
	b.settle()
	if o.Tiyn != 5000 {
		t.Errorf("paid %d", o.Tiyn)
	}
	if rest := b.givesBack(o, again, 2000); rest.Tiyn != 2000 || rest.Payable != 2000 || rest.Discount != nil {
		t.Errorf("a part of it: %+v", rest)
	}
	// Parts are paid without discount, and so is what is owed again of them.
	d = b.fined(10_000)
	b.paysPart(d, 4000)
	b.settle()
	last := b.paysPart(d, 0)
	b.settle()
	if rest := b.givesBack(last, d, 0); rest.Tiyn != 6000 || rest.Payable != 6000 {
		t.Errorf("of the last part: %+v", rest)
	}
	b.clock.advance(8 * 24 * time.Hour)
	d = b.fined(3000)
	o = b.paysPart(d, 0)
	b.settle()
	b.clock.advance(8 * 24 * time.Hour)
	if late := b.givesBack(o, d, 0); late.Tiyn != 3000 || late.Payable != 3000 {
		t.Errorf("after the window: %+v", late)
	}
	b.agree()
}
