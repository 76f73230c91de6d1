package xmldsig

import (
	"encoding/hex"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"qaqpa/signer/asn1ber"
	"qaqpa/signer/pkix"
)

// attributeOIDs are the attribute types by the names that programs write in X509IssuerName, in upper case.
var attributeOIDs = map[string]string{
	"CN": pkix.AttrCommonName, "SN": pkix.AttrSurname, "SURNAME": pkix.AttrSurname, "SERIALNUMBER": pkix.AttrSerialNumber,
	"C": pkix.AttrCountry, "L": pkix.AttrLocality, "ST": pkix.AttrState, "S": pkix.AttrState, "STREET": pkix.AttrStreet,
	"O": pkix.AttrOrganization, "OU": pkix.AttrOrgUnit, "T": pkix.AttrTitle, "TITLE": pkix.AttrTitle,
	"BUSINESSCATEGORY": pkix.AttrBusinessCategory, "GN": pkix.AttrGivenName, "G": pkix.AttrGivenName,
	"GIVENNAME": pkix.AttrGivenName, "ORGANIZATIONIDENTIFIER": pkix.AttrOrgIdentifier, "UID": pkix.AttrUserID,
	"DC": pkix.AttrDomainComponent, "E": pkix.AttrEmail, "EMAIL": pkix.AttrEmail, "EMAILADDRESS": pkix.AttrEmail,
	"POSTALCODE": "2.5.4.17", "INITIALS": "2.5.4.43", "GENERATION": "2.5.4.44", "DNQUALIFIER": "2.5.4.46",
	"DNQ": "2.5.4.46", "PSEUDONYM": "2.5.4.65", "NAME": "2.5.4.41", "DESCRIPTION": "2.5.4.13",
}

const maxNameOctets = 8 << 10

// readName reads a name as RFC 4514 or its predecessors write it, in both orders of its parts: the RFC has the most specific
// part first, other programs last. What cannot be read is no name at all. Names are then compared by RFC 5280 7.1.
func readName(written string) []pkix.Name {
	names := []pkix.Name{}
	parts, err := splitName(written)
	if err != nil {
		return names
	}
	for range 2 {
		if n, err := pkix.ParseName(asn1ber.Wrap(asn1ber.Sequence, parts...)); err == nil && !n.Empty() {
			names = append(names, n)
		}
		slices.Reverse(parts)
	}
	return names
}

// splitName encodes the parts of a written name, in its order.
func splitName(s string) (rdns [][]byte, err error) {
	if len(s) > maxNameOctets {
		return nil, fmt.Errorf("%w: name of %d octets", ErrMalformed, len(s))
	}
	p := nameReader{s: s}
	for {
		var members [][]byte
		for {
			m, err := p.attribute()
			if err != nil {
				return nil, err
			}
			members = append(members, m)
			if !p.take('+') {
				break
			}
		}
		rdns = append(rdns, asn1ber.SetOf(asn1ber.Set, members...))
		switch {
		case p.take(','), p.take(';'):
		case p.pos == len(p.s):
			return rdns, nil
		default:
			return nil, fmt.Errorf("%w: name", ErrMalformed)
		}
	}
}

type nameReader struct {
	s   string
	pos int
}

func (p *nameReader) space() {
	for p.pos < len(p.s) && strings.IndexByte(" \t\r\n", p.s[p.pos]) >= 0 {
		p.pos++
	}
}

func (p *nameReader) take(c byte) bool {
	if p.pos < len(p.s) && p.s[p.pos] == c {
		p.pos++
		return true
	}
	return false
}

func (p *nameReader) attribute() ([]byte, error) {
	p.space()
	n := strings.IndexByte(p.s[p.pos:], '=')
	if n < 0 {
		return nil, fmt.Errorf("%w: name without =", ErrMalformed)
	}
	kind := strings.ToUpper(strings.TrimSpace(p.s[p.pos : p.pos+n]))
	p.pos += n + 1
	oid, ok := attributeOIDs[kind]
	if !ok {
		oid = strings.TrimPrefix(kind, "OID.")
	}
	encodedOID, err := asn1ber.EncodedOID(oid)
	if err != nil {
		return nil, err
	}
	p.space()
	value, err := p.value()
	if err != nil {
		return nil, err
	}
	p.space()
	return asn1ber.Wrap(asn1ber.Sequence, encodedOID, value), nil
}

// value reads "#" and hexadecimal DER, a string in quotation marks, or one with escapes.
func (p *nameReader) value() ([]byte, error) {
	if p.take('#') {
		end := p.pos
		for end < len(p.s) && strings.IndexByte(",;+ ", p.s[end]) < 0 {
			end++
		}
		der, err := hex.DecodeString(p.s[p.pos:end])
		p.pos = end
		return der, err
	}
	quoted := p.take('"')
	var out []byte
	kept := 0 // white space behind this is not part of the value
	for p.pos < len(p.s) {
		c := p.s[p.pos]
		switch {
		case c == '\\':
			out = append(out, p.escape()...)
			kept = len(out)
			continue
		case quoted && c == '"':
			p.pos++
			return asn1ber.Primitive(asn1ber.UTF8String, out), nil
		case !quoted && strings.IndexByte(",;+", c) >= 0:
			return asn1ber.Primitive(asn1ber.UTF8String, out[:kept]), nil
		}
		out = append(out, c)
		if c != ' ' {
			kept = len(out)
		}
		p.pos++
	}
	if quoted {
		return nil, fmt.Errorf("%w: name with an open quotation mark", ErrMalformed)
	}
	return asn1ber.Primitive(asn1ber.UTF8String, out[:kept]), nil
}

// escape reads a backslash with two hexadecimal digits or one character.
func (p *nameReader) escape() []byte {
	rest := p.s[p.pos+1:]
	if len(rest) >= 2 {
		if b, err := hex.DecodeString(rest[:2]); err == nil {
			p.pos += 3
			return b
		}
	}
	if rest == "" {
		p.pos++
		return nil
	}
	p.pos += 2
	return []byte{rest[0]}
}

// serialOf is a certificate's serial number.
func serialOf(c *pkix.Certificate) *big.Int {
	n := new(big.Int).SetBytes(c.Serial)
	if len(c.Serial) > 0 && c.Serial[0] >= 0x80 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(c.Serial))))
	}
	return n
}
