package payment

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"qaqpa/payment/catalog"
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
