package order

import (
	"testing"

	"pgregory.net/rapid"

	"qaqpa/payment/money"
)

// Allocations hold every item once, each with items of one agency and beneficiary, and their sums make the total.
func TestAllocate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		items := make([]DocumentItem, rapid.IntRange(1, 50).Draw(t, "items"))
		total := money.FromTiyn(0)
		for i := range items {
			items[i].Debt = string(rune('a' + i))
			items[i].Agency = rapid.SampledFrom([]string{"x", "y"}).Draw(t, "agency")
			items[i].KBK = rapid.SampledFrom([]string{"1", "2"}).Draw(t, "kbk")
			items[i].Amount = money.FromTiyn(rapid.Int64Range(1, 1<<40).Draw(t, "tiyn"))
			total.Tiyn += items[i].Tiyn
		}
		list := Allocate(items)
		seen, sum := map[string]bool{}, int64(0)
		for i, a := range list {
			if (len(list) == 1) != (a.Part == 0) || (a.Part > 0 && a.Part != i+1) {
				t.Fatalf("part %d of %d is numbered %d", i+1, len(list), a.Part)
			}
			own := int64(0)
			for _, item := range a.Items {
				if item.Agency != a.First().Agency || item.KBK != a.First().KBK || seen[item.Debt] {
					t.Fatalf("item %+v in the part of %+v", item, a.First())
				}
				seen[item.Debt] = true
				own += item.Tiyn
			}
			if own != a.Tiyn {
				t.Fatalf("part of %d for %d", a.Tiyn, own)
			}
			sum += own
		}
		if len(seen) != len(items) || sum != total.Tiyn {
			t.Fatalf("%d of %d items, %d of %d tiyn", len(seen), len(items), sum, total.Tiyn)
		}
	})
}

// An agency gets its own part and nothing that tells of the others.
func TestOfAgency(t *testing.T) {
	o := Order{
		ID: "ord_1", Receipt: "rcp_1", Amount: money.FromTiyn(30),
		Items: []Item{
			{Debt: "a", Agency: "x", Part: 1, Amount: money.FromTiyn(10)}, {Debt: "b", Agency: "y", Part: 2, Amount: money.FromTiyn(20)},
		},
		Allocations: []Part{{Part: 1, Agency: "x", Receipt: "rcp_1"}, {Part: 2, Agency: "y", Receipt: "rcp_2"}},
	}
	own, whole, ok := o.OfAgency("y")
	if !ok || whole || own.Tiyn != 20 || len(own.Items) != 1 || own.Items[0].Debt != "b" || len(own.Allocations) != 1 || own.Receipt != "rcp_2" {
		t.Errorf("y sees %+v", own)
	}
	if _, _, ok := o.OfAgency("z"); ok {
		t.Error("z sees it")
	}
	o.Items, o.Allocations = o.Items[:1], nil
	if own, whole, ok := o.OfAgency("x"); !ok || !whole || own.Tiyn != 10 || own.Receipt != "rcp_1" {
		t.Errorf("x sees %+v", own)
	}
}
