package xmltree

import "strings"

// rawAttribute is an attribute before its prefix is resolved.
type rawAttribute struct {
	qname    string
	value    string
	from, to int32
}

// startTag reads a start tag or an empty-element tag and adds the element with its attributes.
func (p *parser) startTag() error {
	if len(p.open) >= p.lim.Depth {
		return p.failAt(p.pos, ErrLimit, "more than %d levels", p.lim.Depth)
	}
	start := p.pos
	p.pos++
	qname, err := p.qname()
	if err != nil {
		return err
	}
	empty, err := p.attributes()
	if err != nil {
		return err
	}
	parent := root
	outer := int32(0)
	if len(p.open) > 0 {
		parent = p.open[len(p.open)-1].element
		outer = p.doc.records[parent].scope
	}
	at := int32(len(p.doc.records)) //nolint:gosec // G115: bounded by maxNodes
	top := opened{element: at, qname: qname}
	inner, err := p.declare(&top, outer)
	if err != nil {
		return err
	}
	name, err := p.elementName(qname, start)
	if err != nil {
		return err
	}
	r := record{kind: Element, parent: parent, name: name, scope: inner, from: p.offset(start), to: p.offset(p.pos)}
	if _, err := p.append(r); err != nil {
		return err
	}
	p.open = append(p.open, top)
	if err := p.addAttributes(at); err != nil {
		return err
	}
	if empty {
		p.close()
	}
	return nil
}

// qname reads a name with at most one colon.
func (p *parser) qname() (string, error) {
	start := p.pos
	end := nameEnd(p.s, start)
	if end > start && end < len(p.s) && p.s[end] == ':' {
		local := nameEnd(p.s, end+1)
		if local == end+1 {
			return "", p.fail("prefix without a name")
		}
		end = local
	}
	if end == start {
		return "", p.fail("a name is due")
	}
	if end-start > maxName {
		return "", p.failAt(start, ErrLimit, "name of more than %d octets", maxName)
	}
	p.pos = end
	return p.s[start:end], nil
}

// attributes reads up to the end of the tag into p.attrs.
func (p *parser) attributes() (empty bool, err error) {
	p.attrs = p.attrs[:0]
	for {
		spaced := p.skipSpace()
		switch {
		case p.take(">"):
			return false, nil
		case p.take("/>"):
			return true, nil
		case p.pos == len(p.s):
			return false, p.fail("tag is not closed")
		case !spaced:
			return false, p.fail("space is due between attributes")
		case len(p.attrs) == p.lim.Attributes:
			return false, p.failAt(p.pos, ErrLimit, "more than %d attributes", p.lim.Attributes)
		}
		a := rawAttribute{from: p.offset(p.pos)}
		if a.qname, err = p.qname(); err != nil {
			return false, err
		}
		p.skipSpace()
		if !p.take("=") {
			return false, p.fail("= is due")
		}
		p.skipSpace()
		at := p.pos + 1
		raw, err := p.quoted()
		if err != nil {
			return false, err
		}
		if a.value, err = p.attributeValue(raw, at); err != nil {
			return false, err
		}
		a.to = p.offset(p.pos)
		p.attrs = append(p.attrs, a)
	}
}

// addAttributes adds those that are no declarations, and registers identifiers.
func (p *parser) addAttributes(element int32) error {
	for i := range p.attrs {
		a := &p.attrs[i]
		if isDeclaration(a.qname) {
			continue
		}
		name, err := p.attributeName(a.qname, int(a.from))
		if err != nil {
			return err
		}
		r := record{kind: Attribute, parent: element, name: name, from: a.from, to: a.to, value: a.value}
		if _, err := p.append(r); err != nil {
			return err
		}
		p.doc.records[element].attrs++
		if IsID(p.doc.names[name]) && a.value != "" {
			p.register(a.value, element)
		}
	}
	return p.checkDoubles(element)
}

func (p *parser) register(id string, element int32) {
	switch old, ok := p.doc.ids[id]; {
	case !ok:
		p.doc.ids[id] = element
	case old == ambiguous, old == element:
	default:
		p.doc.ids[id] = ambiguous
		p.doc.doubles = append(p.doc.doubles, id)
	}
}

// checkDoubles refuses two attributes of one expanded name (Namespaces in XML 1.0 6.3): readers differ in which of them
// they take.
func (p *parser) checkDoubles(element int32) error {
	first := int(element) + 1
	list := p.doc.records[first : first+int(p.doc.records[element].attrs)]
	if len(list) < 2 {
		return nil
	}
	if len(list) <= 8 {
		for i := range list {
			for j := range list[:i] {
				if a, b := &p.doc.names[list[i].name], &p.doc.names[list[j].name]; a.Local == b.Local && a.Space == b.Space {
					return p.failAt(int(list[i].from), ErrSyntax, "attribute %s stands twice", a)
				}
			}
		}
		return nil
	}
	seen := make(map[Name]bool, len(list))
	for i := range list {
		n := p.doc.names[list[i].name]
		key := Name{Space: n.Space, Local: n.Local}
		if seen[key] {
			return p.failAt(int(list[i].from), ErrSyntax, "attribute %s stands twice", n)
		}
		seen[key] = true
	}
	return nil
}

func isDeclaration(qname string) bool {
	return strings.HasPrefix(qname, "xmlns") && (len(qname) == len("xmlns") || qname[len("xmlns")] == ':')
}
