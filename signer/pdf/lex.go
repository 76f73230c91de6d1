package pdf

import (
	"bytes"
	"strconv"
)

func isSpace(c byte) bool {
	return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == '\f' || c == 0
}

func isDelimiter(c byte) bool {
	switch c {
	case '(', ')', '<', '>', '[', ']', '{', '}', '/', '%':
		return true
	}
	return false
}

func isRegular(c byte) bool { return !isSpace(c) && !isDelimiter(c) }

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// scanner reads tokens of data from at on.
type scanner struct {
	data []byte
	at   int
}

// skip passes white space and comments.
func (s *scanner) skip() {
	for s.at < len(s.data) {
		switch c := s.data[s.at]; {
		case isSpace(c):
			s.at++
		case c == '%':
			for s.at < len(s.data) && s.data[s.at] != '\n' && s.data[s.at] != '\r' {
				s.at++
			}
		default:
			return
		}
	}
}

// spaces passes white space alone.
func (s *scanner) spaces() {
	for s.at < len(s.data) && isSpace(s.data[s.at]) {
		s.at++
	}
}

func (s *scanner) has(text string) bool {
	return len(s.data)-s.at >= len(text) && string(s.data[s.at:s.at+len(text)]) == text
}

// word takes a keyword if it stands here, as a whole word.
func (s *scanner) word(text string) bool {
	end := s.at + len(text)
	if !s.has(text) || end < len(s.data) && isRegular(s.data[end]) {
		return false
	}
	s.at = end
	return true
}

// regular takes regular characters.
func (s *scanner) regular() []byte {
	from := s.at
	for s.at < len(s.data) && isRegular(s.data[s.at]) {
		s.at++
	}
	return s.data[from:s.at]
}

// integer takes an unsigned integer of at most 10 digits after white space, as in cross-reference sections.
func (s *scanner) integer() (int, bool) {
	s.skip()
	from, n := s.at, 0
	for s.at < len(s.data) && isDigit(s.data[s.at]) {
		if s.at-from >= numberDigits {
			return 0, false
		}
		n = n*10 + int(s.data[s.at]-'0')
		s.at++
	}
	return n, s.at > from
}

// numberDigits bounds integers in cross-reference sections: those of a file of 10 GB fit.
const numberDigits = 10

// number turns the text of a token into an integer, or a real; ok false: it is none.
func number(text []byte) (Object, bool) {
	digits, dots := 0, 0
	for i, c := range text {
		switch {
		case isDigit(c):
			digits++
		case c == '.':
			dots++
		case (c == '+' || c == '-') && i == 0:
		default:
			return nil, false
		}
	}
	if digits == 0 || dots > 1 {
		return nil, false
	}
	if dots == 0 && digits <= 18 {
		n, err := strconv.ParseInt(string(text), 10, 64)
		return n, err == nil
	}
	return Real(text), true
}

// name decodes what follows a solidus.
func (s *scanner) name() Name {
	raw := s.regular()
	if bytes.IndexByte(raw, '#') < 0 {
		return Name(raw)
	}
	out := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); i++ {
		if raw[i] == '#' && i+2 < len(raw) {
			hi, lo := hexDigit(raw[i+1]), hexDigit(raw[i+2])
			if hi >= 0 && lo >= 0 {
				out = append(out, byte(hi<<4|lo)) //nolint:gosec // two hex digits are an octet
				i += 2
				continue
			}
		}
		out = append(out, raw[i])
	}
	return Name(out)
}

func hexDigit(c byte) int {
	switch {
	case isDigit(c):
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// hexString reads from < to >; ok false: it does not end, or holds something else than digits and white space.
func (s *scanner) hexString() (*String, bool) {
	out := &String{Hex: true, From: s.at}
	s.at++
	end := bytes.IndexByte(s.data[s.at:], '>')
	if end < 0 {
		return nil, false
	}
	text := s.data[s.at : s.at+end]
	s.at += end + 1
	out.To = s.at
	out.Value = make([]byte, 0, (len(text)+1)/2)
	half := -1
	for _, c := range text {
		v := hexDigit(c)
		switch {
		case v >= 0 && half >= 0:
			out.Value = append(out.Value, byte(half<<4|v)) //nolint:gosec // two hex digits are an octet
			half = -1
		case v >= 0:
			half = v
		case !isSpace(c):
			return nil, false
		}
	}
	if half >= 0 {
		out.Value = append(out.Value, byte(half<<4)) //nolint:gosec // one hex digit (ISO 32000-1 7.3.4.3)
	}
	return out, true
}

// literalString reads from ( to the ) that belongs to it.
func (s *scanner) literalString() (*String, bool) {
	out := &String{From: s.at}
	s.at++
	for depth := 1; s.at < len(s.data); {
		c := s.data[s.at]
		s.at++
		switch c {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				out.To = s.at
				return out, true
			}
		case '\\':
			out.Value = s.escape(out.Value)
			continue
		case '\r': // any end of line is one line feed
			if s.at < len(s.data) && s.data[s.at] == '\n' {
				s.at++
			}
			c = '\n'
		}
		out.Value = append(out.Value, c)
	}
	return nil, false
}

// escape reads what follows a reverse solidus (ISO 32000-1 table 3).
func (s *scanner) escape(to []byte) []byte {
	if s.at >= len(s.data) {
		return to
	}
	c := s.data[s.at]
	s.at++
	switch c {
	case 'n':
		return append(to, '\n')
	case 'r':
		return append(to, '\r')
	case 't':
		return append(to, '\t')
	case 'b':
		return append(to, '\b')
	case 'f':
		return append(to, '\f')
	case '\n':
		return to
	case '\r':
		if s.at < len(s.data) && s.data[s.at] == '\n' {
			s.at++
		}
		return to
	}
	if c < '0' || c > '7' {
		return append(to, c)
	}
	v := int(c - '0')
	for i := 0; i < 2 && s.at < len(s.data) && s.data[s.at] >= '0' && s.data[s.at] <= '7'; i++ {
		v = v<<3 | int(s.data[s.at]-'0')
		s.at++
	}
	return append(to, byte(v)) // high-order overflow is ignored (ISO 32000-1 7.3.4.2)
}
