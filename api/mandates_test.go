package api

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"qaqpa/api/auth"
	"qaqpa/payment"
	"qaqpa/payment/debt"
	"qaqpa/payment/mandate"
	"qaqpa/payment/order"
	"qaqpa/signer"
	"qaqpa/testenv/postgres"
)

// A citizen signs an agreement once with a real signature; a portal pays by it; banks see their own, agencies none; revoked it is of no use.
func TestMandatesOverHTTP(t *testing.T) {
	oneDay(t) // limits are of a month
	w := startOn(t, postgres.ForTest(t, signer.Migrate, payment.Migrate, auth.Migrate), false)
	first := in[debt.Debt](t, w.get(w.portalKey, "/v1/debts/"+w.owe("M-1", w.citizen.IIN())), 200)
	req := mandate.Request{
		Payer: w.citizen.IIN(), Bank: ownBIC, Services: []string{first.Service}, PaymentMax: first.Tiyn, MonthMax: first.Tiyn,
		Until: mandate.MonthOf(time.Now().AddDate(1, 0, 0)), Language: "kk",
	}
	w.send(w.otherBankKey, "/v1/mandates", req).want(t, 403, codeBankOfOther)
	w.send(w.agencyKey, "/v1/mandates", req).want(t, 403, "scope_missing")
	m := in[payment.Mandate](t, w.send(w.portalKey, "/v1/mandates", req), http.StatusCreated)
	o := w.order(w.citizen.IIN(), first.ID)
	use := "/v1/orders/" + o.ID + "/mandate-authorisation"
	w.send(w.portalKey, use, map[string]string{"mandate": m.ID}).want(t, 409, "mandate_state_forbids")
	document := w.get(w.portalKey, "/v1/mandates/"+m.ID+"/document")
	if document.status != 200 || !bytes.Contains(document.body, []byte(m.ID)) {
		t.Fatalf("document %d %s", document.status, document.body)
	}
	sign := func(cms []byte) answered {
		return w.do(call{method: http.MethodPost, path: "/v1/mandates/" + m.ID + "/signature", key: w.portalKey, idem: uuid.NewString(), contentType: typeCMS, body: cms})
	}
	sign(w.detached(w.neighbour, document.body)).want(t, 403, "signer_is_not_payer")
	if m = in[payment.Mandate](t, sign(w.detached(w.citizen, document.body)), 200); m.State != payment.MandateActive {
		t.Fatalf("%+v", m)
	}
	w.get(w.otherBankKey, "/v1/mandates/"+m.ID).want(t, 404, "mandate_unknown")
	in[payment.Mandate](t, w.get(w.bankKey, "/v1/mandates/"+m.ID), 200)
	in[payment.MandateEventPage](t, w.get(w.operatorKey, "/v1/mandates/"+m.ID+"/events"), 200)
	w.readers(w.citizen.IIN(), "API: GET /v1/mandates/"+m.ID, "bank", "operator")
	w.send(w.bankKey, "/v1/mandates/search", map[string]string{"payer": w.citizen.IIN()}).want(t, 403, "scope_missing")
	if out := in[order.Order](t, w.send(w.bankKey, use, map[string]string{"mandate": m.ID}), http.StatusAccepted); out.State != order.Authorised {
		t.Errorf("order %+v", out)
	}
	more := w.order(w.citizen.IIN(), w.owe("M-2", w.citizen.IIN()))
	w.send(w.portalKey, "/v1/orders/"+more.ID+"/mandate-authorisation", map[string]string{"mandate": m.ID}).want(t, 409, "mandate_limit")
	events := in[payment.MandateEventPage](t, w.get(w.portalKey, "/v1/mandates/"+m.ID+"/events"), 200)
	if len(events.Items) != 3 || events.Items[2].Order != o.ID {
		t.Errorf("events %+v", events)
	}
	list := in[items[payment.Mandate]](t, w.send(w.portalKey, "/v1/mandates/search", map[string]string{"payer": w.citizen.IIN()}), 200)
	if len(list.Items) != 1 || list.Items[0].Spent != first.Tiyn {
		t.Errorf("list %+v", list)
	}
	revoke := call{method: http.MethodPost, path: "/v1/mandates/" + m.ID + "/revoke", key: w.portalKey, idem: uuid.NewString()}
	if m = in[payment.Mandate](t, w.do(revoke), 200); m.State != payment.MandateRevoked {
		t.Errorf("%+v", m)
	}
	w.send(w.portalKey, "/v1/orders/"+more.ID+"/mandate-authorisation", map[string]string{"mandate": m.ID}).want(t, 409, "mandate_state_forbids")
}

// readers holds the person's list of looks to have one of each kind of client at what begins so (R42).
func (w *whole) readers(iin, path string, kinds ...string) {
	w.t.Helper()
	looks, err := w.keys.LooksAt(w.t.Context(), iin)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, kind := range kinds {
		if !slices.ContainsFunc(looks, func(l auth.Look) bool { return l.Organisation == kind && strings.HasPrefix(l.Reason, path) }) {
			w.t.Errorf("no look of the %s at %s: %+v", kind, path, looks)
		}
	}
}
