package portal

import (
	"regexp"
	"strings"
	"testing"

	"qaqpa/api/language"
	"qaqpa/payment"
	"qaqpa/payment/recon"
)

// Lines of every status, matched by every field, are told in each language; nobody's number is shown, and what people decided is not undone.
func TestLinesInEachLanguage(t *testing.T) {
	p := pages(t)
	lines := []payment.StatementLine{{Status: recon.Listed, Exception: "exc_1"}}
	for i, s := range []recon.Status{recon.PostedAuto, recon.PostedManual, recon.PostedForced, recon.Partial, recon.Settled, recon.NotBooked} {
		l := payment.StatementLine{Line: recon.Line{No: i, Part: i % 2, Tiyn: 900, Purpose: "<b> 850101300019"}, Status: s}
		for _, f := range []recon.Field{recon.ByReference, recon.ByUIP, recon.ByBankReference, recon.ByBatch, recon.ByPayer, recon.ByKBK} {
			l.Matches = append(l.Matches, payment.LineMatch{Expectation: "exp_1", Rule: []string{"ours", payment.RulePerson}[i%2], Own: i%2 == 0, Fields: []recon.Field{f}})
		}
		lines = append(lines, l)
	}
	for _, l := range language.All() {
		f := Frame{Lang: l, Address: "/console/operator/ops/statements/stm_1/lines", Person: "ӘЛІ <i>", Works: true}
		for name, v := range map[string]Lines{
			"all":   {Lines: lines, Key: "k", More: true, Message: &Message{Title: "t"}, No: 0, Draft: "<i>draft"},
			"looks": {Lines: lines, First: true},
			"none":  {Key: "k"},
		} {
			v.Frame, v.Subject, v.Statement = f, "ops", statementOf("booked", "")
			page, err := p.RenderLines(v)
			if err != nil {
				t.Fatalf("%s %s: %v", name, l, err)
			}
			text := string(page)
			checkPage(t, "lines "+name+" "+string(l), text, l)
			if id := regexp.MustCompile(`[>" ](recon|page)\.[a-z_0-9.-]+[<" ]`).FindString(text); id != "" {
				t.Errorf("%s %s: no text for %s", name, l, id)
			}
			if strings.Contains(text, "850101300019") {
				t.Errorf("%s %s: the page shows the number of a person", name, l)
			}
			want := map[string]int{"all": 3, "looks": 0, "none": 0}[name]
			if n := strings.Count(text, `name="comment"`); n != want {
				t.Errorf("%s %s: %d matches can be undone, want %d", name, l, n, want)
			}
		}
	}
}

// matched renders the page of a line with one match, and returns what it says of that.
func matched(t *testing.T, p *Pages, lang language.Lang, m payment.LineMatch) string {
	t.Helper()
	line := payment.StatementLine{Line: recon.Line{No: 1, Tiyn: 900}, Status: recon.PostedAuto, Matches: []payment.LineMatch{m}}
	page, err := p.RenderLines(Lines{Frame: Frame{Lang: lang, Works: true}, Subject: "ops", Statement: statementOf("booked", ""), Lines: []payment.StatementLine{line}})
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(page), "<code>"+m.Expectation+"</code>")
	said, _, found := strings.Cut(after, "</li>")
	if !found {
		t.Fatalf("the match is not on the page: %s", page)
	}
	return said
}

// What a bank kept back stands beside what it has paid, and where nothing was kept back there is no word of it.
func TestLinesTellWhatWasKeptBack(t *testing.T) {
	p := pages(t)
	for lang, want := range map[language.Lang][2]string{
		language.KK: {"комиссия үшін ұсталғаны:", "12,34"}, language.RU: {"удержано в счёт комиссии:", "12,34"}, language.EN: {"kept back for the commission:", "12.34"},
	} {
		kept := want[0] + " " + want[1] + "\u00a0₸"
		m := payment.LineMatch{Expectation: "exp_1", Rule: "kept-back", Owed: 2000, Paid: 766, Kept: 1234}
		if said := matched(t, p, lang, m); !strings.Contains(said, kept) {
			t.Errorf("%s: %q is not in %s", lang, kept, said)
		}
		m.Rule = payment.RulePerson
		if said := matched(t, p, lang, m); !strings.Contains(said, kept) {
			t.Errorf("%s: tied by a person, %q is not in %s", lang, kept, said)
		}
		m.Rule, m.Paid, m.Kept = "reference", 2000, 0
		if said := matched(t, p, lang, m); strings.Contains(said, want[0]) {
			t.Errorf("%s: nothing was kept back, and it says %s", lang, said)
		}
	}
}

// Every rule of the default ladder has words in each language, different ones, and no code beside them; a rule that somebody made himself has its
// code and what it compares.
func TestRulesHaveWords(t *testing.T) {
	p := pages(t)
	for _, lang := range language.All() {
		told := map[string]string{}
		for _, r := range recon.DefaultLadder() {
			if id := "recon.lines.rule." + r.Name; !p.texts.Has(lang, id) {
				t.Errorf("%s: no text for %s", lang, id)
			}
			said := matched(t, p, lang, payment.LineMatch{Expectation: "exp_1", Rule: r.Name, Fields: r.On})
			if strings.Contains(said, "<code>") {
				t.Errorf("%s: %s is told by its code: %s", lang, r.Name, said)
			}
			if other, twice := told[said]; twice {
				t.Errorf("%s: %s and %s are told alike: %s", lang, r.Name, other, said)
			}
			told[said] = r.Name
		}
		own := matched(t, p, lang, payment.LineMatch{Expectation: "exp_1", Rule: "reference", Own: true, Fields: []recon.Field{recon.ByUIP, recon.ByKBK}})
		if field := p.texts.Text(lang, "recon.agrees.kbk", nil); !strings.Contains(own, "<code>reference</code>: ") || !strings.Contains(own, field) {
			t.Errorf("%s: of a rule of somebody's own it says %s", lang, own)
		}
	}
}
