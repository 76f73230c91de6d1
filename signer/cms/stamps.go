package cms

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"

	"qaqpa/signer/algo"
	"qaqpa/signer/asn1ber"
)

// StampKind is what a time stamp that stands in a signature is over.
type StampKind uint8

// Kinds of time stamps, in the order in which a signer adds them.
const (
	ContentStamp      StampKind = iota + 1 // the content, before it is signed (EN 319 122-1 5.2.8)
	SignatureStamp                         // the signature's value (5.3)
	SignatureRefStamp                      // the value, its stamps and the references: CAdES-C-time-stamp (A.1.5.2)
	RefStamp                               // the references alone: time-stamped-certs-crls-references (A.1.5.1)
	ArchiveStampV2                         // everything (TS 101 733 6.4.1)
	ArchiveStampV3                         // everything that its index names (5.5.3)
	DocumentStamp                          // a file up to some octet: a revision of a PDF with all that is in it
	TokenStamp                             // something beside it: a token that stands alone
)

var stampNames = [...]string{
	"", "content-time-stamp", "signature-time-stamp", "CAdES-C-time-stamp", "time-stamped-certs-crls-references",
	"archive-time-stamp-v2", "archive-time-stamp-v3", "document-time-stamp", "time-stamp-token",
}

// String is the attribute's name.
func (k StampKind) String() string {
	if int(k) < len(stampNames) {
		return stampNames[k]
	}
	return stampNames[0]
}

// Stamp is a time-stamp token that stands in a signature, and what it is over.
type Stamp struct {
	Kind StampKind
	// Name is what reports call it where its format has another word than Kind.
	Name  string
	Token []byte // a ContentInfo
	// Over are the readings of what was stamped, of which the imprint decides: texts and programs differ on whether DER or
	// the octets as they stand are hashed. All of them stand for the same objects.
	Over []Content
	// Fault tells why what it is over cannot be told, or that its index names what is not there: it proves nothing.
	Fault string
	// CoversSignature: it proves that the signature's value existed.
	CoversSignature bool
	// Covers are the certificates, CRLs, OCSPResponses and tokens, each whole, that it proves to have existed, and
	// References are digests of such.
	Covers     [][]byte
	References []Reference
}

// String is Name, else that of Kind.
func (s *Stamp) String() string {
	if s.Name != "" {
		return s.Name
	}
	return s.Kind.String()
}

// Reference is a digest that stands for an object (OtherHash, RFC 5126 6.2.1).
type Reference struct {
	Hash   algo.Hash
	Digest []byte
}

// IsOf reports whether the reference stands for an object.
func (r Reference) IsOf(object []byte) bool {
	if !r.Hash.Valid() {
		return false
	}
	var space [algo.MaxHashSize]byte
	return bytes.Equal(r.Hash.Sum(space[:0], object), r.Digest)
}

var stampKinds = map[string]StampKind{
	OIDSignatureTimestamp: SignatureStamp, OIDEscTimestamp: SignatureRefStamp, OIDRefsTimestamp: RefStamp,
	OIDArchiveTimestampV2: ArchiveStampV2, OIDArchiveTimestampV3: ArchiveStampV3,
}

// Stamps are the time stamps of a signature in the order of its attributes, at most limit. content is what was handed in
// beside a detached document, else the zero Content. Attributes that cannot be read are told by the error, which is
// asn1ber.ErrSyntax or ErrLimit, beside the stamps before them.
func (si *SignerInfo) Stamps(content Content, limit int) ([]Stamp, error) {
	if !content.Present() && si.data != nil {
		content = si.data.AttachedContent()
	}
	var out []Stamp
	add := func(a *Attribute, kind StampKind) error {
		return a.each(func(v asn1ber.Element) error {
			if len(out) == limit {
				return fmt.Errorf("%w: more than %d time stamps", asn1ber.ErrLimit, limit)
			}
			token := v.Raw
			if v.Tag == asn1ber.OctetString { // as one signer writes them; what is inside is judged like any other
				var err error
				if token, err = v.OctetString(); err != nil {
					return err
				}
			}
			out = append(out, si.stamp(kind, token, content))
			return nil
		})
	}
	for _, a := range withOID(si.SignedAttributes, OIDContentTimestamp) {
		if err := add(a, ContentStamp); err != nil {
			return out, fmt.Errorf("couldn't read time stamps: %w", err)
		}
	}
	for i := range si.UnsignedAttributes {
		a := &si.UnsignedAttributes[i]
		kind, ok := stampKinds[a.OID]
		if !ok {
			continue
		}
		if err := add(a, kind); err != nil {
			return out, fmt.Errorf("couldn't read time stamps: %w", err)
		}
	}
	return out, nil
}

func (si *SignerInfo) stamp(kind StampKind, token []byte, content Content) Stamp {
	s := Stamp{Kind: kind, Token: token}
	switch kind {
	case ContentStamp:
		s.Over = []Content{content}
	case SignatureStamp:
		s.Over, s.CoversSignature = []Content{ContentOf(si.Signature)}, true
		s.References = si.certificateReferences()
		s.Covers = si.tokensOf(OIDContentTimestamp)
	case SignatureRefStamp:
		s.CoversSignature = true
		s.Over = []Content{ContentOf(slices.Concat(si.Signature,
			si.attributeContents(OIDSignatureTimestamp, OIDCertificateRefs, OIDRevocationRefs)))}
		s.References = append(si.certificateReferences(), si.completeReferences()...)
		s.Covers = si.tokensOf(OIDContentTimestamp, OIDSignatureTimestamp)
	case RefStamp:
		s.Over = []Content{ContentOf(si.attributeContents(OIDCertificateRefs, OIDRevocationRefs))}
		s.References = si.completeReferences()
	case ArchiveStampV2:
		si.archiveV2(&s, content)
	case ArchiveStampV3:
		si.archiveV3(&s, content)
	case DocumentStamp, TokenStamp: // of other formats
	}
	return s
}

// attributeContents are type and values of unsigned attributes, without the tag and length of each attribute (RFC 5126
// 6.3.5, 6.3.6).
func (si *SignerInfo) attributeContents(oids ...string) []byte {
	var out []byte
	for _, oid := range oids {
		for _, a := range withOID(si.UnsignedAttributes, oid) {
			if e, err := asn1ber.Parse(a.Raw, asn1ber.BER, valueLimits); err == nil {
				out = append(out, e.Content...)
			}
		}
	}
	return out
}

// tokensOf are the time-stamp tokens under some attributes.
func (si *SignerInfo) tokensOf(oids ...string) (out [][]byte) {
	for _, list := range [][]Attribute{si.SignedAttributes, si.UnsignedAttributes} {
		for _, oid := range oids {
			values, err := valuesOf(list, oid)
			if err != nil {
				continue // nothing is proven to have existed
			}
			out = append(out, values...)
		}
	}
	return out
}

// certificateReferences: what is signed names the signer's certificate by its digest.
func (si *SignerInfo) certificateReferences() (out []Reference) {
	for i := range si.SigningCertificates {
		if id := &si.SigningCertificates[i]; id.HashErr == nil {
			out = append(out, Reference{id.Hash, id.Digest})
		}
	}
	return out
}

// completeReferences are the digests in complete-certificate-references and complete-revocation-references (RFC 5126
// 6.2.1, 6.2.2). What cannot be read stands for nothing.
func (si *SignerInfo) completeReferences() []Reference {
	var out []Reference
	for _, oid := range []string{OIDCertificateRefs, OIDRevocationRefs} {
		for _, a := range withOID(si.UnsignedAttributes, oid) {
			err := a.each(func(v asn1ber.Element) error {
				return collectHashes(v, si.limits.Certificates*4, &out)
			})
			if err != nil {
				return nil
			}
		}
	}
	return out
}

// collectHashes finds every OtherHash in the references: an OCTET STRING is a SHA-1 digest, SEQUENCE { algorithm, OCTET
// STRING } one of another hash. Octet strings that are no digests (a responder's key hash) match no object.
func collectHashes(e asn1ber.Element, limit int, out *[]Reference) error {
	if e.Tag == asn1ber.OctetString {
		if len(*out) == limit {
			return fmt.Errorf("%w: more than %d references", asn1ber.ErrLimit, limit)
		}
		digest, err := e.OctetString()
		if err == nil && len(digest) == algo.SHA1.Size() {
			*out = append(*out, Reference{algo.SHA1, digest})
		}
		return err
	}
	if !e.Constructed {
		return nil
	}
	r, err := e.Children()
	if err != nil {
		return err
	}
	var children []asn1ber.Element
	for !r.Empty() {
		child, err := r.Next()
		if err != nil {
			return err
		}
		children = append(children, child)
	}
	if len(children) == 2 && children[0].Tag == asn1ber.Sequence && children[1].Tag == asn1ber.OctetString {
		if h, err := algo.ParseHash(children[0].Raw); err == nil {
			digest, err := children[1].OctetString()
			if err == nil && len(*out) < limit {
				*out = append(*out, Reference{h, digest})
			}
			return err
		}
	}
	for _, child := range children {
		if err := collectHashes(child, limit, out); err != nil {
			return err
		}
	}
	return nil
}

// stampTime is genTime of a token, read without judging it: it only decides which archive time stamps were there before
// another.
func stampTime(token []byte) (time.Time, error) {
	sd, err := Parse(token, stampLimits)
	if err != nil {
		return time.Time{}, err
	}
	e, err := asn1ber.Parse(sd.Content, asn1ber.BER, valueLimits)
	if err != nil {
		return time.Time{}, err
	}
	r, err := e.Children()
	if err != nil {
		return time.Time{}, err
	}
	for range 5 { // version, policy, imprint, serial number, genTime
		if e, err = r.Next(); err != nil {
			return time.Time{}, err
		}
	}
	if e.Tag != asn1ber.GeneralizedTime {
		return time.Time{}, errors.New("no time in the token")
	}
	return e.Time()
}
