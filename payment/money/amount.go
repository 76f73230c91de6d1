package money

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Currency is an ISO 4217 alphabetic code. The gateway moves tenge only; the code still travels with each
// amount, so that a message in another currency is refused rather than misread.
type Currency string

// KZT is the tenge, with 100 tiyn.
const KZT Currency = "KZT"

// minorPerMajor is the number of tiyn in a tenge.
const minorPerMajor = 100

// Errors of this package, for errors.Is.
var (
	// ErrOverflow says that a result does not fit int64 tiyn.
	ErrOverflow = errors.New("amount overflows")
	// ErrCurrency says that amounts of two currencies were mixed, or that a currency is not handled.
	ErrCurrency = errors.New("currency differs")
	// ErrSyntax says that text is not an amount.
	ErrSyntax = errors.New("not an amount")
)

// Amount is a sum of money. Its JSON form is flat, {"amount":540600,"currency":"KZT"}, so that a struct that
// embeds it carries the two fields of every message of the gateway.
type Amount struct {
	// Tiyn is the sum in minor units.
	Tiyn int64 `json:"amount" db:"amount"`
	// Currency is the ISO 4217 code.
	Currency Currency `json:"currency" db:"currency"`
}

// FromTiyn returns an amount of tenge given in tiyn.
func FromTiyn(tiyn int64) Amount { return Amount{Tiyn: tiyn, Currency: KZT} }

// FromTenge returns an amount of whole tenge, or [ErrOverflow].
func FromTenge(tenge int64) (Amount, error) {
	if tenge > math.MaxInt64/minorPerMajor || tenge < math.MinInt64/minorPerMajor {
		return Amount{}, ErrOverflow
	}
	return FromTiyn(tenge * minorPerMajor), nil
}

// Positive reports whether the amount is tenge and greater than zero: the only kind that can be owed or paid.
func (a Amount) Positive() bool { return a.Tiyn > 0 && a.Currency == KZT }

// Plus returns the sum, or [ErrCurrency] or [ErrOverflow].
func (a Amount) Plus(b Amount) (Amount, error) {
	if a.Currency != b.Currency {
		return Amount{}, fmt.Errorf("couldn't add %s to %s: %w", b.Currency, a.Currency, ErrCurrency)
	}
	sum := a.Tiyn + b.Tiyn
	if (b.Tiyn > 0 && sum < a.Tiyn) || (b.Tiyn < 0 && sum > a.Tiyn) {
		return Amount{}, ErrOverflow
	}
	return Amount{Tiyn: sum, Currency: a.Currency}, nil
}

// Decimal renders the amount in tenge with two decimals and a point, without grouping: "5406.00".
func (a Amount) Decimal() string {
	sign, u := "", uint64(a.Tiyn) //nolint:gosec // G115: the wrapped value is negated below, as two's complement defines
	if a.Tiyn < 0 {
		sign, u = "-", -u
	}
	return fmt.Sprintf("%s%d.%02d", sign, u/minorPerMajor, u%minorPerMajor)
}

// ParseDecimal reads an amount of tenge in the form that [Amount.Decimal] writes, with zero, one or two
// decimals after a point. Signs other than a leading minus, grouping, exponents, spaces, leading zeros and
// fractions of a tiyn are refused with [ErrSyntax], too many digits with [ErrOverflow].
func ParseDecimal(text string) (Amount, error) {
	const digitsMax = 20
	digits, negative := strings.CutPrefix(text, "-")
	if len(digits) == 0 || len(digits) > digitsMax {
		return Amount{}, ErrSyntax
	}
	whole, fraction, hasPoint := strings.Cut(digits, ".")
	if hasPoint && (len(fraction) == 0 || len(fraction) > 2) {
		return Amount{}, ErrSyntax
	}
	if len(whole) == 0 || (len(whole) > 1 && whole[0] == '0') || !allDigits(whole) || !allDigits(fraction) {
		return Amount{}, ErrSyntax
	}
	minor := whole + (fraction + "00")[:2]
	if negative {
		minor = "-" + minor
	}
	tiyn, err := strconv.ParseInt(minor, 10, 64)
	if err != nil {
		return Amount{}, ErrOverflow
	}
	return FromTiyn(tiyn), nil
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}
