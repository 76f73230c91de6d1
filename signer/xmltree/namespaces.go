package xmltree

import "strings"

// declare brings the declarations among p.attrs into force and returns the scope of the element.
func (p *parser) declare(top *opened, outer int32) (int32, error) {
	top.own = int32(len(p.doc.decls)) //nolint:gosec // G115: fewer than octets of input
	for i := range p.attrs {
		a := &p.attrs[i]
		if !isDeclaration(a.qname) {
			continue
		}
		prefix := strings.TrimPrefix(strings.TrimPrefix(a.qname, "xmlns"), ":")
		if detail := wrongDeclaration(a.qname, prefix, a.value); detail != "" {
			return 0, p.failAt(int(a.from), ErrSyntax, "%s", detail)
		}
		id := p.prefix(prefix)
		for _, d := range p.doc.decls[top.own:] {
			if d.prefix == id {
				return 0, p.failAt(int(a.from), ErrSyntax, "attribute %s stands twice", a.qname)
			}
		}
		p.doc.decls = append(p.doc.decls, declaration{prefix: id, element: top.element, from: a.from, to: a.to, space: a.value})
	}
	last := int32(len(p.doc.decls)) //nolint:gosec // G115: fewer than octets of input
	if last == top.own {
		return outer, nil
	}
	plain := p.doc.scopes[outer].plain
	for _, d := range p.doc.decls[top.own:] {
		top.hidden = append(top.hidden, p.bound[d.prefix])
		plain = plain && p.bound[d.prefix] == none && d.space != ""
	}
	for i := top.own; i < last; i++ {
		p.bound[p.doc.decls[i].prefix] = i
	}
	p.doc.scopes = append(p.doc.scopes, scope{outer: outer, first: top.own, last: last, plain: plain})
	inner := int32(len(p.doc.scopes) - 1) //nolint:gosec // G115: fewer than octets of input
	if p.inForce(inner) > p.lim.Namespaces {
		return 0, p.failAt(p.pos, ErrLimit, "more than %d namespaces in force", p.lim.Namespaces)
	}
	return inner, nil
}

// inForce counts the declarations of a scope and those around it.
func (p *parser) inForce(in int32) (n int) {
	for in != 0 {
		s := p.doc.scopes[in]
		n += int(s.last - s.first)
		in = s.outer
	}
	return n
}

// wrongDeclaration names what Namespaces in XML 1.0 (2, 3 and 5) forbids of a declaration.
func wrongDeclaration(qname, prefix, space string) string {
	switch {
	case qname == "xmlns:", prefix == "xmlns":
		return "the prefix xmlns cannot be declared"
	case prefix == "xml" && space != SpaceXML:
		return "the prefix xml is bound to another namespace"
	case prefix != "xml" && space == SpaceXML, space == SpaceXMLNS:
		return "a reserved namespace is bound to a prefix"
	case prefix != "" && space == "":
		return "a prefix is undone, which XML 1.0 does not know"
	}
	return ""
}

func (p *parser) prefix(s string) int32 {
	id, ok := p.prefixOf[s]
	if !ok {
		id = int32(len(p.doc.prefixes)) //nolint:gosec // G115: fewer than octets of input
		p.prefixOf[s] = id
		p.doc.prefixes = append(p.doc.prefixes, s)
		p.bound = append(p.bound, none)
	}
	return id
}

func (p *parser) lex(qname string) *lexical {
	l, ok := p.lexical[qname]
	if !ok {
		colon := strings.IndexByte(qname, ':')
		l = &lexical{colon: colon, prefix: p.prefix(qname[:max(colon, 0)]), decl: none - 1, element: none, attr: none}
		p.lexical[qname] = l
	}
	return l
}

// elementName resolves the name of an element by the declarations in force.
func (p *parser) elementName(qname string, at int) (int32, error) {
	l := p.lex(qname)
	decl := p.bound[l.prefix]
	if decl == l.decl && l.element != none {
		return l.element, nil
	}
	space, err := p.spaceOf(l, qname, decl, at)
	if err != nil {
		return 0, err
	}
	p.resolved(l, decl)
	l.element = p.intern(nameFrom(qname, l.colon, space))
	return l.element, nil
}

// attributeName is elementName for attributes: without a prefix they are in no namespace.
func (p *parser) attributeName(qname string, at int) (int32, error) {
	l := p.lex(qname)
	decl := none
	if l.colon >= 0 {
		decl = p.bound[l.prefix]
	}
	if l.attr != none && (l.colon < 0 || decl == l.decl) {
		return l.attr, nil
	}
	space := ""
	if l.colon >= 0 {
		var err error
		if space, err = p.spaceOf(l, qname, decl, at); err != nil {
			return 0, err
		}
		p.resolved(l, decl)
	}
	l.attr = p.intern(nameFrom(qname, l.colon, space))
	return l.attr, nil
}

// resolved forgets what was known under another declaration.
func (*parser) resolved(l *lexical, decl int32) {
	if l.decl == decl {
		return
	}
	l.decl, l.element = decl, none
	if l.colon >= 0 {
		l.attr = none
	}
}

func (p *parser) spaceOf(l *lexical, qname string, decl int32, at int) (string, error) {
	if decl != none {
		return p.doc.decls[decl].space, nil
	}
	if l.colon >= 0 {
		return "", p.failAt(at, ErrSyntax, "the prefix of %s is not declared", qname)
	}
	return "", nil
}

func nameFrom(qname string, colon int, space string) Name {
	if colon < 0 {
		return Name{Space: space, Local: qname}
	}
	return Name{Space: space, Prefix: qname[:colon], Local: qname[colon+1:]}
}

func (p *parser) intern(n Name) int32 {
	id, ok := p.nameOf[n]
	if !ok {
		id = int32(len(p.doc.names)) //nolint:gosec // G115: fewer than octets of input
		p.nameOf[n] = id
		p.doc.names = append(p.doc.names, n)
	}
	return id
}
