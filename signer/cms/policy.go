package cms

import (
	"fmt"

	"qaqpa/signer/algo"
	"qaqpa/signer/asn1ber"
)

// SignaturePolicy is what signature-policy-identifier says (EN 319 122-1 5.2.9.1).
type SignaturePolicy struct {
	OID    string    // dotted; empty where the policy is implied
	Hash   algo.Hash // 0 where it is not known
	Digest []byte
	URI    string // SPuri, where the policy's document is said to be
}

// SignaturePolicy is the policy that the signer names; nil when none is named. The error is asn1ber.ErrSyntax or ErrLimit,
// or that the attribute stands more than once.
func (si *SignerInfo) SignaturePolicy() (*SignaturePolicy, error) {
	a, n := find(si.SignedAttributes, OIDSignaturePolicy)
	switch {
	case n == 0:
		return nil, nil //nolint:nilnil // none is a result
	case n > 1:
		return nil, fmt.Errorf("couldn't read signature policy: %w", errValueCount)
	}
	v, err := single(a.values.Fresh(valueLimits))
	if err != nil {
		return nil, fmt.Errorf("couldn't read signature policy: %w", err)
	}
	p := &SignaturePolicy{}
	if v.Tag == asn1ber.Null {
		return p, nil
	}
	if err := p.parse(v); err != nil {
		return nil, fmt.Errorf("couldn't read signature policy: %w", err)
	}
	return p, nil
}

// parse reads SignaturePolicyId: SEQUENCE { OID, OtherHashAlgAndValue, qualifiers OPTIONAL }.
func (p *SignaturePolicy) parse(v asn1ber.Element) error {
	if v.Tag != asn1ber.Sequence {
		return fmt.Errorf("%w: %s", asn1ber.ErrSyntax, v.Tag)
	}
	r, err := v.Children()
	if err != nil {
		return err
	}
	oid, err := r.ReadOID()
	if err != nil {
		return err
	}
	if p.OID, err = asn1ber.DottedOID(oid); err != nil {
		return err
	}
	if r.Empty() {
		return nil // older signers leave the digest out
	}
	hash, err := r.Enter(asn1ber.Sequence)
	if err != nil {
		return err
	}
	id, err := hash.Read(asn1ber.Sequence)
	if err != nil {
		return err
	}
	if h, err := algo.ParseHash(id.Raw); err == nil { // an unknown one is for the reader to judge
		p.Hash = h
	}
	digest, err := hash.Read(asn1ber.OctetString)
	if err != nil {
		return err
	}
	if p.Digest, err = digest.OctetString(); err != nil {
		return err
	}
	qualifiers, ok, err := r.Optional(asn1ber.Sequence)
	if err != nil || !ok {
		return err
	}
	return p.parseQualifiers(qualifiers)
}

const oidPolicyURI = "1.2.840.113549.1.9.16.5.1"

func (p *SignaturePolicy) parseQualifiers(list asn1ber.Element) error {
	r, err := list.Children()
	if err != nil {
		return err
	}
	for !r.Empty() {
		q, err := r.Enter(asn1ber.Sequence)
		if err != nil {
			return err
		}
		oid, err := q.ReadOID()
		if err != nil {
			return err
		}
		v, err := q.Next()
		if err != nil {
			return err
		}
		if dotted, err := asn1ber.DottedOID(oid); err == nil && dotted == oidPolicyURI {
			if p.URI, err = v.Text(); err != nil {
				return err
			}
		}
	}
	return nil
}

// attributeNames are the names of attributes that reports show.
var attributeNames = map[string]string{
	OIDContentType: "content-type", OIDMessageDigest: "message-digest", OIDSigningTime: "signing-time",
	OIDCounterSignature: "countersignature", OIDAlgorithmProtection: "cms-algorithm-protection",
	OIDSigningCertificate: "signing-certificate", OIDSigningCertificateV2: "signing-certificate-v2",
	OIDContentTimestamp: "content-time-stamp", OIDSignaturePolicy: "signature-policy-identifier",
	OIDSignerLocation: "signer-location", OIDSignatureTimestamp: "signature-time-stamp",
	OIDCertificateRefs: "complete-certificate-references", OIDRevocationRefs: "complete-revocation-references",
	OIDCertificateValues: "certificate-values", OIDRevocationValues: "revocation-values",
	OIDEscTimestamp: "CAdES-C-time-stamp", OIDRefsTimestamp: "time-stamped-certs-crls-references",
	OIDArchiveTimestamp: "archive-time-stamp", OIDArchiveTimestampV2: "archive-time-stamp-v2",
	OIDArchiveTimestampV3: "archive-time-stamp-v3", OIDLongTermValidation: "long-term-validation",
	OIDContentHints: "content-hints", OIDMIMEType: "mime-type", OIDCommitmentType: "commitment-type-indication",
	OIDSignerAttributes: "signer-attributes", OIDSignerAttributesV2: "signer-attributes-v2",
	OIDContentReference: "content-reference", OIDContentIdentifier: "content-identifier",
	OIDAdobeRevocation: "adobe-revocation-info-archival", OIDSMIMECapabilities: "smime-capabilities",
}

// Name is the attribute's name in the standards; its OID where it has none here.
func (a *Attribute) Name() string {
	if name, ok := attributeNames[a.OID]; ok {
		return name
	}
	return a.OID
}

// Has reports whether an attribute of any of the OIDs stands in the signature, signed or not.
func (si *SignerInfo) Has(oids ...string) bool {
	for _, oid := range oids {
		for _, list := range [][]Attribute{si.SignedAttributes, si.UnsignedAttributes} {
			if _, n := find(list, oid); n > 0 {
				return true
			}
		}
	}
	return false
}

// CarriesRevocation reports whether the document that the signature stands in carries CRLs or OCSP responses in its own
// fields, where EN 319 122-1 5.4.2 wants them.
func (si *SignerInfo) CarriesRevocation() bool {
	return si.data != nil && len(si.data.CRLs)+len(si.data.OCSPs) > 0
}
