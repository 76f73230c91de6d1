package api

import (
	"encoding/base32"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"qaqpa/api/auth"
	"qaqpa/api/auth/totp"
	"qaqpa/testenv/pki"
)

const operatorSecret = "он екі таңбадан ұзын"

// invited gives a person a right at the operator and an invitation.
func (w *whole) invited(t *testing.T, subject string, role auth.Role, who *pki.Identity) string {
	t.Helper()
	m := must[auth.Member](t)(w.keys.Grant(t.Context(), auth.Member{Kind: auth.Operator, Subject: subject, BIN: who.BIN(), IIN: who.IIN(), Role: role}, "operator:test"))
	return must[string](t)(w.keys.Invite(t.Context(), auth.Account{Login: subject, Name: "Айгүл " + subject, Member: m.ID}, "operator:test"))
}

// seedEncoding is how pages write seeds.
func seedEncoding() *base32.Encoding { return base32.StdEncoding.WithPadding(base32.NoPadding) }

// enrols chooses a password on the page, and reads the seed off it.
func (b *browser) enrols(t *testing.T, login, invitation string) []byte {
	t.Helper()
	page := b.submit("/operators/enrol", url.Values{"login": {login}, "invitation": {invitation}, "password": {operatorSecret}, "again": {operatorSecret}})
	page.want(t, 200, "The password is saved", "shown once", `class="qr"`)
	shown := regexp.MustCompile(`class="seed">([A-Z2-7 ]+)<`).FindStringSubmatch(page.text)
	if shown == nil {
		t.Fatalf("no seed in\n%s", page.text)
	}
	return must[[]byte](t)(seedEncoding().DecodeString(strings.ReplaceAll(shown[1], " ", "")))
}

func (b *browser) entersPassword(login, secret, code string) shown {
	b.w.t.Helper()
	return b.submit("/operators", url.Values{"login": {login}, "password": {secret}, "code": {code}, "with": {"code"}})
}

// One of the operator's people is invited, chooses a password, and signs in with the code of an application; everybody else is told the
// same, whatever was wrong.
func TestOperatorsSignInByPassword(t *testing.T) {
	w := start(t)
	invitation := w.invited(t, "aigul", auth.Support, w.head)
	b := w.browser()
	b.get("/operators").want(t, 200, "I have an invitation")
	for name, row := range map[string]struct {
		fields url.Values
		status int
	}{
		"differ":   {url.Values{"login": {"aigul"}, "invitation": {invitation}, "password": {operatorSecret}, "again": {"x"}}, 422},
		"weak":     {url.Values{"login": {"aigul"}, "invitation": {invitation}, "password": {"short"}, "again": {"short"}}, 422},
		"no code":  {url.Values{"login": {"aigul"}, "password": {operatorSecret}, "again": {operatorSecret}}, 409},
		"stranger": {url.Values{"login": {"' OR 1=1 --"}, "invitation": {invitation}, "password": {operatorSecret}, "again": {operatorSecret}}, 409},
		"extra":    {url.Values{"login": {"aigul"}, "x": {"1"}}, 400},
	} {
		if got := b.submit("/operators/enrol", row.fields); got.status != row.status || strings.Contains(got.text, operatorSecret) {
			t.Errorf("%s: %d", name, got.status)
		}
	}
	seed := b.enrols(t, "aigul", invitation)
	code := func() string { return totp.Code(seed, totp.Step(time.Now())) }
	planted := strings.Repeat("ab", 32)
	b.cookies["__Host-"+cookieSession] = planted
	wrong := b.entersPassword("aigul", "not the password", code())
	nobody := b.entersPassword("nobody", operatorSecret, code())
	wrong.want(t, 422, "You could not be signed in")
	if strings.ReplaceAll(wrong.body, "aigul", "nobody") != nobody.body {
		t.Error("the page tells which names exist")
	}
	used := code()
	if got := b.entersPassword("aigul", operatorSecret, used); got.status != 303 || got.location != "/console" {
		t.Fatalf("got %d %s", got.status, got.text)
	}
	if token := b.cookies["__Host-"+cookieSession]; token == planted || len(token) != 64 {
		t.Error("the session is the planted one")
	}
	b.get("/console").want(t, 200, "aigul", "contact centre", "How I sign in")
	b.get("/console/operator/aigul").want(t, 200, "Search for a caller")
	b.get("/console/security").want(t, 200, "There is none yet")
	if got := b.get("/cabinet"); got.location != "/console" {
		t.Errorf("an account pays for nobody: %d %s", got.status, got.location)
	}
	other := w.browser()
	other.entersPassword("aigul", operatorSecret, used).want(t, 422) // the code was used
	eds := w.browser()
	eds.enter(w.head)
	eds.get("/console/security").want(t, 404)
	if log := w.log.String(); strings.Contains(log, operatorSecret) || strings.Contains(log, used) || strings.Contains(log, invitation) {
		t.Error("the log has a secret")
	}
	if err := w.keys.EndAccount(t.Context(), "aigul", "operator:test"); err != nil {
		t.Fatal(err)
	}
	if got := b.get("/console"); got.location != "/sign-in" {
		t.Errorf("an ended account's session lives on: %d", got.status)
	}
}

// Passkeys are asked in a browser, see TestBrowserPasskeys; here is what needs none.
func TestPasskeyForms(t *testing.T) {
	w := start(t)
	b := w.browser()
	seed := b.enrols(t, "aigul", w.invited(t, "aigul", auth.Editor, w.head))
	b.submit("/operators", url.Values{"login": {"aigul"}, "password": {operatorSecret}, "with": {"passkey"}}).want(t, 422, "could not be signed in")
	if got := b.entersPassword("aigul", operatorSecret, totp.Code(seed, totp.Step(time.Now()))); got.status != 303 {
		t.Fatalf("got %d %s", got.status, got.text)
	}
	page := b.submit("/console/security/add", url.Values{"name": {"<b>YubiKey</b>"}})
	page.want(t, 200, "data-options", "pay.example.kz")
	if strings.Contains(page.body, "<b>YubiKey") {
		t.Error("a name is taken for markup")
	}
	for name, parts := range map[string]map[string][]byte{
		"no answer":      {"question": []byte(page.field(t, "question")), "name": []byte("k")},
		"answered twice": {"question": []byte(page.field(t, "question")), "name": []byte("k"), "answer": []byte("{}")},
		"made up":        {"question": []byte(strings.Repeat("0", 64)), "name": []byte("k"), "answer": []byte("{}")},
		"no name":        {"question": []byte(strings.Repeat("0", 64)), "answer": []byte("{}")},
	} {
		contentType, body := form(t, parts)
		if got := b.send("POST", "/console/security/added", contentType, strings.NewReader(string(body))); got.status < 400 || got.status >= 500 {
			t.Errorf("%s: %d", name, got.status)
		}
		if _, ok := parts["name"]; !ok {
			continue
		}
		delete(parts, "name")
		contentType, body = form(t, parts)
		if got := w.browser().send("POST", "/operators/passkey", contentType, strings.NewReader(string(body))); got.status < 400 || got.status >= 500 {
			t.Errorf("%s: %d", name, got.status)
		}
	}
	b.submit("/console/security/add", url.Values{"name": {""}}).want(t, 400)
	b.submit("/console/security/remove", url.Values{"id": {"zz"}}).want(t, 400)
	b.submit("/console/security/remove", url.Values{"id": {"0a"}}).want(t, 303)
	w.browser().submit("/console/security/add", url.Values{"name": {"k"}}).want(t, 303) // to the sign-in
}
