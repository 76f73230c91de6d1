package pades

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"qaqpa/signer/algo"
	"qaqpa/signer/pdf"
)

// SignInput says how a document is signed.
type SignInput struct {
	// SubFilter is CAdESDetached, or TimeStamp for a time stamp over the document.
	SubFilter SubFilter
	// Field is the name of an empty field for signatures that is there; empty: a new one is added.
	Field string
	// At is the claimed signing time (M); it is not written for a time stamp.
	At time.Time
	// Name, Reason and Location are shown by readers.
	Name, Reason, Location string
	// Appearance is what the signature shows; nil: nothing.
	Appearance *Appearance
	// Permission makes the signature a certification (DocMDP): 1, 2 or 3; 0: none. Only the first signature can be one.
	Permission int
	// Attachments are files that the document gets with the signature, and that it covers; ErrAttachments where they cannot be added.
	Attachments []Attachment
	// ContentsMax is the room for the signature value in octets; 0 means 16 kB.
	ContentsMax int
}

// Appearance is the picture of a visible signature.
type Appearance struct {
	// Picture is a PDF document whose first page is shown.
	Picture []byte
	// Page is where it stands, counted from 0; -1 is the last one.
	Page int
	// X and Y are the lower left corner in points from that of the page as it is seen; the size is that of the picture. Where a field that is
	// there is filled, its own place counts.
	X, Y float64
}

// Errors of Prepare and Finish.
var (
	// ErrForbidden: an earlier signature forbids another one.
	ErrForbidden = errors.New("an earlier signature of the document forbids further signatures")
	// ErrField: there is no empty field for a signature with this name, or no such page.
	ErrField = errors.New("the document has no such empty field or page for a signature")
	// ErrPlace: the picture of the signature does not lie on the page with all of it, or the field has no room for one.
	ErrPlace = errors.New("the picture of the signature has no place on the page")
	// ErrRoom: the signature value is larger than the room kept for it.
	ErrRoom = errors.New("the signature is larger than the room kept for it")
)

const contentsDefault = 16 << 10

// Prepared is a document with room for a signature.
type Prepared struct {
	file []byte
	gap  Range
}

// Prepare adds an update with a signature field and room for the signature's value; everything that is there stays, so that
// earlier signatures hold. Errors: those of Open and pdf.File.Update, ErrForbidden, ErrField, ErrPlace, ErrAttachments.
func Prepare(data []byte, in SignInput) (*Prepared, error) {
	d, err := Open(data, pdf.Limits{})
	if err != nil {
		return nil, err
	}
	if err := d.admits(in); err != nil {
		return nil, err
	}
	u, err := d.File.Update()
	if err != nil {
		return nil, err
	}
	if in.ContentsMax == 0 {
		in.ContentsMax = contentsDefault
	}
	w := &writer{d: d, u: u, view: d.File.Last(), in: in}
	if err := w.write(); err != nil {
		return nil, err
	}
	return w.settle()
}

// admits holds a new signature against what earlier ones allow. A certification that allows no change allows a time stamp
// over the document (ISO 32000-2 12.8.2.2.2), but none allows one in a field that it has locked.
func (d *Document) admits(in SignInput) error {
	if in.Permission != 0 && len(d.Signatures) > 0 {
		return fmt.Errorf("%w: only the first signature can certify", ErrForbidden)
	}
	kind := ChangeSignature
	if in.SubFilter == TimeStamp {
		kind = ChangeTimeStamp
	}
	for _, s := range d.Signatures {
		if !allowed(kind, s.Permission) {
			return ErrForbidden
		}
		if in.Field != "" && d.freezes(s, kind, in.Field) {
			return fmt.Errorf("%w: one of them has locked the field %q", ErrForbidden, in.Field)
		}
	}
	return nil
}

// writer makes the objects of an update.
type writer struct {
	d    *Document
	u    *pdf.Update
	view pdf.View
	in   SignInput
	// value is the object of the signature dictionary.
	value int
}

// rangeMark is room for ByteRange that is filled when the file is written.
const rangeMark = "[0 0000000000 0000000000 0000000000]"

func (w *writer) write() error {
	value := map[pdf.Name]pdf.Object{
		"Type": pdf.Name("Sig"), "Filter": pdf.Name("Adobe.PPKLite"), "SubFilter": pdf.Name(w.in.SubFilter),
		"ByteRange": pdf.Raw(rangeMark), "Contents": pdf.Raw("<" + string(bytes.Repeat([]byte("0"), 2*w.in.ContentsMax)) + ">"),
	}
	if w.in.SubFilter == TimeStamp {
		value["Type"] = pdf.Name("DocTimeStamp")
	} else {
		value["M"] = pdf.NewString([]byte(w.in.At.UTC().Format("D:20060102150405Z")))
	}
	for key, said := range map[pdf.Name]string{"Name": w.in.Name, "Reason": w.in.Reason, "Location": w.in.Location} {
		if said != "" {
			value[key] = encodeText(said)
		}
	}
	if w.in.Permission != 0 {
		value["Reference"] = pdf.Array{pdf.NewDict(map[pdf.Name]pdf.Object{
			"Type": pdf.Name("SigRef"), "TransformMethod": pdf.Name("DocMDP"),
			"TransformParams": pdf.NewDict(map[pdf.Name]pdf.Object{
				"Type": pdf.Name("TransformParams"), "V": pdf.Name("1.2"), "P": int64(w.in.Permission),
			}),
		})}
	}
	ref := w.u.Add(pdf.NewDict(value))
	w.value = ref.Number
	if w.in.Field != "" {
		return w.fill(ref)
	}
	return w.addField(ref)
}

// encodeText writes a text string: UTF-16 with a mark, unless it is ASCII.
func encodeText(s string) *pdf.String {
	ascii := true
	for _, r := range s {
		ascii = ascii && r < 0x7f && r >= ' '
	}
	if ascii {
		return pdf.NewString([]byte(s))
	}
	return pdf.NewString(utf16With(s))
}

// catalog is the catalog and its number.
func (w *writer) catalog() (*pdf.Dict, int, error) {
	ref, ok := w.view.Trailer().Get("Root").(pdf.Ref)
	d := w.view.Dict(ref)
	if !ok || d == nil {
		return nil, 0, pdf.ErrStructure
	}
	return d, ref.Number, nil
}

// addField adds a field with its widget to the form and to a page.
func (w *writer) addField(value pdf.Ref) error {
	page, number, err := w.page()
	if err != nil {
		return err
	}
	widget := map[pdf.Name]pdf.Object{
		"Type": pdf.Name("Annot"), "Subtype": pdf.Name("Widget"), "FT": pdf.Name("Sig"), "T": encodeText(w.freeName()), "V": value,
		"P": pdf.Ref{Number: number}, "F": int64(132), "Rect": pdf.Array{int64(0), int64(0), int64(0), int64(0)}, // print, locked
	}
	if w.in.Appearance != nil {
		if err := w.appearance(widget, page); err != nil {
			return err
		}
	}
	field := w.u.Add(pdf.NewDict(widget))
	if list, ok := page.Get("Annots").(pdf.Ref); ok {
		w.u.Set(list.Number, append(slices.Clone(w.view.Array(list)), field))
	} else {
		w.u.Set(number, page.With("Annots", append(slices.Clone(w.view.Array(page.Get("Annots"))), field)))
	}
	return w.form(field, value)
}

// freeName is a name that no field has.
func (w *writer) freeName() string {
	taken := map[string]bool{}
	form := w.view.Dict(w.view.Dict(w.view.Trailer().Get("Root")).Get("AcroForm"))
	for _, o := range w.view.Array(form.Get("Fields")) {
		taken[fullName(w.view, w.view.Dict(o), refNumber(o), "")] = true
	}
	for i := 1; ; i++ {
		if name := "Signature" + strconv.Itoa(i); !taken[name] {
			return name
		}
	}
}

// form lists the field (0: it is there) and says that there are signatures.
func (w *writer) form(field, value pdf.Ref) error {
	catalog, number, err := w.catalog()
	if err != nil {
		return err
	}
	changed := catalog
	if w.in.Permission != 0 {
		changed = changed.With("Perms", w.view.Dict(catalog.Get("Perms")).With("DocMDP", value))
	}
	if changed, err = w.attach(changed); err != nil {
		return err
	}
	form := w.view.Dict(catalog.Get("AcroForm")).With("SigFlags", int64(3))
	if field.Number != 0 {
		fields := append(slices.Clone(w.view.Array(form.Get("Fields"))), field)
		if list, ok := form.Get("Fields").(pdf.Ref); ok {
			w.u.Set(list.Number, fields)
		} else {
			form = form.With("Fields", fields)
		}
	}
	if ref, ok := catalog.Get("AcroForm").(pdf.Ref); ok && w.view.Dict(ref) != nil {
		w.u.Set(ref.Number, form)
	} else {
		changed = changed.With("AcroForm", form)
	}
	if changed != catalog {
		w.u.Set(number, changed)
	}
	return nil
}

// fill puts the signature into an empty field that is there.
func (w *writer) fill(value pdf.Ref) error {
	f := &finder{view: w.view, visited: map[int]bool{}}
	number := f.empty(w.in.Field)
	dict := w.view.Dict(pdf.Ref{Number: number})
	if number == 0 || dict == nil {
		return fmt.Errorf("%w: field %q", ErrField, w.in.Field)
	}
	if w.in.Appearance != nil {
		var err error
		if dict, err = w.fit(dict); err != nil {
			return err
		}
	}
	w.u.Set(number, dict.With("V", value))
	return w.form(pdf.Ref{}, value)
}

// empty finds the object of an empty field for signatures; 0: there is none. Fields that are not objects of their own are left
// alone.
func (w *finder) empty(name string) (number int) {
	var walk func(o pdf.Object, above string, kind pdf.Name, depth int)
	walk = func(o pdf.Object, above string, kind pdf.Name, depth int) {
		ref, ok := o.(pdf.Ref)
		dict := w.view.Dict(o)
		if w.fields++; !ok || dict == nil || depth > fieldDepthMax || w.fields > fieldsMax || w.visited[ref.Number] {
			return
		}
		w.visited[ref.Number] = true
		if own := w.view.Name(dict.Get("FT")); own != "" {
			kind = own
		}
		full := fullName(w.view, dict, ref.Number, above)
		if full == name && kind == "Sig" && !dict.Has("V") && number == 0 {
			number = ref.Number
		}
		for _, kid := range w.view.Array(dict.Get("Kids")) {
			walk(kid, full, kind, depth+1)
		}
	}
	form := w.view.Dict(w.view.Dict(w.view.Trailer().Get("Root")).Get("AcroForm"))
	for _, o := range w.view.Array(form.Get("Fields")) {
		walk(o, "", "", 0)
	}
	return number
}

// settle writes the file and fills in ByteRange.
func (w *writer) settle() (*Prepared, error) {
	file := w.u.Bytes()
	// Only the new dictionary is looked through: other objects of the update may hold texts that look like its keys.
	from := w.u.Offset(w.value)
	at := bytes.Index(file[from:], []byte("/ByteRange "+rangeMark))
	hole := bytes.Index(file[from:], append([]byte("/Contents <"), bytes.Repeat([]byte("0"), 2*w.in.ContentsMax)...))
	if at < 0 || hole < 0 {
		return nil, pdf.ErrStructure
	}
	gap := Range{from + hole + len("/Contents "), 0, len(file) - 1} // without the last line's end, as readers want it
	gap.GapTo = gap.GapFrom + 2*w.in.ContentsMax + 2
	room := file[from+at+len("/ByteRange "):][:len(rangeMark)]
	text := fmt.Appendf(nil, "[0 %d %d %d", gap.GapFrom, gap.GapTo, gap.End-gap.GapTo)
	copy(room, bytes.Repeat([]byte(" "), len(room)))
	copy(room, text)
	room[len(room)-1] = ']'
	return &Prepared{file: file, gap: gap}, nil
}

// Digest is the digest of what the signature covers.
func (p *Prepared) Digest(h algo.Hash) []byte {
	sum := h.New()
	sum.Write(p.file[:p.gap.GapFrom])
	sum.Write(p.file[p.gap.GapTo:p.gap.End])
	return sum.Sum(nil)
}

// Octets is what the signature covers.
func (p *Prepared) Octets() io.Reader {
	return io.MultiReader(bytes.NewReader(p.file[:p.gap.GapFrom]), bytes.NewReader(p.file[p.gap.GapTo:p.gap.End]))
}

// Finish puts the signature's value into its room and returns the document. Errors: ErrRoom.
func (p *Prepared) Finish(value []byte) ([]byte, error) {
	if room := (p.gap.GapTo - p.gap.GapFrom - 2) / 2; len(value) > room {
		return nil, fmt.Errorf("%w: %d of %d octets", ErrRoom, len(value), room)
	}
	out := bytes.Clone(p.file[:p.gap.End])
	copy(out[p.gap.GapFrom+1:], fmt.Appendf(nil, "%X", value))
	return out, nil
}
