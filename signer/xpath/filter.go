package xpath

import "qaqpa/signer/xmltree"

// Filter is the XPath transform (XMLDSig 6.6.3): the nodes of a set, namespace nodes included, for each of which the
// expression is true with that node as context. Errors as of Bool, and xmltree.ErrTooManyNamespaces.
func (e *Expression) Filter(set xmltree.NodeSet, here xmltree.Node, budget *Budget) (xmltree.NodeSet, error) {
	c := Context{Here: here, Budget: budget}.evaluation()
	ask := func(n xmltree.Node) (bool, error) {
		if err := c.spend(1); err != nil {
			return false, err
		}
		c.node, c.position, c.size = n, 1, 1
		return testOf(e.top, c)
	}
	if !isAncestral(e.top) {
		out, err := set.Filter(ask)
		return out, e.wrap(err)
	}
	// Nearly all signatures that have an XPath say not(ancestor-or-self::ds:Signature): then the elements alone are asked.
	r := remembered{ask: ask}
	out, err := set.FilterElements(r.keep)
	return out, e.wrap(err)
}

// isAncestral tells that an expression is true of a node that is no element exactly when it is true of its element: that
// it asks for nothing but the names of the elements around.
func isAncestral(e expr) bool {
	switch e := e.(type) {
	case literal, number:
		return true
	case logic:
		return isAncestral(e.left) && isAncestral(e.right)
	case call:
		return e.logical && allAncestral(e.args)
	case union:
		return allAncestral(e)
	case path:
		return e.base == nil && !e.absolute && len(e.steps) == 1 && e.steps[0].isAncestral()
	}
	return false
}

func allAncestral(list []expr) bool {
	for _, e := range list {
		if !isAncestral(e) {
			return false
		}
	}
	return true
}

func (s *step) isAncestral() bool {
	return s.axis == axisAncestorOrSelf && len(s.predicates) == 0 && !s.test.any && s.test.kind == 0
}

// remembered asks each element once. Nodes come in document order, so the elements around the last one suffice.
type remembered struct {
	ask  func(xmltree.Node) (bool, error)
	path []answer
}

type answer struct {
	node xmltree.Node
	keep bool
}

func (r *remembered) keep(n xmltree.Node) (bool, error) {
	if k := n.Kind(); k != xmltree.Element && k != xmltree.Root {
		n = n.Parent()
	}
	for len(r.path) > 0 && !r.path[len(r.path)-1].node.Contains(n) {
		r.path = r.path[:len(r.path)-1]
	}
	if last := len(r.path) - 1; last >= 0 && r.path[last].node == n {
		return r.path[last].keep, nil
	}
	ok, err := r.ask(n)
	r.path = append(r.path, answer{n, ok})
	return ok, err
}
