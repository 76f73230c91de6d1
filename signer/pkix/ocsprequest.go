package pkix

import (
	"errors"
	"fmt"
	"time"

	"qaqpa/signer/algo"
	"qaqpa/signer/asn1ber"
)

// OCSPRequest is an OCSP request (RFC 6960 4.1).
type OCSPRequest struct {
	Raw           []byte
	RawTBS        []byte
	RequestorName *GeneralName // nil when absent
	CertIDs       []CertID
	Nonce         []byte // nil when absent
	Signed        bool   // the request bears a signature, which this package does not judge
	Extensions    []Extension
}

// Nonces of RFC 9654 have 1 to 128 octets.
const maxNonce = 128

// NewOCSPRequest encodes an unsigned request for one certificate. hash is that of the CertID: SHA-256 for the national
// responders, SHA-1 for those that know RFC 5019 only. nonce may be nil; responders that sign in advance do not return
// it.
func NewOCSPRequest(cert, issuer *Certificate, hash algo.Hash, nonce []byte) ([]byte, error) {
	id, err := NewCertID(cert, issuer, hash)
	if err != nil {
		return nil, err
	}
	tbs := [][]byte{asn1ber.Wrap(asn1ber.Sequence, asn1ber.Wrap(asn1ber.Sequence, id))}
	if nonce != nil {
		if len(nonce) == 0 || len(nonce) > maxNonce {
			return nil, fmt.Errorf("couldn't make OCSP request: nonce of %d octets", len(nonce))
		}
		oid, err := asn1ber.EncodedOID(OIDOCSPNonce)
		if err != nil {
			return nil, err
		}
		value := asn1ber.Primitive(asn1ber.OctetString, asn1ber.Primitive(asn1ber.OctetString, nonce))
		extensions := asn1ber.Wrap(asn1ber.Sequence, asn1ber.Wrap(asn1ber.Sequence, oid, value))
		tbs = append(tbs, asn1ber.Wrap(asn1ber.Context(2), extensions))
	}
	return asn1ber.Wrap(asn1ber.Sequence, asn1ber.Wrap(asn1ber.Sequence, tbs...)), nil
}

// NewCertID encodes the CertID of a certificate.
func NewCertID(cert, issuer *Certificate, hash algo.Hash) ([]byte, error) {
	algorithm, err := hash.AlgorithmIdentifier()
	if err != nil {
		return nil, fmt.Errorf("couldn't make CertID: %w", err)
	}
	key, err := keyOctets(issuer.RawSPKI)
	if err != nil {
		return nil, fmt.Errorf("couldn't make CertID: %w", err)
	}
	return asn1ber.Wrap(asn1ber.Sequence, algorithm,
		asn1ber.Primitive(asn1ber.OctetString, hash.Sum(nil, cert.RawIssuer)),
		asn1ber.Primitive(asn1ber.OctetString, hash.Sum(nil, key)),
		asn1ber.Primitive(asn1ber.Integer, cert.Serial)), nil
}

// ParseOCSPRequest reads one DER OCSPRequest and nothing after it. The result aliases der.
func ParseOCSPRequest(der []byte) (*OCSPRequest, error) {
	q := &OCSPRequest{}
	if err := q.parse(der); err != nil {
		return nil, fmt.Errorf("couldn't read OCSP request: %w", err)
	}
	return q, nil
}

func (q *OCSPRequest) parse(der []byte) error {
	outer, err := asn1ber.Parse(der, asn1ber.DER, ocspLimits)
	if err != nil {
		return err
	}
	q.Raw = outer.Raw
	r, err := enterSequence(outer)
	if err != nil {
		return err
	}
	tbs, err := r.Read(asn1ber.Sequence)
	if err != nil {
		return err
	}
	q.RawTBS = tbs.Raw
	if _, q.Signed, err = r.Optional(asn1ber.Context(0)); err != nil {
		return err
	}
	if err := r.End(); err != nil {
		return err
	}
	return q.parseTBS(tbs)
}

func (q *OCSPRequest) parseTBS(tbs asn1ber.Element) error {
	r, err := tbs.Children()
	if err != nil {
		return err
	}
	if v, ok, err := r.Optional(asn1ber.Context(0)); err != nil {
		return err
	} else if ok {
		if inner, err := v.Explicit(asn1ber.Integer); err != nil || len(inner.Content) != 1 || inner.Content[0] != 0 {
			return fmt.Errorf("%w: version of OCSP request", asn1ber.ErrSyntax)
		}
	}
	if tagged, ok, err := r.Optional(asn1ber.Context(1)); err != nil {
		return err
	} else if ok {
		inner, err := tagged.Children()
		if err != nil {
			return err
		}
		name, err := readGeneralName(&inner, false)
		if err != nil {
			return err
		}
		q.RequestorName = &name
	}
	list, err := r.Enter(asn1ber.Sequence)
	if err != nil {
		return err
	}
	if err := q.parseList(&list); err != nil {
		return err
	}
	return q.parseExtensions(&r)
}

func (q *OCSPRequest) parseList(list *asn1ber.Reader) error {
	if list.Empty() {
		return errors.New("no certificate is asked for")
	}
	for !list.Empty() {
		if len(q.CertIDs) == maxSingleResponses {
			return fmt.Errorf("%w: more than %d certificates", asn1ber.ErrLimit, maxSingleResponses)
		}
		one, err := list.Enter(asn1ber.Sequence)
		if err != nil {
			return err
		}
		id, err := readCertID(&one)
		if err != nil {
			return err
		}
		if tagged, ok, err := one.Optional(asn1ber.Context(0)); err != nil {
			return err
		} else if ok {
			if _, err := readExtensions(tagged); err != nil {
				return err
			}
		}
		if err := one.End(); err != nil {
			return err
		}
		q.CertIDs = append(q.CertIDs, id)
	}
	return nil
}

func (q *OCSPRequest) parseExtensions(r *asn1ber.Reader) error {
	tagged, ok, err := r.Optional(asn1ber.Context(2))
	if err != nil {
		return err
	}
	if ok {
		if q.Extensions, err = readExtensions(tagged); err != nil {
			return err
		}
	}
	if x := find(q.Extensions, OIDOCSPNonce); x != nil {
		if q.Nonce, err = nonceValue(x.Value); err != nil {
			return err
		}
	}
	return r.End()
}

func timeValue(value []byte) (time.Time, error) {
	e, err := asn1ber.ParseDER(value)
	if err != nil {
		return time.Time{}, err
	}
	return e.Time()
}
