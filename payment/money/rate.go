package money

import (
	"fmt"
	"math/big"
)

// RateScale is the number of parts in one: a [Rate] of 12500 is 1.25.
const RateScale = 10000

// Rate is a multiplier in ten-thousandths, as tariffs state them: 1.25 МРП is 12500, 1 % of a claim is 100.
type Rate int64

// Decimal renders the rate without trailing zeros: "1.25", "8", "0.5".
func (r Rate) Decimal() string {
	whole, part := int64(r)/RateScale, int64(r)%RateScale
	if part == 0 {
		return fmt.Sprintf("%d", whole)
	}
	text := fmt.Sprintf("%d.%04d", whole, part)
	for text[len(text)-1] == '0' {
		text = text[:len(text)-1]
	}
	return text
}

// Rounding names how a product is brought to money that can be paid. Its values stand in tariffs, receipts and
// the database, and never change their meaning.
type Rounding string

// Roundings.
const (
	// HalfUpTenge rounds to whole tenge, halves away from zero: 5406.25 becomes 5406, 2162.50 becomes 2163.
	HalfUpTenge Rounding = "half-up-tenge"
	// DownTenge drops the tiyn.
	DownTenge Rounding = "down-tenge"
	// UpTenge rounds to whole tenge, any tiyn up.
	UpTenge Rounding = "up-tenge"
	// HalfUpTiyn keeps tiyn and rounds their fraction, halves up.
	HalfUpTiyn Rounding = "half-up-tiyn"
)

// Valid reports whether r is one of the named roundings.
func (r Rounding) Valid() bool {
	switch r {
	case HalfUpTenge, DownTenge, UpTenge, HalfUpTiyn:
		return true
	}
	return false
}

// Times returns base × rate, rounded. The base and the rate are not negative; the product is exact before
// rounding, whatever its size. Errors: [ErrOverflow], [ErrSyntax] for a negative input or an unknown rounding.
func Times(base Amount, rate Rate, rounding Rounding) (Amount, error) {
	if base.Tiyn < 0 || rate < 0 || !rounding.Valid() {
		return Amount{}, fmt.Errorf("couldn't multiply %s by %s with rounding %q: %w",
			base.Decimal(), rate.Decimal(), string(rounding), ErrSyntax)
	}
	product := new(big.Int).Mul(big.NewInt(base.Tiyn), big.NewInt(int64(rate)))
	unit := big.NewInt(RateScale * minorPerMajor)
	back := big.NewInt(minorPerMajor)
	if rounding == HalfUpTiyn {
		unit, back = big.NewInt(RateScale), big.NewInt(1)
	}
	quotient, rest := new(big.Int).QuoRem(product, unit, new(big.Int))
	half := new(big.Int).Lsh(rest, 1).Cmp(unit) >= 0
	switch rounding {
	case HalfUpTenge, HalfUpTiyn:
		if half {
			quotient.Add(quotient, big.NewInt(1))
		}
	case UpTenge:
		if rest.Sign() > 0 {
			quotient.Add(quotient, big.NewInt(1))
		}
	case DownTenge:
	}
	quotient.Mul(quotient, back)
	if !quotient.IsInt64() {
		return Amount{}, ErrOverflow
	}
	return Amount{Tiyn: quotient.Int64(), Currency: base.Currency}, nil
}
