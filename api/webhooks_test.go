package api

import (
	"context"
	"net/http"
	"testing"
	"time"

	"qaqpa/payment"
	"qaqpa/testenv/agency"
)

// A program sees what was told and whether it arrived, and has it sent again: by number, and all of a time.
func TestWebhooksOverHTTP(t *testing.T) {
	w := start(t)
	began := time.Now().Add(-time.Minute)
	_, o := w.pay("WH-1")
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	first, err := w.agency.Wait(ctx, func(agency.Delivery) bool { return true })
	if err != nil {
		t.Fatal(err)
	}
	var page payment.WebhookPage
	for { // the delivery is noted a moment after it arrived
		if page = in[payment.WebhookPage](t, w.get(w.agencyKey, "/v1/webhooks?state=delivered&limit=10"), 200); len(page.Items) > 0 || ctx.Err() != nil {
			break
		}
		time.Sleep(30 * time.Millisecond)
	}
	if len(page.Items) != 1 || page.Items[0].ID != first.ID || page.Items[0].Order != o.ID {
		t.Fatalf("%+v", page)
	}
	path := "/v1/webhooks/" + first.ID
	if one := in[webhookWithTries](t, w.get(w.agencyKey, path), 200); len(one.Tries) != 1 || one.Tries[0].Status != http.StatusNoContent && one.Tries[0].Status != http.StatusOK {
		t.Errorf("%+v", one)
	}
	if got := in[payment.WebhookPage](t, w.get(w.operatorKey, "/v1/webhooks?agency="+w.agencyID), 200); len(got.Items) != 1 {
		t.Errorf("%+v", got)
	}
	again := func(count int) {
		t.Helper()
		if d, err := w.agency.Wait(ctx, func(d agency.Delivery) bool { return d.ID == first.ID && d.Deliveries >= count }); err != nil || !d.Valid() {
			t.Errorf("delivery %d: %v %v", count, d, err)
		}
	}
	w.do(call{method: http.MethodPost, path: path + "/redelivery", key: w.agencyKey, idem: "again-1"}).fine(t, 200)
	again(2)
	lost := map[string]any{"from": began.Format(time.RFC3339), "to": time.Now().Add(time.Hour).Format(time.RFC3339), "state": "delivered"}
	for out := (payment.Redelivered{}); out.Webhooks == 0 && ctx.Err() == nil; {
		out = in[payment.Redelivered](t, w.send(w.agencyKey, "/v1/webhook-redeliveries", lost), 200)
	}
	again(3)
	if got := in[payment.Redelivered](t, w.send(w.otherAgencyKey, "/v1/webhook-redeliveries", lost), 200); got.Webhooks != 0 {
		t.Errorf("another agency's: %+v", got)
	}
	w.get(w.otherAgencyKey, path).want(t, 404, "webhook_unknown")
	w.get(w.otherAgencyKey, "/v1/webhooks?agency="+w.agencyID).want(t, 404, codeNotOwn)
	w.get(w.operatorKey, path).want(t, 400, codeQuery)
	w.get(w.bankKey, "/v1/webhooks").want(t, 403, codeAgencyOnly)
	w.do(call{method: http.MethodGet, path: "/v1/webhooks?state=lost", key: w.agencyKey, bad: true}).want(t, 422, "invalid_request")
	w.send(w.operatorKey, "/v1/webhook-redeliveries", lost).want(t, 403, codeAgencyOnly)
	lost["to"] = lost["from"]
	w.send(w.agencyKey, "/v1/webhook-redeliveries", lost).want(t, 422, "invalid_request")
	w.do(call{method: http.MethodPost, path: "/v1/webhook-redeliveries", key: w.agencyKey, idem: "bad-1", contentType: typeJSON, body: []byte(`{"from":"a","to":"b","state":"dead"}`), bad: true}).want(t, 400, "json_invalid_value")
	w.do(call{method: http.MethodPost, path: "/v1/webhooks/msg_0/redelivery", key: w.agencyKey, idem: "bad-2"}).want(t, 404, "webhook_unknown")
}
