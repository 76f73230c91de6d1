package xpath

import (
	"fmt"
	"math"
	"slices"

	"qaqpa/signer/xmltree"
)

type (
	literal  string
	number   float64
	union    []expr
	negation struct {
		e   expr
		odd bool
	}
	logic struct {
		and         bool
		left, right expr
	}
	arithmetic struct {
		op          string
		left, right expr
	}
	// filtered is a primary expression with predicates.
	filtered struct {
		base       expr
		predicates []expr
	}
)

func operation(op string, left, right expr) expr {
	switch op {
	case "or", "and":
		return logic{op == "and", left, right}
	case "+", "-", "*", "div", "mod":
		return arithmetic{op, left, right}
	}
	return comparison{op, left, right}
}

func (e literal) eval(*evaluation) (value, error) { return textValue(string(e)), nil }

func (e number) eval(*evaluation) (value, error) { return numberValue(float64(e)), nil }

func (e negation) eval(c *evaluation) (value, error) {
	if err := c.spend(1); err != nil {
		return value{}, err
	}
	v, err := e.e.eval(c)
	if err != nil {
		return v, err
	}
	n, err := v.asNumber(c)
	if e.odd {
		n = -n
	}
	return numberValue(n), err
}

func (e logic) eval(c *evaluation) (value, error) {
	b, err := e.test(c)
	return boolValue(b), err
}

func (e logic) test(c *evaluation) (bool, error) {
	if err := c.spend(1); err != nil {
		return false, err
	}
	b, err := testOf(e.left, c)
	if err != nil || b != e.and {
		return b, err
	}
	return testOf(e.right, c)
}

func (e arithmetic) eval(c *evaluation) (value, error) {
	if err := c.spend(1); err != nil {
		return value{}, err
	}
	a, err := numberOf(e.left, c)
	if err != nil {
		return value{}, err
	}
	b, err := numberOf(e.right, c)
	if err != nil {
		return value{}, err
	}
	switch e.op {
	case "+":
		a += b
	case "-":
		a -= b
	case "*":
		a *= b
	case "div":
		a /= b
	case "mod":
		a = math.Mod(a, b)
	}
	return numberValue(a), nil
}

func numberOf(e expr, c *evaluation) (float64, error) {
	v, err := e.eval(c)
	if err != nil {
		return 0, err
	}
	return v.asNumber(c)
}

func textOf(e expr, c *evaluation) (string, error) {
	v, err := e.eval(c)
	if err != nil {
		return "", err
	}
	return v.asString(c)
}

func nodesOf(e expr, c *evaluation) ([]xmltree.Node, error) {
	v, err := e.eval(c)
	if err == nil && v.kind != nodeSet {
		err = fmt.Errorf("%w: node-set is due", ErrType)
	}
	return v.nodes, err
}

func (e union) eval(c *evaluation) (value, error) {
	var all []xmltree.Node
	for _, part := range e {
		nodes, err := nodesOf(part, c)
		if err != nil {
			return value{}, err
		}
		if err := c.spend(1 + len(nodes)); err != nil {
			return value{}, err
		}
		all = append(all, nodes...)
	}
	return value{nodes: ordered(all)}, nil
}

func (e union) test(c *evaluation) (bool, error) {
	for _, part := range e {
		if _, ok := part.(path); !ok {
			v, err := e.eval(c)
			return v.asBool(), err
		}
	}
	for _, part := range e {
		if b, err := testOf(part, c); err != nil || b {
			return b, err
		}
	}
	return false, nil
}

// ordered sorts into document order and drops doubles.
func ordered(nodes []xmltree.Node) []xmltree.Node {
	if len(nodes) < 2 {
		return nodes
	}
	if !slices.IsSortedFunc(nodes, xmltree.Node.Compare) {
		slices.SortFunc(nodes, xmltree.Node.Compare)
	}
	return slices.Compact(nodes)
}

func (e filtered) eval(c *evaluation) (value, error) {
	if err := c.spend(1); err != nil {
		return value{}, err
	}
	nodes, err := nodesOf(e.base, c)
	for _, p := range e.predicates {
		if err != nil {
			return value{}, err
		}
		nodes, err = c.keep(nodes, p)
	}
	return value{nodes: nodes}, err
}

// keep filters a list by a predicate (XPath 2.4): a number is a position.
func (c *evaluation) keep(nodes []xmltree.Node, predicate expr) ([]xmltree.Node, error) {
	inner := *c
	inner.size = len(nodes)
	kept := make([]xmltree.Node, 0, len(nodes))
	for i, n := range nodes {
		if err := c.spend(1); err != nil {
			return nil, err
		}
		inner.node, inner.position = n, i+1
		v, err := predicate.eval(&inner)
		if err != nil {
			return nil, err
		}
		if v.kind == numeric && v.n == float64(inner.position) || v.kind != numeric && v.asBool() {
			kept = append(kept, n)
		}
	}
	return kept, nil
}
