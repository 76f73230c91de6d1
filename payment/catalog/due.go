package catalog

import "qaqpa/payment/money"

// Reduction is a discount as it was given for one fee: what it took off, and by which rule.
type Reduction struct {
	// Tiyn was taken off the full fee.
	Tiyn     int64          `json:"amount"`
	Percent  RateText       `json:"percent"`
	Rounding money.Rounding `json:"rounding"`
	// Until is the last day of the window, in Almaty.
	Until Date `json:"until"`
}

// Over reports whether the window has closed on a day.
func (r Reduction) Over(on Date) bool { return on > r.Until }

// Due returns what of a full fee in tiyn has to be paid on the day paidOn by who pays it at once, and the discount that this
// rests on, nil when none is open. The fee was reckoned by the tariff of the day that its basis names; windows of days begin on the day
// on which the fee arose. A fee whose day has no tariff any more has no discounts, and neither has the rest of one. Both follow from
// this: what is due never falls as days go by.
func (s Service) Due(full int64, basis Basis, arose, paidOn Date) (int64, *OpenDiscount, error) {
	tariff, err := s.tariff(basis.On)
	if err != nil || basis.Rest {
		return full, nil, nil //nolint:nilerr // no tariff gives no discount
	}
	return tariff.reduce(full, Ask{On: arose, PaidOn: paidOn})
}
