package c14n

import (
	"cmp"
	"slices"

	"qaqpa/signer/xmltree"
)

// attribute is one to be written.
type attribute struct {
	name  xmltree.Name
	value string
}

// gatherAttributes takes the attributes of an element that are in the set.
func (c *canonicaliser) gatherAttributes(n xmltree.Node) {
	c.attrs = c.attrs[:0]
	for a := range n.Attributes() {
		if c.set.Has(a) {
			c.attrs = append(c.attrs, attribute{a.Name(), a.Value()})
		}
	}
}

// writeAttributes writes them by namespace, then local name; those without a namespace come first.
func (c *canonicaliser) writeAttributes() {
	if len(c.attrs) > 1 {
		slices.SortFunc(c.attrs, func(a, b attribute) int {
			return cmp.Or(cmp.Compare(a.name.Space, b.name.Space), cmp.Compare(a.name.Local, b.name.Local))
		})
	}
	for _, a := range c.attrs {
		c.out.raw(" ")
		c.out.name(a.name)
		c.out.raw(`="`)
		c.out.attribute(a.value)
		c.out.raw(`"`)
	}
}

// orphanAttributes writes attributes whose element is not in the set, all of an element at once.
func (c *canonicaliser) orphanAttributes(n xmltree.Node) {
	element := n.Parent()
	if c.set.Has(element) || c.orphans == element {
		return
	}
	c.orphans = element
	c.gatherAttributes(element)
	c.writeAttributes()
}

// inheritAttributes gives an element whose parent is not in the set the attributes of the xml namespace that it would
// have inherited (Canonical XML 1.0 2.4, 1.1 2.4). The exclusive form does not.
func (c *canonicaliser) inheritAttributes(n xmltree.Node) {
	parent := n.Parent()
	if c.method.Form == Exclusive10 || parent.Kind() != xmltree.Element || c.set.Has(parent) {
		return
	}
	own := map[string]bool{}
	for a := range n.Attributes() {
		if name := a.Name(); name.Space == xmltree.SpaceXML {
			own[name.Local] = true
		}
	}
	for p := range n.Ancestors() {
		for a := range p.Attributes() {
			name := a.Name()
			if name.Space != xmltree.SpaceXML || own[name.Local] {
				continue
			}
			if c.method.Form == Inclusive11 && name.Local != "lang" && name.Local != "space" {
				continue
			}
			own[name.Local] = true
			c.attrs = append(c.attrs, attribute{name, a.Value()})
		}
	}
	if c.method.Form == Inclusive11 {
		c.fixBase(n)
	}
}

// fixBase joins the xml:base of the omitted ancestors right above an element with its own (Canonical XML 1.1 2.4).
func (c *canonicaliser) fixBase(n xmltree.Node) {
	var bases []string // innermost first
	if a, ok := n.Attribute(xmltree.SpaceXML, "base"); ok {
		bases = append(bases, a.Value())
	}
	own := len(bases)
	for p := n.Parent(); p.Kind() == xmltree.Element && !c.set.Has(p); p = p.Parent() {
		if a, ok := p.Attribute(xmltree.SpaceXML, "base"); ok {
			bases = append(bases, a.Value())
		}
	}
	if len(bases) == own {
		return
	}
	joined := bases[0]
	for _, base := range bases[1:] {
		joined = joinReferences(base, joined)
	}
	c.attrs = slices.DeleteFunc(c.attrs, func(a attribute) bool {
		return a.name.Space == xmltree.SpaceXML && a.name.Local == "base"
	})
	if joined != "" {
		c.attrs = append(c.attrs, attribute{xmltree.Name{Space: xmltree.SpaceXML, Prefix: "xml", Local: "base"}, joined})
	}
}
