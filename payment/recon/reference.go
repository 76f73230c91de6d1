package recon

import "bytes"

// referenceDigits is the length of our reference: two hex digits of the bucket and 32 of a UUID. It fits the 35
// characters of EndToEndId, which the public id of an attempt does not.
const referenceDigits = 34

// idPrefixes stand before the digits in the public ids of attempts and refunds, all of one length.
const (
	idPrefixLength = 4
	attemptPrefix  = "att_"
	refundPrefix   = "rfd_"
)

// idPrefixed reports whether a text begins with a prefix of an id, in any case.
func idPrefixed(s []byte) bool {
	return len(s) >= idPrefixLength && (equalFold(s[:idPrefixLength], attemptPrefix) || equalFold(s[:idPrefixLength], refundPrefix))
}

// Ours reports whether a normalised reference is one of ours: 34 hex digits in small letters.
func Ours(reference []byte) bool {
	if len(reference) != referenceDigits {
		return false
	}
	for _, c := range reference {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// Reference is the form in which references are compared: of our own ids ("att_…", "rfd_…", in any case) the 34 hex digits alone in
// small letters, anything else as it stands without spaces around it. NOTPROVIDED and NONREF, which standards prescribe for
// no reference, are empty. The result shares memory with the argument when nothing has to change.
func Reference(reference []byte) []byte {
	reference = bytes.TrimSpace(reference)
	if len(reference) == 0 || equalFold(reference, "notprovided") || equalFold(reference, "nonref") {
		return nil
	}
	digits := reference
	if len(digits) == idPrefixLength+referenceDigits && idPrefixed(digits) {
		digits = digits[idPrefixLength:]
	}
	if len(digits) != referenceDigits || !hexDigits(digits) {
		return reference
	}
	if Ours(digits) {
		return digits
	}
	return bytes.ToLower(digits)
}

// Batch is the name under which payments of one bank, day and KBK go into a register, and by which the bank names the sum
// when it books them as one.
func Batch(bank string, day Day, kbk string) string {
	if kbk == "" {
		kbk = "mixed"
	}
	return bank + "-" + day.Format("20060102") + "-" + kbk
}

// PurposeID finds our reference in a purpose: the digits of an attempt or a refund after "att_" or "rfd_", in any case. It returns nil when there
// is none, and also when there are several different ones: a line that names two payments is for a person.
func PurposeID(purpose []byte) []byte {
	var found []byte
	for rest := purpose; ; {
		i := nextID(rest)
		if i < 0 {
			return found
		}
		rest = rest[i+idPrefixLength:]
		if len(rest) < referenceDigits || !hexDigits(rest[:referenceDigits]) || (len(rest) > referenceDigits && hexDigits(rest[referenceDigits:referenceDigits+1])) {
			continue
		}
		id := bytes.ToLower(rest[:referenceDigits])
		if found != nil && !bytes.Equal(found, id) {
			return nil
		}
		found = id
	}
}

// nextID finds a prefix of an id.
func nextID(s []byte) int {
	for from := 0; ; {
		// The underscore has no case, so it finds the few places that are worth a look.
		i := bytes.IndexByte(s[from:], '_')
		if i < 0 {
			return -1
		}
		end := from + i + 1
		if start := end - idPrefixLength; start >= 0 && idPrefixed(s[start:end]) {
			return start
		}
		from = end
	}
}

// equalFold compares with an ASCII text in small letters.
func equalFold(s []byte, lower string) bool {
	if len(s) != len(lower) {
		return false
	}
	for i, c := range s {
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

func hexDigits(s []byte) bool {
	for _, c := range s {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
			return false
		}
	}
	return len(s) > 0
}
