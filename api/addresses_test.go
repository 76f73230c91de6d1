package api

import (
	"regexp"
	"strings"
	"testing"
)

// No address of a citizen's page carries his number: addresses stand in the history of shared computers and in the logs of the
// proxies before the gateway, whose own log leaves them out for that reason.
func TestNoAddressCarriesANumber(t *testing.T) {
	w := start(t)
	o := w.order(w.citizen.IIN(), w.owe("ADR-1", w.citizen.IIN()))
	b := w.browser()
	b.enter(w.citizen)
	links := regexp.MustCompile(`(?:href|action)="([^"]*)"`)
	for _, path := range []string{"/cabinet", "/cabinet?find=nothing", "/cabinet?payer=person", "/cabinet/mandates", "/cabinet/orders/" + o.ID, "/cabinet/debts/" + o.Items[0].Debt} {
		page := b.get(path)
		if page.status != 200 {
			t.Errorf("%s: %d", path, page.status)
		}
		for _, link := range links.FindAllStringSubmatch(page.body, -1) {
			if strings.Contains(link[1], w.citizen.IIN()) {
				t.Errorf("%s links to %s", path, link[1])
			}
		}
		for _, form := range regexp.MustCompile(`(?s)<form[^>]*method="get".*?</form>`).FindAllString(page.body, -1) {
			if strings.Contains(form, w.citizen.IIN()) {
				t.Errorf("%s has a form that asks for an address with the number:\n%s", path, form)
			}
		}
	}
	if got := b.get("/cabinet?payer=organisation"); got.status != 404 {
		t.Errorf("an organisation that is not his: %d", got.status)
	}
	b.get("/cabinet?payer="+w.citizen.IIN()).want(t, 200) // a bookmark of before
	company := w.browser()
	company.enter(w.head)
	company.get("/cabinet?payer=organisation").want(t, 200)
	company.get("/cabinet?payer=person").want(t, 404) // with a certificate of his organisation he is not there for himself
}
