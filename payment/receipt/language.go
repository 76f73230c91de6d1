package receipt

// Language is in what a page is set. Receipts are bilingual by law (R13); English is made on demand, from the same core.
type Language string

// The languages of pages.
const (
	// Bilingual is Kazakh and Russian, side by side.
	Bilingual Language = "kk-ru"
	// English stands alone.
	English Language = "en"
)

// Known tells whether pages are set in it.
func (l Language) Known() bool { return l == Bilingual || l == English }

// label is a text of the page in the languages.
type label struct{ KK, RU, EN string }

// pair is what stands first and second; in English there is no second.
func (l Language) pair(t label) (first, second string) {
	if l == English {
		return t.EN, ""
	}
	return t.KK, t.RU
}

// say is a text on one line.
func (l Language) say(t label) string { return l.name(Texts(t), " · ") }

// name is a text in the languages, with something between them.
func (l Language) name(t Texts, between string) string {
	first, second := l.pair(label(t))
	if second == "" || second == first {
		return first
	}
	return first + between + second
}

// tag is the language of the document by BCP 47: the first.
func (l Language) tag() string {
	if l == English {
		return "en"
	}
	return "kk"
}

// say chooses between the form of the bilingual page and the English one.
func (p *page) say(bilingual, english string) string {
	if p.lang == English {
		return english
	}
	return bilingual
}
