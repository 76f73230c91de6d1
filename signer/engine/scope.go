package engine

import (
	"fmt"
	"strings"

	"qaqpa/signer/cms"
	"qaqpa/signer/report"
	"qaqpa/signer/xmldsig"
	"qaqpa/signer/xmltree"
)

// Bounds of what a verdict says about the nodes of one signature: a report must not be larger than the document.
const (
	scopesMax = 64
	pathMax   = 512 // octets of a path or an identifier
)

// cover names the nodes that are signed. What is not covered never passes for covered: a signature of nothing, one that
// leaves out the soap:Body of its message or the original that came beside it, is a finding; parts are a remark.
func (m *xmlForm) cover(_ cms.Checks, out *report.Signature, f *findings) {
	best := xmldsig.Nothing
	detached, chosen := false, false
	for i, o := range m.checked.References {
		if i < scopesMax {
			out.Scopes = append(out.Scopes, scopeOf(o))
		}
		if !o.Agrees() || m.isOwn(o) {
			continue
		}
		switch c := o.Scope.Coverage; {
		case c == xmldsig.Detached:
			detached = true
		case c == xmldsig.Partial && o.Scope.Outside:
			chosen = true
		case c == xmldsig.Full, c == xmldsig.Partial && best == xmldsig.Nothing:
			best = c
		}
	}
	for _, o := range m.checked.Manifests { // an entry agrees only in a manifest that is covered
		detached = detached || o.Agrees() && o.Scope.Coverage == xmldsig.Detached
		chosen = chosen || o.Agrees() && o.Scope.Coverage == xmldsig.Partial && o.Scope.Outside
	}
	if more := len(m.checked.References) - scopesMax; more > 0 {
		out.Scopes = append(out.Scopes, report.Scope{Coverage: "CUT", Detail: fmt.Sprintf("%d more references", more)})
	}
	switch {
	case m.checked.Countersigns():
		out.Covers = "signature"
	case chosen: // of an original an expression chose some: the rest may be anything
		out.Covers = "part"
		out.Remarks = append(out.Remarks, report.New(report.ReasonPartial, "XMLDSig 8.1.2", m.partsOf()))
	case best == xmldsig.Full, best == xmldsig.Partial && m.enveloping():
		out.Covers = "content"
	case best == xmldsig.Partial:
		out.Covers = "part"
		out.Remarks = append(out.Remarks, report.New(report.ReasonPartial, "XMLDSig 8.1.2", m.partsOf()))
	case detached:
		out.Covers = "detached"
	default:
		m.uncovered(f, report.ReasonNotCovered, "no reference covers anything that is at hand")
	}
	if m.given && !detached && !chosen {
		m.uncovered(f, report.ReasonNotCovered, "no reference covers the original that was handed in")
	}
	if !m.body.IsZero() && !m.checked.Covers(m.body) {
		m.uncovered(f, report.ReasonBodyNotCovered, "not covered: "+cut(m.body.Path()))
	}
	if !m.certificateCovered() && (m.props == nil || len(m.props.SigningCertificates) == 0) {
		out.Remarks = append(out.Remarks, report.New(report.ReasonNoSigningCertificate, "EN 319 102-1 5.2.3", ""))
	}
}

func (m *xmlForm) uncovered(f *findings, code report.Code, detail string) {
	f.open(report.SigConstraintsFailure, report.New(code, "XMLDSig 8.1", detail))
}

// isOwn tells a reference to what belongs to the signature itself: its properties or KeyInfo. They are no content.
func (m *xmlForm) isOwn(o *xmldsig.Outcome) bool {
	for _, part := range o.Scope.Parts {
		inProperties := m.props != nil && m.props.Element.Contains(part.Node)
		info := m.checked.Signature.KeyInfo
		if !inProperties && (info == nil || !info.Element.Contains(part.Node)) {
			return false
		}
	}
	return len(o.Scope.Parts) > 0
}

// enveloping tells that the document is the signature and all its objects are signed, but for the one with its properties. An instruction
// beside it could change what a reader sees.
func (m *xmlForm) enveloping() bool {
	s := m.checked.Signature
	for n := range s.Element.Document().Root().Children() {
		if n != s.Element && n.Kind() != xmltree.Comment {
			return false
		}
	}
	for _, o := range s.Objects {
		if m.props != nil && !m.props.Element.IsZero() && o == m.props.Element.Parent() && alone(m.props.Element) {
			continue
		}
		if !m.checked.CoversContent(o) {
			return false
		}
	}
	return len(s.Objects) > 0
}

// alone tells that an element has nothing but white space and comments beside it: an object with properties must not hide content.
func alone(n xmltree.Node) bool {
	for c := range n.Parent().Children() {
		blank := c.Kind() == xmltree.Comment || c.Kind() == xmltree.Text && strings.TrimSpace(c.Value()) == ""
		if c != n && !blank {
			return false
		}
	}
	return true
}

// certificateCovered tells whether the signature covers the certificate that it is offered with.
func (m *xmlForm) certificateCovered() bool {
	info := m.checked.Signature.KeyInfo
	if info == nil || len(info.Certificates) == 0 {
		return false
	}
	for _, c := range info.Certificates {
		if !m.checked.Covers(c.Element) {
			return false
		}
	}
	return true
}

// partsOf is one line about the first references that agree.
func (m *xmlForm) partsOf() string {
	for _, o := range m.checked.References {
		if o.Agrees() && o.Scope.Coverage == xmldsig.Partial && !m.isOwn(o) {
			return cut(o.Scope.String())
		}
	}
	for _, o := range m.checked.Manifests {
		if o.Agrees() && o.Scope.Coverage == xmldsig.Partial {
			return cut(o.Scope.String())
		}
	}
	return ""
}

func scopeOf(o *xmldsig.Outcome) report.Scope {
	s := report.Scope{
		Coverage: o.Scope.Coverage.String(), Agrees: o.Agrees(), Cut: o.Scope.Cut, Derived: o.Scope.Derived,
		Comments: o.Scope.Comments, LaterSignaturesLeftOut: len(o.Without),
	}
	if o.Reference.HasURI {
		uri := cut(o.Reference.URI)
		s.URI = &uri
	}
	for _, p := range o.Scope.Parts {
		s.Parts = append(s.Parts, report.Node{Path: cut(p.Path()), ID: cut(p.ID)})
	}
	for _, p := range o.Scope.Holes {
		s.Holes = append(s.Holes, report.Node{Path: cut(p.Path()), ID: cut(p.ID)})
	}
	if !s.Agrees {
		s.Detail = cut(o.Check.Detail)
	}
	return s
}

// cut shortens what a document names at length.
func cut(s string) string {
	if len(s) <= pathMax {
		return s
	}
	end := pathMax
	for end > 0 && s[end]&0xc0 == 0x80 { // not in the middle of a character
		end--
	}
	return s[:end] + "…"
}

// coverage is the least that any of the document's signatures covers: whoever relies on the whole must know that one of
// the signers signed a part.
func coverage(signatures []report.Signature) string {
	out := ""
	for _, s := range signatures {
		switch s.Covers {
		case "none":
			return "NOTHING"
		case "part", "signature":
			out = "PARTIAL"
		case "detached":
			if out == "" || out == "FULL" {
				out = "DETACHED"
			}
		default:
			if out == "" {
				out = "FULL"
			}
		}
	}
	return out
}
