package xmldsig

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"qaqpa/signer/algo"
	"qaqpa/signer/c14n"
	"qaqpa/signer/xmltree"
)

// data is what flows from transform to transform: nodes, or octets.
type data struct {
	isNodes bool
	nodes   xmltree.NodeSet
	content Content
	// form is the canonical form that was asked for and not yet carried out, so that it can be written straight into a
	// hash.
	form *c14n.Method
	// implied: nobody asked for form, it is what XMLDSig takes where nodes have to be octets.
	implied bool
	// covered are the nodes of this document that the octets come from, whole is whether they are their canonical form.
	covered xmltree.NodeSet
	whole   bool
	// beyond: the data are not of this document. part: they are not all of what lies there, but what an expression chose.
	beyond, part bool
}

// chose notes whether an expression left out some of content outside the document: what it left out may be anything.
func (d *data) chose(before xmltree.NodeSet) {
	if d.beyond && !before.Subtract(d.nodes).WithoutComments().Empty() {
		d.part = true
	}
}

// resolution is the way of one reference from its URI to octets.
type resolution struct {
	reference *Reference
	sources   Sources
	work      *Work
	without   []xmltree.Node // signatures that are taken away like the enveloped one
}

// run carries out everything up to the octets.
func (r *resolution) run() (data, error) {
	d, err := r.dereference()
	if err == nil && d.beyond && d.content.Octets == nil {
		// Only digests are known. If one is that of the reference, the content is what the transforms would have led to.
		return d, nil
	}
	for i := range r.reference.Transforms {
		if err != nil {
			return d, err
		}
		d, err = r.apply(d, &r.reference.Transforms[i])
	}
	if err == nil && d.isNodes && d.form == nil {
		d.form, d.implied = &c14n.Method{Form: c14n.Inclusive10}, true // XMLDSig 4.4.3.2
	}
	if err == nil && d.isNodes {
		err = r.work.spend(stretch * int64(d.nodes.Runs()))
	}
	if err == nil && d.isNodes && !d.beyond {
		d.covered, d.whole = d.nodes, true
	}
	return d, err
}

// What is paid in octets for an octet parsed again, and for an unbroken stretch of nodes: sets with many holes are slow.
const (
	parsing = 4
	stretch = 32
)

// dereference finds what the URI points at (XMLDSig 4.4.3.2, 4.4.3.3). Comments count only for XPointers.
func (r *resolution) dereference() (data, error) {
	ref := r.reference
	tree := ref.signature.doc.Tree
	if !ref.HasURI || ref.URI != "" && !strings.HasPrefix(ref.URI, "#") {
		return r.outside()
	}
	if ref.URI == "" {
		return data{isNodes: true, nodes: tree.All().WithoutComments()}, nil
	}
	fragment, err := url.PathUnescape(ref.URI[1:])
	if err != nil {
		return data{}, fmt.Errorf("%w: URI %q", ErrMalformed, ref.URI)
	}
	if fragment == "xpointer(/)" {
		return data{isNodes: true, nodes: tree.All()}, nil
	}
	id, pointer := pointedID(fragment)
	if !pointer && strings.ContainsAny(fragment, "()") {
		return data{}, fmt.Errorf("%w: XPointer %q", ErrRefused, ref.URI)
	}
	n, err := tree.ByID(id)
	if err != nil {
		return data{}, fmt.Errorf("%w: %q", err, id)
	}
	nodes := xmltree.Subtree(n)
	if !pointer {
		nodes = nodes.WithoutComments()
	}
	return data{isNodes: true, nodes: nodes}, nil
}

// pointedID reads xpointer(id('…')).
func pointedID(fragment string) (id string, pointer bool) {
	inner, ok := strings.CutPrefix(fragment, "xpointer(id(")
	if !ok {
		return fragment, false
	}
	inner, ok = strings.CutSuffix(inner, "))")
	if !ok || len(inner) < 2 || inner[0] != '\'' && inner[0] != '"' || inner[len(inner)-1] != inner[0] {
		return fragment, false
	}
	return inner[1 : len(inner)-1], true
}

func (r *resolution) outside() (data, error) {
	d := data{beyond: true}
	if r.sources == nil {
		return d, ErrNoContent
	}
	content, ok := r.sources(r.reference.URI, r.reference.HasURI)
	if !ok || content.Octets == nil && content.Digests == nil {
		return d, ErrNoContent
	}
	d.content = content
	return d, nil
}

func (r *resolution) apply(d data, t *Transform) (data, error) {
	switch t.URI {
	case TransformEnveloped:
		return r.enveloped(d)
	case TransformBase64:
		return r.base64(d)
	case TransformXPath:
		return r.xpath(d, t.path)
	case TransformFilter2:
		return r.filter2(d, t.filters)
	}
	d, err := r.asNodes(d)
	d.form = &t.form
	return d, err
}

// enveloped takes the signature away from the nodes of its own document (XMLDSig 6.6.4).
func (r *resolution) enveloped(d data) (data, error) {
	if !d.isNodes || d.beyond || d.form != nil {
		return d, fmt.Errorf("%w: enveloped-signature outside the document of the signature", ErrMalformed)
	}
	away := append([]xmltree.Node{r.reference.signature.Element}, r.without...)
	d.nodes = d.nodes.Subtract(xmltree.Subtrees(away))
	return d, nil
}

// base64 decodes octets, or the text among the nodes (XMLDSig 6.6.2).
func (r *resolution) base64(d data) (data, error) {
	var text []byte
	if d.isNodes && d.form == nil {
		var b bytes.Buffer
		for n := range d.nodes.Tree() {
			if n.Kind() == xmltree.Text {
				b.WriteString(n.Value())
			}
		}
		text = b.Bytes()
		if !d.beyond {
			d.covered = d.nodes
		}
	} else {
		var err error
		if d, err = r.asOctets(d); err != nil {
			return d, err
		}
		text = d.content.Octets
	}
	if err := r.work.spend(int64(len(text))); err != nil {
		return d, err
	}
	decoded, err := decodeBase64(string(text))
	if err != nil {
		return d, fmt.Errorf("base64 transform: %w", err)
	}
	part := d.part || d.beyond && d.isNodes // of nodes the text alone was decoded
	return data{content: Content{Octets: decoded}, covered: d.covered, beyond: d.beyond, part: part}, nil
}

func (r *resolution) xpath(d data, p *compiled) (data, error) {
	d, err := r.asNodes(d)
	if err != nil {
		return d, err
	}
	before := d.nodes
	d.nodes, err = p.expression.Filter(d.nodes, p.bearer, r.work.paths)
	d.chose(before)
	return d, err
}

// filter2 is XPath Filter 2.0: each expression, evaluated at the root, gives subtrees to intersect with, subtract or
// unite, beginning with the whole document; the result is intersected with the input.
func (r *resolution) filter2(d data, filters []filter) (data, error) {
	d, err := r.asNodes(d)
	if err != nil || d.nodes.Empty() {
		return d, err
	}
	tree := d.nodes.Document()
	chosen := tree.All()
	for _, f := range filters {
		nodes, err := f.expression.Nodes(f.at(tree, r.work))
		if err != nil {
			return d, err
		}
		part := xmltree.Subtrees(nodes)
		switch f.operation {
		case "intersect":
			chosen = chosen.Intersect(part)
		case "subtract":
			chosen = chosen.Subtract(part)
		case "union":
			chosen = chosen.Union(part)
		}
	}
	before := d.nodes
	d.nodes = before.Intersect(chosen)
	d.chose(before)
	return d, d.nodes.Err()
}

// asNodes reads octets as a document of their own.
func (r *resolution) asNodes(d data) (data, error) {
	if d.isNodes && d.form == nil {
		return d, nil
	}
	d, err := r.asOctets(d)
	if err != nil {
		return d, err
	}
	if err := r.work.spend(parsing * int64(len(d.content.Octets))); err != nil {
		return d, err
	}
	tree, err := xmltree.Parse(d.content.Octets, xmltree.Limits{})
	if err != nil {
		return d, err
	}
	return data{isNodes: true, nodes: tree.All(), covered: d.covered, beyond: true, part: d.part}, nil
}

// asOctets carries out the pending canonical form.
func (r *resolution) asOctets(d data) (data, error) {
	if !d.isNodes {
		return d, nil
	}
	if d.form == nil {
		return d, fmt.Errorf("%w: nodes where octets are due", ErrMalformed)
	}
	var b bytes.Buffer
	if err := c14n.Write(meter{&b, r.work, 1}, d.nodes, *d.form); err != nil {
		return d, err
	}
	covered := d.covered
	if !d.beyond {
		covered = d.nodes
	}
	return data{content: Content{Octets: b.Bytes()}, covered: covered, beyond: d.beyond, part: d.part}, nil
}

// digest hashes what the way ended in.
func (r *resolution) digest(d data, h algo.Hash) ([]byte, error) {
	if !d.isNodes && d.content.Octets == nil {
		sum, ok := d.content.Digests[h]
		if !ok || len(sum) != h.Size() {
			return nil, fmt.Errorf("%w: its %s digest was not given", ErrNoContent, h)
		}
		return sum, nil
	}
	w := h.New()
	m := meter{w, r.work, weight(h)}
	var err error
	if d.isNodes {
		err = c14n.Write(m, d.nodes, *d.form)
	} else {
		_, err = m.Write(d.content.Octets)
	}
	return w.Sum(nil), err
}

var errDigestDiffers = errors.New("the content is not what was signed")
