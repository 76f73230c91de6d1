package pades_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"qaqpa/signer/pades"
	"qaqpa/signer/pdf"
)

// Numbers of what an attacker prepares before the document is signed.
const (
	preparedNo = 40 + iota
	secondNo
	thirdNo
)

// raw is an object as it is written.
func raw(format string, args ...any) pdf.Raw { return pdf.Raw(fmt.Sprintf(format, args...)) }

// looks is the appearance of an attacker: it covers the page and says something else.
const looks = "1 1 1 rg 0 0 300 300 re f 0 g BT /F 12 Tf 20 200 Td (Pay 9) Tj ET"

// onPage adds an entry to the annotations of the page, and inForm to the fields.
func (l *later) onPage(o pdf.Object) {
	l.set(pageNo, "Annots", append(slices.Clone(l.view.Array(l.dict(pageNo).Get("Annots"))), o))
}

func (l *later) inForm(o pdf.Object) {
	l.set(formNo, "Fields", append(slices.Clone(l.view.Array(l.dict(formNo).Get("Fields"))), o))
}

// both adds a new object to the page and the form, written as the text says; %s is its appearance.
func both(text string) func(*later) {
	return func(l *later) {
		look := l.stream(looks)
		ref := l.Add(raw(text, fmt.Sprintf("%d 0 R", look.Number)))
		l.onPage(ref)
		l.inForm(ref)
	}
}

// container is an object stream to look at, and the looks of an attacker where it is drawn.
func container() pdf.Raw {
	return raw("<</Type/ObjStm/N 0/First 0/Length %d>>stream\n%s\nendstream", len(looks), looks)
}

// prepared are attacks by changes that look like a signature, or like nothing at all. before is what the attacker prepares and the victim signs.
var prepared = map[string]struct{ before, after func(*later) }{
	"content that is an object stream": {after: func(l *later) { l.Set(contentNo, container()) }},
	"drawing that is an object stream": {after: func(l *later) { l.Set(drawingNo, container()) }},
	"missing drawing that is one":      {after: func(l *later) { l.Set(90, container()) }},
	"look of fields that is one":       {after: func(l *later) { l.Set(looksNo, container()) }},
	"white box in place of a widget":   {after: both("<</Type/Annot/Subtype/Square/FT/Sig/T(s)/F 4/Rect[0 0 300 300]/IC[1 1 1]/C[1 1 1]/Unused %s>>")},
	"white ground of a widget":         {after: both("<</Type/Annot/Subtype/Widget/FT/Sig/T(s)/F 4/Rect[0 0 300 300]/MK<</BG[1 1 1]>>/Unused %s>>")},
	"a place of five numbers":          {after: both("<</Type/Annot/Subtype/Widget/FT/Sig/T(s)/F 4/Rect[0 0 300 300 0]/AP<</N %s>>>>")},
	"a place that is named twice":      {after: both("<</Type/Annot/Subtype/Widget/FT/Sig/T(s)/F 4/Rect[0 0 0 0]/Rect[0 0 300 300]/AP<</N %s>>>>")},
	"a look that is named twice":       {after: both("<</Type/Annot/Subtype/Widget/FT/Sig/T(s)/F 4/Rect[0 0 300 300]/AP null/AP<</N %s>>>>")},
	"a kind that is named twice":       {after: both("<</Type/Annot/Subtype/Widget/FT/Sig/FT/Tx/V(9)/T(s)/F 4/Rect[0 0 300 300]/AP null/Unused %s>>")},
	"shown in print alone":             {after: both("<</Type/Annot/Subtype/Widget/FT/Sig/T(s)/F 36/Rect[0 0 300 300]/AP<</N %s>>>>")},
	"shown when it is pointed at":      {after: both("<</Type/Annot/Subtype/Widget/FT/Sig/T(s)/F 288/Rect[0 0 300 300]/AP<</N %s>>>>")},
	"a script of an invisible field":   {after: both("<</Type/Annot/Subtype/Widget/FT/Sig/T(s)/F 4/Rect[0 0 0 0]/AA<</PO<</S/JavaScript/JS(x)>>>>/Unused %s>>")},
	"an action of an invisible field":  {after: both("<</Type/Annot/Subtype/Widget/FT/Sig/T(s)/F 4/Rect[0 0 0 0]/A<</S/JavaScript/JS(x)>>/Unused %s>>")},
	"a script of a kid":                {after: both("<</FT/Sig/T(s)/Kids[<</Subtype/Widget/Rect[0 0 0 0]/AA<</PO<</S/JavaScript/JS(x)>>>>>>]/Unused %s>>")},
	"a white box in a kid":             {after: both("<</FT/Sig/T(s)/Kids[<</Subtype/Square/IC[1 1 1]/F 4/Rect[0 0 300 300]>>]/Unused %s>>")},
	"annotations in another order": {after: func(l *later) {
		a := slices.Clone(l.view.Array(l.dict(pageNo).Get("Annots")))
		slices.Reverse(a)
		l.set(pageNo, "Annots", a)
	}},
	"a field's widget drawn again": {after: func(l *later) { l.onPage(pdf.Ref{Number: fieldNo}) }},
	"a field's widget that was on no page": {
		before: func(l *later) {
			l.Set(preparedNo, raw("<</Type/Annot/Subtype/Widget/FT/Tx/T(z)/F 4/Rect[0 0 300 300]/AP<</N %d 0 R>>>>", l.stream(looks).Number))
			l.inForm(pdf.Ref{Number: preparedNo})
		},
		after: func(l *later) { l.onPage(pdf.Ref{Number: preparedNo}) },
	},
	"a note in a page exchanged for a field": {
		before: func(l *later) { l.onPage(raw("<</Type/Annot/Subtype/Stamp/F 4/Rect[0 0 300 300]/Contents(VOID)>>")) },
		after: func(l *later) {
			a := slices.Clone(l.view.Array(l.dict(pageNo).Get("Annots")))
			field := l.Add(raw("<</Type/Annot/Subtype/Widget/FT/Sig/T(s)/F 4/Rect[0 0 0 0]>>"))
			at := slices.IndexFunc(a, func(o pdf.Object) bool { _, isRef := o.(pdf.Ref); return !isRef })
			a[at] = field
			l.set(pageNo, "Annots", a)
			l.inForm(field)
		},
	},
	"white letters for fields": {
		before: func(l *later) {
			l.Set(formNo, raw("<</Fields[7 0 R 12 0 R]/NeedAppearances true/DR<</Font<</F 6 0 R>>>>>>"))
		},
		after: func(l *later) { l.set(formNo, "DA", str("/F 0 Tf 1 g")) },
	},
	"a font that fields name appears": {
		before: func(l *later) {
			l.Set(formNo, raw("<</Fields[7 0 R 12 0 R]/NeedAppearances true/DA(/G 0 Tf 0 g)/DR<</Font<</F 6 0 R>>>>>>"))
		},
		after: func(l *later) {
			l.set(formNo, "DR", raw("<</Font<</F 6 0 R/G %d 0 R>>>>", l.Add(raw("<</Type/Font/Subtype/Type1/BaseFont/Courier/Encoding<</Differences[49/nine]>>>>")).Number))
		},
	},
	"resources that fields name appear": {
		before: func(l *later) { l.Set(formNo, raw("<</Fields[7 0 R 12 0 R]/NeedAppearances true/DA(/G 0 Tf 0 g)>>")) },
		after: func(l *later) {
			l.set(formNo, "DR", raw("<</Font<</G %d 0 R>>>>", l.Add(raw("<</Type/Font/Subtype/Type1/BaseFont/Courier/Encoding<</Differences[49/nine]>>>>")).Number))
		},
	},
	"a font descriptor's file": {
		before: func(l *later) {
			l.Set(preparedNo, raw("<</Type/FontDescriptor/FontName/H/FontFile2 %d 0 R>>", secondNo))
			l.Set(secondNo, pdf.NewStream(nil, []byte("glyphs")))
			l.set(fontNo, "FontDescriptor", pdf.Ref{Number: preparedNo})
		},
		after: func(l *later) { l.Set(secondNo, pdf.NewStream(nil, []byte("other glyphs"))) },
	},
	"a layer is shown": {
		before: func(l *later) {
			l.Set(preparedNo, raw("<</Type/OCG/Name(a)>>"))
			l.Set(secondNo, raw("<</OFF[%d 0 R]>>", preparedNo))
			l.set(catalogNo, "OCProperties", raw("<</OCGs[%d 0 R]/D %d 0 R>>", preparedNo, secondNo))
		},
		after: func(l *later) { l.Set(secondNo, raw("<</OFF[]>>")) },
	},
	"a form of another kind (XFA)": {after: func(l *later) { l.set(formNo, "XFA", l.stream("<xdp/>")) }},
	"the order of calculation":     {after: func(l *later) { l.set(formNo, "CO", raw("[7 0 R]")) }},
	"embedded files":               {after: func(l *later) { l.set(catalogNo, "Names", raw("<</EmbeddedFiles<</Names[]>>>>")) }},
	"associated files":             {after: func(l *later) { l.set(catalogNo, "AF", raw("[]")) }},
	"scripts of the document": {after: func(l *later) {
		l.set(catalogNo, "Names", raw("<</JavaScript<</Names[(x)<</S/JavaScript/JS(x)>>]>>>>"))
	}},
	"actions of the document":    {after: func(l *later) { l.set(catalogNo, "AA", raw("<</WS<</S/JavaScript/JS(x)>>>>")) }},
	"usage rights":               {after: func(l *later) { l.set(catalogNo, "Perms", raw("<</UR3 %d 0 R>>", l.Add(raw("<</Type/Sig>>")).Number)) }},
	"labels of pages":            {after: func(l *later) { l.set(catalogNo, "PageLabels", raw("<</Nums[0<</S/r>>]>>")) }},
	"a preference of the viewer": {after: func(l *later) { l.set(catalogNo, "ViewerPreferences", raw("<</HideToolbar true>>")) }},
	"an action of a page":        {after: func(l *later) { l.set(pageNo, "AA", raw("<</O<</S/JavaScript/JS(x)>>>>")) }},
	"a group of a page":          {after: func(l *later) { l.set(pageNo, "Group", raw("<</S/Transparency/K true>>")) }},
	"units of a page":            {after: func(l *later) { l.set(pageNo, "UserUnit", int64(9)) }},
	"a box that pages inherit":   {after: func(l *later) { l.set(pagesNo, "CropBox", raw("[0 0 9 9]")) }},
}

// attacked are the prepared documents after the attack, and a few written octet by octet.
func attacked(t *testing.T) map[string][]byte {
	t.Helper()
	k := newKey(t)
	out := map[string][]byte{}
	for what, a := range prepared {
		document := paper()
		if a.before != nil {
			document = update(t, document, a.before)
		}
		signed := k.sign(t, document, pades.SignInput{})
		if s := first(t, signed); s.Coverage() != pades.Whole {
			t.Errorf("%s: not whole before it is attacked: %+v", what, s.Changes)
		}
		out[what] = update(t, signed, a.after)
	}
	signed := k.sign(t, paper(), pades.SignInput{})
	f, err := pdf.Open(signed, pdf.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	prev := bytes.LastIndex(signed, []byte("\nxref\n")) + 1
	size, _ := f.Last().Trailer().Get("Size").(int64)
	root := fmt.Sprintf("/Size %d/Prev %d/Info 11 0 R", size+9, prev)
	// A section that is a stream takes the number of the content: the row of one octet each is its content.
	at := len(signed) + 1
	row := string([]byte{1, byte(at >> 16), byte(at >> 8), byte(at), 0})
	out["content that is a cross-reference stream"] = fmt.Appendf(bytes.Clone(signed),
		"\n%d 0 obj\n<</Type/XRef/Root 1 0 R%s/W[1 3 1]/Index[%d 1]/Length %d>>stream\n%s\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n",
		contentNo, root, contentNo, len(row), row, at)
	// A section that says of the content what no reader knows, and one that says more than it has: readers give it up, and search.
	for what, rows := range map[string]string{"content of an unknown kind": "\x03\x00\x00\x00\x00", "a section that is too short": ""} {
		out[what] = fmt.Appendf(bytes.Clone(signed),
			"\n%d 0 obj\n<</Type/XRef/Root 1 0 R%s/W[1 3 1]/Index[%d 1]/Length %d>>stream\n%s\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n",
			preparedNo, root, contentNo, len(rows), rows, at)
	}
	// The content once more as it was, of another generation: no reference leads to it any more.
	again := string(f.Data()[bytes.Index(signed, fmt.Appendf(nil, "\n%d 0 obj", contentNo))+1:])
	again = strings.Replace(again[:strings.Index(again, "endobj")+len("endobj\n")], " 0 obj", " 1 obj", 1)
	out["content of another generation"] = fmt.Appendf(bytes.Clone(signed), "\n%sxref\n%d 1\n%010d 00001 n \ntrailer\n<</Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF\n",
		again, contentNo, at, root, at+len(again))
	// Two catalogs in one trailer.
	evil := fmt.Sprintf("\n%d 0 obj\n<</Type/Catalog/Pages %d 0 R>>\nendobj\n%d 0 obj\n<</Type/Pages/Kids[]/Count 0>>\nendobj\n", preparedNo, secondNo, secondNo)
	second := at + bytes.Index([]byte(evil[1:]), fmt.Appendf(nil, "%d 0 obj", secondNo))
	out["a trailer with two catalogs"] = fmt.Appendf(bytes.Clone(signed), "%sxref\n%d 2\n%010d 00000 n \n%010d 00000 n \ntrailer\n<</Root 1 0 R/Root %d 0 R/Size 99/Prev %d/Info 11 0 R>>\nstartxref\n%d\n%%%%EOF\n",
		evil, preparedNo, at, second, preparedNo, prev, len(signed)+len(evil))
	return out
}

// TestPreparedAttacks: no change that shows, acts, or is read differently by other programs leaves a signature whole.
func TestPreparedAttacks(t *testing.T) {
	for what, document := range attacked(t) {
		d, err := pades.Open(document, pdf.Limits{})
		if err != nil {
			t.Logf("%s: refused: %v", what, err)
			continue
		}
		for _, s := range d.Signatures {
			if s.Coverage() == pades.Whole && fault(d, s) == "" {
				t.Errorf("%s: whole: %+v", what, s.Changes)
			}
			t.Logf("%s: %v %s", what, kinds(s), fault(d, s))
		}
	}
}
