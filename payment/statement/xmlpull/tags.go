package xmlpull

import "bytes"

// startTag takes a start tag or an empty-element tag at pos.
func (r *Reader) startTag() (Kind, error) {
	if len(r.stack) == 0 && r.rootSeen {
		return 0, r.fault(ErrSyntax, "a second root element")
	}
	if len(r.stack) >= r.limits.Depth {
		return 0, r.fault(ErrLimit, "elements nest too deep")
	}
	length, err := r.tagLength()
	if err != nil {
		return 0, err
	}
	tag := r.buf[r.pos+1 : r.pos+length-1]
	if tag[len(tag)-1] == '/' {
		r.empty = true
		tag = tag[:len(tag)-1]
	}
	n, colon := nameLength(tag)
	if n == 0 {
		return 0, r.fault(ErrSyntax, "a tag without a name")
	}
	outside := frame{name: len(r.names), bindings: len(r.bindings), implicit: r.implicit}
	r.attrs = r.attrs[:0]
	if n < len(tag) {
		if err := r.attributes(tag[n:]); err != nil {
			return 0, err
		}
	}
	r.names = append(r.names, tag[:n]...)
	r.stack = append(r.stack, outside)
	r.rootSeen = true
	r.local, r.space = r.names[outside.name+colon:], r.implicit
	if colon > 0 {
		uri, ok := r.lookup(tag[:colon-1])
		if !ok {
			return 0, r.fault(ErrSyntax, "a prefix that is not declared")
		}
		r.space = uri
	}
	r.pos += length
	return Start, nil
}

// tagLength returns the length of the tag at pos, brackets included. A '>' may stand within quotes.
func (r *Reader) tagLength() (int, error) {
	from, quote := 1, byte(0)
	for {
		b := r.rest()
		if quote == 0 {
			// Most tags have no attributes: one search finds the end.
			if i := bytes.IndexByte(b[from:], '>'); i >= 0 && bytes.IndexByte(b[from:from+i], '"') < 0 && bytes.IndexByte(b[from:from+i], '\'') < 0 {
				return r.closeTag(from + i + 1)
			}
		}
		for ; from < len(b); from++ {
			c := b[from]
			switch {
			case quote != 0:
				if c == quote {
					quote = 0
				}
			case c == '"' || c == '\'':
				quote = c
			case c == '>':
				return r.closeTag(from + 1)
			}
		}
		more, err := r.fill()
		if err != nil {
			return 0, err
		}
		if !more {
			return 0, r.fault(ErrSyntax, "a tag that does not end")
		}
	}
}

func (r *Reader) closeTag(length int) (int, error) {
	if length < len("<a>") {
		return 0, r.fault(ErrSyntax, "an empty tag")
	}
	if length > r.limits.TokenBytes {
		return 0, r.fault(ErrLimit, "a tag is too long")
	}
	return length, nil
}

// endTag takes an end tag at pos, which has to close the innermost element.
func (r *Reader) endTag() (Kind, error) {
	i, err := r.find('>')
	if err != nil {
		return 0, err
	}
	if i < 0 || len(r.stack) == 0 {
		return 0, r.fault(ErrSyntax, "an end tag that closes nothing")
	}
	name := bytes.TrimRight(r.buf[r.pos+2:r.pos+i], " \t\r\n")
	open := r.names[r.stack[len(r.stack)-1].name:]
	if !bytes.Equal(name, open) {
		return 0, r.fault(ErrSyntax, "an end tag of another element")
	}
	r.pos += i + 1
	r.local = open[bytes.IndexByte(open, ':')+1:]
	r.pop()
	return End, nil
}

// pop closes the innermost element. Its name stays readable in names until the next start tag.
func (r *Reader) pop() {
	top := r.stack[len(r.stack)-1]
	r.stack = r.stack[:len(r.stack)-1]
	r.names = r.names[:top.name]
	r.bindings = r.bindings[:top.bindings]
	r.implicit = top.implicit
}

// nameLength returns the length of the qualified name that b begins with, 0 if there is none, and where its local part begins.
func nameLength(b []byte) (length, colon int) {
	for i, c := range b {
		switch {
		case c == ':':
			if colon > 0 || i == 0 {
				return 0, 0
			}
			colon = i + 1
		case nameByte[c] == nameStart:
		case nameByte[c] == nameRest:
			if i == colon {
				return 0, 0
			}
		default:
			return wholeName(i, colon)
		}
	}
	return wholeName(len(b), colon)
}

func wholeName(length, colon int) (int, int) {
	if length == colon {
		return 0, 0
	}
	return length, colon
}

const (
	nameStart = 1
	nameRest  = 2
)

// nameByte says which bytes may stand in names; the letters beyond ASCII are not told apart.
var nameByte = func() (table [256]byte) {
	for c := range table {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '_', c >= 0x80:
			table[c] = nameStart
		case c >= '0' && c <= '9', c == '-', c == '.':
			table[c] = nameRest
		}
	}
	return table
}()
