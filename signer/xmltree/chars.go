package xmltree

import "unicode/utf8"

// Classes of ASCII octets.
const (
	classStart = 1 << iota // may begin a name
	className              // may stand in a name
	classSpace
	classWrong // not a character of XML
)

var classes = makeClasses()

func makeClasses() (t [utf8.RuneSelf]uint8) {
	for c := range t {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '_':
			t[c] = classStart | className
		case c >= '0' && c <= '9', c == '-', c == '.':
			t[c] = className
		case c == ' ', c == '\t', c == '\n', c == '\r':
			t[c] = classSpace
		case c < ' ':
			t[c] = classWrong
		}
	}
	return t
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// invalidAt finds the first octet that is not part of UTF-8 of a character of XML 1.0 2.2.
func invalidAt(s string) (int, bool) {
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if classes[c] == classWrong {
				return i, false
			}
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 || r == 0xfffe || r == 0xffff {
			return i, false
		}
		i += size
	}
	return 0, true
}

// isChar is production 2 of XML 1.0.
func isChar(r rune) bool {
	return r >= 0x20 && r <= 0xd7ff || r == '\t' || r == '\n' || r == '\r' || r >= 0xe000 && r <= 0xfffd || r >= 0x10000 && r <= utf8.MaxRune
}

type runeRange struct{ from, to rune }

// nameStarts are the characters beyond ASCII that may begin a name (XML 1.0, fifth edition, production 4).
var nameStarts = []runeRange{
	{0xc0, 0xd6},
	{0xd8, 0xf6},
	{0xf8, 0x2ff},
	{0x370, 0x37d},
	{0x37f, 0x1fff},
	{0x200c, 0x200d},
	{0x2070, 0x218f},
	{0x2c00, 0x2fef},
	{0x3001, 0xd7ff},
	{0xf900, 0xfdcf},
	{0xfdf0, 0xfffd},
	{0x10000, 0xeffff},
}

func isNameStart(r rune) bool {
	for _, n := range nameStarts {
		if r <= n.to {
			return r >= n.from
		}
	}
	return false
}

func isNameRune(r rune) bool {
	return isNameStart(r) || r == 0xb7 || r >= 0x300 && r <= 0x36f || r >= 0x203f && r <= 0x2040
}

// nameEnd is the offset behind the name without a colon that begins at i; i when none does.
func nameEnd(s string, i int) int {
	start := i
	for i < len(s) {
		c := s[i]
		if c < utf8.RuneSelf {
			if classes[c]&className == 0 || i == start && classes[c]&classStart == 0 {
				return i
			}
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if i == start && !isNameStart(r) || !isNameRune(r) {
			return i
		}
		i += size
	}
	return i
}

// IsNCName tells whether s is a name without a colon (Namespaces in XML 1.0, production 4).
func IsNCName(s string) bool { return s != "" && len(s) <= maxName && nameEnd(s, 0) == len(s) }

// NCNameLength is the length in octets of the name without a colon that s begins with, 0 when it does not.
func NCNameLength(s string) int { return nameEnd(s, 0) }
