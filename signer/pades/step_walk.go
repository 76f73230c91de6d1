package pades

import (
	"slices"

	"qaqpa/signer/pdf"
)

// walk goes from the trailer along all paths on which something may change.
func (s *step) walk() {
	was, is := s.old.Trailer(), s.new.Trailer()
	if key := doubled(is); key != "" { // two catalogs, of which each program takes its own
		s.change(ChangeOther, "", "the trailer has the key %s twice", text([]byte(key)))
	}
	value := func(key pdf.Name) pair { return pair{old: was.Get(key), new: is.Get(key)} }
	if root := value("Root"); !pdf.Equal(root.old, root.new) {
		s.change(ChangeOther, "", "the document has another catalog")
		return
	}
	encrypt := value("Encrypt")
	if !pdf.Equal(encrypt.old, encrypt.new) || encrypt.new != nil && !pdf.Equal(s.fileID(s.old), s.fileID(s.new)) {
		s.change(ChangeOther, "", "the encryption was changed")
	}
	pdf.References(encrypt.new, func(r pdf.Ref) { s.fixed[[2]int{0, r.Number}] = true })
	s.info(value("Info"))
	s.catalog(s.follow(value("Root")))
	for _, p := range s.pages {
		s.annotations(p)
	}
}

// fileID is the part of the identifier that stays (ISO 32000-1 14.4); the key of an encrypted document is made from it.
func (s *step) fileID(v pdf.View) pdf.Object {
	if id := v.Array(v.Trailer().Get("ID")); len(id) > 0 {
		return v.Resolve(id[0])
	}
	return nil
}

// info is the document information dictionary. Programs that add evidence write when, and their own name.
func (s *step) info(p pair) {
	p = s.follow(p)
	was, _ := p.old.(*pdf.Dict)
	is, _ := p.new.(*pdf.Dict)
	for _, key := range union(was, is) {
		if s.sweep(pair{was.Get(key), is.Get(key), p.holder}) && key != "ModDate" && key != "Producer" {
			s.change(ChangeMetadata, "", "document information: %s", text([]byte(key)))
		}
	}
}

func (s *step) catalog(p pair) {
	catalog, _ := p.new.(*pdf.Dict)
	before, _ := p.old.(*pdf.Dict)
	// First, so that no sweep enters a page.
	s.tree(pair{before.Get("Pages"), catalog.Get("Pages"), p.holder}, 0)
	s.dicts(p, "the catalog", map[pdf.Name]rule{
		"Pages": func(pair) {}, "AcroForm": s.form, "DSS": s.store, "Extensions": s.store, "Metadata": s.metadata, "Perms": s.perms,
		"StructTreeRoot": s.structure, "Version": s.version,
	})
}

// store is evidence: the document security store, and the developer extensions that announce it.
func (s *step) store(p pair) {
	if s.sweep(p) {
		s.change(ChangeEvidence, "", "evidence for validation was added or replaced")
	}
}

func (s *step) metadata(p pair) {
	if s.sweep(p) {
		s.change(ChangeMetadata, "", "the metadata were replaced")
	}
}

// version may be raised: it says which features follow.
func (s *step) version(p pair) {
	was, _ := p.old.(pdf.Name)
	is, ok := p.new.(pdf.Name)
	if !pdf.Equal(p.old, p.new) && (!ok || len(is) != 3 || is < was) {
		s.change(ChangeOther, "", "the version of the document was changed")
	}
}

// perms names the certification. It may come with its signature; whoever takes it away or exchanges it takes away what
// it forbids.
func (s *step) perms(p pair) {
	p = s.follow(p)
	if p.old == nil {
		p.old = pdf.NewDict(nil)
	}
	s.dicts(p, "the permissions", map[pdf.Name]rule{"DocMDP": func(v pair) {
		if v.old != nil && s.sweep(v) {
			s.change(ChangeOther, "", "the certification was exchanged")
		}
		s.sweep(v)
	}})
}

// structure is the tree of logical structure: what is there stays as it is, new leaves may be added.
func (s *step) structure(p pair) {
	if p.old == nil || p.new == nil {
		s.change(ChangeOther, "", "the logical structure was added or removed")
		return
	}
	s.branch(p, 0)
}

func (s *step) branch(p pair, depth int) {
	if ref, ok := p.new.(pdf.Ref); ok {
		if s.branches[ref.Number] || depth > sweepDepthMax {
			return
		}
		s.branches[ref.Number] = true
	}
	p = s.follow(p)
	switch is := p.new.(type) {
	case pdf.Array:
		s.leaves(p, is, depth)
	case *pdf.Dict:
		if s.nodes[p.holder] {
			return // an object reference to a page
		}
		deeper := func(v pair) { s.branch(v, depth+1) }
		s.dicts(p, "the logical structure", map[pdf.Name]rule{
			"K": deeper, "ParentTree": s.lookup, "IDTree": s.lookup, "ParentTreeNextKey": func(pair) {}, "P": func(pair) {},
			"Pg": func(pair) {}, "Obj": func(pair) {},
		})
	default:
		if !pdf.Equal(p.old, p.new) {
			s.change(ChangeStructure, "", "logical structure was added")
		}
	}
}

// lookup is a tree that finds the structure of marked content: programs write it anew.
func (s *step) lookup(p pair) {
	if s.sweep(p) {
		s.change(ChangeStructure, "", "logical structure was added")
	}
}

// leaves compares the lists of the structure: entries may be added.
func (s *step) leaves(p pair, is pdf.Array, depth int) {
	was, wasList := p.old.(pdf.Array)
	if !wasList && p.old != nil {
		was = pdf.Array{p.old} // one child needs no list
	}
	added := 0
	for i, o := range is {
		if i < len(was) && (pdf.Equal(was[i], o) || isArray(was[i]) && isArray(o)) {
			s.branch(pair{was[i], o, p.holder}, depth+1)
			continue
		}
		s.sweep(pair{nil, o, p.holder})
		s.change(ChangeStructure, "", "logical structure was added")
		added++
	}
	if len(is)-added == len(was) {
		return
	}
	for _, o := range was {
		if !slices.ContainsFunc(is, func(b pdf.Object) bool { return pdf.Equal(b, o) }) {
			s.change(ChangeOther, "", "logical structure was removed")
			return
		}
	}
}

func isArray(o pdf.Object) bool {
	_, ok := o.(pdf.Array)
	return ok
}

// tree walks the tree of pages. Nodes stay as they are; of a page the annotations may change.
func (s *step) tree(p pair, depth int) {
	if depth > pageDepthMax {
		s.change(ChangeOther, "", "the tree of pages is too deep")
		return
	}
	if ref, ok := p.new.(pdf.Ref); ok {
		if s.nodes[ref.Number] {
			return
		}
		s.nodes[ref.Number] = true
	}
	p = s.follow(p)
	was, _ := p.old.(*pdf.Dict)
	is, _ := p.new.(*pdf.Dict)
	if is.Has("Kids") || was.Has("Kids") {
		s.dicts(p, "the tree of pages", map[pdf.Name]rule{"Kids": func(v pair) { s.kids(v, depth) }})
		return
	}
	s.dicts(p, "a page", map[pdf.Name]rule{
		"Annots": func(v pair) { s.pages = append(s.pages, v) },
		// Set by programs that add fields: the order in which the keyboard visits them, and a key of the logical structure.
		"Tabs": func(pair) {}, "StructParents": func(pair) {},
	})
}

const pageDepthMax = 64

func (s *step) kids(p pair, depth int) {
	p = s.follow(p)
	before, _ := p.old.(pdf.Array)
	after, ok := p.new.(pdf.Array)
	if !pdf.Equal(before, after) || !ok {
		s.change(ChangeOther, "", "pages were added, removed or moved")
		return
	}
	for i := range after {
		s.tree(pair{before[i], after[i], p.holder}, depth+1)
	}
}

// annotations of a page: those of fields are known by now; others are marks of a reader. Their order is what lies on what.
func (s *step) annotations(p pair) {
	p = s.follow(p)
	was, _ := p.old.(pdf.Array)
	is, isList := p.new.(pdf.Array)
	if !isList && p.new != nil {
		s.change(ChangeOther, "", "the annotations of a page are no list")
		return
	}
	left := map[int][]int{} // where references stood before, by their object
	for i, o := range was {
		if ref, ok := o.(pdf.Ref); ok {
			left[ref.Number] = append(left[ref.Number], i)
		}
	}
	kept, last := 0, -1
	for i, o := range is {
		ref, isRef := o.(pdf.Ref)
		at := -1
		switch known := left[ref.Number]; {
		case isRef && len(known) > 0:
			at, left[ref.Number] = known[0], known[1:]
		case !isRef && i < len(was) && pdf.Equal(was[i], o):
			at = i
		}
		s.annotation(pair{o, o, p.holder}, at >= 0)
		if at < 0 {
			continue
		}
		if kept++; at < last {
			s.change(ChangeAnnotation, "", "annotations were put in another order")
		}
		last = max(last, at)
	}
	if kept < len(was) {
		s.change(ChangeAnnotation, "", "an annotation was removed")
	}
}

// annotation is one of a page; listed tells whether it was there before.
func (s *step) annotation(p pair, listed bool) {
	ref, isRef := p.new.(pdf.Ref)
	switch ofField := isRef && s.fields[ref.Number]; {
	case ofField && listed: // judged with the form
	case ofField && s.old.Get(ref.Number) == nil: // judged when the field was added
	case ofField:
		// A widget that the form had and no page showed is drawn now, or drawn once more.
		widget := s.new.Dict(ref)
		switch {
		case !s.shows(widget):
		case s.new.Name(widget.Get("FT")) == "Sig" || s.new.Name(s.new.Dict(widget.Get("Parent")).Get("FT")) == "Sig":
			s.change(ChangeVisible, "", "a signature, or a field for one, was put on a page")
		default:
			s.change(ChangeAnnotation, "", "the widget of a field was put on a page")
		}
	case listed:
		if s.sweep(p) {
			s.change(ChangeAnnotation, "", "an annotation was changed")
		}
	default:
		p.old = nil
		s.sweep(p)
		s.change(ChangeAnnotation, "", "an annotation was added")
	}
}
