package api

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"qaqpa/api/auth"
	"qaqpa/payment"
	"qaqpa/payment/refund"
	"qaqpa/testenv/agency"
	"qaqpa/testenv/bank"
	"qaqpa/testenv/fault"
)

// ended waits until a refund has left the bank.
func (w *whole) ended(id string) refundWithEvents {
	w.t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		x := in[refundWithEvents](w.t, w.get(w.operatorKey, "/v1/refunds/"+id), 200)
		if x.State == refund.Executed || x.State == refund.Refused {
			return x
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("refund is %+v", x)
		}
		time.Sleep(30 * time.Millisecond)
	}
}

// The agency asks, an operator agrees, the bank loses its answer, and the money goes back once; everybody who has to know is told.
func TestRefundStory(t *testing.T) {
	w := start(t)
	debtID, o := w.pay("RF-1")
	before, _ := w.bank.Balance(w.citizen.IIN())
	ask := func(amount int64) map[string]any {
		return map[string]any{"kind": "refund", "reason": "paid-twice", "comment": "екі рет төленген", "items": []map[string]any{{"order": o.ID, "debt": debtID, "amount": amount, "left": 540600}}}
	}
	w.send(w.portalKey, "/v1/refunds", ask(1)).want(t, http.StatusForbidden, "scope_missing")
	w.send(w.otherAgencyKey, "/v1/refunds", ask(1)).want(t, http.StatusNotFound, "order_unknown")
	w.send(w.agencyKey, "/v1/refunds", ask(540601)).want(t, http.StatusConflict, "refund_exceeds_payment")
	w.send(w.agencyKey, "/v1/refunds", ask(0)).want(t, http.StatusUnprocessableEntity, "invalid_request")
	batch := in[payment.RefundBatch](t, w.send(w.agencyKey, "/v1/refunds", ask(100000)), 201)
	x := *batch.Results[0].Refund
	w.send(w.agencyKey, "/v1/refunds", ask(100000)).want(t, http.StatusConflict, "refundable_amount_changed")
	path := "/v1/refunds/" + x.ID
	w.get(w.otherAgencyKey, path).want(t, http.StatusNotFound, "refund_unknown")
	w.send(w.agencyKey, path+"/decisions", payment.RefundDecision{Action: "approve", Version: 1}).want(t, http.StatusForbidden, "second_person_needed")
	w.send(w.operatorKey, path+"/decisions", payment.RefundDecision{Action: "approve", Version: 2}).want(t, http.StatusConflict, "refund_changed")
	w.send(w.operatorKey, path+"/decisions", payment.RefundDecision{Action: "withdraw", Version: 1}).want(t, http.StatusForbidden, "refund_of_another_person")
	if err := w.bank.AddFault(fault.Fault{On: bank.OnRefunds, Kind: bank.FaultDropButDone, Count: 1}); err != nil {
		t.Fatal(err)
	}
	w.send(w.operatorKey, path+"/decisions", payment.RefundDecision{Action: "approve", Version: 1}).fine(t, 200)
	if got := w.ended(x.ID); got.State != refund.Executed || len(got.Events) < 4 {
		t.Fatalf("ended as %+v", got)
	}
	after, _ := w.bank.Balance(w.citizen.IIN())
	if back := w.bank.Refunds()[x.ID]; back != 100000 || after-before != 100000 {
		t.Errorf("the bank gave back %d, the account has %d more", back, after-before)
	}
	listed := in[payment.RefundPage](t, w.get(w.agencyKey, "/v1/refunds?state=executed"), 200)
	if len(listed.Items) != 1 || len(in[payment.RefundPage](t, w.get(w.otherAgencyKey, "/v1/refunds"), 200).Items) != 0 {
		t.Errorf("lists: %+v", listed)
	}
	w.do(call{method: http.MethodGet, path: "/v1/refunds?state=lost", key: w.agencyKey, bad: true}).want(t, http.StatusUnprocessableEntity, "invalid_request")
	for _, key := range []string{w.portalKey, w.bankKey} {
		if of := in[items[orderRefund]](t, w.get(key, "/v1/orders/"+o.ID+"/refunds"), 200); len(of.Items) != 1 || of.Items[0].State != refund.Executed {
			t.Errorf("of the order: %+v", of)
		}
	}
	w.get(w.otherBankKey, "/v1/orders/"+o.ID+"/refunds").want(t, http.StatusNotFound, "order_unknown")
	rcp := in[payment.Receipt](t, w.get(w.portalKey, "/v1/receipts/"+o.Receipt), 200)
	if check := in[receiptCheck](t, w.get("", "/v1/receipt-codes/"+rcp.Code), 200); check.Refunded != 100000 || rcp.Refunded != 100000 {
		t.Errorf("receipt %+v, check %+v", rcp.Refunded, check.Refunded)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if _, err := w.agency.Wait(ctx, func(d agency.Delivery) bool {
		return bytes.Contains(d.Body, []byte(`"type":"refund.executed"`)) && bytes.Contains(d.Body, []byte(x.ID))
	}); err != nil {
		t.Errorf("the agency was not told: %v", err)
	}
	t.Run("pages", func(t *testing.T) { w.refundPages(t, debtID, o.ID, rcp.Code) })
}

// refundPages: the payer sees it, an official of the agency approves what its program asked for, and nobody else may.
func (w *whole) refundPages(t *testing.T, debtID, orderID, code string) {
	t.Helper()
	citizen := w.browser()
	citizen.enter(w.citizen)
	citizen.get("/cabinet/orders/"+orderID).want(t, 200, "Refunds and corrections", "1,000.00", "paid back")
	citizen.get("/verify?code="+code).want(t, 200, "Given back to the payer since", "1,000.00")
	batch := in[payment.RefundBatch](t, w.send(w.agencyKey, "/v1/refunds", map[string]any{
		"kind": "refund", "reason": "other", "comment": "rest", "then": "reopened", "items": []map[string]any{{"order": orderID, "debt": debtID}},
	}), 201)
	x := batch.Results[0].Refund
	w.grant(auth.Agency, w.agencyID, auth.Editor, w.head)
	w.grant(auth.Agency, w.agencyID, auth.Viewer, w.employee)
	editor, viewer := w.browser(), w.browser()
	editor.enter(w.head)
	viewer.enter(w.employee)
	path := "/console/agency/" + w.agencyID
	page := editor.get(path + "/refunds")
	page.want(t, 200, "waits for a second person", "4,406.00", "Approve")
	if got := viewer.get(path + "/refunds"); strings.Contains(got.text, "Approve") {
		t.Error("a viewer is offered to approve")
	}
	fields := url.Values{"key": {page.field(t, "key")}, "refund": {x.ID}, "version": {"1"}, "action": {"approve"}}
	viewer.submit(path+"/refunds", fields).want(t, 403)
	for name, change := range map[string][2]string{"version": {"version", "x"}, "action": {"action", "burn"}, "refund": {"refund", "rfd_00"}} {
		bad := url.Values{"key": {"k-" + name + "12345"}, "refund": {x.ID}, "version": {"1"}, "action": {"approve"}}
		bad.Set(change[0], change[1])
		if got := editor.submit(path+"/refunds", bad); got.status < 400 || got.status >= 500 {
			t.Errorf("%s: %d", name, got.status)
		}
	}
	if got := editor.submit(path+"/refunds", fields); got.status != 303 {
		t.Fatalf("got %d %s", got.status, got.text)
	}
	if got := w.ended(x.ID); got.State != refund.Executed || got.Successor == "" {
		t.Errorf("ended as %+v", got)
	}
	editor.get(path+"/refunds?sent=refund").want(t, 200, "Your decision was stored", "paid back")
	citizen.get("/cabinet/orders/"+orderID).want(t, 200, "It is owed again")
}
