package strictjson

import (
	"unicode/utf16"
	"unicode/utf8"
)

// reader is the lexical half: RFC 8259 and nothing more.
type reader struct {
	data   []byte
	pos    int
	depth  int
	limits Limits
}

func (r *reader) fail(reason Reason) *Error { return &Error{Reason: reason, Offset: r.pos} }

// mismatch tells a value of another type from text that is no JSON at all.
func (r *reader) mismatch(want string) *Error {
	if r.pos >= len(r.data) {
		return r.fail(Syntax)
	}
	switch c := r.data[r.pos]; {
	case c == '"', c == '{', c == '[', c == '-', c >= '0' && c <= '9':
	case r.literal("true"), r.literal("false"), r.literal("null"):
	default:
		return r.fail(Syntax)
	}
	return &Error{Reason: WrongType, Offset: r.pos, Want: want}
}

func (r *reader) space() {
	for r.pos < len(r.data) {
		switch r.data[r.pos] {
		case ' ', '\t', '\n', '\r':
			r.pos++
		default:
			return
		}
	}
}

// take consumes c when it is next.
func (r *reader) take(c byte) bool {
	if r.pos < len(r.data) && r.data[r.pos] == c {
		r.pos++
		return true
	}
	return false
}

// literal consumes word when it is next.
func (r *reader) literal(word string) bool {
	if len(r.data)-r.pos >= len(word) && string(r.data[r.pos:r.pos+len(word)]) == word {
		r.pos += len(word)
		return true
	}
	return false
}

func (r *reader) enter() *Error {
	if r.depth++; r.depth > r.limits.Depth {
		return &Error{Reason: TooDeep, Offset: r.pos, Limit: r.limits.Depth}
	}
	return nil
}

// members reads an object and calls member for each name, positioned at its value.
func (r *reader) members(member func(name string, at int) *Error) *Error {
	if !r.take('{') {
		return r.mismatch("object")
	}
	if e := r.enter(); e != nil {
		return e
	}
	defer func() { r.depth-- }()
	r.space()
	if r.take('}') {
		return nil
	}
	for {
		r.space()
		at := r.pos
		if r.pos >= len(r.data) || r.data[r.pos] != '"' {
			return r.fail(Syntax)
		}
		name, e := r.stringValue()
		if e != nil {
			return e
		}
		r.space()
		if !r.take(':') {
			return r.fail(Syntax)
		}
		r.space()
		if e := member(name, at); e != nil {
			return e.under(name)
		}
		r.space()
		if r.take('}') {
			return nil
		}
		if !r.take(',') {
			return r.fail(Syntax)
		}
	}
}

// elements reads an array and calls element for each index, positioned at its value.
func (r *reader) elements(element func(i int) *Error) *Error {
	if !r.take('[') {
		return r.mismatch("array")
	}
	if e := r.enter(); e != nil {
		return e
	}
	defer func() { r.depth-- }()
	r.space()
	if r.take(']') {
		return nil
	}
	for i := 0; ; i++ {
		r.space()
		if e := element(i); e != nil {
			return e
		}
		r.space()
		if r.take(']') {
			return nil
		}
		if !r.take(',') {
			return r.fail(Syntax)
		}
	}
}

// number returns the token of a whole number.
func (r *reader) number() (string, *Error) {
	start := r.pos
	r.take('-')
	digits := r.pos
	for r.pos < len(r.data) && r.data[r.pos] >= '0' && r.data[r.pos] <= '9' {
		r.pos++
	}
	switch n := r.pos - digits; {
	case n == 0 && digits > start:
		return "", r.fail(Syntax)
	case n == 0:
		return "", r.mismatch("integer")
	case n > 1 && r.data[digits] == '0':
		return "", &Error{Reason: Syntax, Offset: digits}
	}
	if r.pos < len(r.data) {
		switch r.data[r.pos] {
		case '.', 'e', 'E':
			return "", &Error{Reason: WrongType, Offset: start, Want: "integer"}
		}
	}
	return string(r.data[start:r.pos]), nil
}

// stringValue reads a string. The common case, without escapes, is one copy.
func (r *reader) stringValue() (string, *Error) {
	if !r.take('"') {
		return "", r.mismatch("string")
	}
	start := r.pos
	for r.pos < len(r.data) {
		switch c := r.data[r.pos]; {
		case c == '"':
			s := string(r.data[start:r.pos])
			r.pos++
			return s, nil
		case c == '\\':
			return r.escaped(append([]byte(nil), r.data[start:r.pos]...))
		case c < 0x20:
			return "", r.fail(Syntax)
		case c < utf8.RuneSelf:
			r.pos++
		default:
			if e := r.rune(); e != nil {
				return "", e
			}
		}
	}
	return "", r.fail(Syntax)
}

// rune steps over one well-formed UTF-8 sequence.
func (r *reader) rune() *Error {
	c, n := utf8.DecodeRune(r.data[r.pos:])
	if c == utf8.RuneError && n <= 1 {
		return r.fail(Encoding)
	}
	r.pos += n
	return nil
}

// escaped goes on with a string at its first backslash; out holds what came before.
func (r *reader) escaped(out []byte) (string, *Error) {
	for r.pos < len(r.data) {
		start := r.pos
		switch c := r.data[r.pos]; {
		case c == '"':
			r.pos++
			return string(out), nil
		case c == '\\':
			var e *Error
			if out, e = r.escape(out); e != nil {
				return "", e
			}
		case c < 0x20:
			return "", r.fail(Syntax)
		case c < utf8.RuneSelf:
			out = append(out, c)
			r.pos++
		default:
			if e := r.rune(); e != nil {
				return "", e
			}
			out = append(out, r.data[start:r.pos]...)
		}
	}
	return "", r.fail(Syntax)
}

func (r *reader) escape(out []byte) ([]byte, *Error) {
	r.pos++
	if r.pos >= len(r.data) {
		return nil, r.fail(Syntax)
	}
	c := r.data[r.pos]
	r.pos++
	switch c {
	case '"', '\\', '/':
		return append(out, c), nil
	case 'b':
		return append(out, '\b'), nil
	case 'f':
		return append(out, '\f'), nil
	case 'n':
		return append(out, '\n'), nil
	case 'r':
		return append(out, '\r'), nil
	case 't':
		return append(out, '\t'), nil
	case 'u':
		return r.unicode(out)
	}
	r.pos--
	return nil, r.fail(Syntax)
}

// unicode reads XXXX of \uXXXX and, for a high surrogate, the low one that must follow.
func (r *reader) unicode(out []byte) ([]byte, *Error) {
	c, ok := r.hex4()
	if !ok {
		return nil, r.fail(Syntax)
	}
	if utf16.IsSurrogate(c) {
		if !r.literal(`\u`) {
			return nil, r.fail(Encoding)
		}
		low, ok := r.hex4()
		if !ok {
			return nil, r.fail(Syntax)
		}
		if c = utf16.DecodeRune(c, low); c == utf8.RuneError {
			return nil, r.fail(Encoding)
		}
	}
	if c == 0 {
		return nil, r.fail(Encoding)
	}
	return utf8.AppendRune(out, c), nil
}

func (r *reader) hex4() (rune, bool) {
	if len(r.data)-r.pos < 4 {
		return 0, false
	}
	var c rune
	for _, d := range r.data[r.pos : r.pos+4] {
		switch {
		case d >= '0' && d <= '9':
			c = c<<4 | rune(d-'0')
		case d >= 'a' && d <= 'f':
			c = c<<4 | rune(d-'a'+10)
		case d >= 'A' && d <= 'F':
			c = c<<4 | rune(d-'A'+10)
		default:
			return 0, false
		}
	}
	r.pos += 4
	return c, true
}
