package pades

import (
	"cmp"
	"errors"
	"slices"

	"qaqpa/signer/pdf"
)

// Limits of one document.
const (
	signaturesMax = 256
	fieldsMax     = 1 << 16
	fieldDepthMax = 32
	evidenceMax   = 1024 // objects in the document security store
)

// Document is a PDF document with what it says of its signatures.
type Document struct {
	File *pdf.File
	// Signatures are in the order in which they were made: by the end of what they cover.
	Signatures []*Signature
	// More is how many further signatures there are that are not judged.
	More int
	// Store is the evidence of the document security store, as it is now.
	Store Store
	// HybridOnly is how many objects only readers of PDF 1.5 and later see, in hybrid cross-reference sections.
	HybridOnly int
	digests    digests
	decoded    map[*pdf.Stream][]byte  // of the security store
	names      map[int]map[string]bool // of fields, by revision, see namesAt
	lockNames  int                     // names in locks that were read, see lock
}

// Store is what the document security store carries (ISO 32000-2 12.8.4.3): each object whole, in DER. It is gathered, not
// believed: each object has its own signature.
type Store struct {
	Certificates, CRLs, OCSPs [][]byte
}

// ErrEncrypted says that the signatures of a document cannot be found because it does not open without a password.
var ErrEncrypted = errors.New("the document is encrypted, and its signatures cannot be found without the password")

// Open reads a PDF document and finds its signatures. The slice is kept and must not change. Errors: those of pdf.Open and
// ErrEncrypted. Not safe for concurrent use.
func Open(data []byte, limits pdf.Limits) (*Document, error) {
	f, err := pdf.Open(data, limits)
	if err != nil {
		return nil, err
	}
	d := &Document{File: f, decoded: map[*pdf.Stream][]byte{}, names: map[int]map[string]bool{}}
	for _, r := range f.Revisions() {
		d.HybridOnly += r.HybridOnly
	}
	last := f.Last()
	catalog := last.Dict(last.Trailer().Get("Root"))
	if catalog == nil {
		if f.Locked() != nil {
			return nil, ErrEncrypted
		}
		return nil, pdf.ErrStructure
	}
	d.find(last, catalog)
	d.Store = d.storeAt(last)
	slices.SortStableFunc(d.Signatures, func(a, b *Signature) int { return cmp.Compare(a.Range.End, b.Range.End) })
	d.compare()
	if len(d.Signatures) > 0 {
		d.digest()
	}
	if err := f.Err(); err != nil {
		return nil, err
	}
	if len(d.Signatures) == 0 && f.Locked() != nil {
		return nil, ErrEncrypted
	}
	return d, nil
}

// found is a place where a signature dictionary hangs.
type found struct {
	value  pdf.Object
	holder int // the indirect object that holds value, or is it
	field  string
	lock   *pdf.Dict
}

// finder walks the form fields.
type finder struct {
	view    pdf.View
	visited map[int]bool
	fields  int
	out     []found
	names   map[string]bool // of all fields, where it is not nil
}

// form walks all fields of the form.
func (w *finder) form() {
	catalog := w.view.Dict(w.view.Trailer().Get("Root"))
	form := catalog.Get("AcroForm")
	for _, o := range w.view.Array(w.view.Dict(form).Get("Fields")) {
		w.field(o, refNumber(form), "", "", 0)
	}
}

func (d *Document) find(v pdf.View, catalog *pdf.Dict) {
	w := &finder{view: v, visited: map[int]bool{}}
	w.form()
	// A certification that is in no field is one all the same (ISO 32000-1 12.8.4).
	if ref, ok := v.Dict(catalog.Get("Perms")).Get("DocMDP").(pdf.Ref); ok {
		w.out = append(w.out, found{value: ref, holder: ref.Number})
	}
	known := map[int]*Signature{}
	for _, o := range w.out {
		number := o.holder
		if ref, ok := o.value.(pdf.Ref); ok {
			number = ref.Number
			if s := known[number]; s != nil {
				if o.field != "" {
					s.Fields = append(s.Fields, o.field)
				}
				continue
			}
		}
		if len(d.Signatures) == signaturesMax {
			d.More++
			continue
		}
		s := d.read(v, o, number)
		if s == nil {
			continue
		}
		if _, ok := o.value.(pdf.Ref); ok {
			known[number] = s
		}
		d.Signatures = append(d.Signatures, s)
	}
}

func refNumber(o pdf.Object) int {
	ref, _ := o.(pdf.Ref)
	return ref.Number
}

// field walks a field and its kids; kind is the inherited FT.
func (w *finder) field(o pdf.Object, holder int, name string, kind pdf.Name, depth int) {
	if ref, ok := o.(pdf.Ref); ok {
		if w.visited[ref.Number] {
			return
		}
		w.visited[ref.Number] = true
		holder = ref.Number
	}
	dict := w.view.Dict(o)
	if w.fields++; dict == nil || depth > fieldDepthMax || w.fields > fieldsMax {
		return
	}
	if own := w.view.Name(dict.Get("FT")); own != "" {
		kind = own
	}
	name = fullName(w.view, dict, holder, name)
	if w.names != nil {
		w.names[name] = true
	}
	if value := dict.Get("V"); kind == "Sig" && value != nil {
		w.out = append(w.out, found{value, holder, name, w.view.Dict(dict.Get("Lock"))})
	}
	for _, kid := range w.view.Array(dict.Get("Kids")) {
		w.field(kid, holder, name, kind, depth+1)
	}
}

// fullName is the name of a field with those of the fields above it (ISO 32000-1 12.7.3.2).
func fullName(v pdf.View, dict *pdf.Dict, holder int, above string) string {
	s := v.String(dict.Get("T"))
	if s == nil {
		return above
	}
	name := text(v.Text(s, holder))
	if above == "" {
		return name
	}
	return above + "." + name
}

// storeAt gathers what DSS lists in a revision, and what VRI names besides, each object once.
func (d *Document) storeAt(v pdf.View) (out Store) {
	store := v.Dict(v.Dict(v.Trailer().Get("Root")).Get("DSS"))
	if store == nil {
		return out
	}
	seen := map[*pdf.Stream]bool{}
	gather := func(to *[][]byte, list pdf.Object) {
		for _, o := range v.Array(list) {
			stream := v.Stream(o)
			if stream == nil || seen[stream] || len(seen) == evidenceMax {
				continue
			}
			seen[stream] = true
			octets, known := d.decoded[stream]
			if !known {
				octets, _ = v.Decoded(stream) // what cannot be read supports nothing
				d.decoded[stream] = octets
			}
			if len(octets) > 0 {
				*to = append(*to, octets)
			}
		}
	}
	gather(&out.Certificates, store.Get("Certs"))
	gather(&out.CRLs, store.Get("CRLs"))
	gather(&out.OCSPs, store.Get("OCSPs"))
	related := v.Dict(store.Get("VRI"))
	for _, key := range related.Keys() {
		one := v.Dict(related.Get(key))
		gather(&out.Certificates, one.Get("Cert"))
		gather(&out.CRLs, one.Get("CRL"))
		gather(&out.OCSPs, one.Get("OCSP"))
	}
	return out
}

// Proves are the objects that a signature or time stamp covers, each whole in DER: the security store as it was, and the
// time-stamp tokens before it. What signatures hold in their CMS is covered with them.
func (d *Document) Proves(s *Signature) (out [][]byte) {
	if s.Revision == 0 || !s.Sound() {
		return nil
	}
	store := d.storeAt(d.File.At(s.Revision - 1))
	out = slices.Concat(store.Certificates, store.CRLs, store.OCSPs)
	for _, o := range d.Signatures {
		if o.Token != nil && d.Covers(s, o) {
			value, _ := wholeValue(o.Contents)
			out = append(out, value)
		}
		if o.CMS != nil && d.Covers(s, o) {
			out = slices.Concat(out, o.CMS.Certificates, o.CMS.CRLs, o.CMS.OCSPs)
		}
	}
	return out
}

// HoldsEvidence tells whether the revision of a signature or time stamp has revocation data in its security store.
func (d *Document) HoldsEvidence(s *Signature) bool {
	if s.Revision == 0 {
		return false
	}
	store := d.storeAt(d.File.At(s.Revision - 1))
	return len(store.CRLs)+len(store.OCSPs) > 0
}

// Covers tells whether a signature or time stamp covers another one: it was made in a later revision that builds on it.
func (d *Document) Covers(s, earlier *Signature) bool {
	return s != earlier && earlier.Revision > 0 && s.Revision > earlier.Revision && s.Sound()
}
