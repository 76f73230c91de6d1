package pki

import (
	"crypto"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"time"
)

const (
	oidData          = "1.2.840.113549.1.7.1"
	oidSignedData    = "1.2.840.113549.1.7.2"
	oidContentType   = "1.2.840.113549.1.9.3"
	oidMessageDigest = "1.2.840.113549.1.9.4"
	oidSigningTime   = "1.2.840.113549.1.9.5"
	oidSigningCertV1 = "1.2.840.113549.1.9.16.2.12"
	oidTimeStamp     = "1.2.840.113549.1.9.16.2.14"
	oidSigningCertV2 = "1.2.840.113549.1.9.16.2.47"
)

// CMSOptions change what [Identity.SignCMS] builds. The zero value is NCALayer's attached form: v1,
// contentType, signingTime, messageDigest and signingCertificateV2 (SHA-256, no issuerSerial), the
// signer's certificate alone.
type CMSOptions struct {
	Detached bool
	// SigningTime, zero: the PKI's clock.
	SigningTime   time.Time
	NoSigningTime bool
	// NoSigningCertificateV2 gives NCANode's form, which is not CAdES.
	NoSigningCertificateV2 bool
	// SigningCertificateOf binds another certificate than the signer's.
	SigningCertificateOf *Identity
	// NoSignedAttributes signs the content itself.
	NoSignedAttributes bool
	// NoMessageDigest and NoContentType leave an obligatory attribute out.
	NoMessageDigest, NoContentType bool
	// DoubleMessageDigest writes the attribute twice, the second over other content.
	DoubleMessageDigest bool
	// NoCertificate leaves the certificates out; Chain adds those above; Extra adds any DER.
	NoCertificate, Chain bool
	Extra                [][]byte
	// SubjectKeyIdentifier names the signer by key identifier (version 3).
	SubjectKeyIdentifier bool
	// Hash for RSA and ECDSA; zero: SHA-256. PSS for RSA.
	Hash crypto.Hash
	PSS  bool
	// KeyAlgorithm writes the key's OID in place of the signature's, as OpenSSL does for RSA.
	KeyAlgorithm bool
	// DigestAlgorithm (dotted OID) lies about the hash.
	DigestAlgorithm string
	// ContentType (dotted OID) of the content; zero: data.
	ContentType string
	// Indefinite writes BER as stream writers do: indefinite lengths, the content in segments.
	Indefinite bool
	// TimeStamp adds an unsigned signature time-stamp of the family's TSA.
	TimeStamp bool
	// SignedAttributes are written beside the others, each a whole Attribute (DER).
	SignedAttributes [][]byte
	// CorruptSignature flips a bit.
	CorruptSignature bool
}

// SignCMS makes a SignedData (DER, or BER with Indefinite) over content.
func (id *Identity) SignCMS(content []byte, o CMSOptions) ([]byte, error) {
	return CoSign(content, o, id)
}

// CoSign makes a SignedData with several parallel signers.
func CoSign(content []byte, o CMSOptions, signers ...*Identity) ([]byte, error) {
	var infos, digests, certificates [][]byte
	version := int64(1)
	for _, id := range signers {
		info, digest, err := id.signerInfo(content, o)
		if err != nil {
			return nil, fmt.Errorf("couldn't build the signature of %q: %w", id.Name, err)
		}
		infos, digests = append(infos, info), append(digests, digest)
		if !o.NoCertificate {
			certificates = append(certificates, id.Certificate)
		}
		if o.Chain {
			certificates = append(certificates, id.Chain...)
		}
	}
	if o.SubjectKeyIdentifier || or(o.ContentType, oidData) != oidData {
		version = 3
	}
	certificates = append(certificates, o.Extra...)
	sd := signedData{version, unique(digests), unique(certificates), infos}
	return sd.encode(content, o), nil
}

func unique(list [][]byte) [][]byte {
	seen := map[string]bool{}
	var out [][]byte
	for _, b := range list {
		if !seen[string(b)] {
			seen[string(b)] = true
			out = append(out, b)
		}
	}
	return out
}

// signedData is the parts of RFC 5652 5.1, encoded.
type signedData struct {
	version                      int64
	digests, certificates, infos [][]byte
}

// encode writes it inside ContentInfo.
func (sd signedData) encode(content []byte, o CMSOptions) []byte {
	encap := seq(oid(or(o.ContentType, oidData)))
	if !o.Detached {
		encap = seq(oid(or(o.ContentType, oidData)), explicit(0, octets(content)))
	}
	if o.Indefinite && !o.Detached {
		encap = indefinite(tagSequence, oid(or(o.ContentType, oidData)),
			indefinite(0xa0, indefinite(0x24, segments(content)...)))
	}
	var set []byte
	if len(sd.certificates) > 0 {
		set = explicit(0, sd.certificates...) // IMPLICIT SET OF: the tag is the same octet
	}
	parts := [][]byte{number(sd.version), setOf(sd.digests...), encap, set, setOf(sd.infos...)}
	if o.Indefinite {
		return indefinite(tagSequence, oid(oidSignedData), indefinite(0xa0, indefinite(tagSequence, parts...)))
	}
	return seq(oid(oidSignedData), explicit(0, seq(parts...)))
}

// indefinite writes an element of indefinite length.
func indefinite(tag byte, parts ...[]byte) []byte {
	out := []byte{tag, 0x80}
	for _, p := range parts {
		out = append(out, p...)
	}
	return append(out, 0, 0)
}

func segments(content []byte) [][]byte {
	var list [][]byte
	for len(content) > 7 {
		list, content = append(list, octets(content[:7])), content[7:]
	}
	return append(list, octets(content))
}

// signerInfo is RFC 5652 5.3; it returns the digest's AlgorithmIdentifier too.
func (id *Identity) signerInfo(content []byte, o CMSOptions) (info, digest []byte, err error) {
	if id.Key == nil {
		return nil, nil, ErrNoKey
	}
	s, err := schemeOf(id.Key.Public(), schemeOptions{hash: o.Hash, pss: o.PSS, keyOnly: o.KeyAlgorithm})
	if err != nil {
		return nil, nil, err
	}
	digest = s.digest
	if o.DigestAlgorithm != "" {
		digest = seq(oid(o.DigestAlgorithm), null())
	}
	message, wire := content, []byte(nil)
	if !o.NoSignedAttributes {
		attributes := setOf(id.attributes(content, o, s)...)
		message, wire = attributes, append([]byte{0xa0}, attributes[1:]...)
	}
	sig, err := s.sign(id.Key, id.pki.opts.Rand, message)
	if err != nil {
		return nil, nil, err
	}
	if o.CorruptSignature {
		sig[len(sig)/2] ^= 1
	}
	unsigned, err := id.unsigned(sig, o)
	if err != nil {
		return nil, nil, err
	}
	version, sid := number(1), seq(id.issuer, integer(id.serial))
	if o.SubjectKeyIdentifier {
		ski, err := id.keyID()
		if err != nil {
			return nil, nil, err
		}
		version, sid = number(3), implicit(0, octets(ski))
	}
	return seq(version, sid, digest, wire, s.signature, octets(sig), unsigned), digest, nil
}

func (id *Identity) keyID() ([]byte, error) {
	c, err := readCertificate(id.Certificate)
	if err != nil {
		return nil, err
	}
	content, err := spkiContent(c.spki)
	return keyID(content), err
}

// attributes are the signed ones.
func (id *Identity) attributes(content []byte, o CMSOptions, s scheme) [][]byte {
	var list [][]byte
	add := func(attribute string, value []byte) {
		list = append(list, seq(oid(attribute), tlv(tagSet, value)))
	}
	if !o.NoContentType {
		add(oidContentType, oid(or(o.ContentType, oidData)))
	}
	if !o.NoSigningTime {
		at := o.SigningTime
		if at.IsZero() {
			at = id.pki.opts.Now()
		}
		add(oidSigningTime, moment(at))
	}
	if !o.NoMessageDigest {
		add(oidMessageDigest, octets(sum(s.fresh, content)))
	}
	if o.DoubleMessageDigest {
		add(oidMessageDigest, octets(sum(s.fresh, []byte("other content"))))
	}
	if !o.NoSigningCertificateV2 {
		bound := id
		if o.SigningCertificateOf != nil {
			bound = o.SigningCertificateOf
		}
		add(oidSigningCertV2, signingCertificateV2(bound.Certificate))
	}
	return append(list, o.SignedAttributes...)
}

// signingCertificateV2 (RFC 5035 3): SHA-256 is the default and therefore absent, no issuerSerial.
func signingCertificateV2(certificate []byte) []byte {
	hash := sha256.Sum256(certificate)
	return seq(seq(seq(octets(hash[:]))))
}

// unsigned is the signature time-stamp, if it is wanted.
func (id *Identity) unsigned(sig []byte, o CMSOptions) ([]byte, error) {
	if !o.TimeStamp {
		return nil, nil
	}
	token, err := id.pki.StampFor(id.Profile.Family, sig)
	if err != nil {
		return nil, err
	}
	return explicit(1, seq(oid(oidTimeStamp), tlv(tagSet, token))), nil
}

// ArmourCMS writes a SignedData as NCALayer does: base64 lines of 64 between BEGIN CMS and END CMS, CRLF.
func ArmourCMS(der []byte) []byte {
	var b strings.Builder
	b.WriteString("-----BEGIN CMS-----\r\n")
	text := base64.StdEncoding.EncodeToString(der)
	for len(text) > 64 {
		b.WriteString(text[:64] + "\r\n")
		text = text[64:]
	}
	b.WriteString(text + "\r\n-----END CMS-----\r\n")
	return []byte(b.String())
}
