package payment

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"qaqpa/payment/catalog"
	"qaqpa/payment/debt"
	"qaqpa/payment/money"
)

// Percents, bounds and windows come back from the database as they were published, and what reads the same is no new version.
func TestPublishTerms(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	spec := licenceSpec()
	spec.Code = "court-duty"
	spec.Tariffs = []catalog.Tariff{
		{ValidFrom: "2025-01-01", ValidTo: "2025-12-31", Kind: catalog.Stated, Discounts: []catalog.Discount{}},
		{
			ValidFrom: "2026-01-01", Kind: catalog.Percent, Rate: "3", Rounding: money.HalfUpTenge,
			Floor: &catalog.Bound{Tiyn: 100_000}, Cap: &catalog.Bound{MRP: "20000"},
			Discounts: []catalog.Discount{{Percent: "50", Rounding: money.UpTenge, Days: 7}, {Percent: "0.5", Rounding: money.DownTenge, Until: "2026-06-30"}},
		},
	}
	first, _, err := b.PublishService(ctx, b.idem("1"), b.agency.ID, spec)
	b.must(err)
	again, _, err := b.PublishService(ctx, b.idem("2"), b.agency.ID, spec)
	if err != nil || again.Version != 1 || !again.PublishedAt.Equal(first.PublishedAt) {
		t.Errorf("the same again: %+v %v", again, err)
	}
	read, err := b.Service.Service(ctx, first.ID)
	if diff := cmp.Diff(spec.Normal().Tariffs, read.Tariffs); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	quote, err := b.Quote(ctx, first.ID, catalog.Ask{On: "2026-03-01", PaidOn: "2026-03-08", Claim: 10_001_700})
	if err != nil || quote.Decimal() != "3001.00" || quote.Payable != 1501_00 {
		t.Errorf("%+v %v", quote, err)
	}
	_, err = b.Quote(ctx, first.ID, catalog.Ask{On: "2026-03-01"})
	wants(t, err, ErrInvalid)
	_, err = b.Quote(ctx, b.licence.ID, catalog.Ask{On: "2026-03-01", Claim: 1})
	wants(t, err, ErrInvalid)
	spec.Tariffs[1].Cap = &catalog.Bound{MRP: "10000"}
	changed, _, err := b.PublishService(ctx, b.idem("3"), b.agency.ID, spec)
	if err != nil || changed.Version != 2 {
		t.Errorf("another cap: %+v %v", changed, err)
	}
	spec.Tariffs[1].Discounts[0].Percent = "100"
	_, _, err = b.PublishService(ctx, b.idem("4"), b.agency.ID, spec)
	wants(t, err, ErrInvalid)
}

// A debt that is loaded again every night keeps the tariff of the day on which it arose: a new МРП on New Year's night changes none of them.
func TestLoadingAgainKeepsTheTariffOfTheDay(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	b.clock.at = time.Date(2026, 12, 30, 6, 0, 0, 0, time.UTC)
	_, _, err := b.AddMRP(ctx, b.idem("mrp"), catalog.MRP{ValidFrom: "2027-01-01", ValidTo: "2027-12-31", Tiyn: 465000, Source: "law on the budget"})
	b.must(err)
	item := debt.Item{Reference: "N-1", Payer: debt.Payer{ID: citizenIIN}, Service: b.licence.ID}
	load := func() (debt.Result, debt.Debt) {
		out, _, err := b.SubmitDebts(ctx, b.idem("load"), b.agency.ID, []debt.Item{item})
		b.must(err)
		d, err := b.Debt(ctx, out.Results[0].Debt)
		b.must(err)
		return out.Results[0], d
	}
	_, first := load()
	b.clock.advance(72 * time.Hour)
	if result, d := load(); result.Outcome != debt.Unchanged || d.Tiyn != first.Tiyn || d.Version != first.Version {
		t.Errorf("arose on %s: %s, %d tiyn version %d, was %d", d.AroseOn, result.Outcome, d.Tiyn, d.Version, first.Tiyn)
	}
	item.Tiyn = &first.Tiyn
	if result, _ := load(); result.Outcome != debt.Unchanged {
		t.Errorf("the amount of the day: %+v", result)
	}
}
