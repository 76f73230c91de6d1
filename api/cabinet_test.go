package api

import (
	"bytes"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"qaqpa/api/portal"
	"qaqpa/payment"
	"qaqpa/payment/catalog"
	"qaqpa/payment/debt"
	"qaqpa/testenv/pki"
)

// browser is a reader without script: it keeps cookies, sends forms, and says where they come from.
type browser struct {
	w       *whole
	cookies map[string]string
	site    string // Sec-Fetch-Site
	origin  string
}

func (w *whole) browser() *browser {
	return &browser{w: w, cookies: map[string]string{}, site: "same-origin"}
}

// shown is a page or file that came back.
type shown struct {
	status   int
	location string
	header   http.Header
	body     string // as it came
	text     string // for people
}

func (b *browser) send(method, path, contentType string, body io.Reader) shown {
	b.w.t.Helper()
	req := must[*http.Request](b.w.t)(http.NewRequestWithContext(b.w.t.Context(), method, b.w.url+path, body))
	for name, value := range b.cookies {
		req.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	for name, value := range map[string]string{"Content-Type": contentType, "Sec-Fetch-Site": b.site, "Origin": b.origin} {
		if value != "" {
			req.Header.Set(name, value)
		}
	}
	req.Header.Set("Accept-Language", "en")
	resp, err := b.w.client.Do(req)
	if err != nil {
		b.w.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	for _, c := range resp.Cookies() {
		if b.cookies[c.Name] = c.Value; c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		}
		if !strings.HasPrefix(c.Name, "__Host-") || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" {
			b.w.t.Errorf("odd cookie %+v", c)
		}
	}
	got := must[[]byte](b.w.t)(io.ReadAll(resp.Body))
	if resp.StatusCode >= 500 {
		b.w.t.Errorf("%s %s: %d %s", method, path, resp.StatusCode, got)
	}
	return shown{status: resp.StatusCode, location: resp.Header.Get("Location"), header: resp.Header, body: string(got), text: html.UnescapeString(string(got))}
}

func (b *browser) get(path string) shown { b.w.t.Helper(); return b.send("GET", path, "", nil) }

func (b *browser) submit(path string, fields url.Values) shown {
	b.w.t.Helper()
	return b.send("POST", path, typeFields, strings.NewReader(fields.Encode()))
}

// sign uploads a signature; field is cms, as the script fills it, or file.
func (b *browser) sign(path, field string, cms []byte) shown {
	b.w.t.Helper()
	contentType, body := form(b.w.t, map[string][]byte{field: cms})
	return b.send("POST", path, contentType, bytes.NewReader(body))
}

// challenge gets the bytes to sign in with.
func (b *browser) challenge() []byte {
	b.w.t.Helper()
	return []byte(b.raw("/sign-in/challenge"))
}

func (w *whole) detached(who *pki.Identity, document []byte) []byte {
	w.t.Helper()
	return must[[]byte](w.t)(who.SignCMS(document, pki.CMSOptions{Detached: true}))
}

// enter signs in.
func (b *browser) enter(who *pki.Identity) {
	b.w.t.Helper()
	if got := b.sign("/sign-in", "file", b.w.detached(who, b.challenge())); got.status != 303 || got.location != "/cabinet" {
		b.w.t.Fatalf("got %d %s\n%s", got.status, got.location, got.text)
	}
}

func (s shown) want(t *testing.T, status int, words ...string) {
	t.Helper()
	if s.status != status {
		t.Errorf("got %d, want %d: %s", s.status, status, s.location+s.text)
	}
	for _, word := range words {
		if !strings.Contains(s.text, word) {
			t.Errorf("the page does not say %q:\n%s", word, s.text)
		}
	}
}

// field finds the value of a hidden field.
func (s shown) field(t *testing.T, name string) string {
	t.Helper()
	found := regexp.MustCompile(`name="` + name + `" value="([^"]*)"`).FindStringSubmatch(s.text)
	if found == nil {
		t.Fatalf("no field %s in\n%s", name, s.text)
	}
	return found[1]
}

// A citizen sees a debt, orders, signs, waits and holds the receipt, all without script.
func TestCitizensCabinet(t *testing.T) {
	w := start(t)
	debtID := w.owe("AD-1", w.citizen.IIN())
	w.alsoOwe("AD-2", w.head.BIN())
	b := w.browser()
	b.get("/").want(t, 200, "Show what I owe")
	if got := b.get("/cabinet"); got.status != 303 || got.location != "/sign-in" {
		t.Fatalf("got %d %s", got.status, got.location)
	}
	b.get("/sign-in").want(t, 200, "Sign in with your EDS")
	b.enter(w.citizen)
	page := b.get("/cabinet")
	page.want(t, 200, "AD-1", "5,406.00", "Issue of a driving licence", "Police", "The data are as of", "Көпір Банк", "No payments yet")
	fields := url.Values{"key": {page.field(t, "key")}, "payer": {w.citizen.IIN()}, "bank": {ownBIC}, "debt": {debtID}}
	made := b.submit("/cabinet/orders", fields)
	if made.status != 303 || !strings.HasPrefix(made.location, "/cabinet/orders/ord_") {
		t.Fatalf("got %d %s\n%s", made.status, made.location, made.text)
	}
	if again := b.submit("/cabinet/orders", fields); again.location != made.location {
		t.Errorf("a double click made another order: %s", again.location)
	}
	path := made.location
	b.get(path).want(t, 200, "Your signature is needed", "108125")
	t.Run("strangers", func(t *testing.T) { w.strangersSeeNothing(t, path) })
	t.Run("signatures", func(t *testing.T) { w.wrongSignatures(t, b, path) })
	cms := w.detached(w.citizen, []byte(b.raw(path+"/document")))
	if got := b.sign(path+"/sign", "cms", cms); got.status != 303 || got.location != path {
		t.Fatalf("got %d %s\n%s", got.status, got.location, got.text)
	}
	b.sign(path+"/sign", "cms", cms).want(t, 303)
	w.executed(strings.TrimPrefix(path, "/cabinet/orders/"))
	b.get(path).want(t, 200, "Paid", "Download the receipt", "/verify?code=")
	if pdf := b.raw(path + "/receipt.pdf"); !strings.HasPrefix(pdf, "%PDF-") {
		t.Error("no PDF")
	}
	for _, file := range []string{"/receipt.pdf.p7s", "/receipt.cms"} {
		b.get(path+file).want(t, 200)
	}
	b.get("/cabinet").want(t, 200, "Nothing is owed", `<span class="tag passed">paid</span>`)
	if n := len(w.bank.Movements()); n != 1 {
		t.Errorf("money moved %d times", n)
	}
	before := b.cookies["__Host-"+cookieSession]
	if got := b.send("POST", "/sign-out", typeFields, strings.NewReader("")); got.status != 303 {
		t.Errorf("got %d", got.status)
	}
	b.cookies["__Host-"+cookieSession] = before
	if got := b.get("/cabinet"); got.location != "/sign-in" {
		t.Error("the session lived on")
	}
	if log := w.log.String(); strings.Contains(log, w.citizen.IIN()) || strings.Contains(log, before) {
		t.Errorf("the log has personal data or a session:\n%s", log)
	}
}

func (w *whole) services(tb testing.TB) []catalog.Service {
	tb.Helper()
	return in[payment.ServicePage](tb, w.get(w.portalKey, "/v1/services"), 200).Items
}

// alsoOwe loads a debt of another payer under the service of owe.
func (w *whole) alsoOwe(reference, payer string) string {
	w.t.Helper()
	services := w.services(w.t)
	batch := w.send(w.agencyKey, "/v1/debts", map[string]any{"debts": []debt.Item{{Reference: reference, Payer: debt.Payer{ID: payer}, Service: services[0].ID}}})
	if batch.status != 200 || !bytes.Contains(batch.body, []byte(`"accepted":1`)) {
		w.t.Fatalf("got %s", batch.body)
	}
	return in[payment.DebtBatch](w.t, batch, 200).Results[0].Debt
}

// raw is a file as it came.
func (b *browser) raw(path string) string { b.w.t.Helper(); return b.get(path).body }

// strangersSeeNothing: to others who are signed in, an order does not exist.
func (w *whole) strangersSeeNothing(t *testing.T, path string) {
	t.Helper()
	for name, who := range map[string]*pki.Identity{"neighbour": w.neighbour, "head": w.head} {
		other := w.browser()
		other.enter(who)
		for _, p := range []string{path, path + "/document", path + "/receipt.pdf"} {
			if got := other.get(p); got.status != 404 {
				t.Errorf("%s %s: %d", name, p, got.status)
			}
		}
		if got := other.sign(path+"/sign", "cms", []byte("x")); got.status != 404 {
			t.Errorf("%s: %d", name, got.status)
		}
		if got := other.submit(path+"/cancel", url.Values{"key": {"12345678"}}); got.status != 404 {
			t.Errorf("%s: %d", name, got.status)
		}
		other.get("/cabinet?payer="+w.citizen.IIN()).want(t, 404)
		got := other.submit("/cabinet/orders", url.Values{"key": {"12345678"}, "payer": {w.citizen.IIN()}, "bank": {ownBIC}, "debt": {"dbt_1"}})
		if got.status != 404 {
			t.Errorf("%s orders for another: %d", name, got.status)
		}
	}
	head := w.browser()
	head.enter(w.head)
	head.get("/cabinet").want(t, 200, "AD-2", w.head.BIN())
	staff := w.browser()
	staff.enter(w.employee)
	staff.get("/cabinet").want(t, 403, "This key may not pay")
}

// wrongSignatures: each ends on the page of the order, which still waits for the payer's signature.
func (w *whole) wrongSignatures(t *testing.T, b *browser, path string) {
	t.Helper()
	doc := []byte(b.raw(path + "/document"))
	for name, cms := range map[string][]byte{
		"none":           {},
		"noise":          []byte("noise"),
		"another text":   w.detached(w.citizen, []byte("another text")),
		"another person": w.detached(w.neighbour, doc),
		"own content":    must[[]byte](t)(w.citizen.SignCMS([]byte("forged"), pki.CMSOptions{})),
	} {
		got := b.sign(path+"/sign", "cms", cms)
		if got.status < 400 || got.status >= 500 || !strings.Contains(got.text, "Your signature is needed") || !strings.Contains(got.text, `role="alert"`) {
			t.Errorf("%s: %d\n%s", name, got.status, got.text)
		}
	}
}

// The attacks on sign-in: replay, another browser's challenge, a planted session, forms of other sites.
func TestSignInIsBoundToTheBrowser(t *testing.T) {
	w := start(t)
	b := w.browser()
	challenge := b.challenge()
	if again := b.challenge(); !bytes.Equal(again, challenge) {
		t.Error("a second look made another challenge")
	}
	cms := w.detached(w.citizen, challenge)
	victim := w.browser()
	victim.challenge()
	for name, got := range map[string]shown{
		"challenge of another browser": victim.sign("/sign-in", "cms", cms),
		"no challenge":                 w.browser().sign("/sign-in", "cms", cms),
		"no signature":                 b.sign("/sign-in", "cms", nil),
		"content of its own":           b.sign("/sign-in", "cms", must[[]byte](t)(w.citizen.SignCMS([]byte("mine"), pki.CMSOptions{}))),
	} {
		if got.status < 400 || got.status >= 500 || !strings.Contains(got.text, "Sign in with your EDS") {
			t.Errorf("%s: %d %s", name, got.status, got.text)
		}
	}
	b.cookies["__Host-"+cookieSession] = strings.Repeat("ab", 32) // planted
	b.sign("/sign-in", "cms", cms).want(t, 303)
	if got := b.cookies["__Host-"+cookieSession]; got == strings.Repeat("ab", 32) || len(got) != 64 {
		t.Errorf("the session is %q", got)
	}
	replay := w.browser()
	replay.sign("/sign-in", "cms", cms).want(t, 409)
	for _, from := range []browser{{site: "cross-site"}, {site: "same-site"}, {site: "none"}, {}, {origin: "https://evil.example"}, {origin: "null"}} {
		from.w, from.cookies = w, b.cookies
		if got := from.submit("/sign-out", nil); got.status != 403 || !strings.Contains(got.text, "another site") {
			t.Errorf("%+v: %d", from.site+from.origin, got.status)
		}
	}
	old := browser{w: w, cookies: b.cookies, origin: "https://pay.example.kz"}
	if got := old.submit("/sign-out", nil); got.status != 303 {
		t.Errorf("an old browser cannot sign out: %d", got.status)
	}
}

// What is wrong in a form is told; nothing of it becomes a 5xx.
func TestFormsThatAreWrong(t *testing.T) {
	w := start(t)
	debtID := w.owe("AD-1", w.citizen.IIN())
	b := w.browser()
	b.enter(w.citizen)
	page := b.get("/cabinet?lang=ru")
	page.want(t, 200, "Неоплаченные долги")
	b.get("/cabinet").want(t, 200, "Неоплаченные долги") // remembered
	key, me := page.field(t, "key"), w.citizen.IIN()
	for name, fields := range map[string]url.Values{
		"nothing chosen": {"key": {key}, "payer": {me}, "bank": {ownBIC}},
		"no bank":        {"key": {key + "1"}, "payer": {me}, "debt": {debtID}},
		"no key":         {"payer": {me}, "bank": {ownBIC}, "debt": {debtID}},
		"odd key":        {"key": {"a b c d e"}, "payer": {me}, "bank": {ownBIC}, "debt": {debtID}},
		"unknown debt":   {"key": {key + "2"}, "payer": {me}, "bank": {ownBIC}, "debt": {"dbt_x"}},
		"twice":          {"key": {key + "3"}, "payer": {me, me}, "bank": {ownBIC}, "debt": {debtID}},
		"strange field":  {"key": {key + "4"}, "payer": {me}, "bank": {ownBIC}, "debt": {debtID}, "amount": {"1"}},
		"zero byte":      {"key": {key + "5"}, "payer": {me}, "bank": {"\x00"}, "debt": {debtID}},
	} {
		if got := b.submit("/cabinet/orders", fields); got.status < 400 || got.status >= 500 || !strings.Contains(got.text, `role="alert"`) {
			t.Errorf("%s: %d %s", name, got.status, got.text)
		}
	}
	b.get("/cabinet/orders/ord_nothing").want(t, 404)
	b.get("/cabinet?before="+strings.Repeat("x", 300)).want(t, 400)
	made := b.submit("/cabinet/orders", url.Values{"key": {key}, "payer": {me}, "bank": {ownBIC}, "debt": {debtID}})
	if made.status != 303 {
		// The key was used by "nothing chosen", which made no order: it stays usable.
		t.Fatalf("got %d %s", made.status, made.text)
	}
	cancel := b.get(made.location)
	if got := b.submit(made.location+"/cancel", url.Values{"key": {cancel.field(t, "key")}}); got.status != 303 {
		t.Errorf("got %d", got.status)
	}
	b.get(made.location).want(t, 200, "Вы отказались от платежа")
	b.get(made.location+"/receipt.pdf").want(t, 409)
}

// The developers' page is the contract: it names each operation of it.
func TestDevelopersPageNamesEveryOperation(t *testing.T) {
	s := bare(t)
	body, err := s.pages.RenderDevelopers(portal.Developers{Frame: portal.Frame{Lang: "en", Address: "/developers"}, Base: s.cfg.BaseURL, Contract: s.reference})
	if err != nil {
		t.Fatal(err)
	}
	page := html.UnescapeString(string(body))
	table := must[[]route](t)(s.routes())
	for _, rt := range table {
		if !strings.Contains(page, "<code>"+rt.method+" "+rt.path+"</code>") {
			t.Errorf("%s %s is not explained", rt.method, rt.path)
		}
	}
	if len(table) < 20 || !strings.Contains(page, s.cfg.BaseURL+"/v1/validations") {
		t.Error("the page is not whole")
	}
}
