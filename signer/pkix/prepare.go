package pkix

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// prepare is the string preparation of RFC 4518 for caseIgnoreMatch: map, fold, normalise, and drop insignificant
// space. The result is not ok for strings with prohibited characters (2.4), whose comparison the RFC leaves undefined.
func prepare(s string) (string, bool) {
	if plainASCII(s) {
		return s, true
	}
	folded, ok := fold(s)
	if !ok {
		return "", false
	}
	return squeeze(folded), true
}

// plainASCII reports whether s is its own prepared form: printable lower-case ASCII with single inner spaces.
func plainASCII(s string) bool {
	space := true
	for i := range len(s) {
		c := s[i]
		if c < ' ' || c > '~' || 'A' <= c && c <= 'Z' || c == ' ' && space {
			return false
		}
		space = c == ' '
	}
	return !space || s == ""
}

// fold maps (RFC 4518 2.2), folds case and normalises to NFKC (2.3). Names in Latin and Cyrillic letters, which are
// normalised as they stand, are folded letter by letter.
func fold(s string) (string, bool) {
	var b strings.Builder
	b.Grow(len(s))
	simple := norm.NFKC.IsNormalString(s)
	for _, r := range s {
		switch m, keep := mapRune(r); {
		case prohibited(r):
			return "", false
		case !keep:
			simple = false
		case simpleFold(m):
			b.WriteRune(unicode.ToLower(m))
		default:
			b.WriteRune(m)
			simple = false
		}
	}
	if simple {
		return b.String(), true
	}
	folder := cases.Fold()
	// Folding and normalising once more catches the characters whose normal form has case (RFC 3454 B.2).
	once := norm.NFKC.String(folder.String(b.String()))
	return norm.NFKC.String(folder.String(once)), true
}

// simpleFold reports whether folding r is lowering it: so for Latin up to Extended-A, but four letters, and Cyrillic.
func simpleFold(r rune) bool {
	return r < 0x180 && r != 'ß' && r != 'İ' && r != 'ŉ' && r != 'ſ' || r >= 0x400 && r < 0x530
}

// mapRune is the mapping of RFC 4518 2.2: some characters to nothing, white space to SPACE.
func mapRune(r rune) (rune, bool) {
	switch {
	case r >= '\t' && r <= '\r', r == 0x85, r == 0xa0, r == 0x1680, r >= 0x2000 && r <= 0x200a,
		r == 0x2028, r == 0x2029, r == 0x202f, r == 0x205f, r == 0x3000:
		return ' ', true
	case r < 0x20, r >= 0x7f && r <= 0x9f, r == 0xad, r == 0x34f, r == 0x6dd, r == 0x70f, r == 0x1806,
		r >= 0x180b && r <= 0x180e, r >= 0x200b && r <= 0x200f, r >= 0x202a && r <= 0x202e,
		r >= 0x2060 && r <= 0x2063, r >= 0x206a && r <= 0x206f, r >= 0xfe00 && r <= 0xfe0f, r == 0xfeff,
		r >= 0xfff9 && r <= 0xfffc, r >= 0x1d173 && r <= 0x1d17a, r == 0xe0001, r >= 0xe0020 && r <= 0xe007f:
		return 0, false
	}
	return r, true
}

// prohibited is RFC 4518 2.4 as far as it does not depend on a version of Unicode: private use, non-characters and the
// replacement character.
func prohibited(r rune) bool {
	return r == utf8.RuneError || r >= 0xe000 && r <= 0xf8ff || r >= 0xf0000 || r&0xfffe == 0xfffe ||
		r >= 0xfdd0 && r <= 0xfdef
}

// squeeze drops leading and trailing spaces and makes inner runs of them one (RFC 4518 2.6.1).
func squeeze(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == ' ' }), " ")
}
