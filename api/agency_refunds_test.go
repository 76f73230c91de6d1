package api

import (
	"maps"
	"net/url"
	"strings"
	"testing"

	"qaqpa/payment"
	"qaqpa/payment/debt"
	"qaqpa/payment/refund"
)

// giveBackForm is the form of the first payment of the page, with a kind and a reason.
func giveBackForm(t *testing.T, page shown, kind, reason string) url.Values {
	t.Helper()
	out := page.filled(t, "order", "debt", "left", "unreturned")
	for name, value := range map[string]string{"kind": kind, "reason": reason, "comment": "Қате төленген", "transfer": "", "amount": "", "then": "", "service": "", "payer": "", "reference": ""} {
		out.Set(name, value)
	}
	return out
}

// An official asks for a refund on the page; only his colleague agrees to it, and what was left when he looked is what counts.
func TestAgencyAsksForRefund(t *testing.T) {
	w := start(t)
	_, o := w.pay("GB-1")
	first, second := w.twoEditors()
	base := "/console/agency/" + w.agencyID
	path := base + "/refund"
	first.get(path).want(t, 200, "Find the payment")
	first.get(base).want(t, 200, path+"?payment="+o.ID)
	for _, wrong := range []string{"ord_00", "XXXX", "<script>alert(1)</script>", "ord_" + strings.Repeat("f", 34)} {
		if got := first.get(path + "?payment=" + url.QueryEscape(wrong)); got.status != 404 && got.status != 422 || strings.Contains(got.body, "<script>alert") {
			t.Errorf("%q: %d %s", wrong, got.status, got.text)
		}
	}
	page := first.get(path + "?payment=" + o.ID)
	page.want(t, 200, "GB-1", "5,406.00", "Left to give back")
	code := in[payment.Receipt](t, w.get(w.portalKey, "/v1/receipts/"+o.Receipt), 200).Code
	first.get(path+"?payment="+url.QueryEscape(code)).want(t, 200, "GB-1")
	form := giveBackForm(t, page, "refund", "paid-twice")
	for name, change := range map[string]url.Values{
		"nothing": {"amount": {"0"}}, "negative": {"amount": {"-5"}}, "fraction of a tiyn": {"amount": {"1.005"}}, "words": {"amount": {"all"}}, "too much": {"amount": {"5406.01"}},
		"beyond int64": {"amount": {"99999999999999999999"}}, "no reason": {"reason": {""}}, "odd kind": {"kind": {"gift"}}, "no comment": {"comment": {""}}, "odd left": {"left": {"x"}},
		"another left": {"left": {"1"}}, "service of a refund": {"service": {o.Items[0].Service}}, "another's order": {"order": {"ord_" + strings.Repeat("0", 34)}},
		"no such debt": {"debt": {"dbt_" + strings.Repeat("0", 34)}}, "no such payer": {"kind": {"wrong-payer"}, "payer": {"1"}}, "no target": {"kind": {"wrong-payer"}},
	} {
		try := maps.Clone(form)
		maps.Copy(try, change)
		try.Set("key", newID())
		if got := first.submit(path, try); got.status < 400 || got.status >= 500 {
			t.Errorf("%s: %d %s", name, got.status, got.location)
		}
	}
	form.Set("amount", "1 000,50")
	if got := first.submit(path, form); got.status != 303 || !strings.HasSuffix(got.location, "&done=1") {
		t.Fatalf("got %d %s", got.status, got.text)
	}
	if got := first.submit(path, form); got.status != 303 { // sent twice by an impatient hand
		t.Errorf("got %d %s", got.status, got.text)
	}
	again := maps.Clone(form)
	again.Set("key", newID())
	first.submit(path, again).want(t, 409, "4,405.50") // the page shows what is left now
	own := first.get(path + "?payment=" + o.ID + "&done=1")
	own.want(t, 200, "Your request was stored", "1,000.50", "waits for a second person", "Withdraw the request")
	list := in[payment.RefundPage](t, w.get(w.agencyKey, "/v1/refunds"), 200).Items
	if len(list) != 1 || list[0].Tiyn != 100050 || list[0].State != refund.Requested {
		t.Fatalf("%+v", list)
	}
	decision := url.Values{"refund": {list[0].ID}, "version": {"1"}, "action": {"approve"}, "comment": {""}, "key": {newID()}}
	first.submit(base+"/refunds", decision).want(t, 403, "second person")
	if got := second.submit(base+"/refunds", decision); got.status != 303 {
		t.Fatalf("got %d %s", got.status, got.text)
	}
	if got := w.ended(list[0].ID); got.State != refund.Executed {
		t.Errorf("ended as %+v", got)
	}
	w.giveBackStrangers(t, form, o.ID)
}

// giveBackStrangers: those of other agencies and of none find nothing, and programs see what is left of their own.
func (w *whole) giveBackStrangers(t *testing.T, form url.Values, orderID string) {
	t.Helper()
	path := "/console/agency/" + w.agencyID + "/refund"
	stranger := w.browser()
	stranger.enter(w.citizen)
	stranger.get(path+"?payment="+orderID).want(t, 404)
	stranger.submit(path, form).want(t, 404)
	foreign := w.browser()
	foreign.enter(w.head)
	foreign.site = "cross-site"
	foreign.submit(path, form).want(t, 403)
	type list = items[payment.Refundable]
	if got := in[list](t, w.get(w.agencyKey, "/v1/orders/"+orderID+"/refundable"), 200); len(got.Items) != 1 || got.Items[0].Left != 440550 {
		t.Errorf("%+v", got)
	}
	w.get(w.otherAgencyKey, "/v1/orders/"+orderID+"/refundable").want(t, 404, "order_unknown")
	w.get(w.portalKey, "/v1/orders/"+orderID+"/refundable").want(t, 403, "scope_missing")
}

// The money was meant for another's debt: its number and the payer's name it, and the colleague's yes settles it.
func TestAgencyCorrectsPayer(t *testing.T) {
	w := start(t)
	_, o := w.pay("GB-2")
	meant := w.alsoOwe("GB-3", w.head.IIN())
	first, second := w.twoEditors()
	base := "/console/agency/" + w.agencyID
	form := giveBackForm(t, first.get(base+"/refund?payment="+o.ID), "wrong-payer", "wrong-payer")
	form.Set("payer", w.head.IIN())
	form.Set("reference", "GB-unknown")
	first.submit(base+"/refund", form).want(t, 404)
	form.Set("reference", "GB-3")
	form.Set("key", newID())
	if got := first.submit(base+"/refund", form); got.status != 303 {
		t.Fatalf("got %d %s", got.status, got.text)
	}
	x := in[payment.RefundPage](t, w.get(w.agencyKey, "/v1/refunds"), 200).Items[0]
	if x.Target != meant {
		t.Fatalf("%+v", x)
	}
	if got := second.submit(base+"/refunds", url.Values{"refund": {x.ID}, "version": {"1"}, "action": {"approve"}, "comment": {""}, "key": {newID()}}); got.status != 303 {
		t.Fatalf("got %d %s", got.status, got.text)
	}
	if d := in[debt.Debt](t, w.get(w.agencyKey, "/v1/debts/"+meant), 200); d.State != debt.Recalled {
		t.Errorf("%+v", d)
	}
	w.askAgain(t, first, o.ID)
}

// askAgain: nothing is left of what was moved, and the page offers what the treasury may still return.
func (w *whole) askAgain(t *testing.T, b *browser, orderID string) {
	t.Helper()
	path := "/console/agency/" + w.agencyID + "/refund"
	page := b.get(path + "?payment=" + orderID)
	page.want(t, 200, "0.00")
	form := giveBackForm(t, page, "refund", "other")
	b.submit(path, form).want(t, 409)
	own := giveBackForm(t, page, "returned", "treasury-return")
	own.Set("key", newID())
	if got := b.submit(path, own); got.status != 303 {
		t.Fatalf("got %d %s", got.status, got.text)
	}
	back := b.get(path + "?payment=" + orderID)
	x := in[payment.RefundPage](t, w.get(w.agencyKey, "/v1/refunds?state=requested"), 200).Items[0]
	fields := url.Values{"key": {back.field(t, "key")}, "refund": {x.ID}, "version": {"1"}, "action": {"withdraw"}}
	if got := b.submit("/console/agency/"+w.agencyID+"/refunds", fields); got.status != 303 {
		t.Fatalf("got %d %s", got.status, got.text)
	}
}
