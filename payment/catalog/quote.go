package catalog

import (
	"fmt"

	"qaqpa/payment/money"
)

// Quote returns what the service costs on a day, with how the amount came about. The МРП is the one in force on the
// same day. Errors: [ErrNoTariff] when nothing is in force, [ErrStated] when each debt states its own amount.
func (s Service) Quote(on Date, mrp []MRP) (Quote, error) {
	tariff, err := s.tariff(on)
	if err != nil {
		return Quote{}, err
	}
	quote := Quote{Service: s.ID, Version: s.Version, On: on, Basis: Basis{Kind: tariff.Kind, On: on}}
	switch tariff.Kind {
	case Fixed:
		quote.Amount = money.FromTiyn(tariff.Fixed)
		return quote, CheckAmount(quote.Amount)
	case MRPRate:
		index, err := mrpOn(mrp, on)
		if err != nil {
			return Quote{}, err
		}
		rate, err := tariff.Rate.Rate()
		if err != nil {
			return Quote{}, err
		}
		if quote.Amount, err = money.Times(money.FromTiyn(index.Tiyn), rate, tariff.Rounding); err != nil {
			return Quote{}, fmt.Errorf("couldn't apply tariff of %s: %w", s.Code, err)
		}
		quote.Basis.Rate, quote.Basis.MRP, quote.Basis.Rounding = tariff.Rate, index.Tiyn, tariff.Rounding
		return quote, CheckAmount(quote.Amount)
	case Stated:
		return quote, ErrStated
	}
	return Quote{}, invalid("tariffs", "have an unknown kind")
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
