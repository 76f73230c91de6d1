package portal

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"qaqpa/api/language"
)

// words finds texts in one language. Its methods are what the template calls.
type words struct {
	texts *language.Catalog
	lang  language.Lang
}

// T is a text without placeholders.
func (w words) T(id string) string { return w.texts.Text(w.lang, "verify."+id, nil) }

// With is a text with placeholders.
func (w words) With(id string, data any) string { return w.texts.Text(w.lang, "verify."+id, data) }

// astana is the one time zone of Kazakhstan since 1 March 2024.
func astana() *time.Location { return time.FixedZone("Astana", 5*60*60) }

// Date writes a moment as people of the language do, in the time of Astana.
func (w words) Date(t time.Time) string {
	t = t.In(astana())
	return w.With("date", map[string]string{
		"Day": strconv.Itoa(t.Day()), "Month": w.T("month." + strconv.Itoa(int(t.Month()))),
		"Year": strconv.Itoa(t.Year()), "Clock": t.Format("15:04"),
	})
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
