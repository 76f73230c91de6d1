package api

import (
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"qaqpa/api/auth"
	"qaqpa/testenv/agency"
	"qaqpa/testenv/pki"
)

// grant gives the person a right.
func (w *whole) grant(kind auth.Kind, subject string, role auth.Role, who *pki.Identity) {
	w.t.Helper()
	_, err := w.keys.Grant(w.t.Context(), auth.Member{Kind: kind, Subject: subject, BIN: who.BIN(), IIN: who.IIN(), Role: role}, "operator:test")
	if err != nil {
		w.t.Fatal(err)
	}
}

// People of an agency, a bank and the operator see their own, and nobody else does.
func TestConsoles(t *testing.T) {
	w := start(t)
	_, o := w.pay("CONSOLE-1")
	company := w.browser()
	company.enter(w.head)
	company.get("/console").want(t, 200, "No role was given to you")
	for _, path := range []string{"/console/agency/" + w.agencyID, "/console/bank/" + ownBIC, "/console/operator/ops"} {
		company.get(path).want(t, 404)
		if got := w.browser().get(path); got.location != "/sign-in" {
			t.Errorf("%s: %d", path, got.status)
		}
	}
	w.grant(auth.Agency, w.agencyID, auth.Editor, w.head)
	w.grant(auth.Bank, ownBIC, auth.Viewer, w.head)
	w.grant(auth.Operator, "ops", auth.Support, w.head)
	company.get("/console").want(t, 200, "Police", ownBIC, "ops", "contact centre")
	company.get("/console/agency/"+w.otherAgencyID).want(t, 404)
	company.get("/console/bank/"+otherBIC).want(t, 404)
	company.get("/console/bank/"+ownBIC).want(t, 200, "Көпір Банк", "Payments of the last two hours", "Executed", "<svg")
	t.Run("agency", func(t *testing.T) { w.agencyConsole(t, company) })
	t.Run("operator", func(t *testing.T) { w.operatorConsole(t, company, o.ID) })
}

func (w *whole) agencyConsole(t *testing.T, b *browser) {
	t.Helper()
	path := "/console/agency/" + w.agencyID
	b.get(path).want(t, 200, "CONSOLE-1", "5,406.00", path+"/webhooks/msg_")
	b.get(path+"/services").want(t, 200, "1.25 × MCI", "driving-licence")
	page := b.get(path + "/webhooks")
	page.want(t, 200, "CONSOLE-1", "5,406.00", "Send again")
	webhook := page.field(t, "webhook")
	if _, err := w.agency.Wait(t.Context(), func(d agency.Delivery) bool { return d.ID == webhook }); err != nil {
		t.Fatal(err)
	}
	fields := url.Values{"key": {page.field(t, "key")}, "webhook": {webhook}}
	for range 2 { // a double click
		if got := b.submit(path+"/redeliver", fields); got.status != 303 || got.location != path+"/webhooks/"+webhook+"?sent=1" {
			t.Fatalf("got %d %s", got.status, got.text)
		}
	}
	b.get(path+"/webhooks/"+webhook+"?sent=1").want(t, 200, "The notification is sent again", "CONSOLE-1", "Tries", webhook)
	again, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if d, err := w.agency.Wait(again, func(d agency.Delivery) bool { return d.ID == webhook && d.Deliveries > 1 }); err != nil || !d.Valid() {
		t.Errorf("it did not come again: %v %v", d, err)
	}
	b.submit(path+"/redeliver", url.Values{"key": {"12345678"}, "webhook": {"msg_nothing"}}).want(t, 404, "There is no such webhook")
	staff := w.browser()
	w.grant(auth.Agency, w.agencyID, auth.Viewer, w.employee)
	staff.enter(w.employee)
	if got := staff.get(path + "/webhooks"); got.status != 200 || strings.Contains(got.text, "Send again") {
		t.Errorf("a viewer is offered what only editors may: %d", got.status)
	}
	staff.submit(path+"/redeliver", fields).want(t, 403)
}

func (w *whole) operatorConsole(t *testing.T, b *browser, orderID string) {
	t.Helper()
	path := "/console/operator/ops"
	b.get(path).want(t, 200, "Search for a caller", "Көпір Банк", "<svg")
	good := url.Values{"payer": {w.citizen.IIN()}, "amount": {"5406.00"}, "reason": {"call 4711"}}
	b.submit(path+"/search", good).want(t, 200, orderID, "5,406.00", "paid")
	b.submit(path+"/search", url.Values{"code": {orderID}, "reason": {"call 4712"}}).want(t, 200, orderID)
	b.submit(path+"/search", url.Values{"payer": {w.neighbour.IIN()}, "reason": {"call 4713"}}).want(t, 200, "Nothing was found")
	for name, fields := range map[string]url.Values{
		"no reason":   {"payer": {w.citizen.IIN()}},
		"short":       {"payer": {w.citizen.IIN()}, "reason": {"x"}},
		"nobody":      {"reason": {"call 4714"}},
		"odd payer":   {"payer": {"1' OR 1=1"}, "reason": {"call 4714"}},
		"odd amount":  {"payer": {w.citizen.IIN()}, "amount": {"a lot"}, "reason": {"call 4714"}},
		"odd day":     {"payer": {w.citizen.IIN()}, "on": {"soon"}, "reason": {"call 4714"}},
		"unknown id":  {"code": {"ord_nothing"}, "reason": {"call 4714"}},
		"extra field": {"payer": {w.citizen.IIN()}, "reason": {"call 4714"}, "x": {"1"}},
	} {
		if got := b.submit(path+"/search", fields); got.status < 400 || got.status >= 500 || strings.Contains(got.text, orderID) {
			t.Errorf("%s: %d", name, got.status)
		}
	}
	citizen := w.browser()
	citizen.enter(w.citizen)
	citizen.get("/cabinet/data").want(t, 200, "call 4711", "call 4712", "ЖҮНІСОВ")
	if got := citizen.get("/cabinet/data"); strings.Contains(got.text, "call 4713") {
		t.Error("a look at another person is shown")
	}
	staff := w.browser()
	w.grant(auth.Operator, "ops", auth.Viewer, w.employee)
	staff.enter(w.employee)
	if got := staff.get(path); got.status != 200 || strings.Contains(got.text, "Search for a caller") {
		t.Errorf("a viewer may search: %d", got.status)
	}
	staff.submit(path+"/search", good).want(t, 403)
	if log := w.log.String(); strings.Contains(log, w.citizen.IIN()) {
		t.Error("the log has an IIN")
	}
}
