package mark

import (
	"bytes"
	"cmp"
	"compress/zlib"
	"fmt"
	"maps"
	"slices"

	"qaqpa/signer/typeface"
)

// pointsPerMM turns millimetres into the units of PDF.
const pointsPerMM = 72 / 25.4

// colour is red, green and blue, of 255.
type colour [3]int

// page is a page of a PDF document while it is drawn. Its places are millimetres from the upper left corner.
type page struct {
	face    *typeface.Face
	content bytes.Buffer
	used    map[uint16]rune // the glyphs of the text, with what they stand for
}

func newPage() *page { return &page{face: typeface.Sans(), used: map[uint16]rune{}} }

// frame draws a rectangle's outline.
func (p *page) frame(x, y, w, h, line float64) {
	fmt.Fprintf(&p.content, "%.2f w %s re S\n", line*pointsPerMM, p.box(x, y, w, h))
}

// fill draws a rectangle.
func (p *page) fill(x, y, w, h float64) { fmt.Fprintf(&p.content, "%s re f\n", p.box(x, y, w, h)) }

func (p *page) box(x, y, w, h float64) string {
	return fmt.Sprintf("%.3f %.3f %.3f %.3f", x*pointsPerMM, (HeightMM-y-h)*pointsPerMM, w*pointsPerMM, h*pointsPerMM)
}

// colour sets that of lines (RG) or of areas and text (rg).
func (p *page) colour(operator string, c colour) {
	fmt.Fprintf(&p.content, "%.3f %.3f %.3f %s\n", float64(c[0])/255, float64(c[1])/255, float64(c[2])/255, operator)
}

// text draws a line of letters of a size in points; y is the middle of the line.
func (p *page) text(x, y float64, line string, size float64) {
	y += 0.3 * size / pointsPerMM // from the middle to the base
	fmt.Fprintf(&p.content, "BT /F %.2f Tf %.3f %.3f Td <", size, x*pointsPerMM, (HeightMM-y)*pointsPerMM)
	for _, r := range line {
		g := p.face.Glyph(r)
		if before, ok := p.used[g]; !ok || r < before {
			p.used[g] = r
		}
		fmt.Fprintf(&p.content, "%04X", g)
	}
	p.content.WriteString("> Tj ET\n")
}

// width is that of a line in millimetres.
func (p *page) width(line string, size float64) float64 {
	return float64(p.face.TextWidth(line)) / 1000 * size / pointsPerMM
}

// document is the finished PDF document. The same drawing gives the same octets.
func (p *page) document() ([]byte, error) {
	glyphs := slices.Sorted(maps.Keys(p.used))
	font := p.face.Subset(glyphs)
	objects := []string{
		"<</Type/Catalog/Pages 2 0 R>>",
		"<</Type/Pages/Kids[3 0 R]/Count 1>>",
		fmt.Sprintf("<</Type/Page/Parent 2 0 R/MediaBox[0 0 %.2f %.2f]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>", WidthMM*pointsPerMM, HeightMM*pointsPerMM),
		"",
		"<</Type/Font/Subtype/Type0/BaseFont/QAQPAA+DejaVuSans/Encoding/Identity-H/DescendantFonts[6 0 R]/ToUnicode 9 0 R>>",
		"<</Type/Font/Subtype/CIDFontType2/BaseFont/QAQPAA+DejaVuSans/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>" +
			"/FontDescriptor 7 0 R/CIDToGIDMap/Identity/DW 600/W[" + p.widths(glyphs) + "]>>",
		"<</Type/FontDescriptor/FontName/QAQPAA+DejaVuSans/Flags 4/FontBBox[-1021 -463 1793 1232]/ItalicAngle 0/Ascent 928/Descent -236/CapHeight 729/StemV 80/FontFile2 8 0 R>>",
		"", "",
	}
	for n, content := range map[int][]byte{3: p.content.Bytes(), 7: font, 8: p.toUnicode(glyphs)} {
		var packed bytes.Buffer
		z := zlib.NewWriter(&packed)
		if _, err := z.Write(content); err != nil {
			return nil, fmt.Errorf("couldn't draw the signature: %w", err)
		}
		if err := z.Close(); err != nil {
			return nil, fmt.Errorf("couldn't draw the signature: %w", err)
		}
		objects[n] = fmt.Sprintf("<</Length %d/Length1 %d/Filter/FlateDecode>>stream\n%s\nendstream", packed.Len(), len(content), packed.Bytes())
	}
	var out bytes.Buffer
	out.WriteString("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
	var table bytes.Buffer
	fmt.Fprintf(&table, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for i, o := range objects {
		fmt.Fprintf(&table, "%010d 00000 n \n", out.Len())
		fmt.Fprintf(&out, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	at := out.Len()
	fmt.Fprintf(&out, "%strailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", table.String(), len(objects)+1, at)
	return out.Bytes(), nil
}

func (p *page) widths(glyphs []uint16) string {
	var b bytes.Buffer
	for _, g := range glyphs {
		fmt.Fprintf(&b, "%d[%d]", g, p.face.Width(g))
	}
	return b.String()
}

// toUnicode tells readers which characters the glyphs stand for (ISO 32000-1 9.10.3), so that the text can be searched and copied.
func (p *page) toUnicode(glyphs []uint16) []byte {
	var b bytes.Buffer
	b.WriteString("/CIDInit/ProcSet findresource begin 12 dict begin begincmap/CIDSystemInfo<</Registry(Adobe)/Ordering(UCS)/Supplement 0>>def\n" +
		"/CMapName/Adobe-Identity-UCS def/CMapType 2 def\n1 begincodespacerange<0000><FFFF>endcodespacerange\n")
	for some := range slices.Chunk(glyphs, 100) {
		fmt.Fprintf(&b, "%d beginbfchar\n", len(some))
		for _, g := range some {
			fmt.Fprintf(&b, "<%04X><%04X>\n", g, cmp.Or(p.used[g], ' '))
		}
		b.WriteString("endbfchar\n")
	}
	b.WriteString("endcmap CMapName currentdict/CMap defineresource pop end end\n")
	return b.Bytes()
}
