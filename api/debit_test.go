package api

import (
	"net/url"
	"strings"
	"testing"

	"qaqpa/payment"
	"qaqpa/payment/commission"
)

// What leaves the account counts, the bank's commission on top included: an agreement whose limit it passes is not offered, and the phone that
// signs shows it.
func TestDebitIsShownAndCounts(t *testing.T) {
	oneDay(t) // limits are of a month
	w := start(t)
	debtID := w.owe("DEBIT-1", w.citizen.IIN())
	b := w.browser()
	b.enter(w.citizen)
	made, _ := b.agreement(t, w.citizen.IIN(), w.services(t)[0].ID, url.Values{"payment_max": {"5 406"}, "month_max": {"20 000"}})
	agreed := made.location
	if got := b.sign(agreed+"/sign", "cms", w.detached(w.citizen, []byte(b.raw(agreed+"/document")))); got.status != 303 {
		t.Fatalf("got %d %s", got.status, got.text)
	}
	terms, _, err := w.cfg.Payments.ProposeCommission(t.Context(), payment.Idem{Caller: "operator:a", Key: "debit-1"}, commission.Spec{
		Bank: ownBIC, Bearer: commission.Payer, Fixed: 100, ValidFrom: "2026-01-01", Source: "contract",
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.cfg.Payments.DecideCommission(t.Context(), payment.Idem{Caller: "operator:b", Key: "debit-2"}, terms.ID, true); err != nil {
		t.Fatal(err)
	}
	path := "/cabinet/orders/" + w.order(w.citizen.IIN(), debtID).ID
	page := b.get(path)
	page.want(t, 200, "Your signature is needed")
	if strings.Contains(page.text, "Pay by an agreement") {
		t.Error("an agreement is offered whose limit the commission passes")
	}
	ask := url.Values{"key": {newID()}, "mandate": {strings.TrimPrefix(agreed, "/cabinet/mandates/")}}
	b.submit(path+"/mandate", ask).want(t, 409)
	b.submit(path+"/qr", nil).want(t, 303)
	if asked := scan(t, w.mobile(w.citizen), b.get(path+"/qr").code(t)); asked.Meta["Сомасы · Сумма"] != "5407.00 KZT" {
		t.Errorf("the phone shows %v", asked.Meta)
	}
}
