package cms

import (
	"bytes"
	"fmt"

	"qaqpa/signer/algo"
	"qaqpa/signer/asn1ber"
	"qaqpa/signer/pkix"
)

// CertificateID is ESSCertID or ESSCertIDv2 (RFC 5035 3, 4): the digest of a certificate, and optionally its issuer and
// serial number, bound by the signature.
type CertificateID struct {
	V2        bool
	Hash      algo.Hash // SHA-1 in version 1
	HashErr   error     // why Hash is unknown
	Digest    []byte
	RawIssuer []byte // name of the first directoryName; nil when absent
	Serial    []byte // contents of the INTEGER; nil when absent
}

// parseSigningCertificate reads SigningCertificate or SigningCertificateV2 (RFC 5035 5.4.1): the first identifier is the
// signer's own, the others restrict its path.
func parseSigningCertificate(e asn1ber.Element, v2 bool, limit int) ([]CertificateID, error) {
	if e.Tag != asn1ber.Sequence {
		return nil, fmt.Errorf("%w: %s", asn1ber.ErrSyntax, e.Tag)
	}
	r, err := e.Children()
	if err != nil {
		return nil, err
	}
	list, err := r.Enter(asn1ber.Sequence)
	if err != nil {
		return nil, err
	}
	var out []CertificateID
	for !list.Empty() {
		if len(out) == limit {
			return nil, fmt.Errorf("%w: more than %d certificate identifiers", asn1ber.ErrLimit, limit)
		}
		id, err := parseCertificateID(&list, v2)
		if err != nil {
			return nil, err
		}
		out = append(out, id)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%w: no certificate identifier", asn1ber.ErrSyntax)
	}
	if _, _, err := r.Optional(asn1ber.Sequence); err != nil { // policies
		return nil, err
	}
	return out, r.End()
}

func parseCertificateID(list *asn1ber.Reader, v2 bool) (id CertificateID, err error) {
	r, err := list.Enter(asn1ber.Sequence)
	if err != nil {
		return id, err
	}
	id.V2, id.Hash = v2, algo.SHA1
	if v2 {
		id.Hash = algo.SHA256
		given, ok, err := r.Optional(asn1ber.Sequence)
		if err != nil {
			return id, err
		}
		if ok {
			id.Hash, id.HashErr = algo.ParseHash(given.Raw)
		}
	}
	digest, err := r.Read(asn1ber.OctetString)
	if err != nil {
		return id, err
	}
	if id.Digest, err = digest.OctetString(); err != nil {
		return id, err
	}
	if r.Empty() {
		return id, nil
	}
	issuerSerial, err := r.Enter(asn1ber.Sequence)
	if err != nil {
		return id, err
	}
	if err := id.parseIssuerSerial(issuerSerial); err != nil {
		return id, err
	}
	return id, r.End()
}

// parseIssuerSerial reads IssuerSerial ::= SEQUENCE { GeneralNames, INTEGER }.
func (id *CertificateID) parseIssuerSerial(r asn1ber.Reader) error {
	names, err := r.Enter(asn1ber.Sequence)
	if err != nil {
		return err
	}
	for !names.Empty() {
		name, err := names.Next()
		if err != nil {
			return err
		}
		if name.Tag != asn1ber.Context(4) || id.RawIssuer != nil {
			continue
		}
		dn, err := name.Explicit(asn1ber.Sequence)
		if err != nil {
			return err
		}
		id.RawIssuer = dn.Raw
	}
	serial, err := r.Read(asn1ber.Integer)
	if err != nil {
		return err
	}
	if id.Serial, err = serial.Integer(); err != nil {
		return err
	}
	return r.End()
}

// ParseIssuerSerial reads a DER IssuerSerial (RFC 5035 4) that stands alone, as in XAdES, into the fields that name a
// certificate by it; there is no digest. The error is asn1ber.ErrSyntax or ErrLimit.
func ParseIssuerSerial(der []byte) (id CertificateID, err error) {
	e, err := asn1ber.Parse(der, asn1ber.BER, nameLimits)
	if err == nil && e.Tag != asn1ber.Sequence {
		err = fmt.Errorf("%w: %s", asn1ber.ErrSyntax, e.Tag)
	}
	if err != nil {
		return id, err
	}
	r, err := e.Children()
	if err != nil {
		return id, err
	}
	return id, id.parseIssuerSerial(r)
}

// Matches reports whether the identifier is of a certificate, by digest. The error is algo.ErrUnknownAlgorithm or
// algo.ErrParameters when the hash is not understood.
func (id *CertificateID) Matches(c *pkix.Certificate) (bool, error) {
	if id.HashErr != nil {
		return false, id.HashErr
	}
	return bytes.Equal(c.Digest(id.Hash), id.Digest), nil
}

// IssuerMatches reports whether issuer and serial number, where they stand, are those of a certificate.
func (id *CertificateID) IssuerMatches(c *pkix.Certificate) bool {
	if id.Serial != nil && !bytes.Equal(id.Serial, c.Serial) {
		return false
	}
	return id.RawIssuer == nil || sameName(id.RawIssuer, c)
}
