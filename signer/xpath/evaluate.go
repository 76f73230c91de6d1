package xpath

import (
	"fmt"

	"qaqpa/signer/xmltree"
)

// Budget is the work that evaluations may do, in steps: about one for each part of an expression evaluated, for each node
// looked at, and for each 16 octets of text made. One budget may serve many evaluations; it is not safe for concurrent use.
type Budget struct{ left int }

// NewBudget allows a number of steps; a million take in the order of 50 ms.
func NewBudget(steps int) *Budget { return &Budget{left: steps} }

// Left is the number of steps that are left.
func (b *Budget) Left() int { return b.left }

// Context is where an expression is evaluated.
type Context struct {
	Node xmltree.Node // the context node; position and size are 1
	// Here is the node that bears the expression, for here(); the zero Node where there is none.
	Here   xmltree.Node
	Budget *Budget // must not be nil
}

// evaluation is one evaluation of an expression or of a part of it.
type evaluation struct {
	node           xmltree.Node
	position, size int
	here           xmltree.Node
	budget         *Budget
}

func (c Context) evaluation() *evaluation {
	return &evaluation{node: c.Node, position: 1, size: 1, here: c.Here, budget: c.Budget}
}

func (c *evaluation) spend(steps int) error {
	if c.budget.left < steps {
		c.budget.left = 0
		return ErrBudget
	}
	c.budget.left -= steps
	return nil
}

// textOf is the string-value of a node, paid for.
func (c *evaluation) textOf(n xmltree.Node) (string, error) {
	if err := c.spend(n.Size()); err != nil {
		return "", err
	}
	s := n.Text()
	return s, c.spend(len(s) / 16)
}

// expr is a part of an expression.
type expr interface {
	eval(c *evaluation) (value, error)
}

// truth is an expr that tells its boolean value with less work than its value.
type truth interface {
	test(c *evaluation) (bool, error)
}

func testOf(e expr, c *evaluation) (bool, error) {
	if t, ok := e.(truth); ok {
		return t.test(c)
	}
	v, err := e.eval(c)
	return v.asBool(), err
}

// Bool evaluates to a boolean, converting as boolean() does. Errors wrap [ErrBudget], [ErrType], [ErrHere] or
// xmltree.ErrDuplicateID.
func (e *Expression) Bool(c Context) (bool, error) {
	b, err := testOf(e.top, c.evaluation())
	return b, e.wrap(err)
}

// Nodes evaluates to a node-set in document order. Errors as of Bool; [ErrType] where the value is no node-set.
func (e *Expression) Nodes(c Context) ([]xmltree.Node, error) {
	v, err := e.top.eval(c.evaluation())
	if err == nil && v.kind != nodeSet {
		err = fmt.Errorf("%w: no node-set", ErrType)
	}
	return v.nodes, e.wrap(err)
}

// Text evaluates to a string, converting as string() does. Errors as of Bool.
func (e *Expression) Text(c Context) (string, error) {
	ev := c.evaluation()
	v, err := e.top.eval(ev)
	if err != nil {
		return "", e.wrap(err)
	}
	s, err := v.asString(ev)
	return s, e.wrap(err)
}

func (e *Expression) wrap(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("couldn't evaluate XPath: %w", err)
}
