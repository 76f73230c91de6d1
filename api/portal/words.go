package portal

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"qaqpa/api/language"
	"qaqpa/payment/catalog"
)

// words finds texts in one language, those of one page and those that all pages share. Its methods are what the templates
// call.
type words struct {
	texts *language.Catalog
	lang  language.Lang
	page  string // the catalogue of the page, such as verify
}

// T is a text of the page without placeholders.
func (w words) T(id string) string { return w.With(id, nil) }

// With is a text of the page with placeholders.
func (w words) With(id string, data any) string { return w.texts.Text(w.lang, w.page+"."+id, data) }

// P is a text that all pages share.
func (w words) P(id string) string { return w.texts.Text(w.lang, "page."+id, nil) }

// astana is the one time zone of Kazakhstan since 1 March 2024.
func astana() *time.Location { return time.FixedZone("Astana", 5*60*60) }

// Date writes a moment as people of the language do, in the time of Astana.
func (w words) Date(t time.Time) string {
	t = t.In(astana())
	return w.texts.Text(w.lang, "page.date", map[string]string{
		"Day": strconv.Itoa(t.Day()), "Month": w.P("month." + strconv.Itoa(int(t.Month()))),
		"Year": strconv.Itoa(t.Year()), "Clock": t.Format("15:04"),
	})
}

// Day writes a date without its time; empty for none.
func (w words) Day(d catalog.Date) string {
	t, err := time.Parse(time.DateOnly, string(d))
	if err != nil {
		return ""
	}
	return w.texts.Text(w.lang, "page.day", map[string]string{
		"Day": strconv.Itoa(t.Day()), "Month": w.P("month." + strconv.Itoa(int(t.Month()))), "Year": strconv.Itoa(t.Year()),
	})
}

// Name chooses the name in the language.
func (w words) Name(n catalog.Names) string {
	switch w.lang {
	case language.KK:
		return n.KK
	case language.RU:
		return n.RU
	case language.EN:
	}
	return n.EN
}

// Money writes tiyn as tenge, with the separators of the language: 5 406,25 ₸ or 5,406.25 ₸.
func (w words) Money(tiyn int64, currency string) string {
	if currency == "KZT" {
		currency = "₸"
	}
	thousands, point := "\u00a0", ","
	if w.lang == language.EN {
		thousands, point = ",", "."
	}
	sign := ""
	u := uint64(tiyn) //nolint:gosec // G115: the wrapped value is negated on the next line, as two's complement defines
	if tiyn < 0 {
		sign, u = "−", -u
	}
	whole := strconv.FormatUint(u/100, 10)
	var groups []string
	for len(whole) > 3 {
		groups = append([]string{whole[len(whole)-3:]}, groups...)
		whole = whole[:len(whole)-3]
	}
	groups = append([]string{whole}, groups...)
	return fmt.Sprintf("%s%s%s%02d\u00a0%s", sign, strings.Join(groups, thousands), point, u%100, currency)
}
