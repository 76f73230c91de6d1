package api

import (
	"net/url"
	"regexp"
	"strings"
	"testing"

	"qaqpa/api/auth"
)

// phoned signs a citizen in and confirms his phone.
func (w *whole) phoned(t *testing.T) *browser {
	t.Helper()
	b := w.browser()
	b.enter(w.citizen)
	data := b.get("/cabinet/data")
	b.submit("/cabinet/data/phone", url.Values{"key": {data.field(t, "key")}, "phone": {ownPhone}}).want(t, 303)
	data = b.get("/cabinet/data")
	b.submit("/cabinet/data/phone/enter", url.Values{"key": {data.field(t, "key")}, "challenge": {data.field(t, "challenge")}, "code": {w.phone.Code(ownPhone)}}).want(t, 303)
	return b
}

// asksCode asks for a code to sign in, and waits until the message has come.
func (b *browser) asksCode(t *testing.T, iin string) shown {
	t.Helper()
	before := len(b.w.phone.Messages(ownPhone))
	page := b.submit("/sign-in/code", url.Values{"key": {b.get("/sign-in").field(t, "key")}, "iin": {iin}})
	page.want(t, 200, "Enter the code")
	b.w.errands.Wait()
	if iin == b.w.citizen.IIN() && len(b.w.phone.Messages(ownPhone)) != before+1 {
		t.Fatal("no message came")
	}
	return page
}

func (b *browser) entersCode(t *testing.T, page shown, code string) shown {
	t.Helper()
	return b.submit("/sign-in/code/enter", url.Values{"challenge": {page.field(t, "challenge")}, "iin": {page.field(t, "iin")}, "code": {code}})
}

func otherThan(code string) string {
	if code == "000000" {
		return "000001"
	}
	return "000000"
}

// A citizen signs in by a code; it serves once, in the browser for which it was sent, and binds no phone.
func TestSignInByCode(t *testing.T) {
	w := start(t)
	w.allowCodes()
	w.phoned(t)
	w.owe("AD-1", w.citizen.IIN())
	b := w.browser()
	planted := strings.Repeat("ab", 32)
	b.cookies["__Host-"+cookieSession] = planted // the attack: session fixation
	page := b.asksCode(t, w.citizen.IIN())
	code := w.phone.Code(ownPhone)
	if text := w.phone.Messages(ownPhone); !strings.Contains(text[len(text)-1], "Code to sign in") {
		t.Errorf("the message does not say what the code is for: %q", text)
	}
	b.entersCode(t, page, otherThan(code)).want(t, 422, "The code is wrong")
	thief := w.browser()
	thief.asksCode(t, w.citizen.IIN())
	thief.entersCode(t, page, code).want(t, 409, "serves no more") // of another browser
	w.browser().entersCode(t, page, code).want(t, 409)
	if got := b.entersCode(t, page, code); got.status != 303 || got.location != "/cabinet" {
		t.Fatalf("got %d %s", got.status, got.text)
	}
	if token := b.cookies["__Host-"+cookieSession]; token == planted || len(token) != 64 {
		t.Error("the session is the planted one")
	}
	b.get("/cabinet").want(t, 200, "AD-1")
	again := w.browser()
	again.cookies["__Host-"+cookieChallenge] = strings.Repeat("cd", 32)
	again.entersCode(t, page, code).want(t, 409) // used up
	// What needs the EDS still needs it.
	data := b.get("/cabinet/data")
	if strings.Contains(data.text, `action="/cabinet/data/phone"`) {
		t.Error("a phone may be named in a session that began by a phone")
	}
	b.submit("/cabinet/data/phone", url.Values{"key": {"12345678-a"}, "phone": {"+77770000000"}}).want(t, 403)
	if log := w.log.String(); strings.Contains(log, code) || strings.Contains(log, w.citizen.IIN()) {
		t.Errorf("the log has a code or an IIN:\n%s", log)
	}
}

// Nothing tells whether somebody has a phone here, and codes of one purpose do not serve another.
func TestSignInByCodeTellsNothing(t *testing.T) {
	w := start(t)
	w.allowCodes()
	citizen := w.phoned(t)
	b := w.browser()
	hide := func(s shown) string {
		return regexp.MustCompile(`otp_[0-9a-z]+|[0-9]{12}|[0-9a-f]{8}-[0-9a-f-]{27}`).ReplaceAllString(s.body, "x")
	}
	known, unknown := b.asksCode(t, w.citizen.IIN()), b.asksCode(t, w.neighbour.IIN())
	if hide(known) != hide(unknown) {
		t.Errorf("the pages differ:\n%s\n%s", known.body, unknown.body)
	}
	b.entersCode(t, unknown, "123456").want(t, 422, "The code is wrong")
	// A code to pay signs nobody in.
	o := w.order(w.citizen.IIN(), w.owe("AD-1", w.citizen.IIN()))
	path := "/cabinet/orders/" + o.ID
	citizen.submit(path+"/code", url.Values{"key": {citizen.get(path).field(t, "key") + "n"}}).want(t, 303)
	pay := citizen.get(path)
	b.submit("/sign-in/code/enter", url.Values{"challenge": {pay.field(t, "challenge")}, "iin": {w.citizen.IIN()}, "code": {w.phone.Code(ownPhone)}}).want(t, 409)
	// Codes to sign in are bounded, and leave those to pay alone.
	for range 9 {
		w.browser().submit("/sign-in/code", url.Values{"key": {newID()}, "iin": {w.citizen.IIN()}})
	}
	w.browser().submit("/sign-in/code", url.Values{"key": {newID()}, "iin": {w.citizen.IIN()}}).want(t, 409, "Too many codes")
	if got := citizen.submit(path+"/code", url.Values{"key": {citizen.get(path).field(t, "key") + "n"}}); got.status != 303 {
		t.Errorf("no code to pay is left: %d %s", got.status, got.text)
	}
	for name, fields := range map[string]url.Values{
		"no IIN": {"key": {newID()}}, "odd IIN": {"key": {newID()}, "iin": {"'; DROP TABLE session"}}, "no key": {"iin": {w.citizen.IIN()}},
		"extra": {"key": {newID()}, "iin": {w.citizen.IIN()}, "x": {"1"}},
	} {
		if got := b.submit("/sign-in/code", fields); got.status < 400 || got.status >= 500 {
			t.Errorf("%s: %d", name, got.status)
		}
	}
	foreign := w.browser()
	foreign.site = "cross-site"
	for _, form := range []string{"/sign-in/code", "/sign-in/code/enter", "/sign-in/qr", path + "/qr", "/operators", "/operators/enrol"} {
		foreign.submit(form, url.Values{"key": {newID()}, "iin": {w.citizen.IIN()}}).want(t, 403)
	}
}

// Every page for people refuses to stand in another one's frame.
func TestNewPagesAreNotFramed(t *testing.T) {
	w := start(t)
	b := w.browser()
	for _, path := range []string{"/sign-in", "/operators", "/operators/enrol"} {
		page := b.get(path)
		if csp := page.header.Get("Content-Security-Policy"); !strings.Contains(csp, "frame-ancestors 'none'") || !strings.Contains(csp, "default-src 'none'") || page.header.Get("X-Frame-Options") != "DENY" {
			t.Errorf("%s: %q", path, csp)
		}
	}
	if got := b.get("/sign-in/qr"); got.location != "/sign-in" {
		t.Errorf("got %d %s", got.status, got.location)
	}
	if _, err := w.keys.Ticket(t.Context(), ""); err != auth.ErrNoTicket { //nolint:errorlint // the bare value
		t.Errorf("got %v", err)
	}
}
