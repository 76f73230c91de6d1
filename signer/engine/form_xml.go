package engine

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"

	"qaqpa/signer/cms"
	"qaqpa/signer/pkix"
	"qaqpa/signer/report"
	"qaqpa/signer/xades"
	"qaqpa/signer/xmldsig"
	"qaqpa/signer/xmltree"
)

// FormatXML is the format of XML documents with signatures; a SOAP message has another.
const FormatXML = "XMLDSig"

// xmlForm is a ds:Signature whose references have been followed.
type xmlForm struct {
	checked  *xmldsig.Checked
	props    *xades.Properties // nil: it has none
	body     xmltree.Node      // the soap:Body that it must cover; zero: none
	given    bool              // an original was handed in, which it must cover
	repeated *int64            // octets of SignedInfo that the document may still have canonicalised
}

// repeatedMax bounds the octets of SignedInfo that are canonicalised for the candidates of all signatures of a document.
const repeatedMax = 64 << 20

// isXML tells documents that can only be XML: the first character is <, whatever the encoding.
func isXML(document []byte) bool {
	b := bytes.TrimPrefix(document, []byte("\xef\xbb\xbf"))
	for _, bom := range []string{"\xff\xfe", "\xfe\xff"} {
		b = bytes.TrimPrefix(b, []byte(bom))
	}
	b = bytes.TrimLeft(b, " \t\r\n\x00")
	return len(b) > 0 && b[0] == '<'
}

// unwrapXML decodes XML that came as base64; nil when it is none.
func unwrapXML(document []byte) []byte {
	text := bytes.TrimSpace(document)
	if len(text) == 0 || !bytes.ContainsRune([]byte("P7/IDCg"), rune(text[0])) { // of <, a byte order mark, white space
		return nil
	}
	plain := slices.DeleteFunc(bytes.Clone(text), func(c byte) bool { return c == '\n' || c == '\r' || c == ' ' || c == '\t' })
	out, err := base64.StdEncoding.Strict().DecodeString(string(plain))
	if err != nil || !isXML(out) {
		return nil
	}
	return out
}

// openXML reads XML with XMLDSig signatures, or a SOAP message with WS-Security.
func (c *Case) openXML(text []byte) {
	tree, err := xmltree.Parse(text, xmltree.Limits{})
	switch {
	case errors.Is(err, xmltree.ErrDoctype):
		c.refuse("UNKNOWN", report.ReasonDoctype, err)
		return
	case err != nil:
		c.refuse("UNKNOWN", report.ReasonUnreadable, err)
		return
	}
	doc, err := xmldsig.Open(tree, xmldsig.Limits{})
	if err != nil {
		c.refuse("UNKNOWN", report.ReasonUnreadable, err)
		return
	}
	c.attached = !c.given
	if c.format = FormatXML; len(doc.Signatures) == 0 {
		c.format = "UNKNOWN"
		return
	}
	body, isSOAP, err := soapBody(tree)
	if err != nil {
		c.refuse(c.format, report.ReasonXMLStructure, err)
		return
	}
	c.content = c.original.Octets
	in := xmldsig.Inputs{Work: doc.NewWork(), Sources: c.original.sources()}
	repeated := int64(repeatedMax)
	var opened []*signer
	bodyCovered := false
	covered := map[string]bool{}
	for _, s := range doc.Signatures {
		c.collectXML(s)
		m := &xmlForm{checked: s.Check(in), given: c.given, repeated: &repeated}
		m.props = xades.Read(m.checked, in.Work)
		if isSOAP && !body.Contains(s.Element) {
			c.format, m.body = "WSSE", body
		}
		opened = append(opened, c.openProperties(newSigner(m), m.props))
		if !c.place(opened, m) {
			continue
		}
		bodyCovered = bodyCovered || isSOAP && m.checked.Covers(body)
		c.covering(m, covered)
	}
	c.leftOut(covered)
	if isSOAP && !bodyCovered {
		r := report.New(report.ReasonBodyNotCovered, "WS-Security 1.1 8", "no signature covers "+body.Path())
		c.uncovered = &r
	}
}

// place lists a signature: beside the one over whose value it is, else with those of the document, which it tells.
func (c *Case) place(opened []*signer, m *xmlForm) (onDocument bool) {
	own := opened[len(opened)-1]
	parent := m.checked.Signature.Parent
	_, called := xades.CheckCounter(m.checked)
	if c.counters < countersMax && (called || m.checked.Countersigns()) {
		c.counters++
		opened[parent.Index].counters = append(opened[parent.Index].counters, own)
		return false
	}
	c.signers = append(c.signers, own)
	return true
}

// openProperties reads what the properties of a signature carry.
func (c *Case) openProperties(s *signer, props *xades.Properties) *signer {
	if props == nil {
		return s
	}
	ev := props.Evidence()
	c.embedded.add(c.collect(ev.Certificates, ev.CRLs, ev.OCSPs))
	stamps, err := props.Stamps(stampsMax)
	if err != nil {
		s.notes = append(s.notes, report.New(report.ReasonTimeStampMalformed, "EN 319 132-1 5.3, 5.5", cut(err.Error())))
	}
	for _, st := range stamps {
		s.stamps = append(s.stamps, c.openStamp(st))
	}
	return s
}

func (c *Case) collectXML(s *xmldsig.Signature) {
	if s.KeyInfo == nil {
		return
	}
	certificates := make([][]byte, 0, len(s.KeyInfo.Certificates))
	for _, offered := range s.KeyInfo.Certificates {
		certificates = append(certificates, offered.DER)
	}
	c.embedded.add(c.collect(certificates, s.KeyInfo.CRLs, nil))
}

var errSOAP = errors.New("a SOAP envelope holds exactly one Body")

// soapBody finds the Body of a SOAP 1.1 or 1.2 message: the child of Envelope, of the same namespace. Two of them, or none,
// would be read differently by different programs.
func soapBody(tree *xmltree.Document) (body xmltree.Node, isSOAP bool, err error) {
	envelope := tree.Element()
	space := envelope.Name().Space
	if envelope.Local() != "Envelope" ||
		space != "http://schemas.xmlsoap.org/soap/envelope/" && space != "http://www.w3.org/2003/05/soap-envelope" {
		return body, false, nil
	}
	for child := range envelope.Elements() {
		if !child.Is(space, "Body") {
			continue
		}
		if !body.IsZero() {
			return body, true, errSOAP
		}
		body = child
	}
	if body.IsZero() {
		return body, true, errSOAP
	}
	return body, true, nil
}

func (m *xmlForm) about() about {
	s := m.checked.Signature
	out := about{level: xades.LevelNone, value: s.Value, known: s.AlgorithmErr == nil}
	if p := m.props; p != nil {
		out.level, out.claimedAt, out.policy = p.Level(), p.SigningTime, p.Policy
		for _, a := range p.List {
			out.attributes = append(out.attributes, report.Attribute{Name: a.Name, Signed: a.Signed, Value: a.Value})
		}
	}
	if !out.known {
		return out
	}
	out.algorithm = s.Algorithm
	for _, r := range s.References {
		if r.Digest.Valid() && !slices.Contains(out.hashes, r.Digest) {
			out.hashes = append(out.hashes, r.Digest)
		}
	}
	return out
}

// nameless tells that KeyInfo neither holds nor names a certificate.
func (m *xmlForm) nameless() bool {
	info := m.checked.Signature.KeyInfo
	return info == nil || len(info.Certificates) == 0 && len(info.Selectors) == 0
}

// candidates are the certificates that the signed properties name, then those that KeyInfo holds or names; without any, all that are at
// hand, of which the key that verifies decides. Authorities come last: a chain in X509Data stands in any order.
func (m *xmlForm) candidates(pool []*pkix.Certificate) []*pkix.Certificate {
	info, nameless := m.checked.Signature.KeyInfo, m.nameless()
	var bound, users, authorities []*pkix.Certificate
	for _, c := range pool {
		switch {
		case m.props != nil && !c.IsCA && m.props.Binds(c):
			bound = append(bound, c)
		case !nameless && !info.Names(c):
		case c.IsCA:
			authorities = append(authorities, c)
		default:
			users = append(users, c)
		}
	}
	return slices.Concat(bound, users, authorities)
}

// verify is bounded over all signatures of the document: each verification canonicalises SignedInfo anew.
func (m *xmlForm) verify(cert *pkix.Certificate) cms.Checks {
	if info := m.checked.Signature.SignedInfo; !info.IsZero() {
		from, to := info.Range()
		*m.repeated -= int64(to - from)
	}
	if *m.repeated < 0 {
		return append(m.checked.Checks(), spent...)
	}
	checks := m.checked.Verify(cert)
	if m.props != nil {
		checks = append(checks, m.props.Verify(cert)...)
	}
	if check, ok := xades.CheckCounter(m.checked); ok {
		checks = append(checks, check)
	}
	return checks
}

// covering notes which of several originals a signature covers, by reference or by an entry of a manifest that it covers.
func (c *Case) covering(m *xmlForm, covered map[string]bool) {
	if len(c.original.Named) == 0 {
		return
	}
	for _, o := range slices.Concat(m.checked.References, m.checked.Manifests) {
		if name, ok := c.original.called(o.Reference.URI); ok && o.Agrees() && o.Scope.Outside && o.Scope.Coverage != xmldsig.Nothing {
			covered[name] = true
		}
	}
}

// leftOut is a finding where several originals were handed in and one of them is signed by nobody: else a caller would take the
// verdict over those that are for one over all.
func (c *Case) leftOut(covered map[string]bool) {
	for _, name := range slices.Sorted(maps.Keys(c.original.Named)) {
		if !covered[name] {
			r := report.New(report.ReasonNotCovered, "XMLDSig 8.1; TS 119 182-1 5.2.8", fmt.Sprintf("no signature covers the original %.200q", name))
			c.uncovered = &r
			return
		}
	}
}

// bringsKey tells whether a document holds a bare key for its signature.
func (m *xmlForm) bringsKey() bool {
	info := m.checked.Signature.KeyInfo
	return info != nil && len(info.Keys) > 0 && *m.repeated >= 0
}

// bareKey tries the key that a document brings where no certificate is known: whether the document holds together.
func (m *xmlForm) bareKey() cms.Check {
	if signed := m.checked.Signature.SignedInfo; !signed.IsZero() {
		from, to := signed.Range()
		*m.repeated -= int64(to - from)
	}
	return m.checked.Signature.VerifyKey(m.checked.Signature.KeyInfo.Keys[0])
}
