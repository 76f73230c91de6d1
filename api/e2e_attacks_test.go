package api

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"qaqpa/payment"
	"qaqpa/payment/debt"
	"qaqpa/payment/order"
	"qaqpa/testenv/bank"
	"qaqpa/testenv/fault"
	"qaqpa/testenv/ncalayer"
)

// session is the browser's cookie of the session; plant puts another one in its place, as somebody at the same computer could.
func (v *visitor) session() (value string) {
	v.t.Helper()
	v.run(chromedp.ActionFunc(func(ctx context.Context) error {
		list, err := network.GetCookies().WithURLs([]string{v.url}).Do(ctx)
		for _, c := range list {
			if c.Name == cookieHost+cookieSession {
				value = c.Value
			}
		}
		return err
	}))
	return value
}

func (v *visitor) plant(value string) {
	v.t.Helper()
	v.run(chromedp.ActionFunc(func(ctx context.Context) error {
		return network.SetCookie(cookieHost+cookieSession, value).WithURL(v.url).WithPath("/").WithSecure(true).WithHTTPOnly(true).Do(ctx)
	}))
}

// The attack: a session is planted in the reader's browser before the sign-in, one that was made up and one that is the attacker's own.
// The sign-in makes another one, and what was planted never becomes the reader's.
func TestBrowserSessionIsNotFixed(t *testing.T) {
	c := endToEnd(t)
	c.owes(t, "FIXED-1")
	c.layer.Behave(ncalayer.Signs, c.signs(c.neighbour))
	attacker := c.visit(t, "fixation attacker", 1280)
	attacker.open("/?lang=en")
	attacker.enters()
	attacker.sees("ОМАРОВ")
	c.layer.Behave(ncalayer.Signs, c.signs(c.citizen))
	for name, planted := range map[string]string{"made up": strings.Repeat("ab", 32), "own": attacker.session()} {
		victim := c.visit(t, "fixation "+name, 360)
		victim.open("/?lang=en")
		victim.plant(planted)
		if victim.open("/cabinet"); name == "own" { // the page says whose session it is; leaving it ends it for the attacker, too
			victim.sees("ОМАРОВ")
			victim.click(".who button")
			victim.run(chromedp.WaitNotPresent(".who", chromedp.ByQuery))
		}
		victim.enters()
		victim.sees("СЕЙТҚАЛИЕВА")
		victim.open("/cabinet")
		victim.sees("FIXED-1")
		if now := victim.session(); now == planted || now == "" {
			t.Errorf("%s: the session that was planted lives on", name)
		}
		spy := c.visit(t, "fixation spy "+name, 1280)
		spy.open("/?lang=en")
		spy.plant(planted)
		spy.open("/cabinet")
		var text string
		spy.run(chromedp.Text("body", &text, chromedp.ByQuery))
		if strings.Contains(text, "FIXED-1") || strings.Contains(text, "СЕЙТҚАЛИЕВА") {
			t.Errorf("%s: what was planted shows the reader's cabinet:\n%s", name, text)
		}
		victim.clean()
	}
}

// The attacks of another site, and of who writes what others read: its forms are refused, its frame stays empty, and markup in a debt
// is text.
func TestBrowserOtherSites(t *testing.T) {
	c := endToEnd(t)
	services := c.services
	c.owes(t, "SITE-0")
	evil := `<img src=x onerror=console.error(1)><script>console.error(2)</script>`
	batch := in[payment.DebtBatch](t, c.send(c.agencyKey, "/v1/debts", map[string]any{"debts": []debt.Item{
		{Reference: `"><b id=hacked>`, Purpose: evil, Payer: debt.Payer{ID: c.citizen.IIN(), Name: evil}, Service: services(t)[0].ID},
	}}), 200)
	if batch.Accepted != 1 {
		t.Fatalf("the debt was refused: %+v", batch)
	}
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprintf(w, `<iframe src="%s/cabinet"></iframe><form action="%s/sign-out" method="post"><button id="out">free money</button></form>`, c.url, c.url)
	}))
	t.Cleanup(site.Close)
	v := c.visit(t, "other sites", 1280)
	v.open("/?lang=en")
	v.enters()
	v.open("/cabinet")
	v.sees("onerror=console.error(1)")
	var hacked bool
	v.run(chromedp.Evaluate(`!!document.querySelector("#hacked, main img, main script")`, &hacked))
	if hacked {
		t.Error("markup of a debt became part of the page")
	}
	v.accessible("markup")
	v.shot("markup")
	v.clean()
	v.run(chromedp.Navigate(site.URL), chromedp.WaitVisible("#out", chromedp.ByQuery))
	var framed string
	v.run(chromedp.Evaluate(`(() => { try { return document.querySelector("iframe").contentDocument ? "" : "closed"; } catch { return "closed"; } })()`, &framed))
	if framed != "closed" {
		t.Errorf("the frame is %q", framed)
	}
	v.click("#out")
	v.sees("another site")
	v.accessible("refused form")
	v.shot("refused-form")
	v.open("/cabinet")
	v.sees("SITE-0") // signed in still
}

// What the bank refuses, what was given up, and what is asked for twice from an old page: each is told.
func TestBrowserComesBack(t *testing.T) {
	c := endToEnd(t)
	v := c.visit(t, "back", 360)
	v.open("/?lang=en")
	refused := c.owes(t, "BACK-1")
	v.enters()
	if err := c.bank.AddFault(fault.Fault{Kind: bank.FaultRefuse, Count: 1, Reason: "insufficient_funds"}); err != nil {
		t.Fatal(err)
	}
	path := v.orders(refused)
	v.click(signButton)
	v.sees("The bank refused")
	v.looked("1-refused")
	if got := c.state(t, path); got != order.Refused {
		t.Errorf("the order is %s", got)
	}
	again := v.orders(refused) // the debt can be paid still
	v.click(signButton)
	v.sees("Download the receipt")
	v.run(chromedp.Evaluate("history.back()", nil)) // to a page that is old
	v.open(again)
	v.sees("Download the receipt")
	v.prints()
	given := v.orders(c.owes(t, "BACK-2"))
	v.click(`form[action$="/cancel"] button`)
	v.sees("You cancelled the payment")
	v.looked("3-cancelled")
	if got := c.state(t, given); got != order.Cancelled {
		t.Errorf("the order is %s", got)
	}
	v.open("/cabinet/orders/ord_nothing")
	v.looked("4-absent")
	if n := len(c.bank.Movements()); n != 1 {
		t.Errorf("money moved %d times", n)
	}
}

// A form of an old page is sent once more, with the key of that page: it leads to the order that it made, and pays nothing twice.
func TestBrowserSendsOldForm(t *testing.T) {
	c := endToEnd(t)
	debtID := c.owes(t, "OLD-1")
	v := c.visit(t, "old form", 1280)
	v.open("/?lang=en")
	v.enters()
	v.open("/cabinet")
	var key string
	v.run(chromedp.Value(`form[action="/cabinet/orders"] input[name=key]`, &key, chromedp.ByQuery))
	v.click("#" + debtID)
	v.run(chromedp.SetValue("#bank", ownBIC, chromedp.ByQuery))
	v.click(orderButton)
	v.run(chromedp.WaitVisible("#signing", chromedp.ByQuery))
	path := v.path()
	v.click(signButton)
	v.sees("Download the receipt")
	v.open("/cabinet") // the old form is sent from here, field by field as the page had them
	v.run(chromedp.Evaluate(fmt.Sprintf(`(() => { const f = document.createElement("form"); f.method = "post"; f.action = "/cabinet/orders";
		for (const [name, value] of Object.entries({key: %q, payer: %q, debt: %q, bank: %q})) { const i = document.createElement("input"); i.name = name; i.value = value; f.append(i); }
		document.body.append(f); f.submit(); })()`, key, c.citizen.IIN(), debtID, ownBIC), nil))
	v.sees("Download the receipt")
	if got := v.path(); got != path {
		t.Errorf("another order was made: %s", got)
	}
	if n := len(c.bank.Movements()); n != 1 {
		t.Errorf("money moved %d times", n)
	}
	v.clean()
}

// prints looks at the page as paper: what can be pressed is gone, what was paid is there.
func (v *visitor) prints() {
	v.t.Helper()
	v.run(emulation.SetEmulatedMedia().WithMedia("print"))
	var pressed int
	v.run(chromedp.Evaluate(`[...document.querySelectorAll("button, .button, nav, .who, input:not([type=hidden])")].filter(e => e.checkVisibility()).length`, &pressed))
	if pressed != 0 {
		v.t.Errorf("%s: %d things to press are printed", v.name, pressed)
	}
	v.sees("5,406.00")
	v.shot("2-printed")
	v.run(emulation.SetEmulatedMedia().WithMedia(""))
}

// Pages that no other story looks at with axe-core: documents in bulk with their verdicts, and a JSON Web Signature that was judged.
func TestBrowserBulkAndJWS(t *testing.T) {
	c := endToEnd(t)
	c.owes(t, "BULK-1")
	c.twoEditors()
	token := c.jws(t, c.citizen, []byte(`{"қаулы":17}`))
	v := c.visit(t, "bulk", 360)
	files := v.files(map[string][]byte{"good.jws": []byte(token), "bad.txt": []byte("no signature"), "beside.jws": []byte(withoutPayload(token)), "original.json": []byte(`{"қаулы":17}`)})
	c.layer.Behave(ncalayer.Signs, c.signs(c.head))
	v.open("/?lang=kk")
	v.enters()
	v.open("/console/agency/" + c.agencyID + "/verify")
	v.run(chromedp.SetUploadFiles("#document", []string{files["good.jws"], files["bad.txt"]}, chromedp.ByQuery))
	v.click("button[value=page]")
	v.sees("good.jws")
	v.looked("verdicts")
	for lang, says := range map[string]string{"kk": "Қолтаңба жарамды", "ru": "Подпись действительна", "en": "The signature holds"} {
		v.open("/verify?lang=" + lang)
		v.run(chromedp.SetUploadFiles("#document", []string{files["good.jws"]}, chromedp.ByQuery))
		v.click(checkButton)
		v.sees(says)
		v.looked("jws " + lang)
	}
	// Beside its original: what a JWS signs is no digest of the original, so that the reader is asked first.
	v.open("/verify?lang=en")
	v.run(chromedp.SetUploadFiles("#document", []string{files["beside.jws"]}, chromedp.ByQuery), chromedp.SetUploadFiles("#detached", []string{files["original.json"]}, chromedp.ByQuery))
	v.click(checkButton)
	v.sees("cannot be checked by a digest")
	v.click("#consent")
	v.sees("The signature holds")
	v.clean()
}
