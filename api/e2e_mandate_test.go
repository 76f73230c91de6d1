package api

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"qaqpa/payment/order"
	"qaqpa/testenv/ncalayer"
)

// A citizen gives an agreement with his EDS, pays a debt by it without another signature, and revokes it, in each language, on a phone and
// on a desk. What somebody else signs, and a double click, end as they should.
func TestBrowserAgreements(t *testing.T) {
	c := endToEnd(t)
	words := map[string][4]string{
		"kk": {"Тұрақты төлемдер келісімдері", "Келісім күшінде", "Келісім бойынша төлеу", "Келісім тоқтатылды"},
		"ru": {"Согласия на регулярные платежи", "Согласие действует", "Оплатить по согласию", "Согласие отозвано"},
		"en": {"Agreements for repeated payments", "The agreement holds", "Pay by an agreement", "The agreement is revoked"},
	}
	n := 0
	for lang, say := range words {
		for _, width := range []int64{360, 1280} {
			n++
			debtID := c.owes(t, fmt.Sprintf("AGREED-%d", n))
			v := c.visit(t, fmt.Sprintf("agreement %s %d", lang, width), width)
			v.open("/?lang=" + lang)
			v.enters()
			v.open("/cabinet/mandates")
			v.sees(say[0])
			v.looked("1-agreements")
			v.click(`input[name=service]`)
			v.types("#payment_max", "6 000")
			v.types("#month_max", "6 000")
			v.types("#bank", ownBIC)
			v.run(chromedp.Focus("#month_max", chromedp.ByQuery), chromedp.KeyEvent("\r")) // Enter in a sum goes on to signing
			v.run(chromedp.WaitVisible("#signing", chromedp.ByQuery))
			v.looked("2-unsigned")
			path := v.path()
			c.layer.Behave(ncalayer.Signs, c.signs(c.neighbour))
			v.click(signButton)
			v.run(chromedp.WaitVisible(`main [role="alert"]`, chromedp.ByQuery))
			c.layer.Behave(ncalayer.Signs, c.signs(c.citizen))
			v.open(path)
			v.run(chromedp.Evaluate(`(() => { const b = document.querySelector("#ncalayer-sign"); b.click(); b.click(); })()`, nil))
			v.sees(say[1])
			v.looked("3-holds")
			at := v.orders(debtID)
			v.sees(say[2])
			v.looked("4-order")
			v.run(chromedp.Evaluate(`(() => { const b = document.querySelector('form[action$="/mandate"] button'); b.click(); b.click(); })()`, nil))
			v.run(chromedp.WaitVisible(`a[href$="receipt.pdf"]`, chromedp.ByQuery))
			if got := c.state(t, at); got != order.Executed {
				t.Errorf("%s: the order is %s", v.name, got)
			}
			v.open(path)
			v.run(chromedp.WaitVisible(fmt.Sprintf(`a[href=%q]`, at), chromedp.ByQuery))
			v.looked("5-paid")
			v.click(`form[action$="/revoke"] button`)
			v.sees(say[3])
			v.looked("6-revoked")
			v.clean()
		}
	}
	if got := len(c.bank.Movements()); got != n {
		t.Errorf("money moved %d times for %d payments", got, n)
	}
}

// The attack: a session is planted in the reader's browser before he signs in by a code. The sign-in makes another one, and what was planted
// never becomes the reader's.
func TestBrowserSessionByCodeIsNotFixed(t *testing.T) {
	c := endToEnd(t)
	c.allowCodes()
	c.phoned(t)
	c.owes(t, "FIXED-2")
	planted := strings.Repeat("ab", 32)
	v := c.visit(t, "fixation code", 360)
	v.open("/sign-in?lang=en")
	v.plant(planted)
	before := len(c.phone.Messages(ownPhone))
	v.types("#iin", c.citizen.IIN())
	v.run(chromedp.Submit("#iin", chromedp.ByQuery), chromedp.WaitVisible("#code", chromedp.ByQuery))
	for deadline := time.Now().Add(30 * time.Second); len(c.phone.Messages(ownPhone)) == before && time.Now().Before(deadline); {
		time.Sleep(20 * time.Millisecond)
	}
	v.types("#code", c.phone.Code(ownPhone))
	v.run(chromedp.Submit("#code", chromedp.ByQuery), chromedp.WaitVisible(".who", chromedp.ByQuery))
	v.open("/cabinet")
	v.sees("FIXED-2")
	if now := v.session(); now == planted || now == "" {
		t.Error("the session that was planted lives on")
	}
	spy := c.visit(t, "fixation code spy", 1280)
	spy.open("/?lang=en")
	spy.plant(planted)
	spy.open("/cabinet")
	var text string
	spy.run(chromedp.Text("body", &text, chromedp.ByQuery))
	if strings.Contains(text, "FIXED-2") || strings.Contains(text, "СЕЙТҚАЛИЕВА") {
		t.Errorf("what was planted shows the reader's cabinet:\n%s", text)
	}
	v.clean()
}
