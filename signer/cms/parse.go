package cms

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"

	"qaqpa/signer/algo"
	"qaqpa/signer/asn1ber"
)

// Errors that callers tell apart, besides those of asn1ber.
var (
	// ErrNotSignedData: CMS of another content type, or PKCS #7 of a form that is not CMS.
	ErrNotSignedData = errors.New("not a CMS SignedData")
	// ErrArmour: neither binary, nor PEM, nor base64.
	ErrArmour = errors.New("neither binary nor armoured CMS")
)

// Limits bound one document. A zero field takes the value of [DefaultLimits].
type Limits struct {
	Bytes        int // octets of the document
	Depth        int // levels of ASN.1
	Elements     int // ASN.1 elements
	Certificates int // certificates, and CRLs and OCSP responses, each
	Signers      int
	Attributes   int // of one signer, signed and unsigned, each
}

// DefaultLimits suit signed documents: 64 MiB, 48 levels, 2^20 elements, 1,024 certificates, 256 signers, 256 attributes.
func DefaultLimits() Limits {
	return Limits{Bytes: 64 << 20, Depth: 48, Elements: 1 << 20, Certificates: 1024, Signers: 256, Attributes: 256}
}

func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	for _, f := range []struct{ value, standard *int }{
		{&l.Bytes, &d.Bytes},
		{&l.Depth, &d.Depth},
		{&l.Elements, &d.Elements},
		{&l.Certificates, &d.Certificates},
		{&l.Signers, &d.Signers},
		{&l.Attributes, &d.Attributes},
	} {
		if *f.value == 0 {
			*f.value = *f.standard
		}
	}
	return l
}

// SignedData is a parsed document. Slices alias the input of [Parse] unless stated otherwise.
type SignedData struct {
	Raw              []byte // the ContentInfo
	Version          int
	DigestAlgorithms []algo.Hash // those of the list that are known
	ContentType      string      // dotted eContentType
	// Content is the signed content, nil when HasContent is false. Constructed OCTET STRINGs are joined in a new
	// slice.
	Content    []byte
	HasContent bool
	// Certificates are the X.509 certificates, each whole; OtherCertificates are attribute certificates and the like,
	// with their tags.
	Certificates      [][]byte
	OtherCertificates [][]byte
	// CRLs are CertificateLists; OCSPs are OCSPResponses (RFC 5940), a bare BasicOCSPResponse being wrapped into one
	// in a new slice; OtherRevocation are elements of other formats.
	CRLs            [][]byte
	OCSPs           [][]byte
	OtherRevocation [][]byte
	Signers         []SignerInfo

	rawCertificates, rawCRLs, rawDigests, rawContent []byte // elements as they stand, for AddUnsigned
	revocation                                       []revocationChoice
	sha256                                           [32]byte // of Content, where somebody has made it
	hasSHA256                                        bool
	limits                                           Limits
}

// Parse reads a ContentInfo with SignedData, in BER or DER, and nothing after it but zero octets. Zero limits mean the defaults. What
// it refuses is what cannot be taken apart; a signer with unknown algorithms or doubled attributes is parsed and told
// by Verify. Errors: ErrNotSignedData, asn1ber.ErrSyntax, asn1ber.ErrLimit.
func Parse(document []byte, limits Limits) (*SignedData, error) {
	limits = limits.withDefaults()
	r, err := asn1ber.New(document, asn1ber.BER, asn1ber.Limits{
		Bytes: limits.Bytes, Depth: limits.Depth, Elements: limits.Elements,
	})
	if err != nil {
		return nil, fmt.Errorf("couldn't read CMS: %w", err)
	}
	outer, err := r.Next()
	if err != nil {
		return nil, fmt.Errorf("couldn't read CMS: %w", err)
	}
	if len(bytes.Trim(r.Rest(), "\x00")) > 0 {
		return nil, fmt.Errorf("couldn't read CMS: %w", r.End())
	}
	sd := &SignedData{Raw: outer.Raw, limits: limits}
	if err := sd.parse(outer); err != nil {
		return nil, fmt.Errorf("couldn't read CMS: %w", err)
	}
	return sd, nil
}

// parse reads ContentInfo (RFC 5652 3).
func (sd *SignedData) parse(outer asn1ber.Element) error {
	if outer.Tag != asn1ber.Sequence {
		return fmt.Errorf("%w: %s", ErrNotSignedData, outer.Tag)
	}
	r, err := outer.Children()
	if err != nil {
		return err
	}
	oid, err := r.ReadOID()
	if err != nil {
		return err
	}
	if knownOIDs[string(oid)] != OIDSignedData {
		return ErrNotSignedData
	}
	explicit, err := r.Read(asn1ber.Context(0))
	if err != nil {
		return err
	}
	if err := r.End(); err != nil {
		return err
	}
	body, err := explicit.Explicit(asn1ber.Sequence)
	if err != nil {
		return err
	}
	fields, err := body.Children()
	if err != nil {
		return err
	}
	return sd.parseFields(fields)
}

// parseFields reads SignedData (RFC 5652 5.1).
func (sd *SignedData) parseFields(r asn1ber.Reader) error {
	version, err := r.Read(asn1ber.Integer)
	if err != nil {
		return err
	}
	v, err := version.Int64()
	if err != nil || v < 0 || v > 5 {
		return fmt.Errorf("%w: SignedData version", asn1ber.ErrSyntax)
	}
	sd.Version = int(v)
	digests, err := r.Read(asn1ber.Set)
	if err != nil {
		return err
	}
	if err := sd.parseDigests(digests); err != nil {
		return err
	}
	content, err := r.Read(asn1ber.Sequence)
	if err != nil {
		return err
	}
	if err := sd.parseContent(content); err != nil {
		return fmt.Errorf("encapsulated content: %w", err)
	}
	if err := sd.parseCertificates(&r); err != nil {
		return fmt.Errorf("certificates: %w", err)
	}
	if err := sd.parseRevocation(&r); err != nil {
		return fmt.Errorf("revocation information: %w", err)
	}
	signers, err := r.Read(asn1ber.Set)
	if err != nil {
		return err
	}
	if err := r.End(); err != nil {
		return err
	}
	sd.Signers, err = sd.parseSigners(signers)
	return err
}

func (sd *SignedData) parseDigests(set asn1ber.Element) error {
	sd.rawDigests = set.Raw
	r, err := set.Children()
	if err != nil {
		return err
	}
	for !r.Empty() {
		id, err := r.Read(asn1ber.Sequence)
		if err != nil {
			return fmt.Errorf("digest algorithms: %w", err)
		}
		if len(sd.DigestAlgorithms) == sd.limits.Signers {
			return fmt.Errorf("%w: more than %d digest algorithms", asn1ber.ErrLimit, sd.limits.Signers)
		}
		if h, err := algo.ParseHash(id.Raw); err == nil { // unknown ones matter only where a signer uses them
			sd.DigestAlgorithms = append(sd.DigestAlgorithms, h)
		}
	}
	return nil
}

// parseContent reads EncapsulatedContentInfo (RFC 5652 5.2).
func (sd *SignedData) parseContent(e asn1ber.Element) error {
	sd.rawContent = e.Raw
	r, err := e.Children()
	if err != nil {
		return err
	}
	oid, err := r.ReadOID()
	if err != nil {
		return err
	}
	if sd.ContentType, err = dottedOID(oid); err != nil {
		return err
	}
	if r.Empty() {
		return nil
	}
	explicit, err := r.Read(asn1ber.Context(0))
	if err != nil {
		return err
	}
	if err := r.End(); err != nil {
		return err
	}
	inner, err := explicit.Children()
	if err != nil {
		return err
	}
	octets, err := inner.Next()
	if err != nil {
		return err
	}
	if octets.Tag != asn1ber.OctetString {
		return fmt.Errorf("%w: content is %s, as in PKCS #7 v1.5", ErrNotSignedData, octets.Tag)
	}
	if err := inner.End(); err != nil {
		return err
	}
	sd.HasContent = true
	sd.Content, err = octets.OctetString()
	return err
}

func (sd *SignedData) parseCertificates(r *asn1ber.Reader) error {
	set, ok, err := r.Optional(asn1ber.Context(0))
	if err != nil || !ok {
		return err
	}
	sd.rawCertificates = set.Raw
	members, err := set.Children()
	if err != nil {
		return err
	}
	for !members.Empty() {
		e, err := members.Next()
		if err != nil {
			return err
		}
		if len(sd.Certificates)+len(sd.OtherCertificates) == sd.limits.Certificates {
			return fmt.Errorf("%w: more than %d", asn1ber.ErrLimit, sd.limits.Certificates)
		}
		if e.Tag == asn1ber.Sequence {
			if sd.Certificates == nil {
				sd.Certificates = make([][]byte, 0, 4)
			}
			sd.Certificates = append(sd.Certificates, e.Raw)
		} else {
			sd.OtherCertificates = append(sd.OtherCertificates, e.Raw)
		}
	}
	return nil
}

// ParseArmoured reads what people send: binary BER or DER, PEM ("-----BEGIN CMS-----" or PKCS7, any line ends), or bare
// base64 with or without line breaks. Errors as of Parse, and ErrArmour.
func ParseArmoured(document []byte, limits Limits) (*SignedData, error) {
	limits = limits.withDefaults()
	if len(document) > limits.Bytes*3/2 {
		return nil, fmt.Errorf("couldn't read CMS: %w: %d octets", asn1ber.ErrLimit, len(document))
	}
	binary, err := Dearmour(document)
	if err != nil {
		return nil, err
	}
	return Parse(binary, limits)
}

const pemBegin, pemEnd = "-----BEGIN ", "-----END "

// Dearmour is the binary form of a document as [ParseArmoured] takes it; binary input is returned as it is. One block
// of PEM is taken, with nothing but white space around it: what stands beside a block would look signed and is not.
func Dearmour(document []byte) ([]byte, error) {
	if len(document) > 0 && document[0] == 0x30 { // SEQUENCE; base64 of one begins with M
		return document, nil
	}
	text := bytes.TrimSpace(bytes.TrimPrefix(document, []byte("\xef\xbb\xbf")))
	if rest, ok := bytes.CutPrefix(text, []byte(pemBegin)); ok {
		label, body, ok := bytes.Cut(rest, []byte("-----"))
		name := string(label)
		if !ok || name != "CMS" && name != "PKCS7" && name != "PKCS #7 SIGNED DATA" {
			return nil, fmt.Errorf("%w: PEM of another kind", ErrArmour)
		}
		body, ok = bytes.CutSuffix(body, []byte(pemEnd+name+"-----"))
		if !ok || bytes.ContainsRune(body, '-') {
			return nil, fmt.Errorf("%w: PEM end line", ErrArmour)
		}
		text = body
	}
	out := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
	compact := text
	if bytes.ContainsAny(text, " \t") {
		compact = bytes.Join(bytes.Fields(text), nil)
	}
	n, err := base64.StdEncoding.Decode(out, compact) // skips CR and LF
	if err != nil || n == 0 {
		return nil, ErrArmour
	}
	return out[:n], nil
}
