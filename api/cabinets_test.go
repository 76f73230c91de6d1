package api

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"qaqpa/api/auth"
	"qaqpa/payment"
	"qaqpa/payment/order"
	"qaqpa/signer"
	stand "qaqpa/testenv/bank"
	"qaqpa/testenv/fault"
	"qaqpa/testenv/postgres"
)

// refusedOrder is a payment that the bank refuses for a reason.
func (w *whole) refusedOrder(t *testing.T, reference, reason string) string {
	t.Helper()
	if err := w.bank.AddFault(fault.Fault{Kind: stand.FaultRefuse, Count: 1, Reason: reason}); err != nil {
		t.Fatal(err)
	}
	o := w.order(w.citizen.IIN(), w.owe(reference, w.citizen.IIN()))
	w.authorise(o.ID, w.signed(w.citizen, o.ID)).fine(t, 202)
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(30 * time.Millisecond) {
		if now := in[order.Order](t, w.get(w.portalKey, "/v1/orders/"+o.ID), 200); now.State == order.Refused {
			return o.ID
		}
		if time.Now().After(deadline) {
			t.Fatal("the bank did not refuse")
		}
	}
}

// What people of an agency see and do is their own agency's: lists, a notification with its tries, one from the middle of those that were given
// up, feeds with their errors by line. Ids of another agency do not exist for them.
func TestAgencyCabinet(t *testing.T) {
	w := start(t)
	first, _ := w.twoEditors()
	base := "/console/agency/" + w.agencyID
	first.get(base).want(t, 200, "No payments were received yet", "Load debts")
	first.get(base+"/webhooks").want(t, 200, "There are no notifications here")
	first.get(base+"/debts").want(t, 200, "Nothing was loaded in the last month")
	first.get(base+"/refunds").want(t, 200, "Nothing was asked for yet")
	first.get(base+"/registers").want(t, 200, "Көпір Банк", "Banking day")
	w.pay("CAB-1")
	webhook := w.deadWebhooks(t)
	list := first.get(base + "/webhooks?state=dead")
	list.want(t, 200, "CAB-1", "not delivered", "Given up")
	first.get(base).want(t, 200, "Notifications that were given up: 3", "not delivered")
	middle := base + "/webhooks/" + webhook[1]
	first.get(middle).want(t, 200, "the receiver has trouble", "503", "no answer", "timeout", "Send again")
	fields := url.Values{"key": {newID()}, "webhook": {webhook[1]}}
	for range 2 {
		if got := first.submit(base+"/redeliver", fields); got.status != 303 || got.location != middle+"?sent=1" {
			t.Fatalf("got %d %s", got.status, got.text)
		}
	}
	dead, err := w.cfg.Payments.AgencyPayments(t.Context(), payment.AgencyPaymentQuery{Agency: w.agencyID, Webhooks: true, Dead: true})
	if err != nil || len(dead.Items) != 2 || dead.Items[0].Webhook == webhook[1] || dead.Items[1].Webhook == webhook[1] {
		t.Errorf("%+v %v", dead, err)
	}
	t.Run("feeds", func(t *testing.T) { w.feedErrors(t, first, base+"/debts") })
	w.grant(auth.Agency, w.otherAgencyID, auth.Editor, w.employee)
	other := w.browser()
	other.enter(w.employee)
	for _, path := range []string{"", "/webhooks", "/webhooks/" + webhook[0], "/refunds", "/registers", "/debts", "/services", "/verify"} {
		stranger := w.browser()
		stranger.enter(w.neighbour)
		stranger.get(base+path).want(t, 404)
	}
	foreign := "/console/agency/" + w.otherAgencyID
	other.get(foreign+"/webhooks/"+webhook[0]).want(t, 404)
	other.get(foreign+"/webhooks?starting_after="+webhook[0]).want(t, 404)
	other.get(foreign+"?starting_after="+webhook[0]).want(t, 404)
	other.get(foreign+"/debts?feed=long").want(t, 404)
	other.submit(foreign+"/redeliver", url.Values{"key": {newID()}, "webhook": {webhook[0]}}).want(t, 404)
	for _, odd := range []string{"/webhooks?state=odd", "/webhooks/" + webhook[0] + "?before=x", "/webhooks/" + webhook[0] + "?before=-1"} {
		first.get(base+odd).want(t, 400)
	}
}

// deadWebhooks waits for the webhook of the one payment and makes it three, given up after two tries each, by the age of the last.
func (w *whole) deadWebhooks(t *testing.T) []string {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(30 * time.Millisecond) {
		got, err := w.cfg.Payments.AgencyPayments(t.Context(), payment.AgencyPaymentQuery{Agency: w.agencyID})
		if err == nil && len(got.Items) == 1 && got.Items[0].State == "delivered" {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%+v %v", got, err)
		}
	}
	for _, sql := range []string{
		`DELETE FROM deliveries`,
		`UPDATE outbox SET state = 'dead', failures = 2`,
		`INSERT INTO outbox (bucket, id, agency_id, order_id, debt_id, subject, state, payload, failures, due_at, created_at, finished_at)
			SELECT bucket, substr(id, 1, 8) || lpad(n::text, 30, '0'), agency_id, order_id, debt_id, 'rfd_' || n, state, payload, failures, due_at, created_at - n * interval '1 hour', finished_at
			FROM outbox, generate_series(1, 2) AS n`,
		`INSERT INTO deliveries (bucket, outbox_id, number, at, status, problem, duration_ms)
			SELECT bucket, id, n, created_at, CASE n WHEN 1 THEN 503 ELSE 0 END, CASE n WHEN 1 THEN '' ELSE 'timeout' END, 12 FROM outbox, generate_series(1, 2) AS n`,
	} {
		if _, err := w.db.ExecContext(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	var out []string
	if err := w.db.SelectContext(t.Context(), &out, `SELECT id FROM outbox ORDER BY created_at DESC`); err != nil || len(out) != 3 {
		t.Fatal(out, err)
	}
	return out
}

// feedErrors: each bad line of a long file is found, page by page.
func (w *whole) feedErrors(t *testing.T, b *browser, path string) {
	t.Helper()
	var table strings.Builder
	table.WriteString("reference;payer\n")
	for i := range debtErrorsShown + 5 {
		fmt.Fprintf(&table, "BAD-%d;12345\n", i+1)
	}
	sent := b.attach(path, nil, "debts.csv", []byte(table.String()))
	if sent.status != 303 {
		t.Fatalf("got %d %s", sent.status, sent.text)
	}
	page := b.get(sent.location)
	page.want(t, 200, "Some lines were refused", "BAD-1<", fmt.Sprint("BAD-", debtErrorsShown, "<"), "Further")
	next := b.get(fmt.Sprintf("%s&line=%d", sent.location, debtErrorsShown))
	next.want(t, 200, fmt.Sprint("BAD-", debtErrorsShown+5, "<"))
	if strings.Contains(next.body, fmt.Sprint("BAD-", debtErrorsShown, "<")) || strings.Contains(next.body, "Further") {
		t.Error("the second page repeats the first, or is not the last")
	}
	b.get(path).want(t, 200, "has errors", fmt.Sprint(debtErrorsShown+5))
	b.get(path+"?feed=none").want(t, 404)
	b.get(sent.location+"&line=x").want(t, 400)
}

// People of a bank see their bank's payments with the reason of a refusal in words, what it was asked, and what was said of exceptions;
// the payer reads the same words.
func TestBankCabinet(t *testing.T) {
	w := &askingOver{whole: startOn(t, postgres.ForTest(t, signer.Migrate, payment.Migrate, auth.Migrate), true)}
	w.grant(auth.Bank, ownBIC, auth.Editor, w.head)
	w.grant(auth.Bank, otherBIC, auth.Viewer, w.employee)
	b, other := w.browser(), w.browser()
	b.enter(w.head)
	other.enter(w.employee)
	const base, foreign = "/console/bank/" + ownBIC, "/console/bank/" + otherBIC
	b.get(base+"/payments").want(t, 200, "There were no such payments on this day")
	b.get(base+"/payments?state=open").want(t, 200, "The outcome of all payments is known")
	b.get(base+"/queries").want(t, 200, "There were no such inquiries")
	b.get(base+"/exceptions").want(t, 200, "There were no such questions")
	today := string(oneDay(t))
	_, paid := w.pay("BANK-1")
	refused := w.refusedOrder(t, "BANK-2", "insufficient_funds")
	page := b.get(base + "/payments?day=" + today)
	page.want(t, 200, "executed", "refused", "there is not enough money in the account", "<code>insufficient_funds</code>", "5,406.00")
	if got := b.get(base + "/payments?day=" + today + "&state=executed"); strings.Contains(got.text, "insufficient_funds") || !strings.Contains(got.text, "5,406.00") {
		t.Errorf("executed alone: %s", got.text)
	}
	if strings.Contains(page.text, w.citizen.IIN()) {
		t.Error("the list has the number of a person")
	}
	other.get(foreign+"/payments?day="+today).want(t, 200, "There were no such payments on this day")
	payer := w.browser()
	payer.enter(w.citizen)
	told := payer.get("/cabinet/orders/" + refused)
	told.want(t, 200, "there is not enough money in the account", "<code>insufficient_funds</code>")
	payer.get("/cabinet/orders/"+refused+"?lang=kk").want(t, 200, "шотта ақша жеткіліксіз")
	w.bank.Own(someAccount, w.citizen.IIN())
	for _, spoilt := range []bool{false, true} {
		if spoilt {
			w.arm(stand.FaultDropNotDone)
		}
		w.send(w.agencyKey, "/v1/bank-queries", payment.BankQueryRequest{Bank: ownBIC, Person: w.citizen.IIN(), Kind: "account-ownership", Account: someAccount, Reason: "a claim before a court"}).fine(t, 201)
	}
	w.send(w.agencyKey, "/v1/bank-queries", payment.BankQueryRequest{Kind: "payment-fact", Order: paid.ID, Reason: "a claim before a court"}).fine(t, 201)
	asked := b.get(base + "/queries")
	asked.want(t, 200, "the account is his", "did not answer", "<code>no_answer</code>", "the payment was executed", "KZ24…0000", "unanswered")
	if strings.Contains(asked.text, w.citizen.IIN()) || strings.Contains(asked.text, someAccount) || strings.Contains(asked.text, "a claim before a court") {
		t.Error("the list has the number of a person, a whole account or a reason that the bank was not told")
	}
	if got := b.get(base + "/queries?state=unanswered"); strings.Contains(got.text, "the account is his") || !strings.Contains(got.text, "no_answer") {
		t.Errorf("unanswered alone: %s", got.text)
	}
	other.get(foreign+"/queries").want(t, 200, "There were no such inquiries")
	for _, odd := range []string{"/payments?day=soon", "/payments?state=odd", "/payments?starting_after=x", "/queries?state=odd", "/queries?starting_after=x", "/exceptions?state=odd", "/exceptions?starting_after=x"} {
		b.get(base+odd).want(t, 422)
	}
	for _, path := range []string{"", "/payments", "/queries", "/exceptions", "/statements", "/questions"} {
		other.get(base+path).want(t, 404)
		if got := w.browser().get(base + path); got.location != "/sign-in" {
			t.Errorf("%s: nobody gets %d", path, got.status)
		}
	}
}

// What was said of an exception stays readable to its bank after the answer and after all is settled; what it was not asked about, and
// what another bank was asked, does not exist.
func TestBankReadsWhatWasSaid(t *testing.T) {
	w, b, viewer := statementDesk(t)
	w.statement(w.bankKey, camt(1, "2026-03-02", 0, 900, "")).fine(t, 200)
	w.grant(auth.Operator, "aigul", auth.Editor, w.head)
	id := in[payment.ExceptionPage](t, w.get(w.operatorKey, "/v1/exceptions?kind=surplus"), 200).Items[0].ID
	const base = "/console/bank/" + ownBIC
	b.get(base+"/exceptions/"+id).want(t, 404)
	at := "/console/operator/aigul/exceptions/" + id
	step := func(version, action, text string) map[string]string {
		return map[string]string{"key": newID(), "version": version, "action": action, "comment": text, "answer_by": "2026-12-09"}
	}
	b.attach(at, step("1", "comment", "Between ourselves"), "", nil).want(t, 303)
	b.get(base+"/exceptions/"+id).want(t, 404)
	b.attach(at, step("2", "ask", "Who sent <i>this</i>?"), "q.txt", []byte("q")).want(t, 303)
	b.get(base+"/exceptions?state=waiting").want(t, 200, "Money that nobody expects", "waits for your answer", id)
	page := b.get(base + "/exceptions/" + id)
	page.want(t, 200, "Who sent <i>this</i>?", "q.txt", "Your answer")
	if strings.Contains(page.text, "ourselves") || strings.Contains(page.body, "<i>this") {
		t.Error("the bank sees what the operator's people write among themselves, or markup")
	}
	if got := viewer.get(base + "/exceptions/" + id); got.status != 200 || strings.Contains(got.body, "<textarea") {
		t.Errorf("who only looks: %d", got.status)
	}
	answer := map[string]string{"key": page.field(t, "key"), "question": id, "version": page.field(t, "version"), "comment": "A client by mistake"}
	for range 2 { // a double click
		b.attach(base+"/questions", answer, "a.txt", []byte("a")).want(t, 303)
	}
	b.get(base+"/exceptions?state=waiting").want(t, 200, "There were no such questions")
	b.get(base+"/exceptions?state=answered").want(t, 200, id, "answered, looked into")
	page = b.get(base + "/exceptions/" + id)
	if page.want(t, 200, "A client by mistake", "a.txt"); strings.Contains(page.body, "<textarea") || strings.Count(page.text, "A client by mistake") != 1 {
		t.Error("there is a form, or the answer came twice")
	}
	b.get(base+"/exceptions?starting_after="+id).want(t, 200, "There were no such questions")
	w.grant(auth.Bank, otherBIC, auth.Editor, w.head)
	b.get("/console/bank/"+otherBIC+"/exceptions").want(t, 200, "There were no such questions")
	b.get("/console/bank/"+otherBIC+"/exceptions/"+id).want(t, 404)
	b.get("/console/bank/"+otherBIC+"/exceptions?starting_after="+id).want(t, 404)
}

// Two people of a bank withdraw a statement or replace it; nobody does both, neither under another name, nor by the bank's program.
func TestBankWithdrawsStatement(t *testing.T) {
	w, first, second := statementDesk(t)
	const base = "/console/bank/" + ownBIC + "/statements"
	id := in[payment.FileReport](t, w.statement(w.bankKey, camt(1, "2026-03-02", 0, 900, "")), 200).Statements[0].ID
	at := base + "/" + id
	step := func(action, comment string) map[string]string {
		return map[string]string{"key": newID(), "action": action, "comment": comment}
	}
	first.get(base).want(t, 200, at)
	first.get(at).want(t, 200, statementAccount, "Money that nobody expects: 1", "Propose to withdraw it")
	if got := second.get(at); got.status != 200 || strings.Contains(got.body, "<form class=\"card\"") {
		t.Errorf("who only looks: %d", got.status)
	}
	second.attach(at, step("propose", "x"), "", nil).want(t, 403)
	if _, err := w.db.ExecContext(t.Context(), `UPDATE member SET role = 'editor' WHERE iin = $1`, w.employee.IIN()); err != nil {
		t.Fatal(err)
	}
	first.attach(at, step("propose", ""), "", nil).want(t, 422)
	twice := step("propose", "the <b>wrong</b> month")
	for range 2 {
		first.attach(at, twice, "", nil).want(t, 303)
	}
	own := first.get(at + "?done=1")
	if own.want(t, 200, "It is written down", "the <b>wrong</b> month", "ЖҮНІСОВ", "Reject the proposal"); strings.Contains(own.body, "Withdraw it<") || strings.Contains(own.text, w.head.IIN()) {
		t.Error("who proposed may approve, or his number is shown")
	}
	file := camt(1, "2026-03-02", 0, 700, "")
	first.attach(at, step("approve", ""), "", nil).want(t, 403)
	first.attach(at, step("replace", ""), "march.xml", file).want(t, 403)
	// The attacks: the same person as an operator; the bank's program, which anybody with its key may be.
	w.grant(auth.Operator, "aigul", auth.Editor, w.head)
	first.attach("/console/operator/aigul/statements/"+id, step("approve", ""), "", nil).want(t, 403)
	if strings.Contains(first.get("/console/operator/aigul/statements/"+id).body, "Withdraw it<") {
		t.Error("who proposed for the bank is offered to approve for the operator")
	}
	w.do(call{method: http.MethodPost, path: "/v1/statements?replace=true", key: w.bankKey, contentType: typeXML, body: file}).want(t, 403, "second_person_needed")
	// Another bank's people do not find it, whatever they may do in their own.
	w.grant(auth.Bank, otherBIC, auth.Editor, w.employee)
	second.get("/console/bank/"+otherBIC+"/statements/"+id).want(t, 404)
	second.attach("/console/bank/"+otherBIC+"/statements/"+id, step("approve", ""), "", nil).want(t, 404)
	second.site = "cross-site"
	second.attach(at, step("approve", ""), "", nil).want(t, 403)
	second.site = "same-origin"
	second.get(at).want(t, 200, "Withdraw it", "Replace it")
	second.attach(at, step("replace", ""), "march.txt", []byte("garbage")).want(t, 422, "The format of the file was not recognised")
	second.attach(at, step("replace", ""), "march.xml", file).want(t, 303)
	second.get(at).want(t, 200, "replaced")
	next, err := w.cfg.Payments.BankStatements(t.Context(), ownBIC)
	if err != nil || len(next) != 2 || next[0].Closing != 700 || next[1].State != "replaced" {
		t.Fatalf("%+v, %v", next, err)
	}
	again := base + "/" + next[0].ID
	second.attach(again, step("propose", "not this one"), "", nil).want(t, 303)
	first.attach(again, step("reject", "it is right"), "", nil).want(t, 303)
	second.attach(again, step("propose", "it is not"), "", nil).want(t, 303)
	first.attach(again, step("approve", ""), "", nil).want(t, 303)
	first.get(again).want(t, 200, "withdrawn")
	first.get(base+"/stm_000000000000000001").want(t, 404)
	first.get(base+"?starting_after=stm_1").want(t, 422)
	first.get(base+"?starting_after="+id).want(t, 200, "No statement has come yet", "To the first page")
}
