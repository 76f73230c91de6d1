package cms

import (
	"fmt"

	"qaqpa/signer/asn1ber"
)

// parseRevocation reads RevocationInfoChoices (RFC 5652 10.2.1).
func (sd *SignedData) parseRevocation(r *asn1ber.Reader) error {
	set, ok, err := r.Optional(asn1ber.Context(1))
	if err != nil || !ok {
		return err
	}
	sd.rawCRLs = set.Raw
	members, err := set.Children()
	if err != nil {
		return err
	}
	for n := 0; !members.Empty(); n++ {
		e, err := members.Next()
		if err != nil {
			return err
		}
		if n == sd.limits.Certificates {
			return fmt.Errorf("%w: more than %d", asn1ber.ErrLimit, sd.limits.Certificates)
		}
		switch e.Tag {
		case asn1ber.Sequence:
			sd.CRLs = append(sd.CRLs, e.Raw)
			sd.revocation = append(sd.revocation, revocationChoice{e.Raw, e.Raw})
		case asn1ber.Context(1):
			if err := sd.parseOtherRevocation(e); err != nil {
				return err
			}
		default:
			sd.OtherRevocation = append(sd.OtherRevocation, e.Raw)
		}
	}
	return nil
}

// parseOtherRevocation reads OtherRevocationInfoFormat; OCSP stands in one of two forms (RFC 5940 2; TS 101 733 6.3.4).
func (sd *SignedData) parseOtherRevocation(e asn1ber.Element) error {
	r, err := e.Children()
	if err != nil {
		return err
	}
	oid, err := r.ReadOID()
	if err != nil {
		return err
	}
	value, err := r.Next()
	if err != nil {
		return err
	}
	if err := r.End(); err != nil {
		return err
	}
	switch knownOIDs[string(oid)] {
	case oidRevocationOCSP:
		sd.OCSPs = append(sd.OCSPs, value.Raw)
	case oidOCSPBasic:
		sd.OCSPs = append(sd.OCSPs, wrapBasicOCSP(value.Raw))
	default:
		sd.OtherRevocation = append(sd.OtherRevocation, e.Raw)
		return nil
	}
	sd.revocation = append(sd.revocation, revocationChoice{e.Raw, sd.OCSPs[len(sd.OCSPs)-1]})
	return nil
}

// revocationChoice is a RevocationInfoChoice as it stands, and the CRL or OCSPResponse in it.
type revocationChoice struct{ raw, object []byte }

var rawOCSPBasic = []byte(asn1ber.MustOID(oidOCSPBasic))

// wrapBasicOCSP makes OCSPResponse (RFC 6960 4.2.1), status successful, of a BasicOCSPResponse.
func wrapBasicOCSP(basic []byte) []byte {
	return asn1ber.Wrap(asn1ber.Sequence,
		asn1ber.Primitive(asn1ber.Enumerated, []byte{0}),
		asn1ber.Wrap(asn1ber.Context(0), asn1ber.Wrap(asn1ber.Sequence,
			asn1ber.Primitive(asn1ber.OID, rawOCSPBasic),
			asn1ber.Primitive(asn1ber.OctetString, basic))))
}

// basicOf is the BasicOCSPResponse in an OCSPResponse; nil when there is none.
func basicOf(response []byte) []byte {
	e, err := asn1ber.Parse(response, asn1ber.BER, asn1ber.Limits{Bytes: 16 << 20})
	if err != nil {
		return nil
	}
	r, err := e.Children()
	if err != nil {
		return nil
	}
	if _, err := r.Read(asn1ber.Enumerated); err != nil {
		return nil
	}
	tagged, err := r.Read(asn1ber.Context(0))
	if err != nil {
		return nil
	}
	body, err := tagged.Explicit(asn1ber.Sequence)
	if err != nil {
		return nil
	}
	fields, err := body.Children()
	if err != nil {
		return nil
	}
	if _, err := fields.ReadOID(); err != nil {
		return nil
	}
	octets, err := fields.Read(asn1ber.OctetString)
	if err != nil {
		return nil
	}
	basic, err := octets.OctetString()
	if err != nil {
		return nil
	}
	return basic
}

// Evidence is certificates and revocation data that a signer carries in attributes.
type Evidence struct {
	Certificates [][]byte
	CRLs         [][]byte
	OCSPs        [][]byte // OCSPResponses, as in [SignedData]
}

// Evidence collects certificate-values, revocation-values (RFC 5126 6.3) and Adobe's signed revocation archival
// (ISO 32000-1 12.8.3.3.2) of the signer's attributes. It is gathered, not believed: each object has its own signature.
// Elements of other formats are skipped. The error is asn1ber.ErrSyntax or ErrLimit.
func (si *SignerInfo) Evidence() (Evidence, error) {
	var ev Evidence
	for _, list := range [][]Attribute{si.SignedAttributes, si.UnsignedAttributes} {
		for i := range list {
			if err := ev.add(&list[i], si.limits.Certificates); err != nil {
				return Evidence{}, fmt.Errorf("couldn't read attribute %s: %w", list[i].OID, err)
			}
		}
	}
	return ev, nil
}

func (ev *Evidence) add(a *Attribute, limit int) error {
	switch a.OID {
	case OIDCertificateValues:
		return a.each(func(v asn1ber.Element) error { return appendList(&ev.Certificates, v, limit) })
	case OIDRevocationValues:
		return a.each(func(v asn1ber.Element) error { return ev.addRevocation(v, true, limit) })
	case OIDAdobeRevocation:
		return a.each(func(v asn1ber.Element) error { return ev.addRevocation(v, false, limit) })
	}
	return nil
}

// addRevocation reads [0] CRLs OPTIONAL, [1] OCSPs OPTIONAL; basic tells BasicOCSPResponses from whole responses.
func (ev *Evidence) addRevocation(v asn1ber.Element, basic bool, limit int) error {
	r, err := v.Children()
	if err != nil {
		return err
	}
	crls, ok, err := r.Optional(asn1ber.Context(0))
	if err != nil {
		return err
	}
	if ok {
		if err := appendTagged(&ev.CRLs, crls, limit); err != nil {
			return err
		}
	}
	ocsps, ok, err := r.Optional(asn1ber.Context(1))
	if err != nil || !ok {
		return err
	}
	first := len(ev.OCSPs)
	if err := appendTagged(&ev.OCSPs, ocsps, limit); err != nil {
		return err
	}
	for i := first; basic && i < len(ev.OCSPs); i++ {
		ev.OCSPs[i] = wrapBasicOCSP(ev.OCSPs[i])
	}
	return nil
}

// appendTagged appends the members of a SEQUENCE OF inside an explicit tag.
func appendTagged(to *[][]byte, tagged asn1ber.Element, limit int) error {
	list, err := tagged.Explicit(asn1ber.Sequence)
	if err != nil {
		return err
	}
	return appendList(to, list, limit)
}

func appendList(to *[][]byte, list asn1ber.Element, limit int) error {
	r, err := list.Children()
	if err != nil {
		return err
	}
	for !r.Empty() {
		e, err := r.Read(asn1ber.Sequence)
		if err != nil {
			return err
		}
		if len(*to) == limit {
			return fmt.Errorf("%w: more than %d objects", asn1ber.ErrLimit, limit)
		}
		*to = append(*to, e.Raw)
	}
	return nil
}
