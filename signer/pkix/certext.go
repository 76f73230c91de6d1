package pkix

import (
	"errors"
	"fmt"
	"math"

	"qaqpa/signer/asn1ber"
)

// KeyUsage is the set of bits of the Key Usage extension (RFC 5280 4.2.1.3).
type KeyUsage uint16

// Key usages; bit n of the extension is 1<<n.
const (
	DigitalSignature KeyUsage = 1 << iota
	NonRepudiation            // contentCommitment
	KeyEncipherment
	DataEncipherment
	KeyAgreement
	KeyCertSign
	CRLSign
	EncipherOnly
	DecipherOnly
)

// Has reports whether all bits of u are set.
func (k KeyUsage) Has(u KeyUsage) bool { return k&u == u }

// CertificateExtensions are the extensions of a certificate, read. A pointer or slice is nil where the extension is
// absent; where it is malformed, its OID is in Defects and the field may be partly filled.
type CertificateExtensions struct {
	KeyUsage    KeyUsage
	HasKeyUsage bool
	EKU         []string // extended key usages, dotted
	HasEKU      bool

	HasBasicConstraints bool
	IsCA                bool
	PathLen             int // certificates that may follow; -1: no limit

	SubjectKeyID   []byte
	AuthorityKeyID *AuthorityKeyID

	Policies          []PolicyInformation
	PolicyMappings    []PolicyMapping
	PolicyConstraints *PolicyConstraints
	InhibitAnyPolicy  int // certificates after which anyPolicy does not count; -1: absent

	NameConstraints *NameConstraints
	SubjectAltName  []GeneralName
	IssuerAltName   []GeneralName

	CRLDistributionPoints []DistributionPoint
	FreshestCRL           []DistributionPoint
	OCSPServers           []string // URIs of Authority Information Access
	CAIssuers             []string

	OCSPNoCheck bool // RFC 6960 4.2.2.2.1
	NoRevAvail  bool // RFC 9608

	UnknownCritical []string // critical extensions that this package does not read
	Defects         []Defect
}

// AuthorityKeyID names the key that signed (RFC 5280 4.2.1.1).
type AuthorityKeyID struct {
	KeyID  []byte // nil when absent
	Issuer []GeneralName
	Serial []byte // nil when absent
}

// PolicyConstraints holds both counters (RFC 5280 4.2.1.11); -1: absent.
type PolicyConstraints struct {
	RequireExplicitPolicy int
	InhibitPolicyMapping  int
}

var extensionLimits = asn1ber.Limits{Bytes: maxCertificateBytes, Depth: 32, Elements: 1 << 16}

// defect records a fault; err is not nil.
func (x *CertificateExtensions) defect(oid string, err error) {
	x.Defects = append(x.Defects, Defect{OID: oid, Err: err})
}

// interpret reads the values of the extensions; err is that of reading the list.
func (c *Certificate) interpret(err error) error {
	if err != nil {
		return err
	}
	c.PathLen, c.InhibitAnyPolicy = -1, -1
	for i := range c.Extensions {
		x := &c.Extensions[i]
		read, known := certificateReaders[x.OID]
		if !known {
			if x.Critical {
				c.UnknownCritical = append(c.UnknownCritical, x.OID)
			}
			continue
		}
		if read == nil {
			continue
		}
		if x.OID == OIDOCSPNoCheck && len(x.Value) == 0 { // so the national responders have it, where NULL is due
			c.OCSPNoCheck = true
			continue
		}
		value, err := asn1ber.Parse(x.Value, asn1ber.DER, extensionLimits)
		if err == nil {
			err = read(&c.CertificateExtensions, value)
		}
		if err != nil {
			c.defect(x.OID, err)
		}
	}
	return nil
}

// certificateReaders are the extensions that are understood. Those without a reader say nothing that a path needs.
var certificateReaders = map[string]func(*CertificateExtensions, asn1ber.Element) error{
	OIDKeyUsage:              (*CertificateExtensions).readKeyUsage,
	OIDExtendedKeyUsage:      (*CertificateExtensions).readEKU,
	OIDBasicConstraints:      (*CertificateExtensions).readBasicConstraints,
	OIDSubjectKeyID:          (*CertificateExtensions).readSubjectKeyID,
	OIDAuthorityKeyID:        (*CertificateExtensions).readAuthorityKeyID,
	OIDCertificatePolicies:   (*CertificateExtensions).readPolicies,
	OIDPolicyMappings:        (*CertificateExtensions).readMappings,
	OIDPolicyConstraints:     (*CertificateExtensions).readPolicyConstraints,
	OIDInhibitAnyPolicy:      (*CertificateExtensions).readInhibitAnyPolicy,
	OIDNameConstraints:       (*CertificateExtensions).readNameConstraints,
	OIDSubjectAltName:        (*CertificateExtensions).readSubjectAltName,
	OIDIssuerAltName:         (*CertificateExtensions).readIssuerAltName,
	OIDCRLDistributionPoints: (*CertificateExtensions).readDistributionPoints,
	OIDFreshestCRL:           (*CertificateExtensions).readFreshestCRL,
	OIDAuthorityInfoAccess:   (*CertificateExtensions).readAuthorityInfo,
	OIDOCSPNoCheck:           (*CertificateExtensions).readOCSPNoCheck,
	OIDNoRevAvail:            (*CertificateExtensions).readNoRevAvail,
	OIDSubjectInfoAccess:     nil,
	OIDQCStatements:          nil,
}

func (x *CertificateExtensions) readKeyUsage(v asn1ber.Element) error {
	x.HasKeyUsage = true // a malformed one allows nothing
	bits, err := namedBits(v, 9)
	x.KeyUsage = KeyUsage(bits)
	return err
}

// namedBits reads a BIT STRING with named bits: bit n of the string is 1<<n of the result. Bits from limit on are
// dropped.
func namedBits(v asn1ber.Element, limit int) (uint16, error) {
	if v.Tag != asn1ber.BitString && !v.Tag.IsContext() {
		return 0, fmt.Errorf("%w: %s where BIT STRING is due", asn1ber.ErrSyntax, v.Tag)
	}
	octets, unused, err := v.BitString()
	if err != nil {
		return 0, err
	}
	var out uint16
	for n := 0; n < limit && n < len(octets)*8-unused; n++ {
		if octets[n/8]&(0x80>>(n%8)) != 0 {
			out |= 1 << n
		}
	}
	return out, nil
}

func (x *CertificateExtensions) readEKU(v asn1ber.Element) error {
	x.HasEKU = true
	r, err := enterSequence(v)
	if err != nil {
		return err
	}
	if r.Empty() {
		return errors.New("no key purpose")
	}
	for !r.Empty() {
		oid, err := r.ReadOID()
		if err != nil {
			return err
		}
		x.EKU = append(x.EKU, dottedOID(oid))
	}
	return nil
}

func enterSequence(v asn1ber.Element) (asn1ber.Reader, error) {
	if v.Tag != asn1ber.Sequence {
		return asn1ber.Reader{}, fmt.Errorf("%w: %s where SEQUENCE is due", asn1ber.ErrSyntax, v.Tag)
	}
	return v.Children()
}

func (x *CertificateExtensions) readBasicConstraints(v asn1ber.Element) error {
	x.HasBasicConstraints = true
	r, err := enterSequence(v)
	if err != nil {
		return err
	}
	ca, ok, err := r.Optional(asn1ber.Boolean)
	if err != nil {
		return err
	}
	isCA := false
	if ok {
		if isCA, err = ca.Boolean(); err != nil {
			return err
		}
	}
	if length, ok, err := r.Optional(asn1ber.Integer); err != nil {
		return err
	} else if ok {
		if x.PathLen, err = counter(length); err != nil {
			return err
		}
	}
	if err := r.End(); err != nil {
		return err
	}
	x.IsCA = isCA
	return nil
}

// counter reads INTEGER (0..MAX) that counts certificates; values beyond any path are cut to MaxInt32.
func counter(e asn1ber.Element) (int, error) {
	c, err := e.Integer()
	if err != nil {
		return 0, err
	}
	if c[0]&0x80 != 0 {
		return 0, fmt.Errorf("%w: negative counter", asn1ber.ErrSyntax)
	}
	v, err := e.Int64()
	if err != nil || v > math.MaxInt32 {
		return math.MaxInt32, nil //nolint:nilerr // a number of more than 64 bits is a large counter, not a fault
	}
	return int(v), nil
}

func (x *CertificateExtensions) readSubjectKeyID(v asn1ber.Element) error {
	if v.Tag != asn1ber.OctetString {
		return fmt.Errorf("%w: %s where OCTET STRING is due", asn1ber.ErrSyntax, v.Tag)
	}
	x.SubjectKeyID = v.Content
	return nil
}

func (x *CertificateExtensions) readAuthorityKeyID(v asn1ber.Element) (err error) {
	x.AuthorityKeyID, err = parseAuthorityKeyID(v)
	return err
}

func parseAuthorityKeyID(v asn1ber.Element) (*AuthorityKeyID, error) {
	r, err := enterSequence(v)
	if err != nil {
		return nil, err
	}
	out := &AuthorityKeyID{}
	if e, ok, err := r.Optional(asn1ber.Context(0)); err != nil {
		return nil, err
	} else if ok {
		if out.KeyID, err = e.OctetString(); err != nil {
			return nil, err
		}
	}
	if e, ok, err := r.Optional(asn1ber.Context(1)); err != nil {
		return nil, err
	} else if ok {
		if out.Issuer, err = readGeneralNames(e); err != nil {
			return nil, err
		}
	}
	if e, ok, err := r.Optional(asn1ber.Context(2)); err != nil {
		return nil, err
	} else if ok {
		if out.Serial, err = e.Integer(); err != nil {
			return nil, err
		}
	}
	if (out.Issuer == nil) != (out.Serial == nil) {
		return nil, errors.New("issuer and serial number are not both there")
	}
	return out, r.End()
}

// readSubjectAltName takes an empty list, which RFC 5280 4.2.1.6 forbids and which says nothing, for no names.
func (x *CertificateExtensions) readSubjectAltName(v asn1ber.Element) (err error) {
	if v.Tag == asn1ber.Sequence && v.Constructed && len(v.Content) == 0 {
		return nil
	}
	x.SubjectAltName, err = readNamesExtension(v)
	return err
}

func (x *CertificateExtensions) readIssuerAltName(v asn1ber.Element) (err error) {
	x.IssuerAltName, err = readNamesExtension(v)
	return err
}

func readNamesExtension(v asn1ber.Element) ([]GeneralName, error) {
	if v.Tag != asn1ber.Sequence {
		return nil, fmt.Errorf("%w: %s where SEQUENCE is due", asn1ber.ErrSyntax, v.Tag)
	}
	return readGeneralNames(v)
}

func (x *CertificateExtensions) readAuthorityInfo(v asn1ber.Element) error {
	r, err := enterSequence(v)
	if err != nil {
		return err
	}
	if r.Empty() {
		return errors.New("no access description")
	}
	for !r.Empty() {
		d, err := r.Enter(asn1ber.Sequence)
		if err != nil {
			return err
		}
		method, err := d.ReadOID()
		if err != nil {
			return err
		}
		location, err := readGeneralName(&d, false)
		if err != nil {
			return err
		}
		if err := d.End(); err != nil {
			return err
		}
		if location.Kind != URI {
			continue
		}
		switch dottedOID(method) {
		case oidAccessOCSP:
			x.OCSPServers = append(x.OCSPServers, location.Text)
		case oidAccessCAIssuers:
			x.CAIssuers = append(x.CAIssuers, location.Text)
		}
	}
	return nil
}

func (x *CertificateExtensions) readOCSPNoCheck(v asn1ber.Element) error {
	if v.Tag != asn1ber.Null {
		return fmt.Errorf("%w: %s where NULL is due", asn1ber.ErrSyntax, v.Tag)
	}
	x.OCSPNoCheck = true
	return v.Null()
}

func (x *CertificateExtensions) readNoRevAvail(v asn1ber.Element) error {
	if v.Tag != asn1ber.Null {
		return fmt.Errorf("%w: %s where NULL is due", asn1ber.ErrSyntax, v.Tag)
	}
	x.NoRevAvail = true
	return v.Null()
}
