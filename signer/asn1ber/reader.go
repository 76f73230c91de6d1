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

// maxDepth is the most that Limits.Depth can allow.
const maxDepth = 1 << 12

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
	depth    uint16
}

func newBudget(lim Limits) *budget {
	return &budget{elements: lim.Elements, depth: uint16(max(0, min(lim.Depth, maxDepth)))}
}

// Reader walks the elements of one level. The zero Reader is empty.
type Reader struct {
	rest   []byte
	budget *budget
	depth  uint16
	enc    Encoding
}

// Element is one tag-length-value. Raw and Content alias the input.
type Element struct {
	Tag         Tag
	Constructed bool
	Indefinite  bool // the length was indefinite; Content ends before the end-of-contents octets, Raw after
	enc         Encoding
	depth       uint16
	Raw         []byte // identifier, length, contents (and end-of-contents)
	Content     []byte
	budget      *budget
}

// New starts to read b, which may hold several elements. The error is ErrLimit when b is larger than lim.Bytes.
func New(b []byte, enc Encoding, lim Limits) (Reader, error) {
	lim = lim.withDefaults()
	if len(b) > lim.Bytes {
		return Reader{}, fmt.Errorf("%w: %d octets, at most %d allowed", ErrLimit, len(b), lim.Bytes)
	}
	return Reader{rest: b, budget: newBudget(lim), depth: 1, enc: enc}, nil
}

// Parse reads b as exactly one element: trailing octets are ErrSyntax.
func Parse(b []byte, enc Encoding, lim Limits) (Element, error) {
	r, err := New(b, enc, lim)
	if err != nil {
		return Element{}, err
	}
	var e Element
	if err := r.next(&e); err != nil {
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
	if first := r.rest[0]; first&0x1f != 0x1f {
		return Tag(first>>6)<<30 | Tag(first&0x1f), true
	}
	h, err := parseHeader(r.rest, r.enc)
	return h.tag, err == nil
}

// Next reads the next element, whatever it is.
func (r *Reader) Next() (e Element, err error) {
	err = r.next(&e)
	return e, err
}

// next fills e, which is zero; results that are written in place spare copies of eight words on the hottest path.
func (r *Reader) next(e *Element) error {
	if len(r.rest) == 0 {
		return fmt.Errorf("%w: element missing", ErrSyntax)
	}
	if r.depth > r.budget.depth {
		return fmt.Errorf("%w: deeper than %d levels", ErrLimit, r.budget.depth)
	}
	if r.budget.elements--; r.budget.elements < 0 {
		return errElements()
	}
	h, err := parseHeader(r.rest, r.enc)
	if err != nil {
		return err
	}
	if h.tag == EndOfContents {
		return fmt.Errorf("%w: end-of-contents out of place", ErrSyntax)
	}
	total := h.size + h.length
	if h.indefinite {
		if h.length, err = r.budget.scanIndefinite(r.rest[h.size:], r.enc, r.depth+1); err != nil {
			return err
		}
		total = h.size + h.length + 2
	}
	e.Tag, e.Constructed, e.Indefinite = h.tag, h.constructed, h.indefinite
	e.enc, e.depth, e.budget = r.enc, r.depth, r.budget
	e.Content = r.rest[h.size : h.size+h.length : h.size+h.length]
	e.Raw = r.rest[:total:total]
	r.rest = r.rest[total:]
	return nil
}

// Read reads the next element and demands its tag.
func (r *Reader) Read(tag Tag) (e Element, err error) {
	if err = r.next(&e); err != nil {
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
	err = r.next(&e)
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

// Fresh is e on a budget of its own: an element that is kept beyond the parse it came from must not draw on the budget of
// that parse, which other goroutines may draw on too.
func (e Element) Fresh(lim Limits) Element {
	e.budget, e.depth = newBudget(lim.withDefaults()), 1
	return e
}

// Inside reads b, which is the value of an OCTET STRING or BIT STRING met within e's input, one level below e and on
// the same budget.
func (e Element) Inside(b []byte, enc Encoding) Reader {
	return Reader{rest: b, budget: e.budget, depth: e.depth + 1, enc: enc}
}
