package api

import (
	"net/http"
	"net/url"
	"strconv"
	"testing"
	"time"

	"qaqpa/payment"
	"qaqpa/payment/catalog"
	"qaqpa/payment/ledger"
)

// Balances of any moment, and proofs between checkpoints, over the wire.
func TestLedgerOverHTTP(t *testing.T) {
	w := start(t)
	w.pay("BAL-1")
	between := time.Now()
	first := in[payment.Checkpoint](t, w.get("", "/v1/checkpoints/latest"), 200)
	w.pay("BAL-2")
	balance := func(query string) answered {
		return w.get(w.operatorKey, "/v1/balances?account="+url.QueryEscape("bank:"+ownBIC+":due")+query)
	}
	at := func(moment time.Time) string { return "&at=" + url.QueryEscape(moment.UTC().Format(time.RFC3339Nano)) }
	for query, want := range map[string]int64{"": 2 * 540600, at(between): 540600, at(between.Add(-time.Hour)): 0} {
		if b := in[payment.Balance](t, balance(query), 200); b.Amount != want {
			t.Errorf("%q: %+v, want %d", query, b, want)
		}
	}
	balance(at(time.Now().Add(time.Hour))).want(t, http.StatusUnprocessableEntity, "invalid_request")
	w.get(w.operatorKey, "/v1/balances?account=nobody").want(t, http.StatusNotFound, "account_unknown")
	w.do(call{method: http.MethodGet, path: "/v1/balances?account=nobody&at=yesterday", key: w.operatorKey, bad: true}).want(t, http.StatusBadRequest, "query_invalid")
	w.get(w.agencyKey, "/v1/balances?account=nobody").want(t, http.StatusForbidden, "scope_missing")
	latest := in[payment.Checkpoint](t, w.get("", "/v1/checkpoints/latest"), 200)
	path := "/v1/checkpoints/" + decimal(latest.Number)
	proof := in[ledger.Consistency](t, w.get("", path+"/consistency?from="+decimal(first.Number)), 200)
	if proof.Old != first.Note || proof.New != latest.Note || len(proof.Buckets) == 0 {
		t.Errorf("proof %+v", proof)
	}
	if got := in[payment.Checkpoint](t, w.get("", path), 200); got.Note != latest.Note {
		t.Errorf("checkpoint %+v", got)
	}
	w.get("", "/v1/checkpoints/999999").want(t, http.StatusNotFound, "checkpoint_unknown")
	w.get("", "/v1/checkpoints/first").want(t, http.StatusNotFound, "checkpoint_unknown")
	w.do(call{method: http.MethodGet, path: path + "/consistency", bad: true}).want(t, http.StatusBadRequest, "query_invalid")
	w.get("", "/v1/checkpoints/1/consistency?from=999999").want(t, http.StatusUnprocessableEntity, "invalid_request")
	if mrp := in[items[catalog.MRP]](t, w.get(w.portalKey, "/v1/mrp"), 200); len(mrp.Items) < 6 || mrp.Items[len(mrp.Items)-1].Tiyn != 432500 {
		t.Errorf("%+v", mrp)
	}
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }
