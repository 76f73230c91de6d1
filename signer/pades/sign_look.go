package pades

import (
	"fmt"

	"qaqpa/signer/pdf"
)

// picture is what a widget shows, before it is turned and placed.
type picture struct {
	form map[pdf.Name]pdf.Object
	raw  []byte
	box  [4]float64
}

// picture takes the first page of the picture that is asked for.
func (w *writer) picture() (out picture, err error) {
	f, err := pdf.Open(w.in.Appearance.Picture, pdf.Limits{})
	if err != nil {
		return out, err
	}
	v := f.Last()
	pages := pageNumbers(v, v.Dict(v.Trailer().Get("Root")).Get("Pages"))
	if len(pages) == 0 {
		return out, fmt.Errorf("%w: the picture has no page", pdf.ErrStructure)
	}
	page := v.Dict(pdf.Ref{Number: pages[0]})
	content := v.Stream(page.Get("Contents"))
	box, ok := rectangle(v, inherited(v, page, "MediaBox"))
	if !ok || content == nil {
		return out, fmt.Errorf("%w: the picture has no content", pdf.ErrStructure)
	}
	out = picture{form: map[pdf.Name]pdf.Object{"Type": pdf.Name("XObject"), "Subtype": pdf.Name("Form")}, raw: content.Raw, box: box}
	for _, key := range []pdf.Name{"Filter", "DecodeParms"} {
		if o := v.Resolve(content.Dict.Get(key)); o != nil {
			out.form[key] = o
		}
	}
	out.form["Resources"], err = w.u.Import(v, inherited(v, page, "Resources"))
	return out, err
}

// sheet is a page as readers show it.
type sheet struct {
	box   [4]float64 // what is shown, in the coordinates of the page
	turns int        // by 90 degrees, clockwise
}

func (w *writer) sheet(page *pdf.Dict) (out sheet, ok bool) {
	if out.box, ok = rectangle(w.view, inherited(w.view, page, "MediaBox")); !ok {
		return out, false
	}
	if crop, ok := rectangle(w.view, inherited(w.view, page, "CropBox")); ok {
		for i := range 2 {
			out.box[i], out.box[i+2] = max(out.box[i], crop[i]), min(out.box[i+2], crop[i+2])
		}
	}
	if turn, ok := w.view.Integer(inherited(w.view, page, "Rotate")); ok && turn%90 == 0 {
		out.turns = int((turn/90%4 + 4) % 4)
	}
	return out, true
}

// place is where something stands on the page whose lower left corner is seen at x, y from that of the page; false: not all of it lies on
// the page.
func (s sheet) place(x, y, width, height float64) (rect [4]float64, ok bool) {
	b := s.box
	wide, high := b[2]-b[0], b[3]-b[1]
	if s.turns%2 == 1 {
		wide, high = high, wide
	}
	if fits := x >= 0 && y >= 0 && x+width <= wide && y+height <= high; !fits { // no number fits nowhere
		return rect, false
	}
	switch s.turns {
	case 1: // what is up in the page is seen to the right
		return [4]float64{b[2] - y - height, b[1] + x, b[2] - y, b[1] + x + width}, true
	case 2:
		return [4]float64{b[2] - x - width, b[3] - y - height, b[2] - x, b[3] - y}, true
	case 3:
		return [4]float64{b[0] + y, b[3] - x - width, b[0] + y + height, b[3] - x}, true
	}
	return [4]float64{b[0] + x, b[1] + y, b[0] + x + width, b[1] + y + height}, true
}

// look finishes the picture, turned as the page is so that it is seen upright, and adds it.
func (w *writer) look(p picture, turns int) pdf.Ref {
	p.form["BBox"] = numbers(p.box[:]...)
	if turns > 0 {
		p.form["Matrix"] = [...]pdf.Object{1: numbers(0, 1, -1, 0, 0, 0), 2: numbers(-1, 0, 0, -1, 0, 0), 3: numbers(0, -1, 1, 0, 0, 0)}[turns]
	}
	return w.u.Add(pdf.NewStream(pdf.NewDict(p.form), p.raw))
}

// appearance makes a new widget show the picture, in its own size and whole.
func (w *writer) appearance(widget map[pdf.Name]pdf.Object, page *pdf.Dict) error {
	p, err := w.picture()
	if err != nil {
		return err
	}
	s, ok := w.sheet(page)
	if !ok {
		return fmt.Errorf("%w: the page has no size", ErrPlace)
	}
	rect, ok := s.place(w.in.Appearance.X, w.in.Appearance.Y, p.box[2]-p.box[0], p.box[3]-p.box[1])
	if !ok {
		return fmt.Errorf("%w: it has %.0f by %.0f points", ErrPlace, p.box[2]-p.box[0], p.box[3]-p.box[1])
	}
	widget["Rect"] = numbers(rect[:]...)
	widget["AP"] = pdf.NewDict(map[pdf.Name]pdf.Object{"N": w.look(p, s.turns)})
	return nil
}

// fit makes an empty field that is there show the picture: as large as the field's place allows, in the middle of it.
func (w *writer) fit(field *pdf.Dict) (*pdf.Dict, error) {
	p, err := w.picture()
	if err != nil {
		return nil, err
	}
	rect, ok := rectangle(w.view, field.Get("Rect"))
	if !ok {
		return nil, fmt.Errorf("%w: the field has no room for it", ErrPlace)
	}
	s, _ := w.sheet(w.view.Dict(field.Get("P")))
	wide, high := rect[2]-rect[0], rect[3]-rect[1]
	if s.turns%2 == 1 {
		wide, high = high, wide
	}
	// Readers stretch the box to the place, so it gets the place's proportions.
	scale := min(wide/(p.box[2]-p.box[0]), high/(p.box[3]-p.box[1]))
	across, up := (wide/scale-(p.box[2]-p.box[0]))/2, (high/scale-(p.box[3]-p.box[1]))/2
	p.box = [4]float64{p.box[0] - across, p.box[1] - up, p.box[2] + across, p.box[3] + up}
	flags, _ := w.view.Integer(field.Get("F"))
	return field.With("AP", pdf.NewDict(map[pdf.Name]pdf.Object{"N": w.look(p, s.turns)})).With("F", flags&^(flagHidden|flagNoView)|flagPrint), nil
}
