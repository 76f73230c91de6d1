package xmldsig

import (
	"errors"
	"fmt"
	"strings"

	"qaqpa/signer/algo"
	"qaqpa/signer/c14n"
	"qaqpa/signer/xmltree"
	"qaqpa/signer/xpath"
)

// Identifiers of transforms (XMLDSig 6.6, XPath Filter 2.0).
const (
	TransformEnveloped = Space + "enveloped-signature"
	TransformBase64    = Space + "base64"
	TransformXPath     = "http://www.w3.org/TR/1999/REC-xpath-19991116"
	TransformFilter2   = "http://www.w3.org/2002/06/xmldsig-filter2"
)

const spaceFilter2 = "http://www.w3.org/2002/06/xmldsig-filter2"

// Transform is one step from what a reference points at to the octets that are digested.
type Transform struct {
	Element xmltree.Node
	URI     string
	form    c14n.Method // of canonical forms
	path    *compiled   // of XPath
	filters []filter    // of XPath Filter 2.0
}

// compiled is an expression and the element that bears it.
type compiled struct {
	expression *xpath.Expression
	bearer     xmltree.Node
}

// filter is one step of XPath Filter 2.0.
type filter struct {
	compiled
	operation string
}

// TypeManifest and others are the Types of references that this package and XAdES know.
const (
	TypeManifest            = Space + "Manifest"
	TypeObject              = Space + "Object"
	TypeSignatureProperties = Space + "SignatureProperties"
)

func (s *Signature) addReference(to []*Reference, n xmltree.Node) []*Reference {
	if s.doc.references++; s.doc.references > s.doc.limits.References {
		return to // Open refuses the document
	}
	r := &Reference{Element: n, signature: s}
	r.err = r.read()
	return append(to, r)
}

// read takes ds:Reference apart: Transforms?, DigestMethod, DigestValue (XMLDSig 4.4.3).
func (r *Reference) read() error {
	r.ID, _ = r.Element.AttributeValue("Id")
	r.URI, r.HasURI = r.Element.AttributeValue("URI")
	r.Type, _ = r.Element.AttributeValue("Type")
	err := elementsOnly(r.Element)
	at := 0
	for c := range r.Element.Elements() {
		var wrong error
		switch {
		case at == 0 && c.Is(Space, "Transforms"):
			wrong = r.readTransforms(c)
		case at <= 1 && c.Is(Space, "DigestMethod"):
			at = 1
			r.DigestURI, _ = c.AttributeValue("Algorithm")
			var ok bool
			if r.Digest, ok = HashByURI(r.DigestURI); !ok {
				wrong = fmt.Errorf("%w: %q", algo.ErrUnknownAlgorithm, r.DigestURI)
			}
		case at == 2 && c.Is(Space, "DigestValue"):
			if r.Value, wrong = Base64Of(c); wrong != nil {
				wrong = fmt.Errorf("DigestValue: %w", wrong)
			}
		default:
			wrong = fmt.Errorf("%w: %s in Reference is unknown or out of order", ErrMalformed, c.Name())
		}
		at++
		if err == nil {
			err = wrong
		}
	}
	if err == nil && at != 3 {
		err = fmt.Errorf("%w: Reference without DigestMethod and DigestValue", ErrMalformed)
	}
	return err
}

func (r *Reference) readTransforms(n xmltree.Node) error {
	if err := elementsOnly(n); err != nil {
		return err
	}
	for c := range n.Elements() {
		if !c.Is(Space, "Transform") {
			return fmt.Errorf("%w: %s in Transforms", ErrMalformed, c.Name())
		}
		if len(r.Transforms) == r.signature.doc.limits.Transforms {
			return fmt.Errorf("%w: more than %d transforms", ErrLimit, r.signature.doc.limits.Transforms)
		}
		t, err := readTransform(c)
		if err != nil {
			return err
		}
		r.Transforms = append(r.Transforms, t)
	}
	if len(r.Transforms) == 0 {
		return fmt.Errorf("%w: empty Transforms", ErrMalformed)
	}
	return nil
}

// readTransform knows an allow-list; whatever else a document asks for is refused, XSLT first of all.
func readTransform(n xmltree.Node) (t Transform, err error) {
	t.Element = n
	t.URI, _ = n.AttributeValue("Algorithm")
	switch t.URI {
	case TransformEnveloped, TransformBase64:
		return t, nothingInside(n)
	case TransformXPath:
		t.path, err = readXPath(n)
		return t, err
	case TransformFilter2:
		t.filters, err = readFilters(n)
		return t, err
	}
	t.form, err = readForm(n, t.URI)
	if errors.Is(err, algo.ErrUnknownAlgorithm) {
		err = fmt.Errorf("%w: transform %q", ErrRefused, t.URI)
	}
	return t, err
}

func nothingInside(n xmltree.Node) error {
	for c := range n.Elements() {
		return fmt.Errorf("%w: %s in a transform without parameters", ErrMalformed, c.Name())
	}
	return elementsOnly(n)
}

// maxPrefixes bounds a PrefixList: each prefix is looked for at every element.
const maxPrefixes = 64

// readForm reads a canonical form with its InclusiveNamespaces. The error is algo.ErrUnknownAlgorithm when it is none.
func readForm(n xmltree.Node, uri string) (c14n.Method, error) {
	m, ok := c14n.MethodByURI(uri)
	if !ok {
		return m, fmt.Errorf("%w: canonicalization %q", algo.ErrUnknownAlgorithm, uri)
	}
	if m.Form != c14n.Exclusive10 {
		return m, nothingInside(n)
	}
	if err := elementsOnly(n); err != nil {
		return m, err
	}
	for c := range n.Elements() {
		if !c.Is(c14n.SpaceExclusive, "InclusiveNamespaces") || m.Prefixes != nil {
			return m, fmt.Errorf("%w: %s in %s", ErrMalformed, c.Name(), n.Name())
		}
		list, _ := c.AttributeValue("PrefixList")
		m.Prefixes = strings.Fields(list)
		if len(m.Prefixes) > maxPrefixes {
			return m, fmt.Errorf("%w: more than %d prefixes", ErrLimit, maxPrefixes)
		}
	}
	return m, nil
}

// ReadForm reads an element like CanonicalizationMethod: an Algorithm that names a canonical form, with its parameters. The
// error is algo.ErrUnknownAlgorithm when it is none, else [ErrMalformed] or [ErrLimit].
func ReadForm(n xmltree.Node) (c14n.Method, error) {
	uri, _ := n.AttributeValue("Algorithm")
	return readForm(n, uri)
}

func readXPath(n xmltree.Node) (*compiled, error) {
	var out *compiled
	if err := elementsOnly(n); err != nil {
		return nil, err
	}
	for c := range n.Elements() {
		if !c.Is(Space, "XPath") || out != nil {
			return nil, fmt.Errorf("%w: %s in an XPath transform", ErrMalformed, c.Name())
		}
		one, err := compile(c)
		if err != nil {
			return nil, err
		}
		out = &one
	}
	if out == nil {
		return nil, fmt.Errorf("%w: XPath transform without an expression", ErrMalformed)
	}
	return out, nil
}

func compile(n xmltree.Node) (compiled, error) {
	source, err := TextOf(n)
	if err != nil {
		return compiled{}, err
	}
	e, err := xpath.Compile(source, func(prefix string) (string, bool) { return n.NamespaceFor(prefix) })
	return compiled{e, n}, err
}

// at is the evaluation of the expression at the root of a document.
func (c compiled) at(tree *xmltree.Document, w *Work) xpath.Context {
	return xpath.Context{Node: tree.Root(), Here: c.bearer, Budget: w.paths}
}

// maxFilters bounds the steps of one XPath Filter 2.0 transform.
const maxFilters = 64

func readFilters(n xmltree.Node) (out []filter, err error) {
	if err := elementsOnly(n); err != nil {
		return nil, err
	}
	for c := range n.Elements() {
		if !c.Is(spaceFilter2, "XPath") {
			return nil, fmt.Errorf("%w: %s in an XPath filter", ErrMalformed, c.Name())
		}
		if len(out) == maxFilters {
			return nil, fmt.Errorf("%w: more than %d filters", ErrLimit, maxFilters)
		}
		f := filter{}
		f.operation, _ = c.AttributeValue("Filter")
		switch f.operation {
		case "intersect", "subtract", "union":
		default:
			return nil, fmt.Errorf("%w: filter %q", ErrMalformed, f.operation)
		}
		if f.compiled, err = compile(c); err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%w: XPath filter without an expression", ErrMalformed)
	}
	return out, nil
}
