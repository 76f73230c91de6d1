package api

import (
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// A developer tries operations of a sandbox: one with a key and a body that is filled in, one without a key, and what goes wrong.
func TestBrowserTriesSandbox(t *testing.T) {
	c := endToEnd(t)
	c.owes(t, "TRY-1")
	c.url = c.serveSandbox(t)
	for lang, say := range map[string]string{"kk": "Бұл шлюз — сынақ алаңы", "ru": "Этот шлюз — песочница", "en": "This gateway is a sandbox"} {
		v := c.visit(t, "sandbox "+lang, map[string]int64{"kk": 360, "ru": 1280, "en": 1280}[lang])
		v.open("/developers?lang=" + lang)
		v.sees(say)
		v.looked("1-developers")
		v.click("#searchDebts summary")
		v.click("#searchDebts button.try")
		v.run(chromedp.WaitVisible("#try", chromedp.ByQuery))
		v.looked("2-try")
		v.run(chromedp.Evaluate(`(() => { const b = document.querySelector("#try button[type=submit]"); b.click(); b.click(); })()`, nil))
		v.sees("200 application/json")
		v.sees("TRY-1")
		v.looked("3-answer")
		v.run(chromedp.SetValue("#try-body", "{", chromedp.ByQuery))
		v.click("#try button[type=submit]")
		v.sees("400 application/problem+json")
		v.click("#getReceiptByCode summary")
		v.click("#getReceiptByCode button.try")
		v.run(chromedp.SetValue("#try-path", "https://evil.example/v1", chromedp.ByQuery))
		v.click("#try button[type=submit]")
		v.sees(map[string]string{"kk": "Сұраулар тек осы шлюзге", "ru": "Запросы отправляются только этому", "en": "Requests go to this gateway only"}[lang])
		v.run(chromedp.SetValue("#try-path", "/v1/receipt-codes/ABCD-1234", chromedp.ByQuery))
		v.click("#try button[type=submit]")
		v.sees("404 application/problem+json")
		v.open("/developers/changes")
		v.looked("4-changes")
		v.clean()
	}
	// Without script there is nothing to press, and the commands are there.
	v := c.visit(t, "sandbox plain", 360)
	v.run(emulation.SetScriptExecutionDisabled(true))
	v.open("/developers?lang=en")
	var buttons int
	v.run(emulation.SetScriptExecutionDisabled(false), chromedp.Evaluate(`[...document.querySelectorAll("button.try, #try")].filter(b => b.checkVisibility()).length`, &buttons))
	if buttons != 0 {
		t.Errorf("%d buttons do nothing", buttons)
	}
}
