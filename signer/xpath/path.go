package xpath

import (
	"iter"

	"qaqpa/signer/xmltree"
)

type axis uint8

const (
	axisChild axis = iota
	axisDescendant
	axisDescendantOrSelf
	axisParent
	axisAncestor
	axisAncestorOrSelf
	axisSelf
	axisAttribute
	axisNamespace
	axisFollowing
	axisFollowingSibling
	axisPreceding
	axisPrecedingSibling
)

var axes = map[string]axis{
	"child": axisChild, "descendant": axisDescendant, "descendant-or-self": axisDescendantOrSelf, "parent": axisParent,
	"ancestor": axisAncestor, "ancestor-or-self": axisAncestorOrSelf, "self": axisSelf, "attribute": axisAttribute,
	"namespace": axisNamespace, "following": axisFollowing, "following-sibling": axisFollowingSibling,
	"preceding": axisPreceding, "preceding-sibling": axisPrecedingSibling,
}

// nodeTest is a name test or a node type test (XPath 2.3).
type nodeTest struct {
	any       bool
	kind      xmltree.Kind // 0: a name test
	space     string
	local     string // "*" for any
	qualified bool   // with a prefix
}

type step struct {
	axis       axis
	test       nodeTest
	predicates []expr
}

// anywhere is what // stands for.
var anywhere = step{axis: axisDescendantOrSelf, test: nodeTest{any: true}}

// path is a location path, or steps behind a primary expression.
type path struct {
	absolute bool
	base     expr // nil for a location path
	steps    []step
}

// simplified joins // and a child step without predicates into one descendant step: the same nodes with less work.
func (p path) simplified() path {
	var out []step
	for _, s := range p.steps {
		last := len(out) - 1
		if last >= 0 && out[last].axis == axisDescendantOrSelf && out[last].test.any && len(out[last].predicates) == 0 &&
			s.axis == axisChild && len(s.predicates) == 0 {
			out[last] = step{axis: axisDescendant, test: s.test}
			continue
		}
		out = append(out, s)
	}
	p.steps = out
	return p
}

func (s *step) matches(n xmltree.Node) bool {
	t := &s.test
	if t.any {
		return true
	}
	kind := n.Kind()
	if t.kind != 0 {
		return kind == t.kind && (t.local == "" || n.Local() == t.local)
	}
	principal := xmltree.Element
	if s.axis == axisAttribute {
		principal = xmltree.Attribute
	}
	if s.axis == axisNamespace {
		principal = xmltree.Namespace
	}
	if kind != principal {
		return false
	}
	if t.local == "*" {
		return !t.qualified || n.Name().Space == t.space
	}
	return n.Named(t.space, t.local)
}

// walk is the axis of a node, in the order of the axis.
func (s *step) walk(n xmltree.Node) iter.Seq[xmltree.Node] {
	switch s.axis {
	case axisChild:
		return n.Children()
	case axisDescendant:
		return n.Descendants()
	case axisDescendantOrSelf:
		return withSelf(n, n.Descendants())
	case axisParent:
		return only(n.Parent())
	case axisAncestor:
		return n.Ancestors()
	case axisAncestorOrSelf:
		return withSelf(n, n.Ancestors())
	case axisSelf:
		return only(n)
	case axisAttribute:
		return n.Attributes()
	case axisNamespace:
		return n.Namespaces()
	case axisFollowing:
		return n.Following()
	case axisFollowingSibling:
		return n.FollowingSiblings()
	case axisPreceding:
		return n.Preceding()
	case axisPrecedingSibling:
		return n.PrecedingSiblings()
	}
	return only(xmltree.Node{})
}

func only(n xmltree.Node) iter.Seq[xmltree.Node] {
	return func(yield func(xmltree.Node) bool) {
		if !n.IsZero() {
			yield(n)
		}
	}
}

func withSelf(n xmltree.Node, rest iter.Seq[xmltree.Node]) iter.Seq[xmltree.Node] {
	return func(yield func(xmltree.Node) bool) {
		if !yield(n) {
			return
		}
		for m := range rest {
			if !yield(m) {
				return
			}
		}
	}
}

func (p path) start(c *evaluation) ([]xmltree.Node, error) {
	switch {
	case p.base != nil:
		return nodesOf(p.base, c)
	case p.absolute:
		return []xmltree.Node{c.node.Document().Root()}, nil
	}
	return []xmltree.Node{c.node}, nil
}

func (p path) eval(c *evaluation) (value, error) {
	if err := c.spend(1 + len(p.steps)); err != nil {
		return value{}, err
	}
	nodes, err := p.start(c)
	for i := range p.steps {
		if err != nil {
			return value{}, err
		}
		nodes, err = p.steps[i].from(c, nodes)
	}
	return value{nodes: nodes}, err
}

// test asks only whether there is a node, and stops at the first: most expressions in signatures are one step of this
// kind, evaluated for every node of a document.
func (p path) test(c *evaluation) (bool, error) {
	if p.base != nil || p.absolute || len(p.steps) != 1 || len(p.steps[0].predicates) > 0 {
		v, err := p.eval(c)
		return v.asBool(), err
	}
	s := &p.steps[0]
	// The two that need no iterator.
	if s.axis == axisSelf {
		return s.matches(c.node), nil
	}
	if s.axis == axisAncestor || s.axis == axisAncestorOrSelf {
		n := c.node
		if s.axis == axisAncestor {
			n = n.Parent()
		}
		for ; !n.IsZero(); n = n.Parent() {
			if err := c.spend(1); err != nil || s.matches(n) {
				return err == nil, err
			}
		}
		return false, nil
	}
	if err := c.spend(s.toll(c.node)); err != nil {
		return false, err
	}
	for n := range s.walk(c.node) {
		if err := c.spend(1); err != nil || s.matches(n) {
			return err == nil, err
		}
	}
	return false, nil
}

// from takes the step from each of the nodes, which are in document order.
func (s *step) from(c *evaluation, nodes []xmltree.Node) ([]xmltree.Node, error) {
	var out []xmltree.Node
	var err error
	var before xmltree.Node
	crowded := 0 // length of out after which doubles are dropped on the way, so that memory stays bounded
	for _, n := range nodes {
		if s.reached(before, n) {
			continue
		}
		before = n
		if crowded == 0 {
			crowded = 2*n.Document().Len() + 1024
		}
		if len(s.predicates) == 0 {
			out, err = s.gather(c, n, out)
		} else {
			out, err = s.choose(c, n, out)
		}
		if err != nil {
			return nil, err
		}
		if len(out) > crowded {
			out = ordered(out)
			crowded = max(crowded, 2*len(out))
		}
	}
	return ordered(out), nil
}

// reached tells that what the step finds from n it has found from a node around n.
func (s *step) reached(before, n xmltree.Node) bool {
	if len(s.predicates) > 0 || before.IsZero() || !before.Contains(n) {
		return false
	}
	if s.axis == axisDescendantOrSelf {
		return n.Kind() != xmltree.Attribute && n.Kind() != xmltree.Namespace // they are no descendants
	}
	return s.axis == axisDescendant
}

// toll is the price of an axis that passes over many nodes that it does not yield.
func (s *step) toll(n xmltree.Node) int {
	if s.axis == axisDescendant || s.axis == axisDescendantOrSelf {
		return n.Size() / 8
	}
	if s.axis == axisFollowing || s.axis == axisPreceding {
		return n.Document().Len() / 8
	}
	return 0
}

func (s *step) gather(c *evaluation, n xmltree.Node, out []xmltree.Node) ([]xmltree.Node, error) {
	if err := c.spend(s.toll(n)); err != nil {
		return nil, err
	}
	for m := range s.walk(n) {
		if err := c.spend(1); err != nil {
			return nil, err
		}
		if s.matches(m) {
			out = append(out, m)
		}
	}
	return out, nil
}

// choose applies the predicates to what the step reaches from one node, counted in the order of the axis.
func (s *step) choose(c *evaluation, n xmltree.Node, out []xmltree.Node) ([]xmltree.Node, error) {
	reached, err := s.gather(c, n, nil)
	for _, p := range s.predicates {
		if err != nil {
			return nil, err
		}
		reached, err = c.keep(reached, p)
	}
	return append(out, reached...), err
}
