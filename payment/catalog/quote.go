package catalog

import (
	"fmt"

	"qaqpa/payment/money"
)

// Ask is what a quote is asked for.
type Ask struct {
	// On is the day on which the fee arises: its tariff and its МРП are used.
	On Date
	// PaidOn is the day of payment, not before On; empty means the same day.
	PaidOn Date
	// Claim in tiyn, for a tariff that is a percent; otherwise 0.
	Claim int64
	// Stated is the amount in tiyn that a debt states, for a stated tariff; otherwise 0.
	Stated int64
}

// ClaimMax is the largest claim, in tiyn: 10^15 tenge. No percent of it overflows.
const ClaimMax = 100_000_000_000_000_000

// Quote returns the full fee of a service on a day: [Service.Price] without a claim and without waiting.
func (s Service) Quote(on Date, mrp []MRP) (Quote, error) { return s.Price(Ask{On: on}, mrp) }

// Price returns what the service costs, with how the amount came about, and what of it is to be paid on the day of
// payment. The МРП is the one in force on the day the fee arises. Errors: [ErrNoTariff] when nothing is in force,
// [ErrStated] when each debt states its own amount and none is given, [ErrClaim] when a percent is asked for without a
// claim (the basis with its bounds is returned beside these two), a [FieldError] for an ask that breaks a rule.
func (s Service) Price(ask Ask, mrp []MRP) (Quote, error) {
	if ask.PaidOn == "" {
		ask.PaidOn = ask.On
	}
	tariff, err := s.tariff(ask.On)
	if err != nil {
		return Quote{}, err
	}
	if err := ask.check(tariff.Kind); err != nil {
		return Quote{}, err
	}
	quote := Quote{Service: s.ID, Version: s.Version, On: ask.On, PaidOn: ask.PaidOn, Basis: Basis{Kind: tariff.Kind, On: ask.On}}
	if quote.Amount, err = tariff.full(&quote.Basis, ask, mrp); err != nil {
		return quote, err
	}
	if err := CheckAmount(quote.Amount); err != nil {
		return Quote{}, err
	}
	quote.Payable, quote.Discount, err = tariff.reduce(quote.Tiyn, ask)
	return quote, err
}

// check refuses an ask whose parts do not belong to the kind of tariff: a claim that is silently ignored would be
// taken for one that was reckoned with.
func (a Ask) check(kind TariffKind) error {
	switch {
	case !a.On.Valid() || !a.PaidOn.Valid():
		return invalid("on", "is not a day, YYYY-MM-DD")
	case a.PaidOn < a.On:
		return invalid("paid_on", "is before the fee arises")
	case a.Claim < 0 || a.Claim > ClaimMax:
		return invalid("claim", "is not an amount of at most 10^15 tenge")
	case a.Claim != 0 && kind != Percent:
		return invalid("claim", "is taken by tariffs of kind percent alone")
	case a.Stated < 0 || a.Stated > TiynMax:
		return invalid("amount", "is not an amount that can be owed")
	case a.Stated != 0 && kind != Stated:
		return invalid("amount", "is taken by tariffs of kind stated alone")
	}
	return nil
}

// full returns the fee without discounts and fills in its basis.
func (t Tariff) full(basis *Basis, ask Ask, mrp []MRP) (money.Amount, error) {
	switch t.Kind {
	case Fixed:
		return money.FromTiyn(t.Fixed), nil
	case MRPRate:
		index, err := mrpOn(mrp, ask.On)
		if err != nil {
			return money.Amount{}, err
		}
		basis.Rate, basis.MRP, basis.Rounding = t.Rate, index.Tiyn, t.Rounding
		return times(index.Tiyn, t.Rate, t.Rounding)
	case Percent:
		return t.share(basis, ask, mrp)
	case Stated:
		if ask.Stated == 0 {
			return money.Amount{}, ErrStated
		}
		return money.FromTiyn(ask.Stated), nil
	}
	return money.Amount{}, invalid("tariffs", "have an unknown kind")
}

func times(tiyn int64, text RateText, rounding money.Rounding) (money.Amount, error) {
	rate, err := text.Rate()
	if err != nil {
		return money.Amount{}, err
	}
	out, err := money.Times(money.FromTiyn(tiyn), rate, rounding)
	if err != nil {
		return money.Amount{}, fmt.Errorf("couldn't apply a tariff: %w", err)
	}
	return out, nil
}

func (s Service) tariff(on Date) (Tariff, error) {
	for _, t := range s.Tariffs {
		if on.within(t.ValidFrom, t.ValidTo) {
			return t, nil
		}
	}
	return Tariff{}, fmt.Errorf("%s on %s: %w", s.Code, on, ErrNoTariff)
}

func mrpOn(table []MRP, on Date) (MRP, error) {
	for _, m := range table {
		if on.within(m.ValidFrom, m.ValidTo) {
			return m, nil
		}
	}
	return MRP{}, fmt.Errorf("МРП on %s: %w", on, ErrNoTariff)
}
