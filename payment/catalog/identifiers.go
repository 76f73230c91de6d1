package catalog

// ValidPayerID reports whether text is an IIN or a BIN: 12 digits whose last is the control digit. The digits are
// not read as a birth date or a sex; since Government resolution 853 of 26.08.2013 they carry neither.
func ValidPayerID(text string) bool {
	const length = 12
	if len(text) != length || !allOf(text, isDigit) || text == "000000000000" {
		return false
	}
	control := weighed(text, 1)
	if control == 10 {
		control = weighed(text, 3)
	}
	return control < 10 && control == int(text[length-1]-'0')
}

// weighed sums the first 11 digits with weights first, first+1, … 11, 1, …, modulo 11.
func weighed(text string, first int) int {
	sum := 0
	for i := range 11 {
		sum += int(text[i]-'0') * ((first-1+i)%11 + 1)
	}
	return sum % 11
}

// ValidIBAN reports whether text is an account number of Kazakhstan: KZ, two check digits, three digits of the
// bank, 13 capital letters or digits, remainder 1 modulo 97 (ISO 13616).
func ValidIBAN(text string) bool {
	const length = 20
	if len(text) != length || text[:2] != "KZ" || !allOf(text[2:7], isDigit) || !allOf(text[7:], isUpperOrDigit) {
		return false
	}
	remainder := 0
	for _, c := range []byte(text[4:] + text[:4]) {
		if isDigit(c) {
			remainder = (remainder*10 + int(c-'0')) % 97
		} else {
			remainder = (remainder*100 + int(c-'A') + 10) % 97
		}
	}
	return remainder == 1
}

// ValidBIC reports whether text is a BIC of 8 characters: bank (4 letters), country (2 letters), place (2 letters or
// digits), as ISO 9362.
func ValidBIC(text string) bool {
	const length = 8
	return len(text) == length && allOf(text[:6], isUpper) && allOf(text[6:], isUpperOrDigit)
}

func isDigit(c byte) bool        { return c >= '0' && c <= '9' }
func isUpper(c byte) bool        { return c >= 'A' && c <= 'Z' }
func isUpperOrDigit(c byte) bool { return isDigit(c) || isUpper(c) }
func isCode(c byte) bool         { return isDigit(c) || (c >= 'a' && c <= 'z') || c == '.' || c == '-' }

func allOf(text string, is func(byte) bool) bool {
	for i := range len(text) {
		if !is(text[i]) {
			return false
		}
	}
	return true
}
