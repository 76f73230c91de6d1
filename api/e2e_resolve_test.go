package api

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"qaqpa/api/auth"
	"qaqpa/payment/catalog"
	"qaqpa/payment/order"
	"qaqpa/payment/recon"
)

// One operator proposes how an exception is resolved, another one sees what that moves and approves it, and both stand among the decisions,
// in each language, at both widths.
func TestBrowserResolves(t *testing.T) {
	c := endToEnd(t)
	c.registersAccount()
	book := c.furnished(t)
	request := must[string](t)(book.Ask(t.Context(), keyAct("destroy"), "operator:aigul"))
	if err := book.Approve(t.Context(), request, "operator:bolat"); err != nil {
		t.Fatal(err)
	}
	if err := book.Use(t.Context(), request, keyAct("destroy"), "operator:aigul"); err != nil {
		t.Fatal(err)
	}
	c.grant(auth.Operator, "aigul", auth.Editor, c.head)
	c.grant(auth.Operator, "bolat", auth.Editor, c.employee)
	words := map[string][4]string{
		"kk": {"Шешім ұсыну", "Шешім екінші адамды күтуде", "Қалай шешілді", "Екі адам шешкендері"},
		"ru": {"Предложить решение", "Решение ждёт второго человека", "Как это решено", "Что решили двое"},
		"en": {"Propose a resolution", "A resolution waits for another person", "How it was resolved", "What two people have decided"},
	}
	ways := []recon.Way{recon.Park, recon.GiveBack, recon.WriteOff, recon.Park, recon.GiveBack, recon.WriteOff}
	n := 0
	for lang, say := range words {
		for _, width := range []int64{360, 1280} {
			n++
			c.statement(c.bankKey, camt(n, fmt.Sprintf("2026-03-%02d", n+1), int64(n-1)*900, 900, "")).fine(t, 200)
			at := "/exceptions/" + c.listed(recon.Surplus)
			v := c.enteredBy(t, c.head, "resolve", lang, width)
			v.open("/console/operator/aigul" + at)
			v.sees(say[0])
			v.looked("1-exception")
			v.click("#way-" + string(ways[n-1]))
			v.types("#because", "Клиент қателесті, банк растады")
			v.click(`form[action$="/resolution"] button`)
			v.sees(say[1])
			v.looked("2-proposed")
			v.clean()
			w := c.enteredBy(t, c.employee, "resolve second", lang, width)
			w.open("/console/operator/bolat" + at)
			w.sees(say[1])
			w.looked("3-second")
			w.run(chromedp.Evaluate(`(() => { const b = document.querySelector("button[value=approve]"); b.click(); b.click(); })()`, nil))
			w.sees(say[2])
			w.looked("4-resolved")
			w.open("/console/operator/bolat/approvals")
			w.sees(say[3])
			w.looked("5-decisions")
			w.clean()
		}
	}
}

// camtWith is a statement with a line of the same amount for each of the bank's references.
func camtWith(number int, day string, opening, amount int64, references ...string) []byte {
	before, _, _ := strings.Cut(string(camt(number, day, opening, amount*int64(len(references)), "")), "<Ntry>")
	_, line, _ := strings.Cut(string(camt(number, day, opening, amount, "")), "<Ntry>")
	line, after, _ := strings.Cut(line, "</Ntry>")
	for _, reference := range references {
		before += "<Ntry>" + strings.Replace(line, "B1", reference, 1) + "</Ntry>"
	}
	return []byte(before + after)
}

// matched has statements of five days, so that the chart of matching has days on which all, some and none of the lines fit.
func (c *chromium) matched(t *testing.T, paid ...order.Order) {
	t.Helper()
	c.registersAccount()
	var references []string
	for _, o := range paid {
		references = append(references, o.BankReference)
	}
	var opening int64
	last := time.Now()
	for i := range 5 {
		day := string(catalog.DateOf(last.AddDate(0, 0, i-4)))
		lines := []string{"nobody-1", "nobody-2"}
		if i == 4 {
			lines = append(references, "nobody-3")
		}
		c.statement(c.bankKey, camtWith(i+1, day, opening, paid[0].Tiyn, lines...)).fine(t, 200)
		opening += paid[0].Tiyn * int64(len(lines))
	}
}
