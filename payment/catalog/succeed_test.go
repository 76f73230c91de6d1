package catalog

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"qaqpa/payment/money"
)

func TestSucceeded(t *testing.T) {
	discount := []Discount{{Percent: "50", Days: 7}}
	old := ServiceSpec{Tariffs: []Tariff{
		{ValidFrom: "2025-01-01", ValidTo: "2025-12-31", Kind: Fixed, Fixed: 100},
		{ValidFrom: "2026-01-01", Kind: Fixed, Fixed: 200, Discounts: discount},
	}}
	for name, row := range map[string]struct {
		add  Tariff
		want []Tariff
	}{
		"later": {Tariff{ValidFrom: "2026-03-01", Kind: Fixed, Fixed: 300}, []Tariff{
			old.Tariffs[0],
			{ValidFrom: "2026-01-01", ValidTo: "2026-02-28", Kind: Fixed, Fixed: 200, Discounts: discount},
			{ValidFrom: "2026-03-01", Kind: Fixed, Fixed: 300, Discounts: discount},
		}},
		"on its day": {Tariff{ValidFrom: "2026-01-01", Kind: Stated}, []Tariff{old.Tariffs[0], {ValidFrom: "2026-01-01", Kind: Stated}}},
		"before all": {Tariff{ValidFrom: "2024-01-01", Kind: Stated}, []Tariff{{ValidFrom: "2024-01-01", Kind: Stated}}},
		"within an old one": {Tariff{ValidFrom: "2025-06-01", Kind: Fixed, Fixed: 5}, []Tariff{
			{ValidFrom: "2025-01-01", ValidTo: "2025-05-31", Kind: Fixed, Fixed: 100}, {ValidFrom: "2025-06-01", Kind: Fixed, Fixed: 5},
		}},
	} {
		got := old.Succeeded(row.add)
		if diff := cmp.Diff(row.want, got.Tariffs); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
		if err := checkTariffs(got.Tariffs); err != nil && name != "later" { // the sample's discount has no rounding
			t.Errorf("%s: %v", name, err)
		}
	}
	if old.Tariffs[1].ValidTo != "" {
		t.Error("the old specification was changed")
	}
}

// A discount that was to end on a day is no hindrance to a tariff that begins after it.
func TestSucceededAfterADiscountHasEnded(t *testing.T) {
	spec := ServiceSpec{Tariffs: []Tariff{{ValidFrom: "2026-01-01", Kind: Fixed, Fixed: 500_000, Discounts: []Discount{
		{Percent: "20", Rounding: money.HalfUpTenge, Until: "2026-06-30"}, {Percent: "10", Rounding: money.HalfUpTenge, Days: 7},
	}}}}
	if err := checkTariffs(spec.Tariffs); err != nil {
		t.Fatal(err)
	}
	next := spec.Succeeded(Tariff{ValidFrom: "2026-08-01", Kind: Fixed, Fixed: 600_000})
	if err := checkTariffs(next.Tariffs); err != nil {
		t.Errorf("the price cannot be changed: %v", err)
	}
	if got := next.Tariffs[1].Discounts; len(got) != 1 || got[0].Days != 7 || len(next.Tariffs[0].Discounts) != 2 {
		t.Errorf("%+v", next.Tariffs)
	}
}
