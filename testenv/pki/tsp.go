package pki

import (
	"crypto"
	"crypto/sha1" // the national TSA binds its certificate with ESS version 1
	"errors"
	"io"
	"time"

	"golang.org/x/crypto/cryptobyte"
	casn1 "golang.org/x/crypto/cryptobyte/asn1"
)

const oidTSTInfo = "1.2.840.113549.1.9.16.1.4"

// TSA policies: 1.2.398.3.3.2.6.1 GOST-2004, .2 RSA, .4 GOST-2015. ECDSA, which the national TSA
// lacks, answers under the parent.
func policyOf(f Family) string {
	switch f {
	case GOST2004:
		return "1.2.398.3.3.2.6.1"
	case RSA:
		return "1.2.398.3.3.2.6.2"
	case GOST2015:
		return "1.2.398.3.3.2.6.4"
	case ECDSA:
	}
	return "1.2.398.3.3.2.6"
}

// TSPOptions change a time-stamp response.
type TSPOptions struct {
	// GenTime, zero: the clock.
	GenTime time.Time
	// Authority stamps in place of the policy's TSA: any identity with a key.
	Authority *Identity
	// WrongImprint stamps something else; WrongNonce answers another request.
	WrongImprint, WrongNonce, CorruptSignature bool
	// Reject answers status 2 (rejection), systemFailure.
	Reject bool
}

type stampRequest struct {
	hash     string // dotted OID
	imprint  []byte // MessageImprint element
	policy   string
	nonce    []byte // INTEGER element as it came: NCALayer sends negative ones
	withCert bool
}

// TimeStamp answers a TimeStampReq (DER). Without a policy the PKI's first family answers.
func (p *PKI) TimeStamp(request []byte) []byte { return p.TimeStampWith(request, TSPOptions{}) }

// TimeStampWith answers to order.
func (p *PKI) TimeStampWith(request []byte, o TSPOptions) []byte {
	req, err := parseStampRequest(request)
	if err != nil {
		return stampRefusal(5) // badDataFormat
	}
	if o.Reject {
		return stampRefusal(25) // systemFailure
	}
	fresh, ok := hashByOID(req.hash)
	if !ok {
		return stampRefusal(0) // badAlg
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	f, ok := p.familyForPolicy(req.policy)
	if !ok {
		return stampRefusal(15) // unacceptedPolicy
	}
	if o.WrongImprint {
		req.imprint = seq(seq(oid(req.hash)), octets(sum(fresh, []byte("something else"))))
	}
	if o.WrongNonce && req.nonce != nil {
		req.nonce = number(424242)
	}
	token, err := p.token(f, req, o)
	if err != nil {
		return stampRefusal(25)
	}
	return seq(seq(number(0)), token)
}

// StampFor makes a signature time-stamp token (DER) over sig, hashed as the family does.
func (p *PKI) StampFor(f Family, sig []byte) ([]byte, error) {
	id := oidStreebog512
	switch f {
	case RSA, ECDSA:
		var err error
		if id, err = hashOID(crypto.SHA256); err != nil {
			return nil, err
		}
	case GOST2004:
		id = oid34311
	case GOST2015:
	}
	fresh, _ := hashByOID(id)
	p.mu.Lock()
	defer p.mu.Unlock()
	imprint := seq(seq(oid(id), null()), octets(sum(fresh, sig)))
	return p.token(f, stampRequest{hash: id, imprint: imprint, withCert: true}, TSPOptions{})
}

func (p *PKI) familyForPolicy(policy string) (Family, bool) {
	if policy == "" {
		return p.index.Families[0], true
	}
	for _, f := range p.index.Families {
		if policyOf(f) == policy {
			return f, true
		}
	}
	return "", false
}

func parseStampRequest(der []byte) (stampRequest, error) {
	var req stampRequest
	bad := errors.New("couldn't read the time-stamp request")
	var body, element, imprint, algorithm, digest cryptobyte.String
	in := cryptobyte.String(der)
	if !in.ReadASN1(&body, casn1.SEQUENCE) || !in.Empty() || !body.SkipASN1(casn1.INTEGER) ||
		!body.ReadASN1Element(&element, casn1.SEQUENCE) {
		return req, bad
	}
	req.imprint = element
	if !element.ReadASN1(&imprint, casn1.SEQUENCE) || !imprint.ReadASN1(&algorithm, casn1.SEQUENCE) ||
		!imprint.ReadASN1(&digest, casn1.OCTET_STRING) {
		return req, bad
	}
	var ok bool
	if req.hash, ok = readOID(&algorithm); !ok {
		return req, bad
	}
	if fresh, known := hashByOID(req.hash); known && fresh().Size() != len(digest) {
		return req, bad
	}
	if body.PeekASN1Tag(casn1.OBJECT_IDENTIFIER) {
		if req.policy, ok = readOID(&body); !ok {
			return req, bad
		}
	}
	if body.PeekASN1Tag(casn1.INTEGER) {
		var nonce cryptobyte.String
		if !body.ReadASN1Element(&nonce, casn1.INTEGER) {
			return req, bad
		}
		req.nonce = nonce
	}
	if body.PeekASN1Tag(casn1.BOOLEAN) && !body.ReadASN1Boolean(&req.withCert) {
		return req, bad
	}
	return req, nil
}

// token is a TimeStampToken: a SignedData over TSTInfo (RFC 3161 2.4.2); p.mu is held.
func (p *PKI) token(f Family, req stampRequest, o TSPOptions) ([]byte, error) {
	tsa := o.Authority
	if tsa == nil {
		var err error
		if tsa, err = p.identity("tsa_" + string(f)); err != nil {
			return nil, err
		}
	}
	if tsa.Key == nil {
		return nil, ErrNoKey
	}
	at := o.GenTime
	if at.IsZero() {
		at = p.opts.Now()
	}
	p.index.Stamps++
	if err := p.save(); err != nil {
		return nil, err
	}
	info := seq(number(1), oid(or(req.policy, policyOf(f))), req.imprint, number(p.index.Stamps), generalized(at), req.nonce)
	s, err := schemeOf(tsa.Key.Public(), schemeOptions{})
	if err != nil {
		return nil, err
	}
	signer, err := tsa.stampSigner(info, at, s, p.opts.Rand, o.CorruptSignature)
	if err != nil {
		return nil, err
	}
	var certificates [][]byte
	if req.withCert {
		certificates = [][]byte{tsa.Certificate}
	}
	sd := signedData{3, [][]byte{s.digest}, certificates, [][]byte{signer}}
	return sd.encode(info, CMSOptions{ContentType: oidTSTInfo}), nil
}

// stampSigner is the SignerInfo of a token. GOST-2004 binds the certificate with signingCertificate
// version 1, like the sample of the national TSA; the others with version 2.
func (id *Identity) stampSigner(info []byte, at time.Time, s scheme, rand io.Reader, corrupt bool) ([]byte, error) {
	attribute := func(kind string, value []byte) []byte { return seq(oid(kind), tlv(tagSet, value)) }
	binding := attribute(oidSigningCertV2, signingCertificateV2(id.Certificate))
	if id.Profile.Family == GOST2004 {
		hash := sha1.Sum(id.Certificate) // see the import
		binding = attribute(oidSigningCertV1, seq(seq(seq(octets(hash[:])))))
	}
	attributes := setOf(
		attribute(oidContentType, oid(oidTSTInfo)), attribute(oidSigningTime, moment(at)),
		attribute(oidMessageDigest, octets(sum(s.fresh, info))), binding)
	sig, err := s.sign(id.Key, rand, attributes)
	if err != nil {
		return nil, err
	}
	if corrupt {
		sig[len(sig)/2] ^= 1
	}
	wire := append([]byte{0xa0}, attributes[1:]...)
	return seq(number(1), seq(id.issuer, integer(id.serial)), s.digest, wire, s.signature, octets(sig)), nil
}

// stampRefusal is a rejection with a PKIFailureInfo bit (RFC 3161 2.4.2).
func stampRefusal(bit int) []byte {
	info := make([]byte, bit/8+1)
	info[bit/8] = 0x80 >> (bit % 8)
	return seq(seq(number(2), tlv(tagBitString, []byte{byte(7 - bit%8)}, info)))
}
