package c14n

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"qaqpa/signer/xmltree"
)

// ErrRelativeNamespace says that a namespace name is not an absolute URI (Canonical XML 1.0 1).
var ErrRelativeNamespace = errors.New("namespace name is relative")

// Write writes the canonical form of a set of nodes. Errors: [ErrRelativeNamespace], xmltree.ErrTooManyNamespaces, an
// unknown form, or what w returned; then the output is incomplete. Time is linear in the set and the output.
func Write(w io.Writer, set xmltree.NodeSet, m Method) error {
	if m.Form < Inclusive10 || m.Form > Exclusive10 {
		return errors.New("couldn't canonicalise: unknown form")
	}
	if err := set.Err(); err != nil {
		return fmt.Errorf("couldn't canonicalise: %w", err)
	}
	if set.Empty() {
		return nil
	}
	c := canonicaliser{
		set: set, method: m, listed: set.Listed(), document: set.Document().Element(),
		rendered: map[string]string{}, out: output{to: w, buf: make([]byte, 0, bufferSize)},
	}
	if err := c.run(); err != nil {
		return fmt.Errorf("couldn't canonicalise: %w", err)
	}
	return nil
}

// Canonical is Write into memory.
func Canonical(set xmltree.NodeSet, m Method) ([]byte, error) {
	var b bytes.Buffer
	if err := Write(&b, set, m); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// canonicaliser walks the set in document order and keeps what the output ancestors of the present node have rendered.
type canonicaliser struct {
	set      xmltree.NodeSet
	method   Method
	listed   bool
	document xmltree.Node
	out      output

	open     []frame
	rendered map[string]string // what prefixes mean in the output
	undo     []change

	axis    []space
	attrs   []attribute
	orphans xmltree.Node // the element outside the set whose attributes were written last
	strays  xmltree.Node // the same for namespace nodes
}

// frame is an element whose end tag is due.
type frame struct {
	node xmltree.Node
	undo int     // changes to take back behind its end tag
	axis []space // its namespace nodes in the set, by prefix; used where namespace nodes are listed
}

type change struct{ prefix, old string }

// space is a namespace node in the set.
type space struct{ prefix, name string }

func (c *canonicaliser) run() error {
	nodes := c.set.Tree()
	if c.listed {
		nodes = c.set.Nodes()
	}
	for n := range nodes {
		c.closeBefore(n)
		var err error
		switch n.Kind() {
		case xmltree.Element:
			err = c.start(n)
		case xmltree.Attribute:
			c.orphanAttributes(n)
		case xmltree.Namespace:
			err = c.strayNamespaces(n)
		case xmltree.Text:
			c.out.text(n.Value())
		case xmltree.Comment:
			c.comment(n)
		case xmltree.Instruction:
			c.instruction(n)
		case xmltree.Root:
		}
		if err == nil {
			err = c.out.err
		}
		if err != nil {
			return err
		}
	}
	c.closeBefore(xmltree.Node{})
	return c.out.flush()
}

// top is the nearest output ancestor.
func (c *canonicaliser) top() *frame {
	if len(c.open) == 0 {
		return nil
	}
	return &c.open[len(c.open)-1]
}

// closeBefore writes the end tags of elements that n does not lie in.
func (c *canonicaliser) closeBefore(n xmltree.Node) {
	for f := c.top(); f != nil && !f.node.Contains(n); f = c.top() {
		c.out.raw("</")
		c.out.name(f.node.Name())
		c.out.raw(">")
		for len(c.undo) > f.undo {
			last := c.undo[len(c.undo)-1]
			c.rendered[last.prefix] = last.old
			c.undo = c.undo[:len(c.undo)-1]
		}
		c.open = c.open[:len(c.open)-1]
	}
}

// bind notes that a prefix means a namespace ("": none) from here on, until the end tag of the element.
func (c *canonicaliser) bind(prefix, name string) {
	c.undo = append(c.undo, change{prefix, c.rendered[prefix]})
	c.rendered[prefix] = name
}

// start writes a start tag: name, namespace axis, attribute axis.
func (c *canonicaliser) start(n xmltree.Node) error {
	f := frame{node: n, undo: len(c.undo)}
	c.axis = c.axis[:0]
	if err := checkDeclarations(n); err != nil {
		return err
	}
	var err error
	switch {
	case c.method.Form == Exclusive10:
		err = c.exclusiveAxis(n, &f)
	case c.listed:
		f.axis = c.namespacesOf(n)
		err = c.listedAxis(&f)
	default:
		err = c.inclusiveAxis(n)
	}
	if err != nil {
		return err
	}
	name := n.Name()
	c.out.raw("<")
	c.out.name(name)
	c.writeAxis()
	c.gatherAttributes(n)
	c.inheritAttributes(n)
	c.writeAttributes()
	c.out.raw(">")
	c.open = append(c.open, f)
	return nil
}

// comment writes a comment. Outside the document element a line feed parts it from the element (Canonical XML 1.0 2.3).
func (c *canonicaliser) comment(n xmltree.Node) {
	if !c.method.Comments {
		return
	}
	c.outside(n, func() {
		c.out.raw("<!--")
		c.out.normalised(n.Value())
		c.out.raw("-->")
	})
}

func (c *canonicaliser) instruction(n xmltree.Node) {
	c.outside(n, func() {
		c.out.raw("<?")
		c.out.raw(n.Local())
		if n.Value() != "" {
			c.out.raw(" ")
			c.out.normalised(n.Value())
		}
		c.out.raw("?>")
	})
}

func (c *canonicaliser) outside(n xmltree.Node, write func()) {
	if n.Parent().Kind() != xmltree.Root {
		write()
		return
	}
	if n.Compare(c.document) > 0 {
		c.out.raw("\n")
		write()
		return
	}
	write()
	c.out.raw("\n")
}
