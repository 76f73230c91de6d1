package pkix

import (
	"errors"
	"fmt"

	"qaqpa/signer/asn1ber"
)

// ReasonFlags is a set of revocation reasons (RFC 5280 4.2.1.13); bit n of the extension is 1<<n.
type ReasonFlags uint16

// Reasons that a distribution point may be limited to.
const (
	FlagUnused ReasonFlags = 1 << iota
	FlagKeyCompromise
	FlagCACompromise
	FlagAffiliationChanged
	FlagSuperseded
	FlagCessationOfOperation
	FlagCertificateHold
	FlagPrivilegeWithdrawn
	FlagAACompromise
	// AllReasons are those that together leave nothing open (RFC 5280 6.3.2: all but the unused bit).
	AllReasons = FlagKeyCompromise | FlagCACompromise | FlagAffiliationChanged | FlagSuperseded |
		FlagCessationOfOperation | FlagCertificateHold | FlagPrivilegeWithdrawn | FlagAACompromise
)

// DistributionPointName says where a list is: under full names, any of which gives the same list, or a name relative to
// the issuer of the list.
type DistributionPointName struct {
	FullName []GeneralName
	Relative RDN
}

// DistributionPoint tells how revocation information is obtained (RFC 5280 4.2.1.13).
type DistributionPoint struct {
	Name       *DistributionPointName // nil when absent
	Reasons    ReasonFlags            // AllReasons when absent
	HasReasons bool
	CRLIssuer  []GeneralName
}

// URIs are the addresses of the list. They are one list at several places, not several lists.
func (d DistributionPoint) URIs() []string {
	if d.Name == nil {
		return nil
	}
	var out []string
	for _, n := range d.Name.FullName {
		if n.Kind == URI {
			out = append(out, n.Text)
		}
	}
	return out
}

const maxDistributionPoints = 1024

func (x *CertificateExtensions) readDistributionPoints(v asn1ber.Element) (err error) {
	x.CRLDistributionPoints, err = readDistributionPoints(v)
	return err
}

func (x *CertificateExtensions) readFreshestCRL(v asn1ber.Element) (err error) {
	x.FreshestCRL, err = readDistributionPoints(v)
	return err
}

func readDistributionPoints(v asn1ber.Element) ([]DistributionPoint, error) {
	r, err := enterSequence(v)
	if err != nil {
		return nil, err
	}
	if r.Empty() {
		return nil, errors.New("no distribution point")
	}
	var out []DistributionPoint
	for !r.Empty() {
		if len(out) == maxDistributionPoints {
			return nil, fmt.Errorf("%w: more than %d distribution points", asn1ber.ErrLimit, maxDistributionPoints)
		}
		d, err := readDistributionPoint(&r)
		if err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, nil
}

func readDistributionPoint(r *asn1ber.Reader) (d DistributionPoint, err error) {
	s, err := r.Enter(asn1ber.Sequence)
	if err != nil {
		return d, err
	}
	if d.Name, err = readPointName(&s); err != nil {
		return d, err
	}
	d.Reasons, d.HasReasons, err = readReasons(&s, 1)
	if err != nil {
		return d, err
	}
	issuer, ok, err := s.Optional(asn1ber.Context(2))
	if err != nil {
		return d, err
	}
	if ok {
		if d.CRLIssuer, err = readGeneralNames(issuer); err != nil {
			return d, err
		}
	}
	if d.Name == nil && d.CRLIssuer == nil {
		return d, errors.New("distribution point with neither name nor issuer (RFC 5280 4.2.1.13)")
	}
	return d, s.End()
}

// readPointName reads [0] DistributionPointName OPTIONAL.
func readPointName(s *asn1ber.Reader) (*DistributionPointName, error) {
	e, ok, err := s.Optional(asn1ber.Context(0))
	if err != nil || !ok {
		return nil, err
	}
	r, err := e.Children() // the tag is explicit: the name is a CHOICE
	if err != nil {
		return nil, err
	}
	choice, err := r.Next()
	if err != nil {
		return nil, err
	}
	out := &DistributionPointName{}
	switch choice.Tag {
	case asn1ber.Context(0):
		out.FullName, err = readGeneralNames(choice)
	case asn1ber.Context(1):
		out.Relative, err = readRDN(choice)
	default:
		err = fmt.Errorf("%w: %s in DistributionPointName", asn1ber.ErrSyntax, choice.Tag)
	}
	if err != nil {
		return nil, err
	}
	return out, r.End()
}

// readReasons reads [tag] ReasonFlags OPTIONAL.
func readReasons(s *asn1ber.Reader, tag int) (flags ReasonFlags, present bool, err error) {
	e, ok, err := s.Optional(asn1ber.Context(tag))
	if err != nil || !ok {
		return AllReasons, false, err
	}
	bits, err := namedBits(e, 9)
	return ReasonFlags(bits), true, err
}

// IssuingDistributionPoint is the scope of a CRL (RFC 5280 5.2.5).
type IssuingDistributionPoint struct {
	Name           *DistributionPointName
	OnlyUserCerts  bool
	OnlyCACerts    bool
	Reasons        ReasonFlags // AllReasons when absent
	HasReasons     bool
	Indirect       bool
	OnlyAttributes bool
}

func parseIssuingPoint(v asn1ber.Element) (*IssuingDistributionPoint, error) {
	r, err := enterSequence(v)
	if err != nil {
		return nil, err
	}
	p := &IssuingDistributionPoint{}
	if p.Name, err = readPointName(&r); err != nil {
		return nil, err
	}
	for i, at := range []*bool{1: &p.OnlyUserCerts, 2: &p.OnlyCACerts, 4: &p.Indirect, 5: &p.OnlyAttributes} {
		if i == 3 {
			if p.Reasons, p.HasReasons, err = readReasons(&r, 3); err != nil {
				return nil, err
			}
		}
		if at == nil {
			continue
		}
		e, ok, err := r.Optional(asn1ber.Context(i))
		if err != nil {
			return nil, err
		}
		if ok {
			if *at, err = e.Boolean(); err != nil {
				return nil, err
			}
		}
	}
	return p, r.End()
}
