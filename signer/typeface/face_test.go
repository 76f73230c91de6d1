package typeface

import (
	"bytes"
	"testing"
)

// Every letter of Kazakh, Russian and English has a glyph and a width; composed letters bring what they are put together from; the same glyphs
// give the same octets, and a few letters a small file.
func TestFace(t *testing.T) {
	f := Sans()
	const letters = "АӘБВГҒДЕЁЖЗИЙКҚЛМНҢОӨПРСТУҰҮФХҺЦЧШЩЪЫІЬЭЮЯаәбвгғдеёжзийкқлмнңоөпрстуұүфхһцчшщъыіьэюя0123456789«»·…+-:ABCxyz"
	var glyphs []uint16
	for _, r := range letters {
		g := f.Glyph(r)
		if g == 0 || f.Width(g) < 200 || f.Width(g) > 1300 {
			t.Errorf("%c: glyph %d, width %d", r, g, f.Width(g))
		}
		glyphs = append(glyphs, g)
	}
	if f.Glyph('漢') != 0 || f.Width(f.Glyph('漢')) != f.Width(0) || f.Width(65535) != f.Width(0) {
		t.Error("what the face does not have is no empty box")
	}
	if got := f.TextWidth("WW"); got != 2*f.Width(f.Glyph('W')) {
		t.Errorf("two letters are %d wide", got)
	}
	used := map[int]bool{}
	f.use(used, int(f.Glyph('Ё')))
	if !used[int(f.Glyph('Е'))] && len(used) < 2 {
		t.Errorf("Ё is put together from %v", used)
	}
	one := f.Subset(glyphs)
	if !bytes.Equal(one, f.Subset(glyphs)) || len(one) > 120_000 {
		t.Errorf("a subset of %d octets", len(one))
	}
}
