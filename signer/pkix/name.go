package pkix

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"qaqpa/signer/asn1ber"
)

// Name is an X.501 distinguished name. The zero Name is empty.
type Name struct {
	Raw  []byte // DER, with its header
	RDNs []RDN  // from the root of the directory to the object, as they stand
	key  string
}

// RDN is a relative distinguished name: nearly always one attribute.
type RDN []Attribute

// Attribute is one type and value of a name.
type Attribute struct {
	Type  string // dotted OID
	Value string // the text as UTF-8; "#" and hexadecimal DER where the value is no string
	Tag   asn1ber.Tag
	Raw   []byte // the value, with its header
}

const (
	maxRDNs          = 256
	maxAttributesRDN = 32
)

// ParseName reads one DER Name and nothing after it.
func ParseName(der []byte) (Name, error) {
	r, err := asn1ber.New(der, asn1ber.DER, certificateLimits)
	if err != nil {
		return Name{}, err
	}
	n, err := readName(&r)
	if err != nil {
		return Name{}, fmt.Errorf("couldn't read name: %w", err)
	}
	return n, r.End()
}

func readName(r *asn1ber.Reader) (n Name, err error) {
	e, err := r.Read(asn1ber.Sequence)
	if err != nil {
		return n, err
	}
	n.Raw = e.Raw
	s, err := e.Children()
	if err != nil {
		return n, err
	}
	key := make([]byte, 0, 2*len(e.Content))
	n.RDNs = make([]RDN, 0, 8)
	for !s.Empty() {
		if len(n.RDNs) == maxRDNs {
			return n, fmt.Errorf("%w: name of more than %d parts", asn1ber.ErrLimit, maxRDNs)
		}
		set, err := s.Read(asn1ber.Set)
		if err != nil {
			return n, err
		}
		rdn, err := readRDN(set)
		if err != nil {
			return n, err
		}
		n.RDNs = append(n.RDNs, rdn)
		key = rdn.appendKey(key)
	}
	n.key = string(key)
	return n, nil
}

// readRDN reads the members of SET OF AttributeTypeAndValue, whose tag the caller has checked.
func readRDN(set asn1ber.Element) (RDN, error) {
	r, err := set.Children()
	if err != nil {
		return nil, err
	}
	if r.Empty() {
		return nil, fmt.Errorf("%w: empty part of a name", asn1ber.ErrSyntax)
	}
	rdn := make(RDN, 0, 1)
	for !r.Empty() {
		if len(rdn) == maxAttributesRDN {
			return nil, fmt.Errorf("%w: more than %d attributes", asn1ber.ErrLimit, maxAttributesRDN)
		}
		a, err := readAttribute(&r)
		if err != nil {
			return nil, err
		}
		rdn = append(rdn, a)
	}
	return rdn, nil
}

func readAttribute(r *asn1ber.Reader) (a Attribute, err error) {
	s, err := r.Enter(asn1ber.Sequence)
	if err != nil {
		return a, err
	}
	oid, err := s.ReadOID()
	if err != nil {
		return a, err
	}
	a.Type = dottedOID(oid)
	value, err := s.Next()
	if err != nil {
		return a, err
	}
	a.Tag, a.Raw = value.Tag, value.Raw
	if a.Value, err = value.Text(); err != nil {
		a.Value, a.Tag = "#"+hex.EncodeToString(value.Raw), 0
	}
	return a, s.End()
}

// appendKey appends the prepared form of an RDN. It says where it ends, so no key of a list of RDNs is the beginning of
// another unless the lists are.
func (d RDN) appendKey(key []byte) []byte {
	parts := make([]string, len(d))
	for i, a := range d {
		parts[i] = a.key()
	}
	if len(parts) > 1 {
		slices.SortFunc(parts, cmp.Compare[string]) // the members of a SET have no order
	}
	key = append(key, byte(len(parts))) //nolint:gosec // G115: at most maxAttributesRDN
	for _, p := range parts {
		n := len(p)
		key = append(key, byte(n>>16), byte(n>>8), byte(n)) //nolint:gosec // G115: a name is at most 1 MiB
		key = append(key, p...)
	}
	return key
}

func (a Attribute) key() string {
	if a.Tag == 0 {
		return a.Type + "=#" + string(a.Raw)
	}
	if prepared, ok := prepare(a.Value); ok {
		return a.Type + "=" + prepared
	}
	return a.Type + "=#" + string(a.Raw)
}

// Key is the prepared form: names are equal (RFC 5280 7.1) exactly when their keys are. It is opaque and holds for one
// version of this package.
func (n Name) Key() string { return n.key }

// Equal compares by RFC 5280 7.1.
func (n Name) Equal(o Name) bool { return n.key == o.key }

// Within reports whether n is base or lies below it (the directoryName constraint of RFC 5280 4.2.1.10).
func (n Name) Within(base Name) bool { return strings.HasPrefix(n.key, base.key) }

// Empty reports whether the name has no parts.
func (n Name) Empty() bool { return len(n.RDNs) == 0 }

// Child is the name with one part more: nameRelativeToCRLIssuer is one (RFC 5280 4.2.1.13).
func (n Name) Child(part RDN) Name {
	rdns := append(slices.Clone(n.RDNs), part)
	return Name{RDNs: rdns, key: string(part.appendKey([]byte(n.key)))}
}

// Attribute returns the values of all attributes of a type (dotted OID), in the order of the name.
func (n Name) Attribute(oid string) []string {
	var out []string
	for _, rdn := range n.RDNs {
		for _, a := range rdn {
			if a.Type == oid {
				out = append(out, a.Value)
			}
		}
	}
	return out
}

// First returns the first value of an attribute, or "".
func (n Name) First(oid string) string {
	for _, rdn := range n.RDNs {
		for _, a := range rdn {
			if a.Type == oid {
				return a.Value
			}
		}
	}
	return ""
}

// CommonName returns the last commonName, the most specific one, or "".
func (n Name) CommonName() string {
	if all := n.Attribute(AttrCommonName); len(all) > 0 {
		return all[len(all)-1]
	}
	return ""
}

// String writes the name as RFC 4514 does, the object first: "CN=…,O=…,C=KZ".
func (n Name) String() string {
	var b strings.Builder
	for _, rdn := range slices.Backward(n.RDNs) {
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		for j, a := range rdn {
			if j > 0 {
				b.WriteByte('+')
			}
			a.write(&b)
		}
	}
	return b.String()
}

func (a Attribute) write(b *strings.Builder) {
	short, ok := attributeNames[a.Type]
	if !ok {
		short = a.Type
	}
	b.WriteString(short)
	b.WriteByte('=')
	if a.Tag == 0 {
		b.WriteString(a.Value)
		return
	}
	for i, r := range a.Value {
		switch {
		case r == 0:
			b.WriteString(`\00`)
			continue
		case strings.ContainsRune(`"+,;<>\`, r), i == 0 && (r == ' ' || r == '#'), r == ' ' && i == len(a.Value)-1:
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
}

var attributeNames = map[string]string{
	AttrCommonName: "CN", AttrSurname: "SURNAME", AttrSerialNumber: "SERIALNUMBER", AttrCountry: "C",
	AttrLocality: "L", AttrState: "ST", AttrStreet: "STREET", AttrOrganization: "O", AttrOrgUnit: "OU",
	AttrTitle: "T", AttrBusinessCategory: "BUSINESSCATEGORY", AttrGivenName: "GIVENNAME", AttrUserID: "UID",
	AttrDomainComponent: "DC", AttrEmail: "E", AttrOrgIdentifier: "ORGANIZATIONIDENTIFIER",
}
