package pkix

import (
	"crypto/sha256"
	"fmt"
	"time"

	"qaqpa/signer/asn1ber"
)

// AttributeCertificate is what an attribute certificate says (RFC 5755 4.1). Its signature is not verified here and its
// attributes grant nothing by themselves: it is for showing.
type AttributeCertificate struct {
	Raw         []byte
	Issuer      []GeneralName
	Serial      []byte // contents of the INTEGER
	NotBefore   time.Time
	NotAfter    time.Time
	Attributes  []string // dotted OIDs
	Fingerprint [sha256.Size]byte
}

// attributeCertLimits bound one attribute certificate.
var attributeCertLimits = asn1ber.Limits{Bytes: 1 << 20, Depth: 32, Elements: 1 << 14}

// ParseAttributeCertificate reads an attribute certificate of version 2 in DER or BER; the outer tag may be the one under which
// CMS carries it. Errors: asn1ber.ErrSyntax, asn1ber.ErrLimit.
func ParseAttributeCertificate(raw []byte) (*AttributeCertificate, error) {
	e, err := asn1ber.Parse(raw, asn1ber.BER, attributeCertLimits)
	if err != nil {
		return nil, fmt.Errorf("couldn't read attribute certificate: %w", err)
	}
	c := &AttributeCertificate{Raw: raw, Fingerprint: sha256.Sum256(raw)}
	if err := c.parse(e); err != nil {
		return nil, fmt.Errorf("couldn't read attribute certificate: %w", err)
	}
	return c, nil
}

func (c *AttributeCertificate) parse(e asn1ber.Element) error {
	outer, err := e.Children()
	if err != nil {
		return err
	}
	r, err := outer.Enter(asn1ber.Sequence)
	if err != nil {
		return err
	}
	if _, err := r.Read(asn1ber.Integer); err != nil { // version
		return err
	}
	if _, err := r.Read(asn1ber.Sequence); err != nil { // holder
		return err
	}
	if err := c.parseIssuer(&r); err != nil {
		return err
	}
	if _, err := r.Read(asn1ber.Sequence); err != nil { // signature
		return err
	}
	serial, err := r.Read(asn1ber.Integer)
	if err != nil {
		return err
	}
	if c.Serial, err = serial.Integer(); err != nil {
		return err
	}
	validity, err := r.Enter(asn1ber.Sequence)
	if err != nil {
		return err
	}
	for _, to := range []*time.Time{&c.NotBefore, &c.NotAfter} {
		t, err := validity.Read(asn1ber.GeneralizedTime)
		if err != nil {
			return err
		}
		if *to, err = t.Time(); err != nil {
			return err
		}
	}
	attributes, err := r.Enter(asn1ber.Sequence)
	if err != nil {
		return err
	}
	for !attributes.Empty() {
		a, err := attributes.Enter(asn1ber.Sequence)
		if err != nil {
			return err
		}
		oid, err := a.ReadOID()
		if err != nil {
			return err
		}
		dotted, err := asn1ber.DottedOID(oid)
		if err != nil {
			return err
		}
		c.Attributes = append(c.Attributes, dotted)
	}
	return nil
}

// parseIssuer reads AttCertIssuer: GeneralNames, or [0] V2Form with GeneralNames in it.
func (c *AttributeCertificate) parseIssuer(r *asn1ber.Reader) error {
	e, err := r.Next()
	if err != nil {
		return err
	}
	if e.Tag == asn1ber.Context(0) {
		form, err := e.Children()
		if err != nil {
			return err
		}
		names, ok, err := form.Optional(asn1ber.Sequence)
		if err != nil || !ok {
			return err
		}
		e = names
	}
	if e.Tag != asn1ber.Sequence {
		return fmt.Errorf("%w: issuer is %s", asn1ber.ErrSyntax, e.Tag)
	}
	c.Issuer, err = readGeneralNames(e)
	return err
}

// IssuerText is the issuer's first directory name, else an empty text.
func (c *AttributeCertificate) IssuerText() string {
	for i := range c.Issuer {
		if c.Issuer[i].Kind == DirectoryName {
			return c.Issuer[i].Directory.String()
		}
	}
	return ""
}
