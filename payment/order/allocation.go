package order

import "qaqpa/payment/money"

// Allocation is what an order gives to one beneficiary for one agency, under one set of budget codes: the bank credits it
// with one instruction, the journal has one leaf for it, and it has a receipt of its own. So an agency is told of its part
// and of nothing that the same payer pays to others.
type Allocation struct {
	// Part counts from 1; it is 0 when the order has this allocation alone.
	Part int
	// Items are its debts, in the order of the document; at least one.
	Items []DocumentItem
	money.Amount
}

// First is the item from which agency, beneficiary and budget codes are read: they are those of all items.
func (a Allocation) First() DocumentItem { return a.Items[0] }

// Allocate groups the items of a document that holds to its rules. The same items in the same order always give the same
// allocations. Sums cannot overflow: the document's total did not.
func Allocate(items []DocumentItem) []Allocation {
	var list []Allocation
	for _, item := range items {
		at := -1
		for i := range list {
			if sameAllocation(list[i].Items[0], item) {
				at = i
				break
			}
		}
		if at < 0 {
			list, at = append(list, Allocation{Amount: money.FromTiyn(0)}), len(list)
		}
		list[at].Items = append(list[at].Items, item)
		list[at].Tiyn += item.Tiyn
	}
	if len(list) > 1 {
		for i := range list {
			list[i].Part = i + 1
		}
	}
	return list
}

func sameAllocation(a, b DocumentItem) bool {
	return a.Agency == b.Agency && a.Beneficiary == b.Beneficiary && a.KBK == b.KBK && a.KNP == b.KNP && a.KBE == b.KBE
}

// OfAgency is the order as one of its agencies may see it: its own items and allocations, their sum as the amount. ok is
// false when nothing of the order is the agency's. whole tells that nothing was left out.
func (o Order) OfAgency(agency string) (own Order, whole, ok bool) {
	own = o
	own.Items, own.Allocations, own.Amount, own.Commission = nil, nil, money.FromTiyn(0), 0
	parts := map[int]bool{}
	for _, item := range o.Items {
		if item.Agency == agency {
			own.Items = append(own.Items, item)
			own.Tiyn += item.Tiyn
			own.Commission += item.Commission
			parts[item.Part] = true
		}
	}
	for _, a := range o.Allocations {
		if parts[a.Part] {
			own.Allocations = append(own.Allocations, a)
		}
	}
	if len(own.Allocations) > 0 {
		own.Receipt = own.Allocations[0].Receipt
	}
	whole = len(own.Items) == len(o.Items)
	return own, whole, len(own.Items) > 0
}
