package tsp

import (
	"errors"
	"fmt"

	"qaqpa/signer/algo"
	"qaqpa/signer/asn1ber"
)

// Request is what is asked of a time-stamping authority (RFC 3161 2.4.1).
type Request struct {
	Hash    algo.Hash
	Imprint []byte // digest of what is to be stamped, made with Hash
	Policy  string // dotted OID; empty lets the authority choose
	// Nonce is random octets, at most [MaxNonceOctets], sent as a positive INTEGER; nil sends none, and then a replayed
	// response cannot be told.
	Nonce []byte
	// Certificates asks for the authority's certificate in the token.
	Certificates bool
}

// MaxNonceOctets bounds the nonce of a request; answers are compared with what was sent.
const MaxNonceOctets = 32

// Encode is the DER TimeStampReq. Errors: algo.ErrMismatch for an imprint of another size.
func (q Request) Encode() ([]byte, error) {
	if !q.Hash.Valid() || len(q.Imprint) != q.Hash.Size() {
		return nil, fmt.Errorf("couldn't make time-stamp request: %w: imprint of %d octets for %s", algo.ErrMismatch, len(q.Imprint), q.Hash)
	}
	if len(q.Nonce) > MaxNonceOctets {
		return nil, errors.New("couldn't make time-stamp request: nonce too long")
	}
	id, err := q.Hash.AlgorithmIdentifier()
	if err != nil {
		return nil, fmt.Errorf("couldn't make time-stamp request: %w", err)
	}
	parts := [][]byte{
		asn1ber.EncodedInt(1),
		asn1ber.Wrap(asn1ber.Sequence, id, asn1ber.Primitive(asn1ber.OctetString, q.Imprint)),
	}
	if q.Policy != "" {
		policy, err := asn1ber.EncodedOID(q.Policy)
		if err != nil {
			return nil, fmt.Errorf("couldn't make time-stamp request: %w", err)
		}
		parts = append(parts, policy)
	}
	if q.Nonce != nil {
		parts = append(parts, asn1ber.EncodedUint(q.Nonce))
	}
	if q.Certificates {
		parts = append(parts, asn1ber.Primitive(asn1ber.Boolean, []byte{0xff}))
	}
	return asn1ber.Wrap(asn1ber.Sequence, parts...), nil
}

// expectation is what a response to q must say.
func (q Request) expectation() Expectation {
	e := Expectation{Hash: q.Hash, Imprint: q.Imprint}
	if q.Policy != "" {
		e.Policies = []string{q.Policy}
	}
	if q.Nonce != nil {
		if n, err := asn1ber.ParseDER(asn1ber.EncodedUint(q.Nonce)); err == nil {
			e.Nonce = n.Content
		}
	}
	return e
}
