package pades_test

import (
	"encoding/xml"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"qaqpa/signer/pades"
	"qaqpa/signer/pades/mark"
	"qaqpa/signer/pdf"
)

// stamp is the picture of a signature.
func stamp(t *testing.T) []byte {
	t.Helper()
	b, err := mark.Picture(mark.Facts{
		KindKK: "Электрондық мөр", KindRU: "Электронная печать", Name: "ӘҒҚҢӨҰҮҺІ", Organisation: "әғқңөұүһі", Number: "670808400493", Serial: "4D",
		At: time.Date(2026, 10, 1, 9, 0, 0, 0, time.UTC), Zone: time.UTC, Code: "https://qaqpa.example/v/1",
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// seenCode is what a reader of QR codes finds in a part of the page as poppler shows it, measured in points from its upper left corner: content
// and orientation.
func seenCode(t *testing.T, document []byte, left, top, wide, high float64) (content, orientation string) {
	t.Helper()
	for _, name := range []string{"pdftoppm", "zbarimg"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skip(name + " is not here")
		}
	}
	file := filepath.Join(t.TempDir(), "page")
	if err := os.WriteFile(file, document, 0o600); err != nil {
		t.Fatal(err)
	}
	const scale = 2.0 // dots for a point
	dots := func(v float64) string { return strconv.Itoa(int(math.Round(v * scale))) }
	args := []string{"-cropbox", "-r", fmt.Sprint(72 * scale), "-gray", "-singlefile", "-x", dots(left), "-y", dots(top), "-W", dots(wide), "-H", dots(high), file, file}
	if out, err := exec.CommandContext(t.Context(), "pdftoppm", args...).CombinedOutput(); err != nil {
		t.Fatalf("pdftoppm: %v: %s", err, out)
	}
	out, _ := exec.CommandContext(t.Context(), "zbarimg", "--quiet", "--xml", file+".pgm").Output() // fails where it finds none
	var found struct {
		Symbols []struct {
			Orientation string `xml:"orientation,attr"`
			Data        string `xml:"data"`
		} `xml:"source>index>symbol"`
	}
	if err := xml.Unmarshal(out, &found); err != nil || len(found.Symbols) != 1 {
		return "", ""
	}
	return found.Symbols[0].Data, found.Symbols[0].Orientation
}

// TestMarkIsSeen: on pages that are turned, cropped, or do not begin at zero, the mark stands upright and whole where it was asked for.
func TestMarkIsSeen(t *testing.T) {
	picture, k := stamp(t), newKey(t)
	const x, y, side = 20, 30, 92 // the code is a square at the left of the mark
	for boxes, turns := range map[string][]int{
		"/MediaBox[0 0 300 320]": {0, 90, 180, 270}, "/MediaBox[0 0 900 900]/CropBox[100 200 400 520]": {0, 90, 180, 270},
		"/MediaBox[400 520 100 200]": {-90}, "/MediaBox[-50 -50 250 270]/CropBox[-999 -999 999 999]": {450},
	} {
		for _, turn := range turns {
			document := update(t, paper(), func(l *later) {
				l.Set(pageNo, raw("<</Type/Page/Parent 2 0 R%s/Rotate %d/Annots[7 0 R 8 0 R 12 0 R]>>", boxes, turn))
			})
			signed := k.sign(t, document, pades.SignInput{Appearance: &pades.Appearance{Picture: picture, Page: 0, X: x, Y: y}})
			if s := openLast(t, signed); s.Coverage() != pades.Whole {
				t.Fatalf("coverage %d: %v", s.Coverage(), s.Changes)
			}
			high := 320.0
			if turn%180 != 0 {
				high = 300
			}
			if content, orientation := seenCode(t, signed, x, high-y-side, side, side); content != "https://qaqpa.example/v/1" || orientation != "UP" {
				t.Errorf("%s turned by %d: %q %s", boxes, turn, content, orientation)
			}
		}
	}
}

// TestMarkInAField: a field that is there shows the picture in its own place, undistorted, on a turned page upright.
func TestMarkInAField(t *testing.T) {
	picture, k := stamp(t), newKey(t)
	for turn, rect := range map[int]string{0: "[10 100 290 290]", 90: "[100 10 290 290]", 180: "[0 200 300 300]", 270: "[190 290 100 10]"} {
		document := update(t, paper(), func(l *later) {
			field := l.Add(raw("<</Type/Annot/Subtype/Widget/FT/Sig/T(here)/F 34/P 3 0 R/Rect%s>>", rect))
			l.Set(pageNo, raw("<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 300]/Rotate %d/Annots[%d 0 R]>>", turn, field.Number))
			l.inForm(field)
		})
		signed := k.sign(t, document, pades.SignInput{Field: "here", Appearance: &pades.Appearance{Picture: picture}})
		if s := openLast(t, signed); s.Coverage() != pades.Whole || !slices.Equal(s.Fields, []string{"here"}) {
			t.Fatalf("coverage %d: %v", s.Coverage(), s.Changes)
		}
		if content, orientation := seenCode(t, signed, 0, 0, 300, 300); content == "" || orientation != "UP" {
			t.Errorf("turned by %d: %q %s", turn, content, orientation)
		}
	}
}

// TestMarkWithoutPlace: a mark of which a part would not be seen is refused, as is one in a field without room.
func TestMarkWithoutPlace(t *testing.T) {
	picture := stamp(t)
	for what, at := range map[string][2]float64{"left": {-1, 0}, "below": {0, -1}, "right": {60, 0}, "above": {0, 250}, "far": {1e9, 1e9}, "nowhere": {math.NaN(), 0}} {
		in := pades.SignInput{SubFilter: pades.CAdESDetached, Appearance: &pades.Appearance{Picture: picture, X: at[0], Y: at[1]}}
		if _, err := pades.Prepare(paper(), in); !errors.Is(err, pades.ErrPlace) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for what, change := range map[string]func(*later){
		"page without a size":          func(l *later) { l.Set(pageNo, raw("<</Type/Page/Parent 2 0 R>>")) },
		"page that is cropped away":    func(l *later) { l.set(pageNo, "CropBox", raw("[900 900 999 999]")) },
		"page smaller than the mark":   func(l *later) { l.set(pageNo, "MediaBox", raw("[0 0 200 200]")) },
		"field without a place":        func(l *later) { l.inForm(l.Add(raw("<</FT/Sig/T(here)>>"))) },
		"field with a place of a line": func(l *later) { l.inForm(l.Add(raw("<</FT/Sig/T(here)/Rect[0 0 100 0]>>"))) },
	} {
		in := pades.SignInput{SubFilter: pades.CAdESDetached, Appearance: &pades.Appearance{Picture: picture}}
		if strings.HasPrefix(what, "field") {
			in.Field = "here"
		}
		if _, err := pades.Prepare(update(t, paper(), change), in); !errors.Is(err, pades.ErrPlace) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestTextsThatLookLikeKeys: what a document says cannot take the place of the range and the value of the signature.
func TestTextsThatLookLikeKeys(t *testing.T) {
	const evil = "/ByteRange [0 0000000000 0000000000 0000000000]"
	document := update(t, paper(), func(l *later) {
		l.set(pageNo, "LastModified", pdf.NewString([]byte(evil+"/Contents <"+strings.Repeat("0", 2400)+">")))
	})
	signed := newKey(t).sign(t, document, pades.SignInput{
		Name: evil, Reason: evil, Location: evil, Attachments: []pades.Attachment{{Name: "a", MIMEType: "text/plain", Content: []byte(evil)}},
	})
	if s := openLast(t, signed); s.Coverage() != pades.Whole || fault(open(t, signed), s) != "" {
		t.Errorf("coverage %d: %v", s.Coverage(), s.Structure())
	}
}
