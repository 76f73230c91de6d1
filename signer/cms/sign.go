package cms

import (
	"crypto"
	"errors"
	"fmt"
	"io"
	"time"

	"qaqpa/signer/algo"
	"qaqpa/signer/asn1ber"
	"qaqpa/signer/pkix"
)

// ErrKeyMismatch means that the signer's key is not the certificate's.
var ErrKeyMismatch = errors.New("signing key does not belong to the certificate")

// SignInput says what to sign and how.
type SignInput struct {
	// Content is what is signed. It goes into the document unless Detached.
	Content []byte
	// Digest, instead of Content, is the digest of large detached content with the hash in use.
	Digest   []byte
	Detached bool
	// ContentType is the dotted eContentType; empty means data.
	ContentType string

	// Certificate is the signer's; Chain is further certificates to include, in any order. Anchors need not be there.
	Certificate *pkix.Certificate
	Chain       []*pkix.Certificate
	// Bare leaves all certificates out of the document, as who asks for a time stamp may want it (RFC 3161 2.4.1).
	Bare bool
	// Signer holds the key: RSA, ECDSA, Ed25519 or *gost.PrivateKey (national octet order). It is asked to sign once.
	Signer crypto.Signer

	// Hash is the digest algorithm; 0 chooses the one that belongs to the key ([algo.DefaultHash]).
	Hash algo.Hash
	// Algorithm overrides the signature algorithm, for RSA-PSS and for GOST under RFC OIDs (whose Signer must then give
	// s‖r, big-endian); its hash must be Hash, or Hash 0.
	Algorithm *algo.Signature
	// SigningTime is claimed in the signing-time attribute, to the second.
	SigningTime time.Time
	// WithoutSigningTime leaves the attribute out: PAdES has the time outside of the CMS (EN 319 142-1 6.3).
	WithoutSigningTime bool
	// Rand is handed to Signer.
	Rand io.Reader
	// Attributes are further signed attributes, each a whole DER Attribute.
	Attributes [][]byte
}

// Sign makes a CAdES-B signature (EN 319 122-1 6): SignedData in DER with content-type, message-digest, signing-time and
// signing-certificate-v2 (SHA-256, without issuer and serial number, as NCALayer writes it). The result is a new
// slice. Errors: ErrKeyMismatch, algo.ErrMismatch, algo.ErrNotAllowed, or what Signer returned. The signature is
// not verified here: hsm does that for its keys before a signature leaves it.
func Sign(in SignInput) ([]byte, error) {
	p, err := in.plan()
	if err != nil {
		return nil, fmt.Errorf("couldn't sign: %w", err)
	}
	attributes, err := in.signedAttributes(p)
	if err != nil {
		return nil, fmt.Errorf("couldn't sign: %w", err)
	}
	signature, err := p.sign(in, asn1ber.SetOf(asn1ber.Set, attributes...))
	if err != nil {
		return nil, fmt.Errorf("couldn't sign: %w", err)
	}
	return in.document(p, in.signerInfo(p, attributes, signature)), nil
}

// plan is what follows from the key: algorithms and their identifiers.
type plan struct {
	hash        algo.Hash
	signature   algo.Signature
	digestID    []byte
	signatureID []byte
	contentType []byte // OID element
}

func (in SignInput) plan() (p plan, err error) {
	if in.Certificate == nil || in.Signer == nil {
		return p, errors.New("certificate or key missing")
	}
	if in.Certificate.PublicKeyErr != nil {
		return p, in.Certificate.PublicKeyErr
	}
	if !in.Certificate.PublicKey.Matches(in.Signer.Public()) {
		return p, ErrKeyMismatch
	}
	if p.hash = in.Hash; p.hash == 0 {
		p.hash = algo.DefaultHash(in.Signer.Public())
		if in.Algorithm != nil && in.Algorithm.Hash != 0 {
			p.hash = in.Algorithm.Hash
		}
	}
	if in.Algorithm != nil {
		p.signature = *in.Algorithm
		p.signatureID, err = p.signature.AlgorithmIdentifier()
	} else {
		p.signature, p.signatureID, err = algo.SignatureFor(in.Signer.Public(), p.hash)
	}
	if err != nil {
		return p, err
	}
	if err := p.signature.Fits(in.Certificate.PublicKey); err != nil {
		return p, err
	}
	if p.signature.Hash != 0 && p.signature.Hash != p.hash || p.signature.Hash == 0 && p.hash != algo.SHA512 {
		return p, fmt.Errorf("%w: %s and digest %s", algo.ErrMismatch, p.signature.Name, p.hash)
	}
	if p.digestID, err = digestIdentifier(p.signature, p.hash); err != nil {
		return p, err
	}
	contentType := in.ContentType
	if contentType == "" {
		contentType = OIDData
	}
	p.contentType, err = asn1ber.EncodedOID(contentType)
	return p, err
}

// digestIdentifier writes the hash under the OID family of the signature algorithm: national or RFC for GOST.
func digestIdentifier(s algo.Signature, h algo.Hash) ([]byte, error) {
	if s.RFC {
		return h.RFCAlgorithmIdentifier()
	}
	return h.AlgorithmIdentifier()
}

func (in SignInput) signedAttributes(p plan) ([][]byte, error) {
	digest := in.Digest
	switch {
	case digest == nil:
		digest = p.hash.Sum(nil, in.Content)
	case !in.Detached || in.Content != nil:
		return nil, errors.New("a digest in place of content goes with detached signatures only")
	case len(digest) != p.hash.Size():
		return nil, fmt.Errorf("%w: digest of %d octets for %s", algo.ErrMismatch, len(digest), p.hash)
	}
	fingerprint := in.Certificate.Fingerprint()
	certID := asn1ber.Wrap(asn1ber.Sequence, asn1ber.Primitive(asn1ber.OctetString, fingerprint[:])) // SHA-256 is the DEFAULT
	out := [][]byte{
		attribute(OIDContentType, p.contentType),
		attribute(OIDMessageDigest, asn1ber.Primitive(asn1ber.OctetString, digest)),
		attribute(OIDSigningCertificateV2, asn1ber.Wrap(asn1ber.Sequence, asn1ber.Wrap(asn1ber.Sequence, certID))),
	}
	if !in.WithoutSigningTime {
		signingTime, err := asn1ber.EncodedTime(in.SigningTime)
		if err != nil {
			return nil, err
		}
		out = append(out, attribute(OIDSigningTime, signingTime))
	}
	return append(out, in.Attributes...), nil
}

// attribute is an Attribute with one value, under one of this package's OIDs.
func attribute(oid string, value []byte) []byte {
	return asn1ber.Wrap(asn1ber.Sequence,
		asn1ber.Primitive(asn1ber.OID, []byte(asn1ber.MustOID(oid))),
		asn1ber.Wrap(asn1ber.Set, value))
}

// sign asks the key for a signature over message, handing over a digest where the algorithm signs one.
func (p plan) sign(in SignInput, message []byte) ([]byte, error) {
	if p.signature.Hash != 0 {
		message = p.signature.Hash.Sum(nil, message)
	}
	signature, err := in.Signer.Sign(in.Rand, message, p.signature.SignerOpts())
	if err != nil {
		return nil, err
	}
	if len(signature) == 0 {
		return nil, errors.New("key returned no signature")
	}
	return signature, nil
}

func (in SignInput) signerInfo(p plan, attributes [][]byte, signature []byte) []byte {
	sid := asn1ber.Wrap(asn1ber.Sequence, in.Certificate.RawIssuer, asn1ber.Primitive(asn1ber.Integer, in.Certificate.Serial))
	return asn1ber.Wrap(asn1ber.Sequence,
		asn1ber.EncodedInt(1), sid, p.digestID,
		asn1ber.SetOf(asn1ber.Context(0), attributes...),
		p.signatureID,
		asn1ber.Primitive(asn1ber.OctetString, signature))
}

// document is ContentInfo { SignedData }. The version is 1 for data and 3 otherwise (RFC 5652 5.1).
func (in SignInput) document(p plan, signer []byte) []byte {
	version := int64(1)
	if in.ContentType != "" && in.ContentType != OIDData {
		version = 3
	}
	certificates := make([][]byte, 0, 1+len(in.Chain))
	certificates = append(certificates, in.Certificate.Raw)
	for _, c := range in.Chain {
		if !c.Equal(in.Certificate) {
			certificates = append(certificates, c.Raw)
		}
	}
	parts := [][]byte{asn1ber.EncodedInt(version), asn1ber.Wrap(asn1ber.Set, p.digestID)}
	parts = append(parts, in.encapsulated(p)...)
	if !in.Bare {
		parts = append(parts, asn1ber.SetOf(asn1ber.Context(0), certificates...))
	}
	parts = append(parts, asn1ber.Wrap(asn1ber.Set, signer))
	return contentInfo(parts...)
}

// encapsulated is EncapsulatedContentInfo in parts, so that content is copied once, into the document.
func (in SignInput) encapsulated(p plan) [][]byte {
	if in.Detached {
		return [][]byte{asn1ber.Wrap(asn1ber.Sequence, p.contentType)}
	}
	octets := header(asn1ber.OctetString, false, in.Content)
	explicit := header(asn1ber.Context(0), true, octets, in.Content)
	outer := header(asn1ber.Sequence, true, p.contentType, explicit, octets, in.Content)
	return [][]byte{outer, p.contentType, explicit, octets, in.Content}
}

// header is the identifier and length octets of an element with these contents.
func header(tag asn1ber.Tag, constructed bool, contents ...[]byte) []byte {
	n := 0
	for _, c := range contents {
		n += len(c)
	}
	return asn1ber.AppendHeader(nil, tag, constructed, n)
}

// contentInfo is ContentInfo around the fields of a SignedData.
func contentInfo(fields ...[]byte) []byte {
	inner := append([][]byte{header(asn1ber.Sequence, true, fields...)}, fields...)
	explicit := header(asn1ber.Context(0), true, inner...)
	all := append([][]byte{asn1ber.Primitive(asn1ber.OID, []byte(asn1ber.MustOID(OIDSignedData))), explicit}, inner...)
	return asn1ber.Wrap(asn1ber.Sequence, all...)
}
