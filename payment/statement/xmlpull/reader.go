package xmlpull

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// Kind says what [Reader.Next] found.
type Kind uint8

// Kinds of tokens.
const (
	// Start is a start tag, or the first half of an empty-element tag.
	Start Kind = iota + 1
	// End is an end tag, or the second half of an empty-element tag.
	End
	// Text is character data that is not white space alone. Comments and CDATA sections split it.
	Text
	// EOF is the end of a whole document.
	EOF
)

// Errors of this package, for errors.Is; [SyntaxError] wraps them.
var (
	// ErrSyntax says that the document is not well-formed.
	ErrSyntax = errors.New("not well-formed")
	// ErrEncoding says that the bytes are not UTF-8 or hold characters that XML forbids.
	ErrEncoding = errors.New("not UTF-8 text of XML")
	// ErrDoctype says that the document brings a document type.
	ErrDoctype = errors.New("a document type is refused")
	// ErrLimit says that a limit of [Limits] was passed.
	ErrLimit = errors.New("limit passed")
)

// SyntaxError is a fault of the document at a line.
type SyntaxError struct {
	// Line is the line of the fault, from 1.
	Line int
	// Err is one of the errors of this package.
	Err error
	// Text says what is wrong.
	Text string
}

// Error states the line and the fault.
func (e *SyntaxError) Error() string { return fmt.Sprintf("line %d: %s: %s", e.Line, e.Err, e.Text) }

// Unwrap returns the kind of the fault.
func (e *SyntaxError) Unwrap() error { return e.Err }

// Limits bound a document. Zero fields take the defaults.
type Limits struct {
	// Depth is how deep elements may nest; 64 by default.
	Depth int
	// TokenBytes is the size of the largest tag, text or comment; 256 KiB by default.
	TokenBytes int
	// Attributes is how many attributes an element may have; 32 by default.
	Attributes int
	// Namespaces is how many different namespaces a document may declare; 64 by default.
	Namespaces int
}

func (l Limits) withDefaults() Limits {
	set := func(field *int, value int) {
		if *field <= 0 {
			*field = value
		}
	}
	set(&l.Depth, 64)
	set(&l.TokenBytes, 256<<10)
	set(&l.Attributes, 32)
	set(&l.Namespaces, 64)
	return l
}

// Reader reads one document.
type Reader struct {
	limits Limits
	window

	stack []frame
	names []byte // qualified names of the open elements, one after the other
	local []byte // local name of the last tag, within names
	space int    // namespace of the last start tag, an index of uris

	attrs    []attribute
	decoded  []byte // values of attributes and texts that had references
	text     []byte
	empty    bool // the last start tag was an empty element: its end is still to be told
	rootSeen bool

	uris     []string
	bindings []binding
	implicit int // default namespace, an index of uris
}

// frame is an open element.
type frame struct {
	name     int // where its qualified name begins in names
	bindings int // how many bindings were in force outside
	implicit int // the default namespace outside
}

type attribute struct{ name, value []byte }

type binding struct {
	prefix string
	uri    int
}

// New returns a reader of the document in src.
func New(src io.Reader, limits Limits) *Reader {
	r := &Reader{limits: limits.withDefaults(), uris: []string{""}}
	r.src = src
	r.tokenMax = r.limits.TokenBytes
	r.buf = make([]byte, bufferBytes)
	return r
}

// Line returns the line that the reader stands on, from 1.
func (r *Reader) Line() int { return r.line() }

// Depth returns how many elements are open. The element whose start was told counts, that whose end was told does not.
func (r *Reader) Depth() int { return len(r.stack) }

// Local returns the local name of the tag last told.
func (r *Reader) Local() []byte { return r.local }

// Space returns the namespace of the start tag last told.
func (r *Reader) Space() string { return r.uris[r.space] }

// SpaceID returns a small number for [Reader.Space]: equal numbers, equal namespaces, within one document.
func (r *Reader) SpaceID() int { return r.space }

// Text returns the character data last told by [Reader.Next].
func (r *Reader) Text() []byte { return r.text }

// Attr returns the value of an attribute of the start tag last told, by its name without a prefix.
func (r *Reader) Attr(name string) ([]byte, bool) {
	for _, a := range r.attrs {
		if string(a.name) == name {
			return a.value, true
		}
	}
	return nil, false
}

// Next tells the next token. After [EOF] or an error it tells the same again.
func (r *Reader) Next() (Kind, error) {
	if r.empty {
		r.empty = false
		r.pop()
		return End, nil
	}
	for {
		if kind := r.quickTag(); kind != 0 {
			return kind, nil
		}
		i, err := r.find('<')
		if err != nil {
			return 0, err
		}
		if i != 0 {
			kind, err := r.characters(i)
			if kind != 0 || err != nil {
				return kind, err
			}
		}
		kind, err := r.markup()
		if kind != 0 || err != nil {
			return kind, err
		}
	}
}

// quickTag takes what nearly all markup is, perhaps behind white space: a start tag without prefix and attributes, or the end tag of
// the innermost element, whole in the buffer. It tells 0 for anything else and leaves it.
func (r *Reader) quickTag() Kind {
	b := r.rest()
	at := 0
	for at < len(b) && (b[at] == ' ' || b[at] == '\n' || b[at] == '\r' || b[at] == '\t') {
		at++
	}
	if b = b[at:]; len(b) < 3 || b[0] != '<' || len(r.stack) == 0 {
		return 0
	}
	if b[1] == '/' {
		open := r.names[r.stack[len(r.stack)-1].name:]
		end := 2 + len(open)
		if end >= len(b) || b[end] != '>' || string(b[2:end]) != string(open) {
			return 0
		}
		r.pos += at + end + 1
		r.local = open
		if _, local, ok := bytes.Cut(open, []byte{':'}); ok {
			r.local = local
		}
		r.pop()
		return End
	}
	if nameByte[b[1]] != nameStart || len(r.stack) >= r.limits.Depth {
		return 0
	}
	n := 2
	for n < len(b) && n < quickNameMax && nameByte[b[n]] != 0 {
		n++
	}
	if n == len(b) || b[n] != '>' {
		return 0
	}
	r.attrs = r.attrs[:0]
	r.push(b[1:n])
	r.local, r.space = r.names[len(r.names)-(n-1):], r.implicit
	r.pos += at + n + 1
	return Start
}

// quickNameMax bounds names on the quick way; longer ones meet the limits of the slow one.
const quickNameMax = 256

// push opens an element whose tag declared nothing, by its qualified name.
func (r *Reader) push(name []byte) {
	r.stack = append(r.stack, frame{name: len(r.names), bindings: len(r.bindings), implicit: r.implicit})
	r.names = append(r.names, name...)
}

// characters takes the text before the next markup, i bytes long, or up to the end of the document for i < 0. It tells Text, EOF, or
// 0 for white space.
func (r *Reader) characters(i int) (Kind, error) {
	if i < 0 {
		if !blank(r.rest()) || len(r.stack) > 0 || !r.rootSeen {
			return 0, r.fault(ErrSyntax, "the document ends too early")
		}
		return EOF, nil
	}
	raw := r.buf[r.pos : r.pos+i]
	if blank(raw) {
		r.pos += i
		return 0, nil
	}
	if len(r.stack) == 0 {
		return 0, r.fault(ErrSyntax, "text outside of the root element")
	}
	text, err := r.plain(raw)
	if err != nil {
		return 0, err
	}
	r.text = text
	r.pos += i
	return Text, nil
}

// markup takes what begins with '<' at pos. It tells 0 for what has no meaning here: comments and processing instructions.
func (r *Reader) markup() (Kind, error) {
	if err := r.need(2); err != nil {
		return 0, err
	}
	switch r.buf[r.pos+1] {
	case '/':
		return r.endTag()
	case '!':
		return r.declaration()
	case '?':
		return 0, r.instruction()
	default:
		return r.startTag()
	}
}

// ReadText reads the character data of the element whose start was just told, up to and with its end tag. An element inside is refused.
func (r *Reader) ReadText() ([]byte, error) {
	if r.empty {
		r.empty = false
		r.pop()
		return nil, nil
	}
	if text, ok := r.quickText(); ok {
		return text, nil
	}
	var whole []byte
	for {
		kind, err := r.Next()
		switch {
		case err != nil:
			return nil, err
		case kind == End:
			return whole, nil
		case kind == Text:
			whole = append(whole, r.text...)
			if len(whole) > r.limits.TokenBytes {
				return nil, r.fault(ErrLimit, "text is too long")
			}
		default:
			return nil, r.fault(ErrSyntax, "an element where text is expected")
		}
	}
}

// quickText takes text and end tag at once when both stand in the buffer and nothing has to be decoded: nearly always.
func (r *Reader) quickText() ([]byte, bool) {
	b := r.rest()
	i := bytes.IndexByte(b, '<')
	name := r.names[r.stack[len(r.stack)-1].name:]
	end := i + 2 + len(name)
	if i < 0 || end >= len(b) || b[i+1] != '/' || b[end] != '>' || string(b[i+2:end]) != string(name) {
		return nil, false
	}
	if (r.ampersand && bytes.IndexByte(b[:i], '&') >= 0) || (r.bracket && bytes.IndexByte(b[:i], ']') >= 0) {
		return nil, false
	}
	r.pos += end + 1
	r.pop()
	return b[:i], true
}

// Skip reads to the end of the element whose start was just told.
func (r *Reader) Skip() error {
	for depth := len(r.stack); len(r.stack) >= depth; {
		if _, err := r.Next(); err != nil {
			return err
		}
	}
	return nil
}

func (r *Reader) fault(kind error, text string) error {
	return &SyntaxError{Line: r.Line(), Err: kind, Text: text}
}
