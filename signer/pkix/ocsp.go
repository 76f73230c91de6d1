package pkix

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"time"

	"qaqpa/signer/algo"
	"qaqpa/signer/asn1ber"
)

// OCSPStatus is OCSPResponseStatus (RFC 6960 4.2.1). Only successful responses are signed: any other status is what
// anybody on the way may have written, and means that the answer is not available.
type OCSPStatus uint8

// Statuses of a response.
const (
	OCSPSuccessful       OCSPStatus = 0
	OCSPMalformedRequest OCSPStatus = 1
	OCSPInternalError    OCSPStatus = 2
	OCSPTryLater         OCSPStatus = 3
	OCSPSigRequired      OCSPStatus = 5
	OCSPUnauthorized     OCSPStatus = 6
)

// String names the status as RFC 6960 does.
func (s OCSPStatus) String() string {
	names := [...]string{
		"successful", "malformedRequest", "internalError", "tryLater", "(4)", "sigRequired", "unauthorized",
	}
	if int(s) < len(names) {
		return names[s]
	}
	return "unknown status"
}

// OCSPResponse is an OCSP response (RFC 6960 4.2). Make one with [ParseOCSPResponse] or [ParseBasicOCSPResponse]; it is
// immutable. All fields but Raw and Status are zero when Status is not OCSPSuccessful.
type OCSPResponse struct {
	Raw      []byte // as parsed: OCSPResponse, or BasicOCSPResponse where that was parsed
	RawBasic []byte // BasicOCSPResponse
	Status   OCSPStatus

	RawTBS           []byte
	ResponderName    *Name  // nil when the responder is named by its key
	ResponderKeyHash []byte // SHA-1 of the responder's key; nil when it is named
	ProducedAt       time.Time
	Responses        []SingleResponse
	Extensions       []Extension

	Nonce []byte // contents of the OCTET STRING in the nonce extension, nil when absent
	// ExtendedRevocation tells that the responder calls certificates that were never issued revoked (RFC 6960 4.4.8).
	ExtendedRevocation bool

	RawSignatureAlgorithm []byte
	SignatureAlgorithm    algo.Signature
	SignatureAlgorithmErr error
	Signature             []byte
	partial               bool           // the BIT STRING is not whole octets, so no signature
	Certificates          []*Certificate // those that could be read

	UnknownCritical []string

	once        sync.Once
	fingerprint [sha256.Size]byte
}

// CertStatus is the answer for one certificate.
type CertStatus uint8

// Answers (RFC 6960 4.2.1).
const (
	CertGood CertStatus = iota
	CertRevoked
	CertUnknown
)

// String names the status as RFC 6960 does.
func (s CertStatus) String() string {
	names := [...]string{"good", "revoked", "unknown"}
	if int(s) < len(names) {
		return names[s]
	}
	return "undefined"
}

// SingleResponse is the answer for one CertID.
type SingleResponse struct {
	CertID     CertID
	Status     CertStatus
	RevokedAt  time.Time // zero unless revoked
	Reason     Reason
	HasReason  bool
	ThisUpdate time.Time
	NextUpdate time.Time // zero when absent
	// ArchiveCutoff: the responder keeps revocations of certificates that expired at or after this time (RFC 6960 4.4.4).
	ArchiveCutoff   time.Time
	Extensions      []Extension
	UnknownCritical []string
}

// NeverIssued reports whether the answer has the form that RFC 6960 4.4.8 gives to certificates which the CA never
// issued, and the national CA to those it does not know: revoked on 1970-01-01 with the reason certificateHold.
func (s SingleResponse) NeverIssued() bool {
	return s.Status == CertRevoked && s.RevokedAt.Unix() == 0 && s.Reason == CertificateHold
}

const (
	maxOCSPBytes        = 16 << 20
	maxSingleResponses  = 4096
	maxOCSPCertificates = 64
)

var ocspLimits = asn1ber.Limits{Bytes: maxOCSPBytes, Depth: 32, Elements: 1 << 18}

// ErrOCSPType means that the response is successful but not a basic one (RFC 6960 4.2.1), so it cannot be read.
var ErrOCSPType = errors.New("OCSP response of unknown type")

// ParseOCSPResponse reads one DER OCSPResponse and nothing after it. The result aliases der. Errors wrap
// asn1ber.ErrSyntax, asn1ber.ErrLimit, ErrDuplicateExtension or ErrOCSPType.
func ParseOCSPResponse(der []byte) (*OCSPResponse, error) {
	o := &OCSPResponse{Raw: der}
	basic, err := o.parseOuter(der)
	if err == nil && o.Status == OCSPSuccessful {
		err = o.parseBasic(basic)
	}
	if err != nil {
		return nil, fmt.Errorf("couldn't read OCSP response: %w", err)
	}
	return o, nil
}

// ParseBasicOCSPResponse reads one DER BasicOCSPResponse, which CAdES revocation values hold, and nothing after it.
func ParseBasicOCSPResponse(der []byte) (*OCSPResponse, error) {
	o := &OCSPResponse{Raw: der}
	if err := o.parseBasic(der); err != nil {
		return nil, fmt.Errorf("couldn't read basic OCSP response: %w", err)
	}
	return o, nil
}

// parseOuter reads OCSPResponse and returns the BasicOCSPResponse inside a successful one.
func (o *OCSPResponse) parseOuter(der []byte) ([]byte, error) {
	outer, err := asn1ber.Parse(der, asn1ber.DER, ocspLimits)
	if err != nil {
		return nil, err
	}
	r, err := enterSequence(outer)
	if err != nil {
		return nil, err
	}
	status, err := r.Read(asn1ber.Enumerated)
	if err != nil {
		return nil, err
	}
	v, err := status.Int64()
	if err != nil || v < 0 || v == 4 || v > int64(OCSPUnauthorized) {
		return nil, fmt.Errorf("%w: OCSP status", asn1ber.ErrSyntax)
	}
	o.Status = OCSPStatus(v)
	if o.Status != OCSPSuccessful {
		return nil, nil // some responders add response bytes to an error: they mean nothing
	}
	tagged, err := r.Read(asn1ber.Context(0))
	if err != nil {
		return nil, err
	}
	if err := r.End(); err != nil {
		return nil, err
	}
	body, err := tagged.Explicit(asn1ber.Sequence)
	if err != nil {
		return nil, err
	}
	b, err := body.Children()
	if err != nil {
		return nil, err
	}
	oid, err := b.ReadOID()
	if err != nil {
		return nil, err
	}
	if t := dottedOID(oid); t != OIDOCSPBasic {
		return nil, fmt.Errorf("%w: %s", ErrOCSPType, t)
	}
	octets, err := b.Read(asn1ber.OctetString)
	if err != nil {
		return nil, err
	}
	return octets.Content, b.End()
}

func (o *OCSPResponse) parseBasic(der []byte) error {
	outer, err := asn1ber.Parse(der, asn1ber.DER, ocspLimits)
	if err != nil {
		return err
	}
	r, err := enterSequence(outer)
	if err != nil {
		return err
	}
	o.RawBasic = outer.Raw
	tbs, err := r.Read(asn1ber.Sequence)
	if err != nil {
		return err
	}
	o.RawTBS = tbs.Raw
	algorithm, err := r.Read(asn1ber.Sequence)
	if err != nil {
		return err
	}
	o.RawSignatureAlgorithm = algorithm.Raw
	o.SignatureAlgorithm, o.SignatureAlgorithmErr = algo.ParseSignature(algorithm.Raw)
	bits, err := r.Read(asn1ber.BitString)
	if err != nil {
		return err
	}
	var unused int
	if o.Signature, unused, err = bits.BitString(); err != nil {
		return err
	}
	o.partial = unused != 0
	if err := o.parseCertificates(&r); err != nil {
		return err
	}
	if err := r.End(); err != nil {
		return err
	}
	return o.parseTBS(tbs)
}

// parseCertificates reads certs [0] EXPLICIT SEQUENCE OF Certificate OPTIONAL. A certificate that cannot be read is left
// out: it can then not be the responder's.
func (o *OCSPResponse) parseCertificates(r *asn1ber.Reader) error {
	tagged, ok, err := r.Optional(asn1ber.Context(0))
	if err != nil || !ok {
		return err
	}
	list, err := tagged.Explicit(asn1ber.Sequence)
	if err != nil {
		return err
	}
	certs, err := list.Children()
	if err != nil {
		return err
	}
	for n := 0; !certs.Empty(); n++ {
		if n == maxOCSPCertificates {
			return fmt.Errorf("%w: more than %d certificates", asn1ber.ErrLimit, maxOCSPCertificates)
		}
		e, err := certs.Next()
		if err != nil {
			return err
		}
		if c, err := ParseCertificate(e.Raw); err == nil {
			o.Certificates = append(o.Certificates, c)
		}
	}
	return nil
}

func (o *OCSPResponse) parseTBS(tbs asn1ber.Element) error {
	r, err := tbs.Children()
	if err != nil {
		return err
	}
	if v, ok, err := r.Optional(asn1ber.Context(0)); err != nil {
		return err
	} else if ok {
		if inner, err := v.Explicit(asn1ber.Integer); err != nil || len(inner.Content) != 1 || inner.Content[0] != 0 {
			return fmt.Errorf("%w: version of OCSP response", asn1ber.ErrSyntax)
		}
	}
	if err := o.parseResponder(&r); err != nil {
		return fmt.Errorf("responder: %w", err)
	}
	produced, err := r.Read(asn1ber.GeneralizedTime)
	if err != nil {
		return err
	}
	if o.ProducedAt, err = produced.Time(); err != nil {
		return err
	}
	list, err := r.Enter(asn1ber.Sequence)
	if err != nil {
		return err
	}
	for !list.Empty() {
		if len(o.Responses) == maxSingleResponses {
			return fmt.Errorf("%w: more than %d responses", asn1ber.ErrLimit, maxSingleResponses)
		}
		s, err := readSingle(&list)
		if err != nil {
			return fmt.Errorf("single response %d: %w", len(o.Responses)+1, err)
		}
		o.Responses = append(o.Responses, s)
	}
	return o.parseExtensions(&r)
}

func (o *OCSPResponse) parseResponder(r *asn1ber.Reader) error {
	e, err := r.Next()
	if err != nil {
		return err
	}
	inner, err := e.Children() // both tags are explicit
	if err != nil {
		return err
	}
	switch e.Tag {
	case asn1ber.Context(1):
		name, err := readName(&inner)
		if err != nil {
			return err
		}
		o.ResponderName = &name
	case asn1ber.Context(2):
		hash, err := inner.Read(asn1ber.OctetString)
		if err != nil {
			return err
		}
		o.ResponderKeyHash = hash.Content
	default:
		return fmt.Errorf("%w: %s in ResponderID", asn1ber.ErrSyntax, e.Tag)
	}
	return inner.End()
}

func (o *OCSPResponse) parseExtensions(r *asn1ber.Reader) error {
	tagged, ok, err := r.Optional(asn1ber.Context(1))
	if err != nil {
		return err
	}
	if ok {
		if o.Extensions, err = readExtensions(tagged); err != nil {
			return err
		}
	}
	for i := range o.Extensions {
		x := &o.Extensions[i]
		switch x.OID {
		case OIDOCSPNonce:
			if o.Nonce, err = nonceValue(x.Value); err != nil {
				return err
			}
		case OIDOCSPExtendedRevocation:
			o.ExtendedRevocation = true
		default:
			if x.Critical {
				o.UnknownCritical = append(o.UnknownCritical, x.OID)
			}
		}
	}
	return r.End()
}

// nonceValue is the OCTET STRING inside the extension (RFC 9654 2.1). RFC 2560 left its form open, so one that is no
// OCTET STRING is taken as it stands.
func nonceValue(value []byte) ([]byte, error) {
	if len(value) == 0 {
		return nil, fmt.Errorf("%w: empty nonce", asn1ber.ErrSyntax)
	}
	e, err := asn1ber.ParseDER(value)
	if err != nil || e.Tag != asn1ber.OctetString {
		return value, nil //nolint:nilerr // an old form, not a fault
	}
	return e.Content, nil
}

// Fingerprint is the SHA-256 of Raw, computed once.
func (o *OCSPResponse) Fingerprint() [sha256.Size]byte {
	o.once.Do(func() { o.fingerprint = sha256.Sum256(o.Raw) })
	return o.fingerprint
}

// CheckSignature verifies the signature with a key; keyErr is the error of reading the key. The error wraps
// algo.ErrSignature when the signature is wrong; other errors mean that it could not be decided.
func (o *OCSPResponse) CheckSignature(key algo.PublicKey, keyErr error) error {
	if o.partial {
		return errPartialOctets
	}
	if err := cmp.Or(o.SignatureAlgorithmErr, keyErr); err != nil {
		return err
	}
	return o.SignatureAlgorithm.Verify(key, o.RawTBS, o.Signature)
}

// SignedLen is the number of octets that the signature covers.
func (o *OCSPResponse) SignedLen() int { return len(o.RawTBS) }
