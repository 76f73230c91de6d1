package pkix

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"qaqpa/signer/asn1ber"
)

// NameKind is the form of a GeneralName; its values are the tags of RFC 5280 4.2.1.6.
type NameKind uint8

// Forms of GeneralName.
const (
	OtherName NameKind = iota
	RFC822Name
	DNSName
	X400Address
	DirectoryName
	EDIPartyName
	URI
	IPAddress
	RegisteredID
)

// String names the form as RFC 5280 does.
func (k NameKind) String() string {
	names := [...]string{
		"otherName", "rfc822Name", "dNSName", "x400Address", "directoryName", "ediPartyName",
		"uniformResourceIdentifier", "iPAddress", "registeredID",
	}
	if int(k) < len(names) {
		return names[k]
	}
	return "unknown name form"
}

// GeneralName is a name in one of nine forms.
type GeneralName struct {
	Kind NameKind
	// Text is the value of rfc822Name, dNSName and URI; the dotted OID of registeredID; the dotted type of otherName.
	Text      string
	Directory *Name  // of directoryName
	IP        []byte // 4 or 16 octets; in name constraints twice as many: address and mask
	Value     []byte // of otherName: DER of the value
	Raw       []byte // the whole GeneralName, with its tag
}

const maxGeneralNames = 4096

// readGeneralNames reads the members of e, whose tag the caller has checked; at least one is due.
func readGeneralNames(e asn1ber.Element) ([]GeneralName, error) {
	r, err := e.Children()
	if err != nil {
		return nil, err
	}
	if r.Empty() {
		return nil, errors.New("empty list of names")
	}
	var out []GeneralName
	for !r.Empty() {
		if len(out) == maxGeneralNames {
			return nil, fmt.Errorf("%w: more than %d names", asn1ber.ErrLimit, maxGeneralNames)
		}
		n, err := readGeneralName(&r, false)
		if err != nil {
			return nil, err
		}
		out = append(out, n)
	}
	return out, nil
}

// readGeneralName reads one; constraint says that it is the base of a name constraint, where addresses have masks.
func readGeneralName(r *asn1ber.Reader, constraint bool) (n GeneralName, err error) {
	e, err := r.Next()
	if err != nil {
		return n, err
	}
	if !e.Tag.IsContext() || e.Tag.Number() > int(RegisteredID) {
		return n, fmt.Errorf("%w: %s where GeneralName is due", asn1ber.ErrSyntax, e.Tag)
	}
	n.Kind, n.Raw = NameKind(e.Tag.Number()), e.Raw //nolint:gosec // G115: at most 8
	switch n.Kind {
	case OtherName:
		err = n.readOther(e)
	case RFC822Name, DNSName, URI:
		n.Text, err = ia5(e)
	case DirectoryName:
		err = n.readDirectory(e)
	case IPAddress:
		err = n.readIP(e, constraint)
	case RegisteredID:
		var oid []byte
		if oid, err = e.OID(); err == nil {
			n.Text = dottedOID(oid)
		}
	case X400Address, EDIPartyName:
		n.Value = e.Content
	}
	if err != nil {
		return n, fmt.Errorf("%s: %w", n.Kind, err)
	}
	return n, nil
}

func ia5(e asn1ber.Element) (string, error) {
	if e.Constructed {
		return "", fmt.Errorf("%w: constructed IA5String", asn1ber.ErrSyntax)
	}
	for _, c := range e.Content {
		if c >= 0x80 {
			return "", fmt.Errorf("%w: IA5String with octet %02x", asn1ber.ErrSyntax, c)
		}
	}
	return string(e.Content), nil
}

func (n *GeneralName) readOther(e asn1ber.Element) error {
	r, err := e.Children()
	if err != nil {
		return err
	}
	oid, err := r.ReadOID()
	if err != nil {
		return err
	}
	n.Text = dottedOID(oid)
	value, err := r.Read(asn1ber.Context(0))
	if err != nil {
		return err
	}
	n.Value = value.Content
	return r.End()
}

func (n *GeneralName) readDirectory(e asn1ber.Element) error {
	r, err := e.Children() // the tag is explicit: Name is a CHOICE
	if err != nil {
		return err
	}
	name, err := readName(&r)
	if err != nil {
		return err
	}
	n.Directory = &name
	return r.End()
}

func (n *GeneralName) readIP(e asn1ber.Element, constraint bool) error {
	b, err := e.OctetString()
	if err != nil {
		return err
	}
	short, long := 4, 16
	if constraint {
		short, long = 8, 32
	}
	if len(b) != short && len(b) != long {
		return fmt.Errorf("%w: address of %d octets", asn1ber.ErrSyntax, len(b))
	}
	n.IP = b
	return nil
}

// Equal reports whether both are the same name: directory names by [Name.Equal], host names without regard to case,
// mail addresses with regard to case in the local part only (RFC 5280 7.2, 7.5), everything else by its octets.
func (n GeneralName) Equal(o GeneralName) bool {
	if n.Kind != o.Kind {
		return false
	}
	switch n.Kind {
	case DirectoryName:
		return n.Directory.Equal(*o.Directory)
	case DNSName:
		return asciiFold(n.Text) == asciiFold(o.Text)
	case RFC822Name:
		return mailKey(n.Text) == mailKey(o.Text)
	case OtherName, X400Address, EDIPartyName, URI, IPAddress, RegisteredID:
	}
	return bytes.Equal(n.Raw, o.Raw)
}

func mailKey(s string) string {
	at := strings.LastIndexByte(s, '@')
	return s[:at+1] + asciiFold(s[at+1:])
}

func asciiFold(s string) string {
	for i := range len(s) {
		if 'A' <= s[i] && s[i] <= 'Z' {
			return strings.Map(func(r rune) rune {
				if 'A' <= r && r <= 'Z' {
					return r + ('a' - 'A')
				}
				return r
			}, s)
		}
	}
	return s
}

// String shows the name with its form, such as "DNS:example.kz".
func (n GeneralName) String() string {
	switch n.Kind {
	case DirectoryName:
		return "dirName:" + n.Directory.String()
	case DNSName:
		return "DNS:" + n.Text
	case RFC822Name:
		return "email:" + n.Text
	case URI:
		return "URI:" + n.Text
	case RegisteredID:
		return "RID:" + n.Text
	case OtherName:
		return "otherName:" + n.Text
	case IPAddress:
		return "IP:" + ipString(n.IP)
	case X400Address, EDIPartyName:
	}
	return n.Kind.String()
}

func ipString(ip []byte) string {
	if a, ok := netip.AddrFromSlice(ip); ok {
		return a.String()
	}
	half := len(ip) / 2
	a, _ := netip.AddrFromSlice(ip[:half])
	m, _ := netip.AddrFromSlice(ip[half:])
	return a.String() + "/" + m.String()
}

// NameConstraints bounds the names of the certificates below a CA (RFC 5280 4.2.1.10).
type NameConstraints struct {
	Permitted, Excluded []GeneralSubtree
}

// GeneralSubtree is a set of names. RFC 5280 allows Minimum 0 and Maximum -1 (absent) only.
type GeneralSubtree struct {
	Base             GeneralName
	Minimum, Maximum int
}

func (x *CertificateExtensions) readNameConstraints(v asn1ber.Element) error {
	x.NameConstraints = &NameConstraints{}
	r, err := enterSequence(v)
	if err != nil {
		return err
	}
	if r.Empty() {
		return errors.New("neither permitted nor excluded names are there (RFC 5280 4.2.1.10)")
	}
	for i, at := range []*[]GeneralSubtree{&x.NameConstraints.Permitted, &x.NameConstraints.Excluded} {
		e, ok, err := r.Optional(asn1ber.Context(i))
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		if *at, err = readSubtrees(e); err != nil {
			return err
		}
	}
	return r.End()
}

func readSubtrees(e asn1ber.Element) ([]GeneralSubtree, error) {
	r, err := e.Children()
	if err != nil {
		return nil, err
	}
	if r.Empty() {
		return nil, errors.New("empty list of subtrees")
	}
	var out []GeneralSubtree
	for !r.Empty() {
		if len(out) == maxGeneralNames {
			return nil, fmt.Errorf("%w: more than %d subtrees", asn1ber.ErrLimit, maxGeneralNames)
		}
		t, err := readSubtree(&r)
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}

func readSubtree(r *asn1ber.Reader) (t GeneralSubtree, err error) {
	t.Maximum = -1
	s, err := r.Enter(asn1ber.Sequence)
	if err != nil {
		return t, err
	}
	if t.Base, err = readGeneralName(&s, true); err != nil {
		return t, err
	}
	for i, at := range []*int{&t.Minimum, &t.Maximum} {
		e, ok, err := s.Optional(asn1ber.Context(i))
		if err != nil {
			return t, err
		}
		if !ok {
			continue
		}
		if *at, err = counter(e); err != nil {
			return t, err
		}
	}
	return t, s.End()
}
