package payment

import (
	"errors"
	"testing"
	"time"

	"qaqpa/payment/catalog"
	"qaqpa/payment/debt"
	"qaqpa/payment/money"
	"qaqpa/payment/order"
)

// duty publishes a court's duty: a percent of the claim within bounds, payable without a debt.
func (b *bundle) duty() catalog.Service {
	b.t.Helper()
	spec := licenceSpec()
	spec.Code, spec.WithoutDebt = "court-duty", true
	spec.Tariffs = []catalog.Tariff{{
		ValidFrom: "2026-01-01", Kind: catalog.Percent, Rate: "1", Rounding: money.HalfUpTenge,
		Floor: &catalog.Bound{Tiyn: 100_000}, Cap: &catalog.Bound{MRP: "10000"},
	}}
	v, _, err := b.PublishService(b.t.Context(), b.idem("duty"), b.agency.ID, spec)
	b.must(err)
	return v
}

func feeRequest(v catalog.Service, claim int64) FeeRequest {
	return FeeRequest{Service: v.ID, Payer: debt.Payer{ID: citizenIIN, Name: "ИМАНОВ ӘЛИ"}, Bank: testBIC, Claim: claim, Purpose: "Талап арыз"}
}

// The form knows the payer, the order is reckoned by the tariff, paid and told to the agency as any other.
func TestFeeWithoutDebt(t *testing.T) {
	b := setup(t, private(t))
	ctx := t.Context()
	v := b.duty()
	form, err := b.FeeForm(ctx, v.ID, citizenIIN, 0)
	if err != nil || !form.NeedsClaim || form.Quote != nil || form.Basis.Cap != 432_500*10_000 || form.Payer.Name != "" || form.Bank != "" {
		t.Fatalf("empty form %+v %v", form, err)
	}
	b.authorised(citizenIIN)
	b.settle()
	form, err = b.FeeForm(ctx, v.ID, citizenIIN, 50_000_000)
	if err != nil || form.Quote == nil || form.Quote.Payable != 500_000 || form.Payer.Name != "ИМАНОВ ӘЛИ" || form.Bank != testBIC {
		t.Fatalf("filled form %+v %v", form, err)
	}
	idem := b.idem("fee")
	o, _, err := b.CreateFeeOrder(ctx, idem, feeRequest(v, 50_000_000))
	b.must(err)
	again, replayed, err := b.CreateFeeOrder(ctx, idem, feeRequest(v, 50_000_000))
	if err != nil || !replayed || again.ID != o.ID || o.Tiyn != 500_000 {
		t.Fatalf("%+v, again %+v %t %v", o, again, replayed, err)
	}
	d, err := b.Debt(ctx, o.Items[0].Debt)
	if err != nil || !d.OwnFee || d.Basis.Claim != 50_000_000 || d.Reference == "" {
		t.Errorf("%+v %v", d, err)
	}
	b.must(b.signs(o))
	b.settle()
	core, said := b.coreOfOrder(o), b.told(o)
	if core.Items[0].Basis.Claim != 50_000_000 || core.Payer.Name != "ИМАНОВ ӘЛИ" || said.Reference != d.Reference || said.Amount != 500_000 {
		t.Errorf("receipt %+v, webhook %+v", core.Items[0], said)
	}
	b.agree()
}

// A fee whose order was given up is nobody's arrears: no list shows it, no other order and no bank pays it.
func TestFeeGivenUp(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	o, _, err := b.CreateFeeOrder(ctx, b.idem("fee"), feeRequest(b.duty(), 50_000_000))
	b.must(err)
	id := o.Items[0].Debt
	_, _, err = b.CancelOrder(ctx, b.idem("c"), o.ID)
	b.must(err)
	page, err := b.Debts(ctx, DebtQuery{Payer: citizenIIN})
	if err != nil || len(page.Items) != 0 {
		t.Errorf("listed: %+v %v", page, err)
	}
	offers, err := b.check1(nil)
	if err != nil || len(offers) != 0 {
		t.Errorf("offered: %+v %v", offers, err)
	}
	_, _, err = b.CreateOrder(ctx, b.idem("other"), order.Request{Payer: citizenIIN, Debts: []string{id}, Bank: testBIC})
	wants(t, err, ErrDebtUnknown)
	d, err := b.Debt(ctx, id)
	b.must(err)
	_, err = b.began(b.initiation("own-fee", nil, d))
	wants(t, err, ErrDebtUnknown)
	b.agree()
}

func TestFeeRefusals(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	v := b.duty()
	for name, c := range map[string]struct {
		change func(*FeeRequest)
		want   *Error
	}{
		"no service":          {func(r *FeeRequest) { r.Service = "svc_none" }, ErrServiceUnknown},
		"service of debts":    {func(r *FeeRequest) { r.Service, r.Claim = b.licence.ID, 0 }, ErrFeeNeedsDebt},
		"no claim":            {func(r *FeeRequest) { r.Claim = 0 }, ErrInvalid},
		"negative claim":      {func(r *FeeRequest) { r.Claim = -1 }, ErrInvalid},
		"overflowing claim":   {func(r *FeeRequest) { r.Claim = 1 << 62 }, ErrInvalid},
		"payer":               {func(r *FeeRequest) { r.Payer.ID = "900101300018" }, ErrPayerIDInvalid},
		"name with a control": {func(r *FeeRequest) { r.Payer.Name = "a\x00" }, ErrInvalid},
		"bank":                {func(r *FeeRequest) { r.Bank = "NONEKZKA" }, ErrBankUnknown},
		"another sum shown":   {func(r *FeeRequest) { r.Shown = 499_900 }, ErrAmountChanged},
	} {
		t.Run(name, func(t *testing.T) {
			req := feeRequest(v, 50_000_000)
			c.change(&req)
			_, _, err := b.CreateFeeOrder(ctx, b.idem(name), req)
			wants(t, err, c.want)
		})
	}
	_, err := b.FeeForm(ctx, b.fine.ID, citizenIIN, 0)
	wants(t, err, ErrFeeNeedsDebt)
	_, err = b.FeeForm(ctx, v.ID, "1", 0)
	wants(t, err, ErrPayerIDInvalid)
	var left int
	b.must(b.db.Get(&left, `SELECT count(*) FROM debts`)) // what was refused leaves nothing
	if left != 0 {
		t.Errorf("%d fees were left behind", left)
	}
	b.clock.advance(400 * 24 * time.Hour)
	if _, err := b.FeeForm(ctx, v.ID, citizenIIN, 50_000_000); !errors.Is(err, ErrNoTariff) {
		t.Errorf("after the last МРП: %v", err)
	}
}
