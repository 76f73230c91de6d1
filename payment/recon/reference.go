package recon

import "strings"

// referenceDigits is the length of our reference: two hex digits of the bucket and 32 of a UUID. It fits the 35
// characters of EndToEndId, which the public id of an attempt does not.
const referenceDigits = 34

// EndToEnd is the form in which references are compared: of our own ids ("att_…", in any case) the 34 hex digits alone,
// anything else as it stands without spaces around it. NOTPROVIDED, which ISO 20022 prescribes for no reference, is
// empty.
func EndToEnd(reference string) string {
	reference = strings.TrimSpace(reference)
	if strings.EqualFold(reference, "NOTPROVIDED") || strings.EqualFold(reference, "NONREF") {
		return ""
	}
	digits := reference
	if len(digits) == len("att_")+referenceDigits && strings.EqualFold(digits[:4], "att_") {
		digits = digits[4:]
	}
	if len(digits) == referenceDigits && hexDigits(digits) {
		return strings.ToLower(digits)
	}
	return reference
}

// PurposeID finds our reference in a purpose: the digits of an attempt after "att_", in any case. It returns "" when
// there is none, and also when there are several different ones: a line that names two payments is for a person.
func PurposeID(purpose string) string {
	found := ""
	for rest := purpose; ; {
		i := indexFold(rest, "att_")
		if i < 0 {
			return found
		}
		rest = rest[i+len("att_"):]
		if len(rest) < referenceDigits || !hexDigits(rest[:referenceDigits]) || (len(rest) > referenceDigits && hexDigits(rest[referenceDigits:referenceDigits+1])) {
			continue
		}
		id := strings.ToLower(rest[:referenceDigits])
		if found != "" && found != id {
			return ""
		}
		found = id
	}
}

// indexFold finds an ASCII text in any case. Bytes are compared, so that a purpose of any encoding is no slower.
func indexFold(s, lower string) int {
	for i := 0; i+len(lower) <= len(s); i++ {
		j := 0
		for j < len(lower) && (s[i+j]|0x20) == (lower[j]|0x20) {
			j++
		}
		if j == len(lower) {
			return i
		}
	}
	return -1
}

func hexDigits(s string) bool {
	for i := range len(s) {
		c := s[i] | 0x20
		if (s[i] < '0' || s[i] > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return s != ""
}
