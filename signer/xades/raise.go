package xades

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"qaqpa/signer/algo"
	"qaqpa/signer/xmldsig"
	"qaqpa/signer/xmltree"
)

// ErrRaise says that nothing can be added to a signature: it is no XAdES signature of version 1.3.2, or the document is not in UTF-8.
var ErrRaise = errors.New("unsigned properties cannot be added to this signature")

// canRaise tells why nothing can be added.
func (p *Properties) canRaise() error {
	switch {
	case p.Element.IsZero() || p.Element.Name().Space != Space132:
		return fmt.Errorf("%w: its properties are not of version 1.3.2", ErrRaise)
	case p.Element.Document().Encoding() != "UTF-8":
		return fmt.Errorf("%w: %w: %s", ErrRaise, xmltree.ErrEncoding, p.Element.Document().Encoding())
	case !p.Believed:
		return fmt.Errorf("%w: its properties are not signed", ErrRaise)
	case len(p.faults) > 0:
		return fmt.Errorf("%w: %s", ErrRaise, p.faults[0].detail)
	}
	return nil
}

// SignatureDigest is what a new signature time stamp is over (EN 319 132-1 5.3): the imprint to have stamped.
func (p *Properties) SignatureDigest(h algo.Hash) ([]byte, error) {
	return p.digest(h, nodes(p.checked.Signature.SignatureValue))
}

// ArchiveDigest is what a new archive time stamp behind all that is there is over (EN 319 132-1 5.5.2.2). The error is
// [xmldsig.ErrNoContent] where the data of a reference are not at hand.
func (p *Properties) ArchiveDigest(h algo.Hash) ([]byte, error) {
	return p.digest(h, p.archiveMessages(p.unsigned)[0])
}

func (p *Properties) digest(h algo.Hash, m message) ([]byte, error) {
	if err := p.canRaise(); err != nil {
		return nil, err
	}
	w := h.New()
	if err := m.write(p.meter(w, h), exclusive); err != nil {
		return nil, fmt.Errorf("couldn't work out what is stamped: %w", err)
	}
	return w.Sum(nil), nil
}

// AddSignatureStamp returns the document with a signature time stamp more, over [Properties.SignatureDigest].
func (p *Properties) AddSignatureStamp(token []byte) ([]byte, error) {
	return p.add(stampElement("xades:SignatureTimeStamp", token))
}

// AddArchiveStamp returns the document with an archive time stamp behind all that is there, over [Properties.ArchiveDigest].
func (p *Properties) AddArchiveStamp(token []byte) ([]byte, error) {
	return p.add(stampElement("xades141:ArchiveTimeStamp", token))
}

const declarations = ` xmlns:xades="` + Space132 + `" xmlns:xades141="` + Space141 + `" xmlns:ds="` + xmldsig.Space + `"`

func stampElement(name string, token []byte) string {
	return `<` + name + declarations + `><ds:CanonicalizationMethod Algorithm="` + exclusive.URI() + `"/><xades:EncapsulatedTimeStamp>` +
		base64.StdEncoding.EncodeToString(token) + `</xades:EncapsulatedTimeStamp></` + name + `>`
}

// AddEvidence returns the document with certificates and revocation data that it does not carry yet: as CertificateValues and
// RevocationValues the first time, then as TimeStampValidationData (5.5.1), since what a time stamp covers must not change. What is there
// already is left out; the same document is returned where nothing is new.
func (p *Properties) AddEvidence(ev Evidence) ([]byte, error) {
	have := p.Evidence()
	if info := p.checked.Signature.KeyInfo; info != nil {
		for _, c := range info.Certificates {
			have.Certificates = append(have.Certificates, c.DER)
		}
	}
	ev = Evidence{missing(ev.Certificates, have.Certificates), missing(ev.CRLs, have.CRLs), missing(ev.OCSPs, have.OCSPs)}
	if ev.len() == 0 {
		return []byte(p.checked.Signature.Element.Document().Text()), p.canRaise()
	}
	if p.has("CertificateValues", "RevocationValues") {
		return p.add(`<xades141:TimeStampValidationData` + declarations + `>` + ev.certificateValues("") + ev.revocationValues("") +
			`</xades141:TimeStampValidationData>`)
	}
	return p.add(ev.certificateValues(declarations) + ev.revocationValues(declarations))
}

// missing are the objects that are not there yet, each once.
func missing(list, have [][]byte) (out [][]byte) {
	for _, o := range list {
		is := func(other []byte) bool { return string(other) == string(o) }
		if !slices.ContainsFunc(have, is) && !slices.ContainsFunc(out, is) {
			out = append(out, o)
		}
	}
	return out
}

func (e *Evidence) certificateValues(declared string) string {
	if len(e.Certificates) == 0 {
		return ""
	}
	return `<xades:CertificateValues` + declared + `>` + encapsulated("EncapsulatedX509Certificate", e.Certificates) + `</xades:CertificateValues>`
}

func (e *Evidence) revocationValues(declared string) string {
	if len(e.CRLs)+len(e.OCSPs) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString(`<xades:RevocationValues` + declared + `>`)
	if len(e.CRLs) > 0 {
		b.WriteString(`<xades:CRLValues>` + encapsulated("EncapsulatedCRLValue", e.CRLs) + `</xades:CRLValues>`)
	}
	if len(e.OCSPs) > 0 {
		b.WriteString(`<xades:OCSPValues>` + encapsulated("EncapsulatedOCSPValue", e.OCSPs) + `</xades:OCSPValues>`)
	}
	b.WriteString(`</xades:RevocationValues>`)
	return b.String()
}

func encapsulated(name string, list [][]byte) string {
	var b strings.Builder
	for _, der := range list {
		b.WriteString(`<xades:` + name + `>` + base64.StdEncoding.EncodeToString(der) + `</xades:` + name + `>`)
	}
	return b.String()
}

// add puts elements behind the last unsigned signature property. Nothing else of the document changes.
func (p *Properties) add(elements string) ([]byte, error) {
	if err := p.canRaise(); err != nil {
		return nil, err
	}
	at, before, after := p.Element, `<xades:UnsignedProperties`+declarations+`><xades:UnsignedSignatureProperties>`,
		`</xades:UnsignedSignatureProperties></xades:UnsignedProperties>`
	if u := child(p.Element, "UnsignedProperties"); !u.IsZero() {
		at, before, after = u, `<xades:UnsignedSignatureProperties`+declarations+`>`, `</xades:UnsignedSignatureProperties>`
		if s := child(u, "UnsignedSignatureProperties"); !s.IsZero() {
			at, before, after = s, "", ""
		}
	}
	head, tail := xmldsig.Insertion(at)
	return []byte(head + before + elements + after + tail), nil
}

// Tokens are all unsigned time-stamp tokens, in document order.
func (p *Properties) Tokens() (out [][]byte) {
	for _, n := range p.unsigned {
		if _, ok := stampKinds[n.Local()]; ok {
			out = append(out, p.tokens(n)...)
		}
	}
	return out
}
