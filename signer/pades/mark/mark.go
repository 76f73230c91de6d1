// Package mark draws what a visible signature shows on a page: who signed, when, with which certificate, and a QR code. The text
// is in Kazakh and Russian; the font has the Kazakh letters ә ғ қ ң ө ұ ү һ і.
//
// It is pure: the same facts give the same bytes.
package mark

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/boombuler/barcode/qr"

	"qaqpa/signer/typeface"
)

// Facts are what the picture says.
type Facts struct {
	// Kind is what was done, in Kazakh and in Russian, such as "Электрондық мөр" and "Электронная печать".
	KindKK, KindRU string
	// Name is the signer's, Organisation where there is one, Number the BIN or IIN.
	Name, Organisation, Number string
	// Serial is that of the certificate.
	Serial string
	// At is the claimed time; Zone is where it is shown.
	At   time.Time
	Zone *time.Location
	// Code is the content of the QR code, such as the address of a page that verifies the document; at most 300 octets.
	Code string
}

// Size of the picture in millimetres, and of what is in it.
const (
	WidthMM  = 92.0
	HeightMM = 32.0
	quietMM  = 3.0
	codeMM   = 26.0
	lineMM   = 3.25
	textMM   = WidthMM - codeMM - 3*quietMM
	codeMax  = 300
	bodySize = 6.4
	// Names have the room of namesLines, and down to half of the usual size where they are long.
	namesLines = 3
	namesSteps = 10
)

// ErrFacts says that facts do not fit into the picture.
var ErrFacts = errors.New("the facts do not fit into the picture of the signature")

// Picture draws the facts as a PDF document of one page that is as large as the picture.
func Picture(f Facts) ([]byte, error) {
	if f.Code == "" || len(f.Code) > codeMax || f.Zone == nil {
		return nil, fmt.Errorf("%w: a code of 1 to %d octets and a time zone are needed", ErrFacts, codeMax)
	}
	p := newPage()
	p.colour("RG", colour{0, 90, 156})
	p.frame(0.5, 0.5, WidthMM-1, HeightMM-1, 0.35)
	if err := code(p, f.Code); err != nil {
		return nil, err
	}
	text(p, f)
	return p.document()
}

// code draws the QR code as squares, which stay sharp at any size.
func code(p *page, content string) error {
	c, err := qr.Encode(content, qr.M, qr.Auto)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrFacts, err)
	}
	modules := c.Bounds().Dx()
	unit := codeMM / float64(modules)
	p.colour("rg", colour{})
	dark := func(x, y int) bool {
		if x >= modules {
			return false
		}
		r, _, _, _ := c.At(x, y).RGBA()
		return r == 0
	}
	for y := range modules {
		for x := 0; x < modules; x++ {
			from := x
			for dark(x, y) { // neighbours are one rectangle
				x++
			}
			if x > from {
				p.fill(quietMM+float64(from)*unit, quietMM+float64(y)*unit, float64(x-from)*unit+0.01, unit+0.01)
			}
		}
	}
	return nil
}

func text(p *page, f Facts) {
	y := quietMM
	row := func(line string, size, height float64) {
		p.text(codeMM+2*quietMM+1, y+height/2, line, fit(p, line, size))
		y += height
	}
	put := func(line string, size float64) { row(line, size, lineMM) }
	p.colour("rg", colour{0, 60, 110})
	put(f.KindKK, 7.2)
	put(f.KindRU, 7.2)
	p.colour("rg", colour{})
	lines, share := names(p, f)
	for _, line := range lines {
		row(line, bodySize*share, lineMM*share)
	}
	if f.Number != "" {
		put("ЖСН/БСН · ИИН/БИН "+f.Number, bodySize)
	}
	put(f.At.In(f.Zone).Format("02.01.2006 15:04:05 -07:00"), bodySize)
	put("Сертификат "+shorten(f.Serial, 42), bodySize)
}

// fit is a size of the letters, from size down, at which a line fits.
func fit(p *page, line string, size float64) float64 {
	for size > 3 && p.width(line, size) > textMM-2 {
		size -= 0.2
	}
	return size
}

// names are the lines of signer and organisation, and the share of the usual size at which all of them fit into their room. What does not even at
// the smallest ends with dots: a name that is cut off unseen is another name.
func names(p *page, f Facts) (lines []string, share float64) {
	for step := range namesSteps + 1 {
		share = 1 - float64(step)/(2*namesSteps)
		if lines = wrap(p, []string{f.Name, f.Organisation}, bodySize*share); float64(len(lines))*share <= namesLines {
			return lines, share
		}
	}
	lines = lines[:2*namesLines]
	last := []rune(lines[len(lines)-1])
	for len(last) > 0 && p.width(string(last)+"…", bodySize*share) > textMM-1 {
		last = last[:len(last)-1]
	}
	lines[len(lines)-1] = string(last) + "…"
	return lines, share
}

// wrap breaks long names into lines that fit.
func wrap(p *page, texts []string, size float64) (lines []string) {
	for _, t := range texts {
		line := ""
		for word := range strings.FieldsSeq(typeface.Drawable(t)) {
			switch {
			case line == "":
				line = shorten(word, 48)
			case p.width(line+" "+word, size) <= textMM-1:
				line += " " + word
			default:
				lines, line = append(lines, line), shorten(word, 48)
			}
		}
		if line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

func shorten(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}
