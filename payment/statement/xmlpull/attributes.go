package xmlpull

import (
	"bytes"
	"slices"
	"strconv"
	"unicode/utf8"
)

// attributes reads what follows the name in a start tag.
func (r *Reader) attributes(b []byte) error {
	r.decoded = r.decoded[:0]
	for {
		trimmed := skipSpace(b)
		if len(trimmed) == 0 {
			return r.checkPrefixes()
		}
		if len(trimmed) == len(b) {
			return r.fault(ErrSyntax, "no space before an attribute")
		}
		name, value, rest, ok := cutAttribute(trimmed)
		if !ok {
			return r.fault(ErrSyntax, "an attribute without a quoted value")
		}
		b = rest
		if bytes.IndexByte(value, '<') >= 0 {
			return r.fault(ErrSyntax, "'<' in the value of an attribute")
		}
		if err := r.attribute(name, value); err != nil {
			return err
		}
	}
}

func skipSpace(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t' || b[0] == '\r' || b[0] == '\n') {
		b = b[1:]
	}
	return b
}

func cutAttribute(b []byte) (name, value, rest []byte, ok bool) {
	n, _ := nameLength(b)
	rest = skipSpace(b[n:])
	if n == 0 || len(rest) == 0 || rest[0] != '=' {
		return nil, nil, nil, false
	}
	rest = skipSpace(rest[1:])
	if len(rest) == 0 || (rest[0] != '"' && rest[0] != '\'') {
		return nil, nil, nil, false
	}
	end := bytes.IndexByte(rest[1:], rest[0])
	if end < 0 {
		return nil, nil, nil, false
	}
	return b[:n], rest[1 : 1+end], rest[2+end:], true
}

// attribute keeps one attribute, or the namespace it declares. A second one of the same name is refused (attack: two programs that
// read different ones of the two).
func (r *Reader) attribute(name, value []byte) error {
	if len(r.attrs) >= r.limits.Attributes {
		return r.fault(ErrLimit, "too many attributes")
	}
	for _, a := range r.attrs {
		if bytes.Equal(a.name, name) {
			return r.fault(ErrSyntax, "an attribute twice")
		}
	}
	if bytes.IndexByte(value, '&') >= 0 {
		from := len(r.decoded)
		var err error
		if r.decoded, err = r.unescape(r.decoded, value); err != nil {
			return err
		}
		value = r.decoded[from:len(r.decoded):len(r.decoded)]
	}
	r.attrs = append(r.attrs, attribute{name: name, value: value})
	switch {
	case string(name) == "xmlns":
		id, err := r.intern(value)
		r.implicit = id
		return err
	case bytes.HasPrefix(name, []byte("xmlns:")):
		if len(value) == 0 {
			return r.fault(ErrSyntax, "a prefix for no namespace")
		}
		id, err := r.intern(value)
		// Prefixes are looked up one by one (attack: thousands of them, so that each name takes long).
		if err == nil && len(r.bindings) >= 2*r.limits.Namespaces {
			return r.fault(ErrLimit, "too many prefixes")
		}
		r.bindings = append(r.bindings, binding{prefix: string(name[len("xmlns:"):]), uri: id})
		return err
	}
	return nil
}

// checkPrefixes refuses prefixed attributes whose prefix nobody declares. It runs after all declarations of the tag were read.
func (r *Reader) checkPrefixes() error {
	for _, a := range r.attrs {
		i := bytes.IndexByte(a.name, ':')
		if i < 0 || string(a.name[:i]) == "xmlns" {
			continue
		}
		if _, ok := r.lookup(a.name[:i]); !ok {
			return r.fault(ErrSyntax, "an attribute with a prefix that is not declared")
		}
	}
	return nil
}

// lookup returns the namespace of a prefix.
func (r *Reader) lookup(prefix []byte) (int, bool) {
	for _, b := range slices.Backward(r.bindings) {
		if b.prefix == string(prefix) {
			return b.uri, true
		}
	}
	// xml is declared by nature; its namespace is nobody's payload, so the empty one stands for it.
	return 0, string(prefix) == "xml"
}

// intern numbers a namespace.
func (r *Reader) intern(uri []byte) (int, error) {
	for i, known := range r.uris {
		if known == string(uri) {
			return i, nil
		}
	}
	if len(r.uris) > r.limits.Namespaces {
		return 0, r.fault(ErrLimit, "too many namespaces")
	}
	r.uris = append(r.uris, string(uri))
	return len(r.uris) - 1, nil
}

// plain returns character data with its references replaced.
func (r *Reader) plain(raw []byte) ([]byte, error) {
	if len(raw) > r.limits.TokenBytes {
		return nil, r.fault(ErrLimit, "text is too long")
	}
	if r.bracket && bytes.Contains(raw, closing) {
		return nil, r.fault(ErrSyntax, "']]>' in text")
	}
	if !r.ampersand || bytes.IndexByte(raw, '&') < 0 {
		return raw, nil
	}
	var err error
	r.decoded, err = r.unescape(r.decoded[:0], raw)
	return r.decoded, err
}

// unescape appends raw to dst with its references replaced: the five entities of XML and characters by number. A reference is
// never longer in its result than in its source, so nothing can grow.
func (r *Reader) unescape(dst, raw []byte) ([]byte, error) {
	for {
		i := bytes.IndexByte(raw, '&')
		if i < 0 {
			return append(dst, raw...), nil
		}
		dst = append(dst, raw[:i]...)
		end := bytes.IndexByte(raw[i:], ';')
		c, ok := rune(0), false
		if end > 0 {
			c, ok = reference(raw[i+1 : i+end])
		}
		if !ok {
			return nil, r.fault(ErrSyntax, "a reference that is not one of XML")
		}
		dst = utf8.AppendRune(dst, c)
		raw = raw[i+end+1:]
	}
}

func reference(name []byte) (rune, bool) {
	switch string(name) {
	case "amp":
		return '&', true
	case "lt":
		return '<', true
	case "gt":
		return '>', true
	case "quot":
		return '"', true
	case "apos":
		return '\'', true
	}
	if len(name) < 2 || name[0] != '#' || len(name) > 10 {
		return 0, false
	}
	digits, base := string(name[1:]), 10
	if digits[0] == 'x' {
		digits, base = digits[1:], 16
	}
	n, err := strconv.ParseUint(digits, base, 32)
	c := rune(n) //nolint:gosec // G115: bounded by the check that follows
	allowed := n <= utf8.MaxRune && utf8.ValidRune(c) && c != 0xFFFE && c != 0xFFFF && (c >= ' ' || c == '\t' || c == '\n' || c == '\r')
	return c, err == nil && allowed
}
