package order

import (
	"errors"
	"fmt"
	"slices"

	"qaqpa/payment/commission"
	"qaqpa/payment/money"
)

// Commission is what the bank takes for the payment, and how that came about. It stands in the document where there is one to take,
// so that the payer signs it; documents without one are as they always were.
type Commission struct {
	// Charges, by terms. Those that an agency bears are no part of the amounts beside them.
	Charges []commission.Charge `json:"charges"`
	// Sum in tenge with two decimals is what the payer pays on top of the total; Amount is the same in tiyn.
	Sum string `json:"sum"`
	money.Amount
	// Debit is total and commission together, which leaves the payer's account; DebitTiyn is the same in tiyn.
	Debit     string `json:"debit"`
	DebitTiyn int64  `json:"debit_amount"`
}

// Charge puts what was decided into the items and the total of a document. Items stand in the order in which they were decided on.
func (d *Document) Charge(by commission.Decision) {
	if len(by.Charges) == 0 {
		return
	}
	for i := range d.Items {
		d.Items[i].Commission, d.Items[i].AgencyCommission, d.Items[i].CommissionTerms = by.Payer[i], by.Agency[i], by.Terms[i]
	}
	sum := money.FromTiyn(by.Total())
	debit := money.FromTiyn(d.Tiyn + sum.Tiyn) // both are far from the bounds of int64
	d.Commission = &Commission{Charges: by.Charges, Amount: sum, Sum: sum.Decimal(), DebitTiyn: debit.Tiyn, Debit: debit.Decimal()}
}

// Charged is what the payer pays on top, and what agencies owe the bank, in tiyn.
func (d Document) Charged() (payer, agencies int64) {
	for _, item := range d.Items {
		payer, agencies = payer+item.Commission, agencies+item.AgencyCommission
	}
	return payer, agencies
}

// ChargeOf is the charge that an item falls under; nil where nothing is taken for it.
func (d Document) ChargeOf(item DocumentItem) *commission.Charge {
	if d.Commission == nil || item.CommissionTerms == "" {
		return nil
	}
	for i := range d.Commission.Charges {
		if d.Commission.Charges[i].Terms == item.CommissionTerms {
			return &d.Commission.Charges[i]
		}
	}
	return nil
}

// checkCharges holds the commission to its rules: each charge follows from its terms and from the items under them, their shares make it,
// both spellings agree. So nobody signs another commission than is taken.
func (d Document) checkCharges() error {
	type sums struct{ base, payer, agency int64 }
	under := map[string]sums{}
	for _, item := range d.Items {
		charge, terms := d.ChargeOf(item), under[item.CommissionTerms]
		if (charge == nil) != (item.CommissionTerms == "") || item.Commission < 0 || item.AgencyCommission < 0 {
			return fmt.Errorf("couldn't take a commission of %d and %d for %s under %q", item.Commission, item.AgencyCommission, item.Debt, item.CommissionTerms)
		}
		terms.base, terms.payer, terms.agency = terms.base+item.Tiyn, terms.payer+item.Commission, terms.agency+item.AgencyCommission
		under[item.CommissionTerms] = terms
	}
	if without := under[""]; without.payer != 0 || without.agency != 0 {
		return errors.New("couldn't take a commission without terms")
	}
	c := d.Commission
	if c == nil {
		return nil
	}
	payer := int64(0)
	for i, charge := range c.Charges {
		if err := charge.Check(); err != nil {
			return err
		}
		got, want := under[charge.Terms], sums{base: charge.Base, payer: charge.Tiyn}
		if charge.Bearer == commission.Agency {
			want.payer, want.agency = 0, charge.Tiyn
		}
		if twice := slices.ContainsFunc(c.Charges[:i], func(o commission.Charge) bool { return o.Terms == charge.Terms }); twice || got != want {
			return fmt.Errorf("couldn't take charges under %s that are not the shares of the items", charge.Terms)
		}
		payer += want.payer
	}
	debit, err := d.Plus(c.Amount)
	switch {
	case err != nil:
		return fmt.Errorf("couldn't add the commission: %w", err)
	case len(c.Charges) == 0 || c.Amount != money.FromTiyn(payer) || c.Sum != c.Decimal() || debit.Tiyn != c.DebitTiyn || c.Debit != debit.Decimal():
		return fmt.Errorf("couldn't take a commission of %s and a debit of %s for shares of %d", c.Sum, c.Debit, payer)
	}
	return nil
}

// Commission is what of the payer's commission falls on an allocation.
func (a Allocation) Commission() int64 {
	sum := int64(0)
	for _, item := range a.Items {
		sum += item.Commission
	}
	return sum
}
