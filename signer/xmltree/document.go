package xmltree

import "slices"

// SpaceXML is the namespace of the prefix xml, which is bound everywhere.
const SpaceXML = "http://www.w3.org/XML/1998/namespace"

// SpaceXMLNS is the namespace that declarations of namespaces belong to.
const SpaceXMLNS = "http://www.w3.org/2000/xmlns/"

// SpaceWSU is the namespace of wsu:Id (WS-Security utility, 2004).
const SpaceWSU = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"

// Document is one parsed XML document. It is immutable and safe to share.
type Document struct {
	text     string
	encoding string
	records  []record // in document order; the first is the root
	names    []Name
	decls    []declaration // the first is that of xml
	scopes   []scope       // the first holds xml alone
	prefixes []string
	ids      map[string]int32 // element, or ambiguous
	doubles  []string
	comments []int32
	bare     []run // everything but comments
}

// record is one node of the tree. 48 octets: a document of a million nodes takes 48 MB.
type record struct {
	kind   Kind
	attrs  uint16 // attributes of an element, which follow it
	parent int32
	next   int32  // the first node behind this one and all inside it
	name   int32  // of elements, attributes and instructions
	scope  int32  // of elements: the declarations in force
	from   int32  // octets in text
	to     int32  // behind the last
	value  string // of attributes, text, comments and instructions, decoded
}

// declaration binds a prefix, or the default namespace, at an element.
type declaration struct {
	prefix  int32 // index of prefixes; 0 is the default namespace
	element int32
	from    int32
	to      int32
	space   string // empty where the default namespace is undone
}

// scope is a set of declarations in force: those of one element upon those of an outer scope.
type scope struct {
	outer int32 // itself for the first
	first int32 // index of decls
	last  int32 // behind the last
	plain bool  // no declaration in it hides or undoes another
}

// Name is an expanded name with the prefix that it was written with.
type Name struct{ Space, Prefix, Local string }

// String is the name as it was written.
func (n Name) String() string {
	if n.Prefix == "" {
		return n.Local
	}
	return n.Prefix + ":" + n.Local
}

const (
	none      = int32(-1)
	ambiguous = int32(-2)
	root      = int32(0)
)

// Root is the root node, the parent of the document element.
func (d *Document) Root() Node { return Node{doc: d} }

// Element is the document element.
func (d *Document) Element() Node {
	for n := range d.Root().Elements() {
		return n
	}
	return Node{}
}

// Text is the document as UTF-8, which positions refer to: the input without its byte order mark, transcoded where it
// was in another encoding.
func (d *Document) Text() string { return d.text }

// Encoding is the encoding of the input: "UTF-8", "UTF-16", or the name of a single-octet one in lower case.
func (d *Document) Encoding() string { return d.encoding }

// Len is the number of nodes, namespace nodes not counted.
func (d *Document) Len() int { return len(d.records) }

// ByID is the element that bears an identifier. Errors: [ErrNoID], [ErrDuplicateID].
func (d *Document) ByID(id string) (Node, error) {
	at, ok := d.ids[id]
	switch {
	case !ok || id == "":
		return Node{}, ErrNoID
	case at == ambiguous:
		return Node{}, ErrDuplicateID
	}
	return Node{doc: d, index: at}, nil
}

// DuplicateIDs are the identifiers that more than one element bears, in the order of their second appearance.
func (d *Document) DuplicateIDs() []string { return append([]string(nil), d.doubles...) }

// IsID tells whether an attribute of this name is an identifier.
func IsID(n Name) bool {
	switch n.Space {
	case "":
		return len(n.Local) == 2 && n.Local[0]|0x20 == 'i' && n.Local[1]|0x20 == 'd'
	case SpaceXML:
		return n.Local == "id"
	case SpaceWSU:
		return n.Local == "Id"
	}
	return false
}

// inForce calls yield for each namespace in force in a scope, once a prefix, innermost declarations first.
func (d *Document) inForce(in int32, yield func(decl int32) bool) {
	var seen []int32
	plain := d.scopes[in].plain
	for {
		s := d.scopes[in]
		for i := s.first; i < s.last; i++ {
			if !plain && (d.shadowed(&seen, d.decls[i].prefix) || d.decls[i].space == "") {
				continue
			}
			if !yield(i) {
				return
			}
		}
		if s.outer == in {
			return
		}
		in = s.outer
	}
}

func (*Document) shadowed(seen *[]int32, prefix int32) bool {
	if slices.Contains(*seen, prefix) {
		return true
	}
	*seen = append(*seen, prefix)
	return false
}
