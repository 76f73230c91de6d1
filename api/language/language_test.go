package language

import (
	"strings"
	"testing"
)

func load(tb testing.TB) *Catalog {
	tb.Helper()
	c, err := Load()
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// R13: the Kazakh part is not smaller than the Russian, and nothing is left to English.
func TestCataloguesAreComplete(t *testing.T) {
	c := load(t)
	if len(c.ids[EN]) < 100 {
		t.Fatalf("only %d messages", len(c.ids[EN]))
	}
	for id := range c.ids[EN] {
		want := placeholders(c, EN, id)
		for _, l := range All() {
			if !c.Has(l, id) {
				t.Errorf("%s: no text for %s", l, id)
				continue
			}
			if got := placeholders(c, l, id); got != want {
				t.Errorf("%s: %s has placeholders %s, English has %s", l, id, got, want)
			}
		}
	}
	for _, l := range All() {
		for id := range c.ids[l] {
			if !c.Has(EN, id) {
				t.Errorf("%s: %s is in no other catalogue", l, id)
			}
		}
	}
}

// placeholders renders a message with marks in place of its data and returns the marks in order of name.
func placeholders(c *Catalog, l Lang, id string) string {
	marks := map[string]string{}
	names := []string{"Size", "Want", "Limit", "Number", "Total", "Time", "Day", "Month", "Year", "Clock", "From", "To"}
	for _, n := range names {
		marks[n] = "«" + n + "»"
	}
	text := c.Text(l, id, marks)
	var found []string
	for _, n := range names {
		if strings.Contains(text, marks[n]) {
			found = append(found, n)
		}
	}
	if strings.Contains(text, "<no value>") {
		found = append(found, "unknown")
	}
	return strings.Join(found, ",")
}

// Kazakh is written with letters of its own, and is not the Russian text left in place.
func TestKazakhIsKazakh(t *testing.T) {
	c := load(t)
	own := map[rune]int{}
	for id := range c.ids[KK] {
		kk, ru, en := c.Text(KK, id, nil), c.Text(RU, id, nil), c.Text(EN, id, nil)
		for _, r := range strings.ToLower(kk) {
			if strings.ContainsRune("әғқңөұүһі", r) {
				own[r]++
			}
		}
		// Short words may coincide (Код, Банк, Файл); sentences may not.
		if kk == ru && len([]rune(kk)) > 8 && id != "verify.period" {
			t.Errorf("%s is the same in Kazakh and Russian: %q", id, kk)
		}
		if (kk == en || ru == en) && id != "verify.period" {
			t.Errorf("%s is English in another catalogue: %q", id, en)
		}
		if strings.ContainsAny(ru, "әғқңөұүһіӘҒҚҢӨҰҮҺІ") {
			t.Errorf("%s: Kazakh letters in the Russian text %q", id, ru)
		}
		if strings.ContainsAny(en, "абвгдежзийклмнопрстуфхцчшщъыьэюя") {
			t.Errorf("%s: Cyrillic in the English text %q", id, en)
		}
	}
	for _, r := range "әғқңөұүі" { // һ is rare: words such as жиһан, гауһар
		if own[r] == 0 {
			t.Errorf("the Kazakh catalogue never uses %q", r)
		}
	}
}

func TestNegotiate(t *testing.T) {
	c := load(t)
	for accept, want := range map[string]Lang{
		"": EN, "kk": KK, "kk-KZ,ru;q=0.8": KK, "ru-RU,kk;q=0.5": RU, "en-GB": EN, "de,fr;q=0.5": EN, "de,kk;q=0.1": KK,
		"*": EN, "\xff\xfe": EN, "ru;q=0,kk": KK, strings.Repeat("ru,", 200): EN, "tlh, x-pirate": EN,
	} {
		if got := c.Negotiate(accept, EN); got != want {
			t.Errorf("%q: got %s, want %s", accept, got, want)
		}
	}
}

func TestTextOfUnknownMessageIsItsID(t *testing.T) {
	c := load(t)
	if got := c.Text(KK, "problem.nothing.title", nil); got != "problem.nothing.title" {
		t.Errorf("got %q", got)
	}
	if got := c.Text("de", "verify.page.title", nil); got != "verify.page.title" {
		t.Errorf("got %q", got)
	}
}

func FuzzNegotiate(f *testing.F) {
	c := load(f)
	f.Add("kk-KZ,ru;q=0.8,*;q=0.1")
	f.Add("x-x-x,-,;q=,q=1")
	f.Fuzz(func(t *testing.T, accept string) {
		if _, ok := Parse(string(c.Negotiate(accept, RU))); !ok {
			t.Fatal("a language that is not ours")
		}
	})
}
