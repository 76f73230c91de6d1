package xmlpull

import (
	"encoding/binary"
	"unicode/utf8"
)

const (
	high  = 0x8080808080808080
	space = 0x2020202020202020
)

// scan checks that b is UTF-8 and holds characters that XML 1.0 allows (production 2: no controls but tab, line feed and carriage
// return, neither U+FFFE nor U+FFFF). It returns how many bytes are whole and good; a character cut off at the end of b is a fault
// only at the end of the document.
func scan(b []byte, last bool) (good int, fault string) {
	i := 0
	for i < len(b) {
		// Eight plain characters at once: none beyond ASCII, none below the space.
		for i+8 <= len(b) {
			x := binary.LittleEndian.Uint64(b[i:])
			if (x|((x-space)&^x))&high != 0 {
				break
			}
			i += 8
		}
		if i == len(b) {
			break
		}
		// Letters of two bytes, as Cyrillic has, come in runs.
		for i+1 < len(b) && b[i] >= 0xC2 && b[i] < 0xE0 && b[i+1]&0xC0 == 0x80 {
			i += 2
		}
		if i == len(b) || b[i] >= ' ' && b[i] < utf8.RuneSelf {
			if i < len(b) {
				i++
			}
			continue
		}
		size, why := character(b[i:], last)
		if size == 0 || why != "" {
			return i, why
		}
		i += size
	}
	return i, ""
}

// character returns the size of the first character of b, 0 if its end is still to come.
func character(b []byte, last bool) (size int, fault string) {
	c := b[0]
	switch {
	case c < ' ':
		if c != '\t' && c != '\n' && c != '\r' {
			return 0, "a control character"
		}
		return 1, ""
	case c < utf8.RuneSelf:
		return 1, ""
	case c >= 0xC2 && c < 0xE0 && len(b) > 1 && b[1]&0xC0 == 0x80:
		return 2, ""
	}
	if !last && !utf8.FullRune(b) {
		return 0, ""
	}
	r, size := utf8.DecodeRune(b)
	if r == utf8.RuneError && size < 2 {
		return 0, "a byte that is not UTF-8"
	}
	if r == 0xFFFE || r == 0xFFFF {
		return 0, "a character that XML forbids"
	}
	return size, ""
}

// blank tells whether b is white space alone.
func blank(b []byte) bool {
	for _, c := range b {
		if c > ' ' {
			return false
		}
	}
	return true
}
