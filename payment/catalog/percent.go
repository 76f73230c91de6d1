package catalog

import (
	"fmt"
	"time"

	"qaqpa/payment/money"
)

// Limits of discounts.
const (
	discountsMax = 10
	daysMax      = 366
	// hundred is 100 % as a number of parts of [money.RateScale].
	hundred = money.RateScale
)

// percent reads a percent with at most two decimals as a multiplier: "1" is 0.01, "0.25" is 0.0025, exactly.
func (t RateText) percent() (money.Rate, error) {
	const partsPerPercent = 100
	rate, err := t.Rate()
	if err != nil {
		return 0, err
	}
	if rate <= 0 || rate%partsPerPercent != 0 || rate/partsPerPercent > hundred {
		return 0, fmt.Errorf("%w: %q is not a percent above 0, at most 100 and with at most two decimals", ErrInvalid, string(t))
	}
	return rate / partsPerPercent, nil
}

// share returns the percent of the claim within floor and cap. It never falls when the claim grows.
func (t Tariff) share(basis *Basis, ask Ask, mrp []MRP) (money.Amount, error) {
	rate, err := t.Rate.percent()
	if err != nil {
		return money.Amount{}, err
	}
	basis.Rate, basis.Rounding, basis.Claim = t.Rate, t.Rounding, ask.Claim
	if basis.Floor, err = t.bound(t.Floor, basis, mrp); err != nil {
		return money.Amount{}, err
	}
	if basis.Cap, err = t.bound(t.Cap, basis, mrp); err != nil {
		return money.Amount{}, err
	}
	if basis.Cap != 0 {
		basis.Floor = min(basis.Floor, basis.Cap)
	}
	if ask.Claim == 0 {
		return money.Amount{}, ErrClaim
	}
	fee, err := money.Times(money.FromTiyn(ask.Claim), rate, t.Rounding)
	if err != nil {
		return money.Amount{}, fmt.Errorf("couldn't take %s %% of a claim: %w", t.Rate, err)
	}
	fee.Tiyn = max(fee.Tiyn, basis.Floor)
	if basis.Cap != 0 {
		fee.Tiyn = min(fee.Tiyn, basis.Cap)
	}
	return fee, nil
}

// bound returns a bound in tiyn, 0 when there is none, and notes the МРП that it rests on.
func (t Tariff) bound(b *Bound, basis *Basis, mrp []MRP) (int64, error) {
	switch {
	case b == nil:
		return 0, nil
	case b.MRP == "":
		return b.Tiyn, nil
	}
	index, err := mrpOn(mrp, basis.On)
	if err != nil {
		return 0, err
	}
	basis.MRP = index.Tiyn
	amount, err := times(index.Tiyn, b.MRP, t.Rounding)
	// A cap that rounds to nothing would read as none.
	if err == nil && amount.Tiyn == 0 {
		return 0, invalid("tariffs", "have a bound that rounds to nothing")
	}
	return amount.Tiyn, err
}

// reduce returns what of a full fee is due on the day of payment, and the discount that it rests on, if any.
func (t Tariff) reduce(full int64, ask Ask) (int64, *OpenDiscount, error) {
	payable, open := full, (*OpenDiscount)(nil)
	for _, d := range t.Discounts {
		until := d.last(ask.On)
		if ask.PaidOn > until {
			continue
		}
		left, err := d.left(full)
		if err != nil {
			return 0, nil, err
		}
		// Of two that leave the same, the one that stays open longer.
		if left < payable || (open != nil && left == payable && until > open.Until) {
			payable, open = left, &OpenDiscount{Percent: d.Percent, Rounding: d.Rounding, Until: until}
		}
	}
	return payable, open, nil
}

// last returns the last day of the window for a fee that arises on a day.
func (d Discount) last(on Date) Date {
	if d.Until != "" {
		return d.Until
	}
	at, err := time.Parse(time.DateOnly, string(on))
	if err != nil {
		return ""
	}
	return Date(at.AddDate(0, 0, d.Days).Format(time.DateOnly))
}

// left returns what stays of a full fee: at least one unit of the rounding, since a fee is never waived by rounding,
// and never more than the full fee, since rounding up never makes a discount a surcharge.
func (d Discount) left(full int64) (int64, error) {
	const tenge = 100
	off, err := d.Percent.percent()
	if err != nil {
		return 0, err
	}
	rest, err := money.Times(money.FromTiyn(full), hundred-off, d.Rounding)
	if err != nil {
		return 0, fmt.Errorf("couldn't take %s %% off: %w", d.Percent, err)
	}
	unit := int64(tenge)
	if d.Rounding == money.HalfUpTiyn {
		unit = 1
	}
	return min(max(rest.Tiyn, unit), full), nil
}

// checkTerms refuses bounds and discounts that break a rule or do not belong to the kind of tariff.
func (t Tariff) checkTerms(field string) error {
	if t.Kind != Percent && (t.Floor != nil || t.Cap != nil) {
		return invalid(field, "has a floor or a cap, which belong to kind percent alone")
	}
	for _, one := range []struct {
		name  string
		bound *Bound
	}{{"floor", t.Floor}, {"cap", t.Cap}} {
		if one.bound == nil {
			continue
		}
		if err := one.bound.check(field + "." + one.name); err != nil {
			return err
		}
	}
	if t.Floor != nil && t.Cap != nil && t.Cap.below(*t.Floor) {
		return invalid(field+".cap", "is below the floor")
	}
	if len(t.Discounts) > discountsMax {
		return invalid(field+".discounts", "are more than 10")
	}
	for i, d := range t.Discounts {
		if err := d.check(fmt.Sprintf("%s.discounts[%d]", field, i), t.ValidFrom); err != nil {
			return err
		}
	}
	return nil
}

func (b Bound) check(field string) error {
	if b.MRP == "" {
		if b.Tiyn <= 0 || b.Tiyn > TiynMax {
			return invalid(field, "is neither a positive amount nor a number of МРП")
		}
		return nil
	}
	if rate, err := b.MRP.Rate(); err != nil || rate <= 0 || b.Tiyn != 0 {
		return invalid(field, "in МРП has a positive decimal and no amount")
	}
	return nil
}

// below reports whether b is less than other for certain: both are in the same unit.
func (b Bound) below(other Bound) bool {
	if b.MRP == "" || other.MRP == "" {
		return b.MRP == other.MRP && b.Tiyn < other.Tiyn
	}
	mine, _ := b.MRP.Rate()
	theirs, _ := other.MRP.Rate()
	return mine < theirs
}

func (d Discount) check(field string, from Date) error {
	if off, err := d.Percent.percent(); err != nil || off >= hundred {
		return invalid(field+".percent", "is not above 0 and below 100, with at most two decimals")
	}
	switch {
	case !d.Rounding.Valid():
		return invalid(field+".rounding", "is not a named rounding")
	case (d.Days == 0) == (d.Until == ""):
		return invalid(field, "has either days or a last day")
	case d.Days < 0 || d.Days > daysMax:
		return invalid(field+".days", "are not 1 to 366")
	case d.Until != "" && (!d.Until.Valid() || d.Until < from):
		return invalid(field+".until", "is not a day from valid_from on, YYYY-MM-DD")
	}
	return nil
}
