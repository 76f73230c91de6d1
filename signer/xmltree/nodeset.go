package xmltree

import (
	"errors"
	"iter"
	"slices"
	"sort"
)

// NodeSet is a set of nodes of one document. The zero NodeSet is empty. It is immutable and safe to share.
//
// Namespace nodes are either all those of the elements in the set (as in any subtree), or listed one by one.
type NodeSet struct {
	doc    *Document
	runs   []run // disjoint, ascending
	listed bool
	spaces []spaceNode // ascending; used when listed
	// overflow: there were more namespace nodes to list than maxListed, and the set is not what it should be.
	overflow bool
}

// run is the nodes from first to before end.
type run struct{ first, end int32 }

// spaceNode is a namespace node.
type spaceNode struct{ element, decl int32 }

func (a spaceNode) compare(b spaceNode) int {
	if a.element != b.element {
		return int(a.element) - int(b.element)
	}
	return int(a.decl) - int(b.decl)
}

// maxListed bounds the namespace nodes that a set lists one by one.
const maxListed = 1 << 20

// All is the set of every node of the document.
func (d *Document) All() NodeSet { return Subtree(d.Root()) }

// Subtree is the set of a node and all inside it: attributes, namespace nodes and comments too. Of an attribute or
// namespace node it is that node alone.
func Subtree(n Node) NodeSet {
	if n.IsZero() {
		return NodeSet{}
	}
	if n.ns != 0 {
		return NodeSet{doc: n.doc, listed: true, spaces: []spaceNode{{n.index, n.ns - 1}}}
	}
	return NodeSet{doc: n.doc, runs: []run{{n.index, n.record().next}}}
}

// Select is the set of exactly these nodes of one document, without their attributes, namespace nodes and content.
func Select(nodes []Node) NodeSet {
	b := newBuilder(nil, true)
	ordered := slices.Clone(nodes)
	slices.SortFunc(ordered, Node.Compare)
	for _, n := range ordered {
		if !n.IsZero() {
			b.add(n)
		}
	}
	return b.done()
}

// Subtrees is the union of the subtrees of these nodes of one document.
func Subtrees(nodes []Node) NodeSet {
	ordered := slices.Clone(nodes)
	slices.SortFunc(ordered, Node.Compare)
	var tree, alone NodeSet
	for _, n := range ordered {
		switch {
		case n.IsZero():
		case n.ns != 0:
			alone.doc, alone.listed = n.doc, true
			alone.spaces = append(alone.spaces, spaceNode{n.index, n.ns - 1})
		default:
			tree.doc = n.doc
			tree.runs = appendRun(tree.runs, run{n.index, n.record().next})
		}
	}
	alone.spaces = slices.Compact(alone.spaces)
	return tree.Union(alone)
}

// appendRun adds a run that does not begin before the last one begins.
func appendRun(runs []run, r run) []run {
	if n := len(runs); n > 0 && r.first <= runs[n-1].end {
		runs[n-1].end = max(runs[n-1].end, r.end)
		return runs
	}
	return append(runs, r)
}

// Document is the document whose nodes the set holds; nil for the zero set.
func (s NodeSet) Document() *Document { return s.doc }

// Empty tells whether the set has no nodes.
func (s NodeSet) Empty() bool { return len(s.runs) == 0 && len(s.spaces) == 0 }

// Listed tells whether namespace nodes are in the set one by one, rather than with their elements.
func (s NodeSet) Listed() bool { return s.listed }

// has tells whether a node that is no namespace node is in the set.
func (s NodeSet) has(index int32) bool {
	i := sort.Search(len(s.runs), func(i int) bool { return s.runs[i].end > index })
	return i < len(s.runs) && s.runs[i].first <= index
}

// Has tells whether a node is in the set.
func (s NodeSet) Has(n Node) bool {
	switch {
	case s.doc == nil || n.doc != s.doc:
		return false
	case n.ns == 0:
		return s.has(n.index)
	case !s.listed:
		return s.has(n.index)
	}
	_, ok := slices.BinarySearchFunc(s.spaces, spaceNode{n.index, n.ns - 1}, spaceNode.compare)
	return ok
}

// HasSubtree tells whether a node and all inside it are in the set, comments inside it aside: canonical forms leave them
// out.
func (s NodeSet) HasSubtree(n Node) bool {
	if n.IsZero() || !s.Has(n) {
		return false
	}
	return Subtree(n).WithoutComments().Subtract(s).Empty()
}

// Tree are the nodes in document order without the namespace nodes.
func (s NodeSet) Tree() iter.Seq[Node] {
	return func(yield func(Node) bool) {
		for _, r := range s.runs {
			for i := r.first; i < r.end; i++ {
				if !yield(Node{doc: s.doc, index: i}) {
					return
				}
			}
		}
	}
}

// Nodes are the nodes in document order, namespace nodes included.
func (s NodeSet) Nodes() iter.Seq[Node] {
	return func(yield func(Node) bool) {
		spaces := s.spaces
		before := func(index int32) bool {
			for len(spaces) > 0 && spaces[0].element < index {
				if !yield(Node{s.doc, spaces[0].element, spaces[0].decl + 1}) {
					return false
				}
				spaces = spaces[1:]
			}
			return true
		}
		for _, r := range s.runs {
			for i := r.first; i < r.end; i++ {
				n := Node{doc: s.doc, index: i}
				if !before(i) || !yield(n) {
					return
				}
				if s.listed || s.doc.records[i].kind != Element {
					continue
				}
				for ns := range n.Namespaces() {
					if !yield(ns) {
						return
					}
				}
			}
		}
		if len(spaces) > 0 {
			before(maxNodes)
		}
	}
}

// ErrTooManyNamespaces says that a set would have to list more than a million namespace nodes one by one.
var ErrTooManyNamespaces = errors.New("too many namespace nodes")

// Err is [ErrTooManyNamespaces] where operations on sets came upon too many; such a set must not be used.
func (s NodeSet) Err() error {
	if s.overflow {
		return ErrTooManyNamespaces
	}
	return nil
}

// Filter is the set of those nodes for which keep says so, namespace nodes asked one by one. It stops at the first error
// of keep. The result lists namespace nodes only where they differ from their elements.
func (s NodeSet) Filter(keep func(Node) (bool, error)) (NodeSet, error) {
	b := newBuilder(s.doc, s.listed)
	for n := range s.Nodes() {
		ok, err := keep(n)
		if err != nil {
			return NodeSet{}, err
		}
		if n.ns != 0 && !b.set.listed && ok != b.keptLast {
			b.list(n)
		}
		if ok {
			b.add(n)
		}
		if n.ns == 0 {
			b.keptLast = ok
		}
		if len(b.set.spaces) > maxListed {
			return NodeSet{}, ErrTooManyNamespaces
		}
	}
	return b.done(), nil
}

// FilterElements is Filter for a keep that says the same of an element and of its namespace nodes: they are not asked.
// Where the set lists namespace nodes it is Filter.
func (s NodeSet) FilterElements(keep func(Node) (bool, error)) (NodeSet, error) {
	if s.listed {
		return s.Filter(keep)
	}
	b := newBuilder(s.doc, false)
	for n := range s.Tree() {
		ok, err := keep(n)
		if err != nil {
			return NodeSet{}, err
		}
		if ok {
			b.add(n)
		}
	}
	return b.done(), nil
}

// builder gathers nodes that come in document order.
type builder struct {
	set      NodeSet
	keptLast bool // whether the last node that is no namespace node was kept
}

func newBuilder(doc *Document, listed bool) *builder {
	return &builder{set: NodeSet{doc: doc, listed: listed}}
}

func (b *builder) add(n Node) {
	b.set.doc = n.doc
	if n.ns == 0 {
		b.set.runs = appendRun(b.set.runs, run{n.index, n.index + 1})
		return
	}
	if b.set.listed {
		b.set.spaces = append(b.set.spaces, spaceNode{n.index, n.ns - 1})
	}
}

// list begins to name namespace nodes one by one, at the first that does not go the way of its element. Those of the
// elements before it are added as they were, and of its own element those before it.
func (b *builder) list(at Node) {
	spaces, cut := b.set.list()
	b.set.listed, b.set.overflow = true, cut
	for _, s := range spaces {
		if s.element != at.index {
			b.set.spaces = append(b.set.spaces, s)
		}
	}
	if !b.keptLast {
		return
	}
	at.doc.inForce(at.record().scope, func(decl int32) bool {
		if decl == at.ns-1 {
			return false
		}
		b.set.spaces = append(b.set.spaces, spaceNode{at.index, decl})
		return true
	})
}

// done puts the namespace nodes of each element into their order: they come innermost declarations first.
func (b *builder) done() NodeSet {
	slices.SortFunc(b.set.spaces, spaceNode.compare)
	b.set.spaces = slices.Compact(b.set.spaces)
	return b.set.unlisted()
}

// unlisted is the same set, without its list where that is just the namespace nodes of its elements. Canonical forms
// are quicker then.
func (s NodeSet) unlisted() NodeSet {
	if !s.listed || s.doc == nil {
		return s
	}
	rest := s.spaces
	for _, r := range s.runs {
		for i := r.first; i < r.end; i++ {
			if s.doc.records[i].kind != Element {
				continue
			}
			if len(rest) > 0 && rest[0].element < i {
				return s
			}
			n := s.doc.countInForce(s.doc.records[i].scope)
			if n > len(rest) || rest[n-1].element != i {
				return s
			}
			rest = rest[n:]
			if len(rest) > 0 && rest[0].element == i {
				return s
			}
		}
	}
	if len(rest) > 0 {
		return s
	}
	return NodeSet{doc: s.doc, runs: s.runs, overflow: s.overflow}
}

func (d *Document) countInForce(in int32) (n int) {
	d.inForce(in, func(int32) bool { n++; return true })
	return n
}
