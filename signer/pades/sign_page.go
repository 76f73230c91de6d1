package pades

import (
	"fmt"
	"math"
	"strconv"
	"unicode/utf16"

	"qaqpa/signer/pdf"
)

func utf16With(s string) []byte {
	out := []byte{0xfe, 0xff}
	for _, u := range utf16.Encode([]rune(s)) {
		out = append(out, byte(u>>8), byte(u)) //nolint:gosec // the octets of a unit
	}
	return out
}

// page finds the page on which the widget stands: the first one, or that of the appearance.
func (w *writer) page() (*pdf.Dict, int, error) {
	wanted := 0
	if w.in.Appearance != nil {
		wanted = w.in.Appearance.Page
	}
	catalog, _, err := w.catalog()
	if err != nil {
		return nil, 0, err
	}
	pages := pageNumbers(w.view, catalog.Get("Pages"))
	if wanted == -1 {
		wanted = len(pages) - 1
	}
	if wanted < 0 || wanted >= len(pages) {
		return nil, 0, fmt.Errorf("%w: page %d of %d", ErrField, wanted+1, len(pages))
	}
	return w.view.Dict(pdf.Ref{Number: pages[wanted]}), pages[wanted], nil
}

// pageNumbers are the objects of the pages, in order.
func pageNumbers(v pdf.View, root pdf.Object) (out []int) {
	visited := map[int]bool{}
	var walk func(o pdf.Object, depth int)
	walk = func(o pdf.Object, depth int) {
		ref, ok := o.(pdf.Ref)
		d := v.Dict(o)
		if !ok || d == nil || visited[ref.Number] || depth > pageDepthMax {
			return
		}
		visited[ref.Number] = true
		if !d.Has("Kids") {
			out = append(out, ref.Number)
			return
		}
		for _, kid := range v.Array(d.Get("Kids")) {
			walk(kid, depth+1)
		}
	}
	walk(root, 0)
	return out
}

// appearance takes the first page of the picture for what the widget shows.
func (w *writer) appearance(widget map[pdf.Name]pdf.Object) error {
	f, err := pdf.Open(w.in.Appearance.Picture, pdf.Limits{})
	if err != nil {
		return err
	}
	v := f.Last()
	pages := pageNumbers(v, v.Dict(v.Trailer().Get("Root")).Get("Pages"))
	if len(pages) == 0 {
		return fmt.Errorf("%w: the picture has no page", pdf.ErrStructure)
	}
	page := v.Dict(pdf.Ref{Number: pages[0]})
	box, resources := inherited(v, page, "MediaBox"), inherited(v, page, "Resources")
	content := v.Stream(page.Get("Contents"))
	size, ok := rectangle(v, box)
	if !ok || content == nil {
		return fmt.Errorf("%w: the picture has no content", pdf.ErrStructure)
	}
	dict := content.Dict
	form := map[pdf.Name]pdf.Object{
		"Type": pdf.Name("XObject"), "Subtype": pdf.Name("Form"), "BBox": numbers(size[0], size[1], size[2], size[3]),
	}
	for _, key := range []pdf.Name{"Filter", "DecodeParms"} {
		if o := v.Resolve(dict.Get(key)); o != nil {
			form[key] = o
		}
	}
	if form["Resources"], err = w.u.Import(v, resources); err != nil {
		return err
	}
	picture := w.u.Add(pdf.NewStream(pdf.NewDict(form), content.Raw))
	x, y := w.in.Appearance.X, w.in.Appearance.Y
	widget["Rect"] = numbers(x, y, x+size[2]-size[0], y+size[3]-size[1])
	widget["AP"] = pdf.NewDict(map[pdf.Name]pdf.Object{"N": picture})
	return nil
}

// inherited is an attribute of a page, which may stand at a node above it.
func inherited(v pdf.View, page *pdf.Dict, key pdf.Name) pdf.Object {
	for range pageDepthMax {
		if o := page.Get(key); o != nil || page == nil {
			return o
		}
		page = v.Dict(page.Get("Parent"))
	}
	return nil
}

func rectangle(v pdf.View, o pdf.Object) (out [4]float64, ok bool) {
	a := v.Array(o)
	if len(a) != len(out) {
		return out, false
	}
	for i, e := range a {
		if out[i], ok = pdf.Number(v.Resolve(e)); !ok || math.Abs(out[i]) > 1e6 {
			return out, false
		}
	}
	return out, out[2] > out[0] && out[3] > out[1]
}

func numbers(values ...float64) pdf.Array {
	out := make(pdf.Array, 0, len(values))
	for _, v := range values {
		out = append(out, pdf.Real(strconv.FormatFloat(v, 'f', 2, 64)))
	}
	return out
}
