package c14n

import (
	"fmt"
	"slices"
	"strings"

	"qaqpa/signer/xmltree"
)

// checkDeclarations refuses relative namespace names: they would mean another namespace in another place.
func checkDeclarations(n xmltree.Node) error {
	for d := range n.Declarations() {
		if name := d.Value(); name != "" && !hasScheme(name) {
			return fmt.Errorf("%w: %q", ErrRelativeNamespace, name)
		}
	}
	return nil
}

// hasScheme tells whether a URI reference is absolute (RFC 3986 3.1).
func hasScheme(uri string) bool {
	for i := range len(uri) {
		c := uri[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z':
		case i > 0 && (c >= '0' && c <= '9' || c == '+' || c == '-' || c == '.'):
		default:
			return c == ':' && i > 0
		}
	}
	return false
}

func (c *canonicaliser) declare(prefix, name string) {
	c.axis = append(c.axis, space{prefix, name})
}

func (c *canonicaliser) writeAxis() {
	sortAxis(c.axis)
	for _, s := range c.axis {
		c.out.raw(" xmlns")
		if s.prefix != "" {
			c.out.raw(":")
			c.out.raw(s.prefix)
		}
		c.out.raw(`="`)
		c.out.attribute(s.name)
		c.out.raw(`"`)
	}
}

// inclusiveAxis renders the namespaces in force that the nearest output ancestor has not (Canonical XML 1.0 2.3).
func (c *canonicaliser) inclusiveAxis(n xmltree.Node) error {
	if f := c.top(); f != nil && f.node == n.Parent() {
		for d := range n.Declarations() {
			c.inclusive(d.Local(), d.Value())
		}
		return nil
	}
	hasDefault := false
	for ns := range n.Namespaces() {
		if err := checkName(ns.Value()); err != nil {
			return err
		}
		c.inclusive(ns.Local(), ns.Value())
		hasDefault = hasDefault || ns.Local() == ""
	}
	if !hasDefault {
		c.inclusive("", "")
	}
	return nil
}

func checkName(name string) error {
	if !hasScheme(name) {
		return fmt.Errorf("%w: %q", ErrRelativeNamespace, name)
	}
	return nil
}

func (c *canonicaliser) inclusive(prefix, name string) {
	if prefix == "xml" || c.rendered[prefix] == name {
		return
	}
	c.declare(prefix, name)
	c.bind(prefix, name)
}

// namespacesOf are the namespace nodes of an element that are in the set, without xml, by prefix.
func (c *canonicaliser) namespacesOf(n xmltree.Node) (axis []space) {
	for ns := range n.Namespaces() {
		if ns.Local() != "xml" && c.set.Has(ns) {
			axis = append(axis, space{ns.Local(), ns.Value()})
		}
	}
	sortAxis(axis)
	return axis
}

func sortAxis(axis []space) {
	if len(axis) > 1 {
		slices.SortFunc(axis, func(a, b space) int { return strings.Compare(a.prefix, b.prefix) })
	}
}

func find(axis []space, prefix string) (string, bool) {
	i, ok := slices.BinarySearchFunc(axis, prefix, func(s space, p string) int { return strings.Compare(s.prefix, p) })
	if !ok {
		return "", false
	}
	return axis[i].name, true
}

// listedAxis renders what is in the set and not on the nearest output ancestor, for sets that list namespace nodes.
func (c *canonicaliser) listedAxis(f *frame) error {
	var above []space
	if t := c.top(); t != nil {
		above = t.axis
	}
	for _, s := range f.axis {
		if err := checkName(s.name); err != nil {
			return err
		}
		if name, ok := find(above, s.prefix); !ok || name != s.name {
			c.declare(s.prefix, s.name)
		}
	}
	_, mine := find(f.axis, "")
	if _, theirs := find(above, ""); theirs && !mine {
		c.declare("", "")
	}
	return nil
}

// strayNamespaces writes namespace nodes whose element is not in the set, as Canonical XML 1.0 2.3 has it; in the
// exclusive form those of the PrefixList.
func (c *canonicaliser) strayNamespaces(n xmltree.Node) error {
	element := n.Parent()
	if c.set.Has(element) || c.strays == element {
		return nil
	}
	c.strays = element
	c.axis = c.axis[:0]
	var above []space
	if t := c.top(); t != nil {
		above = t.axis
	}
	for _, s := range c.namespacesOf(element) {
		if err := checkName(s.name); err != nil {
			return err
		}
		if c.method.Form == Exclusive10 && !c.inList(s.prefix) {
			continue
		}
		if name, ok := find(above, s.prefix); !ok || name != s.name {
			c.declare(s.prefix, s.name)
		}
	}
	c.writeAxis()
	return nil
}
