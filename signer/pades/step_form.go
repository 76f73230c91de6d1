package pades

import (
	"strings"

	"qaqpa/signer/pdf"
)

// form is the interactive form: fields may be filled in, and fields for signatures added.
func (s *step) form(p pair) {
	created := p.old == nil
	p = s.follow(p)
	if created {
		p.old = pdf.NewDict(nil)
	}
	if was, ok := p.old.(*pdf.Dict); ok {
		s.defaults(was, p.holder)
		d := drawing{step: s, seen: map[int]bool{}}
		d.list(was.Get("Fields"), p.holder, "", 0)
	}
	s.dicts(p, "the form", map[pdf.Name]rule{
		"Fields":   func(v pair) { s.fieldList(v, fieldContext{}, 0) },
		"SigFlags": func(pair) {},
		"NeedAppearances": func(v pair) {
			if !pdf.Equal(v.old, v.new) {
				s.change(ChangeForm, "", "readers are asked to draw the fields anew")
			}
		},
		"DR": s.resources,
		"DA": func(v pair) {
			// One that was missing gives letters another colour all the same.
			if (v.old != nil || s.drawn) && !pdf.Equal(v.old, v.new) {
				s.change(ChangeForm, "", "the default appearance of fields was changed")
			}
		},
	})
}

// resources of the form: fonts may be added for new appearances, those that are there stay. The rest of the resources
// draws nothing: appearances have their own.
func (s *step) resources(p pair) {
	p = s.follow(p)
	was, _ := p.old.(*pdf.Dict)
	is, _ := p.new.(*pdf.Dict)
	for _, key := range union(was, is) {
		v := pair{was.Get(key), is.Get(key), p.holder}
		switch {
		case key == "Font":
			s.formFonts(v)
		case s.sweep(v):
			s.change(ChangeSignature, "", "resources of the form were added")
		}
	}
}

func (s *step) formFonts(p pair) {
	p = s.follow(p)
	was, _ := p.old.(*pdf.Dict)
	is, _ := p.new.(*pdf.Dict)
	for _, key := range union(was, is) {
		v := pair{was.Get(key), is.Get(key), p.holder}
		switch {
		case v.old == nil:
			s.sweep(v)
			if s.fonts[key] {
				// It was missing when the document was signed; now fields can be drawn with glyphs that say something else.
				s.change(ChangeForm, "", "a font was added that fields name already")
				continue
			}
			s.change(ChangeSignature, "", "fonts of the form were added")
		case !pdf.Equal(v.old, v.new):
			s.change(ChangeOther, "", "a font of fields was exchanged")
		default:
			pdf.References(v.new, func(r pdf.Ref) { s.fixed[[2]int{p.holder, r.Number}] = true })
		}
	}
}

// drawing is the walk through the fields that were there for those that readers may draw themselves, which are all but signatures.
type drawing struct {
	*step

	// seen are objects that are known, looked counts fields with those that stand in lists themselves.
	seen   map[int]bool
	looked int
}

// list goes through Fields, or the Kids of a field. The attack: a list that is its own Kids, or lists that name each other twice, of fields without
// a number to know them by, so that the walk never ends and takes the process with it.
func (d *drawing) list(of pdf.Object, holder int, kind pdf.Name, depth int) {
	if ref, ok := of.(pdf.Ref); ok {
		holder = ref.Number
	}
	for _, o := range d.old.Array(of) {
		if d.looked++; d.looked > fieldsMax || depth > fieldDepthMax {
			d.change(ChangeOther, "", "there are too many fields")
			d.looked = fieldsMax // whoever goes on above ends here, too
			return
		}
		at := holder
		if ref, ok := o.(pdf.Ref); ok {
			if at = ref.Number; d.seen[at] { // kids in a ring
				continue
			}
			d.seen[at] = true
		}
		field, own := d.old.Dict(o), kind
		if named := d.old.Name(field.Get("FT")); named != "" {
			own = named
		}
		kids := field.Get("Kids")
		d.drawn = d.drawn || own != "Sig" && own != "" && kids == nil
		d.defaults(field, at)
		if kids != nil {
			d.list(kids, at, own, depth+1)
		}
	}
}

// defaults notes the fonts that a default appearance names.
func (s *step) defaults(d *pdf.Dict, holder int) {
	da := s.old.String(d.Get("DA"))
	if da == nil {
		return
	}
	for word := range strings.FieldsSeq(strings.ReplaceAll(string(s.old.Text(da, holder)), "/", " /")) {
		if font, ok := strings.CutPrefix(word, "/"); ok && len(s.fonts) < fieldsMax {
			s.fonts[pdf.Name(font)] = true
		}
	}
}

// fieldContext is what a field inherits.
type fieldContext struct {
	name string
	kind pdf.Name
}

// fieldList compares Fields, or the Kids of a field.
func (s *step) fieldList(p pair, c fieldContext, depth int) {
	p = s.follow(p)
	was, _ := p.old.(pdf.Array)
	is, _ := p.new.(pdf.Array)
	if depth > fieldDepthMax || len(is) > fieldsMax {
		s.change(ChangeOther, "", "there are too many fields")
		return
	}
	known := map[pdf.Object]bool{}
	for _, o := range was {
		if ref, ok := o.(pdf.Ref); ok {
			known[ref] = true
		}
	}
	for i, o := range is {
		ref, isRef := o.(pdf.Ref)
		switch {
		case isRef && known[ref]:
			delete(known, ref)
			s.field(pair{o, o, p.holder}, c, depth)
		case i < len(was) && pdf.Equal(was[i], o):
			s.field(pair{was[i], o, p.holder}, c, depth)
		default:
			s.newField(pair{nil, o, p.holder}, c, depth)
		}
	}
	if len(known) > 0 {
		s.change(ChangeOther, c.name, "form fields were removed")
	}
}

// field compares a field that was there. Its value and looks may change; name, kind, place and actions may not.
func (s *step) field(p pair, c fieldContext, depth int) {
	ref, isRef := p.new.(pdf.Ref)
	if isRef && s.fields[ref.Number] {
		return
	}
	p = s.follow(p)
	if isRef {
		s.fields[ref.Number] = true
	}
	is, _ := p.new.(*pdf.Dict)
	was, _ := p.old.(*pdf.Dict)
	c = c.below(s.new, is, p.holder)
	if c.kind == "Sig" && was.Get("V") == nil && is.Get("V") != nil {
		s.signed(p, c, depth)
		return
	}
	filled := func(v pair) {
		if s.sweep(v) {
			s.change(ChangeForm, c.name, "a field was filled in")
		}
	}
	rules := map[pdf.Name]rule{
		"Kids": func(v pair) { s.fieldList(v, c, depth+1) },
		"Ff":   func(v pair) { s.flags(v, c) },
		"AP":   filled, "AS": filled, "M": func(pair) {}, "MK": filled,
	}
	if c.kind == "Sig" && was.Get("V") != nil {
		// What a signature shows is the signer's word: nobody else may change it.
		filled = func(v pair) {
			if s.sweep(v) {
				s.change(ChangeOther, c.name, "the looks of a signature were changed")
			}
		}
		rules["AP"], rules["AS"], rules["MK"] = filled, filled, filled
	}
	if c.kind == "Sig" {
		rules["V"] = func(v pair) {
			if s.sweep(v) {
				s.change(ChangeOther, c.name, "a signature was exchanged or removed")
			}
		}
	} else {
		rules["V"], rules["I"], rules["RV"], rules["DA"], rules["TI"] = filled, filled, filled, filled, filled
	}
	s.dicts(p, "the field "+c.name, rules)
}

func (c fieldContext) below(v pdf.View, d *pdf.Dict, holder int) fieldContext {
	if own := v.Name(d.Get("FT")); own != "" {
		c.kind = own
	}
	c.name = fullName(v, d, holder, c.name)
	return c
}

// flags may be set to read-only when a signature locks a field.
func (s *step) flags(p pair, c fieldContext) {
	was, _ := p.old.(int64)
	is, _ := p.new.(int64)
	if was|1 != is|1 || was&1 == 1 && is&1 == 0 {
		s.change(ChangeOther, c.name, "the kind of a field was changed")
	}
}

// signed is a field for a signature that was empty and holds one now.
func (s *step) signed(p pair, c fieldContext, depth int) {
	is, _ := p.new.(*pdf.Dict)
	allow := func(v pair) { s.sweep(v) }
	s.dicts(p, "the field "+c.name, map[pdf.Name]rule{
		"V": allow, "AP": allow, "AS": allow, "M": allow, "MK": allow, "F": allow, "DA": allow, "Ff": func(v pair) { s.flags(v, c) },
		"Lock": func(v pair) {
			if s.sweep(v) && v.old != nil {
				s.change(ChangeOther, c.name, "the lock of a field was exchanged")
			}
		},
		"Kids": func(v pair) { s.fieldList(v, c, depth+1) },
	})
	s.tellSignature(is, c)
}

// newField is a field that was not there: one for a signature, or something that no signature allows.
func (s *step) newField(p pair, c fieldContext, depth int) {
	if ref, ok := p.new.(pdf.Ref); ok {
		s.fields[ref.Number] = true
	}
	p = s.follow(p)
	is, _ := p.new.(*pdf.Dict)
	c = c.below(s.new, is, p.holder)
	if is == nil || c.kind != "Sig" {
		// Also a widget more for a field of another kind: it shows the value where nobody put it.
		s.change(ChangeOther, c.name, "a form field was added")
		return
	}
	if ref := p.holder; s.new.Get(ref) == pdf.Object(is) && s.old.Get(ref) != nil {
		s.change(ChangeOther, c.name, "a field was added that is another object already")
		return
	}
	s.acts(is, c)
	for _, o := range s.new.Array(is.Get("Kids")) {
		kid := s.new.Dict(o)
		if ref, ok := o.(pdf.Ref); ok {
			s.fields[ref.Number] = true
			if s.old.Get(ref.Number) != nil {
				s.change(ChangeOther, c.name, "a field was added over an object that was there already")
			}
		}
		s.acts(kid, c)
		if depth < fieldDepthMax {
			s.visible(kid, c)
		}
	}
	s.sweep(pair{nil, is, p.holder})
	s.tellSignature(is, c)
}

// tellSignature names the signature that a field got.
func (s *step) tellSignature(field *pdf.Dict, c fieldContext) {
	value := s.new.Dict(field.Get("V"))
	switch {
	case s.visible(field, c):
	case value == nil:
		s.change(ChangeSignature, c.name, "an empty field for a signature was added")
	case SubFilter(s.new.Name(value.Get("SubFilter"))) == TimeStamp:
		s.change(ChangeTimeStamp, c.name, "a time stamp over the document was added")
	default:
		s.change(ChangeSignature, c.name, "a signature was added")
	}
}

// acts tells that a new field does something by itself: scripts run when its page is shown, although nothing is to be seen of it.
func (s *step) acts(field *pdf.Dict, c fieldContext) {
	if field.Has("A") || field.Has("AA") {
		s.change(ChangeOther, c.name, "a field with an action was added")
	}
}

// visible tells whether a widget shows something. What it shows may lie on what was signed (evil annotation and sneaky signature
// attacks).
func (s *step) visible(widget *pdf.Dict, c fieldContext) bool {
	if !s.shows(widget) {
		return false
	}
	s.change(ChangeVisible, c.name, "a signature, or a field for one, shows something on a page")
	return true
}

// Flags of annotations (ISO 32000-1 table 165).
const (
	flagHidden       = 1 << 1
	flagPrint        = 1 << 2
	flagNoView       = 1 << 5
	flagToggleNoView = 1 << 8
)

// shows tells whether an annotation may show something: it has a place, is not hidden on screen and paper, and has looks. Those are an
// appearance, a ground or border that readers draw themselves, or that of an annotation that is no widget at all, such as a white square.
func (s *step) shows(widget *pdf.Dict) bool {
	flags, _ := s.new.Integer(widget.Get("F"))
	if flags&flagHidden != 0 || flags&flagNoView != 0 && flags&(flagPrint|flagToggleNoView) == 0 {
		return false
	}
	kind := s.new.Name(widget.Get("Subtype"))
	looks := s.new.Resolve(widget.Get("AP")) != nil || s.new.Resolve(widget.Get("MK")) != nil || kind != "" && kind != "Widget"
	return looks && s.takesRoom(s.new.Resolve(widget.Get("Rect")))
}

// takesRoom tells whether a place has an area. Programs differ in what they make of one that is not four numbers, so it counts as having one.
func (s *step) takesRoom(place pdf.Object) bool {
	if place == nil {
		return false
	}
	rect, _ := place.(pdf.Array)
	if len(rect) != 4 {
		return true
	}
	var at [4]float64
	for i, o := range rect {
		var ok bool
		if at[i], ok = pdf.Number(s.new.Resolve(o)); !ok {
			return true
		}
	}
	return at[0] != at[2] && at[1] != at[3]
}
