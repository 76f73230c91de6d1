package api

import (
	"maps"
	"net/url"
	"strings"
	"testing"

	"qaqpa/api/auth"
	"qaqpa/payment"
	"qaqpa/payment/recon"
)

// An operator sees what became of each line and undoes the match that a rule made; the line is in his hands then, and nobody who only looks, no
// stranger and no other site does the same.
func TestLinePages(t *testing.T) {
	w, first, second := statementDesk(t)
	_, o := w.pay("LINES-1")
	w.grant(auth.Operator, "aigul", auth.Editor, w.head)
	w.grant(auth.Operator, "looker", auth.Viewer, w.employee)
	file := in[payment.FileReport](t, w.statement(w.bankKey, camtWith(1, "2026-03-02", 0, o.Tiyn, o.BankReference, "nobody")), 200)
	id := file.Statements[0].ID
	at := "/console/operator/aigul/statements/" + id + "/lines"
	first.get(strings.TrimSuffix(at, "/lines")).want(t, 200, at)
	page := first.get(at)
	page.want(t, 200, "Lines of the statement", "Line 1", "matched by a rule", "Undo the match", "Line 2", "has an open exception", "Its exception")
	if n := strings.Count(page.body, `name="comment"`); n != 1 {
		t.Errorf("%d matches can be undone", n)
	}
	first.get(at+"?after_no=1&after_part=0&lang=kk").want(t, 200, "ашық алшақтығы бар")
	first.get(at+"?after_no=x").want(t, 400)
	first.get(at+"?after_no=9&lang=en").want(t, 200, "There are no lines")
	first.get("/console/operator/aigul/statements/stm_1/lines").want(t, 404)
	second.get("/console/operator/looker/statements/"+id+"/lines").want(t, 200, "matched by a rule")
	form := func() url.Values {
		return url.Values{"key": {newID()}, "no": {"1"}, "part": {"0"}, "comment": {"the <b>wrong</b> payment"}}
	}
	second.submit("/console/operator/looker/statements/"+id+"/lines", form()).want(t, 403)
	second.submit(at, form()).want(t, 404)
	for name, change := range map[string]url.Values{"no line": {"no": {"7"}}, "by nobody": {"no": {"2"}}, "words": {"no": {"one"}}, "beneath": {"part": {"-1"}}, "no reason": {"comment": {" "}}, "no key": {"key": {""}}} {
		try := form()
		maps.Copy(try, change)
		if got := first.submit(at, try); got.status < 400 || got.status >= 500 {
			t.Errorf("%s: %d %s", name, got.status, got.location)
		}
	}
	first.site = "cross-site"
	first.submit(at, form()).want(t, 403)
	first.site = "same-origin"
	once := form()
	for range 2 { // an impatient hand
		got := first.submit(at, once)
		if got.status != 303 || !strings.Contains(got.location, "/exceptions/exc_") {
			t.Fatalf("got %d %s %s", got.status, got.location, got.text)
		}
		first.get(got.location).want(t, 200, "It is written down", "Money that nobody expects")
	}
	first.get(at).want(t, 200, "has an open exception")
	first.submit(at, form()).want(t, 404, "Lines of the statement") // it was undone
	found := in[payment.ExceptionPage](t, w.get(w.operatorKey, "/v1/exceptions?kind="+string(recon.Surplus)), 200)
	if len(found.Items) != 2 {
		t.Fatalf("%+v", found.Items)
	}
}
