package pades_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"qaqpa/signer/pades"
	"qaqpa/signer/pdf"
)

func name(s string) pdf.Name { return pdf.Name(s) }

func str(s string) *pdf.String { return pdf.NewString([]byte(s)) }

// first is the oldest signature of a document, which must be intact.
func first(t *testing.T, document []byte) *pades.Signature {
	t.Helper()
	d := open(t, document)
	if len(d.Signatures) == 0 {
		t.Fatal("no signature")
	}
	if f := fault(d, d.Signatures[0]); f != "" {
		t.Fatal(f)
	}
	return d.Signatures[0]
}

// kinds are those of the changes after a signature; "!" before those that are forbidden.
func kinds(s *pades.Signature) []string {
	var out []string
	for _, c := range s.Changes {
		k := string(c.Kind)
		if c.Forbidden {
			k = "!" + k
		}
		out = append(out, k)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// changes are what an attacker, or an honest program, does after signing, and what is said of it without a certification.
var changes = map[string]struct {
	do   func(*later)
	want string
}{
	"content replaced":       {func(l *later) { l.Set(contentNo, pdf.NewStream(nil, []byte("BT (Pay 9) Tj ET"))) }, "!other"},
	"content added":          {func(l *later) { l.set(pageNo, "Contents", pdf.Array{pdf.Ref{Number: contentNo}, l.stream("BT ET")}) }, "!other"},
	"content freed":          {func(l *later) { l.Set(contentNo, nil) }, "!other"},
	"font replaced":          {func(l *later) { l.set(fontNo, "BaseFont", name("Courier")) }, "!other"},
	"font with other glyphs": {func(l *later) { l.set(fontNo, "Encoding", l.Add(pdf.NewDict(nil))) }, "!other"},
	"drawing replaced": {func(l *later) {
		l.Set(drawingNo, pdf.NewStream(l.view.Stream(pdf.Ref{Number: drawingNo}).Dict, []byte("1 0 0 rg")))
	}, "!other"},
	"what was missing appears": {func(l *later) {
		l.Set(90, pdf.NewStream(pdf.NewDict(map[pdf.Name]pdf.Object{"Subtype": name("Form")}), []byte("BT (evil) Tj ET")))
	}, "!other"},
	"page box":      {func(l *later) { l.set(pageNo, "MediaBox", pdf.Array{int64(0), int64(0), int64(9), int64(9)}) }, "!other"},
	"page turned":   {func(l *later) { l.set(pageNo, "Rotate", int64(180)) }, "!other"},
	"page replaced": {func(l *later) { l.set(pagesNo, "Kids", pdf.Array{l.Add(l.dict(pageNo))}) }, "!other"},
	"page doubled": {func(l *later) {
		l.set(pagesNo, "Kids", pdf.Array{pdf.Ref{Number: pageNo}, pdf.Ref{Number: pageNo}})
	}, "!other"},
	"the same tree of pages anew": {func(l *later) { l.set(catalogNo, "Pages", l.Add(l.dict(pagesNo))) }, ""},
	"an action at opening": {func(l *later) {
		l.set(catalogNo, "OpenAction", pdf.NewDict(map[pdf.Name]pdf.Object{"S": name("JavaScript"), "JS": str("x")}))
	}, "!other"},
	"layers": {func(l *later) { l.set(catalogNo, "OCProperties", pdf.NewDict(nil)) }, "!other"},
	"content through the evidence": {func(l *later) {
		// The security store leads to the content, so that a change below it looks allowed.
		l.set(catalogNo, "DSS", pdf.NewDict(map[pdf.Name]pdf.Object{"Certs": pdf.Array{pdf.Ref{Number: contentNo}, pdf.Ref{Number: pageNo}}}))
		l.Set(contentNo, pdf.NewStream(nil, []byte("BT (Pay 9) Tj ET")))
	}, "!other evidence"},
	"content through an appearance": {func(l *later) {
		l.set(fieldNo, "AP", pdf.NewDict(map[pdf.Name]pdf.Object{"N": pdf.Ref{Number: drawingNo}}))
		l.Set(drawingNo, pdf.NewStream(nil, []byte("1 0 0 rg")))
	}, "!other form_fill"},
	"content through an annotation": {func(l *later) {
		l.set(noteNo, "AP", pdf.NewDict(map[pdf.Name]pdf.Object{"N": pdf.Ref{Number: fontNo}}))
		l.set(fontNo, "BaseFont", name("Courier"))
	}, "!other annotation"},
	"field moved":          {func(l *later) { l.set(fieldNo, "Rect", pdf.Array{int64(0), int64(0), int64(300), int64(300)}) }, "!other"},
	"field renamed":        {func(l *later) { l.set(fieldNo, "T", str("other")) }, "!other"},
	"field with an action": {func(l *later) { l.set(fieldNo, "AA", pdf.NewDict(nil)) }, "!other"},
	"field removed": {func(l *later) {
		l.set(formNo, "Fields", pdf.Array{pdf.Ref{Number: lockedNo}, l.view.Array(l.dict(formNo).Get("Fields"))[2]})
	}, "!other"},
	"field added": {func(l *later) {
		l.set(formNo, "Fields", append(slices.Clone(l.view.Array(l.dict(formNo).Get("Fields"))), l.Add(l.dict(fieldNo).With("T", str("new")))))
	}, "!other"},
	"font of fields": {func(l *later) {
		l.set(formNo, "DR", pdf.NewDict(map[pdf.Name]pdf.Object{"Font": pdf.NewDict(map[pdf.Name]pdf.Object{"F": l.Add(l.dict(fontNo))})}))
	}, "!other"},
	"signature removed": {func(l *later) {
		l.set(catalogNo, "AcroForm", pdf.NewDict(map[pdf.Name]pdf.Object{"Fields": pdf.Array{l.view.Array(l.dict(formNo).Get("Fields"))[2]}}))
	}, "!other form_fill"},
	"structure": {func(l *later) { l.set(catalogNo, "StructTreeRoot", pdf.NewDict(nil)) }, "!other"},
	"look of a signature": {func(l *later) {
		if ref, ok := l.view.Array(l.dict(formNo).Get("Fields"))[2].(pdf.Ref); ok {
			l.set(ref.Number, "AP", pdf.NewDict(map[pdf.Name]pdf.Object{"N": l.stream("BT (Director) Tj ET")}))
		}
	}, "!other"},
	"field filled in": {func(l *later) { l.set(fieldNo, "V", str("2")) }, "form_fill"},
	"field filled, new look": {func(l *later) {
		l.set(fieldNo, "AP", pdf.NewDict(map[pdf.Name]pdf.Object{"N": l.stream("BT (2) Tj ET")}))
	}, "form_fill"},
	"look of fields": {func(l *later) {
		l.Set(looksNo, pdf.NewStream(l.view.Stream(pdf.Ref{Number: looksNo}).Dict, []byte("BT (9) Tj ET")))
	}, "form_fill"},
	"fields to be drawn anew": {func(l *later) { l.set(formNo, "NeedAppearances", true) }, "form_fill"},
	"note changed":            {func(l *later) { l.set(noteNo, "Contents", str("Pay 9")) }, "annotation"},
	"note hidden":             {func(l *later) { l.set(noteNo, "F", int64(2)) }, "annotation"},
	"note removed": {func(l *later) {
		l.set(pageNo, "Annots", pdf.Array{pdf.Ref{Number: fieldNo}, pdf.Ref{Number: lockedNo}, l.view.Array(l.dict(pageNo).Get("Annots"))[3]})
	}, "annotation"},
	"annotation over content": {func(l *later) {
		evil := pdf.NewDict(map[pdf.Name]pdf.Object{
			"Type": name("Annot"), "Subtype": name("FreeText"), "Rect": pdf.Array{int64(0), int64(0), int64(300), int64(300)},
			"AP": pdf.NewDict(map[pdf.Name]pdf.Object{"N": l.stream("BT (Pay 9) Tj ET")}),
		})
		l.set(pageNo, "Annots", append(slices.Clone(l.view.Array(l.dict(pageNo).Get("Annots"))), l.Add(evil)))
	}, "annotation"},
	"field for a signature over content": {func(l *later) {
		evil := l.Add(pdf.NewDict(map[pdf.Name]pdf.Object{
			"Type": name("Annot"), "Subtype": name("Widget"), "FT": name("Sig"), "T": str("evil"), "F": int64(4),
			"Rect": pdf.Array{int64(0), int64(0), int64(300), int64(300)},
			"AP":   pdf.NewDict(map[pdf.Name]pdf.Object{"N": l.stream("BT (Pay 9) Tj ET")}),
		}))
		l.set(pageNo, "Annots", append(slices.Clone(l.view.Array(l.dict(pageNo).Get("Annots"))), evil))
		l.set(formNo, "Fields", append(slices.Clone(l.view.Array(l.dict(formNo).Get("Fields"))), evil))
	}, "visible_signature"},
	"title":            {func(l *later) { l.set(infoNo, "Title", str("Other order")) }, "metadata"},
	"time of change":   {func(l *later) { l.set(infoNo, "ModDate", str("D:2027")) }, ""},
	"written again":    {func(l *later) { l.Set(contentNo, l.view.Get(contentNo)) }, ""},
	"nothing":          {func(*later) {}, ""},
	"object of nobody": {func(l *later) { l.stream("x") }, ""},
	"evidence": {func(l *later) {
		l.set(catalogNo, "DSS", l.Add(pdf.NewDict(map[pdf.Name]pdf.Object{"Certs": pdf.Array{l.stream("certificate")}})))
	}, "evidence"},
}

// Every change is told by its kind; what is not forbidden without a certification is so by one that does not allow it; and
// nothing that shows leaves the coverage whole.
func TestChanges(t *testing.T) {
	k := newKey(t)
	for permission := range 4 {
		signed := k.sign(t, paper(), pades.SignInput{Permission: permission})
		if s := first(t, signed); s.Coverage() != pades.Whole || s.Permission != permission {
			t.Fatalf("coverage %d, permission %d: %v", s.Coverage(), s.Permission, s.Changes)
		}
		for what, c := range changes {
			s := first(t, update(t, signed, c.do))
			want := strings.Fields(c.want)
			whole := true
			for i, kind := range want {
				visible := kind != "evidence"
				whole = whole && !visible
				forbidden := permission == 1 && visible || permission == 2 && kind == "annotation"
				if forbidden && kind[0] != '!' {
					want[i] = "!" + kind
				}
			}
			slices.Sort(want)
			if got := kinds(s); !slices.Equal(got, want) {
				t.Errorf("certification %d, %s: %v, want %v: %+v", permission, what, got, want, s.Changes)
			}
			if got := s.Coverage(); (got == pades.Whole) != whole || got == pades.None {
				t.Errorf("certification %d, %s: coverage %d", permission, what, got)
			}
		}
	}
}

// A signature that covers an update makes nothing good for the one before it; a later change is told to both.
func TestChangesBetweenSignatures(t *testing.T) {
	one, two := newKey(t), newKey(t)
	signed := one.sign(t, paper(), pades.SignInput{})
	for what, c := range changes {
		if !strings.HasPrefix(c.want, "!") || strings.Contains(what, "removed") || strings.Contains(what, "signature") {
			continue
		}
		d := open(t, two.sign(t, update(t, signed, c.do), pades.SignInput{}))
		if len(d.Signatures) != 2 || d.Signatures[0].Coverage() != pades.Partial || d.Signatures[1].Coverage() != pades.Whole {
			t.Errorf("%s: %d signatures", what, len(d.Signatures))
		}
	}
}

// Locks freeze the fields that they name.
func TestLocks(t *testing.T) {
	for _, c := range []struct {
		lock pades.Lock
		want [2]bool
	}{
		{pades.Lock{Action: "All"}, [2]bool{true, true}},
		{pades.Lock{Action: "Include", Fields: []string{"a"}}, [2]bool{true, false}},
		{pades.Lock{Action: "Exclude", Fields: []string{"a"}}, [2]bool{false, true}},
		{pades.Lock{}, [2]bool{true, true}},
		{pades.Lock{Action: "Include", Fields: []string{"a.x.y"}}, [2]bool{true, false}}, // the field below would take the value over
	} {
		if got := [2]bool{c.lock.Forbids("a.x"), c.lock.Forbids("ab")}; got != c.want {
			t.Errorf("%+v: %v", c.lock, got)
		}
	}
	// A document whose empty field for a signature locks the field "payee".
	document := update(t, paper(), func(l *later) {
		lock := pdf.NewDict(map[pdf.Name]pdf.Object{"Type": name("SigFieldLock"), "Action": name("Include"), "Fields": pdf.Array{str("payee")}})
		field := l.Add(pdf.NewDict(map[pdf.Name]pdf.Object{"FT": name("Sig"), "T": str("sign here"), "Lock": lock}))
		l.set(formNo, "Fields", append(slices.Clone(l.view.Array(l.dict(formNo).Get("Fields"))), field))
	})
	signed := newKey(t).sign(t, document, pades.SignInput{Field: "sign here"})
	if s := first(t, signed); s.Coverage() != pades.Whole || len(s.Locks) != 1 || s.Fields[0] != "sign here" {
		t.Fatalf("%+v", s)
	}
	for number, want := range map[int]string{fieldNo: "form_fill", lockedNo: "!form_fill"} {
		s := first(t, update(t, signed, func(l *later) { l.set(number, "V", str("x")) }))
		if got := strings.Join(kinds(s), " "); got != want {
			t.Errorf("field %d: %s, want %s", number, got, want)
		}
	}
}

// An empty field for signatures that a signature has locked stays empty: whoever signs or stamps in it all the same breaks the earlier
// signature, and our own sealer refuses. Other fields, and such as are added later, are free.
func TestLockedFieldStaysEmpty(t *testing.T) {
	empty := func(l *later, title string, lock pdf.Object) {
		field := map[pdf.Name]pdf.Object{"FT": name("Sig"), "T": str(title)}
		if lock != nil {
			field["Lock"] = lock
		}
		l.set(formNo, "Fields", append(slices.Clone(l.view.Array(l.dict(formNo).Get("Fields"))), l.Add(pdf.NewDict(field))))
	}
	for _, c := range []struct {
		action string
		fields pdf.Array
		bound  bool // the field "countersign" is
	}{
		{"Include", pdf.Array{str("countersign")}, true},
		{"Include", pdf.Array{str("payee")}, false},
		{"Exclude", pdf.Array{str("payee")}, true},
		{"Exclude", pdf.Array{str("countersign")}, false},
		{"All", nil, true},
	} {
		lock := pdf.NewDict(map[pdf.Name]pdf.Object{"Type": name("SigFieldLock"), "Action": name(c.action), "Fields": c.fields})
		document := update(t, paper(), func(l *later) { empty(l, "countersign", nil) })
		document = update(t, document, func(l *later) { empty(l, "sign here", lock) })
		signed := newKey(t).sign(t, document, pades.SignInput{Field: "sign here"})

		var want error
		if c.bound {
			want = pades.ErrForbidden
		}
		for _, kind := range []pades.SubFilter{pades.CAdESDetached, pades.TimeStamp} {
			if _, err := pades.Prepare(signed, pades.SignInput{SubFilter: kind, Field: "countersign"}); !errors.Is(err, want) {
				t.Errorf("%s %v: %s in the field: %v, want %v", c.action, c.fields, kind, err, want)
			}
		}
		again := update(t, signed, func(l *later) {
			// By a program that does not ask. What the field holds need not be a good signature to fill it.
			l.set(emptyField(l, "countersign"), "V", l.Add(pdf.NewDict(map[pdf.Name]pdf.Object{"Type": name("Sig"), "Filter": name("Adobe.PPKLite")})))
		})
		all := open(t, again).Signatures
		s := all[slices.IndexFunc(all, func(s *pades.Signature) bool { return slices.Equal(s.Fields, []string{"sign here"}) })]
		if forbidden := slices.ContainsFunc(s.Changes, func(c pades.Change) bool { return c.Forbidden }); forbidden != c.bound {
			t.Errorf("%s %v: signed all the same: %+v", c.action, c.fields, s.Changes)
		}
		if whole := s.Coverage() == pades.Whole; whole == c.bound {
			t.Errorf("%s %v: signed all the same: coverage %d", c.action, c.fields, s.Coverage())
		}
		// A field of its own, and one that was added by somebody later.
		for _, in := range []pades.SignInput{{}, {Field: "new"}} {
			later := update(t, signed, func(l *later) { empty(l, "new", nil) })
			if s := first(t, newKey(t).sign(t, later, in)); s.Coverage() != pades.Whole {
				t.Errorf("%s %v: another field: %+v", c.action, c.fields, s.Changes)
			}
		}
	}
}

// emptyField is the object of a field of the form.
func emptyField(l *later, title string) int {
	for _, o := range l.view.Array(l.dict(formNo).Get("Fields")) {
		if ref, ok := o.(pdf.Ref); ok && pdf.Equal(l.dict(ref.Number).Get("T"), str(title)) {
			return ref.Number
		}
	}
	return 0
}

// Locks that name more than can be read, or by names that are cut, freeze all: what they leave free is not known.
func TestLocksBeyondLimits(t *testing.T) {
	many := make(pdf.Array, 1<<14+1)
	for i := range many {
		many[i] = str("x")
	}
	for what, fields := range map[string]pdf.Array{"many": many, "a long name": {str(strings.Repeat("x", 300))}} {
		document := update(t, paper(), func(l *later) {
			lock := pdf.NewDict(map[pdf.Name]pdf.Object{"Action": name("Include"), "Fields": fields})
			field := l.Add(pdf.NewDict(map[pdf.Name]pdf.Object{"FT": name("Sig"), "T": str("sign here"), "Lock": lock}))
			l.set(formNo, "Fields", append(slices.Clone(l.view.Array(l.dict(formNo).Get("Fields"))), field))
		})
		signed := newKey(t).sign(t, document, pades.SignInput{Field: "sign here"})
		s := first(t, update(t, signed, func(l *later) { l.set(fieldNo, "V", str("x")) }))
		if got := strings.Join(kinds(s), " "); got != "!form_fill" {
			t.Errorf("%s: %s", what, got)
		}
	}
}

// Each of many references could name the same long list of fields; one that has more than there are methods allows nothing.
func TestReferencesBeyondLimits(t *testing.T) {
	document := update(t, paper(), func(l *later) {
		reference := pdf.NewDict(map[pdf.Name]pdf.Object{"TransformMethod": name("FieldMDP"), "TransformParams": pdf.NewDict(map[pdf.Name]pdf.Object{
			"Action": name("Include"), "Fields": pdf.Array{str("payee")},
		})})
		value := pdf.NewDict(map[pdf.Name]pdf.Object{"Type": name("Sig"), "Reference": slices.Repeat(pdf.Array{reference}, 1000)})
		field := l.Add(pdf.NewDict(map[pdf.Name]pdf.Object{"FT": name("Sig"), "T": str("sign here"), "V": l.Add(value)}))
		l.set(formNo, "Fields", append(slices.Clone(l.view.Array(l.dict(formNo).Get("Fields"))), field))
	})
	s := open(t, document).Signatures[0]
	if last := s.Locks[len(s.Locks)-1]; s.Permission != 1 || len(s.Locks) > 10 || !last.Forbids("anything") {
		t.Errorf("permission %d, %d locks", s.Permission, len(s.Locks))
	}
}

// Octets behind the signature that are no update, or one that readers see differently.
func TestOctetsBehind(t *testing.T) {
	signed := newKey(t).sign(t, paper(), pades.SignInput{})
	evil := "\n4 0 obj\n<</Length 16>>stream\nBT (Pay 9) Tj ET\nendstream\nendobj\n"
	for what, behind := range map[string]string{
		"an object":                     evil,
		"an object and an end":          evil + "startxref\n0\n%%EOF",
		"a section without a trailer":   evil + "xref\n4 1\n0000009999 00000 n \nstartxref\n99999\n%%EOF",
		"a trailer alone":               "\ntrailer<</Root 3 0 R>>\nstartxref\n9\n%%EOF",
		"a section that is not the end": "\nxref\n0 0\ntrailer<</Size 20/Root 1 0 R/Prev 9>>\nstartxref\n9\n%%EOF",
	} {
		d, err := pades.Open(append(bytes.Clone(signed), behind...), pdf.Limits{})
		if err != nil {
			continue
		}
		for _, s := range d.Signatures {
			if s.Coverage() == pades.Whole {
				t.Errorf("%s: whole", what)
			}
		}
	}
	// Hidden in an update that is otherwise fine: no section names it.
	fine := update(t, signed, func(*later) {})
	at := len(signed) + 1
	hidden := slices.Concat(fine[:at], []byte(evil), fine[at:])
	hidden = bytes.Replace(hidden, fine[bytes.LastIndex(fine, []byte("startxref")):], nil, 1)
	section := bytes.LastIndex(hidden, []byte("xref\n"))
	hidden = append(hidden, []byte("startxref\n"+itoa(section)+"\n%%EOF\n")...)
	if s := first(t, hidden); !slices.Contains(kinds(s), "!other") {
		t.Errorf("hidden octets: %v", s.Changes)
	}
}

func itoa(n int) string {
	var b []byte
	for ; n > 0; n /= 10 {
		b = append([]byte{byte('0' + n%10)}, b...)
	}
	return string(b)
}

// Dictionaries that readers understand differently (universal forgery, signature wrapping).
func TestForgedDictionaries(t *testing.T) {
	signed := newKey(t).sign(t, paper(), pades.SignInput{})
	at := bytes.Index(signed, []byte("/ByteRange"))
	end := at + bytes.IndexByte(signed[at:], ']') + 1
	numbers := string(signed[at:end])
	for what, instead := range map[string]string{
		"no range": "", "null": "/ByteRange null", "empty": "/ByteRange[]", "two numbers": "/ByteRange[0 9]",
		"not from the start": strings.Replace(numbers, "[0 ", "[1 ", 1), "negative": "/ByteRange[0 -1 9 9]", "reals": "/ByteRange[0 9.0 10.0 9]",
		"beyond the file": "/ByteRange[0 9 10 99999999]", "a reference": "/ByteRange 4 0 R", "overlapping": "/ByteRange[0 900 100 900]",
		"gigantic": "/ByteRange[0 99999999999999999999 9 9]", "everything": "/ByteRange[0 0 0 99]", "six": "/ByteRange[0 1 2 3 4 5]",
	} {
		// As long as before: every offset stays.
		forged := slices.Concat(signed[:at], []byte(instead), bytes.Repeat([]byte(" "), max(0, len(numbers)-len(instead))), signed[end:])
		for _, s := range open(t, forged).Signatures {
			if s.Revision != 0 || s.Coverage() != pades.None {
				t.Errorf("%s: revision %d, coverage %d", what, s.Revision, s.Coverage())
			}
		}
	}
	for what, forged := range map[string][]byte{
		"a second Contents":  bytes.Replace(signed, []byte("/Filter /Adobe.PPKLite"), []byte("/Contents<00>/Filter/A"), 1),
		"another SubFilter":  bytes.Replace(signed, []byte("/ETSI.CAdES.detached"), []byte("/ETSI.CAdES.attached"), 1),
		"blank in the value": bytes.Replace(signed, []byte("00>"), []byte("0 >"), 1),
		"a literal string":   bytes.Replace(signed, []byte("00>"), []byte("0)>"), 1),
	} {
		d := open(t, forged)
		for _, s := range d.Signatures {
			if s.Coverage() != pades.None && fault(d, s) == "" {
				t.Errorf("%s: coverage %d", what, s.Coverage())
			}
		}
	}
}
