package api

import (
	"bytes"
	"errors"
	"html"
	"regexp"
	"strings"
	"testing"

	"qaqpa/payment/order"
	"qaqpa/testenv/egovmobile"
	"qaqpa/testenv/pki"
)

// mobile is a phone with the key of a person, in a network that leads the public name to this gateway.
func (w *whole) mobile(who *pki.Identity) *egovmobile.Phone {
	return &egovmobile.Phone{
		Gateway: w.url, Client: w.client,
		Sign: func(data []byte) ([]byte, error) { return who.SignCMS(data, pki.CMSOptions{Detached: true}) },
	}
}

// code is what the QR code of a page says: the link beside it leads to the same place.
func (s shown) code(t *testing.T) string {
	t.Helper()
	found := regexp.MustCompile(`href="https://m\.egov\.kz/mobileSign\?([^"]*)"`).FindStringSubmatch(s.body)
	if found == nil || !strings.Contains(s.body, `class="qr"`) {
		t.Fatalf("no QR code in\n%s", s.text)
	}
	link := regexp.MustCompile(`link=([^&]*)`).FindStringSubmatch(html.UnescapeString(found[1]))[1]
	return "mobileSign:" + strings.NewReplacer("%3A", ":", "%2F", "/").Replace(link)
}

func scan(t *testing.T, p *egovmobile.Phone, code string) *egovmobile.Asked {
	t.Helper()
	return must[*egovmobile.Asked](t)(p.Scan(t.Context(), code))
}

// A citizen signs in by his phone; the session begins in the browser that shows the code, and in no other.
func TestSignInByPhone(t *testing.T) {
	w := start(t)
	b := w.browser()
	planted := strings.Repeat("ab", 32)
	b.cookies["__Host-"+cookieSession] = planted
	if got := b.submit("/sign-in/qr", nil); got.status != 303 || got.location != "/sign-in/qr" {
		t.Fatalf("got %d %s", got.status, got.text)
	}
	page := b.get("/sign-in/qr")
	page.want(t, 200, "waiting for the phone", `http-equiv="refresh"`)
	code, phone := page.code(t), w.mobile(w.citizen)
	if _, ticket, _ := strings.Cut(code, "/mobile/"); strings.Contains(b.cookies["__Host-"+cookieChallenge], ticket) {
		t.Error("the code gives the browser's secret away")
	}
	asked := scan(t, phone, code)
	if !strings.Contains(asked.Description, "qaqpa") || !strings.Contains(string(asked.Document), "nonce") {
		t.Errorf("odd question %+v", asked)
	}
	b.get("/sign-in/qr").want(t, 200, "waiting for your confirmation")
	onlooker := w.browser() // photographed the code
	onlooker.get("/sign-in/challenge")
	onlooker.submit("/sign-in/qr", nil)
	forged := must[[]byte](t)(phone.Sign([]byte("other bytes")))
	if err := phone.Put(t.Context(), asked, forged, asked.Token()); !errors.Is(err, egovmobile.ErrRefused) {
		t.Errorf("a forged answer: %v", err)
	}
	b.get("/sign-in/qr").want(t, 200, "signature")
	if err := phone.Put(t.Context(), asked, forged, "wrong"); !errors.Is(err, egovmobile.ErrRefused) {
		t.Errorf("a wrong token: %v", err)
	}
	if err := phone.Confirm(t.Context(), asked); err != nil {
		t.Fatal(err)
	}
	for name, again := range map[string]*egovmobile.Phone{"a replay": phone, "another person after it": w.mobile(w.neighbour)} {
		if err := again.Confirm(t.Context(), asked); !errors.Is(err, egovmobile.ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := onlooker.get("/sign-in/qr"); got.status != 200 || got.location != "" {
		t.Errorf("the onlooker gets in: %d %s", got.status, got.location)
	}
	if got := b.get("/sign-in/qr"); got.status != 303 || got.location != "/cabinet" {
		t.Fatalf("got %d %s", got.status, got.text)
	}
	if token := b.cookies["__Host-"+cookieSession]; token == planted || len(token) != 64 {
		t.Error("the session is the planted one")
	}
	b.get("/cabinet").want(t, 200, "СЕЙТҚАЛИЕВА")
	if got := b.get("/sign-in/qr"); got.location != "/sign-in" {
		t.Errorf("the code serves twice: %d %s", got.status, got.location)
	}
	if _, err := phone.Scan(t.Context(), code); err != nil && !errors.Is(err, egovmobile.ErrRefused) {
		t.Error(err)
	}
	if log := w.log.String(); strings.Contains(log, strings.TrimPrefix(code, "mobileSign:https://pay.example.kz/mobile/")) {
		t.Error("the log has the code")
	}
}

// A payment is signed on the phone: forged, replayed and strange answers leave the order as it was, and each is told.
func TestPayByPhone(t *testing.T) {
	w := start(t)
	b := w.browser()
	b.enter(w.citizen)
	first, second := w.order(w.citizen.IIN(), w.owe("AD-1", w.citizen.IIN())), w.order(w.citizen.IIN(), w.alsoOwe("AD-2", w.citizen.IIN()))
	path := "/cabinet/orders/" + first.ID
	b.get(path).want(t, 200, "Sign with eGov Mobile")
	b.get(path+"/qr").want(t, 200, "The time of the code is over")
	open := func(path string) *egovmobile.Asked {
		t.Helper()
		b.submit(path+"/qr", nil).want(t, 303)
		return scan(t, w.mobile(w.citizen), b.get(path+"/qr").code(t))
	}
	asked := open(path)
	if asked.Meta["Сомасы · Сумма"] != "5406.00 KZT" || string(asked.Document) != b.raw(path+"/document") {
		t.Errorf("odd question %+v", asked)
	}
	phone := w.mobile(w.citizen)
	otherOrder := w.detached(w.citizen, []byte(b.raw("/cabinet/orders/"+second.ID+"/document")))
	for name, row := range map[string]struct {
		cms  []byte
		says string
	}{
		"another person": {w.detached(w.neighbour, asked.Document), "alert"},
		"other bytes":    {w.detached(w.citizen, []byte("{}")), "alert"},
		"another order":  {otherOrder, "alert"},
		"no signature":   {[]byte("hello"), "alert"},
	} {
		if err := phone.Put(t.Context(), asked, row.cms, asked.Token()); !errors.Is(err, egovmobile.ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
		b.get(path+"/qr").want(t, 200, row.says)
		if got := must[order.Order](t)(w.cfg.Payments.Order(t.Context(), first.ID)); got.State != order.Created {
			t.Fatalf("%s: the order is %s", name, got.State)
		}
	}
	if _, err := w.db.ExecContext(t.Context(), `UPDATE qr_ticket SET expires_at = now() - interval '1 second'`); err != nil {
		t.Fatal(err)
	}
	if err := phone.Confirm(t.Context(), asked); !errors.Is(err, egovmobile.ErrRefused) {
		t.Errorf("after its time: %v", err)
	}
	b.get(path+"/qr").want(t, 200, "The time of the code is over")
	if err := phone.Confirm(t.Context(), open(path)); err != nil {
		t.Fatal(err)
	}
	if got := b.get(path + "/qr"); got.location != path {
		t.Errorf("got %d %s", got.status, got.location)
	}
	w.executed(first.ID)
	b.get(path).want(t, 200, "Paid")
	if n := len(w.bank.Movements()); n != 1 {
		t.Errorf("money moved %d times", n)
	}
	stranger := w.browser()
	stranger.enter(w.neighbour)
	stranger.submit("/cabinet/orders/"+second.ID+"/qr", nil).want(t, 404)
	stranger.get("/cabinet/orders/"+second.ID+"/qr").want(t, 404)
	late := "/cabinet/orders/" + second.ID
	asked = open(late)
	if _, err := w.db.ExecContext(t.Context(), `UPDATE orders SET created_at = now() - interval '2 hours', expires_at = now() - interval '1 hour' WHERE id = $1`, second.ID); err != nil {
		t.Fatal(err)
	}
	if err := phone.Confirm(t.Context(), asked); !errors.Is(err, egovmobile.ErrRefused) {
		t.Errorf("an expired order: %v", err)
	}
	if got := b.get(late + "/qr"); got.location != late {
		t.Errorf("got %d %s", got.status, got.text)
	}
	b.get(late).want(t, 200, "The time to sign is over")
}

// What the phone sends may be anything.
func TestPhonesThatBabble(t *testing.T) {
	w := start(t)
	b := w.browser()
	b.submit("/sign-in/qr", nil)
	asked := scan(t, w.mobile(w.citizen), b.get("/sign-in/qr").code(t))
	_, path, _ := strings.Cut(b.get("/sign-in/qr").code(t), "pay.example.kz")
	for i, body := range []string{"{}", "[", "<xml/>", `{"signMethod":"X","documentsToSign":[]}`, strings.Repeat("[", 4000)} {
		got := w.do(call{method: "PUT", path: path + "/document", key: asked.Token(), contentType: typeJSON, body: []byte(body), page: true})
		if got.status != 400 {
			t.Errorf("%d: %d %s", i, got.status, got.body)
		}
	}
	huge := w.do(call{method: "PUT", path: path + "/document", key: asked.Token(), contentType: typeJSON, body: bytes.Repeat([]byte(" "), 1<<20), page: true})
	if huge.status != 413 {
		t.Errorf("got %d", huge.status)
	}
	for _, odd := range []string{"/mobile/x", "/mobile/" + strings.Repeat("0", 32), "/mobile/" + strings.Repeat("0", 32) + "/document"} {
		if got := w.do(call{method: "GET", path: odd, page: true}); got.status != 403 {
			t.Errorf("%s: %d", odd, got.status)
		}
	}
}
