package portal

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"net/url"

	"qaqpa/api/language"
	"qaqpa/signer/report"
)

//go:embed page.html
var pageSource string

//go:embed style.css
var style []byte

//go:embed icon.svg
var icon []byte

// Pages renders pages.
type Pages struct {
	texts *language.Catalog
	page  *template.Template
}

// New parses the templates.
func New(texts *language.Catalog) (*Pages, error) {
	t, err := template.New("page").Option("missingkey=error").Parse(pageSource)
	if err != nil {
		return nil, fmt.Errorf("couldn't parse the page: %w", err)
	}
	return &Pages{texts: texts, page: t}, nil
}

// Style is the style sheet.
func (p *Pages) Style() []byte { return style }

// Icon is the mark of the gateway, SVG.
func (p *Pages) Icon() []byte { return icon }

// View is what a page shows. At most one of Verdict, Receipt and Notice is set, except that a sealed receipt has both
// Verdict and Receipt.
type View struct {
	Lang language.Lang
	// Code of a receipt, as the reader gave it; it fills the field again.
	Code string
	// SizeMB is how large both files may be together.
	SizeMB int
	// Verdict on an uploaded document.
	Verdict *report.Verdict
	// Receipt that the gateway issued.
	Receipt *Receipt
	// Notice says why there is nothing to show.
	Notice Notice
	// TraceID is shown with a Notice, for the contact centre.
	TraceID string
}

// Notice names a message to the reader; its texts are verify.notice.<Notice>.title and .text.
type Notice string

// The notices.
const (
	ReceiptUnknown  Notice = "receipt_unknown"
	DocumentMissing Notice = "document_missing"
	TooLarge        Notice = "too_large"
	FormInvalid     Notice = "form_invalid"
	TooMany         Notice = "too_many"
	Unavailable     Notice = "unavailable"
)

// Notices lists them, for the test of the catalogues.
func Notices() []Notice {
	return []Notice{ReceiptUnknown, DocumentMissing, TooLarge, FormInvalid, TooMany, Unavailable}
}

// Render makes the page in UTF-8.
func (p *Pages) Render(v View) ([]byte, error) {
	w := words{texts: p.texts, lang: v.Lang}
	m := model{
		words: w, Lang: v.Lang, Code: v.Code, TraceID: v.TraceID, Size: map[string]int{"Size": v.SizeMB},
		Languages: languages(v), Receipt: receiptModel(w, v.Receipt),
	}
	if v.Verdict != nil {
		m.Verdict = verdictModel(w, *v.Verdict)
	}
	if v.Notice != "" {
		m.Notice = "notice." + string(v.Notice)
	}
	var out bytes.Buffer
	if err := p.page.Execute(&out, m); err != nil {
		return nil, fmt.Errorf("couldn't render the page: %w", err)
	}
	return out.Bytes(), nil
}

// link is an entry of the language switch.
type link struct {
	Lang    language.Lang
	Name    string
	Address string
	Current bool
}

// languages links to the same page in the three languages, each named in itself.
func languages(v View) []link {
	names := map[language.Lang]string{language.KK: "Қазақша", language.RU: "Русский", language.EN: "English"}
	out := make([]link, 0, len(names))
	for _, l := range language.All() {
		q := url.Values{"lang": {string(l)}}
		if v.Code != "" {
			q.Set("code", v.Code)
		}
		out = append(out, link{Lang: l, Name: names[l], Address: "/verify?" + q.Encode(), Current: l == v.Lang})
	}
	return out
}
