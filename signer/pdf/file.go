package pdf

import (
	"bytes"
	"errors"
	"slices"
)

// Limits bound one file. A zero field takes the value of [DefaultLimits].
type Limits struct {
	Bytes     int // size of the file
	Values    int // objects read, nested ones counted
	Depth     int // nesting of arrays and dictionaries
	Entries   int // of all cross-reference sections
	Revisions int
	Decoded   int // octets of structural streams after their filters, over the whole file
}

// DefaultLimits suit documents of up to 256 MB; a hostile file costs well under a second and some 200 MB.
func DefaultLimits() Limits {
	return Limits{Bytes: 256 << 20, Values: 3 << 20, Depth: 64, Entries: 1 << 20, Revisions: 1024, Decoded: 64 << 20}
}

func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	for _, f := range []struct {
		field *int
		value int
	}{
		{&l.Bytes, d.Bytes},
		{&l.Values, d.Values},
		{&l.Depth, d.Depth},
		{&l.Entries, d.Entries},
		{&l.Revisions, d.Revisions},
		{&l.Decoded, d.Decoded},
	} {
		if *f.field <= 0 {
			*f.field = f.value
		}
	}
	return l
}

// Errors of Open and File.Err.
var (
	// ErrNotPDF: the file does not begin as a PDF.
	ErrNotPDF = errors.New("not a PDF document")
	// ErrStructure: not even by searching could the objects of the file be found.
	ErrStructure = errors.New("the structure of the PDF document cannot be read")
	// ErrLimit: the file is larger, deeper or more complex than [Limits] allow.
	ErrLimit = errors.New("the PDF document exceeds a limit")
)

// FaultCode says in which way a file departs from the rules.
type FaultCode string

// Faults. Programs mend them in different ways, so that two readers may see two documents.
const (
	FaultRebuilt   FaultCode = "rebuilt"    // the cross-reference sections are unusable: objects were searched
	FaultOffset    FaultCode = "offset"     // something does not stand where a section says
	FaultTable     FaultCode = "table"      // a section breaks its own rules
	FaultHybrid    FaultCode = "hybrid"     // table and stream of a hybrid section name different objects
	FaultDoubled   FaultCode = "doubled"    // a section names an object twice, or a dictionary a key
	FaultStream    FaultCode = "stream"     // the length of a stream is wrong
	FaultContainer FaultCode = "container"  // an object stream does not hold what it should
	FaultTrailing  FaultCode = "trailing"   // octets follow the end of the last revision
	FaultOrder     FaultCode = "order"      // revisions do not follow each other
	FaultEnd       FaultCode = "end"        // a revision has no startxref and %%EOF of its own
	FaultSize      FaultCode = "size"       // an object has a number beyond the trailer's Size
	FaultEncrypted FaultCode = "encrypted"  // a part is encrypted and cannot be read
	FaultFree      FaultCode = "generation" // a reference names another generation than the object's
)

// Fault is a departure from the rules that was met while reading.
type Fault struct {
	Code     FaultCode
	Revision int // counted from 0
	Number   int // of the object; 0: none
	Detail   string
}

// File is a PDF file, read as far as it was asked for. Objects are read when they are looked up. Not safe for concurrent use.
type File struct {
	data      []byte
	limits    Limits
	budget    budget
	start     int // of the newest section, as startxref says
	entries   int
	crypt     *crypt
	revisions []Revision
	versions  []version
	latest    map[int]int // index in versions of the newest
	objects   map[place]read
	streams   map[int]*container
	reading   map[int]bool
	faults    []Fault
}

// Revision is one state of the file: the original, or that after an incremental update.
type Revision struct {
	// From is where its octets begin: where the one before ended. End is behind its %%EOF; 0 when it has none of its own.
	From, End int
	// Trailer is that of the revision.
	Trailer *Dict
	// Sections are the octets of its cross-reference sections, and XRefStreams the objects that are such.
	Sections    [][2]int
	XRefStreams []int
	// Numbers are the objects that its sections name, sorted; free ones too.
	Numbers []int
	// HybridOnly is how many objects only readers of hybrid sections see.
	HybridOnly int
}

// version is what a revision says of one object.
type version struct {
	entry
	number, revision int
	before           int // index of the version before; -1: none
}

// Open reads the structure of a file. The slice is kept and must not change. Errors: ErrNotPDF, ErrStructure, ErrLimit.
func Open(data []byte, limits Limits) (*File, error) {
	f := &File{
		data: data, limits: limits.withDefaults(), latest: map[int]int{}, objects: map[place]read{}, streams: map[int]*container{},
		reading: map[int]bool{},
	}
	if len(data) > f.limits.Bytes {
		return nil, ErrLimit
	}
	if !IsPDF(data) {
		return nil, ErrNotPDF
	}
	f.budget = budget{values: f.limits.Values, decoded: f.limits.Decoded, depth: f.limits.Depth, scanned: 4 * max(len(data), 1<<20)}
	if err := f.readChain(); err != nil {
		if f.budget.spent {
			return nil, ErrLimit
		}
		if err := f.rebuild(err); err != nil {
			return nil, err
		}
	}
	f.unlock()
	if f.budget.spent {
		return nil, ErrLimit
	}
	return f, nil
}

// IsPDF tells documents that begin as a PDF does. Octets before that, which many readers pass over, are refused: such a
// file can be a document of another format as well.
func IsPDF(data []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(data[:min(len(data), 64)], "\x00\t\n\f\r "), []byte("%PDF-"))
}

// Revisions are the states of the file, oldest first; at least one.
func (f *File) Revisions() []Revision { return f.revisions }

// Data is the file.
func (f *File) Data() []byte { return f.data }

// Faults are the departures from the rules that were met so far: the first of each kind in each revision.
func (f *File) Faults() []Fault { return f.faults }

// Err is ErrLimit once a limit was exceeded: then objects were taken for null that are not.
func (f *File) Err() error {
	if f.budget.spent {
		return ErrLimit
	}
	return nil
}

// Locked is ErrLocked when the file is encrypted and does not open without a password.
func (f *File) Locked() error {
	if f.crypt == nil {
		return nil
	}
	return f.crypt.err
}

// Encrypted tells whether the file is encrypted, with or without a password.
func (f *File) Encrypted() bool { return f.crypt != nil }

// fault notes a departure of the revision whose sections are being read.
func (f *File) fault(code FaultCode, number int, detail string) {
	f.faultIn(len(f.revisions), code, number, detail)
}

// faultIn keeps the first fault of a kind in each revision: many in one must not hide those of another.
func (f *File) faultIn(revision int, code FaultCode, number int, detail string) {
	if !slices.ContainsFunc(f.faults, func(o Fault) bool { return o.Code == code && o.Revision == revision }) {
		f.faults = append(f.faults, Fault{code, revision, number, detail})
	}
}

// unlock sets up decryption. The encryption of the newest revision is that of all: updates must not change it.
func (f *File) unlock() {
	last := f.Last()
	trailer := last.Trailer()
	d, ok := last.Resolve(trailer.Get("Encrypt")).(*Dict)
	if !ok {
		return
	}
	resolved := map[Name]Object{}
	for _, key := range d.Keys() {
		resolved[key] = last.Resolve(d.Get(key))
	}
	var id []byte
	if ids, ok := last.Resolve(trailer.Get("ID")).(Array); ok && len(ids) > 0 {
		if s, ok := last.Resolve(ids[0]).(*String); ok {
			id = s.Value
		}
	}
	f.crypt = openCrypt(NewDict(resolved), id)
	clear(f.objects) // read before the key was known
	clear(f.streams)
}
