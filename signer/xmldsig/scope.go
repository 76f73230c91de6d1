package xmldsig

import (
	"fmt"
	"strings"

	"qaqpa/signer/xmltree"
)

// Coverage is how much of the document a reference covers.
type Coverage uint8

// Coverages.
const (
	Nothing  Coverage = iota // an empty set of nodes, or a reference that could not be followed
	Full                     // the whole document, signatures and comments aside
	Partial                  // some of it, or some of content outside of it
	Detached                 // content outside the document
)

// String names the coverage as reports do.
func (c Coverage) String() string {
	switch c {
	case Nothing:
		return "NOTHING"
	case Full:
		return "FULL"
	case Partial:
		return "PARTIAL"
	case Detached:
		return "DETACHED"
	}
	return "UNKNOWN"
}

// Part is a node and what lies in it.
type Part struct {
	Node xmltree.Node
	ID   string // identifier of the element, "" when it has none
}

// Path is the place of the node, such as /soap:Envelope/soap:Body. It is worked out when asked for.
func (p Part) Path() string { return p.Node.Path() }

// Scope names what a reference covers. It says nothing of whether the digest agrees.
type Scope struct {
	Coverage Coverage
	URI      string
	Parts    []Part // the outermost nodes covered
	Holes    []Part // the outermost nodes inside Parts that are not covered, such as the signature itself
	Cut      bool   // there are more parts or holes than maxParts
	Derived  bool   // not the nodes themselves but something made of them is signed, such as what their base64 decodes to
	// Outside tells that the content lies outside the document; Coverage is then Detached, or Partial where an expression chose from it.
	Outside bool
	// Comments tells whether comments of the document are covered.
	Comments bool
}

// maxParts bounds the lists of one scope.
const maxParts = 32

// String is one line for people.
func (s Scope) String() string {
	var b strings.Builder
	b.WriteString(s.Coverage.String())
	if s.Outside {
		fmt.Fprintf(&b, " %q", s.URI)
	}
	list := func(what string, parts []Part) {
		for i, p := range parts {
			if i == 0 {
				b.WriteString(what)
			} else {
				b.WriteString(", ")
			}
			b.WriteString(p.Path())
			if p.ID != "" {
				fmt.Fprintf(&b, " (id %s)", p.ID)
			}
		}
	}
	list(" ", s.Parts)
	list(" without ", s.Holes)
	if s.Cut {
		b.WriteString(" and more")
	}
	if s.Derived {
		b.WriteString(", decoded")
	}
	return b.String()
}

func partOf(n xmltree.Node) Part {
	p := Part{Node: n}
	if n.Kind() == xmltree.Element {
		p.ID = n.ID()
	}
	return p
}

// scope looks at the nodes that were digested.
func (o *Outcome) scope() Scope {
	s := Scope{URI: o.Reference.URI}
	set := o.data.covered
	if set.Empty() {
		switch s.Outside = o.data.beyond; {
		case !s.Outside:
		case !o.data.part:
			s.Coverage = Detached
		case !o.data.isNodes || !o.data.nodes.Empty():
			s.Coverage = Partial
		}
		return s
	}
	s.Coverage, s.Derived = Partial, !o.data.whole
	full := !s.Derived && !set.Listed()
	for n := range set.Tops() {
		if len(s.Parts) == maxParts {
			s.Cut, full = true, false
			break
		}
		s.Parts = append(s.Parts, partOf(n))
		for h := range set.Holes(n) {
			full = full && h.Is(Space, "Signature")
			if len(s.Holes) == maxParts {
				s.Cut = true
				break
			}
			s.Holes = append(s.Holes, partOf(h))
		}
	}
	if full && coversTop(set) {
		s.Coverage = Full
	}
	s.Comments = o.data.form != nil && o.data.form.Comments && set.HasComments()
	return s
}

// coversTop tells whether the document element and the instructions beside it are in the set: nothing outside can then
// change what a reader sees.
func coversTop(set xmltree.NodeSet) bool {
	for n := range set.Document().Root().Children() {
		if n.Kind() != xmltree.Comment && !set.Has(n) {
			return false
		}
	}
	return true
}
