package api

import (
	"errors"
	"fmt"
	"html"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"qaqpa/api/feedcsv"
	"qaqpa/api/feedlines"
	"qaqpa/api/language"
	"qaqpa/api/portal"
	"qaqpa/hsm"
	"qaqpa/payment"
	"qaqpa/payment/debt"
	"qaqpa/payment/recon"
	"qaqpa/signer/audit"
	"qaqpa/signer/tsa"
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
	debts := debtReasons()
	for _, code := range debts {
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
	doc := loadContract(t).doc
	for schema, want := range map[string][]string{"Why": payment.ReasonCodes(), "DebtReason": debts} {
		var named []string
		for _, v := range doc.Components.Schemas[schema].Value.Enum {
			name, _ := v.(string) // what is no text differs below
			named = append(named, name)
		}
		slices.Sort(named)
		slices.Sort(want)
		if diff := cmp.Diff(want, named); diff != "" {
			t.Errorf("the contract names other reasons in %s (-ours +its):\n%s", schema, diff)
		}
	}
}

// debtReasons are the reasons of refused debts: those of the domain and of the two readers.
func debtReasons() []string {
	var out []string
	for _, r := range slices.Concat(debt.Reasons(), feedlines.Reasons(), feedcsv.Reasons()) {
		out = append(out, string(r))
	}
	return out
}

// The page tells each refused line in words of the reader's language alone, with amounts and days as the language writes them, and nothing of
// the English sentence that programs get.
func TestRefusedDebtsAreToldInThreeLanguages(t *testing.T) {
	texts, err := language.Load()
	if err != nil {
		t.Fatal(err)
	}
	pages, err := portal.New(texts)
	if err != nil {
		t.Fatal(err)
	}
	facts := debt.Facts{Tiyn: 540600, LeastTiyn: 100000, MostTiyn: 4325000000, Least: 1, Most: 64, Byte: 17, Want: "integer", On: "2026-03-31", Of: "rfd_1"}
	for _, lang := range language.All() {
		for _, code := range debtReasons() {
			line := payment.FeedResult{Line: 2, Reference: "A-1", Code: debt.CodeInvalid, Field: "amount", Detail: "the English of programs", Reason: debt.Reason(code), Facts: facts}
			page, err := pages.RenderAgencyDebts(portal.AgencyDebts{
				Frame: portal.Frame{Lang: lang}, Agency: "agc_1", Report: &payment.FeedReport{Lines: 2, Refused: 1}, Refused: []payment.FeedResult{line},
			})
			if err != nil {
				t.Fatal(err)
			}
			text, _, _ := strings.Cut(texts.Text(lang, "why."+code, map[string]string{}), "<no value>")
			if s := html.UnescapeString(string(page)); strings.Contains(s, "no value") || strings.Contains(s, "the English") || !strings.Contains(s, text) || strings.Contains(s, "why."+code) {
				t.Errorf("%s: %s is told as\n%s", lang, code, s)
			}
		}
	}
	line := payment.FeedResult{Line: 1, Code: debt.CodeNotTariff, Reason: debt.WhyBeyondTariff, Facts: facts}
	for lang, want := range map[language.Lang]string{
		language.KK: "1\u00a0000,00\u00a0₸ және 43\u00a0250\u00a0000,00\u00a0₸ аралығында", language.RU: "от 1\u00a0000,00\u00a0₸ до 43\u00a0250\u00a0000,00\u00a0₸",
		language.EN: "1,000.00\u00a0₸ to 43,250,000.00\u00a0₸",
	} {
		page, err := pages.RenderAgencyDebts(portal.AgencyDebts{Frame: portal.Frame{Lang: lang}, Agency: "agc_1", Report: &payment.FeedReport{Lines: 1, Refused: 1}, Refused: []payment.FeedResult{line}})
		if err != nil || !strings.Contains(html.UnescapeString(string(page)), want) {
			t.Errorf("%s: no %q (%v)", lang, want, err)
		}
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

// What a token, the clock or a payment is troubled by, and what does not fit in the audit log, has words in every language, and what no kind is known of is left to experts.
func TestTroublesAreToldInThreeLanguages(t *testing.T) {
	texts, err := language.Load()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{}
	for _, trouble := range hsm.Troubles() {
		want["page.trouble.token."+string(trouble)] = true
	}
	for _, err := range []error{tsa.ErrClockUnsynchronised, tsa.ErrClockServers, tsa.ErrClockOff, tsa.ErrClockUnknown, errors.New("another clock")} {
		want["page.trouble.clock."+clockTrouble(fmt.Errorf("%w: the particulars", err))] = true
	}
	for _, kind := range append(payment.TroubleKinds(), "other") {
		want["page.attempts.trouble."+kind] = true
	}
	for _, fault := range []audit.Misfit{audit.MisfitEntry, audit.MisfitSeal, audit.MisfitChain, audit.MisfitGone, audit.MisfitOther} {
		want["proof.fault."+string(fault)] = true
	}
	for _, lang := range language.All() {
		for _, id := range texts.IDs(lang) {
			if (strings.HasPrefix(id, "page.trouble.") || strings.HasPrefix(id, "page.attempts.trouble.") || strings.HasPrefix(id, "proof.fault.")) && !want[id] {
				t.Errorf("%s: %s is the text of nothing", lang, id)
			}
		}
		for id := range want {
			if !texts.Has(lang, id) {
				t.Errorf("%s: no text for %s", lang, id)
			}
		}
	}
}
