package report

import (
	"bytes"
	"encoding/xml"
	"strings"
	"unicode/utf8"
)

// element is an XML element that is being written: a name with its prefix, attributes in pairs, and text or children.
type element struct {
	name       string
	attributes []string // name, value, name, value
	text       string
	children   []*element
}

func el(name string, children ...*element) *element {
	e := &element{name: name}
	return e.add(children...)
}

func leaf(name, text string) *element { return &element{name: name, text: text} }

// with adds an attribute.
func (e *element) with(name, value string) *element {
	e.attributes = append(e.attributes, name, value)
	return e
}

// add appends children; nil ones, which stand for what is absent, are left out.
func (e *element) add(children ...*element) *element {
	for _, c := range children {
		if c != nil {
			e.children = append(e.children, c)
		}
	}
	return e
}

// write appends the element. Text that XML 1.0 cannot hold is replaced by U+FFFD, so that whatever a certificate says the
// report stays well-formed.
func (e *element) write(b *bytes.Buffer) {
	b.WriteByte('<')
	b.WriteString(e.name)
	for i := 0; i < len(e.attributes); i += 2 {
		b.WriteByte(' ')
		b.WriteString(e.attributes[i])
		b.WriteString(`="`)
		escape(b, e.attributes[i+1])
		b.WriteByte('"')
	}
	if e.text == "" && len(e.children) == 0 {
		b.WriteString("/>")
		return
	}
	b.WriteByte('>')
	escape(b, e.text)
	for _, c := range e.children {
		c.write(b)
	}
	b.WriteString("</")
	b.WriteString(e.name)
	b.WriteByte('>')
}

// escape never fails: a buffer takes everything.
func escape(b *bytes.Buffer, text string) {
	if !utf8.ValidString(text) {
		text = strings.ToValidUTF8(text, "�")
	}
	_ = xml.EscapeText(b, []byte(text))
}
