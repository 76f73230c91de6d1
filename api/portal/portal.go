package portal

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"slices"

	"qaqpa/api/language"
	"qaqpa/signer/report/paper"
)

//go:embed *.html
var sources embed.FS

//go:embed style.css
var style []byte

//go:embed icon.svg
var icon []byte

//go:embed ncalayer.js verify.js hash.js passkey.js wait.js try.js
var scripts embed.FS

// Pages renders pages.
type Pages struct {
	texts *language.Catalog
	pages map[string]*template.Template
}

// names lists the pages; each has its template in a file of that name, within layout.html.
func names() []string {
	return []string{
		"verify", "home", "signin", "cabinet", "order", "notice", "data", "console", "agency", "bank", "operator", "developers",
		"keys", "trust", "audit", "proof", "handbook", "statements", "questions", "exceptions", "exception", "desk", "desk_statement", "lines",
		"services", "service", "debts", "bulk", "signincode", "mobilesign", "operators", "enrol", "passkey", "security",
		"part", "fees", "fee", "changes", "giveback", "mandates", "mandate", "approvals",
		"webhooks", "webhook", "refunds", "registers", "payments", "talks", "talk", "queries", "statement",
		"catalogue", "catalogueservice", "incidents", "incident", "commissions",
	}
}

// New parses the templates.
func New(texts *language.Catalog) (*Pages, error) {
	p := &Pages{texts: texts, pages: make(map[string]*template.Template)}
	for _, name := range names() {
		t := template.New("layout.html").Option("missingkey=error")
		for _, file := range []string{"layout", "message", "qrcode", "charts", "figures", "operatornav", "tabs", "withdrawal", "conversation", "resolution", name} {
			source, err := sources.ReadFile(file + ".html")
			if err != nil {
				return nil, fmt.Errorf("couldn't find page %s: %w", file, err)
			}
			if t, err = t.Parse(leanMarkup(string(source))); err != nil {
				return nil, fmt.Errorf("couldn't parse page %s: %w", file, err)
			}
		}
		p.pages[name] = t
	}
	return p, nil
}

// Style is the style sheet: that of reports, and what the other pages add to it.
func (p *Pages) Style() []byte { return leanStyle(slices.Concat(paper.Style(), style)) }

// Icon is the mark of the gateway, SVG.
func (p *Pages) Icon() []byte { return icon }

// Script is one of our scripts by its file: ncalayer.js asks NCALayer for signatures, verify.js helps the page of verification,
// hash.js has the hash functions for it, passkey.js asks passkeys, wait.js looks again while something is awaited,
// try.js sends requests to a sandbox.
func (p *Pages) Script(name string) ([]byte, error) {
	script, err := scripts.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("couldn't find a script: %w", err)
	}
	return leanScript(script), nil
}

// render makes the page in UTF-8.
func (p *Pages) render(name string, model any) ([]byte, error) {
	var out bytes.Buffer
	if err := p.pages[name].Execute(&out, model); err != nil {
		return nil, fmt.Errorf("couldn't render page %s: %w", name, err)
	}
	return out.Bytes(), nil
}
