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

// rectangle are four numbers, the lower left corner first.
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
	out = [4]float64{min(out[0], out[2]), min(out[1], out[3]), max(out[0], out[2]), max(out[1], out[3])}
	return out, out[2] > out[0] && out[3] > out[1]
}

func numbers(values ...float64) pdf.Array {
	out := make(pdf.Array, 0, len(values))
	for _, v := range values {
		out = append(out, pdf.Real(strconv.FormatFloat(v, 'f', 2, 64)))
	}
	return out
}
