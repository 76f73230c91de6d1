package pkix

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // G505: RFC 6960 names responders by the SHA-1 of their key
	"fmt"

	"qaqpa/signer/algo"
	"qaqpa/signer/asn1ber"
)

// CertID names a certificate to an OCSP responder (RFC 6960 4.1.1): by its issuer's name and key, hashed, and its serial
// number.
type CertID struct {
	Raw            []byte
	Hash           algo.Hash
	HashErr        error // why Hash is unusable; such a CertID matches nothing
	IssuerNameHash []byte
	IssuerKeyHash  []byte
	Serial         []byte // contents of the INTEGER
}

// Matches reports whether the CertID names cert, issued by issuer. All three parts are compared: a serial number alone
// would let an answer of one CA count for another's certificate.
func (id CertID) Matches(cert, issuer *Certificate) bool {
	if id.HashErr != nil || !bytes.Equal(id.Serial, cert.Serial) {
		return false
	}
	key, err := keyOctets(issuer.RawSPKI)
	if err != nil {
		return false
	}
	return bytes.Equal(id.Hash.Sum(nil, cert.RawIssuer), id.IssuerNameHash) &&
		bytes.Equal(id.Hash.Sum(nil, key), id.IssuerKeyHash)
}

// keyOctets is the value of the BIT STRING in a SubjectPublicKeyInfo, which CertID and responder ids are hashes of.
func keyOctets(spki []byte) ([]byte, error) {
	e, err := asn1ber.Parse(spki, asn1ber.DER, certificateLimits)
	if err != nil {
		return nil, err
	}
	r, err := enterSequence(e)
	if err != nil {
		return nil, err
	}
	if _, err := r.Next(); err != nil {
		return nil, err
	}
	bits, err := r.Read(asn1ber.BitString)
	if err != nil {
		return nil, err
	}
	return bits.Octets()
}

// NamedBy reports whether the response names c as its responder (RFC 6960 4.2.2.3). The name proves nothing alone.
func (o *OCSPResponse) NamedBy(c *Certificate) bool {
	if o.ResponderName != nil {
		return o.ResponderName.Equal(c.Subject)
	}
	key, err := keyOctets(c.RawSPKI)
	if err != nil {
		return false
	}
	sum := sha1.Sum(key) //nolint:gosec // G401: see the import
	return bytes.Equal(sum[:], o.ResponderKeyHash)
}

func readCertID(r *asn1ber.Reader) (id CertID, err error) {
	e, err := r.Read(asn1ber.Sequence)
	if err != nil {
		return id, err
	}
	id.Raw = e.Raw
	s, err := e.Children()
	if err != nil {
		return id, err
	}
	hash, err := s.Read(asn1ber.Sequence)
	if err != nil {
		return id, err
	}
	id.Hash, id.HashErr = algo.ParseHash(hash.Raw)
	for _, at := range []*[]byte{&id.IssuerNameHash, &id.IssuerKeyHash} {
		octets, err := s.Read(asn1ber.OctetString)
		if err != nil {
			return id, err
		}
		*at = octets.Content
	}
	if id.Serial, err = readSerial(&s); err != nil {
		return id, err
	}
	return id, s.End()
}

func readSingle(r *asn1ber.Reader) (out SingleResponse, err error) {
	s, err := r.Enter(asn1ber.Sequence)
	if err != nil {
		return out, err
	}
	if out.CertID, err = readCertID(&s); err != nil {
		return out, fmt.Errorf("CertID: %w", err)
	}
	status, err := s.Next()
	if err != nil {
		return out, err
	}
	if err := out.readStatus(status); err != nil {
		return out, fmt.Errorf("status: %w", err)
	}
	this, err := s.Read(asn1ber.GeneralizedTime)
	if err != nil {
		return out, err
	}
	if out.ThisUpdate, err = this.Time(); err != nil {
		return out, err
	}
	next, ok, err := s.Optional(asn1ber.Context(0))
	if err != nil {
		return out, err
	}
	if ok {
		inner, err := next.Explicit(asn1ber.GeneralizedTime)
		if err != nil {
			return out, err
		}
		if out.NextUpdate, err = inner.Time(); err != nil {
			return out, err
		}
	}
	return out, out.readExtensions(&s)
}

func (s *SingleResponse) readStatus(e asn1ber.Element) error {
	switch e.Tag {
	case asn1ber.Context(0):
		s.Status = CertGood
		return e.Null()
	case asn1ber.Context(2):
		s.Status = CertUnknown
		return e.Null()
	case asn1ber.Context(1):
	default:
		return fmt.Errorf("%w: %s in CertStatus", asn1ber.ErrSyntax, e.Tag)
	}
	s.Status = CertRevoked
	r, err := e.Children()
	if err != nil {
		return err
	}
	at, err := r.Read(asn1ber.GeneralizedTime)
	if err != nil {
		return err
	}
	if s.RevokedAt, err = at.Time(); err != nil {
		return err
	}
	reason, ok, err := r.Optional(asn1ber.Context(0))
	if err != nil {
		return err
	}
	if ok {
		inner, err := reason.Explicit(asn1ber.Enumerated)
		if err != nil {
			return err
		}
		if s.Reason, err = parseReason(inner); err != nil {
			return err
		}
		s.HasReason = true
	}
	return r.End()
}

func (s *SingleResponse) readExtensions(r *asn1ber.Reader) error {
	tagged, ok, err := r.Optional(asn1ber.Context(1))
	if err != nil {
		return err
	}
	if ok {
		if s.Extensions, err = readExtensions(tagged); err != nil {
			return err
		}
	}
	for i := range s.Extensions {
		x := &s.Extensions[i]
		switch x.OID {
		case OIDOCSPArchiveCutoff:
			if s.ArchiveCutoff, err = timeValue(x.Value); err != nil {
				return err
			}
		case OIDOCSPCRLReferences, OIDOCSPExtendedRevocation:
		default:
			if x.Critical {
				s.UnknownCritical = append(s.UnknownCritical, x.OID)
			}
		}
	}
	return r.End()
}
