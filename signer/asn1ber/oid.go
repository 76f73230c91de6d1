package asn1ber

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// maxOIDOctets bounds an OBJECT IDENTIFIER; the longest in use anywhere are near 40.
const maxOIDOctets = 128

// OID is the contents octets of an OBJECT IDENTIFIER, checked to be well-formed. They alias the input.
func (e Element) OID() ([]byte, error) {
	if e.Constructed {
		return nil, fmt.Errorf("%w: constructed OBJECT IDENTIFIER", ErrSyntax)
	}
	if err := checkOID(e.Content); err != nil {
		return nil, err
	}
	return e.Content, nil
}

func checkOID(c []byte) error {
	if len(c) == 0 || len(c) > maxOIDOctets || c[len(c)-1]&0x80 != 0 {
		return fmt.Errorf("%w: OBJECT IDENTIFIER of %d octets", ErrSyntax, len(c))
	}
	start := true
	for _, o := range c {
		if start && o == 0x80 {
			return fmt.Errorf("%w: OBJECT IDENTIFIER with leading zeros", ErrSyntax)
		}
		start = o&0x80 == 0
	}
	return nil
}

// ReadOID reads an OBJECT IDENTIFIER and returns its contents octets.
func (r *Reader) ReadOID() ([]byte, error) {
	e, err := r.Read(OID)
	if err != nil {
		return nil, err
	}
	return e.OID()
}

// DottedOID writes contents octets as dotted decimals. Arcs beyond 64 bits are ErrSyntax.
func DottedOID(contents []byte) (string, error) {
	if err := checkOID(contents); err != nil {
		return "", err
	}
	out := make([]byte, 0, 4*len(contents))
	var arc uint64
	first := true
	for _, o := range contents {
		if arc > 1<<57-1 {
			return "", fmt.Errorf("%w: OBJECT IDENTIFIER arc beyond 64 bits", ErrSyntax)
		}
		arc = arc<<7 | uint64(o&0x7f)
		if o&0x80 != 0 {
			continue
		}
		if first {
			root := min(arc/40, 2)
			out = strconv.AppendUint(out, root, 10)
			arc -= root * 40
			first = false
		}
		out = append(out, '.')
		out = strconv.AppendUint(out, arc, 10)
		arc = 0
	}
	return string(out), nil
}

// EncodeOID is the contents octets of a dotted OBJECT IDENTIFIER (X.690 8.19).
func EncodeOID(dotted string) ([]byte, error) {
	return appendOID(make([]byte, 0, len(dotted)), dotted)
}

// appendOID appends the contents octets, which are never more than those of the dotted form. Each signature writes some ten of them.
func appendOID(out []byte, dotted string) ([]byte, error) {
	var first uint64
	rest, more, n := dotted, true, 0
	for ; more; n++ {
		var digits string
		digits, rest, more = strings.Cut(rest, ".")
		v, err := strconv.ParseUint(digits, 10, 63)
		switch {
		case err != nil:
			return nil, fmt.Errorf("couldn't encode OBJECT IDENTIFIER %q: %w", dotted, err)
		case n == 0:
			first = v
		case n == 1 && (first > 2 || first < 2 && v > 39 || v > 1<<62):
			return nil, fmt.Errorf("couldn't encode OBJECT IDENTIFIER %q: first arcs out of range", dotted)
		case n == 1:
			out = appendBase128(out, first*40+v)
		default:
			out = appendBase128(out, v)
		}
	}
	if n < 2 {
		return nil, errors.New("couldn't encode OBJECT IDENTIFIER: fewer than two arcs")
	}
	return out, nil
}

func appendBase128(out []byte, v uint64) []byte {
	n := 1
	for x := v >> 7; x > 0; x >>= 7 {
		n++
	}
	for i := n - 1; i >= 0; i-- {
		o := byte(v >> (7 * i) & 0x7f)
		if i > 0 {
			o |= 0x80
		}
		out = append(out, o)
	}
	return out
}

// MustOID is the contents octets of a dotted OBJECT IDENTIFIER, as a string to key maps with. It panics on a malformed
// one, like regexp.MustCompile, and is for tables in code only.
func MustOID(dotted string) string {
	c, err := EncodeOID(dotted)
	if err != nil {
		panic(err)
	}
	return string(c)
}
