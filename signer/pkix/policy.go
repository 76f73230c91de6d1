package pkix

import (
	"errors"
	"fmt"

	"qaqpa/signer/asn1ber"
)

// PolicyInformation is one policy of the Certificate Policies extension (RFC 5280 4.2.1.4).
type PolicyInformation struct {
	OID        string
	Qualifiers []PolicyQualifier
}

// PolicyQualifier is a statement attached to a policy.
type PolicyQualifier struct {
	OID    string
	Raw    []byte      // DER of the qualifier's value
	CPS    string      // address of the practice statement, for id-qt-cps
	Notice *UserNotice // for id-qt-unotice; nil where it cannot be read
}

// UserNotice is text that is to be shown to the relying party.
type UserNotice struct {
	Organization string // of the reference
	Numbers      []int64
	Text         string
}

// PolicyMapping says that the issuer's policy is worth the subject's (RFC 5280 4.2.1.5).
type PolicyMapping struct {
	IssuerDomain, SubjectDomain string
}

const (
	maxPolicies       = 1024
	maxNoticeNumbers  = 64
	maxPolicyMappings = 1024
	maxQualifiers     = 64
)

func (x *CertificateExtensions) readPolicies(v asn1ber.Element) error {
	r, err := enterSequence(v)
	if err != nil {
		return err
	}
	if r.Empty() {
		return errors.New("no policy")
	}
	seen := make(map[string]bool, 4)
	for !r.Empty() {
		p, err := readPolicy(&r)
		if err != nil {
			return err
		}
		if seen[p.OID] {
			return fmt.Errorf("policy %s stands twice", p.OID)
		}
		if len(x.Policies) == maxPolicies {
			return fmt.Errorf("%w: more than %d policies", asn1ber.ErrLimit, maxPolicies)
		}
		seen[p.OID] = true
		x.Policies = append(x.Policies, p)
	}
	return nil
}

func readPolicy(r *asn1ber.Reader) (p PolicyInformation, err error) {
	s, err := r.Enter(asn1ber.Sequence)
	if err != nil {
		return p, err
	}
	oid, err := s.ReadOID()
	if err != nil {
		return p, err
	}
	p.OID = dottedOID(oid)
	if s.Empty() {
		return p, nil
	}
	list, err := s.Enter(asn1ber.Sequence)
	if err != nil {
		return p, err
	}
	for !list.Empty() {
		if len(p.Qualifiers) == maxQualifiers {
			return p, fmt.Errorf("%w: more than %d qualifiers", asn1ber.ErrLimit, maxQualifiers)
		}
		q, err := readQualifier(&list)
		if err != nil {
			return p, err
		}
		p.Qualifiers = append(p.Qualifiers, q)
	}
	return p, s.End()
}

func readQualifier(r *asn1ber.Reader) (q PolicyQualifier, err error) {
	s, err := r.Enter(asn1ber.Sequence)
	if err != nil {
		return q, err
	}
	oid, err := s.ReadOID()
	if err != nil {
		return q, err
	}
	q.OID = dottedOID(oid)
	value, err := s.Next()
	if err != nil {
		return q, err
	}
	q.Raw = value.Raw
	// Qualifiers are shown and decide nothing: one that cannot be read is left as it stands.
	switch q.OID {
	case oidQualifierCPS:
		if text, err := value.Text(); err == nil {
			q.CPS = text
		}
	case oidQualifierNotice:
		if notice, err := readNotice(value); err == nil {
			q.Notice = &notice
		}
	}
	return q, s.End()
}

func readNotice(v asn1ber.Element) (n UserNotice, err error) {
	r, err := enterSequence(v)
	if err != nil {
		return n, err
	}
	ref, ok, err := r.Optional(asn1ber.Sequence)
	if err != nil {
		return n, err
	}
	if ok {
		if err := n.readReference(ref); err != nil {
			return n, err
		}
	}
	if r.Empty() {
		return n, nil
	}
	text, err := r.Next()
	if err != nil {
		return n, err
	}
	if n.Text, err = text.Text(); err != nil {
		return n, err
	}
	return n, r.End()
}

func (n *UserNotice) readReference(ref asn1ber.Element) error {
	r, err := ref.Children()
	if err != nil {
		return err
	}
	organization, err := r.Next()
	if err != nil {
		return err
	}
	if n.Organization, err = organization.Text(); err != nil {
		return err
	}
	numbers, err := r.Enter(asn1ber.Sequence)
	if err != nil {
		return err
	}
	for !numbers.Empty() && len(n.Numbers) < maxNoticeNumbers {
		e, err := numbers.Read(asn1ber.Integer)
		if err != nil {
			return err
		}
		v, err := e.Int64()
		if err != nil {
			return err
		}
		n.Numbers = append(n.Numbers, v)
	}
	return r.End()
}

func (x *CertificateExtensions) readMappings(v asn1ber.Element) error {
	r, err := enterSequence(v)
	if err != nil {
		return err
	}
	if r.Empty() {
		return errors.New("no policy mapping")
	}
	for !r.Empty() {
		pair, err := r.Enter(asn1ber.Sequence)
		if err != nil {
			return err
		}
		issuer, err := pair.ReadOID()
		if err != nil {
			return err
		}
		subject, err := pair.ReadOID()
		if err != nil {
			return err
		}
		if err := pair.End(); err != nil {
			return err
		}
		if len(x.PolicyMappings) == maxPolicyMappings {
			return fmt.Errorf("%w: more than %d policy mappings", asn1ber.ErrLimit, maxPolicyMappings)
		}
		x.PolicyMappings = append(x.PolicyMappings, PolicyMapping{dottedOID(issuer), dottedOID(subject)})
	}
	return nil
}

func (x *CertificateExtensions) readPolicyConstraints(v asn1ber.Element) error {
	x.PolicyConstraints = &PolicyConstraints{RequireExplicitPolicy: -1, InhibitPolicyMapping: -1}
	r, err := enterSequence(v)
	if err != nil {
		return err
	}
	if r.Empty() {
		return errors.New("neither constraint is there (RFC 5280 4.2.1.11)")
	}
	for i, at := range []*int{&x.PolicyConstraints.RequireExplicitPolicy, &x.PolicyConstraints.InhibitPolicyMapping} {
		e, ok, err := r.Optional(asn1ber.Context(i))
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		if *at, err = counter(e); err != nil {
			return err
		}
	}
	return r.End()
}

func (x *CertificateExtensions) readInhibitAnyPolicy(v asn1ber.Element) (err error) {
	if v.Tag != asn1ber.Integer {
		return fmt.Errorf("%w: %s where INTEGER is due", asn1ber.ErrSyntax, v.Tag)
	}
	x.InhibitAnyPolicy, err = counter(v)
	return err
}
