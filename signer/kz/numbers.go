package kz

// numberDigits is the length of IIN and BIN.
const numberDigits = 12

// ValidIIN tells whether s is an individual identification number: 12 digits, a date of birth that exists, a digit of
// century and sex, and the control digit. Test numbers of the national CA, such as 123456789011, are not valid.
func ValidIIN(s string) bool {
	if !ValidNumber(s) {
		return false
	}
	century := s[6] - '0'
	return century <= 6 && validDate(s[0:2], s[2:4], s[4:6], century)
}

// ValidBIN tells whether s is a business identification number: 12 digits, a month, a kind of subject (4 resident,
// 5 non-resident, 6 individual entrepreneur) and the control digit.
func ValidBIN(s string) bool {
	if !ValidNumber(s) {
		return false
	}
	month := two(s[2:4])
	return month >= 1 && month <= 12 && s[4] >= '4' && s[4] <= '6'
}

// ValidNumber tells whether s has 12 digits of which the last controls the others: the rule that IIN and BIN share
// (Rules of forming identification numbers: weights 1…11, then 3…11,1,2; a second remainder of 10 is never issued).
func ValidNumber(s string) bool {
	if !WellFormed(s) {
		return false
	}
	control := controlDigit(s[:numberDigits-1])
	return control >= 0 && int(s[numberDigits-1]-'0') == control
}

// WellFormed tells whether s is 12 ASCII digits, whatever they say.
func WellFormed(s string) bool {
	if len(s) != numberDigits {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// controlDigit computes the last digit for the eleven before it, or -1 when there is none.
func controlDigit(digits string) int {
	for shift := 0; shift <= 2; shift += 2 {
		sum := 0
		for i := range len(digits) {
			weight := (i+shift)%(numberDigits-1) + 1
			sum += weight * int(digits[i]-'0')
		}
		if sum %= numberDigits - 1; sum < 10 {
			return sum
		}
	}
	return -1
}

func two(s string) int { return int(s[0]-'0')*10 + int(s[1]-'0') }

// validDate looks only at what exists in some year of the century: numbers without a century (0, given to
// foreigners) may have been born in any.
func validDate(yy, mm, dd string, century byte) bool {
	year, month, day := two(yy), two(mm), two(dd)
	if month < 1 || month > 12 || day < 1 {
		return false
	}
	days := [...]int{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}[month-1]
	// 1800 and 1900 were no leap years, 2000 was.
	if month == 2 && year%4 == 0 && (year != 0 || century == 0 || century > 4) {
		days = 29
	}
	return day <= days
}
