package catalog

import (
	"fmt"
	"strings"

	"qaqpa/payment/money"
)

// RateText is a multiplier as people write it, "1.25": up to 6 digits, then up to 4 decimals, no trailing zeros.
// Text keeps a tariff free of floating point on its way through JSON.
type RateText string

// Rate parses the text. Errors wrap [ErrInvalid].
func (t RateText) Rate() (money.Rate, error) {
	const wholeMax, decimalsMax = 6, 4
	whole, part, hasPoint := strings.Cut(string(t), ".")
	bad := len(whole) == 0 || len(whole) > wholeMax || (len(whole) > 1 && whole[0] == '0') ||
		(hasPoint && (len(part) == 0 || len(part) > decimalsMax || part[len(part)-1] == '0'))
	if bad {
		return 0, fmt.Errorf("%w: rate %q is not a decimal such as 1.25", ErrInvalid, string(t))
	}
	var rate int64
	for _, c := range whole + (part + "0000")[:decimalsMax] {
		if c < '0' || c > '9' {
			return 0, fmt.Errorf("%w: rate %q is not a decimal such as 1.25", ErrInvalid, string(t))
		}
		rate = rate*10 + int64(c-'0')
	}
	return money.Rate(rate), nil
}
