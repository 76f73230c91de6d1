package api

import (
	"net/http"
	"testing"

	"qaqpa/api/auth"
	"qaqpa/api/watch"
	"qaqpa/payment"
	"qaqpa/payment/catalog"
	"qaqpa/payment/debt"
	"qaqpa/payment/order"
	"qaqpa/signer"
	"qaqpa/testenv/postgres"
)

// A portal fills the form and orders the fee; a bank does so for itself alone and learns nothing of the payer.
func TestFeesOverHTTP(t *testing.T) {
	w := startOn(t, postgres.ForTest(t, signer.Migrate, payment.Migrate, auth.Migrate, watch.Migrate), false)
	spec := licence("own-fee")
	spec.WithoutDebt = true
	service := in[catalog.Service](t, w.send(w.agencyKey, "/v1/services", spec), 201)
	ask := map[string]any{"service": service.ID, "payer": w.citizen.IIN()}
	form := in[payment.FeeForm](t, w.send(w.portalKey, "/v1/fees/form", ask), 200)
	if form.Quote == nil || form.Quote.Payable == 0 || form.Payer.ID != w.citizen.IIN() {
		t.Fatalf("form %+v", form)
	}
	req := payment.FeeRequest{Service: service.ID, Payer: debt.Payer{ID: w.citizen.IIN(), Name: "ӘЛІ"}, Bank: ownBIC, Shown: form.Quote.Payable}
	o := in[order.Order](t, w.send(w.portalKey, "/v1/fees", req), http.StatusCreated)
	if o.Tiyn != form.Quote.Payable || o.State != order.Created {
		t.Errorf("order %+v", o)
	}
	if known := in[payment.FeeForm](t, w.send(w.portalKey, "/v1/fees/form", ask), 200); known.Payer.Name != "ӘЛІ" || known.Bank != ownBIC {
		t.Errorf("the portal is told %+v", known)
	}
	if known := in[payment.FeeForm](t, w.send(w.bankKey, "/v1/fees/form", ask), 200); known.Payer.Name != "" || known.Bank != "" {
		t.Errorf("a bank is told %+v", known)
	}
	w.send(w.otherBankKey, "/v1/fees", req).want(t, 403, codeBankOfOther)
	req.Shown++
	w.send(w.portalKey, "/v1/fees", req).want(t, 409, "amount_changed")
	w.send(w.agencyKey, "/v1/fees", req).want(t, 403, "scope_missing")
}
