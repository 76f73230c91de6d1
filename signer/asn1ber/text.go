package asn1ber

import (
	"encoding/binary"
	"fmt"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// Text is the value of a character string of any universal type, as UTF-8. T61String is read as ISO 8859-1, which is
// what its writers meant; characters outside a type's alphabet are refused for UTF8String, BMPString, UniversalString,
// IA5String, VisibleString, NumericString and PrintableString alike as far as they are not ASCII (the narrower
// alphabets are broken by real certificates: '@' and '*' in PrintableString).
func (e Element) Text() (string, error) {
	raw, err := e.OctetString()
	if err != nil {
		return "", err
	}
	switch e.Tag {
	case UTF8String:
		if !utf8.Valid(raw) {
			return "", fmt.Errorf("%w: UTF8String is not UTF-8", ErrSyntax)
		}
		return string(raw), nil
	case PrintableString, IA5String, VisibleString, NumericString, GeneralString:
		for _, c := range raw {
			if c >= 0x80 {
				return "", fmt.Errorf("%w: %s with octet %02x", ErrSyntax, e.Tag, c)
			}
		}
		return string(raw), nil
	case T61String:
		out := make([]rune, len(raw))
		for i, c := range raw {
			out[i] = rune(c)
		}
		return string(out), nil
	case BMPString:
		return bmpText(raw)
	case UniversalString:
		return universalText(raw)
	}
	return "", fmt.Errorf("%w: %s is no character string", ErrSyntax, e.Tag)
}

func bmpText(raw []byte) (string, error) {
	if len(raw)%2 != 0 {
		return "", fmt.Errorf("%w: BMPString of %d octets", ErrSyntax, len(raw))
	}
	units := make([]uint16, len(raw)/2)
	for i := range units {
		units[i] = binary.BigEndian.Uint16(raw[2*i:])
	}
	// Surrogates are outside BMPString, yet pairs of them are written; a lone one becomes U+FFFD.
	return string(utf16.Decode(units)), nil
}

func universalText(raw []byte) (string, error) {
	if len(raw)%4 != 0 {
		return "", fmt.Errorf("%w: UniversalString of %d octets", ErrSyntax, len(raw))
	}
	out := make([]rune, len(raw)/4)
	for i := range out {
		c := binary.BigEndian.Uint32(raw[4*i:])
		if c > utf8.MaxRune {
			return "", fmt.Errorf("%w: UniversalString with character %08x", ErrSyntax, c)
		}
		out[i] = rune(c)
	}
	return string(out), nil
}

// Time is the value of a UTCTime or GeneralizedTime, in UTC. UTCTime years 50 to 99 are 19xx (RFC 5280 4.1.2.5.1). In
// DER seconds and the letter Z are demanded, and no needless fraction (X.690 11.7, 11.8); in BER seconds may be absent
// and an offset may stand for Z, but local time without either is refused: nobody knows what instant it is.
func (e Element) Time() (time.Time, error) {
	raw, err := e.OctetString()
	if err != nil {
		return time.Time{}, err
	}
	switch e.Tag {
	case UTCTime:
		return parseTime(raw, 2, e.enc)
	case GeneralizedTime:
		return parseTime(raw, 4, e.enc)
	}
	return time.Time{}, fmt.Errorf("%w: %s is no time", ErrSyntax, e.Tag)
}

// parseTime reads YY[YY]MMDDhhmm[ss][.f+](Z|±hhmm).
func parseTime(s []byte, yearDigits int, enc Encoding) (time.Time, error) {
	bad := func(why string) (time.Time, error) {
		return time.Time{}, fmt.Errorf("%w: time %q: %s", ErrSyntax, clip(s), why)
	}
	if len(s) > 40 {
		return bad("too long")
	}
	year, rest, ok := digits(s, yearDigits)
	if !ok {
		return bad("year")
	}
	if yearDigits == 2 {
		year += 1900
		if year < 1950 {
			year += 100
		}
	}
	var f [5]int // month, day, hour, minute, second
	for i := range f {
		v, after, ok := digits(rest, 2)
		if !ok {
			if i == 4 && enc == BER {
				break
			}
			return bad("digits missing")
		}
		f[i], rest = v, after
	}
	nanos, rest, ok := fraction(rest, yearDigits == 4, enc)
	if !ok {
		return bad("fraction")
	}
	offset, ok := zone(rest, enc)
	if !ok {
		return bad("zone")
	}
	t := time.Date(year, time.Month(f[0]), f[1], f[2], f[3], f[4], nanos, time.UTC)
	if t.Year() != year || int(t.Month()) != f[0] || t.Day() != f[1] || t.Hour() != f[2] || t.Minute() != f[3] ||
		t.Second() != f[4] {
		return bad("out of range")
	}
	t = t.Add(-offset)
	if y := t.Year(); y < 0 || y > 9999 {
		return bad("its year in UTC cannot be written") // in RFC 3339: a verdict that names it would be an error
	}
	return t, nil
}

func clip(s []byte) []byte { return s[:min(len(s), 40)] }

func digits(s []byte, n int) (v int, rest []byte, ok bool) {
	if len(s) < n {
		return 0, s, false
	}
	for _, c := range s[:n] {
		if c < '0' || c > '9' {
			return 0, s, false
		}
		v = v*10 + int(c-'0')
	}
	return v, s[n:], true
}

// fraction reads an optional fraction of a second, at most nanoseconds of it counted.
func fraction(s []byte, allowed bool, enc Encoding) (nanos int, rest []byte, ok bool) {
	if len(s) == 0 || s[0] != '.' && (s[0] != ',' || enc == DER) {
		return 0, s, true
	}
	if !allowed {
		return 0, s, false
	}
	i, scale := 1, 100_000_000
	for ; i < len(s) && s[i] >= '0' && s[i] <= '9'; i++ {
		nanos += int(s[i]-'0') * scale
		scale /= 10
	}
	if i == 1 || enc == DER && s[i-1] == '0' {
		return 0, s, false
	}
	return nanos, s[i:], true
}

// zone reads Z or, in BER, an offset from UTC.
func zone(s []byte, enc Encoding) (time.Duration, bool) {
	if len(s) == 1 && s[0] == 'Z' {
		return 0, true
	}
	if enc == DER || len(s) != 5 || s[0] != '+' && s[0] != '-' {
		return 0, false
	}
	h, rest, ok := digits(s[1:], 2)
	if !ok || h > 14 {
		return 0, false
	}
	m, _, ok := digits(rest, 2)
	if !ok || m > 59 {
		return 0, false
	}
	d := time.Duration(h)*time.Hour + time.Duration(m)*time.Minute
	if s[0] == '-' {
		d = -d
	}
	return d, true
}
