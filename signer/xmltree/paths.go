package xmltree

import (
	"iter"
	"slices"
	"strconv"
	"strings"
)

// Path names the node for people and programs: "/soap:Envelope/soap:Body", with [k] behind a name that stands more than
// once among its siblings, "/@Id" for attributes, "/text()", "/comment()". It is not resolvable without the prefixes
// of the document.
func (n Node) Path() string {
	if n.IsZero() {
		return ""
	}
	var steps []string
	for c := n; !c.IsZero() && c.Kind() != Root; c = c.Parent() {
		steps = append(steps, c.step())
	}
	if len(steps) == 0 {
		return "/"
	}
	var b strings.Builder
	for _, step := range slices.Backward(steps) {
		b.WriteByte('/')
		b.WriteString(step)
	}
	return b.String()
}

func (n Node) step() string {
	switch n.Kind() {
	case Attribute:
		return "@" + n.Name().String()
	case Namespace:
		return "namespace::" + n.Local()
	case Text:
		return "text()"
	case Comment:
		return "comment()"
	case Instruction:
		return "processing-instruction(" + n.Local() + ")"
	case Element, Root:
	}
	before, after := 0, false
	for s := range n.PrecedingSiblings() {
		if s.record().kind == Element && s.record().name == n.record().name {
			before++
		}
	}
	for s := range n.FollowingSiblings() {
		if after = s.record().kind == Element && s.record().name == n.record().name; after {
			break
		}
	}
	if before == 0 && !after {
		return n.Name().String()
	}
	return n.Name().String() + "[" + strconv.Itoa(before+1) + "]"
}

// Tops are the outermost nodes of the set in document order: those whose parent is not in it. Attributes and namespace
// nodes count only where their element is not in the set.
func (s NodeSet) Tops() iter.Seq[Node] {
	return func(yield func(Node) bool) {
		for _, r := range s.runs {
			for i := r.first; i < r.end; {
				rec := &s.doc.records[i]
				if rec.parent != none && s.has(rec.parent) {
					i = min(max(rec.next, i+1), r.end)
					continue
				}
				if !yield(Node{doc: s.doc, index: i}) {
					return
				}
				i = min(rec.next, r.end)
			}
		}
		for _, n := range s.spaces {
			if !s.has(n.element) && !yield(Node{s.doc, n.element, n.decl + 1}) {
				return
			}
		}
	}
}

// Holes are the outermost nodes of a node's subtree that are not in the set, in document order, comments aside.
func (s NodeSet) Holes(n Node) iter.Seq[Node] {
	return Subtree(n).WithoutComments().Subtract(NodeSet{doc: s.doc, runs: s.runs}).Tops()
}
