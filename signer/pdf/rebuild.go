package pdf

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
)

// rebuild searches the objects of a file whose cross-reference sections are unusable, as readers do that mend files. There
// is one revision then, without an end, so that no signature is ever found to cover the file.
func (f *File) rebuild(cause error) error {
	f.faults = nil
	f.fault(FaultRebuilt, 0, cause.Error())
	f.revisions, f.versions, f.latest = nil, nil, map[int]int{}
	named := map[int]entry{}
	trailer := &Dict{entries: map[Name]Object{}}
	for at := 0; ; {
		next := bytes.Index(f.data[at:], []byte("obj"))
		if next < 0 {
			break
		}
		at += next
		if number, from, ok := f.headBefore(at); ok {
			named[number] = entry{kind: entryPlain, a: from}
			if f.entries++; f.entries > f.limits.Entries {
				return ErrLimit
			}
		}
		at += len("obj")
	}
	f.searchTrailers(trailer)
	r := Revision{Trailer: trailer}
	for number, e := range named {
		r.Numbers = append(r.Numbers, number)
		f.addVersion(version{entry: e, number: number})
	}
	slices.Sort(r.Numbers)
	f.revisions = []Revision{r}
	if trailer.Get("Root") == nil {
		f.searchCatalog(trailer)
	}
	if trailer.Get("Root") == nil {
		return ErrStructure
	}
	f.unlock()
	f.searchInner()
	return nil
}

// headBefore reads "12 0 " backwards from the keyword obj; generation 0 alone is looked for.
func (f *File) headBefore(at int) (number, from int, ok bool) {
	i := at
	spaces := func() bool {
		start := i
		for i > 0 && isSpace(f.data[i-1]) {
			i--
		}
		return i < start
	}
	digits := func() (int, bool) {
		end := i
		for i > 0 && isDigit(f.data[i-1]) && end-i < 8 {
			i--
		}
		n := 0
		for _, c := range f.data[i:end] {
			n = n*10 + int(c-'0')
		}
		return n, i < end
	}
	if !spaces() {
		return 0, 0, false
	}
	if generation, ok := digits(); !ok || generation != 0 || !spaces() {
		return 0, 0, false
	}
	number, ok = digits()
	return number, i, ok && number > 0 && number <= objectMax && (i == 0 || !isRegular(f.data[i-1]))
}

// searchTrailers joins all trailers of the file; the last word counts.
func (f *File) searchTrailers(into *Dict) {
	for at := 0; ; {
		next := bytes.Index(f.data[at:], []byte("trailer"))
		if next < 0 {
			return
		}
		at += next + len("trailer")
		p := &parser{scanner: scanner{f.data, at}, budget: &f.budget}
		p.skip()
		if !p.has("<<") {
			continue
		}
		p.at += 2
		d, err := p.dict(0)
		if err != nil {
			continue
		}
		maps.Copy(into.entries, d.entries)
	}
}

// searchCatalog finds the Root of a file without trailers. The last one counts.
func (f *File) searchCatalog(into *Dict) {
	v := f.Last()
	best := -1
	for _, number := range f.revisions[0].Numbers {
		at := f.versions[f.latest[number]].a
		var d *Dict
		switch o := v.Get(number).(type) {
		case *Dict:
			d = o
		case *Stream:
			d = o.Dict
		}
		if at < best {
			continue
		}
		if root, ok := d.Get("Root").(Ref); ok && d.Get("Type") == Name("XRef") {
			best = at
			into.entries["Root"] = root
			if encrypt := d.Get("Encrypt"); encrypt != nil {
				into.entries["Encrypt"], into.entries["ID"] = encrypt, d.Get("ID")
			}
		}
		if d.Get("Type") == Name("Catalog") {
			best = at
			into.entries["Root"] = Ref{Number: number}
		}
	}
}

// searchInner adds what object streams hold, those of later streams first, unless it also stands outside of them.
func (f *File) searchInner() {
	v := f.Last()
	r := &f.revisions[0]
	type held struct{ number, at int }
	var streams []held
	for _, number := range r.Numbers {
		if s, ok := v.Get(number).(*Stream); ok && s.Dict.Get("Type") == Name("ObjStm") {
			streams = append(streams, held{number, f.versions[f.latest[number]].a})
		}
	}
	slices.SortFunc(streams, func(a, b held) int { return cmp.Compare(b.at, a.at) })
	for _, s := range streams {
		c := v.openContainer(s.number)
		if c == nil {
			continue
		}
		for i, number := range c.numbers {
			if _, named := f.latest[number]; !named {
				f.addVersion(version{entry: entry{entryInner, s.number, i}, number: number})
				r.Numbers = append(r.Numbers, number)
			}
		}
	}
	slices.Sort(r.Numbers)
}
