package pdf

import (
	"errors"
	"fmt"
	"iter"
)

// View is a file as it was in one revision.
type View struct {
	file     *File
	revision int
}

// place is where a version of an object was read: inner ones depend on the version of their container.
type place struct{ version, container int }

type read struct {
	object Object
	from   int
	to     int
}

// At is the file in a revision, counted from 0.
func (f *File) At(revision int) View { return View{f, revision} }

// Last is the file as it is.
func (f *File) Last() View { return View{f, len(f.revisions) - 1} }

// fault notes a departure that concerns an object, in the revision that defines it.
func (v View) fault(code FaultCode, number int, detail string) {
	revision, _ := v.Defined(number)
	v.file.faultIn(revision, code, number, detail)
}

// Revision is the number of the revision.
func (v View) Revision() int { return v.revision }

// Trailer is the trailer of the revision.
func (v View) Trailer() *Dict { return v.file.revisions[v.revision].Trailer }

// version finds the newest version of an object up to the revision; -1 when there is none.
func (v View) version(number int) int {
	at, ok := v.file.latest[number]
	if !ok {
		return -1
	}
	for at >= 0 && v.file.versions[at].revision > v.revision {
		at = v.file.versions[at].before
	}
	return at
}

// Defined is the revision that defines an object as this view sees it; ok false: there is none.
func (v View) Defined(number int) (revision int, ok bool) {
	at := v.version(number)
	if at < 0 || v.file.versions[at].kind == entryFree {
		return 0, false
	}
	return v.file.versions[at].revision, true
}

// Inner tells whether an object stands in an object stream, and in which.
func (v View) Inner(number int) (container int, ok bool) {
	at := v.version(number)
	if at < 0 || v.file.versions[at].kind != entryInner {
		return 0, false
	}
	return v.file.versions[at].a, true
}

// Generation is that of an object as this view sees it; 0 where there is none.
func (v View) Generation(number int) int {
	at := v.version(number)
	if at < 0 || v.file.versions[at].kind != entryPlain {
		return 0
	}
	return v.file.versions[at].b
}

// Numbers are the objects that this view knows, in no order.
func (v View) Numbers() iter.Seq[int] {
	return func(yield func(int) bool) {
		for number := range v.file.latest {
			if _, ok := v.Defined(number); ok && !yield(number) {
				return
			}
		}
	}
}

// Get is the object with a number; nil (null) when there is none. What stands in the wrong place is null, and a fault.
func (v View) Get(number int) Object {
	return v.read(number).object
}

// Octets are where an object stands in the file, from its number to endobj; ok false for one in an object stream.
func (v View) Octets(number int) (from, to int, ok bool) {
	r := v.read(number)
	return r.from, r.to, r.to > 0
}

func (v View) read(number int) read {
	f := v.file
	at := v.version(number)
	if at < 0 || f.versions[at].kind == entryFree || f.budget.spent {
		return read{}
	}
	id := place{version: at}
	e := f.versions[at]
	if e.kind == entryInner {
		if id.container = v.version(e.a); id.container < 0 || f.versions[id.container].kind != entryPlain {
			v.fault(FaultContainer, number, "an object is said to be in a stream that is none")
			return read{}
		}
	}
	if r, ok := f.objects[id]; ok {
		return r
	}
	if f.reading[number] { // its own length, or its own container
		v.fault(FaultContainer, number, "an object needs itself to be read")
		return read{}
	}
	f.reading[number] = true
	r := v.parse(number, e, id)
	delete(f.reading, number)
	f.objects[id] = r
	return r
}

func (v View) parse(number int, e version, id place) read {
	if e.kind == entryInner {
		return read{object: v.inner(number, e, id)}
	}
	f := v.file
	// The octets of a revision end where it ends: a signed section must not lead to unsigned octets.
	end := f.revisions[e.revision].End
	if end == 0 {
		end = len(f.data)
	}
	if e.a <= 0 || e.a >= end {
		v.fault(FaultOffset, number, "an object is said to be outside of its revision")
		return read{}
	}
	p := &parser{scanner: scanner{f.data[:end], e.a}, budget: &f.budget}
	got, generation, o, strict, err := p.indirect(v.length)
	switch {
	case err != nil:
		v.fault(FaultOffset, number, "there is no object where one should be")
		return read{}
	case got != number:
		v.fault(FaultOffset, number, "another object stands where one should be")
		return read{}
	case generation != e.b:
		v.fault(FaultFree, number, "an object has another generation than its section says")
	}
	if !strict {
		v.fault(FaultStream, number, "an object or its stream does not end where it should")
	}
	return read{o, e.a, p.at}
}

// length is the length of a stream.
func (v View) length(o Object) (int, bool) { return directLength(v.Resolve(o)) }

const referencesMax = 32

// Resolve follows references; a chain of more than 32 is null. Generations are not compared, as many readers do not; where
// they differ, it is a fault.
func (v View) Resolve(o Object) Object {
	for range referencesMax {
		ref, ok := o.(Ref)
		if !ok {
			return o
		}
		if at := v.version(ref.Number); at >= 0 {
			e := v.file.versions[at]
			if e.kind == entryPlain && e.b != ref.Generation || e.kind == entryInner && ref.Generation != 0 {
				v.fault(FaultFree, ref.Number, "a reference names another generation than the object's")
			}
		}
		o = v.Get(ref.Number)
	}
	return nil
}

// Dict is the dictionary that an object is or leads to; nil (an empty one) when it is none.
func (v View) Dict(o Object) *Dict {
	d, _ := v.Resolve(o).(*Dict)
	return d
}

// Array is the list that an object is or leads to.
func (v View) Array(o Object) Array {
	a, _ := v.Resolve(o).(Array)
	return a
}

// String is the string that an object is or leads to; nil when it is none.
func (v View) String(o Object) *String {
	s, _ := v.Resolve(o).(*String)
	return s
}

// Stream is the stream that an object is or leads to; nil when it is none.
func (v View) Stream(o Object) *Stream {
	s, _ := v.Resolve(o).(*Stream)
	return s
}

// Name is the name that an object is or leads to; empty when it is none.
func (v View) Name(o Object) Name {
	n, _ := v.Resolve(o).(Name)
	return n
}

// Integer is the integer that an object is or leads to.
func (v View) Integer(o Object) (int64, bool) {
	n, ok := v.Resolve(o).(int64)
	return n, ok
}

// Decoded are the octets of a stream without encryption and filters. Errors: ErrFilter, ErrLocked, ErrLimit.
func (v View) Decoded(s *Stream) ([]byte, error) {
	if s == nil {
		return nil, fmt.Errorf("%w: there is none", ErrFilter)
	}
	return v.file.decode(s, v.Resolve)
}

// Text is a string of an object, decrypted. holder is the number of the indirect object that it is in.
func (v View) Text(s *String, holder int) []byte {
	if v.file.crypt == nil {
		return s.Value
	}
	if _, inner := v.Inner(holder); inner {
		return s.Value // the whole container was encrypted
	}
	out, err := v.file.crypt.open(s.Value, v.file.crypt.strings, holder, 0)
	if err != nil {
		v.fault(FaultEncrypted, holder, err.Error())
		return nil
	}
	return out
}

// container is an object stream (ISO 32000-1 7.5.7).
type container struct {
	octets  []byte
	numbers []int
	offsets []int
}

// inner reads an object out of an object stream.
func (v View) inner(number int, e version, id place) Object {
	f := v.file
	c, known := f.streams[id.container]
	if !known {
		c = v.openContainer(e.a)
		f.streams[id.container] = c
	}
	if c == nil {
		return nil
	}
	if e.b >= len(c.numbers) || c.numbers[e.b] != number {
		v.fault(FaultContainer, number, "an object stream holds another object")
		return nil
	}
	p := &parser{scanner: scanner{c.octets, c.offsets[e.b]}, budget: &f.budget, inside: true}
	o, err := p.object(0)
	if err != nil {
		v.fault(FaultContainer, number, "an object in an object stream cannot be read")
		return nil
	}
	return o
}

func (v View) openContainer(number int) *container {
	stream, ok := v.Get(number).(*Stream)
	if !ok || stream.Dict.Get("Type") != Name("ObjStm") {
		v.fault(FaultContainer, number, "an object stream is none")
		return nil
	}
	octets, err := v.Decoded(stream)
	if err != nil {
		code := FaultContainer
		if errors.Is(err, ErrLocked) {
			code = FaultEncrypted
		}
		v.fault(code, number, err.Error())
		return nil
	}
	first, ok := v.length(stream.Dict.Get("First"))
	count, also := v.length(stream.Dict.Get("N"))
	if !ok || !also || first < 0 || first > len(octets) || count < 0 || count > first {
		v.fault(FaultContainer, number, "an object stream contradicts itself")
		return nil
	}
	c := &container{octets: octets}
	s := scanner{octets[:first], 0}
	for range count {
		n, ok := s.integer()
		at, also := s.integer()
		if !ok || !also || at > len(octets)-first {
			v.fault(FaultContainer, number, "the index of an object stream cannot be read")
			break
		}
		c.numbers, c.offsets = append(c.numbers, n), append(c.offsets, first+at)
	}
	return c
}
