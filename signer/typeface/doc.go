// Package typeface holds the face in which documents of the signer are set. It has the Kazakh letters ә ғ қ ң ө ұ ү һ і, which
// the standard fonts of PDF lack. The licence of the font is LICENSE beside it.
package typeface

import (
	_ "embed" // the font
	"strings"
)

//go:embed DejaVuSans.ttf
var regular []byte

// Regular is DejaVu Sans as TrueType. It is not to be changed.
func Regular() []byte { return regular }

// Drawable replaces what the PDF library cannot draw: characters beyond the first plane, for which it would read past its table of
// widths, and controls other than the end of a line.
func Drawable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case r < ' ' || r > 0xffff:
			return ' '
		}
		return r
	}, s)
}
