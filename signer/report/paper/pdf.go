package paper

import (
	"bytes"
	"fmt"
	"time"

	"codeberg.org/go-pdf/fpdf"

	"qaqpa/signer/report"
	"qaqpa/signer/typeface"
)

// Layout, in millimetres; sizes of letters in points.
const (
	fontName  = "dejavu"
	marginMM  = 17.0
	labelMM   = 52.0
	lineMM    = 4.6
	smallMM   = 3.5
	gapMM     = 2.4
	textPt    = 9.5
	smallPt   = 6.8
	strokeMM  = 0.22 // thickens letters: the face is embedded in one weight
	cellPadMM = 1.0
)

// colour is red, green, blue.
type colour [3]int

var (
	ink   = colour{22, 32, 42}
	soft  = colour{81, 96, 110}
	line  = colour{207, 214, 220}
	brand = colour{11, 107, 117}
	pale  = colour{238, 243, 246}
	white = colour{255, 255, 255}

	toneInk   = map[string]colour{"passed": {20, 102, 58}, "failed": {163, 22, 31}, "unclear": {122, 77, 0}}
	tonePaper = map[string]colour{"passed": {231, 244, 236}, "failed": {252, 235, 236}, "unclear": {253, 243, 223}}
)

// canvas draws a page.
type canvas struct {
	*fpdf.Fpdf
	page   *Page
	width  float64
	bottom float64
}

// PDF draws the page on A4, the expert's part after the plain one, with a link to it. Equal verdicts give equal bytes.
func PDF(v report.Verdict, l report.Lang) ([]byte, error) {
	p := Of(v, l)
	at := v.EvidenceAt
	if at.IsZero() {
		at = v.At
	}
	c := newCanvas(p, at)
	expert := c.AddLink()
	c.outcome(expert)
	for _, s := range p.Signers {
		c.signer(s)
	}
	if p.More != "" {
		c.write(0, c.width, pen{textPt, lineMM, soft}, p.More)
	}
	c.AddPage()
	c.SetLink(expert, 0, -1)
	c.bookmark(p.T("details"), 0)
	c.heading(p.T("details"), 14, brand)
	for _, s := range p.Expert {
		c.section(s)
	}
	var out bytes.Buffer
	if err := c.Output(&out); err != nil {
		return nil, fmt.Errorf("couldn't draw the report: %w", err)
	}
	return out.Bytes(), nil
}

func newCanvas(p *Page, at time.Time) *canvas {
	f := fpdf.New("P", "mm", "A4", "")
	f.SetCatalogSort(true)
	f.SetCreationDate(at.UTC())
	f.SetModificationDate(at.UTC())
	f.SetProducer("qaqpa", true)
	f.SetTitle(p.T("report"), true)
	f.SetLang(string(p.Lang))
	f.AddUTF8FontFromBytes(fontName, "", typeface.Regular())
	f.SetMargins(marginMM, marginMM, marginMM)
	f.SetAutoPageBreak(false, 0)
	c := &canvas{Fpdf: f, page: p}
	f.SetFooterFunc(func() {
		f.SetTextRenderingMode(0)
		f.SetFont(fontName, "", smallPt)
		c.colour(soft)
		f.SetXY(marginMM, -12)
		f.CellFormat(0, 4, joined(p.Number, p.At, fmt.Sprintf("%s %d", p.T("page"), f.PageNo())), "", 0, "C", false, 0, "")
	})
	w, h := f.GetPageSize()
	c.width, c.bottom = w-2*marginMM, h-marginMM
	f.AddPage()
	return c
}

func (c *canvas) colour(to colour) { c.SetTextColor(to[0], to[1], to[2]) }

// room moves to the next page unless so much of this one is left.
func (c *canvas) room(heightMM float64) {
	if c.GetY()+heightMM > c.bottom {
		c.AddPage()
	}
}

func (c *canvas) bookmark(title string, level int) { c.Bookmark(typeface.Drawable(title), level, -1) }

// strong draws what follows with thicker letters.
func (c *canvas) strong(to colour) {
	c.SetDrawColor(to[0], to[1], to[2])
	c.SetLineWidth(strokeMM)
	c.SetTextRenderingMode(2)
}

func (c *canvas) plain() { c.SetTextRenderingMode(0) }

func (c *canvas) heading(text string, size float64, to colour) {
	c.room(18)
	c.strong(to)
	c.write(0, c.width, pen{size, size * 0.5, to}, text)
	c.plain()
	c.Ln(1)
}

// split breaks a text into lines of a width.
func (c *canvas) split(text string, width, size float64) []string {
	c.SetFont(fontName, "", size)
	return c.SplitText(typeface.Drawable(text), width)
}

// pen is how text is written: the size of its letters, the height of a line, and the colour.
type pen struct {
	size, height float64
	ink          colour
}

// write draws wrapped text at an offset from the margin, over as many pages as it takes.
func (c *canvas) write(offset, width float64, with pen, text string) {
	for _, l := range c.split(text, width, with.size) {
		c.room(with.height)
		c.SetX(marginMM + offset)
		c.colour(with.ink)
		c.CellFormat(width, with.height, l, "", 1, "L", false, 0, "")
	}
}

// outcome draws the box with the verdict.
func (c *canvas) outcome(expert int) {
	p := c.page
	c.write(0, c.width, pen{9, lineMM, soft}, p.T("report"))
	c.Ln(1)
	to, inner := toneInk[p.Tone], c.width-10
	lines := [][]string{c.split(p.Title, inner, 17), c.split(p.Text, inner, 10.5)}
	height := float64(len(lines[0]))*8.5 + float64(len(lines[1]))*5.2 + 8 + 5
	top := c.GetY()
	paper := tonePaper[p.Tone]
	c.SetFillColor(paper[0], paper[1], paper[2])
	c.Rect(marginMM, top, c.width, height, "F")
	c.SetFillColor(to[0], to[1], to[2])
	c.Rect(marginMM, top, 2.4, height, "F")
	c.SetY(top + 3.5)
	c.strong(to)
	c.write(6, inner, pen{17, 8.5, to}, p.Title)
	c.plain()
	c.write(6, inner, pen{10.5, 5.2, ink}, p.Text)
	c.Ln(1)
	c.write(6, inner, pen{8, 4, soft}, p.T("at")+": "+p.At)
	c.SetY(top + height + gapMM)
	c.reasons("", p.Reasons)
	c.reasons("remarks", p.Remarks)
	c.SetFont(fontName, "", 8.5)
	c.colour(brand)
	c.CellFormat(c.width, 5, "→ "+p.T("details"), "", 1, "L", false, expert, "")
	c.Ln(gapMM)
}

func (c *canvas) signer(s Signer) {
	c.room(40)
	c.rule()
	top := c.GetY()
	c.strong(ink)
	c.write(0, c.width-50, pen{12, 6, ink}, s.Heading)
	c.plain()
	after := c.GetY()
	to := toneInk[s.Tone]
	c.SetXY(marginMM+c.width-50, top)
	c.SetFont(fontName, "", 10)
	c.colour(to)
	c.CellFormat(50, 6, s.Word, "", 1, "R", false, 0, "")
	c.SetY(max(after, c.GetY()) + 1)
	for _, r := range s.Rows {
		c.row(r)
	}
	if s.Unconfirmed != "" {
		c.write(0, c.width, pen{8.5, 4.2, to}, s.Unconfirmed)
	}
	c.reasons("why", s.Reasons)
	c.reasons("remarks", s.Remarks)
	c.Ln(gapMM)
}

func (c *canvas) rule() {
	c.SetDrawColor(line[0], line[1], line[2])
	c.SetLineWidth(0.2)
	c.Line(marginMM, c.GetY(), marginMM+c.width, c.GetY())
	c.Ln(gapMM)
}

func (c *canvas) reasons(title string, list []Reason) {
	if len(list) == 0 {
		return
	}
	c.Ln(1)
	if title != "" {
		c.room(14)
		c.strong(ink)
		c.write(0, c.width, pen{textPt, lineMM, ink}, c.page.T(title))
		c.plain()
	}
	for _, r := range list {
		c.write(3, c.width-3, pen{textPt, lineMM, ink}, "• "+r.Text)
		if r.Advice != "" {
			c.write(6, c.width-6, pen{8.8, 4.3, soft}, c.page.T("advice")+": "+r.Advice)
		}
	}
	c.Ln(1)
}

// row draws a label and beside it a value; the two begin on one page.
func (c *canvas) row(r Row) {
	size, height := textPt, lineMM
	if r.Code {
		size, height = 8, 4
	}
	names, values := c.split(r.Name, labelMM-3, textPt), c.split(r.Value, c.width-labelMM, size)
	c.room(max(float64(len(names))*lineMM, height))
	top, pageNo := c.GetY(), c.PageNo()
	c.write(0, labelMM-3, pen{textPt, lineMM, soft}, r.Name)
	below := c.GetY()
	c.SetY(top)
	c.write(labelMM, c.width-labelMM, pen{size, height, ink}, r.Value)
	if c.PageNo() == pageNo {
		c.SetY(max(below, top+float64(len(values))*height))
	}
	c.Ln(0.8)
}

func (c *canvas) section(s Section) {
	size, to := 12.0, ink
	if s.Level > 2 {
		size, to = 9.5, brand
	} else {
		c.Ln(gapMM)
		c.room(26)
		c.rule()
		c.bookmark(s.Title, 1)
	}
	c.heading(s.Title, size, to)
	for _, r := range s.Rows {
		c.row(Row{r.Name, r.Value, true})
	}
	if s.Table != nil {
		c.table(s.Table)
	}
	c.Ln(1)
}

// table draws rows whose cells wrap; a row is not torn apart unless it is longer than a page.
func (c *canvas) table(t *Table) {
	total := 0
	for _, w := range t.Widths {
		total += w
	}
	widths := make([]float64, len(t.Widths))
	for i, w := range t.Widths {
		widths[i] = c.width * float64(w) / float64(total)
	}
	c.cells(t.Head, widths, pale, soft)
	for _, r := range t.Rows {
		c.cells(r, widths, white, ink)
	}
	c.Ln(1)
}

// linesMax bounds a cell: what is longer than a page is cut.
const linesMax = 60

func (c *canvas) cells(cells []string, widths []float64, paper, to colour) {
	wrapped := make([][]string, len(cells))
	most := 1
	for i, text := range cells {
		wrapped[i] = c.split(text, widths[i]-2*cellPadMM, smallPt)
		if len(wrapped[i]) > linesMax {
			wrapped[i] = append(wrapped[i][:linesMax:linesMax], "…")
		}
		most = max(most, len(wrapped[i]))
	}
	height := float64(most)*smallMM + 1.4
	c.room(height)
	top, left := c.GetY(), marginMM
	c.SetFillColor(paper[0], paper[1], paper[2])
	c.Rect(marginMM, top, c.width, height, "F")
	c.SetDrawColor(line[0], line[1], line[2])
	c.SetLineWidth(0.15)
	c.Line(marginMM, top+height, marginMM+c.width, top+height)
	c.colour(to)
	for i, lines := range wrapped {
		for k, l := range lines {
			c.SetXY(left, top+0.7+float64(k)*smallMM)
			c.CellFormat(widths[i], smallMM, l, "", 0, "L", false, 0, "")
		}
		left += widths[i]
	}
	c.SetXY(marginMM, top+height)
}
