package xmltree

import (
	"cmp"
	"strings"
)

// Kind is a kind of node (XPath 1.0 5).
type Kind uint8

// Kinds of nodes.
const (
	Root Kind = iota + 1
	Element
	Attribute
	Namespace
	Text
	Comment
	Instruction
)

// String names the kind.
func (k Kind) String() string {
	switch k {
	case Root:
		return "root"
	case Element:
		return "element"
	case Attribute:
		return "attribute"
	case Namespace:
		return "namespace"
	case Text:
		return "text"
	case Comment:
		return "comment"
	case Instruction:
		return "instruction"
	}
	return "no node"
}

// Node is one node of a document; the zero Node is none. Nodes are values: two are the same node exactly when they are
// equal by ==. Methods of the zero Node other than IsZero panic.
type Node struct {
	doc   *Document
	index int32
	ns    int32 // of a namespace node: its declaration plus one; index is the element that it is a node of
}

// IsZero tells whether n is no node.
func (n Node) IsZero() bool { return n.doc == nil }

// Document is the document of the node.
func (n Node) Document() *Document { return n.doc }

func (n Node) record() *record { return &n.doc.records[n.index] }

func (n Node) at(index int32) Node { return Node{doc: n.doc, index: index} }

// Kind is the kind of the node.
func (n Node) Kind() Kind {
	if n.ns != 0 {
		return Namespace
	}
	return n.record().kind
}

// Parent is the parent, of attributes and namespace nodes the element that bears them; the zero Node for the root.
func (n Node) Parent() Node {
	if n.ns != 0 {
		return n.at(n.index)
	}
	parent := n.record().parent
	if parent == none {
		return Node{}
	}
	return n.at(parent)
}

// Name is the expanded name: of an instruction its target, of a namespace node its prefix, of other nodes that have none
// the zero Name.
func (n Node) Name() Name {
	if n.ns != 0 {
		return Name{Local: n.doc.prefixes[n.doc.decls[n.ns-1].prefix]}
	}
	if name := n.record().name; name != none {
		return n.doc.names[name]
	}
	return Name{}
}

// Local is the local part of the name.
func (n Node) Local() string { return n.Name().Local }

// Is tells whether n is an element of this expanded name.
func (n Node) Is(space, local string) bool {
	if n.doc == nil || n.ns != 0 || n.record().kind != Element {
		return false
	}
	name := &n.doc.names[n.record().name]
	return name.Local == local && name.Space == space
}

// Named tells whether the node has this expanded name, whatever its kind.
func (n Node) Named(space, local string) bool {
	if n.ns != 0 {
		return space == "" && n.doc.prefixes[n.doc.decls[n.ns-1].prefix] == local
	}
	if id := n.record().name; id != none {
		name := &n.doc.names[id]
		return name.Local == local && name.Space == space
	}
	return false
}

// Size is the number of nodes in the subtree of n, namespace nodes not counted: what Text has to go through.
func (n Node) Size() int {
	if n.ns != 0 {
		return 1
	}
	return int(n.record().next - n.index)
}

// Value is the content of an attribute, text, comment or instruction, and the namespace of a namespace node; "" for
// elements and the root.
func (n Node) Value() string {
	if n.ns != 0 {
		return n.doc.decls[n.ns-1].space
	}
	return n.record().value
}

// Text is the string-value (XPath 1.0 5): of elements and the root all text inside, joined over comments and
// instructions; of other nodes Value.
func (n Node) Text() string {
	if k := n.Kind(); k != Element && k != Root {
		return n.Value()
	}
	r := n.record()
	first, size, pieces := "", 0, 0
	list := n.doc.records[n.index+1 : r.next]
	for i := range list {
		if list[i].kind == Text {
			if pieces++; pieces == 1 {
				first = list[i].value
			}
			size += len(list[i].value)
		}
	}
	if pieces < 2 {
		return first
	}
	var b strings.Builder
	b.Grow(size)
	for i := range list {
		if list[i].kind == Text {
			b.WriteString(list[i].value)
		}
	}
	return b.String()
}

// Range is the place of the node in [Document.Text]: from its first octet to behind its last. An element's includes its
// tags, an attribute's its name and quotation marks, a namespace node's is its declaration (0, 0 for xml).
func (n Node) Range() (from, to int) {
	if n.ns != 0 {
		d := &n.doc.decls[n.ns-1]
		return max(int(d.from), 0), max(int(d.to), 0)
	}
	r := n.record()
	return int(r.from), int(r.to)
}

// Raw is the node as it is written.
func (n Node) Raw() string {
	from, to := n.Range()
	return n.doc.text[from:to]
}

// Attribute finds an attribute of an element by its expanded name.
func (n Node) Attribute(space, local string) (Node, bool) {
	for a := range n.Attributes() {
		if name := a.Name(); name.Local == local && name.Space == space {
			return a, true
		}
	}
	return Node{}, false
}

// AttributeValue is the value of an attribute without a namespace, and whether it is there.
func (n Node) AttributeValue(local string) (string, bool) {
	a, ok := n.Attribute("", local)
	if !ok {
		return "", false
	}
	return a.Value(), true
}

// ID is the identifier of an element, "" when it has none. An element with several has that which stands first.
func (n Node) ID() string {
	if n.Kind() != Element {
		return ""
	}
	for a := range n.Attributes() {
		if IsID(a.Name()) && a.Value() != "" {
			return a.Value()
		}
	}
	return ""
}

// NamespaceFor is the namespace that a prefix ("": the default) means at an element.
func (n Node) NamespaceFor(prefix string) (string, bool) {
	for ns := range n.Namespaces() {
		if ns.Local() == prefix {
			return ns.Value(), true
		}
	}
	return "", false
}

// Compare orders nodes of one document in document order: an element, its namespace nodes, its attributes, its content.
func (n Node) Compare(o Node) int {
	if c := cmp.Compare(n.index, o.index); c != 0 {
		return c
	}
	return cmp.Compare(n.ns, o.ns)
}

// Contains tells whether o is n or lies inside n, attributes and namespace nodes included.
func (n Node) Contains(o Node) bool {
	if n.doc != o.doc || n.doc == nil {
		return false
	}
	if n.ns != 0 {
		return n == o
	}
	return o.index >= n.index && o.index < n.record().next
}
