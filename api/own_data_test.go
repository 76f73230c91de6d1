package api

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"qaqpa/api/auth"
	"qaqpa/payment"
	"qaqpa/payment/mandate"
)

// Each page and each form about one order, debt or agreement is its payer's: somebody else who is signed in learns not even that there is such a thing.
func TestEveryPageOfOwnDataAsksWhose(t *testing.T) {
	w := start(t)
	debtID := w.owe("OWN-1", w.citizen.IIN())
	o := w.order(w.citizen.IIN(), debtID)
	m := in[payment.Mandate](t, w.send(w.portalKey, "/v1/mandates", mandate.Request{
		Payer: w.citizen.IIN(), Bank: ownBIC, Services: []string{o.Items[0].Service}, PaymentMax: 1, MonthMax: 1, Until: mandate.MonthOf(time.Now().AddDate(1, 0, 0)), Language: "kk",
	}), 201)
	own := map[string]string{"{order}": o.ID, "{debt}": debtID, "{mandate}": m.ID}
	other := w.browser()
	other.enter(w.neighbour)
	seen := map[string]int{}
	for _, rt := range w.pageRoutes() {
		path := rt.path
		for name, id := range own {
			if strings.Contains(path, name) {
				path = strings.ReplaceAll(path, name, id)
				seen[name]++
			}
		}
		if path == rt.path {
			continue
		}
		send := func(b *browser) shown {
			switch {
			case rt.method == "GET":
				return b.get(path)
			case slices.Contains(rt.consumes, typeForm):
				contentType, body := form(t, map[string][]byte{"x": []byte("1")})
				return b.send("POST", path, contentType, strings.NewReader(string(body)))
			}
			return b.submit(path, url.Values{"x": {"1"}})
		}
		if got := send(w.browser()); got.location != "/sign-in" {
			t.Errorf("%s %s: nobody gets %d %s", rt.method, rt.path, got.status, got.location)
		}
		if got := send(other); got.status != 404 || strings.Contains(got.body, w.citizen.IIN()) {
			t.Errorf("%s %s: another payer gets %d\n%s", rt.method, rt.path, got.status, got.text)
		}
	}
	for name, least := range map[string]int{"{order}": 8, "{debt}": 2, "{mandate}": 6} {
		if seen[name] < least {
			t.Errorf("only %d routes name %s", seen[name], name)
		}
	}
}

// Each page of each console is for the people of its organisation: to others it does not exist, whatever the rest of the address names.
func TestEveryConsolePageAsksWhoLooks(t *testing.T) {
	w := start(t)
	w.furnished(t)
	w.grant(auth.Agency, w.otherAgencyID, auth.Editor, w.employee)
	w.grant(auth.Bank, otherBIC, auth.Editor, w.employee)
	w.grant(auth.Operator, "another", auth.Editor, w.employee)
	other := w.browser()
	other.enter(w.employee)
	const nothing = "Records of other clients look as if they did not exist" // other than what is said of an unknown payment or statement
	pages := 0
	for _, rt := range slices.Concat(w.pageRoutes(), w.roomRoutes(), w.cataloguePages(), w.incidentPages()) {
		if rt.method != "GET" || !strings.Contains(rt.path, "{subject}") {
			continue
		}
		pages++
		own := map[string]string{"agency": w.agencyID, "bank": ownBIC, "operator": "ops"}[strings.Split(rt.path, "/")[2]]
		path := strings.NewReplacer("{subject}", own, "{", "", "}", "").Replace(rt.path)
		if got := w.browser().get(path); got.location != "/sign-in" {
			t.Errorf("%s: nobody gets %d %s", rt.path, got.status, got.location)
		}
		if got := other.get(path); got.status != 404 || !strings.Contains(got.text, nothing) {
			t.Errorf("%s: people of another organisation get %d\n%s", rt.path, got.status, got.text)
		}
	}
	if pages < 30 {
		t.Errorf("only %d pages", pages)
	}
}
