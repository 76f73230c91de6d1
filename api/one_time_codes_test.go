package api

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"qaqpa/payment"
	"qaqpa/payment/order"
	"qaqpa/payment/otp"
)

const ownPhone = "+77011234567"

// allowCodes sets a policy as the operator does.
func (w *whole) allowCodes() {
	w.t.Helper()
	idem := payment.Idem{Caller: "operator:test", Key: "codes", Hash: [32]byte{1}}
	if _, err := w.cfg.Payments.SetCodePolicy(w.t.Context(), idem, "2020-01-01", otp.Policy{AmountMax: 1_000_000, DayMax: 2_000_000}, "test"); err != nil {
		w.t.Fatal(err)
	}
}

// A citizen confirms a phone, pays by a code, without script; wrong codes, strangers and a company are refused, each told why.
func TestPayByCodeOnPages(t *testing.T) {
	w := start(t)
	w.allowCodes()
	b := w.browser()
	b.enter(w.citizen)
	o := w.order(w.citizen.IIN(), w.owe("AD-1", w.citizen.IIN()))
	path := "/cabinet/orders/" + o.ID
	if page := b.get(path); strings.Contains(page.text, "one-time code") {
		t.Error("a code is offered to somebody without a phone")
	}
	data := b.get("/cabinet/data")
	data.want(t, 200, "Confirmed number", "none")
	b.submit("/cabinet/data/phone", url.Values{"key": {data.field(t, "key")}, "phone": {"12345"}}).want(t, 422, "phone number is not valid")
	if got := b.submit("/cabinet/data/phone", url.Values{"key": {data.field(t, "key")}, "phone": {"8 701 123 45 67"}}); got.location != "/cabinet/data" {
		t.Fatalf("got %d %s", got.status, got.text)
	}
	data = b.get("/cabinet/data")
	fields := url.Values{"key": {data.field(t, "key")}, "challenge": {data.field(t, "challenge")}, "code": {w.phone.Code(ownPhone)}}
	if got := b.submit("/cabinet/data/phone/enter", fields); got.location != "/cabinet/data" {
		t.Fatalf("got %d %s", got.status, got.text)
	}
	b.get("/cabinet/data").want(t, 200, "+7••••••••67")

	page := b.get(path)
	page.want(t, 200, "Pay by a one-time code", "+7••••••••67")
	if got := b.submit(path+"/code", url.Values{"key": {page.field(t, "key") + "n"}}); got.location != path {
		t.Fatalf("got %d %s", got.status, got.text)
	}
	page = b.get(path)
	enter := func(code string) shown {
		return b.submit(path+"/code/enter", url.Values{"key": {b.get(path).field(t, "key")}, "challenge": {page.field(t, "challenge")}, "code": {code}})
	}
	wrong := "000000"
	if w.phone.Code(ownPhone) == wrong {
		wrong = "000001"
	}
	enter(wrong).want(t, 422, "The code is wrong")
	stranger := w.browser()
	stranger.enter(w.neighbour)
	stranger.submit(path+"/code/enter", url.Values{"key": {"a-key-of-mine"}, "challenge": {page.field(t, "challenge")}, "code": {w.phone.Code(ownPhone)}}).want(t, 404)
	if got := enter(w.phone.Code(ownPhone)); got.location != path {
		t.Fatalf("got %d %s", got.status, got.text)
	}
	w.executed(o.ID)
	b.get(path).want(t, 200, "Paid")
	if n := len(w.bank.Movements()); n != 1 {
		t.Errorf("money moved %d times", n)
	}
	if log := w.log.String(); strings.Contains(log, w.phone.Code(ownPhone)) || strings.Contains(log, ownPhone) {
		t.Errorf("the log has a code or a phone:\n%s", log)
	}
	t.Run("by API", func(t *testing.T) { w.codeByAPI(t) })
}

func (w *whole) codeByAPI(t *testing.T) {
	t.Helper()
	o := w.order(w.citizen.IIN(), w.alsoOwed("AD-2"))
	w.do(call{method: http.MethodPost, path: "/v1/orders/" + o.ID + "/code", key: w.bankKey, idem: "c-1"}).want(t, 403, codeScope)
	sent := in[payment.Challenge](t, w.do(call{method: http.MethodPost, path: "/v1/orders/" + o.ID + "/code", key: w.portalKey, idem: "c-2"}), 201)
	w.send(w.portalKey, "/v1/orders/"+o.ID+"/code-authorisation", codeEntered{Challenge: sent.ID, Code: "12"}).want(t, 422, "code_wrong")
	out := in[order.Order](t, w.send(w.portalKey, "/v1/orders/"+o.ID+"/code-authorisation", codeEntered{Challenge: sent.ID, Code: w.phone.Code(ownPhone)}), 202)
	if out.State != order.Authorised {
		t.Errorf("order %+v", out)
	}
	w.executed(o.ID)
	w.phone.Refuse(1)
	next := w.order(w.citizen.IIN(), w.alsoOwed("AD-3"))
	w.do(call{method: http.MethodPost, path: "/v1/orders/" + next.ID + "/code", key: w.portalKey, idem: "c-3"}).want(t, 503, "message_not_sent")
}

// alsoOwed is a debt of the citizen under the service of owe.
func (w *whole) alsoOwed(reference string) string {
	w.t.Helper()
	w.alsoOwe(reference, w.citizen.IIN())
	page := in[payment.DebtPage](w.t, w.send(w.portalKey, "/v1/debts/search", map[string]any{"payer": w.citizen.IIN(), "state": "open"}), 200)
	for _, d := range page.Items {
		if d.Reference == reference {
			return d.ID
		}
	}
	w.t.Fatalf("no debt %s", reference)
	return ""
}
