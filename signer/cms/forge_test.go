package cms_test

import (
	"crypto/rand"
	"testing"

	"qaqpa/signer/algo"
	"qaqpa/signer/asn1ber"
	"qaqpa/signer/cms"
)

// forgery is a document whose signature is mathematically right over something that should not count. Fields left zero
// make what Sign would.
type forgery struct {
	eContentType string
	content      []byte
	detached     bool
	// attributes: nil for the usual ones; empty for none at all.
	attributes    [][]byte
	noAttributes  bool
	digestID      []byte // digestAlgorithm as written
	signatureID   []byte // signatureAlgorithm as written
	sid           []byte
	signedOctets  []byte // what is really signed; nil for the DER of the attributes
	attributesRaw []byte // the [0] element as written; nil for DER
	certificates  [][]byte
	unsigned      []byte
}

func attr(o string, values ...[]byte) []byte {
	return seq(oid(o), asn1ber.Wrap(asn1ber.Set, values...))
}

func octets(b []byte) []byte { return asn1ber.Primitive(asn1ber.OctetString, b) }

// usual are the attributes of a CAdES-B signature over body.
func usual(tb testing.TB, id identity, contentType string, body []byte) map[string][]byte {
	tb.Helper()
	s, _, err := signatureOf(id)
	if err != nil {
		tb.Fatal(err)
	}
	h := s.Hash
	if h == 0 {
		h = algo.SHA512
	}
	f := id.cert.Fingerprint()
	when, err := asn1ber.EncodedTime(at)
	if err != nil {
		tb.Fatal(err)
	}
	return map[string][]byte{
		"content-type":   attr(cms.OIDContentType, oid(contentType)),
		"message-digest": attr(cms.OIDMessageDigest, octets(h.Sum(nil, body))),
		"signing-time":   attr(cms.OIDSigningTime, when),
		"ess":            attr(cms.OIDSigningCertificateV2, seq(seq(seq(octets(f[:]))))),
	}
}

func (f forgery) build(tb testing.TB, id identity) []byte {
	tb.Helper()
	s, sigID, err := signatureOf(id)
	if err != nil {
		tb.Fatal(err)
	}
	h := s.Hash
	if h == 0 {
		h = algo.SHA512
	}
	digestID, err := h.AlgorithmIdentifier()
	if err != nil {
		tb.Fatal(err)
	}
	if f.eContentType == "" {
		f.eContentType = cms.OIDData
	}
	if f.content == nil {
		f.content = content
	}
	if f.digestID == nil {
		f.digestID = digestID
	}
	if f.signatureID == nil {
		f.signatureID = sigID
	}
	if f.sid == nil {
		f.sid = seq(id.cert.RawIssuer, asn1ber.Primitive(asn1ber.Integer, id.cert.Serial))
	}
	if f.certificates == nil {
		f.certificates = [][]byte{id.cert.Raw}
	}
	if f.attributes == nil && !f.noAttributes {
		for _, a := range usual(tb, id, f.eContentType, f.content) {
			f.attributes = append(f.attributes, a)
		}
	}
	message := f.content
	if !f.noAttributes {
		message = asn1ber.SetOf(asn1ber.Set, f.attributes...)
		if f.attributesRaw == nil {
			f.attributesRaw = asn1ber.SetOf(asn1ber.Context(0), f.attributes...)
		}
	}
	if f.signedOctets != nil {
		message = f.signedOctets
	}
	if s.Hash != 0 {
		message = s.Hash.Sum(nil, message)
	}
	sig, err := id.key.Sign(rand.Reader, message, s.SignerOpts())
	if err != nil {
		tb.Fatal(err)
	}
	var inner []byte
	if !f.detached {
		inner = asn1ber.Wrap(asn1ber.Context(0), octets(f.content))
	}
	return seq(oid(cms.OIDSignedData), asn1ber.Wrap(asn1ber.Context(0), seq(
		asn1ber.EncodedInt(1), asn1ber.Wrap(asn1ber.Set, f.digestID), seq(oid(f.eContentType), inner),
		asn1ber.Wrap(asn1ber.Context(0), f.certificates...),
		asn1ber.Wrap(asn1ber.Set, seq(asn1ber.EncodedInt(1), f.sid, f.digestID, f.attributesRaw, f.signatureID, octets(sig), f.unsigned)))))
}
