package api

import (
	"bytes"
	"testing"

	"qaqpa/payment"
	"qaqpa/payment/catalog"
	"qaqpa/payment/debt"
	"qaqpa/payment/order"
)

// One order for two agencies: the bank moves money to both once, and each agency finds its own part behind every door and
// nothing of the other's.
func TestTwoAgenciesInOneOrder(t *testing.T) {
	w := start(t)
	ours := w.owe("AD-1", w.citizen.IIN())
	spec := licence("apostille")
	spec.KBK = "108126"
	service := in[catalog.Service](t, w.send(w.otherAgencyKey, "/v1/services", spec), 201)
	batch := in[payment.DebtBatch](t, w.send(w.otherAgencyKey, "/v1/debts", map[string]any{"debts": []debt.Item{
		{Reference: "AP-77", Payer: debt.Payer{ID: w.citizen.IIN()}, Service: service.ID},
	}}), 200)
	theirs := batch.Results[0].Debt
	o := w.order(w.citizen.IIN(), ours, theirs)
	in[order.Order](t, w.authorise(o.ID, w.signed(w.citizen, o.ID)), 202)
	o = w.executed(o.ID)
	if n := len(w.bank.Movements()); n != 2 {
		t.Errorf("money moved %d times", n)
	}
	for _, c := range []struct{ key, agency, own, other string }{
		{w.agencyKey, w.agencyID, ours, theirs}, {w.otherAgencyKey, w.otherAgencyID, theirs, ours},
	} {
		part, _, _ := o.OfAgency(c.agency)
		if len(part.Items) != 1 || part.Items[0].Debt != c.own || part.Tiyn >= o.Tiyn || len(part.Allocations) != 1 {
			t.Errorf("the agency sees %+v", part)
		}
		for _, path := range []string{"/v1/debts/" + c.own + "/payment", "/v1/receipts/" + o.ID, "/v1/receipts/" + part.Receipt, "/v1/receipts/" + part.Receipt + "/cms"} {
			got := w.get(c.key, path)
			if got.status != 200 || bytes.Contains(got.body, []byte(c.other)) {
				t.Errorf("%s: %d, with what is the other's: %v", path, got.status, bytes.Contains(got.body, []byte(c.other)))
			}
		}
		for _, a := range o.Allocations {
			if a.Receipt != part.Receipt {
				w.get(c.key, "/v1/receipts/"+a.Receipt).want(t, 404, "receipt_unknown")
				w.get(c.key, "/v1/receipts/"+a.Receipt+"/pdf").want(t, 404, "receipt_unknown")
			}
		}
	}
}
