package statement

import (
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// Charset names an encoding of a byte a character.
type Charset string

// Charsets. UTF-8 needs no name: wherever a format does not say what it is in, what is valid UTF-8 is taken for it.
const (
	Windows1251 Charset = "windows-1251"
	CP866       Charset = "cp866"
	// KZ1048 is windows-1251 with the Kazakh letters that it lacks (СТ РК 1048-2002).
	KZ1048 Charset = "kz-1048"
)

// kazakh is where KZ-1048 differs from windows-1251.
var kazakh = map[byte]rune{
	0x8D: 'Қ', 0x8E: 'Һ', 0x9D: 'қ', 0x9E: 'һ', 0xA1: 'Ұ', 0xA2: 'ұ', 0xA3: 'Ә', 0xA5: 'Ө', 0xAA: 'Ғ', 0xAF: 'Ү',
	0xB4: 'ө', 0xBA: 'ғ', 0xBC: 'ә', 0xBD: 'Ң', 0xBE: 'ң', 0xBF: 'ү',
}

// decoder turns text into UTF-8.
type decoder struct {
	table [256]rune
	buf   []byte
	known bool // the charset is stated: no guess at UTF-8
}

// newDecoder returns a decoder, false for an unknown charset. The empty charset stands for UTF-8.
func newDecoder(c Charset) (*decoder, bool) {
	d := &decoder{}
	table := charmap.Windows1251
	switch c {
	case CP866:
		table = charmap.CodePage866
	case Windows1251, KZ1048, "":
	default:
		return nil, false
	}
	for i := range d.table {
		d.table[i] = table.DecodeByte(byte(i))
	}
	if c == KZ1048 {
		for b, r := range kazakh {
			d.table[b] = r
		}
	}
	if c == "" {
		for i := 0x80; i < len(d.table); i++ {
			d.table[i] = utf8.RuneError
		}
	}
	return d, true
}

// text returns a line as UTF-8, valid until the next call, or false if it holds what is no text: bytes that the charset does not
// have, or control characters beside tab and the two that frame messages.
func (d *decoder) text(line []byte) ([]byte, bool) {
	plain := true
	for _, c := range line {
		if c < ' ' && c != '\t' && c != 0x01 && c != 0x03 {
			return nil, false
		}
		plain = plain && c < utf8.RuneSelf
	}
	if plain || (!d.known && utf8.Valid(line)) {
		return line, true
	}
	d.buf = d.buf[:0]
	for _, c := range line {
		r := d.table[c]
		if r == utf8.RuneError {
			return nil, false
		}
		d.buf = utf8.AppendRune(d.buf, r)
	}
	return d.buf, true
}

// foreign reports whether the beginning of a file is text in a charset of a byte a character, and not UTF-8: most of what is beyond ASCII
// makes no characters of UTF-8. Line by line it cannot be told: a short line of Kazakh and Russian letters may be valid UTF-8 by chance, and
// a line that was folded within a character is not.
func foreign(head []byte) bool {
	characters, stray := 0, 0
	for len(head) > 0 {
		if head[0] < utf8.RuneSelf {
			head = head[1:]
			continue
		}
		r, size := utf8.DecodeRune(head)
		if r == utf8.RuneError && size < 2 {
			stray++
		} else {
			characters++
		}
		head = head[size:]
	}
	return stray > characters
}

// encoder turns UTF-8 into a charset; it is the decoder's table turned round.
type encoder struct{ table map[rune]byte }

func newEncoder(c Charset) (*encoder, bool) {
	d, ok := newDecoder(c)
	if !ok {
		return nil, false
	}
	e := &encoder{table: make(map[rune]byte, len(d.table))}
	for i, r := range d.table {
		if r != utf8.RuneError {
			e.table[r] = byte(i)
		}
	}
	return e, true
}

// Encode turns text into a charset, false if it has a character that the charset lacks; the empty charset is UTF-8. Writers use it.
func Encode(c Charset, text string) ([]byte, bool) {
	if c == "" {
		return []byte(text), utf8.ValidString(text)
	}
	e, ok := newEncoder(c)
	if !ok {
		return nil, false
	}
	out := make([]byte, 0, len(text))
	for _, r := range text {
		b, ok := e.table[r]
		if !ok {
			return nil, false
		}
		out = append(out, b)
	}
	return out, true
}
