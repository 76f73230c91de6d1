package asn1ber

import (
	"errors"
	"fmt"
)

// Errors that callers tell apart; every error of this package wraps one of them.
var (
	// ErrSyntax: the octets are not BER (or not DER, where DER was asked for), or not of the type asked for.
	ErrSyntax = errors.New("not well-formed ASN.1")
	// ErrLimit: the input is larger, deeper or has more elements than [Limits] allow.
	ErrLimit = errors.New("ASN.1 input beyond its limits")
)

// Encoding is the set of rules that the octets must keep.
type Encoding uint8

// Encodings.
const (
	BER Encoding = iota // X.690 8: indefinite lengths and constructed strings allowed
	DER                 // X.690 10 and 11, as far as it shows without a schema
)

// Limits bound one input. A zero field takes the value of [DefaultLimits].
type Limits struct {
	Bytes    int // octets of the input
	Depth    int // levels of nesting; the top level is 1
	Elements int // elements read or scanned over
}

// DefaultLimits suit signed documents: 64 MiB, 48 levels, 2^20 elements.
func DefaultLimits() Limits { return Limits{Bytes: 64 << 20, Depth: 48, Elements: 1 << 20} }

func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	if l.Bytes == 0 {
		l.Bytes = d.Bytes
	}
	if l.Depth == 0 {
		l.Depth = d.Depth
	}
	if l.Elements == 0 {
		l.Elements = d.Elements
	}
	return l
}

// budget is what is left for one input; all readers of the input share it.
type budget struct {
	elements int
	depth    int
}

// Reader walks the elements of one level. The zero Reader is empty.
type Reader struct {
	rest   []byte
	budget *budget
	depth  int
	enc    Encoding
}

// Element is one tag-length-value. Raw and Content alias the input.
type Element struct {
	Tag         Tag
	Constructed bool
	Indefinite  bool   // the length was indefinite; Content ends before the end-of-contents octets, Raw after
	Raw         []byte // identifier, length, contents (and end-of-contents)
	Content     []byte
	enc         Encoding
	depth       int
	budget      *budget
}

// New starts to read b, which may hold several elements. The error is ErrLimit when b is larger than lim.Bytes.
func New(b []byte, enc Encoding, lim Limits) (Reader, error) {
	lim = lim.withDefaults()
	if len(b) > lim.Bytes {
		return Reader{}, fmt.Errorf("%w: %d octets, at most %d allowed", ErrLimit, len(b), lim.Bytes)
	}
	return Reader{rest: b, budget: &budget{elements: lim.Elements, depth: lim.Depth}, depth: 1, enc: enc}, nil
}

// Parse reads b as exactly one element: trailing octets are ErrSyntax.
func Parse(b []byte, enc Encoding, lim Limits) (Element, error) {
	r, err := New(b, enc, lim)
	if err != nil {
		return Element{}, err
	}
	e, err := r.Next()
	if err != nil {
		return Element{}, err
	}
	return e, r.End()
}

// ParseDER reads b as exactly one DER element under the default limits.
func ParseDER(b []byte) (Element, error) { return Parse(b, DER, Limits{}) }

// Empty reports whether nothing is left at this level.
func (r *Reader) Empty() bool { return len(r.rest) == 0 }

// Rest is what is left unread at this level; it aliases the input.
func (r *Reader) Rest() []byte { return r.rest }

// End is ErrSyntax when something is left at this level.
func (r *Reader) End() error {
	if len(r.rest) != 0 {
		return fmt.Errorf("%w: %d trailing octets", ErrSyntax, len(r.rest))
	}
	return nil
}

// Peek is the tag of the next element, ok false at the end or where no tag can be read.
func (r *Reader) Peek() (tag Tag, ok bool) {
	if len(r.rest) == 0 {
		return 0, false
	}
	h, err := parseHeader(r.rest, r.enc)
	return h.tag, err == nil
}

// Next reads the next element, whatever it is.
func (r *Reader) Next() (Element, error) {
	if len(r.rest) == 0 {
		return Element{}, fmt.Errorf("%w: element missing", ErrSyntax)
	}
	if r.depth > r.budget.depth {
		return Element{}, fmt.Errorf("%w: deeper than %d levels", ErrLimit, r.budget.depth)
	}
	h, err := r.budget.header(r.rest, r.enc)
	if err != nil {
		return Element{}, err
	}
	if h.tag == EndOfContents {
		return Element{}, fmt.Errorf("%w: end-of-contents out of place", ErrSyntax)
	}
	e := Element{
		Tag: h.tag, Constructed: h.constructed, Indefinite: h.indefinite,
		enc: r.enc, depth: r.depth, budget: r.budget,
	}
	total := h.size + h.length
	e.Content = r.rest[h.size:]
	if h.indefinite {
		n, err := r.budget.scanIndefinite(e.Content, r.enc, r.depth+1)
		if err != nil {
			return Element{}, err
		}
		total = h.size + n + 2
		h.length = n
	}
	e.Content = e.Content[:h.length:h.length]
	e.Raw = r.rest[:total:total]
	r.rest = r.rest[total:]
	return e, nil
}

// Read reads the next element and demands its tag.
func (r *Reader) Read(tag Tag) (Element, error) {
	e, err := r.Next()
	if err != nil {
		return Element{}, fmt.Errorf("couldn't read %s: %w", tag, err)
	}
	if e.Tag != tag {
		return Element{}, fmt.Errorf("%w: %s where %s is due", ErrSyntax, e.Tag, tag)
	}
	return e, nil
}

// Optional reads the next element if it has the tag; ok tells whether it did.
func (r *Reader) Optional(tag Tag) (e Element, ok bool, err error) {
	if next, present := r.Peek(); !present || next != tag {
		return Element{}, false, nil
	}
	e, err = r.Next()
	return e, err == nil, err
}

// Enter reads the next element, demands its tag and that it is constructed, and returns a reader of its children.
func (r *Reader) Enter(tag Tag) (Reader, error) {
	e, err := r.Read(tag)
	if err != nil {
		return Reader{}, err
	}
	return e.Children()
}

// Children reads the elements inside e. The error is ErrSyntax when e is primitive.
func (e Element) Children() (Reader, error) {
	if !e.Constructed {
		return Reader{}, fmt.Errorf("%w: %s is primitive", ErrSyntax, e.Tag)
	}
	return Reader{rest: e.Content, budget: e.budget, depth: e.depth + 1, enc: e.enc}, nil
}

// Explicit reads the single element inside an explicit tag.
func (e Element) Explicit(tag Tag) (Element, error) {
	r, err := e.Children()
	if err != nil {
		return Element{}, err
	}
	inner, err := r.Read(tag)
	if err != nil {
		return Element{}, err
	}
	return inner, r.End()
}

// Inside reads b, which is the value of an OCTET STRING or BIT STRING met within e's input, one level below e and on
// the same budget.
func (e Element) Inside(b []byte, enc Encoding) Reader {
	return Reader{rest: b, budget: e.budget, depth: e.depth + 1, enc: enc}
}
