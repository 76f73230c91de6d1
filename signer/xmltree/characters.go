package xmltree

import (
	"strings"
	"unicode/utf8"
)

// pending is the text node that is being gathered: character data, references and CDATA sections that touch are one
// node (XPath 1.0 5.7).
type pending struct {
	open  bool
	from  int
	to    int
	plain string // the value while it is one piece that needs no decoding
	built []byte
	copy  bool // the value is in built
}

func (t *pending) add(piece string, from, to int) {
	if !t.open {
		*t = pending{open: true, from: from, to: to, plain: piece, built: t.built[:0]}
		return
	}
	t.to = to
	if piece == "" {
		return
	}
	if !t.copy {
		t.copy = true
		t.built = append(t.built[:0], t.plain...)
	}
	t.built = append(t.built, piece...)
}

// flushText makes a node of the pending text. Text without characters, such as an empty CDATA section, is no node.
func (p *parser) flushText() error {
	t := &p.pending
	if !t.open {
		return nil
	}
	t.open = false
	value := t.plain
	if t.copy {
		value = string(t.built)
	}
	if value == "" {
		return nil
	}
	parent := p.open[len(p.open)-1].element
	_, err := p.append(record{kind: Text, parent: parent, name: none, from: p.offset(t.from), to: p.offset(t.to), value: value})
	return err
}

// characters reads character data up to markup, or one reference.
func (p *parser) characters() error {
	start := p.pos
	if p.s[start] == '&' {
		piece, err := p.reference()
		if err != nil {
			return err
		}
		p.pending.add(piece, start, p.pos)
		return nil
	}
	n := strings.IndexAny(p.s[start:], "<&")
	if n < 0 {
		n = len(p.s) - start
	}
	run := p.s[start : start+n]
	if at := strings.Index(run, "]]>"); at >= 0 {
		p.pos += at
		return p.fail("]]> in text")
	}
	p.pos += n
	p.pending.add(lines(run), start, p.pos)
	return nil
}

func (p *parser) cdata() error {
	start := p.pos
	inside := p.s[p.pos+len("<![CDATA["):]
	n := strings.Index(inside, "]]>")
	if n < 0 {
		return p.fail("CDATA section is not closed")
	}
	p.pos += len("<![CDATA[") + n + len("]]>")
	p.pending.add(lines(inside[:n]), start, p.pos)
	return nil
}

// reference reads one character or entity reference. Only the five predefined entities exist: without a DTD there are no
// others, and nothing that is expanded can hold a reference again.
func (p *parser) reference() (string, error) {
	end := strings.IndexByte(p.s[p.pos:min(len(p.s), p.pos+64)], ';')
	if end < 0 {
		return "", p.fail("reference is not closed")
	}
	name := p.s[p.pos+1 : p.pos+end]
	if strings.HasPrefix(name, "#") {
		r, ok := characterOf(name[1:])
		if !ok {
			return "", p.fail("wrong character reference")
		}
		p.pos += end + 1
		return string(r), nil
	}
	value, ok := predefined(name)
	if !ok {
		return "", p.fail("unknown entity")
	}
	p.pos += end + 1
	return value, nil
}

func predefined(name string) (string, bool) {
	switch name {
	case "amp":
		return "&", true
	case "lt":
		return "<", true
	case "gt":
		return ">", true
	case "quot":
		return `"`, true
	case "apos":
		return "'", true
	}
	return "", false
}

// characterOf reads the digits of a character reference.
func characterOf(digits string) (rune, bool) {
	base, r := rune(10), rune(0)
	if rest, ok := strings.CutPrefix(digits, "x"); ok {
		base, digits = 16, rest
	}
	if digits == "" {
		return 0, false
	}
	for i := range len(digits) {
		d := digitOf(digits[i])
		if d < 0 || d >= base {
			return 0, false
		}
		if r = r*base + d; r > utf8.MaxRune {
			return 0, false
		}
	}
	return r, isChar(r)
}

func digitOf(c byte) rune {
	switch {
	case c >= '0' && c <= '9':
		return rune(c - '0')
	case c >= 'a' && c <= 'f':
		return rune(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return rune(c-'A') + 10
	}
	return -1
}

// attributeValue decodes an attribute's value: references, and white space to spaces (XML 1.0 3.3.3, CDATA). at is where
// the value begins in the text.
func (p *parser) attributeValue(raw string, at int) (string, error) {
	if i := strings.IndexByte(raw, '<'); i >= 0 {
		return "", p.failAt(at+i, ErrSyntax, "< in an attribute")
	}
	if !strings.ContainsAny(raw, "&\t\r\n") {
		return raw, nil
	}
	after := p.pos
	defer func() { p.pos = after }()
	out := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); {
		switch c := raw[i]; c {
		case '&':
			p.pos = at + i
			piece, err := p.reference()
			if err != nil {
				return "", positionError(p.s, at+i, ErrSyntax, "wrong reference in an attribute")
			}
			if p.pos > at+len(raw) {
				return "", p.failAt(at+i, ErrSyntax, "reference is not closed")
			}
			out = append(out, piece...)
			i = p.pos - at
			continue
		case '\r':
			if i+1 < len(raw) && raw[i+1] == '\n' {
				i++
			}
			out = append(out, ' ')
		case '\t', '\n':
			out = append(out, ' ')
		default:
			out = append(out, c)
		}
		i++
	}
	return string(out), nil
}
