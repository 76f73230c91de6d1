package api

import (
	"context"
	"maps"
	"net/url"
	"strings"
	"testing"

	"qaqpa/api/auth"
	"qaqpa/payment"
	"qaqpa/payment/catalog"
	"qaqpa/payment/commission"
	"qaqpa/payment/ledger"
)

// agencyBears makes agencies owe their bank an amount of tiyn for each payment from now on.
func (w *whole) agencyBears(t *testing.T, tiyn int64) {
	t.Helper()
	terms, _, err := w.cfg.Payments.ProposeCommission(t.Context(), payment.Idem{Caller: "operator:a", Key: "bears-1"}, commission.Spec{
		Bank: ownBIC, Bearer: commission.Agency, Fixed: tiyn, ValidFrom: "2026-01-01", Source: "contract", GivenBack: commission.Always,
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.cfg.Payments.DecideCommission(t.Context(), payment.Idem{Caller: "operator:b", Key: "bears-2"}, terms.ID, true); err != nil {
		t.Fatal(err)
	}
}

// paidForm is the form of a payment order of an agency.
func (w *whole) paidForm(amount, reference string) url.Values {
	return url.Values{
		"key": {newID()}, "agency": {w.agencyID}, "bank": {ownBIC}, "got": {"bank"}, "amount": {amount}, "paid_on": {string(catalog.DateOf(w.cfg.Now()))}, "reference": {reference},
	}
}

// operators are two of the operator's people, aigul and bolat, who have signed in.
func (w *whole) operators() (first, second *browser) {
	w.t.Helper()
	w.grant(auth.Operator, "aigul", auth.Editor, w.head)
	w.grant(auth.Operator, "bolat", auth.Editor, w.employee)
	first, second = w.browser(), w.browser()
	first.enter(w.head)
	second.enter(w.employee)
	return first, second
}

// openCommission is the id of the one payment that waits.
func (w *whole) openCommission(ctx context.Context, t *testing.T) string {
	t.Helper()
	list, err := w.cfg.Payments.CommissionPayments(ctx, "")
	if err != nil || len(list) == 0 || list[0].State != "open" {
		t.Fatalf("%+v %v", list, err)
	}
	return list[0].ID
}

// One operator records what an agency has paid its bank, another one books it, and each refusal is told in words; nobody books his own, under
// whatever name, and who only looks changes nothing.
func TestCommissionPages(t *testing.T) {
	w := start(t)
	w.agencyBears(t, 10_000)
	w.pay("COMMISSION-1")
	first, second := w.operators()
	w.grant(auth.Operator, "twin", auth.Editor, w.head)
	const at, other = "/console/operator/aigul/commissions", "/console/operator/bolat/commissions"
	first.get("/console/operator/aigul").want(t, 200, at)
	first.get(at).want(t, 200, "Nothing waits", "Record a payment", "Nothing has been decided yet")

	for name, c := range map[string]struct {
		change url.Values
		status int
		say    string
	}{
		"nothing":           {url.Values{"amount": {"0"}}, 422, "amount"},
		"words":             {url.Values{"amount": {"<b>"}}, 422, "amount"},
		"tomorrow":          {url.Values{"paid_on": {"2999-01-01"}}, 422, "cannot be after today"},
		"no day":            {url.Values{"paid_on": {"2026-02-30"}}, 422, "cannot be after today"},
		"no number":         {url.Values{"reference": {""}}, 422, "1 to 35 characters"},
		"a long number":     {url.Values{"reference": {strings.Repeat("1", 36)}}, 422, "1 to 35 characters"},
		"more than is owed": {url.Values{"amount": {"100,01"}}, 409, "More than is owed"},
		"another bank":      {url.Values{"bank": {otherBIC}}, 409, "More than is owed"},
		"no bank":           {url.Values{"bank": {"NOBANKKZ"}}, 404, "bank"},
		"no agency":         {url.Values{"agency": {"agc_none"}}, 404, "agency"},
		"nothing kept back": {url.Values{"got": {"beneficiary"}}, 409, "More than is owed"},
		"got by nobody":     {url.Values{"got": {"nobody"}}, 400, "form"},
		"no key":            {url.Values{"key": {""}}, 400, "form"},
	} {
		try := w.paidForm("60", "ПП <b>7</b>")
		maps.Copy(try, c.change)
		got := first.submit(at, try)
		if got.want(t, c.status, c.say); strings.Contains(got.body, "<b>7") {
			t.Errorf("%s: a number came back as it was", name)
		}
	}
	once := w.paidForm("60", "ПП-7")
	for range 2 { // an impatient hand
		if got := first.submit(at, once); got.status != 303 || got.location != at+"?done=recorded" {
			t.Fatalf("got %d %s %s", got.status, got.location, got.text)
		}
	}
	first.submit(at, w.paidForm("60", "ПП-7")).want(t, 409, "This payment is recorded")
	id := w.openCommission(t.Context(), t)
	first.get(at+"?done=recorded").want(t, 200, "The payment is recorded", "ПП-7", "60.00", "Owed to the bank now", "100.00", "You recorded this")
	second.get("/console/operator/bolat/approvals").want(t, 200, "Book a commission that an agency has paid", "60.00")
	second.get(other+"?bank="+otherBIC).want(t, 200, "Nothing waits")

	book := func() url.Values { return url.Values{"key": {newID()}, "do": {"book"}} }
	first.submit(at+"/"+id, book()).want(t, 403, "second person")
	first.submit("/console/operator/twin/commissions/"+id, book()).want(t, 403, "second person")
	second.submit(other+"/"+id, url.Values{"key": {newID()}, "do": {"eat"}}).want(t, 400)
	second.submit(other+"/cmp_none", book()).want(t, 404, "No such payment of commissions")
	second.site = "cross-site"
	second.submit(other+"/"+id, book()).want(t, 403)
	second.site = "same-origin"
	yes := book()
	yes.Set("key", second.get(other).field(t, "key")) // as the page has it
	for range 2 {
		if got := second.submit(other+"/"+id, yes); got.status != 303 || got.location != other+"?done=booked" {
			t.Fatalf("got %d %s %s", got.status, got.location, got.text)
		}
	}
	second.submit(other+"/"+id, book()).want(t, 409, "This was decided before")
	second.get(other+"?done=booked&lang=kk").want(t, 200, "Төлем есепке алынды", "ПП-7", "есепке алынды")

	if got := first.submit(at, w.paidForm("40", "ПП-8")); got.status != 303 {
		t.Fatalf("got %d %s", got.status, got.text)
	}
	id = w.openCommission(t.Context(), t)
	if got := first.submit(at+"/"+id, url.Values{"key": {newID()}, "do": {"reject"}}); got.status != 303 || got.location != at+"?done=rejected" {
		t.Fatalf("who recorded a mistake cannot take it back: %d %s", got.status, got.text)
	}
	first.get(at+"?done=rejected").want(t, 200, "The payment is rejected", "ПП-8")
	log := first.get("/console/operator/aigul/audit?action=" + url.QueryEscape("commission.*"))
	log.want(t, 200, "commission.payment_recorded", "commission.payment_booked", "commission.payment_rejected")
}

// What the bank kept back is made good on the same page: the operators see how much, and that it was the beneficiary who got it.
func TestCommissionMadeGoodPage(t *testing.T) {
	w := start(t)
	w.registersAccount()
	w.agencyBears(t, 10_000)
	_, paid := w.pay("GOOD-1")
	w.statement(w.bankKey, camtWith(1, "2026-03-02", 0, paid.Tiyn-10_000, paid.BankReference)).fine(t, 200)
	first, second := w.operators()
	const at, other = "/console/operator/aigul/commissions", "/console/operator/bolat/commissions"
	form := w.paidForm("60", "ПП-9")
	first.submit(at, form).want(t, 409, "has less to make good") // the bank has its commission already
	form = w.paidForm("60", "ПП-9")
	form.Set("got", "beneficiary")
	if got := first.submit(at, form); got.status != 303 {
		t.Fatalf("got %d %s", got.status, got.text)
	}
	second.get(other).want(t, 200, "To be made good now", "100.00", "in place of what the bank kept back")
	if got := second.submit(other+"/"+w.openCommission(t.Context(), t), url.Values{"key": {newID()}, "do": {"book"}}); got.status != 303 {
		t.Fatalf("got %d %s", got.status, got.text)
	}
	second.get(other+"?lang=ru").want(t, 200, "взамен того, что удержал банк")
	for account, tiyn := range map[ledger.Account]int64{
		ledger.AgencyKept(w.agencyID, ownBIC): 4_000, ledger.AgencyMadeGood(w.agencyID, ownBIC): 6_000, ledger.AgencyCommission(w.agencyID, ownBIC): 0,
	} {
		if b, err := w.cfg.Payments.BalanceAt(t.Context(), account, w.cfg.Now()); err != nil || b.Amount != tiyn {
			t.Errorf("%s stands at %d, want %d: %v", account, b.Amount, tiyn, err)
		}
	}
}
