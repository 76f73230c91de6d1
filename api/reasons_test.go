package api

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"qaqpa/api/language"
	"qaqpa/payment"
	"qaqpa/payment/recon"
)

// Each reason of a refusal has a text in every language, an English sentence of its own where it is a resolution's, and a place in the
// contract; and nothing has a text that is no reason.
func TestReasonsAreToldInThreeLanguages(t *testing.T) {
	texts, err := language.Load()
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, code := range payment.ReasonCodes() {
		if known["why."+code] {
			t.Errorf("%s stands twice", code)
		}
		known["why."+code] = true
	}
	for _, code := range payment.NoticeCodes() {
		known["notice."+code] = true
	}
	for _, lang := range language.All() {
		for id := range known {
			if !texts.Has(lang, id) {
				t.Errorf("%s: no text for %s", lang, id)
			}
		}
		for _, id := range texts.IDs(lang) {
			if (strings.HasPrefix(id, "why.") || strings.HasPrefix(id, "notice.")) && !known[id] {
				t.Errorf("%s: %s is the text of nothing", lang, id)
			}
		}
	}
	english := map[string]recon.Why{}
	for _, w := range recon.Whys() {
		if text := w.English(); text == "" || english[text] != "" {
			t.Errorf("%s has the English of %q: %q", w, english[text], text)
		}
		english[w.English()] = w
	}
	if text := recon.Why("nothing").English(); text != "" {
		t.Errorf("a reason that nobody knows says %q", text)
	}
	var named []string
	for _, v := range loadContract(t).doc.Components.Schemas["Why"].Value.Enum {
		name, _ := v.(string) // what is no text differs below
		named = append(named, name)
	}
	want := payment.ReasonCodes()
	slices.Sort(named)
	slices.Sort(want)
	if diff := cmp.Diff(want, named); diff != "" {
		t.Errorf("the contract names other reasons (-ours +its):\n%s", diff)
	}
}

// A reason is told with what it is about, in the reader's language.
func TestReasonTexts(t *testing.T) {
	texts, err := language.Load()
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{texts: texts}
	for lang, want := range map[language.Lang]string{
		language.KK: "Төлем әлдеқашан сәйкестендірілген: exp_1", language.RU: "Платёж уже сопоставлен: exp_1", language.EN: "The payment is matched already: exp_1",
	} {
		if got := s.reasonTexts([]string{string(recon.WhyMatched)}, "exp_1", lang); !slices.Equal(got, []string{want}) {
			t.Errorf("%s: got %q", lang, got)
		}
	}
	if got := s.reasonTexts([]string{string(recon.WhyRefused)}, "", language.EN); len(got) != 1 || !strings.HasPrefix(got[0], "The bank signed") {
		t.Errorf("got %q", got)
	}
}
