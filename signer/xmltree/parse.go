package xmltree

import (
	"fmt"
	"strings"
)

// Parse reads a document. b is copied. UTF-8, UTF-16 with a byte order mark, and the single-octet encodings ISO-8859-1,
// -2, -5, -9, -15, windows-1250, -1251, -1252 and KOI8-R are taken. Errors wrap [ErrSyntax], [ErrLimit], [ErrDoctype] or
// [ErrEncoding] and are of type [PositionError] where a place can be named. Time and memory are linear in len(b).
func Parse(b []byte, lim Limits) (*Document, error) {
	lim = lim.withDefaults()
	text, encoding, err := decode(b, lim)
	if err != nil {
		return nil, err
	}
	p := newParser(text, encoding, lim)
	if err := p.document(); err != nil {
		return nil, err
	}
	return p.doc, nil
}

// parser reads text once, from left to right.
type parser struct {
	doc  *Document
	lim  Limits
	s    string
	pos  int
	open []opened

	attrs    []rawAttribute
	bound    []int32 // by prefix: the declaration in force, or none
	prefixOf map[string]int32
	lexical  map[string]*lexical
	nameOf   map[Name]int32
	pending  pending
}

// opened is an element whose end tag has not come.
type opened struct {
	element int32
	qname   string
	hidden  []int32 // declarations that this element's own hide, in the order of its own
	own     int32   // the first of its own
}

// lexical is what is known of a name as it is written.
type lexical struct {
	prefix  int32
	colon   int   // offset of the colon, -1 without
	decl    int32 // the declaration that element was resolved by
	element int32 // name, or none
	attr    int32
}

func newParser(text, encoding string, lim Limits) *parser {
	d := &Document{text: text, encoding: encoding, ids: map[string]int32{}}
	// A guess that is right for most documents: a node for each tag, and text between.
	guess := min(strings.Count(text, "<")*2+strings.Count(text, "=")+2, lim.Nodes, len(text)+2)
	d.records = make([]record, 0, guess)
	d.prefixes = []string{"", "xml"}
	d.decls = []declaration{{prefix: 1, element: root, from: none, to: none, space: SpaceXML}}
	d.scopes = []scope{{outer: 0, first: 0, last: 1, plain: true}}
	return &parser{
		doc: d, lim: lim, s: text,
		bound:    []int32{none, 0},
		prefixOf: map[string]int32{"": 0, "xml": 1},
		lexical:  map[string]*lexical{},
		nameOf:   map[Name]int32{},
	}
}

func (p *parser) fail(detail string) error { return positionError(p.s, p.pos, ErrSyntax, detail) }

func (p *parser) failAt(pos int, kind error, format string, args ...any) error {
	return positionError(p.s, pos, kind, fmt.Sprintf(format, args...))
}

func (p *parser) document() error {
	if _, err := p.append(record{kind: Root, parent: none, name: none, to: p.offset(len(p.s))}); err != nil {
		return err
	}
	if err := p.declarationOfXML(); err != nil {
		return err
	}
	if err := p.misc(); err != nil {
		return err
	}
	if p.pos == len(p.s) {
		return p.fail("no document element")
	}
	if err := p.startTag(); err != nil {
		return err
	}
	if err := p.content(); err != nil {
		return err
	}
	if err := p.misc(); err != nil {
		return err
	}
	if p.pos < len(p.s) {
		return p.fail("markup behind the document element")
	}
	p.doc.records[root].next = int32(len(p.doc.records)) //nolint:gosec // G115: bounded by maxNodes
	p.doc.bare = subtractRuns([]run{{root, p.doc.records[root].next}}, p.doc.commentRuns())
	return nil
}

// misc reads white space, comments and instructions outside the document element, up to other markup or the end.
func (p *parser) misc() error {
	for {
		p.skipSpace()
		rest := p.s[p.pos:]
		switch {
		case rest == "":
			return nil
		case strings.HasPrefix(rest, "<!--"):
			if err := p.comment(root); err != nil {
				return err
			}
		case strings.HasPrefix(rest, "<?"):
			if err := p.instruction(root); err != nil {
				return err
			}
		case strings.HasPrefix(rest, "<!DOCTYPE"):
			return positionError(p.s, p.pos, ErrDoctype, "document type declaration")
		case rest[0] == '<' && !strings.HasPrefix(rest, "</") && !strings.HasPrefix(rest, "<!"):
			return nil
		default:
			return p.fail("text or markup outside the document element")
		}
	}
}

// content reads until the document element is closed.
func (p *parser) content() error {
	for len(p.open) > 0 {
		if p.pos == len(p.s) {
			return p.fail("element " + p.open[len(p.open)-1].qname + " is not closed")
		}
		if p.s[p.pos] != '<' {
			if err := p.characters(); err != nil {
				return err
			}
			continue
		}
		if err := p.markup(); err != nil {
			return err
		}
	}
	return nil
}

func (p *parser) markup() error {
	rest := p.s[p.pos:]
	if strings.HasPrefix(rest, "<![CDATA[") {
		return p.cdata()
	}
	if err := p.flushText(); err != nil {
		return err
	}
	parent := p.open[len(p.open)-1].element
	switch {
	case strings.HasPrefix(rest, "</"):
		return p.endTag()
	case strings.HasPrefix(rest, "<!--"):
		return p.comment(parent)
	case strings.HasPrefix(rest, "<?"):
		return p.instruction(parent)
	case strings.HasPrefix(rest, "<!DOCTYPE"):
		return positionError(p.s, p.pos, ErrDoctype, "document type declaration")
	case strings.HasPrefix(rest, "<!"):
		return p.fail("declaration in content")
	}
	return p.startTag()
}

// append adds a node, whose next is set to stand behind it.
func (p *parser) append(r record) (int32, error) {
	if len(p.doc.records) >= p.lim.Nodes {
		return 0, p.failAt(p.pos, ErrLimit, "more than %d nodes", p.lim.Nodes)
	}
	at := int32(len(p.doc.records)) //nolint:gosec // G115: bounded by maxNodes
	r.next = at + 1
	p.doc.records = append(p.doc.records, r)
	return at, nil
}

// offset is a place in text, which is at most maxBytes long.
func (*parser) offset(i int) int32 { return int32(i) } //nolint:gosec // G115: bounded by maxBytes

func (p *parser) skipSpace() bool {
	start := p.pos
	for p.pos < len(p.s) && isSpace(p.s[p.pos]) {
		p.pos++
	}
	return p.pos > start
}

func (p *parser) take(literal string) bool {
	if strings.HasPrefix(p.s[p.pos:], literal) {
		p.pos += len(literal)
		return true
	}
	return false
}
