package pdf

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strconv"
)

// Raw is an object written as it is: room for what is known only when the file is there.
type Raw []byte

// NewString makes a string object; it is written in hexadecimal digits.
func NewString(value []byte) *String { return &String{Value: value, Hex: true} }

// NewStream makes a stream; Length is set when it is written.
func NewStream(dict *Dict, octets []byte) *Stream { return &Stream{Dict: dict, Raw: octets} }

// Errors of updates.
var (
	// ErrEncrypted: strings and streams of an update would have to be encrypted.
	ErrEncrypted = errors.New("an encrypted PDF document cannot be changed")
	// ErrBroken: an update would build on sections that readers mend in different ways.
	ErrBroken = errors.New("the structure of the PDF document is broken: it has to be written anew before it is signed")
)

// Update is an incremental update (ISO 32000-1 7.5.6): objects that are added or replaced. What is there stays octet by octet.
type Update struct {
	file    *File
	next    int
	objects map[int]Object
	offsets map[int]int // of what Bytes has written
}

// Update begins an update. Errors: ErrEncrypted, ErrBroken.
func (f *File) Update() (*Update, error) {
	if f.Encrypted() {
		return nil, ErrEncrypted
	}
	last := f.revisions[len(f.revisions)-1]
	for _, fault := range f.faults {
		switch fault.Code {
		case FaultRebuilt, FaultOrder, FaultEnd, FaultTrailing, FaultHybrid, FaultDoubled, FaultContainer, FaultSize:
			return nil, fmt.Errorf("%w: %s", ErrBroken, fault.Detail)
		case FaultOffset, FaultTable, FaultStream, FaultEncrypted, FaultFree:
		}
	}
	size, _ := last.Trailer.Get("Size").(int64)
	u := &Update{file: f, next: int(size), objects: map[int]Object{}, offsets: map[int]int{}}
	for number := range f.latest {
		u.next = max(u.next, number+1)
	}
	if u.next+1<<16 > objectMax {
		return nil, ErrLimit
	}
	return u, nil
}

// Add adds an object and returns the reference to it.
func (u *Update) Add(o Object) Ref {
	number := u.next
	u.next++
	u.objects[number] = o
	return Ref{Number: number}
}

// Set replaces an object.
func (u *Update) Set(number int, o Object) {
	u.objects[number] = o
	u.next = max(u.next, number+1)
}

// Offset is where Bytes has written an object.
func (u *Update) Offset(number int) int { return u.offsets[number] }

// Bytes writes the file with the update behind it, in the form of sections that the file has.
func (u *Update) Bytes() []byte {
	f := u.file
	var out bytes.Buffer
	out.Write(f.data)
	if n := len(f.data); n > 0 && f.data[n-1] != '\n' {
		out.WriteByte('\n')
	}
	numbers := make([]int, 0, len(u.objects))
	for number := range u.objects {
		numbers = append(numbers, number)
	}
	slices.Sort(numbers)
	last := &f.revisions[len(f.revisions)-1]
	entries := map[int]entry{}
	for _, number := range numbers {
		generation := f.generation(number)
		entries[number] = entry{entryPlain, out.Len(), generation}
		u.offsets[number] = out.Len()
		fmt.Fprintf(&out, "%d %d obj\n", number, generation)
		write(&out, u.objects[number])
		out.WriteString("\nendobj\n")
	}
	start := out.Len()
	trailer := u.trailer(last, out.Bytes()[len(f.data):])
	if len(last.XRefStreams) > 0 && last.Sections[len(last.Sections)-1][0] == f.start {
		u.writeStream(&out, trailer, append(numbers, u.next), entries)
	} else {
		writeTable(&out, trailer, numbers, entries)
	}
	fmt.Fprintf(&out, "startxref\n%d\n%%%%EOF\n", start)
	return out.Bytes()
}

// generation is that of the object as it is; 0 for one that was not there.
func (f *File) generation(number int) int {
	if at, ok := f.latest[number]; ok && f.versions[at].kind == entryPlain {
		return f.versions[at].b
	}
	return 0
}

// trailer carries on what matters. The second identifier is new for each update (ISO 32000-1 14.4).
func (u *Update) trailer(last *Revision, added []byte) *Dict {
	entries := map[Name]Object{"Size": int64(u.next), "Prev": int64(u.file.start)}
	for _, key := range []Name{"Root", "Info"} {
		if o := last.Trailer.Get(key); o != nil {
			entries[key] = o
		}
	}
	sum := sha256.Sum256(added)
	id := u.file.Last().Array(last.Trailer.Get("ID"))
	first := Object(NewString(sum[:16]))
	if len(id) > 0 {
		if s, ok := id[0].(*String); ok {
			first = s
		}
	}
	entries["ID"] = Array{first, NewString(sum[:16])}
	return &Dict{entries: entries}
}

func writeTable(out *bytes.Buffer, trailer *Dict, numbers []int, entries map[int]entry) {
	out.WriteString("xref\n")
	for from := 0; from < len(numbers); {
		to := from + 1
		for to < len(numbers) && numbers[to] == numbers[to-1]+1 {
			to++
		}
		fmt.Fprintf(out, "%d %d\n", numbers[from], to-from)
		for _, number := range numbers[from:to] {
			fmt.Fprintf(out, "%010d %05d n \n", entries[number].a, entries[number].b)
		}
		from = to
	}
	out.WriteString("trailer\n")
	write(out, trailer)
	out.WriteString("\n")
}

// writeStream writes a cross-reference stream, which is an object itself: the last of numbers.
func (u *Update) writeStream(out *bytes.Buffer, trailer *Dict, numbers []int, entries map[int]entry) {
	own := numbers[len(numbers)-1]
	entries[own] = entry{entryPlain, out.Len(), 0}
	var rows []byte
	index := Array{}
	for i, number := range numbers {
		if i == 0 || number != numbers[i-1]+1 {
			index = append(index, int64(number), int64(0))
		}
		if count, ok := index[len(index)-1].(int64); ok {
			index[len(index)-1] = count + 1
		}
		e := entries[number]
		rows = append(rows, entryPlain, byte(e.a>>32), byte(e.a>>24), byte(e.a>>16), byte(e.a>>8), byte(e.a), byte(e.b>>8), byte(e.b)) //nolint:gosec // the octets of the numbers
	}
	dict := trailer.With("Type", Name("XRef")).With("Index", index).With("W", Array{int64(1), int64(5), int64(2)}).With("Size", int64(own+1))
	fmt.Fprintf(out, "%d 0 obj\n", own)
	write(out, NewStream(dict, rows))
	out.WriteString("\nendobj\n")
}

// write writes an object.
func write(out *bytes.Buffer, o Object) {
	switch x := o.(type) {
	case nil:
		out.WriteString("null")
	case bool:
		out.WriteString(strconv.FormatBool(x))
	case int64:
		out.WriteString(strconv.FormatInt(x, 10))
	case Real:
		out.WriteString(string(x))
	case Raw:
		out.Write(x)
	case Name:
		writeName(out, x)
	case Ref:
		fmt.Fprintf(out, "%d %d R", x.Number, x.Generation)
	case *String:
		fmt.Fprintf(out, "<%X>", x.Value)
	case Array:
		out.WriteByte('[')
		for i, e := range x {
			if i > 0 {
				out.WriteByte(' ')
			}
			write(out, e)
		}
		out.WriteByte(']')
	case *Dict:
		out.WriteString("<<")
		for _, key := range x.Keys() {
			writeName(out, key)
			out.WriteByte(' ')
			write(out, x.Get(key))
		}
		out.WriteString(">>")
	case *Stream:
		write(out, x.Dict.With("Length", int64(len(x.Raw))))
		out.WriteString("stream\n")
		out.Write(x.Raw)
		out.WriteString("\nendstream")
	}
}

func writeName(out *bytes.Buffer, n Name) {
	out.WriteByte('/')
	for i := range len(n) {
		if c := n[i]; isRegular(c) && c != '#' && c > ' ' && c < 0x7f {
			out.WriteByte(c)
		} else {
			fmt.Fprintf(out, "#%02X", c)
		}
	}
}

// Import copies an object of another file with all that it leads to, and returns it as it is in the update. Streams are taken as
// they stand. At most 4096 objects are copied; Parent is left out, which would lead to the whole file.
func (u *Update) Import(from View, o Object) (Object, error) {
	c := copier{update: u, from: from, copied: map[int]Ref{}}
	return c.copy(o, 0)
}

type copier struct {
	update *Update
	from   View
	copied map[int]Ref
}

func (c *copier) copy(o Object, depth int) (Object, error) {
	if depth > 64 || len(c.copied) > 4096 {
		return nil, ErrLimit
	}
	switch x := o.(type) {
	case Ref:
		if ref, ok := c.copied[x.Number]; ok {
			return ref, nil
		}
		ref := c.update.Add(nil)
		c.copied[x.Number] = ref
		value, err := c.copy(c.from.Get(x.Number), depth+1)
		if err != nil {
			return nil, err
		}
		c.update.Set(ref.Number, value)
		return ref, nil
	case Array:
		out := make(Array, 0, len(x))
		for _, e := range x {
			value, err := c.copy(e, depth+1)
			if err != nil {
				return nil, err
			}
			out = append(out, value)
		}
		return out, nil
	case *Dict:
		out := map[Name]Object{}
		for _, key := range x.Keys() {
			if key == "Parent" {
				continue
			}
			value, err := c.copy(x.Get(key), depth+1)
			if err != nil {
				return nil, err
			}
			out[key] = value
		}
		return &Dict{entries: out}, nil
	case *Stream:
		dict, err := c.copy(x.Dict, depth+1)
		if err != nil {
			return nil, err
		}
		d, _ := dict.(*Dict)
		return NewStream(d, x.Raw), nil
	}
	return o, nil
}
