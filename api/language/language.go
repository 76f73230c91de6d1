package language

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
)

// Lang is one of the three languages.
type Lang string

// The languages of the gateway.
const (
	KK Lang = "kk"
	RU Lang = "ru"
	EN Lang = "en"
)

// All returns the languages, the state language first.
func All() []Lang { return []Lang{KK, RU, EN} }

// Parse returns the language that a tag of ours names.
func Parse(s string) (Lang, bool) {
	switch l := Lang(s); l {
	case KK, RU, EN:
		return l, true
	}
	return "", false
}

//go:embed catalog/*.json
var files embed.FS

// Catalog gives texts. It is immutable and safe for concurrent use.
type Catalog struct {
	localizers map[Lang]*i18n.Localizer
	ids        map[Lang]map[string]bool
	matcher    language.Matcher
}

// Load reads the embedded catalogues.
func Load() (*Catalog, error) {
	bundle := i18n.NewBundle(language.English)
	bundle.RegisterUnmarshalFunc("json", json.Unmarshal)
	names, err := fs.Glob(files, "catalog/*.json")
	if err != nil {
		return nil, fmt.Errorf("couldn't list the catalogues: %w", err)
	}
	c := &Catalog{localizers: make(map[Lang]*i18n.Localizer), ids: make(map[Lang]map[string]bool)}
	for _, l := range All() {
		c.ids[l] = make(map[string]bool)
		c.localizers[l] = i18n.NewLocalizer(bundle, string(l))
	}
	for _, name := range names {
		file, err := bundle.LoadMessageFileFS(files, name)
		if err != nil {
			return nil, fmt.Errorf("couldn't read catalogue %s: %w", name, err)
		}
		l, ok := Parse(file.Tag.String())
		if !ok {
			return nil, fmt.Errorf("catalogue %s is in a language that is not ours", name)
		}
		for _, m := range file.Messages {
			c.ids[l][m.ID] = true
		}
	}
	c.matcher = language.NewMatcher([]language.Tag{language.Kazakh, language.Russian, language.English})
	return c, nil
}

// acceptBytesMax is how much of an Accept-Language is read; longer ones are as if absent.
const acceptBytesMax = 256

// Negotiate chooses by an Accept-Language field; fallback when it names none of ours.
func (c *Catalog) Negotiate(accept string, fallback Lang) Lang {
	if accept == "" || len(accept) > acceptBytesMax {
		return fallback
	}
	tags, _, err := language.ParseAcceptLanguage(accept)
	if err != nil || len(tags) == 0 {
		return fallback
	}
	_, index, confidence := c.matcher.Match(tags...)
	if confidence == language.No {
		return fallback
	}
	return All()[index]
}

// Has reports whether the catalogue of the language has the message.
func (c *Catalog) Has(l Lang, id string) bool { return c.ids[l][id] }

// IDs lists the messages of a language, in no order.
func (c *Catalog) IDs(l Lang) []string { return slices.Collect(maps.Keys(c.ids[l])) }

// Text returns a message with its placeholders filled from data, which may be nil. A message that is missing is shown by
// its id: tests keep that from happening.
func (c *Catalog) Text(l Lang, id string, data any) string { return c.localize(l, id, data, nil) }

// Plural returns the form of a message for n things (1 платёж, 2 платежа, 5 платежей); {{.PluralCount}} is n.
func (c *Catalog) Plural(l Lang, id string, n int) string { return c.localize(l, id, nil, n) }

func (c *Catalog) localize(l Lang, id string, data, plural any) string {
	loc, ok := c.localizers[l]
	if !ok || !c.ids[l][id] {
		return id
	}
	text, err := loc.Localize(&i18n.LocalizeConfig{MessageID: id, TemplateData: data, PluralCount: plural})
	if err != nil {
		return id
	}
	return text
}
