package pki

import (
	"bytes"
	"crypto"
	"crypto/sha1" // RFC 6960 names a responder by the SHA-1 of its key
	"encoding/hex"
	"errors"
	"time"

	"golang.org/x/crypto/cryptobyte"
	casn1 "golang.org/x/crypto/cryptobyte/asn1"
)

const (
	oidBasicOCSP = "1.3.6.1.5.5.7.48.1.1"
	oidNonce     = "1.3.6.1.5.5.7.48.1.2"
	oidOCSPValid = "1.3.6.1.5.5.7.48.1.9" // extended revoke: an unknown serial is answered as revoked
)

// OCSPResponseStatus values (RFC 6960 4.2.1).
const (
	ocspMalformed    = 1
	ocspTryLater     = 3
	ocspUnauthorized = 6
)

// Status of a certificate in an OCSP response.
type Status string

// Statuses. The zero value is what the list says.
const (
	Good    Status = "good"
	Revoked Status = "revoked"
	// Unissued is the national answer for an unknown serial: revoked since 1970-01-01, certificateHold.
	Unissued Status = "unissued"
	// Unknown is the answer of RFC 6960, which the national responder doesn't give.
	Unknown Status = "unknown"
)

// OCSPOptions change a response. The zero value is the national form: delegated responder named by
// its DN and included, nonce echoed, extension 1.3.6.1.5.5.7.48.1.9, no nextUpdate.
type OCSPOptions struct {
	Status Status
	// ThisUpdate and ProducedAt, zero: the clock. NextUpdate, zero: absent.
	ThisUpdate, ProducedAt, NextUpdate time.Time
	// Responder answers in place of the family's delegated one: any identity with a key.
	Responder *Identity
	// SignedByCA has the CA's own key answer, as production does.
	SignedByCA bool
	// ByKey names the responder by key hash.
	ByKey bool
	// NoCertificate leaves the responder's certificate out.
	NoCertificate bool
	// NoNonce drops the nonce; WrongNonce answers with another.
	NoNonce, WrongNonce bool
	// OtherSerial answers for another certificate.
	OtherSerial      bool
	CorruptSignature bool
}

// certID is a CertID of a request, with the raw bytes to repeat.
type certID struct {
	hash              string // dotted OID
	nameHash, keyHash []byte
	serial            []byte
	element           []byte // DER of the whole CertID
}

type ocspRequest struct {
	ids   []certID
	nonce []byte // extnValue's content, as it came
}

// OCSP answers a request (DER) as the national responder does.
func (p *PKI) OCSP(request []byte) []byte { return p.OCSPWith(request, OCSPOptions{}) }

// OCSPWith answers a request (DER) to order. A request that can't be read is malformedRequest, one
// for an issuer that isn't here unauthorized.
func (p *PKI) OCSPWith(request []byte, o OCSPOptions) []byte {
	req, err := parseOCSPRequest(request)
	if err != nil {
		return ocspError(ocspMalformed)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	ca := p.issuerByHash(req.ids[0])
	if ca == nil {
		return ocspError(ocspUnauthorized)
	}
	der, err := p.respond(ca, req, o)
	if err != nil {
		return ocspError(2) // internalError
	}
	return der
}

// OCSPFor makes a response about an identity without a request: CertID with SHA-256, no nonce.
func (p *PKI) OCSPFor(id *Identity, o OCSPOptions) ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	ca := p.authorityNamed(id.ca)
	if ca == nil {
		return nil, errors.New("the issuer of the identity is not known here")
	}
	sha, err := hashOID(crypto.SHA256)
	if err != nil {
		return nil, err
	}
	fresh, _ := hashByOID(sha)
	cid := certID{serial: id.serial}
	cid.element = seq(seq(oid(sha), null()), octets(sum(fresh, ca.subject)), octets(sum(fresh, ca.content)), integer(id.serial))
	return p.respond(ca, ocspRequest{ids: []certID{cid}}, o)
}

func parseOCSPRequest(der []byte) (ocspRequest, error) {
	var req ocspRequest
	bad := errors.New("couldn't read the OCSP request")
	in, outer, tbs, list := cryptobyte.String(der), cryptobyte.String(nil), cryptobyte.String(nil), cryptobyte.String(nil)
	constructed := func(n uint8) casn1.Tag { return casn1.Tag(n).ContextSpecific().Constructed() }
	if !in.ReadASN1(&outer, casn1.SEQUENCE) || !outer.ReadASN1(&tbs, casn1.SEQUENCE) ||
		!tbs.SkipOptionalASN1(constructed(0)) || !tbs.SkipOptionalASN1(constructed(1)) ||
		!tbs.ReadASN1(&list, casn1.SEQUENCE) || list.Empty() {
		return req, bad
	}
	for !list.Empty() && len(req.ids) < 20 {
		var one, body, algorithm, name, key, serial, raw cryptobyte.String
		if !list.ReadASN1(&one, casn1.SEQUENCE) || !one.ReadASN1Element(&raw, casn1.SEQUENCE) {
			return req, bad
		}
		element := raw
		if !raw.ReadASN1(&body, casn1.SEQUENCE) || !body.ReadASN1(&algorithm, casn1.SEQUENCE) ||
			!body.ReadASN1(&name, casn1.OCTET_STRING) || !body.ReadASN1(&key, casn1.OCTET_STRING) ||
			!body.ReadASN1(&serial, casn1.INTEGER) {
			return req, bad
		}
		id, ok := readOID(&algorithm)
		if !ok {
			return req, bad
		}
		req.ids = append(req.ids, certID{hash: id, nameHash: name, keyHash: key, serial: serial, element: element})
	}
	var extensions cryptobyte.String
	var present bool
	if !tbs.ReadOptionalASN1(&extensions, &present, constructed(2)) {
		return req, bad
	}
	if present {
		req.nonce = findExtension(extensions, oidNonce)
	}
	return req, nil
}

// findExtension is the content of extnValue of an extension in SEQUENCE OF Extension.
func findExtension(extensions cryptobyte.String, wanted string) []byte {
	var list cryptobyte.String
	if !extensions.ReadASN1(&list, casn1.SEQUENCE) {
		return nil
	}
	for !list.Empty() {
		var one, value cryptobyte.String
		if !list.ReadASN1(&one, casn1.SEQUENCE) {
			return nil
		}
		id, ok := readOID(&one)
		if ok && one.SkipOptionalASN1(casn1.BOOLEAN) && one.ReadASN1(&value, casn1.OCTET_STRING) && id == wanted {
			return value
		}
	}
	return nil
}

// issuerByHash finds the CA that a CertID means; p.mu is held.
func (p *PKI) issuerByHash(id certID) *CA {
	fresh, ok := hashByOID(id.hash)
	if !ok {
		return nil
	}
	for _, ca := range p.authorities() {
		if bytes.Equal(sum(fresh, ca.subject), id.nameHash) && bytes.Equal(sum(fresh, ca.content), id.keyHash) {
			return ca
		}
	}
	return nil
}

// respond makes the response; p.mu is held.
func (p *PKI) respond(ca *CA, req ocspRequest, o OCSPOptions) ([]byte, error) {
	now := p.opts.Now().UTC().Truncate(time.Second)
	if o.ThisUpdate.IsZero() {
		o.ThisUpdate = now
	}
	if o.ProducedAt.IsZero() {
		o.ProducedAt = now
	}
	responder, err := p.responder(ca, o)
	if err != nil {
		return nil, err
	}
	s, err := schemeOf(responder.Key.Public(), schemeOptions{})
	if err != nil {
		return nil, err
	}
	own, err := readCertificate(responder.Certificate)
	if err != nil {
		return nil, err
	}
	name := explicit(1, own.subject)
	if o.ByKey {
		content, err := spkiContent(own.spki)
		if err != nil {
			return nil, err
		}
		hash := sha1.Sum(content) // see the import
		name = explicit(2, octets(hash[:]))
	}
	var singles [][]byte
	for _, id := range req.ids {
		singles = append(singles, p.single(ca, id, o))
	}
	tbs := seq(name, generalized(o.ProducedAt), seq(singles...), explicit(1, seq(o.extensions(req.nonce)...)))
	sig, err := s.sign(responder.Key, p.opts.Rand, tbs)
	if err != nil {
		return nil, err
	}
	if o.CorruptSignature {
		sig[len(sig)/2] ^= 1
	}
	var certificates []byte
	if !o.NoCertificate {
		certificates = explicit(0, seq(responder.Certificate))
	}
	basic := seq(tbs, s.signature, bits(sig), certificates)
	return seq(tlv(tagEnumerated, []byte{0}), explicit(0, seq(oid(oidBasicOCSP), octets(basic)))), nil
}

// responder is who signs: the family's delegated responder, the CA itself, or the one asked for.
func (p *PKI) responder(ca *CA, o OCSPOptions) (*Identity, error) {
	delegated := "ocsp_" + string(ca.Family)
	switch {
	case o.Responder != nil:
		if o.Responder.Key == nil {
			return nil, ErrNoKey
		}
		return o.Responder, nil
	case o.SignedByCA, ca.Root, ca.impostor, ca.parent == nil:
		return &Identity{Certificate: ca.Certificate, Key: ca.key}, nil
	}
	return p.identity(delegated)
}

func (o OCSPOptions) extensions(nonce []byte) [][]byte {
	var list [][]byte
	if nonce != nil && !o.NoNonce {
		if o.WrongNonce {
			nonce = octets([]byte("not this"))
		}
		list = append(list, extension(oidNonce, false, nonce))
	}
	return append(list, extension(oidOCSPValid, false, null()))
}

// single is the SingleResponse for one certificate.
func (p *PKI) single(ca *CA, id certID, o OCSPOptions) []byte {
	var next []byte
	if !o.NextUpdate.IsZero() {
		next = explicit(0, generalized(o.NextUpdate))
	}
	if o.OtherSerial {
		// The serial is the last element of the CertID and its own last octet the last of both.
		other := bytes.Clone(id.element)
		other[len(other)-1] ^= 1
		id.element = other
	}
	return seq(id.element, p.status(ca, id.serial, o.Status), generalized(o.ThisUpdate), next)
}

func (p *PKI) status(ca *CA, serial []byte, forced Status) []byte {
	l := p.listOf(ca)
	r, revoked := l.find(serial)
	if forced == "" {
		_, issued := l.Certificates[hex.EncodeToString(serial)]
		switch {
		case revoked:
			forced = Revoked
		case issued:
			forced = Good
		default:
			forced = Unissued
		}
	}
	switch forced {
	case Good:
		return implicit(0, null())
	case Unknown:
		return implicit(2, null())
	case Revoked:
	case Unissued:
		return explicit(1, generalized(time.Unix(0, 0)), explicit(0, CertificateHold.encode()))
	}
	if !revoked {
		r = &revocation{At: p.opts.Now(), Reason: KeyCompromise}
	}
	if r.Reason == Unspecified {
		return explicit(1, generalized(r.At))
	}
	return explicit(1, generalized(r.At), explicit(0, r.Reason.encode()))
}

func ocspError(status byte) []byte { return seq(tlv(tagEnumerated, []byte{status})) }
