package xmldsig

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"qaqpa/signer/c14n"
	"qaqpa/signer/cms"
	"qaqpa/signer/xmltree"
)

// Inputs are what checking a signature needs besides its document.
type Inputs struct {
	Sources Sources // contents of references outside the document; nil: none
	Work    *Work   // nil: a budget of its own
}

// Checked is a signature with the outcomes of its references. It is immutable and safe to share.
type Checked struct {
	Signature  *Signature
	References []*Outcome
	Manifests  []*Outcome // of all references of all manifests, in document order
	structure  cms.Checks
}

// Outcome is what became of one reference.
type Outcome struct {
	Reference *Reference
	Manifest  *Manifest // the manifest that it stands in, nil for SignedInfo
	Check     cms.Check // RuleReference or RuleManifest
	Scope     Scope
	// Without are the later signatures that were taken away so that the digest agrees (see National signatures).
	Without []xmltree.Node
	agrees  bool
	inputs  Inputs
	data    data
}

// Check works out what the references cover and compares their digests. It needs no key.
func (s *Signature) Check(in Inputs) *Checked {
	if in.Work == nil {
		in.Work = s.doc.NewWork()
	}
	c := &Checked{Signature: s}
	c.structure = s.checkStructure()
	for _, r := range s.References {
		c.References = append(c.References, s.checkReference(r, nil, in))
	}
	for _, m := range s.Manifests {
		signed := c.Covers(m.Element)
		for _, r := range m.References {
			o := s.checkReference(r, m, in)
			if !signed { // anybody can put a manifest beside a signature (wrapping)
				o.Scope, o.agrees = Scope{URI: r.URI}, false
				o.Check.Status, o.Check.Sub = cms.Noted, ""
				o.Check.Detail = r.label() + ": the manifest is not covered by the signature"
			}
			c.Manifests = append(c.Manifests, o)
		}
	}
	c.structure = append(c.structure, s.checkIdentifiers(), c.coverage())
	return c
}

func (s *Signature) checkIdentifiers() cms.Check {
	check := cms.Check{Rule: RuleIdentifiers, Clause: "XMLDSig 4.4.3.2; XML 1.0 3.3.1"}
	if s.doc.doubles > 0 {
		check.Status = cms.Noted
		check.Detail = fmt.Sprintf("%d identifiers are borne by several elements, such as %.100q", s.doc.doubles, s.doc.doubled)
	}
	return check
}

func (s *Signature) checkStructure() cms.Checks {
	if len(s.faults) == 0 {
		return cms.Checks{{Rule: RuleStructure, Clause: clauseStructure}}
	}
	var out cms.Checks
	for _, f := range s.faults {
		out = append(out, cms.Check{Rule: RuleStructure, Clause: clauseStructure, Status: cms.Failed, Sub: cms.SubFormat, Detail: f})
	}
	return out
}

// coverage notes a signature whose references, all agreeing, cover nothing: an empty set of nodes has a digest too.
func (c *Checked) coverage() cms.Check {
	check := cms.Check{Rule: RuleCoverage, Clause: "XMLDSig 8.1"}
	for _, o := range c.References {
		if o.Scope.Coverage != Nothing {
			return check
		}
	}
	check.Status, check.Detail = cms.Noted, "no reference covers anything"
	return check
}

func (s *Signature) checkReference(r *Reference, m *Manifest, in Inputs) *Outcome {
	o := &Outcome{Reference: r, Manifest: m, inputs: in}
	o.Check = cms.Check{Rule: RuleReference, Clause: clauseReference}
	if m != nil {
		o.Check = cms.Check{Rule: RuleManifest, Clause: clauseManifest}
	}
	err := o.resolve()
	if err == nil {
		o.agrees = true
		o.Scope = o.scope()
		if len(o.Without) > 0 {
			o.Check.Status = cms.Noted
			o.Check.Detail = fmt.Sprintf("%s: agrees without the %d signatures that were added later", r.label(), len(o.Without))
		}
		return o
	}
	detail := r.label() + ": " + err.Error()
	if errors.Is(err, errDigestDiffers) {
		o.Check.Status, o.Check.Sub, o.Check.Detail = cms.Failed, cms.SubHash, detail
		o.Scope = o.scope()
		o.data.content = Content{} // nobody signed it; it may be large
		return o
	}
	o.Check = failing(o.Check.Rule, o.Check.Clause, err, detail)
	if m != nil && o.Check.Sub == cms.SubNoSignedData {
		// A manifest lists what a program may need; what is not at hand is not confirmed, and that is all.
		o.Check.Status, o.Check.Sub = cms.Noted, ""
	}
	return o
}

// label names a reference for people.
func (r *Reference) label() string {
	switch {
	case !r.HasURI:
		return "reference without URI"
	case r.URI == "":
		return "reference to the document"
	}
	return fmt.Sprintf("reference to %.100q", r.URI)
}

// resolve digests what the reference covers and compares.
func (o *Outcome) resolve() error {
	r := o.Reference
	if r.err != nil {
		return r.err
	}
	err := o.attempt(nil)
	if err == nil {
		return o.misplaced()
	}
	if !errors.Is(err, errDigestDiffers) || !r.isEnveloped() {
		return err
	}
	later := r.signature.later()
	if len(later) == 0 {
		return err
	}
	standard := o.data
	if second := o.attempt(later); second != nil {
		o.data = standard
		return err
	}
	o.Without = later
	return o.misplaced()
}

func (o *Outcome) attempt(without []xmltree.Node) error {
	r := o.Reference
	way := resolution{reference: r, sources: o.inputs.Sources, work: o.inputs.Work, without: without}
	if way.work.octets == 0 {
		return fmt.Errorf("%w: too many octets to digest", ErrLimit)
	}
	d, err := way.run()
	if err != nil {
		return err
	}
	o.data = d
	sum, err := way.digest(d, r.Digest)
	switch {
	case err != nil:
		return err
	case !bytes.Equal(sum, r.Value) && d.content.Octets == nil && d.beyond && !d.isNodes && len(r.Transforms) > 0:
		return fmt.Errorf("%w: transforms have to see more than a digest of it", ErrNoContent)
	case !bytes.Equal(sum, r.Value):
		return errDigestDiffers
	}
	return nil
}

func (r *Reference) isEnveloped() bool {
	for i := range r.Transforms {
		if r.Transforms[i].URI == TransformEnveloped {
			return true
		}
	}
	return false
}

// later are the signatures of the document behind this one that lie in no signature: those that could have been added to
// the document after this one was made.
func (s *Signature) later() (out []xmltree.Node) {
	if s.Parent != nil {
		return nil
	}
	for _, o := range s.doc.Signatures[s.Index+1:] {
		if o.Parent == nil {
			out = append(out, o.Element)
		}
	}
	return out
}

// Agrees tells whether the content is there and has the digest, and the manifest, if it stands in one, is signed.
func (o *Outcome) Agrees() bool { return o.agrees }

// Nodes are the nodes of the document that the reference covers. exact tells whether their canonical form is what was
// digested; otherwise they are what the digested octets were made of, such as the text that a base64 transform decoded.
// The set is empty for content outside the document.
func (o *Outcome) Nodes() (nodes xmltree.NodeSet, exact bool) { return o.data.covered, o.data.whole }

// Octets are exactly the octets that were digested. The error is [ErrNoContent] where only their digest was given, and
// [ErrMalformed] where the reference could not be followed or its digest differs.
func (o *Outcome) Octets() ([]byte, error) {
	d := o.data
	switch {
	case d.isNodes && d.form != nil:
		return c14n.Canonical(d.nodes, *d.form)
	case d.content.Octets != nil:
		return d.content.Octets, nil
	case d.content.Digests != nil:
		return nil, ErrNoContent
	}
	return nil, fmt.Errorf("%w: the reference was not followed", ErrMalformed)
}

// WriteData writes what the reference processing model ends in, as the time stamps of XAdES are over it (EN 319 132-1 5.2.8,
// 5.5.2): octets as they are, nodes in the form that the reference asks for, else in form. Errors as for [Outcome.Octets], and
// what w returned.
func (o *Outcome) WriteData(w io.Writer, form c14n.Method) error {
	d := o.data
	switch {
	case d.isNodes && d.form != nil && !d.implied:
		return c14n.Write(w, d.nodes, *d.form)
	case d.isNodes:
		return c14n.Write(w, d.nodes, form)
	case d.content.Octets != nil:
		_, err := w.Write(d.content.Octets)
		return err
	case d.content.Digests != nil:
		return ErrNoContent
	}
	return fmt.Errorf("%w: the reference was not followed", ErrMalformed)
}

// Covers tells whether a node and all inside it, comments aside, is covered by a reference of SignedInfo that agrees: by
// its own canonical form, not by something made of it.
func (c *Checked) Covers(n xmltree.Node) bool {
	for _, o := range c.References {
		if nodes, exact := o.Nodes(); exact && o.Agrees() && nodes.HasSubtree(n) {
			return true
		}
	}
	return false
}

// CoversContent tells whether all inside an element is covered by references of SignedInfo that agree, as it stands or as what it decodes to.
func (c *Checked) CoversContent(n xmltree.Node) bool {
	covered := func(n xmltree.Node) bool {
		for _, o := range c.References {
			if o.Agrees() && o.data.covered.HasSubtree(n) {
				return true
			}
		}
		return false
	}
	if covered(n) {
		return true
	}
	some := false
	for child := range n.Children() {
		switch {
		case child.Kind() == xmltree.Comment:
		case child.Kind() == xmltree.Text && strings.TrimSpace(child.Value()) == "":
		case !covered(child):
			return false
		default:
			some = true
		}
	}
	return some
}

// Refers tells whether a reference of SignedInfo covers a node or something in it, whatever its transforms make of that.
func (c *Checked) Refers(n xmltree.Node) bool {
	subtree := xmltree.Subtree(n)
	for _, o := range c.References {
		if !o.data.covered.Empty() && !o.data.covered.Intersect(subtree).Empty() {
			return true
		}
	}
	return false
}

// Countersigns tells whether this is a signature inside another one that covers the other's SignatureValue with a reference
// that agrees (EN 319 132-1 5.2.7).
func (c *Checked) Countersigns() bool {
	parent := c.Signature.Parent
	return parent != nil && !parent.SignatureValue.IsZero() && c.Covers(parent.SignatureValue)
}

// Checks are the structure and the references of the signature, without its mathematics.
func (c *Checked) Checks() cms.Checks {
	out := append(cms.Checks(nil), c.structure...)
	for _, o := range c.References {
		out = append(out, o.Check)
	}
	for _, o := range c.Manifests {
		out = append(out, o.Check)
	}
	return out
}
