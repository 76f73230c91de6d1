package api

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"qaqpa/api/auth"
	"qaqpa/api/auth/totp"
	"qaqpa/payment/order"
	"qaqpa/testenv/egovmobile"
)

// serveOn starts one more front of the same gateway under a name for which passkeys can be made.
func (c *chromium) serveOn(t *testing.T) string {
	t.Helper()
	ln := must[net.Listener](t)((&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0"))
	cfg := c.cfg
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	cfg.BaseURL, cfg.Registerer, cfg.Gatherer = "http://localhost:"+port, nil, nil
	s := must[*Server](t)(New(cfg))
	done := make(chan error, 1)
	go func() { done <- s.Serve(ln) }()
	t.Cleanup(func() {
		if err := s.Shutdown(t.Context()); err != nil {
			t.Log(err) // the browser's connections may be open still
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return cfg.BaseURL
}

func (v *visitor) types(selector, text string) {
	v.t.Helper()
	v.run(chromedp.SetValue(selector, text, chromedp.ByQuery))
}

// One of the operator's people chooses a password, signs in with a code, adds a passkey, and signs in with it.
func TestBrowserPasskeys(t *testing.T) {
	c := endToEnd(t)
	invitation := c.invited(t, "aigul", auth.Support, c.head)
	base := c.serveOn(t)
	v := c.visit(t, "passkeys", 360)
	seen := func(step string) { v.accessible(step); v.fits(); v.shot(step) }
	v.run(webauthn.Enable(), chromedp.Navigate(base+"/operators/enrol?lang=kk"))
	seen("1-enrol")
	v.types("#login", "aigul")
	v.types("#invitation", invitation)
	v.types("#password", operatorSecret)
	v.types("#again", operatorSecret)
	v.click("main form button")
	v.sees("Құпиясөз сақталды")
	seen("2-seed")
	var text string
	v.run(chromedp.Text(".seed", &text, chromedp.ByQuery))
	seed := must[[]byte](t)(unseed(text))
	v.run(chromedp.Navigate(base + "/operators"))
	seen("3-sign-in")
	v.types("#login", "aigul")
	v.types("#password", operatorSecret)
	v.types("#code", totp.Code(seed, totp.Step(time.Now())))
	v.click(`button[value=code]`)
	v.run(chromedp.WaitVisible(".who", chromedp.ByQuery), chromedp.Navigate(base+"/console/security"))
	v.run(chromedp.ActionFunc(func(ctx context.Context) error {
		_, err := webauthn.AddVirtualAuthenticator(&webauthn.VirtualAuthenticatorOptions{
			Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportUsb, AutomaticPresenceSimulation: true,
		}).Do(ctx)
		return err
	}))
	v.types("#name", "Кілт 1")
	v.click(`form[action$="/add"] button`)
	v.run(chromedp.WaitVisible("#passkey-ask", chromedp.ByQuery))
	seen("4-asks")
	v.click("#passkey-ask")
	v.sees("Кілт 1")
	v.run(chromedp.WaitVisible(`form[action$="/remove"]`, chromedp.ByQuery))
	seen("5-added")
	v.click(".who button")
	v.run(chromedp.WaitNotPresent(".who", chromedp.ByQuery), chromedp.Navigate(base+"/operators"))
	v.types("#login", "aigul")
	v.types("#password", operatorSecret)
	v.click(`button[value=passkey]`)
	v.run(chromedp.WaitVisible("#passkey-ask", chromedp.ByQuery))
	v.run(chromedp.Evaluate(`(() => { const b = document.querySelector("#passkey-ask"); b.click(); b.click(); })()`, nil))
	v.run(chromedp.WaitVisible(".who", chromedp.ByQuery), chromedp.Navigate(base+"/console/operator/aigul"))
	v.sees("Оператор пульті")
	if len(v.bad) > 0 {
		t.Errorf("the browser complains: %q", v.bad)
	}
}

func unseed(text string) ([]byte, error) {
	return seedEncoding().DecodeString(strings.Join(strings.Fields(text), ""))
}

// A citizen signs in and pays by the phone, in each language, at both widths; the page goes on by itself.
func TestBrowserUsesPhone(t *testing.T) {
	c := endToEnd(t)
	words := map[string][3]string{
		"kk": {"телефонды күтіп тұрмыз", "телефонда растауды күтіп тұрмыз", "Түбіртекті жүктеп алу (PDF)"},
		"ru": {"ждём телефон", "ждём подтверждения на телефоне", "Скачать квитанцию (PDF)"},
		"en": {"waiting for the phone", "waiting for your confirmation", "Download the receipt (PDF)"},
	}
	n := 0
	for lang, say := range words {
		for _, width := range []int64{360, 1280} {
			n++
			debtID := c.owes(t, fmt.Sprintf("PHONE-%d", n))
			v := c.visit(t, fmt.Sprintf("phone %s %d", lang, width), width)
			if width == 1280 {
				v.run(emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}))
			}
			v.open("/sign-in?lang=" + lang)
			v.accessible("sign-in")
			v.shot("1-sign-in")
			v.click(`form[action="/sign-in/qr"] button`)
			v.sees(say[0])
			v.accessible("waits")
			v.fits()
			v.shot("2-waits")
			asked := v.scans(c.mobile(c.citizen))
			v.sees(say[1])
			v.shot("3-fetched")
			if err := c.mobile(c.citizen).Confirm(t.Context(), asked); err != nil {
				t.Fatal(err)
			}
			v.run(chromedp.WaitVisible(".who", chromedp.ByQuery))
			path := v.orders(debtID)
			v.click(`form[action$="/qr"] button`)
			v.sees(say[0])
			v.fits()
			v.shot("4-pays")
			asked = v.scans(c.mobile(c.citizen))
			if err := c.mobile(c.citizen).Confirm(t.Context(), asked); err != nil {
				t.Fatal(err)
			}
			v.sees(say[2])
			if got := c.state(t, path); got != order.Executed {
				t.Errorf("%s: the order is %s", v.name, got)
			}
			v.clean()
		}
	}
	if got := len(c.bank.Movements()); got != n {
		t.Errorf("money moved %d times for %d payments", got, n)
	}
}

// scans reads the code that the page shows, as its link says it too.
func (v *visitor) scans(p *egovmobile.Phone) *egovmobile.Asked {
	v.t.Helper()
	var code string
	v.run(chromedp.Evaluate(`new URL(document.querySelector('a[href^="https://m.egov.kz/"]').href).searchParams.get("link")`, &code))
	return scan(v.t, p, "mobileSign:"+code)
}

// A citizen signs in by a code on an old phone, without our scripts.
func TestBrowserSignsInByCode(t *testing.T) {
	c := endToEnd(t)
	c.allowCodes()
	c.phoned(t)
	c.owes(t, "CODE-1")
	for _, lang := range []string{"kk", "ru", "en"} {
		v := c.visit(t, "code "+lang, 360)
		v.run(emulation.SetScriptExecutionDisabled(true))
		v.open("/sign-in?lang=" + lang)
		v.run(chromedp.SendKeys("#iin", c.citizen.IIN(), chromedp.ByQuery))
		before := len(c.phone.Messages(ownPhone))
		v.run(chromedp.Submit("#iin", chromedp.ByQuery), chromedp.WaitVisible(`input[name=code]`, chromedp.ByQuery))
		v.run(emulation.SetScriptExecutionDisabled(false)) // the page has none; axe-core is one
		v.looked("1-code")
		for deadline := time.Now().Add(time.Minute); len(c.phone.Messages(ownPhone)) == before && time.Now().Before(deadline); {
			time.Sleep(20 * time.Millisecond)
		}
		v.run(chromedp.SendKeys("#code", c.phone.Code(ownPhone), chromedp.ByQuery), chromedp.Submit("#code", chromedp.ByQuery), chromedp.WaitVisible(".who", chromedp.ByQuery))
		v.run(emulation.SetScriptExecutionDisabled(false))
		v.open("/cabinet")
		v.sees("CODE-1")
		v.accessible("cabinet")
		v.shot("2-cabinet")
		v.clean()
	}
}
