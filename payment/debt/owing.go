package debt

import (
	"errors"

	"qaqpa/payment/catalog"
	"qaqpa/payment/money"
)

// Errors of [Debt.Owe], for errors.Is.
var (
	// ErrHeld: all that is left is being paid by other orders.
	ErrHeld = errors.New("all that is left of the debt is being paid")
	// ErrWhole: the service takes its debts as a whole.
	ErrWhole = errors.New("the service takes no instalments")
	// ErrBounds: the part is more than what is left, or less than the least part.
	ErrBounds = errors.New("the part is out of bounds")
)

// Owed is what an order pays of a debt.
type Owed struct {
	money.Amount
	// Full is the whole debt in tiyn, where Amount is not.
	Full int64
	// Instalment says that the order pays a part.
	Instalment bool
	// Reduction is the discount; nil when there is none.
	Reduction *catalog.Reduction
}

// Left is what is neither paid nor being paid of an open debt, in tiyn; discounts are not taken off.
func (d Debt) Left() int64 { return d.Tiyn - d.Paid - d.Held }

// Owe says what an order pays of an open debt on a day: all that is left for part 0, else the part, in tiyn. v is the service in
// the version of the debt.
//
// A discount is for who pays the whole debt by one order: parts pay the full amount off, and what is left after a part is due
// without discount. A part that is all that is due is no part. Errors: [ErrHeld], [ErrWhole], [ErrBounds].
func (d Debt) Owe(v catalog.Service, part int64, on catalog.Date) (Owed, error) {
	if part < 0 {
		return Owed{}, ErrBounds
	}
	if d.Paid == 0 && d.Held == 0 {
		payable, open, err := v.Due(d.Tiyn, d.Basis, d.Arose(), on)
		if err != nil {
			return Owed{}, err
		}
		if part == 0 || part == payable {
			return whole(d.Tiyn, payable, open), nil
		}
		if part > payable { // the payer would give more than is due
			return Owed{}, ErrBounds
		}
	}
	left := d.Left()
	switch {
	case left == 0:
		return Owed{}, ErrHeld
	case part == 0:
		part = left
	case v.InstalmentMin == 0:
		return Owed{}, ErrWhole
	case part > left || (part < v.InstalmentMin && part < left):
		return Owed{}, ErrBounds
	}
	return Owed{Amount: money.FromTiyn(part), Full: d.Tiyn, Instalment: true}, nil
}

func whole(full, payable int64, open *catalog.OpenDiscount) Owed {
	if open == nil {
		return Owed{Amount: money.FromTiyn(full)}
	}
	return Owed{
		Amount: money.FromTiyn(payable), Full: full,
		Reduction: &catalog.Reduction{Tiyn: full - payable, Percent: open.Percent, Rounding: open.Rounding, Until: open.Until},
	}
}

// Arose is the day of the debt's tariff, on which windows begin; debts that were loaded before it was kept have the day that their basis names.
func (d Debt) Arose() catalog.Date {
	if d.AroseOn == "" {
		return d.Basis.On
	}
	return d.AroseOn
}

// Dressed is the debt as it is told on a day: with what is payable, and how.
func (d Debt) Dressed(v catalog.Service, on catalog.Date) Debt {
	d.Payable, d.Discount, d.InstalmentMin = 0, nil, 0
	if d.State != Open {
		return d
	}
	d.InstalmentMin = v.InstalmentMin
	owed, err := d.Owe(v, 0, on)
	if err != nil { // all of it is being paid
		return d
	}
	d.Payable = owed.Tiyn
	if r := owed.Reduction; r != nil {
		d.Discount = &catalog.OpenDiscount{Percent: r.Percent, Rounding: r.Rounding, Until: r.Until}
	}
	return d
}
