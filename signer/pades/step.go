package pades

import (
	"cmp"
	"slices"

	"qaqpa/signer/pdf"
)

// references is who refers to whom in a revision, and how often: object to object, 0 being the trailer. It is kept from one
// revision to the next and changed with it, so that the work grows with the changes and not with the revisions.
type references struct {
	into map[int]map[int]int
}

func newReferences(f *pdf.File, revision int) *references {
	x := &references{into: map[int]map[int]int{}}
	sections := map[int]bool{} // whose dictionaries are trailers
	for _, r := range f.Revisions() {
		for _, number := range r.XRefStreams {
			sections[number] = true
		}
	}
	v := f.At(revision)
	for number := range v.Numbers() {
		if !sections[number] {
			x.add(number, v.Get(number), 1)
		}
	}
	return x
}

// add counts the references of an object, or takes them back.
func (x *references) add(from int, o pdf.Object, n int) {
	pdf.References(o, func(r pdf.Ref) {
		to := x.into[r.Number]
		if to == nil {
			to = map[int]int{}
			x.into[r.Number] = to
		}
		if to[from] += n; to[from] <= 0 {
			delete(to, from)
		}
	})
}

// step compares a revision with the one before it.
//
// The walk goes down all paths on which something may change, by rules for the keys of the objects there: catalog, form,
// fields, pages, annotations, evidence. Then every changed object must be explained: whoever refers to it must be changed or
// added himself (and so explained in turn), or be an object of the walk that refers to it by a key with a rule. A changed
// object that is reached in another way as well, such as the appearance of a field that is also the content of a page, is a
// change of something else.
type step struct {
	file     *pdf.File
	old, new pdf.View
	index    *references
	// changed are the objects with another value than before; true: there was none before.
	changed map[int]bool
	// limited are objects of the walk of which each key was looked at. It does not matter who refers to them.
	limited map[int]bool
	// fixed are the references of limited objects by keys without a rule: they must not lead to changed objects.
	fixed map[[2]int]bool
	// passable are unchanged objects between a key with a rule and a changed object.
	passable map[int]bool
	// clean are objects from which no sweep reaches a changed one.
	clean map[int]bool
	work  int
	// nodes are the objects of the tree of pages, fields those of the form, branches those of the logical structure.
	nodes, fields, branches map[int]bool
	// pages are left to be looked at when the fields are known.
	pages []pair
	// drawn: there were fields that readers may draw themselves, by fonts that these default appearances name.
	drawn   bool
	fonts   map[pdf.Name]bool
	changes []Change
}

func newStep(f *pdf.File, r int, index *references) *step {
	s := &step{
		file: f, old: f.At(r - 1), new: f.At(r), index: index, changed: map[int]bool{}, limited: map[int]bool{0: true},
		fixed: map[[2]int]bool{}, passable: map[int]bool{}, clean: map[int]bool{}, nodes: map[int]bool{}, fields: map[int]bool{},
		branches: map[int]bool{}, fonts: map[pdf.Name]bool{},
	}
	s.gather(f.Revisions()[r])
	return s
}

// gather finds the objects that a revision changed. Object streams and cross-reference streams show nothing, so they are no changes, but
// only while nobody refers to them: a stream that says it is one is drawn all the same where it is the content of a page.
func (s *step) gather(revision pdf.Revision) {
	var containers []int
	for _, number := range revision.Numbers {
		if slices.Contains(revision.XRefStreams, number) {
			continue
		}
		was, is := s.old.Get(number), s.new.Get(number)
		if isContainer(was) && !pdf.Equal(was, is) {
			// Objects that older sections place in it would change with it, named by nobody.
			s.change(ChangeOther, "", "object stream %d was replaced", number)
		}
		if was != nil && is != nil && s.old.Generation(number) != s.new.Generation(number) && len(s.index.into[number]) > 0 {
			// The same octets, but programs that compare generations find nothing there any more.
			s.change(ChangeOther, "", "object %d has another generation than before", number)
		}
		switch {
		case pdf.Equal(was, is):
		case isContainer(is):
			containers = append(containers, number)
		default:
			s.replaced(number, was, is)
		}
	}
	for _, number := range containers {
		if len(s.index.into[number]) > 0 {
			s.replaced(number, s.old.Get(number), s.new.Get(number))
		}
	}
	for _, number := range revision.XRefStreams {
		if len(s.index.into[number]) > 0 {
			s.change(ChangeOther, "", "a cross-reference section has the number of object %d, which is in use", number)
		}
	}
}

// replaced notes that an object has another value than before.
func (s *step) replaced(number int, was, is pdf.Object) {
	s.index.add(number, was, -1)
	s.index.add(number, is, 1)
	s.changed[number] = was == nil
	if key := doubled(is); key != "" {
		// Programs differ in which of the two they take: one would see a place of nothing, another the whole page.
		s.change(ChangeOther, "", "object %d has the key %s twice", number, text([]byte(key)))
	}
}

// doubled is a key that stands twice in one of the dictionaries of an object; empty: none does.
func doubled(o pdf.Object) pdf.Name {
	switch x := o.(type) {
	case pdf.Array:
		for _, e := range x {
			if key := doubled(e); key != "" {
				return key
			}
		}
	case *pdf.Stream:
		return doubled(x.Dict)
	case *pdf.Dict:
		if x != nil && x.Doubled != "" {
			return x.Doubled
		}
		for _, k := range x.Keys() {
			if key := doubled(x.Get(k)); key != "" {
				return key
			}
		}
	}
	return ""
}

func isContainer(o pdf.Object) bool {
	stream, ok := o.(*pdf.Stream)
	return ok && stream.Dict.Get("Type") == pdf.Name("ObjStm")
}

func (s *step) isChanged(number int) bool {
	_, ok := s.changed[number]
	return ok
}

// pair is a value before and after, with the object that holds it after.
type pair struct {
	old, new pdf.Object
	holder   int
}

// follow resolves both values of a pair, on a path that may lead to changes.
func (s *step) follow(p pair) pair {
	if ref, ok := p.new.(pdf.Ref); ok {
		// Readers that compare generations find nothing there.
		if before, ok := p.old.(pdf.Ref); ok && before.Number == ref.Number && before.Generation != ref.Generation {
			s.change(ChangeOther, "", "object %d is referred to by another generation", ref.Number)
		}
		p.holder = ref.Number
		s.passable[ref.Number] = true
	}
	p.old, p.new = s.old.Resolve(p.old), s.new.Resolve(p.new)
	return p
}

// rule judges one key of a dictionary.
type rule func(pair)

// dicts compares two dictionaries key by key: keys with a rule are judged by it, others must stay the same.
func (s *step) dicts(p pair, what string, rules map[pdf.Name]rule) {
	was, ok := p.old.(*pdf.Dict)
	is, also := p.new.(*pdf.Dict)
	if !ok || !also {
		if !pdf.Equal(p.old, p.new) {
			s.change(ChangeOther, "", "%s was replaced", what)
		}
		return
	}
	if is.Doubled != "" && !pdf.Equal(was, is) {
		s.change(ChangeOther, "", "%s has a key twice", what)
	}
	if s.new.Get(p.holder) == pdf.Object(is) {
		s.limited[p.holder] = true
	}
	for _, key := range union(was, is) {
		value := pair{was.Get(key), is.Get(key), p.holder}
		if r := rules[key]; r != nil {
			r(value)
			continue
		}
		if !pdf.Equal(value.old, value.new) {
			s.change(ChangeOther, "", "%s: %s was changed", what, text([]byte(key)))
		}
		pdf.References(value.new, func(r pdf.Ref) { s.fixed[[2]int{p.holder, r.Number}] = true })
	}
}

func union(a, b *pdf.Dict) []pdf.Name {
	keys := append(a.Keys(), b.Keys()...)
	slices.Sort(keys)
	return slices.Compact(keys)
}

// sweep allows all that is reached from a value to change, and tells whether anything did. It does not enter pages and what
// leads back to them: an appearance must not make the content of a page its own.
func (s *step) sweep(p pair) bool {
	w := sweep{step: s, seen: map[int]bool{}}
	w.object(p.new, 0)
	if !w.met {
		for number := range w.seen {
			s.clean[number] = true
		}
	}
	return w.met || !pdf.Equal(p.old, p.new)
}

const (
	sweepDepthMax = 48
	sweepWorkMax  = 1 << 21 // objects that all sweeps of one step may pass
)

// sweep is one traversal. What it passed is clean for others when it met nothing at all: only then is a ring known as a whole.
type sweep struct {
	*step
	seen map[int]bool
	met  bool
}

func (w *sweep) object(o pdf.Object, depth int) {
	switch x := o.(type) {
	case pdf.Ref:
		w.reference(x.Number, depth)
	case pdf.Array:
		for _, e := range x {
			w.object(e, depth)
		}
	case *pdf.Stream:
		w.object(x.Dict, depth)
	case *pdf.Dict:
		for _, key := range x.Keys() {
			if key != "P" && key != "Parent" && key != "Dest" && key != "Pg" {
				w.object(x.Get(key), depth)
			}
		}
	}
}

func (w *sweep) reference(number, depth int) {
	w.met = w.met || w.isChanged(number)
	if w.seen[number] || w.clean[number] || w.nodes[number] || w.limited[number] {
		return
	}
	if w.work++; w.work > sweepWorkMax || depth > sweepDepthMax {
		w.change(ChangeOther, "", "object %d: the document is too complex to compare", number)
		return
	}
	w.seen[number], w.passable[number] = true, true
	w.object(w.new.Get(number), depth+1)
}

// unexplained finds changed objects that somebody refers to for whom the walk found no reason: the content of a page that
// the update replaced, a font, an object that was missing until now and appears (shadow attacks).
func (s *step) unexplained() {
	queue := make([]int, 0, len(s.changed))
	for number := range s.changed {
		if !s.limited[number] {
			queue = append(queue, number)
		}
	}
	slices.Sort(queue)
	queued := map[int]bool{}
	for len(queue) > 0 {
		number := queue[0]
		queue = queue[1:]
		for _, from := range sortedKeys(s.index.into[number]) {
			switch {
			case s.fixed[[2]int{from, number}]:
				s.change(ChangeOther, "", "object %d was changed, which object %d needs as it was", number, from)
			case s.limited[from] || s.isChanged(from):
			case s.passable[from] || s.mentions(from, number):
				if !queued[from] && s.passable[from] {
					queued[from] = true
					queue = append(queue, from)
				}
			default:
				s.change(ChangeOther, "", "object %d was changed, to which object %d refers", number, from)
			}
		}
	}
	for _, fault := range s.file.Faults() {
		if fault.Revision == s.new.Revision() && fault.Code != pdf.FaultTable && fault.Code != pdf.FaultEncrypted {
			s.change(ChangeOther, "", "object %d: %s", fault.Number, fault.Detail)
		}
	}
}

// mentions tells logical structure that names an annotation as its own: it shows nothing of it.
func (s *step) mentions(from, annotation int) bool {
	d, ok := s.new.Get(from).(*pdf.Dict)
	target, also := s.new.Get(annotation).(*pdf.Dict)
	if !ok || !also || !target.Has("Rect") {
		return false
	}
	return s.new.Name(d.Get("Type")) == "OBJR" || d.Has("S") && d.Has("P") && d.Has("K")
}

func sortedKeys(m map[int]int) []int {
	out := make([]int, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// octets finds what stands in the update and belongs to no object that its sections name. Readers that mend files would
// find it.
func (s *step) octets() {
	r := s.file.Revisions()[s.new.Revision()]
	if r.End == 0 || r.From == 0 {
		return
	}
	taken := slices.Clone(r.Sections)
	for _, number := range r.Numbers {
		if from, to, ok := s.new.Octets(number); ok && from >= r.From {
			taken = append(taken, [2]int{from, to})
		}
	}
	slices.SortFunc(taken, func(a, b [2]int) int { return cmp.Compare(a[0], b[0]) })
	at := r.From
	for _, t := range taken {
		if t[0] > at && !empty(s.file.Data()[at:t[0]]) {
			s.change(ChangeOther, "", "octets %d to %d belong to no object", at, t[0])
		}
		at = max(at, t[1])
	}
}

// empty tells white space and comments.
func empty(b []byte) bool {
	comment := false
	for _, c := range b {
		switch {
		case c == '\n' || c == '\r':
			comment = false
		case comment || c == ' ' || c == '\t' || c == '\f' || c == 0:
		case c == '%':
			comment = true
		default:
			return false
		}
	}
	return true
}
