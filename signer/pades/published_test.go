package pades_test

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"qaqpa/signer/pades"
	"qaqpa/signer/pdf"
)

// hidden is paper with a second tree of pages that nothing leads to when it is signed: another page, another content.
func hidden() []byte {
	stream := func(octets string) string {
		return fmt.Sprintf("<</Length %d>>stream\n%s\nendstream", len(octets), octets)
	}
	whole := string(paper())
	objects := []string{}
	for n := 1; n <= lockedNo; n++ {
		from := strings.Index(whole, fmt.Sprintf("\n%d 0 obj\n", n)) + len(fmt.Sprintf("\n%d 0 obj\n", n))
		objects = append(objects, whole[from:from+strings.Index(whole[from:], "\nendobj")])
	}
	return build(append(objects,
		"<</Type/Pages/Kids[14 0 R]/Count 1>>",
		"<</Type/Page/Parent 13 0 R/MediaBox[0 0 300 300]/Contents 15 0 R/Resources<</Font<</F 6 0 R>>>>>>",
		stream("BT /F 12 Tf (Pay 9) Tj ET"),
	)...)
}

// valueOf is the number of the object that holds the oldest signature's dictionary.
func valueOf(t *testing.T, document []byte) int {
	t.Helper()
	f, err := pdf.Open(document, pdf.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	v := f.Last()
	form := v.Dict(v.Dict(v.Trailer().Get("Root")).Get("AcroForm"))
	for _, o := range v.Array(form.Get("Fields")) {
		if ref, ok := v.Dict(o).Get("V").(pdf.Ref); ok {
			return ref.Number
		}
	}
	t.Fatal("no signature")
	return 0
}

// TestPublishedAttacks: a document of each class that was published against readers, by its name there: universal forgery (USF), incremental saving (ISA), signature
// wrapping (SWA), shadow attacks, evil annotations (EAA) and sneaky signatures (SSA) over certifications. None is whole.
func TestPublishedAttacks(t *testing.T) {
	k := newKey(t)
	plain := k.sign(t, paper(), pades.SignInput{})
	shadow := k.sign(t, hidden(), pades.SignInput{})
	certified := map[int][]byte{}
	for p := 1; p <= 3; p++ {
		certified[p] = k.sign(t, paper(), pades.SignInput{Permission: p})
	}
	no := valueOf(t, plain)
	evil := func(l *later) { l.Set(contentNo, pdf.NewStream(nil, []byte("BT (Pay 9) Tj ET"))) }
	value := func(key pdf.Name, o pdf.Object) []byte {
		return update(t, plain, func(l *later) { evil(l); l.set(no, key, o) })
	}
	overlay := func(l *later, subtype string, more map[pdf.Name]pdf.Object) {
		o := map[pdf.Name]pdf.Object{
			"Type": name("Annot"), "Subtype": name(subtype), "F": int64(4), "Rect": pdf.Array{int64(0), int64(0), int64(300), int64(300)},
			"AP": pdf.NewDict(map[pdf.Name]pdf.Object{"N": l.stream("1 1 1 rg 0 0 300 300 re f BT (Pay 9) Tj ET")}),
		}
		maps.Copy(o, more)
		ref := l.Add(pdf.NewDict(o))
		l.set(pageNo, "Annots", append(slices.Clone(l.view.Array(l.dict(pageNo).Get("Annots"))), ref))
		if subtype == "Widget" {
			l.set(formNo, "Fields", append(slices.Clone(l.view.Array(l.dict(formNo).Get("Fields"))), ref))
		}
	}
	annotate := func(l *later) { overlay(l, "FreeText", nil) }
	sign := func(l *later) { overlay(l, "Widget", map[pdf.Name]pdf.Object{"FT": name("Sig"), "T": str("evil")}) }
	attacks := map[string][]byte{
		"USF: Contents removed":          value("Contents", nil),
		"USF: Contents null":             value("Contents", pdf.Raw("null")),
		"USF: Contents empty":            value("Contents", str("")),
		"USF: Contents zero":             value("Contents", pdf.NewString([]byte{0})),
		"USF: ByteRange removed":         value("ByteRange", nil),
		"USF: ByteRange null":            value("ByteRange", pdf.Raw("null")),
		"USF: ByteRange of nothing":      value("ByteRange", pdf.Array{int64(0), int64(0), int64(0), int64(0)}),
		"USF: ByteRange negative":        value("ByteRange", pdf.Array{int64(0), int64(-1), int64(0), int64(-1)}),
		"USF: another SubFilter":         value("SubFilter", name("adbe.x509.rsa_sha1")),
		"ISA: body and section":          update(t, plain, evil),
		"ISA: body alone":                append(bytes.Clone(plain), "\n4 0 obj\n<</Length 16>>stream\nBT (Pay 9) Tj ET\nendstream\nendobj\n"...),
		"ISA: body, empty section":       append(bytes.Clone(plain), "\n4 0 obj\n<</Length 16>>stream\nBT (Pay 9) Tj ET\nendstream\nendobj\nxref\n0 0\ntrailer<</Root 1 0 R>>\n"...),
		"ISA: and the signature copied":  update(t, plain, func(l *later) { evil(l); l.Set(no, l.view.Get(no)) }),
		"SWA: the second part moved":     wrapped(t, plain),
		"shadow hide":                    update(t, shadow, func(l *later) { l.set(pageNo, "Contents", pdf.Array{}) }),
		"shadow hide: by the table":      update(t, shadow, func(l *later) { l.Set(drawingNo, nil) }),
		"shadow replace: font":           update(t, shadow, func(l *later) { l.set(fontNo, "Encoding", l.Add(pdf.NewDict(nil))) }),
		"shadow replace: field overlay":  update(t, shadow, func(l *later) { l.Set(looksNo, l.view.Get(drawingNo)) }),
		"shadow hide-and-replace: tree":  update(t, shadow, func(l *later) { l.set(catalogNo, "Pages", pdf.Ref{Number: 13}) }),
		"shadow hide-and-replace: page":  update(t, shadow, func(l *later) { l.set(pageNo, "Contents", pdf.Ref{Number: 15}) }),
		"shadow hide-and-replace: table": exchanged(t, shadow),
		"EAA over P 1":                   update(t, certified[1], annotate),
		"EAA over P 2":                   update(t, certified[2], annotate),
		"EAA over P 3":                   update(t, certified[3], annotate),
		"SSA over P 1":                   update(t, certified[1], sign),
		"SSA over P 2":                   update(t, certified[2], sign),
		"SSA over P 3":                   update(t, certified[3], sign),
	}
	for what, document := range attacks {
		d, err := pades.Open(document, pdf.Limits{})
		if err != nil {
			continue // refused
		}
		forbidden := false
		for _, s := range d.Signatures {
			if s.Coverage() == pades.Whole && fault(d, s) == "" {
				t.Errorf("%s is called whole", what)
			}
			forbidden = forbidden || slices.ContainsFunc(s.Changes, func(c pades.Change) bool { return c.Forbidden })
		}
		if strings.HasSuffix(what, "over P 1") && !forbidden || what == "EAA over P 2" && !forbidden {
			t.Errorf("%s is not forbidden", what)
		}
	}
	for what, document := range map[string][]byte{"plain": plain, "shadow": shadow, "certified": certified[1]} {
		if s := first(t, document); s.Coverage() != pades.Whole {
			t.Errorf("%s is not whole before it is attacked", what)
		}
	}
}

// wrapped moves the second signed part behind new objects, and has a copy of the dictionary say so.
func wrapped(t *testing.T, signed []byte) []byte {
	t.Helper()
	at := bytes.Index(signed, []byte("/ByteRange [0 ")) + len("/ByteRange [0 ")
	var a, b, c int
	if _, err := fmt.Sscanf(string(signed[at:]), "%d %d %d", &a, &b, &c); err != nil {
		t.Fatal(err)
	}
	inserted := "\n4 0 obj\n<</Length 16>>stream\nBT (Pay 9) Tj ET\nendstream\nendobj\n"
	numbers := fmt.Sprintf("[0 %d %d %d]", a, b+len(inserted), c)
	out := slices.Concat(signed[:b], []byte(inserted), signed[b:])
	return bytes.Replace(out, signed[at-len("[0 "):at+bytes.IndexByte(signed[at:], ']')+1], []byte(numbers), 1)
}

// exchanged lets the newest table lead from the number of the content to the hidden one.
func exchanged(t *testing.T, signed []byte) []byte {
	t.Helper()
	out := update(t, signed, func(l *later) { l.Set(contentNo, l.view.Get(contentNo)) })
	table := bytes.LastIndex(out, []byte("xref\n4 1\n"))
	if table < 0 {
		t.Fatal("no table")
	}
	entry := table + len("xref\n4 1\n")
	return slices.Concat(out[:entry], fmt.Appendf(nil, "%010d", bytes.Index(out, []byte("\n15 0 obj"))+1), out[entry+10:])
}
