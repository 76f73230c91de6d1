package api

import (
	"maps"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"qaqpa/payment"
	"qaqpa/payment/catalog"
	"qaqpa/payment/debt"
	"qaqpa/payment/money"
	"qaqpa/payment/order"
	"qaqpa/testenv/pki"
)

// fines is a service of fines: half off within seven days, parts of at least 100 tenge.
func fines() catalog.ServiceSpec {
	spec := licence("traffic-fine")
	spec.Names = catalog.Names{KK: "Жол ережесін бұзғаны үшін айыппұл", RU: "Штраф за нарушение правил дорожного движения", EN: "Traffic fine"}
	spec.InstalmentMin = 10_000
	spec.Tariffs = []catalog.Tariff{{
		ValidFrom: "2024-01-01", Kind: catalog.Stated, Discounts: []catalog.Discount{{Percent: "50", Rounding: money.HalfUpTiyn, Days: 7}},
	}}
	return spec
}

// courtFee is three percent of a claim, without a debt.
func courtFee() catalog.ServiceSpec {
	spec := licence("court-fee")
	spec.Names = catalog.Names{KK: "Талап қою арызының мемлекеттік бажы", RU: "Государственная пошлина за исковое заявление", EN: "State duty for a claim"}
	spec.WithoutDebt = true
	spec.Tariffs = []catalog.Tariff{{ValidFrom: "2024-01-01", Kind: catalog.Percent, Rate: "3", Rounding: money.HalfUpTenge, Floor: &catalog.Bound{Tiyn: 100_000}}}
	return spec
}

// fined loads a fine.
func (w *whole) fined(reference, payer string, tiyn int64) string {
	w.t.Helper()
	service := in[catalog.Service](w.t, w.send(w.agencyKey, "/v1/services", fines()), 201)
	batch := in[payment.DebtBatch](w.t, w.send(w.agencyKey, "/v1/debts", map[string]any{"debts": []debt.Item{
		{Reference: reference, Payer: debt.Payer{ID: payer, Name: "СЕЙТҚАЛИЕВА АЙГҮЛ"}, Service: service.ID, Tiyn: &tiyn},
	}}), 200)
	if batch.Accepted != 1 {
		w.t.Fatalf("the debt was refused: %+v", batch)
	}
	return batch.Results[0].Debt
}

// A debt is paid in two parts on pages; what cannot be a part is told, and to others the debt does not exist.
func TestCitizenPaysInParts(t *testing.T) {
	w := start(t)
	id := w.fined("FINE-1", w.citizen.IIN(), 1_000_000)
	b := w.browser()
	b.enter(w.citizen)
	b.get("/cabinet").want(t, 200, "FINE-1", "5,000.00", "Discount until", "Pay a part of it", "/cabinet/debts/"+id)
	path := "/cabinet/debts/" + id
	page := b.get(path)
	page.want(t, 200, "Traffic fine", "Left to pay", "10,000.00", "At least 100.00", "at most 5,000.00", "A discount is for who pays the whole debt at once", "5,000.00")
	unread, unfit := "The amount cannot be read", "The part does not fit"
	for name, c := range map[string]struct{ sum, told string }{
		"nothing": {"", unread}, "words": {"many", unread}, "negative": {"-5", unread}, "zero": {"0", unread}, "overflow": {strings.Repeat("9", 23), unread},
		"too little": {"99,99", unfit}, "too much": {"10000.01", unfit}, "more than is due now": {"5000.01", unfit},
	} {
		got := b.submit(path, url.Values{"key": {page.field(t, "key")}, "sum": {c.sum}, "bank": {ownBIC}})
		if got.status < 400 || got.status >= 500 || !strings.Contains(got.text, `role="alert"`) || !strings.Contains(got.text, c.told) {
			t.Errorf("%s: %d %s", name, got.status, got.text)
		}
		page = b.get(path)
	}
	b.submit(path, url.Values{"key": {page.field(t, "key")}, "sum": {"1000"}, "bank": {"NOBAKZKA"}}).want(t, 404, `value="1000"`)
	page = b.get(path)
	fields := url.Values{"key": {page.field(t, "key")}, "sum": {"4 000,50"}, "bank": {ownBIC}}
	made := b.submit(path, fields)
	made.want(t, 303)
	if again := b.submit(path, fields); again.location != made.location {
		t.Errorf("a double click made another order: %s", again.location)
	}
	b.get(made.location).want(t, 200, "4,000.50", "Your signature is needed")
	b.sign(made.location+"/sign", "cms", w.detached(w.citizen, []byte(b.raw(made.location+"/document")))).want(t, 303)
	w.executed(strings.TrimPrefix(made.location, "/cabinet/orders/"))
	page = b.get(path)
	page.want(t, 200, "Paid already", "4,000.50", "5,999.50")
	if strings.Contains(page.text, "Discount until") {
		t.Error("a discount is promised for what is left after a part")
	}
	b.get("/cabinet").want(t, 200, "Paid already", "5,999.50", "Whole debt")
	rest := b.submit(path, url.Values{"key": {page.field(t, "key")}, "sum": {"5999.50"}, "bank": {ownBIC}})
	rest.want(t, 303)
	b.sign(rest.location+"/sign", "cms", w.detached(w.citizen, []byte(b.raw(rest.location+"/document")))).want(t, 303)
	w.executed(strings.TrimPrefix(rest.location, "/cabinet/orders/"))
	b.get(path).want(t, 200, "Nothing is left to pay here")
	if n := len(w.bank.Movements()); n != 2 {
		t.Errorf("money moved %d times", n)
	}
	for name, who := range map[string]*pki.Identity{"neighbour": w.neighbour, "head": w.head} {
		other := w.browser()
		other.enter(who)
		other.get(path).want(t, 404)
		if got := other.submit(path, url.Values{"key": {"12345678"}, "sum": {"1000"}, "bank": {ownBIC}}); got.status != 404 {
			t.Errorf("%s: %d", name, got.status)
		}
	}
	if got := w.browser().get(path); got.location != "/sign-in" {
		t.Errorf("a stranger got %d", got.status)
	}
}

// Debts are found by number, service and agency.
func TestCabinetFindsDebts(t *testing.T) {
	w := start(t)
	w.owe("AD-17", w.citizen.IIN())
	w.fined("FINE-1", w.citizen.IIN(), 100_000)
	b := w.browser()
	b.enter(w.citizen)
	for words, want := range map[string][2]bool{"ad-17": {true, false}, "traffic": {false, true}, "ЖОЛ": {false, true}, "police": {true, true}, "": {true, true}, "nothing": {}} {
		got := b.get("/cabinet?find=" + url.QueryEscape(words))
		if has := [2]bool{strings.Contains(got.text, "AD-17"), strings.Contains(got.text, "FINE-1")}; got.status != 200 || has != want {
			t.Errorf("%q: %d, found %v, want %v", words, got.status, has, want)
		}
	}
}

// A fee that nobody has charged: found by its service, filled in with what is known, reckoned from a claim, and ordered for the sum
// that was shown and for no other.
func TestCitizenPaysFee(t *testing.T) {
	w := start(t)
	w.fined("FINE-1", w.citizen.IIN(), 100_000) // states the name
	service := in[catalog.Service](t, w.send(w.agencyKey, "/v1/services", courtFee()), 201)
	own := licence("own-fee")
	own.WithoutDebt = true
	fixed := in[catalog.Service](t, w.send(w.agencyKey, "/v1/services", own), 201)
	stranger := w.browser()
	stranger.get("/").want(t, 200, "/fees")
	list := stranger.get("/fees")
	list.want(t, 200, "State duty for a claim", "Issue of a driving licence", "Police")
	if strings.Contains(list.text, "Traffic fine") {
		t.Error("a service that takes debts only is listed")
	}
	if got := stranger.get("/fees?find=" + url.QueryEscape("талап")); !strings.Contains(got.text, service.ID) || strings.Contains(got.text, fixed.ID) {
		t.Errorf("got %s", got.text)
	}
	stranger.get("/fees?find=nothing").want(t, 200, "Nothing was found")
	if got := stranger.get("/cabinet/fees/" + service.ID); got.location != "/sign-in" {
		t.Errorf("got %d", got.status)
	}
	b := w.browser()
	b.enter(w.citizen)
	b.get("/cabinet/fees/"+fixed.ID).want(t, 200, "You pay", "5,406.00", "СЕЙТҚАЛИЕВА АЙГҮЛ")
	path := "/cabinet/fees/" + service.ID
	page := b.get(path)
	page.want(t, 200, "3 % of the claim", "At least 1,000.00", "СЕЙТҚАЛИЕВА АЙГҮЛ", "Reckon the fee")
	if strings.Contains(page.text, "Go on to payment") {
		t.Error("a fee is offered before it is known")
	}
	fields := func(page shown, do, claim string) url.Values {
		v := url.Values{
			"key": {page.field(t, "key")}, "payer": {w.citizen.IIN()}, "name": {"СЕЙТҚАЛИЕВА А."}, "purpose": {"іс № 17"}, "claim": {claim}, "bank": {ownBIC}, "do": {do},
		}
		if strings.Contains(page.text, `name="shown"`) {
			v.Set("shown", page.field(t, "shown"))
		}
		return v
	}
	for name, claim := range map[string]string{"words": "much", "negative": "-1", "too much": "1" + strings.Repeat("0", 17), "none": ""} {
		got := b.submit(path, fields(page, "pay", claim))
		if got.status >= 500 || !strings.Contains(got.text, "Reckon the fee") || strings.Contains(got.text, "Go on to payment") {
			t.Errorf("%s: %d %s", name, got.status, got.text)
		}
	}
	page = b.submit(path, fields(page, "reckon", "1 000 000"))
	page.want(t, 200, "30,000.00", "Go on to payment", "іс № 17", "СЕЙТҚАЛИЕВА А.")
	changed := b.submit(path, fields(page, "pay", "2 000 000")) // the claim was changed after it was reckoned
	changed.want(t, 409, "The amount to pay has changed", "60,000.00")
	made := b.submit(path, fields(changed, "pay", "2 000 000"))
	made.want(t, 303)
	b.get(made.location).want(t, 200, "60,000.00", "Your signature is needed")
	id := strings.TrimPrefix(made.location, "/cabinet/orders/")
	b.sign(made.location+"/sign", "cms", w.detached(w.citizen, []byte(b.raw(made.location+"/document")))).want(t, 303)
	w.executed(id)
	if o := in[order.Order](t, w.get(w.portalKey, "/v1/orders/"+id), 200); o.Tiyn != 6_000_000 {
		t.Errorf("got %+v", o)
	}
	for name, change := range map[string]url.Values{
		"another payer": {"payer": {w.neighbour.IIN()}}, "a sum of words": {"shown": {"x"}}, "a sum below nothing": {"shown": {strconv.Itoa(-1)}}, "a long name": {"name": {strings.Repeat("ә", 201)}},
	} {
		v := fields(changed, "pay", "2 000 000")
		maps.Copy(v, change)
		if got := b.submit(path, v); got.status < 400 || got.status >= 500 {
			t.Errorf("%s: %d", name, got.status)
		}
	}
	b.get("/cabinet/fees/svc_nothing").want(t, 404)
	b.get(path+"?payer="+w.neighbour.IIN()).want(t, 404)
}
