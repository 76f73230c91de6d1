package xmltree

import (
	"slices"
	"strings"
)

// declarationOfXML reads <?xml version encoding standalone ?>, which only the very beginning may hold (XML 1.0 2.8).
func (p *parser) declarationOfXML() error {
	if !strings.HasPrefix(p.s, "<?xml") || len(p.s) == 5 || !isSpace(p.s[5]) {
		return nil
	}
	p.pos = 5
	version, ok, err := p.pseudoAttribute("version")
	if err != nil {
		return err
	}
	if !ok {
		return p.fail("XML declaration without version")
	}
	if version != "1.0" {
		return p.fail("XML version " + version)
	}
	encoding, ok, err := p.pseudoAttribute("encoding")
	if err != nil {
		return err
	}
	if ok && !agrees(encoding, p.doc.encoding) {
		return p.failAt(p.pos, ErrEncoding, "declared %s, found %s", encoding, p.doc.encoding)
	}
	standalone, ok, err := p.pseudoAttribute("standalone")
	if err != nil {
		return err
	}
	if ok && standalone != "yes" && standalone != "no" {
		return p.fail("standalone is neither yes nor no")
	}
	p.skipSpace()
	if !p.take("?>") {
		return p.fail("XML declaration is not closed")
	}
	return nil
}

// pseudoAttribute reads one part of the XML declaration if it is the next.
func (p *parser) pseudoAttribute(name string) (value string, ok bool, err error) {
	start := p.pos
	if !p.skipSpace() || !p.take(name) {
		p.pos = start
		return "", false, nil
	}
	p.skipSpace()
	if !p.take("=") {
		return "", false, p.fail("= is due")
	}
	p.skipSpace()
	value, err = p.quoted()
	if err == nil && strings.ContainsAny(value, "<&\r\n") {
		err = p.fail("wrong value of " + name)
	}
	return value, true, err
}

// quoted reads a string in quotes, without decoding it.
func (p *parser) quoted() (string, error) {
	if p.pos == len(p.s) || p.s[p.pos] != '"' && p.s[p.pos] != '\'' {
		return "", p.fail("a quotation mark is due")
	}
	n := strings.IndexByte(p.s[p.pos+1:], p.s[p.pos])
	if n < 0 {
		return "", p.fail("value is not closed")
	}
	value := p.s[p.pos+1 : p.pos+1+n]
	p.pos += n + 2
	return value, nil
}

// comment reads <!-- … -->, in which "--" must not stand (XML 1.0 2.5).
func (p *parser) comment(parent int32) error {
	start := p.pos
	inside := p.s[p.pos+len("<!--"):]
	n := strings.Index(inside, "--")
	if n < 0 {
		return p.fail("comment is not closed")
	}
	if !strings.HasPrefix(inside[n:], "-->") {
		p.pos += len("<!--") + n
		return p.fail("-- inside a comment")
	}
	p.pos += len("<!--") + n + len("-->")
	at, err := p.append(record{kind: Comment, parent: parent, name: none, from: p.offset(start), to: p.offset(p.pos), value: lines(inside[:n])})
	if err == nil {
		p.doc.comments = append(p.doc.comments, at)
	}
	return err
}

// instruction reads <?target data?>; "xml" in any case is reserved (XML 1.0 2.6).
func (p *parser) instruction(parent int32) error {
	start := p.pos
	inside := p.s[p.pos+len("<?"):]
	n := strings.Index(inside, "?>")
	if n < 0 {
		return p.fail("instruction is not closed")
	}
	inside = inside[:n]
	end := nameEnd(inside, 0)
	target := inside[:end]
	switch {
	case !IsNCName(target):
		return p.fail("instruction without a name")
	case strings.EqualFold(target, "xml"):
		return p.fail("XML declaration not at the beginning, or a reserved name")
	case end < len(inside) && !isSpace(inside[end]):
		return p.fail("wrong name of an instruction")
	}
	p.pos += len("<?") + n + len("?>")
	name := p.intern(Name{Local: target})
	data := lines(strings.TrimLeft(inside[end:], " \t\r\n"))
	_, err := p.append(record{kind: Instruction, parent: parent, name: name, from: p.offset(start), to: p.offset(p.pos), value: data})
	return err
}

// lines replaces the ends of lines by \n (XML 1.0 2.11).
func lines(s string) string {
	if strings.IndexByte(s, '\r') < 0 {
		return s
	}
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
}

func (p *parser) endTag() error {
	top := &p.open[len(p.open)-1]
	start := p.pos
	p.pos += len("</")
	if !p.take(top.qname) {
		return p.failAt(start, ErrSyntax, "end tag of %s is due", top.qname)
	}
	p.skipSpace()
	if !p.take(">") {
		return p.failAt(start, ErrSyntax, "end tag of %s is due", top.qname)
	}
	p.close()
	return nil
}

// close ends the innermost element at the present position and brings back the declarations that it hid.
func (p *parser) close() {
	top := p.open[len(p.open)-1]
	for i, v := range slices.Backward(top.hidden) {
		p.bound[p.doc.decls[int(top.own)+i].prefix] = v
	}
	r := &p.doc.records[top.element]
	r.next = int32(len(p.doc.records)) //nolint:gosec // G115: bounded by maxNodes
	r.to = p.offset(p.pos)
	p.open = p.open[:len(p.open)-1]
}
