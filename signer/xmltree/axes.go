package xmltree

import "iter"

// content is the index of the first child of a node that may have some.
func (n Node) content() int32 { return n.index + 1 + int32(n.record().attrs) }

// FirstChild is the first child of an element or the root, or the zero Node.
func (n Node) FirstChild() Node {
	if n.ns != 0 {
		return Node{}
	}
	if at := n.content(); at < n.record().next {
		return n.at(at)
	}
	return Node{}
}

// NextSibling is the next child of the same parent, or the zero Node. Attributes and namespace nodes have none.
func (n Node) NextSibling() Node {
	if n.ns != 0 {
		return Node{}
	}
	r := n.record()
	if r.kind == Attribute || r.parent == none || r.next >= n.doc.records[r.parent].next {
		return Node{}
	}
	return n.at(r.next)
}

// Children are the children of an element or the root, in document order.
func (n Node) Children() iter.Seq[Node] {
	return func(yield func(Node) bool) {
		for c := n.FirstChild(); !c.IsZero(); c = c.NextSibling() {
			if !yield(c) {
				return
			}
		}
	}
}

// Elements are the children that are elements.
func (n Node) Elements() iter.Seq[Node] {
	return func(yield func(Node) bool) {
		for c := n.FirstChild(); !c.IsZero(); c = c.NextSibling() {
			if c.record().kind == Element && !yield(c) {
				return
			}
		}
	}
}

// Child is the first child element of an expanded name, or the zero Node.
func (n Node) Child(space, local string) Node {
	for c := range n.Elements() {
		if c.Is(space, local) {
			return c
		}
	}
	return Node{}
}

// Attributes are the attributes of an element as they stand, declarations of namespaces not among them.
func (n Node) Attributes() iter.Seq[Node] {
	return func(yield func(Node) bool) {
		if n.ns != 0 {
			return
		}
		for i := range int32(n.record().attrs) {
			if !yield(n.at(n.index + 1 + i)) {
				return
			}
		}
	}
}

// Namespaces are the namespace nodes of an element: one for each namespace in force, xml included, innermost
// declarations first.
func (n Node) Namespaces() iter.Seq[Node] {
	return func(yield func(Node) bool) {
		if n.Kind() != Element {
			return
		}
		n.doc.inForce(n.record().scope, func(decl int32) bool {
			return yield(Node{doc: n.doc, index: n.index, ns: decl + 1})
		})
	}
}

// Declarations are the namespace nodes that an element declares itself. One that undoes the default namespace is among
// them, with Value "", although XPath knows no such node.
func (n Node) Declarations() iter.Seq[Node] {
	return func(yield func(Node) bool) {
		if n.Kind() != Element {
			return
		}
		s := n.doc.scopes[n.record().scope]
		if s.first == 0 || n.doc.decls[s.first].element != n.index {
			return
		}
		for i := s.first; i < s.last; i++ {
			if !yield(Node{doc: n.doc, index: n.index, ns: i + 1}) {
				return
			}
		}
	}
}

// Descendants are the nodes below an element or the root in document order, without attributes and namespace nodes.
func (n Node) Descendants() iter.Seq[Node] {
	return func(yield func(Node) bool) {
		if n.ns != 0 {
			return
		}
		n.doc.forward(n.index+1, n.record().next, yield)
	}
}

func (d *Document) forward(from, to int32, yield func(Node) bool) {
	for i := from; i < to; i++ {
		if d.records[i].kind != Attribute && !yield(Node{doc: d, index: i}) {
			return
		}
	}
}

// Ancestors are the parent, its parent and so on up to the root.
func (n Node) Ancestors() iter.Seq[Node] {
	return func(yield func(Node) bool) {
		for p := n.Parent(); !p.IsZero(); p = p.Parent() {
			if !yield(p) {
				return
			}
		}
	}
}

// Following are the nodes behind n and all inside it, in document order (XPath 1.0 2.2).
func (n Node) Following() iter.Seq[Node] {
	return func(yield func(Node) bool) {
		from := n.record().next
		if n.ns != 0 || n.record().kind == Attribute { // what follows it is the content of its element
			from = n.Parent().content()
		}
		n.doc.forward(from, n.doc.records[root].next, yield)
	}
}

// Preceding are the nodes before n without its ancestors, in reverse document order.
func (n Node) Preceding() iter.Seq[Node] {
	return func(yield func(Node) bool) {
		ancestor := n.Parent()
		if n.ns != 0 {
			ancestor = ancestor.Parent()
		}
		for i := n.index - 1; i > 0; i-- {
			if !ancestor.IsZero() && i == ancestor.index {
				ancestor = ancestor.Parent()
				continue
			}
			if n.doc.records[i].kind != Attribute && !yield(n.at(i)) {
				return
			}
		}
	}
}

// FollowingSiblings are the later children of the same parent, in document order.
func (n Node) FollowingSiblings() iter.Seq[Node] {
	return func(yield func(Node) bool) {
		for c := n.NextSibling(); !c.IsZero(); c = c.NextSibling() {
			if !yield(c) {
				return
			}
		}
	}
}

// PreviousSibling is the child before n of the same parent, or the zero Node.
func (n Node) PreviousSibling() Node {
	if n.ns != 0 || n.record().kind == Attribute || n.record().parent == none {
		return Node{}
	}
	parent := n.record().parent
	i := n.index - 1
	for i != parent && n.doc.records[i].parent != parent {
		i = n.doc.records[i].parent
	}
	if i == parent || n.doc.records[i].kind == Attribute {
		return Node{}
	}
	return n.at(i)
}

// PrecedingSiblings are the earlier children of the same parent, in reverse document order.
func (n Node) PrecedingSiblings() iter.Seq[Node] {
	return func(yield func(Node) bool) {
		for c := n.PreviousSibling(); !c.IsZero(); c = c.PreviousSibling() {
			if !yield(c) {
				return
			}
		}
	}
}
