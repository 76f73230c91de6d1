package cms

import (
	"errors"
	"fmt"

	"qaqpa/signer/asn1ber"
)

// Attribute is one attribute as it stands (RFC 5652 5.3).
type Attribute struct {
	OID    string // dotted
	Raw    []byte // the SEQUENCE
	values asn1ber.Element
}

// Values are the attribute's values, each with its tag. The error is asn1ber.ErrSyntax or ErrLimit.
func (a *Attribute) Values() ([][]byte, error) {
	var out [][]byte
	err := a.each(func(v asn1ber.Element) error {
		out = append(out, v.Raw)
		return nil
	})
	return out, err
}

// valueLimits bound what is read of one attribute after Parse.
var valueLimits = asn1ber.Limits{Depth: 40, Elements: 1 << 18}

// each walks the values on a budget of their own, so that attributes can be read by several goroutines.
func (a *Attribute) each(f func(asn1ber.Element) error) error {
	r, err := a.values.Fresh(valueLimits).Children()
	if err != nil {
		return err
	}
	for !r.Empty() {
		v, err := r.Next()
		if err != nil {
			return err
		}
		if err := f(v); err != nil {
			return err
		}
	}
	return nil
}

var errValueCount = errors.New("not exactly one value")

// single is the only member of a SET of values.
func single(values asn1ber.Element) (asn1ber.Element, error) {
	r, err := values.Children()
	if err != nil {
		return asn1ber.Element{}, err
	}
	if r.Empty() {
		return asn1ber.Element{}, errValueCount
	}
	v, err := r.Next()
	if err != nil {
		return asn1ber.Element{}, err
	}
	if !r.Empty() {
		return asn1ber.Element{}, errValueCount
	}
	return v, nil
}

// parseAttributes reads SET OF Attribute under any tag.
func parseAttributes(set asn1ber.Element, limit int) ([]Attribute, error) {
	r, err := set.Children()
	if err != nil {
		return nil, err
	}
	out := make([]Attribute, 0, 6)
	for !r.Empty() {
		if len(out) == limit {
			return nil, fmt.Errorf("%w: more than %d attributes", asn1ber.ErrLimit, limit)
		}
		a, err := parseAttribute(&r)
		if err != nil {
			return nil, fmt.Errorf("attribute %d: %w", len(out)+1, err)
		}
		out = append(out, a)
	}
	return out, nil
}

func parseAttribute(r *asn1ber.Reader) (a Attribute, err error) {
	e, err := r.Read(asn1ber.Sequence)
	if err != nil {
		return a, err
	}
	a.Raw = e.Raw
	fields, err := e.Children()
	if err != nil {
		return a, err
	}
	oid, err := fields.ReadOID()
	if err != nil {
		return a, err
	}
	if a.OID, err = dottedOID(oid); err != nil {
		return a, err
	}
	if a.values, err = fields.Read(asn1ber.Set); err != nil {
		return a, err
	}
	return a, fields.End()
}

// attributes with an OID, in order.
func withOID(list []Attribute, oid string) []*Attribute {
	var out []*Attribute
	for i := range list {
		if list[i].OID == oid {
			out = append(out, &list[i])
		}
	}
	return out
}

// count of attributes with an OID, and the first of them.
func find(list []Attribute, oid string) (first *Attribute, n int) {
	for i := range list {
		if list[i].OID != oid {
			continue
		}
		if n == 0 {
			first = &list[i]
		}
		n++
	}
	return first, n
}

// looksLikeAttributes reports whether content could be signed attributes in disguise: a SET OF Attribute in BER.
// Signed attributes always hold content-type and message-digest, so anything with a member of another form is not.
func looksLikeAttributes(content []byte) bool {
	set, err := asn1ber.Parse(content, asn1ber.BER, asn1ber.Limits{Bytes: len(content) + 1})
	if err != nil || set.Tag != asn1ber.Set {
		return false
	}
	list, err := parseAttributes(set, len(content))
	return err == nil && len(list) > 0
}
