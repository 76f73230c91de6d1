package paper

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the style sheet and the template
	"encoding/base64"
	"fmt"
	"html/template"

	"qaqpa/signer/report"
)

//go:embed style.css
var style []byte

//go:embed page.html
var source string

// The parts of page.html.
var parts = template.Must(template.New("page").Parse(source))

// Style is the style sheet of the parts, for pages that take them over; see Parts.
func Style() []byte { return style }

// ContentPolicy is the Content-Security-Policy under which the page of HTML shows as it is meant: its own style and nothing else.
func ContentPolicy() string {
	sum := sha256.Sum256(style)
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'"
}

// HTML draws a page that stands alone: one file, no script, nothing loaded. Equal verdicts give equal bytes.
func HTML(v report.Verdict, l report.Lang) ([]byte, error) {
	model := struct {
		*Page
		Style  template.CSS
		Policy string
	}{Of(v, l), template.CSS(style), ContentPolicy()} //nolint:gosec // G203: our own file
	var out bytes.Buffer
	if err := parts.ExecuteTemplate(&out, "document", model); err != nil {
		return nil, fmt.Errorf("couldn't draw the report: %w", err)
	}
	return out.Bytes(), nil
}

// Parts are the outcome, the signatures and the expert's part, for a page that has its own frame and the rules of Style.
func (p *Page) Parts() (outcome, signatures, expert template.HTML, err error) {
	var drawn [3]template.HTML
	for i, name := range []string{"outcome", "signatures", "expert"} {
		var out bytes.Buffer
		if err := parts.ExecuteTemplate(&out, name, p); err != nil {
			return "", "", "", fmt.Errorf("couldn't draw the report: %w", err)
		}
		drawn[i] = template.HTML(out.String()) //nolint:gosec // G203: html/template has escaped it
	}
	return drawn[0], drawn[1], drawn[2], nil
}
