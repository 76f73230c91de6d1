package xades

import (
	"qaqpa/signer/cms"
	"qaqpa/signer/xmldsig"
	"qaqpa/signer/xmltree"
)

// Evidence is what properties carry, each object in DER as it stands.
type Evidence struct{ Certificates, CRLs, OCSPs [][]byte }

func (e *Evidence) len() int { return len(e.Certificates) + len(e.CRLs) + len(e.OCSPs) }

func (e *Evidence) add(o Evidence) {
	e.Certificates = append(e.Certificates, o.Certificates...)
	e.CRLs = append(e.CRLs, o.CRLs...)
	e.OCSPs = append(e.OCSPs, o.OCSPs...)
}

// Evidence is all of it, in document order. It is gathered, not believed: each object has its own signature.
func (p *Properties) Evidence() (out Evidence) {
	for _, n := range p.unsigned {
		out.add(p.values[n])
	}
	return out
}

// valueHolders are the properties that carry evidence: CertificateValues and RevocationValues, and containers of both.
var valueHolders = map[string]bool{
	"CertificateValues": true, "RevocationValues": true, "AttrAuthoritiesCertValues": true, "AttributeRevocationValues": true,
	"TimeStampValidationData": true, "AnyValidationData": true,
}

// readValues reads a property that carries evidence; ok false: it is of another kind. At most limit objects are read, and what cannot be
// decoded is passed over, since it can support nothing.
func readValues(n xmltree.Node, limit int) (out Evidence, ok bool) {
	if !xmldsig.IsXAdES(n.Name().Space) || !valueHolders[n.Local()] {
		return out, false
	}
	var walk func(n xmltree.Node, depth int)
	walk = func(n xmltree.Node, depth int) {
		for c := range n.Elements() {
			to := out.list(c)
			switch {
			case to == nil && depth > 0 && xmldsig.IsXAdES(c.Name().Space):
				walk(c, depth-1)
			case to == nil:
			case out.len() < limit:
				if der, err := xmldsig.Base64Of(c); err == nil {
					*to = append(*to, der)
				}
			}
		}
	}
	walk(n, 3) // AnyValidationData / RevocationValues / CRLValues / EncapsulatedCRLValue
	return out, true
}

// list is where the content of an element goes; nil: it has none.
func (e *Evidence) list(n xmltree.Node) *[][]byte {
	switch {
	case is(n, "EncapsulatedX509Certificate"):
		return &e.Certificates
	case is(n, "EncapsulatedCRLValue"):
		return &e.CRLs
	case is(n, "EncapsulatedOCSPValue"):
		return &e.OCSPs
	}
	return nil
}

// references are the digests of objects that a property of references holds: certificates, CRLs and OCSP responses. They are read once.
func (p *Properties) references(n xmltree.Node) (out []cms.Reference) {
	if known, ok := p.referred[n]; ok {
		return known
	}
	defer func() { p.referred[n] = out }()
	for c := range n.Descendants() {
		if len(out) == referencesMax {
			break
		}
		if c.Kind() != xmltree.Element || !is(c, "CertDigest") && !is(c, "DigestAlgAndValue") {
			continue
		}
		if d := readDigest(c); d.hash.Valid() && d.value != nil {
			out = append(out, cms.Reference{Hash: d.hash, Digest: d.value})
		}
	}
	return out
}
