package pades

import (
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// textMax bounds a text that a verdict repeats.
const textMax = 256

// text decodes a text string (ISO 32000-1 7.9.2): UTF-16 or UTF-8 with a mark, else PDFDocEncoding, of which the part that is
// ASCII and Latin-1 is read. Control characters become spaces.
func text(b []byte) string {
	if len(b) > 4*textMax {
		b = b[:4*textMax]
	}
	var out string
	switch {
	case len(b) >= 2 && b[0] == 0xfe && b[1] == 0xff:
		units := make([]uint16, 0, len(b)/2)
		for i := 2; i+1 < len(b); i += 2 {
			units = append(units, uint16(b[i])<<8|uint16(b[i+1]))
		}
		out = string(utf16.Decode(units))
	case len(b) >= 3 && b[0] == 0xef && b[1] == 0xbb && b[2] == 0xbf:
		out = strings.ToValidUTF8(string(b[3:]), "�")
	default:
		runes := make([]rune, len(b))
		for i, c := range b {
			runes[i] = rune(c)
		}
		out = string(runes)
	}
	out = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || !utf8.ValidRune(r) {
			return ' '
		}
		return r
	}, out)
	if r := []rune(out); len(r) > textMax {
		out = string(r[:textMax]) + "…"
	}
	return out
}

// date reads "D:20260102030405+05'00'" (ISO 32000-1 7.9.4); zero when it is none. Parts behind the year may be missing.
func date(b []byte) time.Time {
	s := strings.ReplaceAll(strings.TrimPrefix(text(b), "D:"), "'", "")
	digits := 0
	for digits < len(s) && s[digits] >= '0' && s[digits] <= '9' {
		digits++
	}
	const layout = "20060102150405"
	if digits < 4 || digits > len(layout) || digits%2 != 0 {
		return time.Time{}
	}
	value, form := s[:digits], layout[:digits]
	switch zone := s[digits:]; {
	case len(zone) == 5:
		value, form = value+zone, form+"-0700"
	case len(zone) == 3:
		value, form = value+zone, form+"-07"
	}
	t, err := time.Parse(form, value)
	if y := t.UTC().Year(); err != nil || y < 1 || y > 9999 { // one beyond cannot be written, and would make an error of the verdict
		return time.Time{}
	}
	return t.UTC()
}
