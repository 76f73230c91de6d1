package pkix

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// prepare is the string preparation of RFC 4518 for caseIgnoreMatch: map, fold, normalise, and drop insignificant
// space. The result is not ok for strings with prohibited characters (2.4), whose comparison the RFC leaves undefined.
func prepare(s string) (string, bool) {
	if out, ok := prepareCommon(s); ok {
		return out, true
	}
	folded, ok := fold(s)
	if !ok {
		return "", false
	}
	return squeeze(folded), true
}

// prepareCommon does all steps in one for printable ASCII and the Cyrillic letters, which are normalised as they stand
// and fold letter by letter: nearly every name is of these. ok is false for anything else.
func prepareCommon(s string) (prepared string, ok bool) {
	out := make([]byte, 0, len(s))
	same, space := true, true // no space is due at the beginning
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == ' ':
			if space {
				same = false
				continue
			}
		case 'A' <= c && c <= 'Z':
			c, same = c+('a'-'A'), false
		case c < ' ' || c == 0x7f:
			return "", false
		case c >= 0x80:
			r, n := utf8.DecodeRuneInString(s[i:])
			if !cyrillic(r) {
				return "", false
			}
			lower := lowerCyrillic(r)
			out, same, space = utf8.AppendRune(out, lower), same && lower == r, false
			i += n - 1
			continue
		}
		out, space = append(out, c), c == ' '
	}
	if space && len(out) > 0 {
		out, same = out[:len(out)-1], false
	}
	if same {
		return s, true
	}
	return string(out), true
}

// cyrillic reports whether r is a letter of U+0400 to U+052F; the signs U+0482 to U+0489 are combining marks and the
// like.
func cyrillic(r rune) bool { return r >= 0x400 && r < 0x530 && (r < 0x482 || r > 0x489) }

// lowerCyrillic is unicode.ToLower for these letters.
func lowerCyrillic(r rune) rune {
	switch {
	case r < 0x410:
		return r + 0x50
	case r < 0x430:
		return r + 0x20
	case r < 0x460:
		return r
	case r == 0x4c0:
		return 0x4cf
	case r > 0x4c0 && r <= 0x4ce:
		return r + r&1
	case r == 0x4cf:
		return r
	}
	return r | 1
}

// fold maps (RFC 4518 2.2), folds case and normalises to NFKC (2.3).
func fold(s string) (string, bool) {
	var b strings.Builder
	b.Grow(len(s))
	for _, r := range s {
		if prohibited(r) {
			return "", false
		}
		if m, keep := mapRune(r); keep {
			b.WriteRune(m)
		}
	}
	folder := cases.Fold()
	// Folding and normalising once more catches the characters whose normal form has case (RFC 3454 B.2).
	once := norm.NFKC.String(folder.String(b.String()))
	return norm.NFKC.String(folder.String(once)), true
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
