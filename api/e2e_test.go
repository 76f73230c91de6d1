package api

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"qaqpa/api/auth"
	"qaqpa/payment/order"
	"qaqpa/testenv/ncalayer"
	"qaqpa/testenv/pki"
)

// chromium is a real browser in front of the gateway, with NCALayer's stand-in beside it.
type chromium struct {
	*whole
	layer *ncalayer.Layer
	alloc context.Context //nolint:containedctx // chromedp's handle of the browser
}

func endToEnd(t *testing.T) *chromium {
	t.Helper()
	needsBrowser(t)
	return endToEndOn(t, start(t))
}

func needsBrowser(t *testing.T) {
	t.Helper()
	if os.Getenv("QAQPA_E2E") == "" {
		t.Skip("a real browser is used by `make e2e`")
	}
}

// endToEndOn is endToEnd before a gateway that runs already.
func endToEndOn(t *testing.T, w *whole) *chromium {
	t.Helper()
	c := &chromium{whole: w}
	layer, _, err := ncalayer.Start(t.Context(), ncalayer.Address, c.signs(c.citizen))
	if err != nil {
		t.Fatal(err)
	}
	c.layer = layer
	t.Cleanup(func() {
		if err := layer.Close(); err != nil {
			t.Error(err)
		}
	})
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.NoSandbox, chromedp.Flag("ignore-certificate-errors", true), chromedp.Flag("lang", "en-US"), chromedp.Flag("disable-dev-shm-usage", true))
	alloc, cancel := chromedp.NewExecAllocator(context.WithoutCancel(t.Context()), options...)
	t.Cleanup(cancel)
	c.alloc = alloc
	return c
}

func (c *chromium) signs(who *pki.Identity) ncalayer.Sign {
	return func(data []byte) ([]byte, error) { return who.SignCMS(data, pki.CMSOptions{Detached: true}) }
}

// visitor is one person with a browser of his own: cookies are not shared.
type visitor struct {
	*chromium
	t    *testing.T
	ctx  context.Context //nolint:containedctx // chromedp's handle of the tab
	name string

	mu    sync.Mutex
	hosts map[string]bool
	bytes map[string]float64 // by path
	up    int                // octets of bodies that were sent
	bad   []string
}

// visit opens a browser of the given width in pixels. Everything it loads is watched.
func (c *chromium) visit(t *testing.T, name string, width int64) *visitor {
	t.Helper()
	browser, cancel := chromedp.NewContext(c.alloc)
	t.Cleanup(cancel)
	ctx, stop := context.WithTimeout(browser, 90*time.Second)
	t.Cleanup(stop)
	v := &visitor{chromium: c, t: t, ctx: ctx, name: name, hosts: map[string]bool{}, bytes: map[string]float64{}}
	paths := map[network.RequestID]string{}
	chromedp.ListenTarget(ctx, func(event any) {
		v.mu.Lock()
		defer v.mu.Unlock()
		switch e := event.(type) {
		case *network.EventRequestWillBeSent:
			if u, err := url.Parse(e.Request.URL); err == nil && u.Scheme != "data" {
				v.hosts[u.Host] = true
				paths[e.RequestID] = u.Path
			}
		case *network.EventRequestWillBeSentExtraInfo:
			if length, err := strconv.Atoi(fmt.Sprint(e.Headers["Content-Length"])); err == nil {
				v.up += length
			}
		case *network.EventLoadingFinished:
			v.bytes[paths[e.RequestID]] += e.EncodedDataLength
		case *runtime.EventExceptionThrown:
			v.bad = append(v.bad, e.ExceptionDetails.Error())
		case *runtime.EventConsoleAPICalled:
			if e.Type == runtime.APITypeError {
				v.bad = append(v.bad, fmt.Sprint(e.Args))
			}
		}
	})
	v.run(network.Enable(), runtime.Enable(), emulation.SetDeviceMetricsOverride(width, 900, 1, width < 500))
	return v
}

// enteredBy opens the browser of somebody who has signed in, in a language. The name of the story goes into those of its pictures.
func (c *chromium) enteredBy(t *testing.T, who *pki.Identity, story, lang string, width int64) *visitor {
	t.Helper()
	c.layer.Behave(ncalayer.Signs, c.signs(who))
	v := c.visit(t, fmt.Sprintf("%s %s %d", story, lang, width), width)
	v.open("/?lang=" + lang)
	v.enters()
	return v
}

func (v *visitor) run(actions ...chromedp.Action) {
	v.t.Helper()
	if err := chromedp.Run(v.ctx, actions...); err != nil {
		v.shot("failed")
		var text string
		_ = chromedp.Run(v.ctx, chromedp.Text("body", &text, chromedp.ByQuery))
		v.t.Fatalf("%s: %v\n%s", v.name, err, text)
	}
}

// shot keeps a picture of the whole page.
func (v *visitor) shot(step string) {
	v.t.Helper()
	folder := os.Getenv("QAQPA_E2E_SHOTS")
	if folder == "" {
		return
	}
	var png []byte
	if err := chromedp.Run(v.ctx, chromedp.FullScreenshot(&png, 100)); err != nil {
		v.t.Logf("no picture of %s: %v", step, err)
		return
	}
	name := strings.NewReplacer(" ", "-", "/", "-").Replace(v.name + "-" + step)
	if err := os.WriteFile(filepath.Join(folder, name+".png"), png, 0o600); err != nil {
		v.t.Error(err)
	}
}

func (v *visitor) open(path string) {
	v.t.Helper()
	v.run(chromedp.Navigate(v.url + path))
}

// sees waits until the page says the words, however often it has to load itself again.
func (v *visitor) sees(words string) {
	v.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		var there bool
		err := chromedp.Run(v.ctx, chromedp.Evaluate(fmt.Sprintf("!!document.body && document.body.innerText.includes(%q)", words), &there))
		if err == nil && there {
			return
		}
	}
	v.run(chromedp.ActionFunc(func(context.Context) error { return fmt.Errorf("the page never says %q", words) }))
}

func (v *visitor) click(selector string) {
	v.t.Helper()
	v.run(chromedp.Click(selector, chromedp.ByQuery, chromedp.NodeVisible))
}

func (v *visitor) path() string {
	v.t.Helper()
	var path string
	v.run(chromedp.Evaluate("location.pathname", &path))
	return path
}

const (
	signButton  = "#ncalayer-sign"
	orderButton = `form[action="/cabinet/orders"] button`
)

// enters signs in through NCALayer.
func (v *visitor) enters() {
	v.t.Helper()
	v.open("/sign-in")
	v.click(signButton)
	v.run(chromedp.WaitVisible(".who", chromedp.ByQuery))
}

// orders marks a debt and goes on to payment; it returns the path of the order.
func (v *visitor) orders(debtID string) string {
	v.t.Helper()
	v.open("/cabinet")
	v.click("#" + debtID)
	v.run(chromedp.SetValue("#bank", ownBIC, chromedp.ByQuery))
	v.click(orderButton)
	v.run(chromedp.WaitVisible("#signing", chromedp.ByQuery))
	return v.path()
}

// clean: no host but ours and NCALayer's, and nothing that the browser complained of.
func (v *visitor) clean() {
	v.t.Helper()
	v.mu.Lock()
	defer v.mu.Unlock()
	for host := range v.hosts {
		if !strings.HasSuffix(v.url, "//"+host) && host != ncalayer.Address {
			v.t.Errorf("%s: the page asked %s for something", v.name, host)
		}
	}
	if len(v.bad) > 0 {
		v.t.Errorf("%s: the browser complains: %q", v.name, v.bad)
	}
}

func (c *chromium) state(t *testing.T, path string) order.State {
	t.Helper()
	o, err := c.cfg.Payments.Order(t.Context(), strings.TrimPrefix(path, "/cabinet/orders/"))
	if err != nil {
		t.Fatal(err)
	}
	return o.State
}

// A citizen pays in each language, on a phone and on a desk.
func TestBrowserPays(t *testing.T) {
	c := endToEnd(t)
	words := map[string][3]string{
		"kk": {"Төленбеген берешектер", "Қол қоюыңыз керек", "Түбіртекті жүктеп алу (PDF)"},
		"ru": {"Неоплаченные долги", "Нужна ваша подпись", "Скачать квитанцию (PDF)"},
		"en": {"Open debts", "Your signature is needed", "Download the receipt (PDF)"},
	}
	n := 0
	for lang, say := range words {
		for _, width := range []int64{360, 1280} {
			n++
			debtID := c.owes(t, fmt.Sprintf("E2E-%d", n))
			v := c.visit(t, fmt.Sprintf("pay %s %d", lang, width), width)
			v.open("/?lang=" + lang)
			v.accessible("home")
			v.shot("1-home")
			v.open("/sign-in")
			v.accessible("sign-in")
			v.shot("2-sign-in")
			v.enters()
			v.sees(say[0])
			v.accessible("cabinet")
			v.fits()
			v.shot("3-cabinet")
			path := v.orders(debtID)
			v.sees(say[1])
			v.accessible("order")
			v.fits()
			v.shot("4-order")
			v.click(signButton)
			v.sees(say[2])
			v.accessible("paid")
			v.fits()
			v.shot("5-paid")
			if got := c.state(t, path); got != order.Executed {
				t.Errorf("%s: the order is %s", v.name, got)
			}
			v.light(60_000)
			v.clean()
		}
	}
	if got := len(c.bank.Movements()); got != n {
		t.Errorf("money moved %d times for %d payments", got, n)
	}
}

// owes loads a debt of the citizen.
func (c *chromium) owes(t *testing.T, reference string) string {
	t.Helper()
	if len(c.services(t)) == 0 {
		return c.owe(reference, c.citizen.IIN())
	}
	return c.alsoOwe(reference, c.citizen.IIN())
}

// fits: nothing has to be scrolled sideways.
func (v *visitor) fits() {
	v.t.Helper()
	var wide bool
	v.run(chromedp.Evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth", &wide))
	if wide {
		v.t.Errorf("%s: %s is wider than the screen", v.name, v.path())
	}
}

// light: what was loaded for the pages, their reloads left out, is at most so many bytes in all.
func (v *visitor) light(most float64) {
	v.t.Helper()
	v.mu.Lock()
	defer v.mu.Unlock()
	total := 0.0
	for path, n := range v.bytes {
		if !strings.Contains(path, "receipt") {
			total += n
		}
	}
	v.t.Logf("%s: %.0f bytes in all", v.name, total)
	if total > most {
		v.t.Errorf("%s: %.0f bytes were loaded: %v", v.name, total, v.bytes)
	}
}

// accessible runs axe-core over the page; serious and critical findings fail.
func (v *visitor) accessible(step string) {
	v.t.Helper()
	source, err := os.ReadFile(os.Getenv("QAQPA_E2E_AXE"))
	if err != nil {
		v.t.Fatalf("axe-core is not there: %v", err)
	}
	var found []string
	v.run(
		chromedp.Evaluate(string(source), nil),
		chromedp.Evaluate(`axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}).then(r =>
			r.violations.filter(x => x.impact === "serious" || x.impact === "critical").map(x => x.id + ": " + x.nodes.map(n => n.html + " " + n.failureSummary).join(" | ")))`,
			&found, func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }),
	)
	for _, f := range found {
		v.t.Errorf("%s %s: %s", v.name, step, f)
	}
}

// The payment story without a mouse.
func TestBrowserPaysByKeyboard(t *testing.T) {
	c := endToEnd(t)
	c.owes(t, "KEYS-1")
	v := c.visit(t, "keyboard", 1280)
	v.open("/sign-in?lang=en")
	v.tabTo("#ncalayer-sign")
	v.run(chromedp.KeyEvent(kb.Enter))
	v.sees("Open debts")
	v.tabTo("input[name=debt]")
	v.run(chromedp.KeyEvent(" "))
	v.shot("focus")
	v.tabTo("#bank")
	v.run(chromedp.KeyEvent("Көпір"))
	v.tabTo(orderButton)
	v.run(chromedp.KeyEvent(kb.Enter))
	v.sees("Your signature is needed")
	path := v.path()
	v.tabTo(signButton)
	v.run(chromedp.KeyEvent(" "))
	v.sees("Download the receipt")
	if got := c.state(t, path); got != order.Executed {
		t.Errorf("the order is %s", got)
	}
	v.clean()
}

// tabTo presses Tab until the element has the focus, and checks that one can see it.
func (v *visitor) tabTo(selector string) {
	v.t.Helper()
	for range 40 {
		var there bool
		v.run(chromedp.KeyEvent(kb.Tab), chromedp.Evaluate(fmt.Sprintf("document.activeElement === document.querySelector(%q)", selector), &there))
		if there {
			var outline string
			v.run(chromedp.Evaluate("getComputedStyle(document.activeElement).outlineStyle", &outline))
			if outline == "none" {
				v.t.Errorf("%s: the focus on %s cannot be seen", v.name, selector)
			}
			return
		}
	}
	v.t.Fatalf("%s: no Tab leads to %s", v.name, selector)
}

// Whatever NCALayer or the reader does, the order ends in a state that is right and told.
func TestBrowserMeetsTrouble(t *testing.T) {
	c := endToEnd(t)
	debtID := c.owes(t, "TROUBLE-1")
	v := c.visit(t, "trouble", 360)
	v.open("/sign-in?lang=en")
	v.enters()
	path := v.orders(debtID)
	own, neighbour := c.signs(c.citizen), c.signs(c.neighbour)
	for _, row := range []struct {
		name string
		what ncalayer.Behaviour
		sign ncalayer.Sign
		says string
	}{
		{"cancelled", ncalayer.Cancels, own, "You cancelled the signing"},
		{"wrong password", ncalayer.Refuses, own, "could not sign"},
		{"hangs up", ncalayer.HangsUp, own, "connection with NCALayer was lost"},
		{"babbles", ncalayer.Babbles, own, "connection with NCALayer was lost"},
		{"replays", ncalayer.Replays, own, "Your signature is needed"},
		{"forges", ncalayer.Forges, own, "Your signature is needed"},
		{"another person", ncalayer.Signs, neighbour, "Your signature is needed"},
	} {
		c.layer.Behave(row.what, row.sign)
		v.open(path)
		v.click(signButton)
		if row.says == "Your signature is needed" {
			v.run(chromedp.WaitVisible(`main [role="alert"]`, chromedp.ByQuery))
		}
		v.sees(row.says)
		v.shot(row.name)
		if got := c.state(t, path); got != order.Created {
			t.Fatalf("%s: the order is %s", row.name, got)
		}
	}
	c.layer.Behave(ncalayer.OldVersion, own)
	v.open(path)
	v.run(chromedp.Evaluate(`(() => { const b = document.querySelector("#ncalayer-sign"); b.click(); b.click(); })()`, nil)) // a double click
	v.sees("Download the receipt")
	v.run(chromedp.NavigateBack())
	v.open(path)
	v.sees("Download the receipt")
	if n := len(c.bank.Movements()); n != 1 {
		t.Errorf("money moved %d times", n)
	}
	v.clean()
}

// The browser is closed while the bank decides; another one finds the payment.
func TestBrowserIsClosedInTheMiddle(t *testing.T) {
	c := endToEnd(t)
	debtID := c.owes(t, "CLOSED-1")
	first := c.visit(t, "closed first", 360)
	first.enters()
	path := first.orders(debtID)
	first.click(signButton)
	first.run(chromedp.WaitNotPresent("#signing", chromedp.ByQuery))
	if err := chromedp.Cancel(first.ctx); err != nil {
		t.Log(err)
	}
	second := c.visit(t, "closed second", 1280)
	second.open("/?lang=en")
	second.enters()
	second.open(path)
	second.sees("Download the receipt")
	expired := c.owes(t, "EXPIRED-1")
	late := second.orders(expired)
	if _, err := c.db.ExecContext(t.Context(), `UPDATE orders SET created_at = now() - interval '2 hours', expires_at = now() - interval '1 hour' WHERE id = $1`,
		strings.TrimPrefix(late, "/cabinet/orders/")); err != nil {
		t.Fatal(err)
	}
	second.click(signButton)
	second.sees("The time to sign is over")
	second.shot("expired")
	if n := len(c.bank.Movements()); n != 1 {
		t.Errorf("money moved %d times", n)
	}
}

// First paint on a processor four times slower, as on an old phone.
func TestBrowserPaintsSoon(t *testing.T) {
	c := endToEnd(t)
	debtID := c.owes(t, "PAINT-1")
	v := c.visit(t, "paint", 360)
	v.run(emulation.SetCPUThrottlingRate(4))
	v.open("/?lang=en")
	v.enters()
	path := v.orders(debtID)
	for _, p := range []string{"/", "/sign-in", "/cabinet", path, "/fees", "/cabinet/debts/" + c.fined("PAINT-2", c.citizen.IIN(), 1_000_000)} {
		v.open(p)
		var ms float64
		v.run(chromedp.Poll(`performance.getEntriesByName("first-contentful-paint").length ? performance.getEntriesByName("first-contentful-paint")[0].startTime : 0`, &ms))
		t.Logf("first paint of %s: %.0f ms", p[:min(len(p), 20)], ms)
		if ms > 1000 {
			t.Errorf("%s paints after %.0f ms", p, ms)
		}
	}
}

// People of an agency, a bank and the operator at work, and a citizen who reads what they did.
func TestBrowserConsoles(t *testing.T) {
	c := endToEnd(t)
	c.pay("CONSOLE-E2E")
	c.layer.Behave(ncalayer.Signs, c.signs(c.head))
	c.grant(auth.Agency, c.agencyID, auth.Editor, c.head)
	c.grant(auth.Bank, ownBIC, auth.Viewer, c.head)
	c.grant(auth.Operator, "ops", auth.Support, c.head)
	words := map[string][4]string{
		"kk": {"Түскен төлемдер", "Соңғы екі сағаттағы төлемдер", "Оператор пульті", "Табылғаны"},
		"ru": {"Поступившие платежи", "Платежи за последние два часа", "Пульт оператора", "Найдено"},
		"en": {"Payments received", "Payments of the last two hours", "Operator's console", "Found"},
	}
	for lang, say := range words {
		for _, width := range []int64{360, 1280} {
			v := c.visit(t, fmt.Sprintf("console %s %d", lang, width), width)
			v.open("/?lang=" + lang)
			v.enters()
			for i, path := range []string{"/console/agency/" + c.agencyID, "/console/bank/" + ownBIC, "/console/operator/ops"} {
				v.open(path)
				v.sees(say[i])
				v.accessible(path)
				v.fits()
				v.shot(fmt.Sprint(i + 1))
			}
			v.run(chromedp.SetValue("#payer", c.citizen.IIN(), chromedp.ByQuery), chromedp.SetValue("#reason", "call 4711", chromedp.ByQuery))
			v.click(`form[action$="/search"] button`)
			v.sees(say[3])
			v.sees("5")
			v.accessible("found")
			v.fits()
			v.shot("4-found")
			v.clean()
		}
	}
	c.layer.Behave(ncalayer.Signs, c.signs(c.citizen))
	d := c.visit(t, "developers", 360)
	d.open("/developers?lang=en")
	d.accessible("developers")
	d.fits()
	d.shot("developers")
	d.clean()
	v := c.visit(t, "data", 360)
	v.open("/?lang=kk")
	v.enters()
	v.open("/cabinet/data")
	v.sees("call 4711")
	v.accessible("data")
	v.fits()
	v.shot("data")
	v.clean()
}
