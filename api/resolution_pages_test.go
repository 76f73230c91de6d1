package api

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"qaqpa/api/auth"
	"qaqpa/payment"
	"qaqpa/payment/catalog"
	"qaqpa/payment/order"
	"qaqpa/payment/recon"
	"qaqpa/signer/dual"
)

const approvals = "/console/operator/aigul/approvals"

// listed is the id of the only unsettled exception of a kind.
func (w *whole) listed(kind recon.Kind) string {
	w.t.Helper()
	page := in[payment.ExceptionPage](w.t, w.get(w.operatorKey, "/v1/exceptions?kind="+string(kind)), 200)
	if len(page.Items) != 1 {
		w.t.Fatalf("%d exceptions %s", len(page.Items), kind)
	}
	return page.Items[0].ID
}

// Two operators resolve an exception on pages: one proposes, sees that another one is needed under whatever name, and the other rejects,
// then approves; the ledger moves once.
func TestResolutionPages(t *testing.T) {
	w, first, second := statementDesk(t)
	w.statement(w.bankKey, camt(1, "2026-03-02", 0, 900, "")).fine(t, 200)
	w.grant(auth.Operator, "aigul", auth.Editor, w.head)
	w.grant(auth.Operator, "second-name", auth.Editor, w.head)
	w.grant(auth.Operator, "bolat", auth.Editor, w.employee)
	w.grant(auth.Operator, "looker", auth.Viewer, w.employee)
	id := w.listed(recon.Surplus)
	at := func(name string) string { return "/console/operator/" + name + "/exceptions/" + id }
	step := func(version string, fields url.Values) url.Values {
		out := url.Values{"key": {newID()}, "version": {version}, "comment": {"Between <b>ourselves</b>"}}
		maps.Copy(out, fields)
		return out
	}
	resolve := func(b *browser, name string, fields url.Values) shown {
		return b.submit(at(name)+"/resolution", fields)
	}
	page := first.get(at("aigul"))
	page.want(t, 200, "Propose a resolution", "Nothing moves yet", "To suspense", "Refund", "Write it off", "Payments that this line pays")
	if strings.Contains(page.text, "Owed again") || strings.Contains(page.text, "the money is right as it is") {
		t.Error("ways are offered that do not fit")
	}
	first.get(approvals).want(t, 200, "Nothing was decided yet")
	park := url.Values{"do": {"resolve"}, "way": {"park"}}
	for name, row := range map[string]struct {
		fields url.Values
		status int
		says   string
	}{
		"no way":          {step("1", url.Values{"do": {"resolve"}}), 422, "Between <b>ourselves</b>"},
		"an unknown way":  {step("1", url.Values{"do": {"resolve"}, "way": {"shred"}}), 422, ""},
		"a misfit":        {step("1", url.Values{"do": {"resolve"}, "way": {"owe"}}), 422, "The bank took nothing back here"},
		"linked to what?": {step("1", url.Values{"do": {"resolve"}, "way": {"link"}}), 422, ""},
		"linked to no payment": {
			step("1", url.Values{"do": {"resolve"}, "way": {"link"}, "other": {"exp_00 <b>"}, "park_rest": {"1"}}), 422, `value="exp_00 <b>"`,
		},
		"of an old page":  {step("7", park), 409, "Between <b>ourselves</b>"},
		"no step":         {step("1", nil), 400, ""},
		"another step":    {step("1", url.Values{"do": {"assign"}}), 400, ""},
		"no version":      {step("", park), 400, ""},
		"a strange field": {step("1", url.Values{"do": {"resolve"}, "way": {"park"}, "file": {"x"}}), 400, ""},
		"approved before": {step("1", url.Values{"do": {"approve"}}), 409, ""},
	} {
		if got := resolve(first, "aigul", row.fields); got.status != row.status || !strings.Contains(got.text, row.says) {
			t.Errorf("%s: %d %s", name, got.status, got.text)
		}
	}
	resolve(second, "looker", step("1", park)).want(t, 403)
	resolve(second, "aigul", step("1", park)).want(t, 404)
	first.site = "cross-site"
	resolve(first, "aigul", step("1", park)).want(t, 403)
	first.site = "same-origin"
	twice := step("1", park)
	for range 2 { // a double click
		resolve(first, "aigul", twice).want(t, 303)
	}
	first.get(at("aigul")+"?done=1").want(t, 200, "A resolution waits for another person", "To suspense", "You proposed this", "What the approval moves", "9.00", "Between <b>ourselves</b>")
	approve := url.Values{"do": {"approve"}}
	resolve(first, "aigul", step("2", approve)).want(t, 403, "A second person has to decide")
	// The attack: one person with two names proposes under one and approves under the other.
	resolve(first, "second-name", step("2", approve)).want(t, 403)
	if strings.Contains(first.get(at("second-name")).body, `value="approve"`) {
		t.Error("who proposed is offered to approve under another name")
	}
	resolve(second, "looker", step("2", approve)).want(t, 403)
	resolve(second, "bolat", step("2", url.Values{"do": {"reject"}, "comment": {" "}})).want(t, 422)
	resolve(second, "bolat", step("2", url.Values{"do": {"reject"}, "comment": {"Ask the bank first"}})).want(t, 303)
	resolve(first, "aigul", step("3", url.Values{"do": {"resolve"}, "way": {"give-back"}})).want(t, 303)
	second.get(at("bolat")).want(t, 200, "You are the second person", "Refund", "Ask the bank first")
	resolve(second, "bolat", step("3", approve)).want(t, 409) // what he saw was another proposal
	done := step("4", approve)
	for range 2 {
		resolve(second, "bolat", done).want(t, 303)
	}
	second.get(at("bolat")).want(t, 200, "How it was resolved", "Refund", "Posting")
	got := in[payment.ExceptionDetail](t, w.get(w.operatorKey, "/v1/exceptions/"+id), 200)
	if got.State != recon.Resolved || got.Posting == "" || !strings.HasPrefix(got.ProposedBy, "operator:aigul/") {
		t.Errorf("%+v", got.Exception)
	}
	w.pastDecisions(t, first)
	if strings.Contains(first.get(at("aigul")).text, "Propose a resolution") {
		t.Error("what is resolved may be resolved")
	}
}

// pastDecisions: both people of a decision are named, of exceptions and of keys.
func (w *whole) pastDecisions(t *testing.T, b *browser) {
	t.Helper()
	page := b.get(approvals)
	page.want(t, 200, "What two people have decided", "Refund", "Money that nobody expects: 9.00", "ЖҮНІСОВ", "(aigul)", "(bolat)", "resolved")
	if strings.Contains(page.text, w.head.IIN()) {
		t.Error("the number of a person is shown")
	}
	b.get("/console/operator/bolat/approvals").want(t, 404)
	if got := w.browser().get(approvals); got.location != "/sign-in" {
		t.Errorf("nobody: %d", got.status)
	}
	book := w.furnished(t)
	act := keyAct("wrap-backup")
	request := must[string](t)(book.Ask(t.Context(), act, "operator:aigul"))
	if err := book.Approve(t.Context(), request, "operator:dauren"); err != nil {
		t.Fatal(err)
	}
	if err := book.Use(t.Context(), request, act, "operator:aigul"); err != nil {
		t.Fatal(err)
	}
	b.get(approvals).want(t, 200, "Back up, wrapped", "seal · main", "operator “dauren”", "done")
}

func keyAct(kind string) dual.Action {
	return dual.Action{Kind: kind, Token: "main", Key: "seal", KeyID: "0a0b"}
}

// A line is split among two payments and the rest is parked, by the form without script.
func TestLineIsSplitOnPage(t *testing.T) {
	w, first, second := statementDesk(t)
	w.grant(auth.Operator, "aigul", auth.Editor, w.head)
	w.grant(auth.Operator, "bolat", auth.Editor, w.employee)
	w.pay("SPLIT-1")
	o := w.order(w.citizen.IIN(), w.alsoOwed("SPLIT-2"))
	in[order.Order](t, w.authorise(o.ID, w.signed(w.citizen, o.ID)), 202)
	w.executed(o.ID)
	var ids []string
	for deadline := time.Now().Add(30 * time.Second); len(ids) < 2 && time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		var rows []struct {
			Bucket int   `db:"bucket"`
			No     int64 `db:"no"`
		}
		if err := w.db.Select(&rows, `SELECT bucket, no FROM expectations`); err != nil {
			t.Fatal(err)
		}
		ids = nil
		for _, r := range rows {
			ids = append(ids, fmt.Sprintf("exp_%02x%016x", r.Bucket, r.No))
		}
	}
	w.statement(w.bankKey, camt(1, string(catalog.DateOf(time.Now())), 0, 2*540_600+700, "")).fine(t, 200)
	id := w.listed(recon.Surplus)
	at := "/exceptions/" + id
	form := url.Values{"key": {newID()}, "version": {"1"}, "do": {"resolve"}, "way": {"link"}, "expectation": ids[:1], "other": {" " + ids[1] + " " + ids[0]}, "comment": {"one transfer for both"}}
	first.submit("/console/operator/aigul"+at+"/resolution", form).want(t, 422, "10812.00", `value="`+form.Get("other"), "checked") // 7 tenge are left
	form.Set("key", newID())
	form.Set("park_rest", "1")
	first.submit("/console/operator/aigul"+at+"/resolution", form).want(t, 303)
	second.get("/console/operator/bolat"+at).want(t, 200, ids[0], ids[1], "The rest", "To suspense", "10,812.00", "7.00")
	second.submit("/console/operator/bolat"+at+"/resolution", url.Values{"key": {newID()}, "version": {"2"}, "do": {"approve"}}).want(t, 303)
	got := in[payment.ExceptionDetail](t, w.get(w.operatorKey, "/v1/exceptions/"+id), 200)
	plan, ok := payment.PlanOf(got.Resolution)
	if !ok || got.State != recon.Resolved || !plan.ParkRest || len(plan.Expectations) != 2 || !slices.Contains(ids, plan.Expectations[1]) {
		t.Errorf("%+v", got.Exception)
	}
}
