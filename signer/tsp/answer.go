package tsp

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"qaqpa/signer/algo"
	"qaqpa/signer/asn1ber"
)

// Failure is a bit of PKIFailureInfo (RFC 3161 2.4.2): why an authority gives no token.
type Failure int

// Failures.
const (
	BadAlgorithm        Failure = 0
	BadRequest          Failure = 2
	BadFormat           Failure = 5
	TimeNotAvailable    Failure = 14
	UnacceptedPolicy    Failure = 15
	UnacceptedExtension Failure = 16
	SystemFailure       Failure = 25
)

// errVersion is a version of requests that is not known here: well-formed, and refused as OpenSSL's responder does it.
var errVersion = errors.New("the version of the request is not 1")

// Asked is a TimeStampReq as an authority reads it.
type Asked struct {
	RawImprint []byte // MessageImprint, as it was sent
	Hash       algo.Hash
	Imprint    []byte
	Policy     string // dotted OID; empty: any
	Nonce      []byte // contents of the INTEGER; nil when absent
	WithCert   bool
}

// BadRequestError says what is wrong with a request, in the terms of a response.
type BadRequestError struct {
	Failure Failure
	Text    string
}

// Error is the text.
func (e *BadRequestError) Error() string { return "time-stamp request refused: " + e.Text }

// requestMax bounds a request, in bytes: an imprint, a policy and a nonce.
const requestMax = 4096

// ParseRequest reads a TimeStampReq in DER and nothing after it. Extensions are refused, since none is known. Every error is a
// *[BadRequestError].
func ParseRequest(b []byte) (Asked, error) {
	bad := func(f Failure, text string) (Asked, error) { return Asked{}, &BadRequestError{f, text} }
	e, err := asn1ber.Parse(b, asn1ber.DER, asn1ber.Limits{Bytes: requestMax, Depth: 8, Elements: 64})
	if err != nil || e.Tag != asn1ber.Sequence {
		return bad(BadFormat, "it is no TimeStampReq in DER")
	}
	r, err := e.Children()
	if err != nil {
		return bad(BadFormat, "it is no TimeStampReq")
	}
	a, err := readAsked(&r)
	if errors.Is(err, errVersion) {
		return bad(BadRequest, err.Error())
	}
	if err != nil {
		return bad(BadFormat, err.Error())
	}
	if tag, more := r.Peek(); more && tag == asn1ber.Context(0) {
		return bad(UnacceptedExtension, "extensions are not known here")
	}
	if err := r.End(); err != nil {
		return bad(BadFormat, "something stands behind the request")
	}
	if !a.Hash.Valid() {
		return bad(BadAlgorithm, "the hash algorithm is not known here")
	}
	if len(a.Imprint) != a.Hash.Size() {
		return bad(BadFormat, fmt.Sprintf("the imprint has %d octets, %s has %d", len(a.Imprint), a.Hash, a.Hash.Size()))
	}
	return a, nil
}

func readAsked(r *asn1ber.Reader) (a Asked, err error) {
	version, err := r.Read(asn1ber.Integer)
	if err != nil {
		return a, err
	}
	if v, err := version.Int64(); err != nil || v != 1 {
		return a, errVersion
	}
	imprint, err := r.Read(asn1ber.Sequence)
	if err != nil {
		return a, err
	}
	a.RawImprint = imprint.Raw
	parts, err := imprint.Children()
	if err != nil {
		return a, err
	}
	id, err := parts.Read(asn1ber.Sequence)
	if err != nil {
		return a, err
	}
	if h, err := algo.ParseHash(id.Raw); err == nil { // an unknown one is refused later, by its own code
		a.Hash = h
	}
	digest, err := parts.Read(asn1ber.OctetString)
	if err != nil {
		return a, err
	}
	if a.Imprint, err = digest.OctetString(); err != nil {
		return a, err
	}
	if err := parts.End(); err != nil {
		return a, err
	}
	return a, a.readOptional(r)
}

func (a *Asked) readOptional(r *asn1ber.Reader) error {
	if tag, ok := r.Peek(); ok && tag == asn1ber.OID {
		policy, err := r.ReadOID()
		if err != nil {
			return err
		}
		if a.Policy, err = asn1ber.DottedOID(policy); err != nil {
			return err
		}
	}
	nonce, ok, err := r.Optional(asn1ber.Integer)
	if err != nil {
		return err
	}
	if ok {
		if a.Nonce, err = nonce.Integer(); err != nil {
			return err
		}
		if len(a.Nonce) > MaxNonceOctets {
			return fmt.Errorf("%w: nonce of %d octets", asn1ber.ErrLimit, len(a.Nonce))
		}
	}
	withCert, ok, err := r.Optional(asn1ber.Boolean)
	if err != nil {
		return err
	}
	if ok {
		if a.WithCert, err = withCert.Boolean(); err != nil {
			return err
		}
	}
	return nil
}

// Statement is what a token says about a request.
type Statement struct {
	Asked    Asked
	Policy   string    // dotted OID
	Serial   []byte    // big-endian, positive
	At       time.Time // cut to microseconds
	Accuracy time.Duration
	Ordering bool
	Subject  []byte // of the authority's certificate, a whole Name; nil leaves it out
}

// Encode is the DER TSTInfo (RFC 3161 2.4.2), the content of a token.
func (s Statement) Encode() ([]byte, error) {
	policy, err := asn1ber.EncodedOID(s.Policy)
	if err != nil {
		return nil, fmt.Errorf("couldn't write TSTInfo: %w", err)
	}
	parts := [][]byte{
		asn1ber.EncodedInt(1), policy, s.Asked.RawImprint, asn1ber.EncodedUint(s.Serial),
		// A fraction has no zeros at its end, and no point when it is zero.
		asn1ber.Primitive(asn1ber.GeneralizedTime, s.At.UTC().AppendFormat(nil, "20060102150405.999999Z")),
	}
	if s.Accuracy > 0 {
		parts = append(parts, encodeAccuracy(s.Accuracy))
	}
	if s.Ordering {
		parts = append(parts, asn1ber.Primitive(asn1ber.Boolean, []byte{0xff}))
	}
	if s.Asked.Nonce != nil {
		parts = append(parts, asn1ber.Primitive(asn1ber.Integer, s.Asked.Nonce))
	}
	if s.Subject != nil {
		parts = append(parts, asn1ber.Wrap(asn1ber.Context(0), asn1ber.Wrap(asn1ber.Context(4), s.Subject)))
	}
	return asn1ber.Wrap(asn1ber.Sequence, parts...), nil
}

// encodeAccuracy rounds up to the microsecond: a bound must not become smaller.
func encodeAccuracy(d time.Duration) []byte {
	us := int64((d + time.Microsecond - 1) / time.Microsecond)
	var parts [][]byte
	if n := us / 1e6; n > 0 {
		parts = append(parts, asn1ber.EncodedInt(n))
	}
	for tag, n := range []int64{us / 1e3 % 1e3, us % 1e3} {
		if n > 0 {
			contents := bytes.Clone(asn1ber.EncodedInt(n)[2:]) // tagged IMPLICIT; the number is below 1000
			parts = append(parts, asn1ber.Primitive(asn1ber.Context(tag), contents))
		}
	}
	return asn1ber.Wrap(asn1ber.Sequence, parts...)
}

// GrantedResponse is the DER TimeStampResp with a token.
func GrantedResponse(token []byte) []byte {
	return asn1ber.Wrap(asn1ber.Sequence, asn1ber.Wrap(asn1ber.Sequence, asn1ber.EncodedInt(int64(Granted))), token)
}

// RefusedResponse is the DER TimeStampResp without one.
func RefusedResponse(f Failure, text string) []byte {
	failure := make([]byte, 2+f/8)
	failure[0] = byte(7 - f%8) // unused bits: named bits end with the last one that is set (X.690 11.2.2)
	failure[1+f/8] = 0x80 >> (f % 8)
	return asn1ber.Wrap(asn1ber.Sequence, asn1ber.Wrap(asn1ber.Sequence,
		asn1ber.EncodedInt(int64(Rejection)),
		asn1ber.Wrap(asn1ber.Sequence, asn1ber.Primitive(asn1ber.UTF8String, []byte(text))),
		asn1ber.Primitive(asn1ber.BitString, failure)))
}
