package feedlines

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"

	"qaqpa/api/strictjson"
	"qaqpa/payment"
	"qaqpa/payment/debt"
)

// depthMax bounds the nesting of an element; an item has two levels.
const depthMax = 16

// Array reads a feed that is one JSON array of items, element by element. Not safe for concurrent use.
//
// An element that is no item is told by its number, as a bad line is. Where the brackets do not close, nobody can say where the
// next element begins, so the feed ends there with a [*strictjson.Error] that names the element: guessing could make items out of
// parts of others.
type Array struct {
	decoder  *Decoder
	from     *bufio.Reader
	raw      []byte // of the element, at most LineMax of it
	read     int    // bytes so far
	elements int
	begun    bool
	ended    bool
}

// ReadArray begins with a feed of at most most bytes.
func (d *Decoder) ReadArray(from io.Reader, most int64) *Array {
	return &Array{decoder: d, from: bufio.NewReaderSize(&capped{from: from, left: most}, LineMax)}
}

// Next returns the next element; its Raw, white space around it left out, is valid until the next call. Errors: [io.EOF] after the
// array and nothing but white space, [ErrCut] with the cause when the stream fails before, a [*strictjson.Error] when it is no array.
func (a *Array) Next() (payment.FeedLine, error) {
	if a.ended {
		return payment.FeedLine{}, io.EOF
	}
	if !a.begun {
		if first, err := a.token(); err != nil || first != '[' {
			return payment.FeedLine{}, a.broken(err, strictjson.WrongType, "array")
		}
		a.begun = true
	}
	c, err := a.token()
	if err != nil {
		return payment.FeedLine{}, a.broken(err, strictjson.Syntax, "")
	}
	if c == ']' && a.elements == 0 {
		return payment.FeedLine{}, a.end()
	}
	whole, last, err := a.element(c)
	if err != nil {
		return payment.FeedLine{}, err
	}
	a.elements++
	if last {
		if err := a.end(); !errors.Is(err, io.EOF) {
			return payment.FeedLine{}, err
		}
	}
	if !whole {
		return payment.FeedLine{Raw: a.raw, Refused: tooLong("element")}, nil
	}
	out := payment.FeedLine{Raw: bytes.TrimRight(a.raw, " \t\r\n")}
	if out.Item, err = a.decoder.items.Decode(out.Raw); err != nil {
		out.Item, out.Refused = debt.Item{}, refusal(err)
	}
	return out, nil
}

// element reads on from the first byte of an element to the comma or bracket behind it. whole is false when it is longer than
// LineMax: then its beginning is kept, which stands for it in the digest.
func (a *Array) element(c byte) (whole, last bool, err error) {
	a.raw, whole = a.raw[:0], true
	var open []byte
	var text, escaped bool
	for ; ; c, err = a.next() {
		switch {
		case err != nil:
			return false, false, a.broken(err, strictjson.Syntax, "")
		case text:
			text, escaped = escaped || c != '"', !escaped && c == '\\'
		case c == '"':
			text = true
		case c == '{' || c == '[':
			if open = append(open, c+2); len(open) > depthMax { // the closing one stands two places further in ASCII
				return false, false, a.broken(nil, strictjson.TooDeep, "")
			}
		case len(open) == 0 && (c == ',' || c == ']'):
			if len(bytes.TrimRight(a.raw, " \t\r\n")) == 0 {
				return false, false, a.broken(nil, strictjson.Syntax, "")
			}
			return whole, c == ']', nil
		case c == '}' || c == ']':
			if len(open) == 0 || open[len(open)-1] != c {
				return false, false, a.broken(nil, strictjson.Syntax, "")
			}
			open = open[:len(open)-1]
		}
		if whole = whole && len(a.raw) < LineMax; whole {
			a.raw = append(a.raw, c)
		}
	}
}

// end passes over white space to the end of the stream.
func (a *Array) end() error {
	_, err := a.token()
	if errors.Is(err, io.EOF) {
		a.ended = true
		return io.EOF
	}
	return a.broken(err, strictjson.Trailing, "")
}

// token is the next byte that is no white space.
func (a *Array) token() (byte, error) {
	for {
		c, err := a.next()
		if err != nil || (c != ' ' && c != '\t' && c != '\r' && c != '\n') {
			return c, err
		}
	}
}

func (a *Array) next() (byte, error) {
	c, err := a.from.ReadByte()
	if err == nil {
		a.read++
	}
	return c, err
}

// broken ends a feed. A stream that ends within its array is no array, whatever the transport says of it.
func (a *Array) broken(err error, reason strictjson.Reason, want string) error {
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: %w", ErrCut, err)
	}
	at := &strictjson.Error{Reason: reason, Offset: a.read, Want: want}
	if a.begun {
		at.Pointer = "/" + strconv.Itoa(a.elements)
	}
	return at
}
