package statement

import (
	"math"

	"qaqpa/payment/money"
)

// amountDigitsMax is the limit of ISO 20022 (18 digits); what does not fit int64 hundredths is refused beside.
const amountDigitsMax = 18

// decimal reads an amount without a sign into hundredths: digits, then perhaps a separator (point or comma as sep says) and
// decimals. Leading zeros and a separator without decimals are legal (MT940 writes "000000000147,64" and "500,"), a third decimal
// only if it is zero: nobody owes a tenth of a tiyn, and rounding it away would hide a fault of the sender.
func decimal(b []byte, sep byte) (int64, bool) {
	if len(b) == 0 || len(b) > 40 {
		return 0, false
	}
	var n int64
	digits, decimals, seen := 0, 0, false
	for i, c := range b {
		switch {
		case c == sep && !seen && i > 0:
			seen = true
		case c < '0' || c > '9':
			return 0, false
		case seen && decimals >= 2:
			if c != '0' {
				return 0, false
			}
		default:
			if n > (math.MaxInt64-9)/1000 {
				return 0, false
			}
			n = n*10 + int64(c-'0')
			if n > 0 {
				digits++
			}
			if seen {
				decimals++
			}
		}
	}
	for ; decimals < 2; decimals++ {
		n *= 10
	}
	return n, digits <= amountDigitsMax
}

// currencies gives each code one string, so that a million entries allocate one.
type currencies struct {
	last  money.Currency
	known []money.Currency
}

// currenciesMax bounds the table; ISO 4217 has fewer than 200.
const currenciesMax = 256

// intern returns the code, or false if it is not three capital letters.
func (c *currencies) intern(b []byte) (money.Currency, bool) {
	if string(c.last) == string(b) && len(b) > 0 {
		return c.last, true
	}
	if len(b) != 3 {
		return "", false
	}
	for _, x := range b {
		if x < 'A' || x > 'Z' {
			return "", false
		}
	}
	for _, k := range c.known {
		if string(k) == string(b) {
			c.last = k
			return k, true
		}
	}
	c.last = money.Currency(b)
	if len(c.known) < currenciesMax {
		c.known = append(c.known, c.last)
	}
	return c.last, true
}

// signedDecimal is decimal with an optional minus in front.
func signedDecimal(b []byte, sep byte) (int64, bool) {
	if len(b) > 0 && b[0] == '-' {
		n, ok := decimal(b[1:], sep)
		return -n, ok
	}
	return decimal(b, sep)
}
