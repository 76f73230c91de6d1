package xmldsig

import (
	"crypto"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"

	"qaqpa/signer/algo"
	"qaqpa/signer/c14n"
	"qaqpa/signer/pkix"
	"qaqpa/signer/xmltree"
)

// ErrKeyMismatch says that the certificate is not that of the key.
var ErrKeyMismatch = errors.New("certificate and key do not belong together")

// SignInput is what a signature is made of.
type SignInput struct {
	// Document is the XML document in UTF-8 that the signature is put into. nil: the signature is a document of its own,
	// over Objects and content elsewhere.
	Document []byte
	// Certificate is the signer's; Chain is written behind it, without judgement.
	Certificate *pkix.Certificate
	Chain       []*pkix.Certificate
	Signer      crypto.Signer
	// Hash of the references and of the signature; 0: algo.DefaultHash.
	Hash algo.Hash
	// Algorithm, where it is not to follow from key and hash, such as PSS.
	Algorithm *algo.Signature
	// Rand is handed to Signer.
	Rand io.Reader

	// ID becomes the identifier of ds:Signature; "": none.
	ID string
	// ParentID is the element that the signature becomes the last child of; "": the document element.
	ParentID string
	// Canonical is the form of SignedInfo; the zero Method: Canonical XML 1.0. Prefixes are not written.
	Canonical c14n.Method
	// References are what is signed, at least one.
	References []ReferenceInput
	// Objects become ds:Object elements.
	Objects []ObjectInput

	keyInfo func(p plan) string
	// parent finds the element that gets the signature, in place of ParentID.
	parent func(tree *xmltree.Document) (xmltree.Node, error)
}

// ObjectInput is a ds:Object to be written.
type ObjectInput struct {
	ID, MIMEType, Encoding string // attributes; "": not written
	// Content is well-formed XML, which may use the prefix ds.
	Content string
}

// ReferenceInput is a reference to be signed.
type ReferenceInput struct {
	URI        string
	NoURI      bool     // URI is not written: the content is what everybody knows it to be
	ID, Type   string   // "": not written
	Transforms []string // identifiers: enveloped-signature, base64 and the canonical forms
	// WithoutSignatures leaves all signatures of the document out, before the other transforms: those that are there, this one, and those that
	// will be added. Each then stands for itself.
	WithoutSignatures bool
	Content           []byte // where URI leads out of the document
	// Digests, in place of Content, are digests of it; the one with the hash in use is needed.
	Digests map[algo.Hash][]byte
}

// Sign makes a signature and returns the whole document with it. Nothing of the document changes but the place where the
// signature is put in. Errors: [ErrKeyMismatch], xmltree.ErrEncoding for a document that is not UTF-8, what is wrong with
// the references, algo.ErrMismatch, or what Signer returned. The signature is not verified here: hsm does that for its
// keys before a signature leaves it.
func Sign(in SignInput) ([]byte, error) {
	out, err := in.sign()
	if err != nil {
		return nil, fmt.Errorf("couldn't sign: %w", err)
	}
	return out, nil
}

// SignEnveloped signs a whole document in the national shape (kz-eds §6): one reference to the document, the transforms
// enveloped-signature and Canonical XML 1.0 with comments, the signature at the end of the document element. Signatures that
// are there already are signed with it. in.References must be empty.
func SignEnveloped(in SignInput) ([]byte, error) {
	if len(in.References) > 0 || in.Document == nil {
		return nil, errors.New("couldn't sign: an enveloped signature takes a document and makes its own reference")
	}
	comments := c14n.Method{Form: c14n.Inclusive10, Comments: true}
	in.References = []ReferenceInput{{Transforms: []string{TransformEnveloped, comments.URI()}}}
	return Sign(in)
}

// plan is what follows from the key.
type plan struct {
	in           SignInput
	hash         algo.Hash
	signature    algo.Signature
	digestURI    string
	signatureURI string
	before       string // of the signature in the document
	after        string
}

func (in SignInput) sign() ([]byte, error) {
	p, err := in.plan()
	if err != nil {
		return nil, err
	}
	if err := p.place(); err != nil {
		return nil, err
	}
	digests := make([][]byte, len(in.References))
	for i := range digests {
		digests[i] = make([]byte, p.hash.Size())
	}
	s, err := p.read(p.write(digests, []byte{0}))
	if err != nil {
		return nil, err
	}
	if len(s.References) != len(digests) {
		return nil, fmt.Errorf("%w: references", ErrMalformed)
	}
	for i, r := range s.References {
		if digests[i], err = p.digest(r, in.References[i]); err != nil {
			return nil, err
		}
	}
	if s, err = p.read(p.write(digests, []byte{0})); err != nil {
		return nil, err
	}
	octets, err := s.SignedInfoOctets()
	if err != nil {
		return nil, err
	}
	value, err := p.value(octets)
	if err != nil {
		return nil, err
	}
	out := p.write(digests, value)
	_, err = p.read(out)
	return []byte(out), err
}

func (in SignInput) plan() (p plan, err error) {
	p.in = in
	switch {
	case in.Certificate == nil || in.Signer == nil:
		return p, errors.New("certificate or key missing")
	case in.Certificate.PublicKeyErr != nil:
		return p, in.Certificate.PublicKeyErr
	case !in.Certificate.PublicKey.Matches(in.Signer.Public()):
		return p, ErrKeyMismatch
	case len(in.References) == 0:
		return p, fmt.Errorf("%w: nothing to sign", ErrMalformed)
	case in.ID != "" && !xmltree.IsNCName(in.ID):
		return p, fmt.Errorf("%w: identifier %q is no name", ErrMalformed, in.ID)
	}
	if p.hash = in.Hash; p.hash == 0 {
		p.hash = algo.DefaultHash(in.Signer.Public())
		if in.Algorithm != nil && in.Algorithm.Hash != 0 {
			p.hash = in.Algorithm.Hash
		}
	}
	if in.Algorithm != nil {
		p.signature = *in.Algorithm
	} else if p.signature, _, err = algo.SignatureFor(in.Signer.Public(), p.hash); err != nil {
		return p, err
	}
	if err := p.signature.Fits(in.Certificate.PublicKey); err != nil {
		return p, err
	}
	if p.signature.Hash != 0 && p.signature.Hash != p.hash {
		return p, fmt.Errorf("%w: %s and digest %s", algo.ErrMismatch, p.signature.Name, p.hash)
	}
	p.digestURI, p.signatureURI = DigestURI(p.hash), SignatureURI(p.signature)
	if p.digestURI == "" || p.signatureURI == "" {
		return p, fmt.Errorf("%w: %s with %s has no identifier in XMLDSig", algo.ErrUnknownAlgorithm, p.signature.Name, p.hash)
	}
	if p.in.Canonical.Form == 0 {
		p.in.Canonical.Form = c14n.Inclusive10
	}
	if p.in.keyInfo == nil {
		p.in.keyInfo = plan.x509Data
	}
	return p, nil
}

// place finds where the signature goes: before the end tag of its parent.
func (p *plan) place() error {
	if p.in.Document == nil {
		p.before = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"
		return nil
	}
	tree, err := xmltree.Parse(p.in.Document, xmltree.Limits{})
	if err != nil {
		return err
	}
	if tree.Encoding() != "UTF-8" {
		return fmt.Errorf("%w: %s", xmltree.ErrEncoding, tree.Encoding())
	}
	parent := tree.Element()
	switch {
	case p.in.parent != nil:
		parent, err = p.in.parent(tree)
	case p.in.ParentID != "":
		parent, err = tree.ByID(p.in.ParentID)
	}
	if err != nil {
		return fmt.Errorf("couldn't find the place of the signature: %w", err)
	}
	p.before, p.after = Insertion(parent)
	return nil
}

// Insertion splits the document of an element behind the element's content: what stands between before and after becomes its last child. An
// empty-element tag becomes two tags.
func Insertion(n xmltree.Node) (before, after string) {
	text := n.Document().Text()
	_, end := n.Range()
	if strings.HasSuffix(text[:end], "/>") {
		return text[:end-len("/>")] + ">", "</" + n.Name().String() + ">" + text[end:]
	}
	closing := strings.LastIndex(text[:end], "</")
	return text[:closing], text[closing:]
}

// read parses the document and finds the signature in it.
func (p *plan) read(text string) (*Signature, error) {
	tree, err := xmltree.Parse([]byte(text), xmltree.Limits{})
	if err != nil {
		return nil, err
	}
	doc, err := Open(tree, Limits{})
	if err != nil {
		return nil, err
	}
	for _, s := range doc.Signatures {
		if from, _ := s.Element.Range(); from != len(p.before) {
			continue
		}
		if len(s.faults) > 0 {
			return nil, fmt.Errorf("%w: %s", ErrMalformed, s.faults[0])
		}
		return s, nil
	}
	return nil, fmt.Errorf("%w: the signature is lost", ErrMalformed)
}

// digest follows a reference as a verifier will.
func (p *plan) digest(r *Reference, in ReferenceInput) ([]byte, error) {
	if r.err != nil {
		return nil, r.err
	}
	way := resolution{reference: r, work: r.signature.doc.NewWork(), sources: func(string, bool) (Content, bool) {
		return Content{Octets: in.Content, Digests: in.Digests}, in.Content != nil || in.Digests != nil
	}}
	d, err := way.run()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.label(), err)
	}
	return way.digest(d, p.hash)
}

// value asks the key for a signature, handing over a digest where the algorithm signs one.
func (p *plan) value(message []byte) ([]byte, error) {
	if p.signature.Hash != 0 {
		message = p.signature.Hash.Sum(nil, message)
	}
	value, err := p.in.Signer.Sign(p.in.Rand, message, p.signature.SignerOpts())
	switch {
	case err != nil:
		return nil, err
	case len(value) == 0:
		return nil, errors.New("key returned no signature")
	case p.signature.Family == algo.ECDSA:
		return toXMLECDSA(p.in.Certificate.PublicKey, value)
	}
	return value, nil
}

// write puts the signature into the document. There is no white space in it: the e-government gateway drops it from
// SignedInfo and then finds another digest.
func (p *plan) write(digests [][]byte, value []byte) string {
	var b strings.Builder
	b.WriteString(p.before)
	b.WriteString(`<ds:Signature xmlns:ds="` + Space + `"` + optional("Id", p.in.ID) + `><ds:SignedInfo>`)
	b.WriteString(`<ds:CanonicalizationMethod Algorithm="` + p.in.Canonical.URI() + `"/>`)
	b.WriteString(`<ds:SignatureMethod Algorithm="` + p.signatureURI + `"/>`)
	for i, r := range p.in.References {
		b.WriteString(`<ds:Reference` + optional("Id", r.ID) + optional("Type", r.Type))
		if !r.NoURI {
			b.WriteString(` URI="` + escape(r.URI) + `"`)
		}
		b.WriteString(`>`)
		if len(r.Transforms) > 0 || r.WithoutSignatures {
			b.WriteString(`<ds:Transforms>`)
			if r.WithoutSignatures {
				b.WriteString(`<ds:Transform Algorithm="` + TransformFilter2 + `"><dsf:XPath xmlns:dsf="` + spaceFilter2 +
					`" Filter="subtract">/descendant::ds:Signature</dsf:XPath></ds:Transform>`)
			}
			for _, t := range r.Transforms {
				b.WriteString(`<ds:Transform Algorithm="` + escape(t) + `"/>`)
			}
			b.WriteString(`</ds:Transforms>`)
		}
		b.WriteString(`<ds:DigestMethod Algorithm="` + p.digestURI + `"/>`)
		b.WriteString(`<ds:DigestValue>` + base64.StdEncoding.EncodeToString(digests[i]) + `</ds:DigestValue></ds:Reference>`)
	}
	b.WriteString(`</ds:SignedInfo><ds:SignatureValue>` + base64.StdEncoding.EncodeToString(value) + `</ds:SignatureValue>`)
	b.WriteString(`<ds:KeyInfo>` + p.in.keyInfo(*p) + `</ds:KeyInfo>`)
	for _, o := range p.in.Objects {
		b.WriteString(`<ds:Object` + optional("Id", o.ID) + optional("MimeType", o.MIMEType) + optional("Encoding", o.Encoding) + `>` +
			o.Content + `</ds:Object>`)
	}
	b.WriteString(`</ds:Signature>`)
	b.WriteString(p.after)
	return b.String()
}

func (p plan) x509Data() string {
	var b strings.Builder
	b.WriteString("<ds:X509Data>")
	b.WriteString(certificateElement(p.in.Certificate))
	for _, c := range p.in.Chain {
		if !c.Equal(p.in.Certificate) {
			b.WriteString(certificateElement(c))
		}
	}
	b.WriteString("</ds:X509Data>")
	return b.String()
}

func certificateElement(c *pkix.Certificate) string {
	return "<ds:X509Certificate>" + base64.StdEncoding.EncodeToString(c.Raw) + "</ds:X509Certificate>"
}

func optional(name, value string) string {
	if value == "" {
		return ""
	}
	return " " + name + `="` + escape(value) + `"`
}

// escape makes text fit for an attribute in quotation marks and for content.
func escape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "\t", "&#9;", "\n", "&#10;", "\r", "&#13;").Replace(s)
}
