package api

import (
	"maps"
	"net/url"
	"strings"
	"testing"
	"time"

	"qaqpa/api/auth"
	"qaqpa/payment"
	"qaqpa/payment/catalog"
	"qaqpa/payment/mandate"
	"qaqpa/payment/order"
	"qaqpa/signer"
	"qaqpa/testenv/postgres"
)

// agreement is the form of an agreement as a citizen fills it in.
func (b *browser) agreement(t *testing.T, payer, service string, change url.Values) (shown, url.Values) {
	t.Helper()
	page := b.get("/cabinet/mandates")
	fields := url.Values{
		"key": {page.field(t, "key")}, "payer": {payer}, "bank": {ownBIC}, "service": {service}, "payment_max": {"6 000"}, "month_max": {"10 000,50"},
		"until": {string(catalog.DateOf(time.Now().AddDate(0, 6, 0)))}, "find": {""}, "found": {""}, "do": {"draft"},
	}
	maps.Copy(fields, change)
	return b.submit("/cabinet/mandates", fields), fields
}

// A citizen gives an agreement on pages without script, pays by it twice, sees what was paid, and revokes it.
func TestCitizenGivesAgreement(t *testing.T) {
	oneDay(t) // limits are of a month
	w := start(t)
	debtID := w.owe("MP-1", w.citizen.IIN())
	service := w.services(t)[0].ID
	b := w.browser()
	b.enter(w.citizen)
	b.get("/cabinet").want(t, 200, "/cabinet/mandates?payer=person", "Agreements for repeated payments")
	b.get("/cabinet/data").want(t, 200, "agreements for repeated payments")
	b.get("/cabinet/mandates").want(t, 200, "You have given none", "Issue of a driving licence", `value="`+service+`"`)
	made, fields := b.agreement(t, w.citizen.IIN(), service, nil)
	if made.status != 303 || !strings.HasPrefix(made.location, "/cabinet/mandates/mnd_") {
		t.Fatalf("got %d %s\n%s", made.status, made.location, made.text)
	}
	if again := b.submit("/cabinet/mandates", fields); again.location != made.location {
		t.Errorf("a double click made another agreement: %s", again.location)
	}
	path := made.location
	page := b.get(path)
	page.want(t, 200, "Your signature is needed", "6,000.00", "10,000.50", "Көпір Банк", "Issue of a driving licence", "Sign with NCALayer", "eGov Mobile")
	if csp := page.header.Get("Content-Security-Policy"); csp != signingPolicy {
		t.Errorf("policy %q", csp)
	}
	first := w.order(w.citizen.IIN(), debtID)
	if at := b.get("/cabinet/orders/" + first.ID); strings.Contains(at.text, "Pay by an agreement") {
		t.Error("an agreement that nobody has signed is offered")
	}
	t.Run("strangers", func(t *testing.T) { w.strangersAndAgreement(t, path, first.ID) })
	document := []byte(b.raw(path + "/document"))
	b.sign(path+"/sign", "cms", w.detached(w.neighbour, document)).want(t, 403, "Your signature is needed")
	b.sign(path+"/sign", "cms", w.detached(w.citizen, []byte("another text"))).want(t, 422)
	b.sign(path+"/sign", "cms", nil).want(t, 400)
	b.submit("/cabinet/orders/"+first.ID+"/mandate", url.Values{"key": {newID()}, "mandate": {strings.TrimPrefix(path, "/cabinet/mandates/")}}).want(t, 409)
	cms := w.detached(w.citizen, document)
	for range 2 { // a double click
		if got := b.sign(path+"/sign", "cms", cms); got.status != 303 || got.location != path {
			t.Fatalf("got %d %s\n%s", got.status, got.location, got.text)
		}
	}
	b.get(path).want(t, 200, "The agreement holds", "Nothing was paid by it yet", "Revoke")
	w.paysByAgreement(t, b, path, first.ID)
	b.get("/cabinet/mandates").want(t, 200, "holds", "Issue of a driving licence")
	b.get(path).want(t, 200, "5,406.00", "/cabinet/orders/"+first.ID, `<span class="tag passed">paid</span>`)
	// What is left of the month does not cover another one: it is not offered, and refused to who asks for it all the same.
	second := w.order(w.citizen.IIN(), w.alsoOwed("MP-2"))
	at := b.get("/cabinet/orders/" + second.ID)
	if at.want(t, 200, "Your signature is needed"); strings.Contains(at.text, "Pay by an agreement") {
		t.Error("more than the month's limit is offered")
	}
	ask := url.Values{"key": {newID()}, "mandate": {strings.TrimPrefix(path, "/cabinet/mandates/")}}
	b.submit("/cabinet/orders/"+second.ID+"/mandate", ask).want(t, 409, "limit of the agreement", "Your signature is needed")
	revoke := url.Values{"key": {b.get(path).field(t, "key")}}
	for range 2 {
		b.submit(path+"/revoke", revoke).want(t, 303)
	}
	b.get(path).want(t, 200, "The agreement is revoked", "5,406.00")
	b.submit(path+"/revoke", url.Values{"key": {newID()}}).want(t, 409, "The agreement is revoked")
	b.sign(path+"/sign", "cms", w.detached(w.citizen, document)).want(t, 409)
	if n := len(w.bank.Movements()); n != 1 {
		t.Errorf("money moved %d times", n)
	}
}

// paysByAgreement pays an order by the agreement that its page offers, clicking twice.
func (w *whole) paysByAgreement(t *testing.T, b *browser, mandatePath, orderID string) {
	t.Helper()
	path := "/cabinet/orders/" + orderID
	page := b.get(path)
	page.want(t, 200, "Pay by an agreement", "10,000.50", mandatePath)
	fields := url.Values{"key": {page.field(t, "key")}, "mandate": {page.field(t, "mandate")}}
	for range 2 {
		if got := b.submit(path+"/mandate", fields); got.status != 303 || got.location != path {
			t.Fatalf("got %d %s\n%s", got.status, got.location, got.text)
		}
	}
	w.executed(orderID)
	if o, err := w.cfg.Payments.Order(t.Context(), orderID); err != nil || o.State != order.Executed {
		t.Errorf("%+v, %v", o, err)
	}
}

// strangersAndAgreement: to others an agreement does not exist, and forms of another site are refused.
func (w *whole) strangersAndAgreement(t *testing.T, path, orderID string) {
	t.Helper()
	stranger := w.browser()
	stranger.enter(w.neighbour)
	for _, at := range []string{path, path + "/document", path + "/qr"} {
		stranger.get(at).want(t, 404)
	}
	stranger.submit(path+"/revoke", url.Values{"key": {newID()}}).want(t, 404)
	stranger.submit(path+"/qr", nil).want(t, 404)
	stranger.sign(path+"/sign", "cms", []byte("x")).want(t, 404)
	stranger.get("/cabinet/mandates?payer="+w.citizen.IIN()).want(t, 404)
	stranger.submit("/cabinet/orders/"+orderID+"/mandate", url.Values{"key": {newID()}, "mandate": {"mnd_1"}}).want(t, 404)
	got, _ := stranger.agreement(t, w.citizen.IIN(), w.services(t)[0].ID, nil)
	got.want(t, 404)
	// The attack: who owes something himself pays it by somebody else's agreement.
	own := w.order(w.neighbour.IIN(), w.alsoOwe("MP-N", w.neighbour.IIN()))
	stranger.submit("/cabinet/orders/"+own.ID+"/mandate", url.Values{"key": {newID()}, "mandate": {strings.TrimPrefix(path, "/cabinet/mandates/")}}).want(t, 404)
	nobody := w.browser()
	for _, at := range []string{"/cabinet/mandates", path} {
		if got := nobody.get(at); got.location != "/sign-in" {
			t.Errorf("%s: %d", at, got.status)
		}
	}
	foreign := w.browser()
	foreign.enter(w.citizen)
	foreign.site = "cross-site"
	for _, at := range []string{"/cabinet/mandates", path + "/revoke", path + "/qr", "/cabinet/orders/" + orderID + "/mandate"} {
		foreign.submit(at, url.Values{"key": {newID()}}).want(t, 403)
	}
	foreign.sign(path+"/sign", "cms", []byte("x")).want(t, 403)
}

// What breaks a rule is told by its field, and nothing that was filled in is lost; words that are looked for make no agreement.
func TestAgreementFormTellsWhatIsWrong(t *testing.T) {
	w := startOn(t, postgres.ForTest(t, signer.Migrate, payment.Migrate, auth.Migrate), false)
	w.owe("MF-1", w.citizen.IIN())
	service := w.services(t)[0].ID
	b := w.browser()
	b.enter(w.citizen)
	for name, row := range map[string]struct {
		change url.Values
		says   string
	}{
		"no bank":            {url.Values{"bank": {""}}, "Choose the bank"},
		"no service":         {url.Values{"service": nil}, "Mark 1 to 20 services"},
		"no sum":             {url.Values{"payment_max": {""}}, "how much one payment may be"},
		"words":              {url.Values{"payment_max": {"<b>many</b>"}}, "how much one payment may be"},
		"month below":        {url.Values{"month_max": {"5 999"}}, "no less than one payment"},
		"yesterday":          {url.Values{"until": {string(catalog.DateOf(time.Now().AddDate(0, 0, -1)))}}, "Choose a day from today"},
		"in four years":      {url.Values{"until": {string(catalog.DateOf(time.Now().AddDate(4, 0, 0)))}}, "Choose a day from today"},
		"no day":             {url.Values{"until": {"2026-02-31"}}, "Choose a day from today"},
		"unknown bank":       {url.Values{"bank": {"NOBAKZKA"}}, "bank"},
		"service twice":      {url.Values{"service": {service, service}}, "Mark 1 to 20 services"},
		"what is no service": {url.Values{"service": {service, "svc_none"}}, "There is no such service"},
	} {
		got, fields := b.agreement(t, w.citizen.IIN(), service, row.change)
		if got.status < 400 || got.status >= 500 || !strings.Contains(got.text, `role="alert"`) || !strings.Contains(got.text, row.says) {
			t.Errorf("%s: %d %s", name, got.status, got.text)
		}
		if row.change.Get("month_max") == "" && !strings.Contains(got.body, `value="`+fields.Get("month_max")+`"`) {
			t.Errorf("%s: what was filled in is lost", name)
		}
		if strings.Contains(got.body, "<b>many</b>") {
			t.Error("markup of a field became part of the page")
		}
	}
	many := make([]string, mandate.ServicesMax+1)
	for i := range many {
		many[i] = service
	}
	got, _ := b.agreement(t, w.citizen.IIN(), service, url.Values{"service": many})
	got.want(t, 422, "Mark 1 to 20 services")
	found, _ := b.agreement(t, w.citizen.IIN(), service, url.Values{"find": {"no such words"}})
	found.want(t, 200, "Issue of a driving licence", `value="6 000"`, `value="no such words"`) // what is chosen stays
	none, _ := b.agreement(t, w.citizen.IIN(), service, url.Values{"find": {"no such words"}, "service": nil})
	none.want(t, 200, "No service has these words")
	list, err := w.cfg.Payments.Mandates(t.Context(), w.citizen.IIN())
	if err != nil || len(list) != 0 {
		t.Errorf("%+v, %v", list, err)
	}
	// A company's head gives one for the company, a person who only works there for nobody but himself.
	head := w.browser()
	head.enter(w.head)
	got, _ = head.agreement(t, w.head.BIN(), service, nil)
	got.want(t, 303)
	employee := w.browser()
	employee.enter(w.employee)
	got = employee.get("/cabinet/mandates?payer=" + w.head.BIN())
	if got.status < 400 {
		t.Errorf("an employee sees the company's agreements: %d", got.status)
	}
}

// A phone signs an agreement; the phone of somebody else does not.
func TestPhoneSignsAgreement(t *testing.T) {
	w := start(t)
	w.owe("MQ-1", w.citizen.IIN())
	b := w.browser()
	b.enter(w.citizen)
	made, _ := b.agreement(t, w.citizen.IIN(), w.services(t)[0].ID, nil)
	path := made.location
	b.submit(path+"/qr", nil).want(t, 303)
	asked := scan(t, w.mobile(w.neighbour), b.get(path+"/qr").code(t))
	if err := w.mobile(w.neighbour).Confirm(t.Context(), asked); err == nil {
		t.Error("somebody else's signature was taken")
	}
	b.get(path+"/qr").want(t, 200, `role="alert"`)
	asked = scan(t, w.mobile(w.citizen), b.get(path+"/qr").code(t))
	if err := w.mobile(w.citizen).Confirm(t.Context(), asked); err != nil {
		t.Fatal(err)
	}
	if got := b.get(path + "/qr"); got.location != path {
		t.Errorf("got %d %s", got.status, got.text)
	}
	b.get(path).want(t, 200, "The agreement holds")
}
