package cms

import (
	"bytes"
	"fmt"
	"time"

	"qaqpa/signer/algo"
	"qaqpa/signer/asn1ber"
	"qaqpa/signer/pkix"
)

// SignerIdentifier names a signer's certificate: by issuer and serial number, or by subject key identifier.
type SignerIdentifier struct {
	RawIssuer    []byte // DER of the issuer's name; nil when SubjectKeyID is used
	Serial       []byte // contents of the INTEGER
	SubjectKeyID []byte
}

// SignerInfo is one signature (RFC 5652 5.3). Algorithms that could not be understood leave their error beside them.
type SignerInfo struct {
	Raw     []byte
	Version int
	SID     SignerIdentifier

	RawDigestAlgorithm []byte
	DigestAlgorithm    algo.Hash
	DigestErr          error

	RawSignatureAlgorithm []byte
	SignatureAlgorithm    algo.Signature
	SignatureErr          error

	Signature []byte // octets of the OCTET STRING

	HasSignedAttributes bool
	RawSignedAttributes []byte // with the tag [0], as they stand
	SignedAttributes    []Attribute
	UnsignedAttributes  []Attribute

	// Values of signed attributes, as far as there is exactly one that can be read; Verify tells where there is not.
	ContentType         string
	MessageDigest       []byte
	SigningTime         time.Time // UTC, claimed by the signer; zero when absent
	SigningCertificates []CertificateID

	data    *SignedData // nil for counter-signatures
	level   int         // of counter-signing
	limits  Limits
	faults  []fault
	rawHead []byte // SignerInfo fields before the unsigned attributes, for AddUnsigned
}

// fault is what Verify reports of an attribute that could not be read.
type fault struct {
	rule   Rule
	detail string
}

func (sd *SignedData) parseSigners(set asn1ber.Element) ([]SignerInfo, error) {
	r, err := set.Children()
	if err != nil {
		return nil, err
	}
	out := make([]SignerInfo, 0, 1)
	for !r.Empty() {
		if len(out) == sd.limits.Signers {
			return nil, fmt.Errorf("%w: more than %d signers", asn1ber.ErrLimit, sd.limits.Signers)
		}
		e, err := r.Read(asn1ber.Sequence)
		if err != nil {
			return nil, fmt.Errorf("signer %d: %w", len(out)+1, err)
		}
		out = append(out, SignerInfo{data: sd, limits: sd.limits})
		if err := out[len(out)-1].parse(e); err != nil {
			return nil, fmt.Errorf("signer %d: %w", len(out), err)
		}
	}
	return out, nil
}

func (si *SignerInfo) parse(e asn1ber.Element) error {
	si.Raw = e.Raw
	r, err := e.Children()
	if err != nil {
		return err
	}
	version, err := r.Read(asn1ber.Integer)
	if err != nil {
		return err
	}
	v, err := version.Int64()
	if err != nil || v < 0 || v > 5 {
		return fmt.Errorf("%w: SignerInfo version", asn1ber.ErrSyntax)
	}
	si.Version = int(v)
	if err := si.parseSID(&r); err != nil {
		return fmt.Errorf("signer identifier: %w", err)
	}
	digest, err := r.Read(asn1ber.Sequence)
	if err != nil {
		return err
	}
	si.RawDigestAlgorithm = digest.Raw
	si.DigestAlgorithm, si.DigestErr = algo.ParseHash(digest.Raw)
	if err := si.parseSigned(&r); err != nil {
		return fmt.Errorf("signed attributes: %w", err)
	}
	if err := si.parseSignature(&r); err != nil {
		return err
	}
	si.rawHead = e.Content[:len(e.Content)-len(r.Rest())]
	unsigned, ok, err := r.Optional(asn1ber.Context(1))
	if err != nil {
		return err
	}
	if ok {
		if si.UnsignedAttributes, err = parseAttributes(unsigned, si.limits.Attributes); err != nil {
			return fmt.Errorf("unsigned attributes: %w", err)
		}
	}
	return r.End()
}

func (si *SignerInfo) parseSID(r *asn1ber.Reader) error {
	e, err := r.Next()
	if err != nil {
		return err
	}
	switch e.Tag {
	case asn1ber.Sequence:
		f, err := e.Children()
		if err != nil {
			return err
		}
		issuer, err := f.Read(asn1ber.Sequence)
		if err != nil {
			return err
		}
		serial, err := f.Read(asn1ber.Integer)
		if err != nil {
			return err
		}
		si.SID.RawIssuer = issuer.Raw
		if si.SID.Serial, err = serial.Integer(); err != nil {
			return err
		}
		return f.End()
	case asn1ber.Context(0):
		si.SID.SubjectKeyID, err = e.OctetString()
		return err
	}
	return fmt.Errorf("%w: %s", asn1ber.ErrSyntax, e.Tag)
}

func (si *SignerInfo) parseSignature(r *asn1ber.Reader) error {
	id, err := r.Read(asn1ber.Sequence)
	if err != nil {
		return err
	}
	si.RawSignatureAlgorithm = id.Raw
	si.SignatureAlgorithm, si.SignatureErr = algo.ParseCMSSignature(id.Raw, si.DigestAlgorithm)
	octets, err := r.Read(asn1ber.OctetString)
	if err != nil {
		return err
	}
	si.Signature, err = octets.OctetString()
	return err
}

// parseSigned reads the signed attributes and the values that every format knows.
func (si *SignerInfo) parseSigned(r *asn1ber.Reader) error {
	set, ok, err := r.Optional(asn1ber.Context(0))
	if err != nil || !ok {
		return err
	}
	si.HasSignedAttributes = true
	si.RawSignedAttributes = set.Raw
	if si.SignedAttributes, err = parseAttributes(set, si.limits.Attributes); err != nil {
		return err
	}
	si.readValues()
	return nil
}

// readValues reads the values of the attributes that Verify judges. What must stand once and does not, or cannot be
// read, becomes a fault and leaves the value empty: a second message-digest must never win over the first.
func (si *SignerInfo) readValues() {
	si.readOnce(OIDContentType, RuleContentType, func(v asn1ber.Element) error {
		oid, err := v.OID()
		if err != nil {
			return err
		}
		if v.Tag != asn1ber.OID {
			return fmt.Errorf("%w: %s", asn1ber.ErrSyntax, v.Tag)
		}
		si.ContentType, err = dottedOID(oid)
		return err
	})
	si.readOnce(OIDMessageDigest, RuleMessageDigest, func(v asn1ber.Element) (err error) {
		if v.Tag != asn1ber.OctetString {
			return fmt.Errorf("%w: %s", asn1ber.ErrSyntax, v.Tag)
		}
		si.MessageDigest, err = v.OctetString()
		return err
	})
	si.readOnce(OIDSigningTime, RuleSigningTime, func(v asn1ber.Element) (err error) {
		si.SigningTime, err = v.Time()
		return err
	})
	for _, version := range []struct {
		oid string
		v2  bool
	}{{OIDSigningCertificate, false}, {OIDSigningCertificateV2, true}} {
		si.readOnce(version.oid, RuleSigningCertificate, func(v asn1ber.Element) error {
			ids, err := parseSigningCertificate(v, version.v2, si.limits.Certificates)
			if len(ids) > 0 {
				si.SigningCertificates = append(si.SigningCertificates, ids[0])
			}
			return err
		})
	}
}

func (si *SignerInfo) readOnce(oid string, rule Rule, read func(asn1ber.Element) error) {
	a, n := find(si.SignedAttributes, oid)
	switch {
	case n == 0:
		return
	case n > 1:
		si.faults = append(si.faults, fault{rule, fmt.Sprintf("attribute %s stands %d times", oid, n)})
		return
	}
	v, err := single(a.values)
	if err == nil {
		err = read(v)
	}
	if err != nil {
		si.faults = append(si.faults, fault{rule, fmt.Sprintf("attribute %s: %v", oid, err)})
	}
}

// SignatureTimestamps are the tokens over this signature (RFC 5126 6.1.1): ContentInfos, in order.
func (si *SignerInfo) SignatureTimestamps() ([][]byte, error) {
	return si.unsignedValues(OIDSignatureTimestamp)
}

// ContentTimestamps are the tokens over the content, among the signed attributes (RFC 5126 5.11.4).
func (si *SignerInfo) ContentTimestamps() ([][]byte, error) {
	return valuesOf(si.SignedAttributes, OIDContentTimestamp)
}

func (si *SignerInfo) unsignedValues(oid string) ([][]byte, error) {
	return valuesOf(si.UnsignedAttributes, oid)
}

func valuesOf(list []Attribute, oid string) ([][]byte, error) {
	var out [][]byte
	for _, a := range withOID(list, oid) {
		values, err := a.Values()
		if err != nil {
			return nil, fmt.Errorf("couldn't read attribute %s: %w", oid, err)
		}
		out = append(out, values...)
	}
	return out, nil
}

// maxCounterLevels bounds counter-signatures of counter-signatures.
const maxCounterLevels = 8

// CounterSignatures are the signatures over this signature's octets (RFC 5652 11.4). Their content is si.Signature and
// they have no content type. They may carry counter-signatures themselves, to 8 levels; deeper is asn1ber.ErrLimit.
func (si *SignerInfo) CounterSignatures() ([]SignerInfo, error) {
	var out []SignerInfo
	if _, n := find(si.UnsignedAttributes, OIDCounterSignature); n > 0 && si.level == maxCounterLevels {
		return nil, fmt.Errorf("couldn't read counter-signature: %w: more than %d levels", asn1ber.ErrLimit, maxCounterLevels)
	}
	for _, a := range withOID(si.UnsignedAttributes, OIDCounterSignature) {
		err := a.each(func(v asn1ber.Element) error {
			if len(out) == si.limits.Signers {
				return fmt.Errorf("%w: more than %d counter-signatures", asn1ber.ErrLimit, si.limits.Signers)
			}
			if v.Tag != asn1ber.Sequence {
				return fmt.Errorf("%w: %s", asn1ber.ErrSyntax, v.Tag)
			}
			counter := SignerInfo{limits: si.limits, level: si.level + 1}
			if err := counter.parse(v); err != nil {
				return err
			}
			out = append(out, counter)
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("couldn't read counter-signature: %w", err)
		}
	}
	return out, nil
}

// Names reports whether the signer identifier names a certificate.
func (si *SignerInfo) Names(c *pkix.Certificate) bool {
	if si.SID.RawIssuer == nil {
		return len(si.SID.SubjectKeyID) > 0 && bytes.Equal(si.SID.SubjectKeyID, c.SubjectKeyID)
	}
	return bytes.Equal(si.SID.Serial, c.Serial) && sameName(si.SID.RawIssuer, c)
}

// nameLimits bound an issuer's name that has to be re-encoded.
var nameLimits = asn1ber.Limits{Bytes: 64 << 10, Depth: 12, Elements: 4096}

// sameName compares an issuer's name with a certificate's: octets first, then by the rules of RFC 5280 7.1, because
// signers re-encode names, in BER too.
func sameName(rawIssuer []byte, c *pkix.Certificate) bool {
	if bytes.Equal(rawIssuer, c.RawIssuer) {
		return true
	}
	der, err := asn1ber.ToDER(rawIssuer, nameLimits)
	if err != nil {
		return false
	}
	name, err := pkix.ParseName(der)
	return err == nil && name.Equal(c.Issuer)
}

// Candidates are those certificates of a pool that may be the signer's, best first: those to which the signed
// signing-certificate attribute binds, then those which the signer identifier alone names. Several certificates can
// carry one issuer and serial number, or one key; only the first kind cannot be exchanged.
func (si *SignerInfo) Candidates(pool []*pkix.Certificate) []*pkix.Certificate {
	var bound, named []*pkix.Certificate
	for _, c := range pool {
		switch {
		case len(si.SigningCertificates) > 0 && si.boundTo(c):
			bound = append(bound, c)
		case si.Names(c):
			named = append(named, c)
		}
	}
	return append(bound, named...)
}

func (si *SignerInfo) boundTo(c *pkix.Certificate) bool {
	for i := range si.SigningCertificates {
		if ok, err := si.SigningCertificates[i].Matches(c); err != nil || !ok {
			return false
		}
	}
	return true
}
