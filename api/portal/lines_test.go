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
			l.Matches = append(l.Matches, payment.LineMatch{Expectation: "exp_1", Rule: []string{"uip", payment.RulePerson}[i%2], Fields: []recon.Field{f}})
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
