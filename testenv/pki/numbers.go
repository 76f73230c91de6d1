package pki

import "fmt"

// IIN is the n-th invented individual number: 12 digits with a valid check digit. Equal n give equal
// numbers. Digits follow the old form (date, century and sex, serial), which nobody may rely on.
func IIN(n int) string {
	n = abs(n)
	return withCheck(func(try int) string {
		serial := n*7 + try
		return fmt.Sprintf("%02d%02d%02d%d%04d", 60+n%40, 1+n%12, 1+n%28, 3+n%2, serial%10000)
	})
}

// BIN is the n-th invented business number: 12 digits with a valid check digit.
func BIN(n int) string {
	n = abs(n)
	return withCheck(func(try int) string {
		serial := n*7 + try
		return fmt.Sprintf("%02d%02d40%05d", 10+n%15, 1+n%12, serial%100000)
	})
}

func abs(n int) int { return max(n, -n) }

// withCheck appends the control digit; eleven digits that have none are passed over.
func withCheck(digits func(try int) string) string {
	for try := range 100 {
		s := digits(try)
		for _, shift := range []int{0, 2} {
			c := 0
			for i := range 11 {
				weight := i + 1 + shift
				if weight > 11 {
					weight -= 11
				}
				c += weight * int(s[i]-'0')
			}
			if c %= 11; c < 10 {
				return s + fmt.Sprint(c)
			}
		}
	}
	panic("pki: a hundred numbers in a row without a control digit") // fewer than one in a hundred has none
}
