package api

import (
	"strings"
	"testing"
	"time"

	"qaqpa/api/auth"
	"qaqpa/api/portal"
	"qaqpa/api/watch"
	"qaqpa/payment"
	"qaqpa/payment/order"
)

// A bank's people see their guarantee and what they owe, and download registers and reports of their own bank alone.
func TestBankPageFiles(t *testing.T) {
	w := start(t)
	w.registersAccount()
	w.pay("BANK-PAGE-1")
	w.statement(w.bankKey, camt(1, "2026-03-02", 0, 900, "")).fine(t, 200) // whoever takes a statement in looks for executed payments first
	b, stranger := w.browser(), w.browser()
	b.enter(w.head)
	stranger.enter(w.citizen)
	w.grant(auth.Bank, ownBIC, auth.Viewer, w.head)
	b.get("/console/bank/"+ownBIC).want(t, 200, "No limit is set", "What is owed to the treasury", "<td class=\"number\">5,406.00", "Registers and reports")
	if _, err := w.db.ExecContext(t.Context(), `INSERT INTO guarantees (bank_bic, amount, committed, version, updated_at) VALUES ($1, 1000000, 950000, 1, now())
		ON CONFLICT (bank_bic) DO UPDATE SET amount = 1000000, committed = 950000`, ownBIC); err != nil {
		t.Fatal(err)
	}
	b.get("/console/bank/"+ownBIC).want(t, 200, "500.00", "9,500.00", "bar-open")
	var day string
	if err := w.db.GetContext(t.Context(), &day, `SELECT to_char(paid_on, 'YYYY-MM-DD') FROM expectations`); err != nil {
		t.Fatal(err)
	}
	for form, begins := range map[string]string{"pdf": "%PDF-", "xlsx": "PK", "register": "PK", "csv": "", "sealed": "0"} {
		path := "/console/bank/" + ownBIC + "/file?day=" + day + "&form=" + form
		got := b.get(path)
		if got.status != 200 || !strings.HasPrefix(got.body, begins) || !strings.HasPrefix(got.header.Get("Content-Disposition"), "attachment") {
			t.Errorf("%s: %d %.40q %s", form, got.status, got.body, got.header.Get("Content-Disposition"))
		}
		stranger.get(path).want(t, 404)
		b.get(strings.Replace(path, ownBIC, otherBIC, 1)).want(t, 404)
	}
	for query, status := range map[string]int{"day=today&form=pdf": 422, "day=" + day + "&form=exe": 400, "day=2020-01-01&form=csv": 404} {
		if got := b.get("/console/bank/" + ownBIC + "/file?" + query); got.status != status || strings.Contains(got.body, "goroutine") {
			t.Errorf("%s: %d", query, got.status)
		}
	}
}

// What is wrong stands on the operator's page, the grave first.
func TestOperatorSeesIncidents(t *testing.T) {
	w := start(t)
	w.grant(auth.Operator, "ops", auth.Viewer, w.head)
	b := w.browser()
	b.enter(w.head)
	b.get("/console/operator/ops").want(t, 200, "Nothing is wrong")
	limit := int64(1_000_000)
	now := time.Now()
	texts := w.texts
	pages := must[*portal.Pages](t)(portal.New(texts))
	page := must[[]byte](t)(pages.RenderOperator(portal.Operator{
		Frame: portal.Frame{Lang: "en"}, Now: now, Open: []payment.OpenAttempt{{ID: "a", Order: "ord_1", Bank: ownBIC, State: order.AttemptUnknown, CreatedAt: now}},
		Wrong:     []watch.Condition{{Kind: "attempt", Subject: "<b>ord_1</b>", Since: now}, {Kind: "health", Subject: "token", Grave: true}},
		Exposures: []payment.Exposure{{Bank: ownBIC, Guarantee: &limit, Committed: 2_000_000}, {Bank: otherBIC}},
	}))
	text := string(page)
	if strings.Index(text, "does not work") > strings.Index(text, "outcome of payments") || strings.Contains(text, "<b>ord_1") || !strings.Contains(text, "bar-refused") {
		t.Errorf("the page is\n%s", text)
	}
}
