package bank

import (
	"bytes"
	"crypto"
	_ "crypto/sha256" // registers the hashes that a seal may use
	_ "crypto/sha512"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"time"

	"golang.org/x/crypto/cryptobyte"
	casn1 "golang.org/x/crypto/cryptobyte/asn1"
)

const (
	oidData          = "1.2.840.113549.1.7.1"
	oidSignedData    = "1.2.840.113549.1.7.2"
	oidContentType   = "1.2.840.113549.1.9.3"
	oidMessageDigest = "1.2.840.113549.1.9.4"
)

// errSeal means that the message isn't sealed by the gateway.
var errSeal = errors.New("the message doesn't carry the gateway's seal")

// sealedMessage is the parts of an attached SignedData with one signer (RFC 5652).
type sealedMessage struct {
	content    []byte
	sid        cryptobyte.String // element
	hash       crypto.Hash
	attributes cryptobyte.String // element [0]
	algorithm  cryptobyte.String // content of the AlgorithmIdentifier
	signature  []byte
}

// openSeal returns the content of a CMS (DER) if exactly one signer signed it, with signed
// attributes, by the key of one of the certificates, which is valid at the time.
func openSeal(cms []byte, gateway []*x509.Certificate, at time.Time) ([]byte, error) {
	m, err := readSeal(cms)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errSeal, err)
	}
	for _, cert := range gateway {
		if !m.names(cert) {
			continue
		}
		if at.Before(cert.NotBefore) || at.After(cert.NotAfter) {
			return nil, fmt.Errorf("%w: its certificate isn't valid now", errSeal)
		}
		if err := m.verify(cert); err != nil {
			return nil, fmt.Errorf("%w: %w", errSeal, err)
		}
		return m.content, nil
	}
	return nil, fmt.Errorf("%w: the signer is somebody else", errSeal)
}

func constructed(n uint8) casn1.Tag { return casn1.Tag(n).ContextSpecific().Constructed() }

func readOID(in *cryptobyte.String) string {
	var id asn1.ObjectIdentifier
	if !in.ReadASN1ObjectIdentifier(&id) {
		return ""
	}
	return id.String()
}

// readSeal takes the SignedData apart.
func readSeal(cms []byte) (*sealedMessage, error) {
	bad := errors.New("it isn't an attached CMS in DER with one signer")
	var info, wrapped, data, encap, wrappedContent, infos, signer, content cryptobyte.String
	in := cryptobyte.String(cms)
	if !in.ReadASN1(&info, casn1.SEQUENCE) || !in.Empty() || readOID(&info) != oidSignedData ||
		!info.ReadASN1(&wrapped, constructed(0)) || !wrapped.ReadASN1(&data, casn1.SEQUENCE) ||
		!data.SkipASN1(casn1.INTEGER) || !data.SkipASN1(casn1.SET) || !data.ReadASN1(&encap, casn1.SEQUENCE) ||
		readOID(&encap) != oidData || !encap.ReadASN1(&wrappedContent, constructed(0)) ||
		!wrappedContent.ReadASN1(&content, casn1.OCTET_STRING) ||
		!data.SkipOptionalASN1(constructed(0)) || !data.SkipOptionalASN1(constructed(1)) ||
		!data.ReadASN1(&infos, casn1.SET) || !data.Empty() || !infos.ReadASN1(&signer, casn1.SEQUENCE) || !infos.Empty() {
		return nil, bad
	}
	m := &sealedMessage{content: content}
	var digest, signature cryptobyte.String
	var tag casn1.Tag
	if !signer.SkipASN1(casn1.INTEGER) || !signer.ReadAnyASN1Element(&m.sid, &tag) ||
		!signer.ReadASN1(&digest, casn1.SEQUENCE) || !signer.ReadASN1Element(&m.attributes, constructed(0)) ||
		!signer.ReadASN1(&m.algorithm, casn1.SEQUENCE) || !signer.ReadASN1(&signature, casn1.OCTET_STRING) {
		return nil, bad
	}
	m.signature = signature
	m.hash = hashOf(readOID(&digest))
	if m.hash == 0 {
		return nil, errors.New("its hash isn't SHA-256, SHA-384 or SHA-512")
	}
	return m, nil
}

func hashOf(id string) crypto.Hash {
	switch id {
	case "2.16.840.1.101.3.4.2.1":
		return crypto.SHA256
	case "2.16.840.1.101.3.4.2.2":
		return crypto.SHA384
	case "2.16.840.1.101.3.4.2.3":
		return crypto.SHA512
	}
	return 0
}

// names says whether the signer identifier is the certificate's: issuer and serial, or key identifier.
func (m *sealedMessage) names(cert *x509.Certificate) bool {
	sid := m.sid
	if m.sid.PeekASN1Tag(casn1.Tag(0).ContextSpecific()) {
		var ski cryptobyte.String
		return sid.ReadASN1(&ski, casn1.Tag(0).ContextSpecific()) && bytes.Equal(ski, cert.SubjectKeyId)
	}
	var body, issuer cryptobyte.String
	serial, err := asn1.Marshal(cert.SerialNumber)
	return err == nil && sid.ReadASN1(&body, casn1.SEQUENCE) && body.ReadASN1Element(&issuer, casn1.SEQUENCE) &&
		bytes.Equal(issuer, cert.RawIssuer) && bytes.Equal(body, serial)
}

// verify checks content type, digest and signature.
func (m *sealedMessage) verify(cert *x509.Certificate) error {
	contentType, digest, err := m.attributeValues()
	if err != nil {
		return err
	}
	if contentType != oidData {
		return errors.New("its content type isn't the signed one")
	}
	h := m.hash.New()
	h.Write(m.content)
	if !bytes.Equal(digest, h.Sum(nil)) {
		return errors.New("its content isn't the signed one")
	}
	algorithm, err := m.x509Algorithm()
	if err != nil {
		return err
	}
	signed := bytes.Clone(m.attributes)
	signed[0] = 0x31 // signed as SET OF, sent as [0]
	if err := cert.CheckSignature(algorithm, signed, m.signature); err != nil {
		return errors.New("its signature is wrong")
	}
	return nil
}

// attributeValues finds contentType and messageDigest, each exactly once.
func (m *sealedMessage) attributeValues() (contentType string, digest []byte, err error) {
	bad := errors.New("its signed attributes are wrong")
	element, list := m.attributes, cryptobyte.String(nil)
	if !element.ReadASN1(&list, constructed(0)) {
		return "", nil, bad
	}
	for !list.Empty() {
		var one, values, value cryptobyte.String
		if !list.ReadASN1(&one, casn1.SEQUENCE) {
			return "", nil, bad
		}
		kind := readOID(&one)
		if !one.ReadASN1(&values, casn1.SET) {
			return "", nil, bad
		}
		switch kind {
		case oidContentType:
			if contentType != "" {
				return "", nil, bad
			}
			contentType = readOID(&values)
		case oidMessageDigest:
			if digest != nil || !values.ReadASN1(&value, casn1.OCTET_STRING) || !values.Empty() {
				return "", nil, bad
			}
			digest = value
		}
	}
	if contentType == "" || digest == nil {
		return "", nil, bad
	}
	return contentType, digest, nil
}

// x509Algorithm maps the signature algorithm; a bare key algorithm takes the digest's hash.
func (m *sealedMessage) x509Algorithm() (x509.SignatureAlgorithm, error) {
	type family struct{ sha256, sha384, sha512 x509.SignatureAlgorithm }
	pkcs1 := family{x509.SHA256WithRSA, x509.SHA384WithRSA, x509.SHA512WithRSA}
	pss := family{x509.SHA256WithRSAPSS, x509.SHA384WithRSAPSS, x509.SHA512WithRSAPSS}
	ecdsa := family{x509.ECDSAWithSHA256, x509.ECDSAWithSHA384, x509.ECDSAWithSHA512}
	only := func(a x509.SignatureAlgorithm, h crypto.Hash) (x509.SignatureAlgorithm, error) {
		if h != m.hash {
			return 0, errors.New("its hash and its signature algorithm don't fit")
		}
		return a, nil
	}
	byHash := func(f family) (x509.SignatureAlgorithm, error) {
		return map[crypto.Hash]x509.SignatureAlgorithm{crypto.SHA256: f.sha256, crypto.SHA384: f.sha384, crypto.SHA512: f.sha512}[m.hash], nil
	}
	in := m.algorithm
	switch id := readOID(&in); id {
	case "1.2.840.113549.1.1.1":
		return byHash(pkcs1)
	case "1.2.840.113549.1.1.10":
		return byHash(pss)
	case "1.2.840.10045.2.1":
		return byHash(ecdsa)
	case "1.2.840.113549.1.1.11":
		return only(x509.SHA256WithRSA, crypto.SHA256)
	case "1.2.840.113549.1.1.12":
		return only(x509.SHA384WithRSA, crypto.SHA384)
	case "1.2.840.113549.1.1.13":
		return only(x509.SHA512WithRSA, crypto.SHA512)
	case "1.2.840.10045.4.3.2":
		return only(x509.ECDSAWithSHA256, crypto.SHA256)
	case "1.2.840.10045.4.3.3":
		return only(x509.ECDSAWithSHA384, crypto.SHA384)
	case "1.2.840.10045.4.3.4":
		return only(x509.ECDSAWithSHA512, crypto.SHA512)
	case "1.3.101.112":
		return x509.PureEd25519, nil
	default:
		return 0, fmt.Errorf("its signature algorithm %q isn't known to the bank", id)
	}
}
