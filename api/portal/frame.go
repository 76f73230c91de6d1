package portal

import (
	"net/url"

	"qaqpa/api/language"
)

// Frame is what all pages have around their content.
type Frame struct {
	Lang language.Lang
	// Address of this page, path and query, for the language switch.
	Address string
	// Person is the name of the one who is signed in; empty for nobody.
	Person string
	// Works says that the person came with the certificate of an organisation, and may act for one.
	Works bool
	// Account says that the person has an account with a password.
	Account bool
}

// frame is a Frame in words.
type frame struct {
	words
	Lang      language.Lang
	Languages []link
	Person    string
	Works     bool
	// ByPassword is Account under a name that no page has: a field of the page's own would take its place, as that of a bank's account did.
	ByPassword bool
	// Tabs lead to the sections of a cabinet.
	Tabs []tab
	// Refresh is after how many seconds the browser loads the page again; 0 means never.
	Refresh int
	// Script says that the page speaks with NCALayer.
	Script bool
	// Module is the address of the page's own script; empty for none.
	Module string
}

func (p *Pages) frame(f Frame, page string) frame {
	return frame{words: words{texts: p.texts, lang: f.Lang, page: page}, Lang: f.Lang, Languages: languages(f), Person: f.Person, Works: f.Works, ByPassword: f.Account}
}

// link is an entry of the language switch.
type link struct {
	Lang    language.Lang
	Name    string
	Address string
	Current bool
}

// languages links to the same page in the three languages, each named in itself.
func languages(f Frame) []link {
	names := map[language.Lang]string{language.KK: "Қазақша", language.RU: "Русский", language.EN: "English"}
	out := make([]link, 0, len(names))
	for _, l := range language.All() {
		out = append(out, link{Lang: l, Name: names[l], Address: inLanguage(f.Address, l), Current: l == f.Lang})
	}
	return out
}

// inLanguage sets lang in the query of an address of ours; what is no such address becomes the first page.
func inLanguage(address string, l language.Lang) string {
	u, err := url.Parse(address)
	if err != nil || u.IsAbs() || u.Host != "" || u.Path == "" {
		u = &url.URL{Path: "/"}
	}
	q := u.Query()
	q.Set("lang", string(l))
	return u.Path + "?" + q.Encode()
}
