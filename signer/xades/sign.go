package xades

import (
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"slices"
	"strings"
	"time"

	"qaqpa/signer/algo"
	"qaqpa/signer/c14n"
	"qaqpa/signer/xmldsig"
	"qaqpa/signer/xmltree"
)

// Packaging is where a signature stands to what it signs.
type Packaging string

// Packagings.
const (
	Enveloped  Packaging = "enveloped"  // in the document, over all of it or over one element: an XML document
	Enveloping Packaging = "enveloping" // around it: any octets, which are put into the signature
	Detached   Packaging = "detached"   // beside it: any octets
)

// SignInput is what a XAdES signature is made of (baseline level B).
type SignInput struct {
	Packaging Packaging
	// Document is what is signed: XML in UTF-8 for Enveloped, else octets.
	Document []byte
	// Digest with Hash may stand in place of Document in a Detached signature: who signs need not see it.
	Digest []byte
	// Element is the identifier of the element that is signed in an enveloped signature; "": the whole document.
	Element string
	// URI is what a detached signature calls its document, such as its file name; "": the reference is without one.
	URI string
	// MIMEType is that of Document; "": text/xml for Enveloped, else application/octet-stream.
	MIMEType string
	// ID becomes the identifier of the signature; those of its parts begin with it. It must be a name that the document does not use.
	ID string
	// SigningTime is what the signer states; UTC, whole seconds.
	SigningTime time.Time
	// Key, certificate, chain, hash, algorithm and randomness are as in package xmldsig; what else stands in it is set here.
	xmldsig.SignInput
}

// exclusive is the canonical form of all that we write: a signature in it can be moved with its document.
var exclusive = c14n.Method{Form: c14n.Exclusive10}

// Sign makes a XAdES signature of baseline level B (EN 319 132-1 6). An enveloped one leaves all signatures of the document out, so that several
// can be made and raised one beside the other. Sign returns the document with it, or for the other packagings the signature as a document. Errors as of xmldsig.Sign; [xmldsig.ErrMalformed] for a packaging that does not exist or an element that is not there.
func Sign(in SignInput) ([]byte, error) {
	out := in.SignInput
	out.ID, out.Canonical = in.ID, exclusive
	if out.Certificate == nil || !xmltree.IsNCName(in.ID) {
		return nil, fmt.Errorf("couldn't sign: %w: no certificate or no identifier", xmldsig.ErrMalformed)
	}
	if out.Hash == 0 {
		out.Hash = algo.DefaultHash(out.Signer.Public())
	}
	data := xmldsig.ReferenceInput{ID: in.ID + "-data"}
	mime := in.MIMEType
	switch in.Packaging {
	case Enveloped:
		out.Document = in.Document
		if in.Element != "" {
			data.URI = "#" + in.Element
		}
		data.WithoutSignatures, data.Transforms = true, []string{exclusive.URI()}
		mime = orElse(mime, "text/xml")
	case Enveloping:
		object := in.ID + "-object"
		data.URI, data.Type, data.Transforms = "#"+object, xmldsig.TypeObject, []string{xmldsig.TransformBase64}
		mime = orElse(mime, "application/octet-stream")
		out.Document, out.Objects = nil, []xmldsig.ObjectInput{{
			ID: object, MIMEType: mime, Encoding: xmldsig.TransformBase64, Content: base64.StdEncoding.EncodeToString(in.Document),
		}}
	case Detached:
		out.Document, data.URI, data.NoURI, data.Content = nil, in.URI, in.URI == "", in.Document
		switch {
		case in.Digest != nil && (in.Document != nil || len(in.Digest) != out.Hash.Size()):
			return nil, fmt.Errorf("couldn't sign: %w: the digest", xmldsig.ErrMalformed)
		case in.Digest != nil:
			data.Digests = map[algo.Hash][]byte{out.Hash: in.Digest}
		case data.Content == nil:
			data.Content = []byte{}
		}
		mime = orElse(mime, "application/octet-stream")
	default:
		return nil, fmt.Errorf("couldn't sign: %w: packaging %q", xmldsig.ErrMalformed, in.Packaging)
	}
	signed := in.ID + "-signed"
	out.References = []xmldsig.ReferenceInput{
		data,
		{URI: "#" + signed, Type: TypeSignedProperties, Transforms: []string{exclusive.URI()}},
	}
	out.Objects = append([]xmldsig.ObjectInput{{Content: in.properties(out.Hash, signed, data.ID, mime)}}, out.Objects...)
	return xmldsig.Sign(out)
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// properties writes QualifyingProperties with what level B asks for.
func (in *SignInput) properties(h algo.Hash, id, reference, mime string) string {
	var b strings.Builder
	b.WriteString(`<xades:QualifyingProperties xmlns:xades="` + Space132 + `" Target="#` + in.ID + `">`)
	b.WriteString(`<xades:SignedProperties Id="` + id + `"><xades:SignedSignatureProperties>`)
	b.WriteString(`<xades:SigningTime>` + in.SigningTime.UTC().Format("2006-01-02T15:04:05Z") + `</xades:SigningTime>`)
	b.WriteString(`<xades:SigningCertificateV2><xades:Cert><xades:CertDigest>` + digestElements(h, in.Certificate.Raw) +
		`</xades:CertDigest></xades:Cert></xades:SigningCertificateV2></xades:SignedSignatureProperties>`)
	b.WriteString(`<xades:SignedDataObjectProperties><xades:DataObjectFormat ObjectReference="#` + reference + `"><xades:MimeType>` +
		escape(mime) + `</xades:MimeType></xades:DataObjectFormat></xades:SignedDataObjectProperties>`)
	b.WriteString(`</xades:SignedProperties></xades:QualifyingProperties>`)
	return b.String()
}

func digestElements(h algo.Hash, octets []byte) string {
	return `<ds:DigestMethod Algorithm="` + xmldsig.DigestURI(h) + `"/><ds:DigestValue>` +
		base64.StdEncoding.EncodeToString(h.Sum(nil, octets)) + `</ds:DigestValue>`
}

func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder never fails
	return b.String()
}

// FreeID makes an identifier of random octets that no element of a document bears; document may be nil.
func FreeID(document *xmltree.Document, random func() string) string {
	for {
		id := "xades-" + random()
		if document == nil {
			return id
		}
		taken := slices.ContainsFunc([]string{"", "-signed", "-object", "-data"}, func(part string) bool {
			_, err := document.ByID(id + part)
			return err == nil
		})
		if !taken {
			return id
		}
	}
}
