package xades

import (
	"bytes"
	"fmt"
	"io"

	"qaqpa/signer/algo"
	"qaqpa/signer/cms"
	"qaqpa/signer/pkix"
	"qaqpa/signer/xmldsig"
	"qaqpa/signer/xmltree"
)

// digest is DigestAlgAndValueType.
type digest struct {
	hash  algo.Hash // 0: not known
	uri   string
	value []byte
}

// readDigest reads DigestMethod and DigestValue, which early versions wrote in their own namespace.
func readDigest(n xmltree.Node) (d digest) {
	for c := range elements(n) {
		switch name := c.Name(); {
		case !xmldsig.IsXAdES(name.Space):
		case name.Local == "DigestMethod":
			d.uri, _ = c.AttributeValue("Algorithm")
			d.hash, _ = xmldsig.HashByURI(d.uri)
		case name.Local == "DigestValue":
			d.value, _ = xmldsig.Base64Of(c)
		}
	}
	return d
}

// CertificateRef names a certificate by its digest, and optionally by issuer and serial number. One that cannot be read names none.
type CertificateRef struct {
	Hash   algo.Hash // 0: not known
	Digest []byte
	uri    string
	issuer func(*pkix.Certificate) bool // nil: not stated
}

// is tells whether the reference stands for a certificate, by digest. Without work left it stands for none.
func (p *Properties) is(ref *CertificateRef, c *pkix.Certificate) bool {
	switch {
	case !ref.Hash.Valid():
		return false
	case ref.Hash == algo.SHA256:
		f := c.Fingerprint()
		return bytes.Equal(f[:], ref.Digest)
	}
	w := ref.Hash.New()
	if _, err := p.meter(w, ref.Hash).Write(c.Raw); err != nil {
		return false
	}
	return bytes.Equal(w.Sum(nil), ref.Digest)
}

// meter pays for what is hashed.
func (p *Properties) meter(w io.Writer, h algo.Hash) io.Writer {
	if p.work == nil {
		return w
	}
	return p.work.Meter(w, h)
}

// readCertificateRefs reads SigningCertificate of either version.
func (p *Properties) readCertificateRefs(n xmltree.Node) {
	before := len(p.SigningCertificates)
	for c := range n.Elements() {
		if !is(c, "Cert") {
			p.fault(cms.RuleSigningCertificate, clauseBinding, "%s in %s", c.Name(), n.Name())
			return
		}
		if len(p.SigningCertificates) == certificatesMax {
			p.fault(cms.RuleSigningCertificate, clauseBinding, "more than %d certificates", certificatesMax)
			return
		}
		p.SigningCertificates = append(p.SigningCertificates, readCertificateRef(c))
	}
	if len(p.SigningCertificates) == before {
		p.fault(cms.RuleSigningCertificate, clauseBinding, "%s is empty", n.Name())
	}
}

func readCertificateRef(n xmltree.Node) CertificateRef {
	d := readDigest(child(n, "CertDigest"))
	ref := CertificateRef{Hash: d.hash, Digest: d.value, uri: d.uri}
	if v1 := child(n, "IssuerSerial"); !v1.IsZero() {
		ref.issuer = nobody
		if selector, err := xmldsig.ReadIssuerSerial(v1); err == nil {
			ref.issuer = selector.Matches
		}
	}
	if v2 := child(n, "IssuerSerialV2"); !v2.IsZero() {
		ref.issuer = nobody
		if der, err := xmldsig.Base64Of(v2); err == nil {
			if id, err := cms.ParseIssuerSerial(der); err == nil {
				ref.issuer = id.IssuerMatches
			}
		}
	}
	return ref
}

// nobody is an issuer and serial number that cannot be read.
func nobody(*pkix.Certificate) bool { return false }

// Binds tells whether the signed properties bind the signature to a certificate. The answer is remembered: a document may name many
// certificates, and be judged several times.
func (p *Properties) Binds(c *pkix.Certificate) bool {
	id := c.Fingerprint()
	bound, known := p.bound[id]
	if !known {
		_, bound = p.named(c)
		p.bound[id] = bound
	}
	return bound
}

// named is the reference to a certificate.
func (p *Properties) named(c *pkix.Certificate) (*CertificateRef, bool) {
	for i := range p.SigningCertificates {
		if ref := &p.SigningCertificates[i]; p.is(ref, c) {
			return ref, true
		}
	}
	return nil, false
}

// Verify judges the rules of the properties for a certificate; nil leaves what needs one undecided.
func (p *Properties) Verify(cert *pkix.Certificate) cms.Checks {
	var out cms.Checks
	for _, f := range p.faults {
		out = append(out, cms.Check{Rule: f.rule, Clause: f.clause, Status: cms.Failed, Sub: cms.SubFormat, Detail: f.detail})
	}
	for _, f := range p.notes {
		out = append(out, cms.Check{Rule: f.rule, Clause: f.clause, Status: cms.Noted, Detail: f.detail})
	}
	if cert != nil && len(p.SigningCertificates) > 0 {
		out = append(out, p.checkBinding(cert))
	}
	return out
}

func (p *Properties) checkBinding(cert *pkix.Certificate) cms.Check {
	check := cms.Check{Rule: cms.RuleSigningCertificate, Clause: clauseBinding}
	if ref, ok := p.named(cert); ok {
		if ref.issuer != nil && !ref.issuer(cert) {
			check.Rule, check.Status = RuleIssuerSerial, cms.Noted
			check.Detail = "issuer or serial number differ from those of the certificate"
		}
		return check
	}
	check.Status, check.Sub, check.Detail = cms.Undecided, cms.SubNoCertificate, "bound to another certificate"
	for i := range p.SigningCertificates {
		if ref := &p.SigningCertificates[i]; !ref.Hash.Valid() {
			check.Detail = fmt.Sprintf("the digest of the certificate is made with %.100q, which is not known", ref.uri)
		}
	}
	return check
}

// CheckCounter judges a signature that stands in a CounterSignature property: it must cover the value of the signature around it
// (EN 319 132-1 5.2.7.2), or a signature of something else would pass for one. ok is false for other signatures.
func CheckCounter(c *xmldsig.Checked) (check cms.Check, ok bool) {
	if c.Signature.Parent == nil || !is(c.Signature.Element.Parent(), "CounterSignature") {
		return check, false
	}
	check = cms.Check{Rule: RuleCounterSignature, Clause: clauseCounter}
	if !c.Countersigns() {
		check.Status, check.Sub = cms.Undecided, cms.SubNoSignedData
		check.Detail = "it does not cover the value of the signature that it stands in"
	}
	return check, true
}
