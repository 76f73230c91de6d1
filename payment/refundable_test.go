package payment

import (
	"testing"

	"qaqpa/payment/refund"
)

// What is left follows every request, and each agency sees its own money alone.
func TestRefundable(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	spec := licenceSpec()
	spec.Code, spec.KBK = "other", "108126"
	right, _, err := b.PublishService(ctx, b.idem("p"), b.agency.ID, spec)
	b.must(err)
	_, err = b.Refundable(ctx, b.agency.ID, "ord_x")
	wants(t, err, ErrOrderUnknown)
	waiting := b.ordered(citizenIIN, b.fee(citizenIIN))
	_, err = b.Refundable(ctx, b.agency.ID, waiting.ID)
	wants(t, err, ErrOrderUnknown)
	o := b.executed(neighborIIN)
	_, err = b.Refundable(ctx, "agc_another", o.ID)
	wants(t, err, ErrOrderUnknown)
	left := func(agency string) []Refundable {
		t.Helper()
		list, err := b.Refundable(ctx, agency, o.ID)
		b.must(err)
		return list
	}
	first := left(b.agency.ID)
	if x := first[0]; len(first) != 1 || x.Left != licenceTiyn || x.Unreturned != licenceTiyn || x.KBK != "108125" || x.Transfer != "" || x.Debt != o.Items[0].Debt ||
		x.Service != o.Items[0].Service || x.Bank != testBIC || x.ExecutedAt.IsZero() {
		t.Fatalf("%+v", first)
	}
	part := item(o)
	part.Tiyn, part.Left, part.Service = new(int64(100_00)), &first[0].Left, right.ID
	x := b.decided("dana", ActApprove, b.wished(wishOf(refund.WrongKBK, part)))
	moved := left("")
	if len(moved) != 2 || moved[0].Left != licenceTiyn-100_00 || moved[1].Left != 100_00 || moved[1].KBK != "108126" || moved[1].Transfer == "" || moved[1].Tiyn != 100_00 {
		t.Fatalf("after %+v: %+v", x, moved)
	}
	_, _, err = b.RequestRefunds(ctx, b.by("aru"), b.agency.ID, wishOf(refund.PayBack, part))
	wants(t, err, ErrInvalid)
	part.Service = ""
	_, _, err = b.RequestRefunds(ctx, b.by("aru"), b.agency.ID, wishOf(refund.PayBack, part))
	wants(t, err, ErrRefundChanged) // he saw what was left before
	rest := refund.Item{Order: o.ID, Debt: moved[1].Debt, Transfer: moved[1].Transfer, Left: &moved[1].Left}
	b.wished(wishOf(refund.PayBack, rest))
	if after := left(b.agency.ID); after[1].Left != 0 || after[1].Unreturned != 100_00 || after[0].Left != moved[0].Left {
		t.Errorf("%+v", after)
	}
}

func TestDebtNamed(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	d := b.fee(citizenIIN)
	if found, err := b.DebtNamed(ctx, b.agency.ID, citizenIIN, d.Reference); err != nil || found.ID != d.ID {
		t.Errorf("%+v, %v", found, err)
	}
	_, err := b.DebtNamed(ctx, "agc_another", citizenIIN, d.Reference)
	wants(t, err, ErrDebtUnknown)
	_, err = b.DebtNamed(ctx, b.agency.ID, neighborIIN, d.Reference)
	wants(t, err, ErrDebtUnknown)
	_, err = b.DebtNamed(ctx, b.agency.ID, "850101300018", d.Reference)
	wants(t, err, ErrPayerIDInvalid)
}
