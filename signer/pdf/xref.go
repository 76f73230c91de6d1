package pdf

import (
	"errors"
	"fmt"
	"slices"
)

// Kinds of entries of cross-reference sections.
const (
	entryFree  = 0
	entryPlain = 1 // a: offset, b: generation
	entryInner = 2 // a: number of the object stream, b: index in it
)

// entry is where a section says an object is.
type entry struct {
	kind uint8
	a, b int
}

// section is one cross-reference section: a table with its trailer, or a cross-reference stream.
type section struct {
	from, to int // octets of the section with its trailer
	number   int // of the cross-reference stream; 0 for a table
	entries  []numbered
	trailer  *Dict
	hybrid   *section // what XRefStm of a table leads to
	faults   []Fault  // met before it was known of which revision it is
}

// fault notes that a section does not hold what it says.
func (s *section) fault(number int, detail string) {
	if len(s.faults) == 0 { // the first of a kind is kept anyway
		s.faults = append(s.faults, Fault{Code: FaultOffset, Number: number, Detail: detail})
	}
}

type numbered struct {
	number int
	entry
}

var errSection = errors.New("not a cross-reference section")

// readSection reads the section at an offset.
func (f *File) readSection(offset int) (*section, error) {
	if offset < 0 || offset >= len(f.data) {
		return nil, errSection
	}
	p := &parser{scanner: scanner{f.data, offset}, budget: &f.budget}
	p.spaces() // some programs point at the end of the line before
	from := p.at
	if !p.word("xref") {
		return f.readXRefStream(from)
	}
	s := &section{from: from}
	if err := f.readTable(p, s); err != nil {
		return nil, err
	}
	var err error
	p.skip()
	if !p.has("<<") {
		return nil, errSection
	}
	p.at += 2
	if s.trailer, err = p.dict(0); err != nil {
		return nil, err
	}
	s.to = p.at
	if at, ok := s.trailer.Get("XRefStm").(int64); ok {
		if s.hybrid, err = f.readXRefStream(int(at)); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// readTable reads the subsections up to the trailer.
func (f *File) readTable(p *parser, s *section) error {
	for {
		p.skip()
		if p.word("trailer") || p.has("trailer<<") {
			if p.has("trailer") {
				p.at += len("trailer")
			}
			return nil
		}
		first, ok := p.integer()
		count, also := p.integer()
		if !ok || !also || first > objectMax || count > objectMax {
			return errSection
		}
		for i := range count {
			e, err := tableEntry(p)
			if err != nil {
				return err
			}
			if i == 0 && first == 1 && e == (entry{entryFree, 0, generationMax}) {
				// Written by programs that count from one: all readers take it for the head of the free list.
				first = 0
				f.fault(FaultTable, 0, "the cross-reference table begins with object 1 instead of 0")
			}
			if err := f.addEntry(s, first+i, e); err != nil {
				return err
			}
		}
	}
}

func tableEntry(p *parser) (entry, error) {
	a, ok := p.integer()
	b, also := p.integer()
	p.skip()
	switch {
	case !ok || !also:
		return entry{}, errSection
	case p.word("n"):
		return entry{entryPlain, a, b}, nil
	case p.word("f"):
		return entry{entryFree, a, b}, nil
	}
	return entry{}, errSection
}

func (f *File) addEntry(s *section, number int, e entry) error {
	if f.entries++; f.entries > f.limits.Entries {
		f.budget.spent = true
		return fmt.Errorf("%w: too many cross-reference entries", ErrLimit)
	}
	if number > objectMax {
		return errSection
	}
	s.entries = append(s.entries, numbered{number, e})
	return nil
}

// readXRefStream reads a cross-reference stream (ISO 32000-1 7.5.8).
func (f *File) readXRefStream(offset int) (*section, error) {
	if offset < 0 || offset >= len(f.data) {
		return nil, errSection
	}
	p := &parser{scanner: scanner{f.data, offset}, budget: &f.budget}
	number, _, o, _, err := p.indirect(directLength)
	if err != nil {
		return nil, errors.Join(errSection, err)
	}
	stream, ok := o.(*Stream)
	if !ok || stream.Dict.Get("Type") != Name("XRef") {
		return nil, errSection
	}
	s := &section{from: offset, to: p.at, number: number, trailer: stream.Dict}
	octets, err := f.decode(stream, nil)
	if err != nil {
		return nil, err
	}
	return s, f.readStreamEntries(s, octets)
}

func directLength(o Object) (int, bool) {
	n, ok := o.(int64)
	return int(n), ok
}

func (f *File) readStreamEntries(s *section, octets []byte) error {
	widths, index, err := streamLayout(s.trailer)
	if err != nil {
		return err
	}
	size := widths[0] + widths[1] + widths[2]
	for i := 0; i+1 < len(index); i += 2 {
		first, count := index[i], index[i+1]
		// Widths of nothing would give any number of entries for no octets.
		if count > len(octets)/size {
			s.fault(0, "a cross-reference stream is shorter than it says") // readers that mend search the file for objects then
			count = len(octets) / size
		}
		for k := range count {
			row := octets[k*size:]
			e := entry{kind: entryPlain, a: field(row[widths[0]:], widths[1]), b: field(row[widths[0]+widths[1]:], widths[2])}
			if widths[0] > 0 {
				kind := field(row, widths[0])
				if kind > entryInner || kind < 0 { // null (ISO 32000-1 7.5.8.3), not what it was before; some readers give the section up
					s.fault(first+k, "a cross-reference stream has an entry of an unknown kind")
					kind, e.a, e.b = entryFree, 0, 0
				}
				e.kind = uint8(kind)
			}
			if e.a < 0 || e.b < 0 {
				return errSection
			}
			if err := f.addEntry(s, first+k, e); err != nil {
				return err
			}
		}
		octets = octets[count*size:]
	}
	return nil
}

// streamLayout reads W and Index of a cross-reference stream.
func streamLayout(d *Dict) (widths [3]int, index []int, err error) {
	w, ok := integers(d.Get("W"))
	if !ok || len(w) != 3 || slices.Max(w) > 8 || w[0] > 1 && w[0] > 8 || w[0]+w[1]+w[2] == 0 {
		return widths, nil, errSection
	}
	index, ok = integers(d.Get("Index"))
	if !ok {
		size, isInteger := d.Get("Size").(int64)
		if !isInteger || size < 0 || size > objectMax+1 || d.Has("Index") {
			return widths, nil, errSection
		}
		index = []int{0, int(size)}
	}
	if len(index)%2 != 0 {
		return widths, nil, errSection
	}
	return [3]int(w), index, nil
}

// integers reads an array of small integers that are not negative.
func integers(o Object) ([]int, bool) {
	a, ok := o.(Array)
	if !ok {
		return nil, false
	}
	out := make([]int, 0, len(a))
	for _, e := range a {
		n, ok := e.(int64)
		if !ok || n < 0 || n > 1<<40 {
			return nil, false
		}
		out = append(out, int(n))
	}
	return out, true
}

// field is a big-endian number; negative when it does not fit.
func field(b []byte, width int) int {
	v := 0
	for _, c := range b[:width] {
		if v >= 1<<54 {
			return -1
		}
		v = v<<8 | int(c)
	}
	return v
}
