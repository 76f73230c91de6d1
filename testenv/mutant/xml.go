package mutant

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Node is a part of an XML text: an element, an attribute, a namespace declaration, a run of text, a comment or a processing
// instruction. An element's octets are those of its tags and all between.
type Node struct {
	Kind     string // "element", "attribute", "namespace", "text", "comment" or "instruction"
	Name     string // without prefix
	From, To int
	Parent   *Node
	// ID is the value of an attribute that XML signatures take for an identifier.
	ID string

	children   int
	index      int // among the element's children
	outOfRange bool
}

var (
	xmlAttribute = regexp.MustCompile(`\s+([\w:.-]+)\s*=\s*("[^"]*"|'[^']*')`)
	xmlName      = regexp.MustCompile(`^<([\w:.-]+)`)
)

// scanner walks an XML text.
type scanner struct {
	text []byte
	open *Node
	all  []*Node
}

// XML finds the nodes of a document, in its order, and how many are left out of long lists of elements.
func XML(text []byte) (all []*Node, leftOut int) {
	s := scanner{text: text}
	for at := 0; at < len(text); {
		at = s.next(at)
	}
	for _, n := range s.all {
		p := n.Parent
		n.outOfRange = p != nil && (p.outOfRange || n.Kind != "attribute" && n.Kind != "namespace" && !chosen(n.index, p.children))
		if n.outOfRange {
			leftOut++
		} else {
			all = append(all, n)
		}
	}
	return all, leftOut
}

func (s *scanner) add(n *Node) *Node {
	if n.Parent = s.open; s.open != nil && n.Kind != "attribute" && n.Kind != "namespace" {
		n.index = s.open.children
		s.open.children++
	}
	s.all = append(s.all, n)
	return n
}

func (s *scanner) until(at int, end string) int {
	i := bytes.Index(s.text[at:], []byte(end))
	if i < 0 {
		return len(s.text)
	}
	return at + i + len(end)
}

// next takes what begins at a place, and returns where it ends.
func (s *scanner) next(at int) int {
	rest := s.text[at:]
	switch {
	case rest[0] != '<':
		to := len(s.text)
		if i := bytes.IndexByte(rest, '<'); i >= 0 {
			to = at + i
		}
		if s.open != nil {
			s.add(&Node{Kind: "text", From: at, To: to})
		}
		return to
	case bytes.HasPrefix(rest, []byte("<!--")):
		return s.add(&Node{Kind: "comment", From: at, To: s.until(at, "-->")}).To
	case bytes.HasPrefix(rest, []byte("<![CDATA[")):
		return s.add(&Node{Kind: "text", From: at, To: s.until(at, "]]>")}).To
	case bytes.HasPrefix(rest, []byte("<?")):
		return s.add(&Node{Kind: "instruction", From: at, To: s.until(at, "?>")}).To
	case bytes.HasPrefix(rest, []byte("</")):
		to := s.until(at, ">")
		if s.open != nil {
			s.open.To = to
			s.open = s.open.Parent
		}
		return to
	}
	return s.tag(at)
}

// tag takes a start tag apart.
func (s *scanner) tag(at int) int {
	end, quote := at, byte(0)
	for ; end < len(s.text); end++ {
		if c := s.text[end]; quote != 0 {
			if c == quote {
				quote = 0
			}
		} else if c == '"' || c == '\'' {
			quote = c
		} else if c == '>' {
			break
		}
	}
	end = min(end+1, len(s.text))
	m := xmlName.FindSubmatch(s.text[at:end])
	if m == nil {
		return end
	}
	e := s.add(&Node{Kind: "element", Name: local(string(m[1])), From: at, To: end})
	was := s.open
	s.open = e
	for _, a := range xmlAttribute.FindAllSubmatchIndex(s.text[at:end], -1) {
		full := string(s.text[at+a[2] : at+a[3]])
		n := &Node{Kind: "attribute", Name: local(full), From: at + a[0], To: at + a[1]}
		if full == "xmlns" || strings.HasPrefix(full, "xmlns:") {
			n.Kind = "namespace"
		} else if slices.Contains([]string{"Id", "ID", "id"}, full) {
			e.ID = string(s.text[at+a[4]+1 : at+a[5]-1])
		}
		s.add(n)
	}
	if s.text[end-2] == '/' {
		s.open = was
	}
	return end
}

func local(name string) string { return name[strings.LastIndexByte(name, ':')+1:] }

// Changes are what is done to one node of a text: removed, doubled, and a letter or digit of it changed into another.
func (n *Node) Changes(text []byte, try Try) {
	try("removed", func() []byte { return splice(text, n.From, n.To, nil) })
	try("doubled", func() []byte { return splice(text, n.To, n.To, text[n.From:n.To]) })
	if n.Kind == "element" {
		return
	}
	from := n.From
	if n.Kind == "attribute" || n.Kind == "namespace" {
		from += bytes.IndexAny(text[n.From:n.To], `"'`) + 1
	}
	for _, at := range slices.Compact([]int{from, (from + n.To) / 2, n.To - 1}) {
		for at > from && !alphanumeric(text[at]) {
			at--
		}
		if !alphanumeric(text[at]) {
			continue
		}
		try(fmt.Sprintf("letter %d of %d", at-n.From, n.To-n.From), func() []byte {
			changed := bytes.Clone(text)
			changed[at] = another(text[at])
			return changed
		})
	}
}

// Up lists a node and what it lies in, from the inside out.
func (n *Node) Up() (out []*Node) {
	for ; n != nil; n = n.Parent {
		out = append(out, n)
	}
	return out
}

// Path names what a node lies in.
func (n *Node) Path() (out string) {
	for _, p := range n.Up() {
		out = "/" + p.Name + out
	}
	return out
}
