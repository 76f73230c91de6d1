package c14n

import (
	"slices"

	"qaqpa/signer/xmltree"
)

// exclusiveAxis renders the namespaces that the element visibly utilises, and those of the PrefixList as the inclusive
// form does (Exclusive XML Canonicalization 1.0 3).
func (c *canonicaliser) exclusiveAxis(n xmltree.Node, f *frame) error {
	if len(c.method.Prefixes) > 0 {
		if err := c.prefixList(n, f); err != nil {
			return err
		}
	}
	name := n.Name()
	if err := c.utilise(n, name.Prefix, name.Space); err != nil {
		return err
	}
	for a := range n.Attributes() {
		if name = a.Name(); name.Prefix == "" || name.Space == xmltree.SpaceXML || !c.set.Has(a) {
			continue
		}
		if err := c.utilise(n, name.Prefix, name.Space); err != nil {
			return err
		}
	}
	return nil
}

// inList tells whether a prefix is on the PrefixList.
func (c *canonicaliser) inList(prefix string) bool {
	return slices.Contains(c.method.Prefixes, prefix) || prefix == "" && slices.Contains(c.method.Prefixes, "#default")
}

// utilise renders a prefix that is used here unless the nearest output ancestor that used it has rendered the same.
func (c *canonicaliser) utilise(n xmltree.Node, prefix, name string) error {
	if prefix == "xml" || c.inList(prefix) {
		return nil
	}
	if c.listed && name != "" && !c.hasNamespace(n, prefix) {
		name = "" // no such node in the set: for the default namespace the same as none
	}
	if c.rendered[prefix] == name {
		return nil
	}
	if name != "" {
		if err := checkName(name); err != nil {
			return err
		}
	}
	if name != "" || prefix == "" {
		c.declare(prefix, name)
	}
	c.bind(prefix, name)
	return nil
}

func (c *canonicaliser) hasNamespace(n xmltree.Node, prefix string) bool {
	for ns := range n.Namespaces() {
		if ns.Local() == prefix {
			return c.set.Has(ns)
		}
	}
	return false
}

// prefixList treats the listed prefixes by the inclusive rule.
func (c *canonicaliser) prefixList(n xmltree.Node, f *frame) error {
	t := c.top()
	if t != nil && !c.listed && t.node == n.Parent() && !declares(n) {
		f.axis = t.axis
		return nil
	}
	for ns := range n.Namespaces() {
		if prefix := ns.Local(); prefix != "xml" && c.inList(prefix) && (!c.listed || c.set.Has(ns)) {
			f.axis = append(f.axis, space{prefix, ns.Value()})
		}
	}
	sortAxis(f.axis)
	return c.listedAxis(f)
}

func declares(n xmltree.Node) bool {
	for range n.Declarations() {
		return true
	}
	return false
}
