package api

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"qaqpa/api/auth"
	"qaqpa/api/watch"
)

// formsOfConsoles are all forms of the consoles with their fields left out, by their paths.
func (w *whole) formsOfConsoles(t *testing.T) []route {
	t.Helper()
	var out []route
	for _, rt := range slices.Concat(w.pageRoutes(), w.roomRoutes(), w.cataloguePages(), w.incidentPages()) {
		if rt.method == "POST" && strings.HasPrefix(rt.path, "/console/") {
			out = append(out, rt)
		}
	}
	if len(out) < 12 {
		t.Fatalf("only %d forms", len(out))
	}
	return out
}

// Each form of each console is taken from our own pages only, from people who are signed in, for their own organisation, and with the role
// that it needs: one who may only look is refused by his role, whatever the form holds.
func TestEveryConsoleFormAsksWhoSends(t *testing.T) {
	w := start(t)
	w.furnished(t)
	w.grant(auth.Agency, w.agencyID, auth.Viewer, w.head)
	w.grant(auth.Bank, ownBIC, auth.Viewer, w.head)
	w.grant(auth.Operator, "ops", auth.Viewer, w.head)
	looks, stranger, foreign := w.browser(), w.browser(), w.browser()
	looks.enter(w.head)
	stranger.enter(w.employee)
	foreign.enter(w.head)
	foreign.site = "cross-site"
	open := map[string]bool{"/console/agency/{subject}/verify": true} // judges documents, as everybody may
	for _, rt := range w.formsOfConsoles(t) {
		own := map[string]string{"agency": w.agencyID, "bank": ownBIC, "operator": "ops"}[strings.Split(rt.path, "/")[2]]
		path := strings.NewReplacer("{subject}", own, "{exception}", "exc_1", "{incident}", "inc_1", "{statement}", "stm_1", "{payment}", "cmp_1").Replace(rt.path)
		send := func(b *browser) shown {
			if rt.consumes[0] == typeForm {
				contentType, body := form(t, map[string][]byte{"x": []byte("1")})
				return b.send("POST", path, contentType, strings.NewReader(string(body)))
			}
			return b.submit(path, url.Values{"x": {"1"}})
		}
		if got := send(foreign); got.status != 403 || !strings.Contains(got.text, "another site") {
			t.Errorf("%s: a form of another site gets %d", rt.path, got.status)
		}
		nobody := w.browser()
		if got := send(nobody); got.location != "/sign-in" {
			t.Errorf("%s: nobody gets %d %s", rt.path, got.status, got.location)
		}
		if own == "" {
			continue // a person's own account
		}
		if got := send(stranger); got.status != 404 {
			t.Errorf("%s: a stranger gets %d", rt.path, got.status)
		}
		if got := send(looks); got.status != 403 && !open[rt.path] {
			t.Errorf("%s: who only looks gets %d", rt.path, got.status)
		}
	}
}

// The operator sees what is paid for, what holds when, and who published each version: two people by name, or a program by the audit log.
func TestCatalogueOfTheOperator(t *testing.T) {
	w := start(t)
	w.owe("CATALOGUE-1", w.citizen.IIN())
	w.grant(auth.Agency, w.agencyID, auth.Editor, w.head)
	w.grant(auth.Agency, w.agencyID, auth.Editor, w.employee)
	w.grant(auth.Operator, "ops", auth.Viewer, w.head)
	one, two := w.browser(), w.browser()
	one.enter(w.head)
	two.enter(w.employee)
	const at = "/console/operator/ops/catalogue"
	one.get(at).want(t, 200, "Police", "Issue of a driving licence", "in force", "1.25 × MCI", "MCI", "History of changes")
	detail := at + "/" + w.agencyID + "/driving-licence"
	page := one.get(detail)
	page.want(t, 200, "Published by a program", "Police", "proof in the audit log", "Version 1")
	base := "/console/agency/" + w.agencyID
	change := url.Values{
		"key": {newID()}, "code": {"driving-licence"}, "name_kk": {"Куәлік"}, "name_ru": {"Удостоверение"}, "name_en": {"Licence"}, "kbk": {"108125"}, "knp": {"911"}, "kbe": {"11"},
		"b_name": {"УГД"}, "b_bin": {w.services(t)[0].Beneficiary.BIN}, "b_account": {"KZ24070105KSN0000000"}, "b_bic": {"KKMFKZ2A"}, "tariff": {""},
	}
	if got := one.submit(base+"/services", change); got.status != 303 {
		t.Fatalf("got %d %s", got.status, got.text)
	}
	if got := two.submit(base+"/proposals", url.Values{"key": {newID()}, "proposal": {two.get(base+"/services").field(t, "proposal")}, "do": {"publish"}}); got.status != 303 {
		t.Fatalf("got %d %s", got.status, got.text)
	}
	one.get(detail).want(t, 200, "Version 2", "ЖҮНІСОВ", "ӘБДІРОВА", "Published by a program")
	one.get(at+"?agency="+w.otherAgencyID).want(t, 200, "No services are published")
	for path, status := range map[string]int{at + "/" + w.agencyID + "/none": 404, at + "/agc_none/driving-licence": 404, at + "?agency=%27": 200} {
		one.get(path).want(t, status)
	}
	two.get(at).want(t, 404)
}

// What is wrong becomes an incident, on which the operator's editors write what they did, each under his own name.
func TestIncidentsOfTheOperator(t *testing.T) {
	w := start(t)
	w.grant(auth.Operator, "ops", auth.Editor, w.head)
	w.grant(auth.Operator, "ops", auth.Editor, w.employee)
	if _, err := w.db.ExecContext(t.Context(), `UPDATE banks SET silent_since = now() - interval '5 minutes', paused = true WHERE bic = $1`, otherBIC); err != nil {
		t.Fatal(err)
	}
	looks := must[*watch.Watcher](t)(watch.NewWatcher(watch.WatcherConfig{Store: w.cfg.Watch, Look: w.conditions, Times: w.times, Process: "test"}))
	head, employee := w.browser(), w.browser()
	head.enter(w.head)
	employee.enter(w.employee)
	const at = "/console/operator/ops/incidents"
	head.get(at).want(t, 200, "There were no incidents")
	if err := looks.Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	page := head.get(at)
	page.want(t, 200, "bank does not answer", "bank is paused", otherBIC, "lasts")
	head.get("/console/operator/ops").want(t, 200, "bank does not answer", "Time to answer requests", "p95", "What banks owe", "Automatic matching", "webhooks are delivered")
	first := strings.Index(page.body, at+"/inc_")
	path := page.body[first : first+strings.IndexByte(page.body[first:], '"')]
	page = head.get(path)
	page.want(t, 200, "What the gateway does by itself", "Nobody has written")
	note := url.Values{"no": {"1"}, "kind": {"measure"}, "text": {"Rang <b>the bank</b>\r\nIt answers"}}
	for range 2 { // a double click
		if got := head.submit(path, note); got.status != 303 {
			t.Fatalf("got %d %s", got.status, got.text)
		}
	}
	employee.submit(path, note).want(t, 409, "Somebody else wrote a note meanwhile", "It answers")
	note.Set("no", "2")
	note.Set("kind", "comment")
	if got := employee.submit(path, note); got.status != 303 {
		t.Fatalf("got %d %s", got.status, got.text)
	}
	page = head.get(path + "?done=1")
	page.want(t, 200, "The note is saved", "Measure taken", "ЖҮНІСОВ", "ӘБДІРОВА", "(ops)")
	if strings.Contains(page.body, "Rang <b>") || strings.Contains(page.body, w.head.IIN()) {
		t.Error("a note is markup, or shows the number of a person")
	}
	for name, fields := range map[string]url.Values{
		"empty": {"no": {"3"}, "kind": {"comment"}, "text": {" "}}, "kind": {"no": {"3"}, "kind": {"order"}, "text": {"x"}}, "number": {"no": {"x"}, "kind": {"comment"}, "text": {"x"}},
		"extra": {"no": {"3"}, "kind": {"comment"}, "text": {"x"}, "actor": {"operator:boss"}},
	} {
		if got := head.submit(path, fields); got.status != 400 {
			t.Errorf("%s: %d", name, got.status)
		}
	}
	head.submit(at+"/inc_none", url.Values{"no": {"1"}, "kind": {"comment"}, "text": {"x"}}).want(t, 404)
	head.get(at+"/inc_none").want(t, 404)
}

// The gateway's own loop stores what it sees and the times of its requests, and ends when it is told to.
func TestWatchRuns(t *testing.T) {
	w := start(t)
	w.browser().get("/").want(t, 200)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Watch(ctx, "test") }()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		slots, err := w.cfg.Watch.Latency(t.Context(), time.Now().Add(-time.Hour), time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if len(slots) > 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("no times were stored")
		}
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if err := (&Server{}).Watch(t.Context(), "none"); err != nil {
		t.Error(err)
	}
}

// Two people who act under one name are told apart wherever what they did is shown, and are still one where two are needed.
func TestPeopleOfOneSubjectAreToldApart(t *testing.T) {
	w := start(t)
	book := w.furnished(t)
	w.grant(auth.Operator, "aigul", auth.Editor, w.head)
	w.grant(auth.Operator, "aigul", auth.Editor, w.employee)
	head, employee := w.browser(), w.browser()
	head.enter(w.head)
	employee.enter(w.employee)
	ask := url.Values{"what": {"retire"}, "held": {"0a0b"}}
	for _, b := range []*browser{head, employee} {
		if got := b.submit(opsKeys+"/ask", ask); got.status != 303 {
			t.Fatalf("got %d %s", got.status, got.text)
		}
	}
	open, err := book.Open(t.Context())
	if err != nil || len(open) != 2 {
		t.Fatalf("%+v %v", open, err)
	}
	employee.get(opsKeys).want(t, 200, "ЖҮНІСОВ", "ӘБДІРОВА")
	employee.submit(opsKeys+"/approve", url.Values{"request": {open[0].ID}}).want(t, 403, "A second operator is needed")
	// Not even a book that is handed the names by somebody else takes one name for two people.
	if err := book.Approve(t.Context(), open[0].ID, "operator:aigul"); err == nil {
		t.Error("the command line approves what the page of the same name asked for")
	}
	if _, err := w.db.ExecContext(t.Context(), `UPDATE key_requests SET approved_by = 'operator:aigul/mbr_x', approved_at = now() WHERE id = $1`, open[0].ID); err == nil {
		t.Error("the database takes one name for two")
	}
	page := head.get("/console/operator/aigul/audit?actor=operator:aigul&action=key.*")
	page.want(t, 200, "ЖҮНІСОВ", "ӘБДІРОВА", "operator:aigul/mbr_")
}
