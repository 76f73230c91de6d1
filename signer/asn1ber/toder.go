package asn1ber

import (
	"bytes"
	"fmt"
	"slices"
)

// ToDER re-encodes one BER element in DER: definite minimal lengths, primitive strings, TRUE as FF, universal SETs in
// ascending order. What only a schema knows is left as it is: implicitly tagged SETs keep their order, implicitly
// tagged strings their form, DEFAULT values stay. The result is a new slice, never longer than twice b.
func ToDER(b []byte, lim Limits) ([]byte, error) {
	e, err := Parse(b, BER, lim)
	if err != nil {
		return nil, err
	}
	return appendDER(make([]byte, 0, len(b)), e)
}

// SetToDER re-encodes e as a DER universal SET OF, whatever its own tag: its members in DER and ascending order. This
// is the separate encoding of signedAttrs over which RFC 5652 5.4 has the digest made.
func SetToDER(e Element) ([]byte, error) {
	body, err := childrenDER(e, true)
	if err != nil {
		return nil, err
	}
	return Wrap(Set, body), nil
}

func appendDER(out []byte, e Element) ([]byte, error) {
	switch {
	case !e.Constructed:
		if e.Tag == Boolean {
			v, err := e.Boolean()
			if err != nil {
				return nil, err
			}
			c := byte(0)
			if v {
				c = 0xff
			}
			return Append(out, Boolean, false, []byte{c}), nil
		}
		return Append(out, e.Tag, false, e.Content), nil
	case e.Tag == BitString:
		bits, unused, err := e.BitString()
		if err != nil {
			return nil, err
		}
		return Append(out, BitString, false, []byte{byte(unused)}, bits), nil //nolint:gosec // G115: at most 7
	case e.Tag.IsUniversal() && e.Tag != Sequence && e.Tag != Set && e.Tag != 8 && e.Tag != 11:
		octets, err := e.OctetString()
		if err != nil {
			return nil, err
		}
		return Append(out, e.Tag, false, octets), nil
	}
	body, err := childrenDER(e, e.Tag == Set)
	if err != nil {
		return nil, err
	}
	return Append(out, e.Tag, true, body), nil
}

// childrenDER is the DER of e's children, one after the other, in ascending order if asked.
func childrenDER(e Element, ascending bool) ([]byte, error) {
	r, err := e.Children()
	if err != nil {
		return nil, err
	}
	if r.depth > r.budget.depth {
		return nil, fmt.Errorf("%w: deeper than %d levels", ErrLimit, r.budget.depth)
	}
	var members [][]byte
	for !r.Empty() {
		child, err := r.Next()
		if err != nil {
			return nil, err
		}
		der, err := appendDER(nil, child)
		if err != nil {
			return nil, err
		}
		members = append(members, der)
	}
	if ascending {
		slices.SortFunc(members, bytes.Compare)
	}
	return bytes.Join(members, nil), nil
}

// IsDER reports whether every element of e, itself included, is written in DER as far as that shows without a schema,
// universal SETs in ascending order included.
func IsDER(b []byte, lim Limits) bool {
	e, err := Parse(b, DER, lim)
	return err == nil && isDER(e)
}

func isDER(e Element) bool {
	if !e.Constructed {
		if e.Tag == Boolean {
			_, err := e.Boolean()
			return err == nil
		}
		return true
	}
	r, err := e.Children()
	if err != nil {
		return false
	}
	var before []byte
	for !r.Empty() {
		child, err := r.Next()
		if err != nil || !isDER(child) {
			return false
		}
		if e.Tag == Set && bytes.Compare(before, child.Raw) > 0 {
			return false
		}
		before = child.Raw
	}
	return true
}
