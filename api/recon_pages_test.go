package api

import (
	"bytes"
	"mime/multipart"
	"strings"
	"testing"

	"qaqpa/api/auth"
	"qaqpa/payment"
)

// attach sends a form with a file, which has a name when fileName is not empty.
func (b *browser) attach(path string, fields map[string]string, fileName string, file []byte) shown {
	b.w.t.Helper()
	var body bytes.Buffer
	out := multipart.NewWriter(&body)
	for name, value := range fields {
		if err := out.WriteField(name, value); err != nil {
			b.w.t.Fatal(err)
		}
	}
	part, err := out.CreateFormFile("file", fileName)
	if err == nil {
		_, err = part.Write(file)
	}
	if err != nil {
		b.w.t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		b.w.t.Fatal(err)
	}
	return b.send("POST", path, out.FormDataContentType(), &body)
}

// statementDesk has an account at the bank, its editor and its viewer, a stranger, and an operator's editor.
func statementDesk(t *testing.T) (w *whole, editor, viewer *browser) {
	t.Helper()
	w = start(t)
	w.registersAccount()
	w.grant(auth.Bank, ownBIC, auth.Editor, w.head)
	w.grant(auth.Bank, ownBIC, auth.Viewer, w.employee)
	editor, viewer = w.browser(), w.browser()
	editor.enter(w.head)
	viewer.enter(w.employee)
	return w, editor, viewer
}

// People of a bank hand statements of their own accounts in, see what became of them, and are told the line of what cannot be read.
func TestStatementPages(t *testing.T) {
	const at = "/console/bank/" + ownBIC + "/statements"
	w, b, viewer := statementDesk(t)
	b.get("/console/bank/"+ownBIC).want(t, 200, at, "/questions")
	b.get(at).want(t, 200, "No statement has come yet", "Send a statement")
	file := camt(1, "2026-03-02", 0, 900, "")
	got := b.attach(at, nil, "<b>march</b>.xml", file)
	got.want(t, 200, "The file is taken in", statementAccount, "Money that nobody expects: 1", "9.00", "booked")
	again := b.attach(at, nil, "march.xml", file)
	again.want(t, 200, "The file is taken in", "Money that nobody expects: 1")
	viewer.get(at+"?lang=kk").want(t, 200, "Үзінді көшірмелер", statementAccount, "өткізілді")
	if rows, err := w.cfg.Payments.BankStatements(t.Context(), ownBIC); err != nil || len(rows) != 1 || rows[0].Open != 1 || rows[0].Lines != 1 {
		t.Errorf("%+v, %v", rows, err)
	}
	b.attach(at, nil, "x.xml", append(camt(2, "2026-03-03", 900, 5, "")[:700], "<broken"...)).want(t, 422, "Place in the file: camt.053, line 1", "For experts: what the program said")
	b.attach(at, nil, "x.xml", camt(1, "2026-03-02", 0, 901, "")).want(t, 409)
	b.attach(at, nil, "x.txt", []byte("<script>alert(1)</script>")).want(t, 422, "The format of the file was not recognised")
	b.attach(at, nil, "", nil).want(t, 400)                                        // nothing was chosen
	b.attach(at, map[string]string{"bank": otherBIC}, "x", file).want(t, 400)      // a field that the form has not
	b.attach("/console/bank/"+otherBIC+"/statements", nil, "x", file).want(t, 404) // no role there
	viewer.attach(at, nil, "x", file).want(t, 403)
	if page := viewer.get(at + "?lang=en"); page.status != 200 || strings.Contains(page.text, "Send a statement") || !strings.Contains(page.text, statementAccount) {
		t.Errorf("who only looks: %d", page.status)
	}
	b.site = "cross-site"
	b.attach(at, nil, "x", file).want(t, 403)
	b.site = "same-origin"
	// Whoever acts for two banks hands in for one of them only what is of its accounts.
	w.grant(auth.Bank, otherBIC, auth.Editor, w.head)
	b.attach("/console/bank/"+otherBIC+"/statements", nil, "x", file).want(t, 422)
	b.get("/console/bank/"+otherBIC+"/statements").want(t, 200, "No statement has come yet")
	if got := w.browser().get(at); got.location != "/sign-in" {
		t.Errorf("nobody: %d %s", got.status, got.location)
	}
}

// The operator takes an exception up, comments among themselves, asks the bank; the bank sees the question alone and answers with a file.
func TestExceptionPages(t *testing.T) {
	w, bank, viewer := statementDesk(t)
	w.statement(w.bankKey, camt(1, "2026-03-02", 0, 900, "")).fine(t, 200)
	w.grant(auth.Operator, "aigul", auth.Editor, w.head)
	w.grant(auth.Operator, "looker", auth.Viewer, w.employee)
	const queue = "/console/operator/aigul/exceptions"
	const asked = "/console/bank/" + ownBIC + "/questions"
	bank.get(queue).want(t, 200, "Money that nobody expects", "9.00", ownBIC)
	bank.get(queue+"?kind=gap").want(t, 200, "No exception was found")
	bank.get(queue+"?bank="+ownBIC+"&kind=surplus&state=open").want(t, 200, "9.00")
	bank.get(queue+"?owner=operator:aigul").want(t, 200, "No exception was found", "Mine")
	bank.get(queue+"?severity=critical&age=0-1").want(t, 200, "No exception was found")
	bank.get(queue+"?severity=grave").want(t, 422)
	bank.get(queue+"?starting_after=exc_1").want(t, 422)
	page := in[payment.ExceptionPage](t, w.get(w.operatorKey, "/v1/exceptions?kind=surplus"), 200)
	id := page.Items[0].ID
	at := queue + "/" + id
	step := func(version, action string) map[string]string {
		return map[string]string{"key": newID(), "version": version, "action": action, "comment": "Between <b>ourselves</b>", "answer_by": "2026-12-09"}
	}
	bank.get(asked).want(t, 200, "No question waits")
	bank.get(at).want(t, 200, "Take it up", "Ask the bank", "What the bank shows", id)
	bank.get(queue+"/exc_00").want(t, 404)
	twice := step("1", "assign")
	for range 2 { // a double click, under another boundary each time
		if got := bank.attach(at, twice, "", nil); got.status != 303 {
			t.Fatalf("%d %s", got.status, got.text)
		}
	}
	bank.attach(at, step("2", "comment"), "inner.txt", []byte("secret")).want(t, 303)
	bank.attach(at, step("2", "comment"), "", nil).want(t, 409, "Between <b>ourselves</b>") // somebody was faster; the text is kept
	for _, money := range []string{"resolve", "approve", "reject", "", "drop"} {
		bank.attach(at, step("3", money), "", nil).want(t, 400)
	}
	soon := step("3", "ask")
	soon["answer_by"] = "soon"
	bank.attach(at, soon, "", nil).want(t, 422)
	viewer.attach("/console/operator/looker/exceptions/"+id, step("3", "ask"), "", nil).want(t, 403)
	viewer.attach(at, step("3", "ask"), "", nil).want(t, 404)
	bank.site = "cross-site"
	bank.attach(at, step("3", "ask"), "", nil).want(t, 403)
	bank.site = "same-origin"
	question := step("3", "ask")
	question["comment"] = "Who sent this?"
	bank.attach(at, question, "", nil).want(t, 303)
	bank.get(at+"?done=1").want(t, 200, "It is written down", "ЖҮНІСОВ", "(aigul)", "the bank is asked", "Who sent this?", "Between <b>ourselves</b>", "inner.txt")
	if got := bank.get(at + "/files/3"); got.body != "secret" || !strings.HasPrefix(got.header.Get("Content-Disposition"), "attachment") || got.header.Get("Content-Type") != typeBytes {
		t.Errorf("%d %v", got.status, got.header)
	}
	w.answersOnPage(t, bank, viewer, asked, id)
	bank.get(at).want(t, 200, "answer of the bank", "A client by mistake", "order.txt")
	looker := viewer.get("/console/operator/looker/exceptions/" + id)
	if looker.want(t, 200, "A client by mistake"); strings.Contains(looker.body, "<textarea") || strings.Contains(looker.text, w.head.IIN()) {
		t.Error("who only looks has a form, or sees the number of a person")
	}
}

func (w *whole) answersOnPage(t *testing.T, bank, viewer *browser, asked, id string) {
	t.Helper()
	page := bank.get(asked)
	if page.want(t, 200, "Who sent this?", "Answer until"); strings.Contains(page.text, "ourselves") || strings.Contains(page.text, "inner.txt") {
		t.Error("the bank sees what the operator's people write among themselves")
	}
	say := func(version, text string) map[string]string {
		return map[string]string{"key": newID(), "question": id, "version": version, "comment": text}
	}
	viewer.attach(asked, say("4", "no role"), "", nil).want(t, 403)
	if strings.Contains(viewer.get(asked).body, "<textarea") {
		t.Error("who only looks has a form")
	}
	w.grant(auth.Bank, otherBIC, auth.Editor, w.head)
	others := strings.Replace(asked, ownBIC, otherBIC, 1)
	bank.get(others).want(t, 200, "No question waits")
	bank.attach(others, say("4", "of another bank"), "", nil).want(t, 404)
	bank.get(asked+"/"+id+"/files/3").want(t, 404) // of a comment
	bank.attach(asked, say("4", ""), "", nil).want(t, 422)
	bank.attach(asked, say("3", "Too late"), "", nil).want(t, 409, "Too late")
	bank.attach(asked, say("x", "?"), "", nil).want(t, 400)
	bank.site = "cross-site"
	bank.attach(asked, say("4", "forged"), "", nil).want(t, 403)
	bank.site = "same-origin"
	bank.attach(asked, say("4", "A client by mistake"), "order.txt", []byte("order")).want(t, 303)
	bank.get(asked+"?done=answered").want(t, 200, "The answer is sent", "No question waits")
	bank.attach(asked, say("5", "again"), "", nil).want(t, 404)
	if got := bank.get(asked + "/" + id + "/files/5"); got.body != "order" {
		t.Errorf("own file: %d %s", got.status, got.text)
	}
	bank.get(others+"/"+id+"/files/5").want(t, 404)
}

// Two operators withdraw a statement, or one proposes it and the other sends what takes its place; nobody does both.
func TestDeskPages(t *testing.T) {
	w, first, second := statementDesk(t)
	w.grant(auth.Operator, "aigul", auth.Editor, w.head)
	w.grant(auth.Operator, "bolat", auth.Editor, w.employee)
	w.grant(auth.Operator, "looker", auth.Viewer, w.employee)
	report := in[payment.FileReport](t, w.statement(w.bankKey, camt(1, "2026-03-02", 0, 900, "")), 200)
	id := report.Statements[0].ID
	of := func(name string) string { return "/console/operator/" + name + "/statements" }
	mine, others := of("aigul")+"/"+id, of("bolat")+"/"+id
	step := func(action, comment string) map[string]string {
		return map[string]string{"key": newID(), "action": action, "comment": comment}
	}
	first.get(of("aigul")+"?bank="+ownBIC).want(t, 200, "Statements of banks", statementAccount, "booked", id)
	first.get(of("aigul")+"?waiting=true&bank="+ownBIC).want(t, 200, "No statement has come yet")
	first.get(of("aigul")+"?bank="+ownBIC+"&starting_after=stm_1").want(t, 422)
	first.get(of("bolat")).want(t, 404)
	first.get(of("aigul")+"/stm_000000000000000001").want(t, 404)
	page := first.get(mine)
	page.want(t, 200, "Propose to withdraw it")
	if strings.Contains(page.body, "Withdraw it<") {
		t.Error("what nobody has proposed may be approved")
	}
	first.attach(mine, step("propose", ""), "", nil).want(t, 422)
	first.attach(mine, step("burn", "x"), "", nil).want(t, 422)
	first.attach(mine, map[string]string{"action": "propose", "comment": "x"}, "", nil).want(t, 400)
	second.attach(of("looker")+"/"+id, step("propose", "x"), "", nil).want(t, 403)
	first.site = "cross-site"
	first.attach(mine, step("propose", "forged"), "", nil).want(t, 403)
	first.site = "same-origin"
	twice := step("propose", "the <b>wrong</b> month")
	for range 2 {
		first.attach(mine, twice, "", nil).want(t, 303)
	}
	first.get(mine+"?done=1").want(t, 200, "It is written down", "the <b>wrong</b> month", "ЖҮНІСОВ", "(aigul)", "Reject the proposal")
	first.attach(mine, step("approve", ""), "", nil).want(t, 403)
	// The attack: one person with two names proposes under one and approves under the other.
	w.grant(auth.Operator, "second-name", auth.Editor, w.head)
	first.attach(of("second-name")+"/"+id, step("approve", ""), "", nil).want(t, 403)
	if strings.Contains(first.get(of("second-name")+"/"+id).body, "Withdraw it<") {
		t.Error("who proposed is offered to approve under another name")
	}
	file := camt(1, "2026-03-02", 0, 700, "")
	first.attach(mine, step("replace", ""), "march.xml", file).want(t, 403)
	second.get("/console/operator/bolat/approvals").want(t, 200, "Waits for a second person", "Withdraw or replace a statement", statementAccount, id)
	second.get(others+"?lang=kk").want(t, 200, "Ауыстыру", "Қайтарып алу")
	second.get(of("bolat")+"?lang=en&waiting=true&bank="+ownBIC).want(t, 200, "waits for a second person")
	second.attach(others, step("replace", ""), "", nil).want(t, 400)
	second.attach(others, step("replace", ""), "april.xml", camt(2, "2026-04-02", 900, 5, "")).want(t, 409, "no statement with the number")
	second.attach(others, step("replace", ""), "march.txt", []byte("garbage")).want(t, 422, "The format of the file was not recognised")
	second.attach(others, step("replace", ""), "march.xml", file).want(t, 303)
	second.get(others).want(t, 200, "replaced")
	next, err := w.cfg.Payments.BankStatements(t.Context(), ownBIC)
	if err != nil || len(next) != 2 || next[0].Closing != 700 || next[1].State != "replaced" {
		t.Fatalf("%+v, %v", next, err)
	}
	again := "/" + next[0].ID
	second.attach(of("bolat")+again, step("propose", "not this one"), "", nil).want(t, 303)
	first.attach(of("aigul")+again, step("reject", "it is right"), "", nil).want(t, 303)
	second.attach(of("bolat")+again, step("propose", "it is not"), "", nil).want(t, 303)
	first.attach(of("aigul")+again, step("approve", ""), "", nil).want(t, 303)
	first.get(of("aigul")+again).want(t, 200, "withdrawn")
}
