package pdf

import (
	"bytes"
	"cmp"
	"errors"
	"maps"
	"slices"
)

var errChain = errors.New("the chain of cross-reference sections is broken")

// readChain follows startxref and Prev from the newest section to the oldest, and makes revisions of them.
func (f *File) readChain() error {
	start, ok := f.lastStart()
	if !ok {
		return errChain
	}
	var sections []*section // newest first
	seen := map[int]bool{}
	for at := start; ; {
		if seen[at] { // a cycle
			return errChain
		}
		if seen[at] = true; len(seen) > f.limits.Revisions {
			f.budget.spent = true
			return ErrLimit
		}
		s, err := f.readSection(at)
		if err != nil {
			return err
		}
		sections = append(sections, s)
		prev, ok := previous(s)
		if !ok {
			break
		}
		at = prev
	}
	if sections[0].trailer.Get("Root") == nil {
		return errChain
	}
	f.start = sections[0].from
	f.group(sections)
	f.trailing()
	return nil
}

// previous is where the section before stands. Prev 0 is written by programs that mean none.
func previous(s *section) (int, bool) {
	n, ok := Number(s.trailer.Get("Prev"))
	if !ok || n <= 0 {
		return 0, false
	}
	return int(min(n, 1<<40)), true
}

// lastStart is the offset behind the last startxref.
func (f *File) lastStart() (int, bool) {
	at := bytes.LastIndex(f.data, []byte("startxref"))
	if at < 0 {
		return 0, false
	}
	s := scanner{f.data, at + len("startxref")}
	return s.integer()
}

// group makes revisions of sections. A linearized file has two sections for one revision: the first of them is reached
// first and stands first, the second leads on from it and stands at the end (ISO 32000-1 annex F).
func (f *File) group(sections []*section) {
	slices.Reverse(sections) // oldest first
	for i := 0; i < len(sections); i++ {
		own := sections[i : i+1]
		if i == 0 && len(sections) > 1 && sections[1].from < sections[0].from {
			own = sections[:2]
			i = 1
		}
		f.addRevision(own)
	}
	for i := 1; i < len(f.revisions); i++ {
		r, before := &f.revisions[i], f.revisions[i-1]
		r.From = before.End
		if before.End == 0 || r.Sections[0][0] < before.End || r.End != 0 && r.End <= before.End {
			f.faultIn(i, FaultOrder, 0, "the revisions of the file do not follow each other")
		}
	}
}

// addRevision takes the sections of one revision, those that count less first.
func (f *File) addRevision(own []*section) {
	index := len(f.revisions)
	newest := own[len(own)-1]
	r := Revision{Trailer: newest.trailer}
	named := map[int]entry{}
	for _, s := range own {
		r.Sections = append(r.Sections, [2]int{s.from, s.to})
		inner := f.table(s.entries)
		if s.hybrid != nil {
			// Writers of updates copy XRefStm from the trailer before: such a stream repeats what is known.
			stale := index > 0 && s.hybrid.from < f.revisions[index-1].End
			if !stale {
				r.Sections = append(r.Sections, [2]int{s.hybrid.from, s.hybrid.to})
			}
			r.HybridOnly += f.mix(inner, f.table(s.hybrid.entries), stale)
		}
		maps.Copy(named, inner)
		for _, o := range []*section{s, s.hybrid} {
			if o == nil {
				continue
			}
			if o.number != 0 {
				r.XRefStreams = append(r.XRefStreams, o.number)
			}
			for _, fault := range o.faults {
				f.fault(fault.Code, fault.Number, fault.Detail)
			}
		}
	}
	size, _ := newest.trailer.Get("Size").(int64)
	for number, e := range named {
		r.Numbers = append(r.Numbers, number)
		if e.kind != entryFree && int64(number) >= size {
			f.fault(FaultSize, number, "an object has a number beyond the trailer's Size")
		}
		f.addVersion(version{entry: e, number: number, revision: index})
	}
	slices.Sort(r.Numbers)
	last := slices.MaxFunc(own, func(a, b *section) int { return cmp.Compare(a.to, b.to) })
	r.End = f.endBehind(last.to, newest.from)
	if r.End == 0 {
		f.fault(FaultEnd, 0, "a revision has no startxref and %%EOF of its own")
	}
	f.revisions = append(f.revisions, r)
}

func (f *File) addVersion(v version) {
	v.before = -1
	if at, ok := f.latest[v.number]; ok {
		v.before = at
	}
	f.latest[v.number] = len(f.versions)
	f.versions = append(f.versions, v)
}

// table holds the entries of a section by number. The first of doubled ones counts.
func (f *File) table(entries []numbered) map[int]entry {
	out := make(map[int]entry, len(entries))
	for _, e := range entries {
		if old, doubled := out[e.number]; doubled {
			if old != e.entry {
				f.fault(FaultDoubled, e.number, "a cross-reference section names an object twice")
			}
			continue
		}
		out[e.number] = e.entry
	}
	return out
}

// mix adds the entries of the stream of a hybrid section to those of its table, which hides them as free. An object that
// both name must be the same one, or old and new readers see different documents.
func (f *File) mix(table, stream map[int]entry, stale bool) (hidden int) {
	for number, e := range stream {
		if e.kind == entryFree {
			continue
		}
		old, named := table[number]
		switch {
		case !named || old.kind == entryFree:
			table[number] = e
			hidden++
		case old != e && !stale:
			f.fault(FaultHybrid, number, "table and stream of a hybrid section name different objects")
		}
	}
	return hidden
}

// endBehind finds the startxref that belongs to a section and its %%EOF; 0 when they do not follow it. Only white space and
// comments may stand between.
func (f *File) endBehind(at, start int) int {
	s := scanner{f.data, at}
	s.skip()
	if !s.word("startxref") {
		return 0
	}
	n, ok := s.integer()
	s.spaces()
	named := scanner{f.data, min(n, len(f.data))}
	if named.spaces(); !ok || named.at != start || !s.has("%%EOF") {
		return 0
	}
	return s.at + len("%%EOF")
}

// trailing tells octets behind the last revision: readers that mend files look for objects there.
func (f *File) trailing() {
	last := f.revisions[len(f.revisions)-1]
	if last.End == 0 {
		return
	}
	s := scanner{f.data, last.End}
	if s.spaces(); s.at < len(f.data) {
		f.faultIn(len(f.revisions)-1, FaultTrailing, 0, "octets follow the end of the last revision")
	}
}
