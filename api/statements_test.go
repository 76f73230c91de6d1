package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"qaqpa/api/auth"
	"qaqpa/payment"
)

const statementAccount = "KZ916011700111350335"

// camt is a statement with one line that nobody expects.
func camt(number int, day string, opening, amount int64, filler string) []byte {
	tenge := func(tiyn int64) string { return fmt.Sprintf("%d.%02d", tiyn/100, tiyn%100) }
	balance := func(kind string, tiyn int64) string {
		return fmt.Sprintf(`<Bal><Tp><CdOrPrtry><Cd>%s</Cd></CdOrPrtry></Tp><Amt Ccy="KZT">%s</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>%s</Dt></Dt></Bal>`, kind, tenge(tiyn), day)
	}
	return []byte(fmt.Sprintf(`<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><GrpHdr><MsgId>M</MsgId><CreDtTm>%[1]sT18:00:00+05:00</CreDtTm></GrpHdr>`+
		`<Stmt><Id>S%[2]d</Id><ElctrncSeqNb>%[2]d</ElctrncSeqNb><CreDtTm>%[1]sT18:00:00+05:00</CreDtTm><Acct><Id><IBAN>%[3]s</IBAN></Id><Ccy>KZT</Ccy></Acct>`,
		day, number, statementAccount) + balance("OPBD", opening) + balance("CLBD", opening+amount) + filler +
		fmt.Sprintf(`<Ntry><Amt Ccy="KZT">%s</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>%s</Dt></BookgDt><AcctSvcrRef>B1</AcctSvcrRef><BkTxCd><Prtry><Cd>X</Cd></Prtry></BkTxCd></Ntry></Stmt></BkToCstmrStmt></Document>`,
			tenge(amount), day))
}

// registersAccount says that the bank keeps the account of camt.
func (w *whole) registersAccount() {
	w.t.Helper()
	if err := w.cfg.Payments.RegisterAccount(w.t.Context(), "operator:test", payment.BankAccount{Bank: ownBIC, Account: statementAccount}); err != nil {
		w.t.Fatal(err)
	}
}

func (w *whole) statement(key string, body []byte) answered {
	w.t.Helper()
	return w.do(call{method: http.MethodPost, path: "/v1/statements", key: key, contentType: typeXML, body: body})
}

// fine wants a status that is no problem.
func (a answered) fine(tb testing.TB, status int) {
	tb.Helper()
	if a.status != status {
		tb.Fatalf("got status %d, want %d: %s", a.status, status, head(a.body))
	}
}

// A bank hands a statement in; what does not fit is resolved by two operators; the period is closed under a seal.
func TestStatements(t *testing.T) {
	w := start(t)
	w.registersAccount()
	// The comments between elements make the body larger than what other operations take, and it is sent in chunks.
	body := camt(1, "2026-03-02", 0, 900, strings.Repeat("<!--"+strings.Repeat(" ", 1000)+"-->\n", 24<<10))
	got := w.do(call{method: http.MethodPost, path: "/v1/statements?name=march.xml", key: w.bankKey, contentType: typeXML, body: body, chunked: true})
	got.fine(t, http.StatusOK)
	var file payment.FileReport
	if err := json.Unmarshal(got.body, &file); err != nil || file.Statements[0].Listed != 900 {
		t.Fatalf("report %s: %v", got.body, err)
	}
	again := w.statement(w.bankKey, body)
	if again.fine(t, http.StatusOK); again.header.Get("Idempotent-Replayed") != "true" || string(again.body) != string(got.body) {
		t.Error("the same file again has another answer")
	}
	w.statement(w.otherBankKey, camt(2, "2026-03-03", 900, 1, "")).want(t, http.StatusUnprocessableEntity, "statement_account_unknown")
	w.statement(w.bankKey, camt(1, "2026-03-02", 0, 901, "")).want(t, http.StatusConflict, "statement_number_taken")
	w.statement(w.bankKey, []byte("garbage")).want(t, http.StatusUnprocessableEntity, "statement_unreadable")
	w.statement(w.agencyKey, []byte("garbage")).want(t, http.StatusForbidden, "scope_missing")
	w.do(call{method: http.MethodPost, path: "/v1/statements?replace=perhaps", key: w.bankKey, contentType: typeXML, body: body, bad: true}).want(t, http.StatusBadRequest, "query_invalid")
	w.do(call{method: http.MethodPost, path: "/v1/statements", key: w.bankKey, contentType: typeXML, body: []byte{}, chunked: true, bad: true}).want(t, http.StatusBadRequest, "body_missing")
	w.exceptionStory(t, file.Statements[0].ID)
}

func (w *whole) exceptionStory(t *testing.T, statement string) {
	t.Helper()
	second := w.key(auth.Operator, "second")
	var page payment.ExceptionPage
	listed := w.get(w.operatorKey, "/v1/exceptions?kind=surplus&bank="+ownBIC)
	if err := json.Unmarshal(listed.body, &page); err != nil || len(page.Items) != 1 {
		t.Fatalf("%s: %v", listed.body, err)
	}
	for query, count := range map[string]int{
		"severity=" + string(page.Items[0].Severity): 1, "severity=high": 0, "age=" + url.QueryEscape(page.Items[0].Age): 1, "age=0-1": 0, "owner=operator:nobody": 0, "state=open": 1, "state=archived": 0,
		"bank=" + otherBIC: 0, "bank=" + ownBIC + "&severity=" + string(page.Items[0].Severity) + "&age=" + url.QueryEscape(page.Items[0].Age) + "&state=open": 1,
	} {
		if found := in[payment.ExceptionPage](t, w.get(w.operatorKey, "/v1/exceptions?kind=surplus&"+query), http.StatusOK); len(found.Items) != count {
			t.Errorf("%s: %d exceptions", query, len(found.Items))
		}
	}
	for _, query := range []string{"severity=grave", "age=5", "state=gone", "kind=odd", "sort=age"} {
		if got := w.do(call{method: http.MethodGet, path: "/v1/exceptions?" + query, key: w.operatorKey, bad: true}); got.status != http.StatusUnprocessableEntity && got.status != http.StatusBadRequest {
			t.Errorf("%s: %d", query, got.status)
		}
	}
	path := "/v1/exceptions/" + page.Items[0].ID
	w.get(w.bankKey, path).want(t, http.StatusForbidden, "scope_missing")
	w.get(w.operatorKey, path).fine(t, http.StatusOK)
	w.get(w.operatorKey, "/v1/exceptions/exc_00").want(t, http.StatusNotFound, "exception_unknown")
	w.send(w.operatorKey, path+"/actions", map[string]any{"version": 1, "action": "comment", "comment": "?", "file_name": "a.txt", "file": []byte("abc")}).fine(t, http.StatusOK)
	if file := w.get(w.operatorKey, path+"/files/2"); string(file.body) != "abc" {
		t.Errorf("file %q", file.body)
	}
	w.get(w.operatorKey, path+"/files/3").want(t, http.StatusNotFound, "exception_unknown")
	w.send(w.operatorKey, path+"/actions", map[string]any{"version": 1, "action": "assign"}).want(t, http.StatusConflict, "exception_changed")
	w.send(w.operatorKey, path+"/actions", map[string]any{"version": 2, "action": "resolve", "way": "write-off"}).fine(t, http.StatusOK)
	w.send(w.operatorKey, path+"/actions", map[string]any{"version": 3, "action": "approve"}).want(t, http.StatusForbidden, "second_person_needed")
	w.send(second, path+"/actions", map[string]any{"version": 3, "action": "approve"}).fine(t, http.StatusOK)
	w.get(w.operatorKey, "/v1/statements/"+statement+"/lines?limit=10").fine(t, http.StatusOK)
	w.get(w.operatorKey, "/v1/statements/stm_1/lines").want(t, http.StatusNotFound, "statement_unknown")
	w.send(w.operatorKey, "/v1/statements/"+statement+"/undone-matches", map[string]any{"no": 1, "part": 0, "comment": "x"}).want(t, http.StatusNotFound, "match_unknown")
	// People have worked on it; and nobody withdraws alone.
	withdrawal := "/v1/statements/" + statement + "/withdrawal"
	w.send(w.operatorKey, withdrawal, map[string]any{"action": "propose", "comment": "x"}).want(t, http.StatusConflict, "statement_worked_on")
	w.send(w.operatorKey, withdrawal, map[string]any{"action": "approve"}).want(t, http.StatusConflict, "statement_state_forbids")
	w.send(w.bankKey, withdrawal, map[string]any{"action": "propose", "comment": "x"}).want(t, http.StatusForbidden, "scope_missing")
	next := in[payment.FileReport](t, w.statement(w.bankKey, camt(2, "2026-03-03", 901, 5, "")), http.StatusOK)
	withdrawal = "/v1/statements/" + next.Statements[0].ID + "/withdrawal"
	w.send(w.operatorKey, withdrawal, map[string]any{"action": "propose"}).want(t, http.StatusUnprocessableEntity, "invalid_request")
	w.send(w.operatorKey, withdrawal, map[string]any{"action": "propose", "comment": "of another year"}).fine(t, http.StatusOK)
	w.send(w.operatorKey, withdrawal, map[string]any{"action": "approve"}).want(t, http.StatusForbidden, "second_person_needed")
	waiting := in[payment.BankStatementPage](t, w.get(w.operatorKey, "/v1/statements?waiting=true&bank="+ownBIC), http.StatusOK)
	if len(waiting.Items) != 1 || waiting.Items[0].ID != next.Statements[0].ID || waiting.Items[0].Comment != "of another year" {
		t.Errorf("waiting %+v", waiting)
	}
	if listed := in[payment.BankStatementPage](t, w.get(w.operatorKey, "/v1/statements?limit=1&bank="+ownBIC), http.StatusOK); len(listed.Items) != 1 || !listed.HasMore {
		t.Errorf("listed %+v", listed)
	}
	w.get(w.bankKey, "/v1/statements?bank="+ownBIC).want(t, http.StatusForbidden, "scope_missing")
	w.do(call{method: http.MethodGet, path: "/v1/statements", key: w.operatorKey, bad: true}).want(t, http.StatusUnprocessableEntity, "invalid_request")
	w.do(call{method: http.MethodGet, path: "/v1/statements?waiting=no&bank=" + ownBIC, key: w.operatorKey, bad: true}).want(t, http.StatusBadRequest, "query_invalid")
	replacement := call{method: http.MethodPost, path: "/v1/statements?replace=true", key: w.operatorKey, contentType: typeXML, body: camt(2, "2026-03-03", 901, 6, "")}
	w.do(replacement).want(t, http.StatusForbidden, "second_person_needed") // who proposed it
	w.do(call{method: http.MethodPost, path: "/v1/statements?replace=true", key: w.operatorKey, contentType: typeXML, body: camt(1, "2026-03-02", 0, 8, "")}).want(t, http.StatusConflict, "statement_state_forbids")
	w.send(second, withdrawal, map[string]any{"action": "approve"}).fine(t, http.StatusOK)
	w.send(w.operatorKey, "/v1/periods", map[string]any{"account": statementAccount, "through": "2026-03-02"}).fine(t, http.StatusCreated)
	w.get(w.operatorKey, "/v1/periods/"+statementAccount+"/2026-03-02/seal").fine(t, http.StatusOK)
	w.do(call{method: http.MethodGet, path: "/v1/periods/" + statementAccount + "/yesterday/seal", key: w.operatorKey, bad: true}).want(t, http.StatusNotFound, "statement_unknown")
	w.statement(w.bankKey, camt(9, "2026-03-01", 0, 1, "")).want(t, http.StatusConflict, "period_closed")
}

// The operator asks the bank about a line, the bank answers with a file, and sees nothing else of what the operator does.
func TestQuestions(t *testing.T) {
	w := start(t)
	w.registersAccount()
	w.statement(w.bankKey, camt(1, "2026-03-02", 0, 900, "")).fine(t, http.StatusOK)
	page := in[payment.ExceptionPage](t, w.get(w.operatorKey, "/v1/exceptions?kind=surplus"), http.StatusOK)
	path := "/v1/exceptions/" + page.Items[0].ID
	act := func(body map[string]any) { w.send(w.operatorKey, path+"/actions", body).fine(t, http.StatusOK) }
	asked := "/v1/questions/" + page.Items[0].ID
	if before := in[payment.BankQuestionPage](t, w.get(w.bankKey, "/v1/questions"), http.StatusOK); len(before.Items) != 0 {
		t.Errorf("asked already: %+v", before)
	}
	w.send(w.bankKey, asked+"/answers", map[string]any{"version": 1, "comment": "not asked"}).want(t, http.StatusNotFound, "exception_unknown")
	act(map[string]any{"version": 1, "action": "comment", "comment": "between ourselves", "file_name": "inner.txt", "file": []byte("secret")})
	act(map[string]any{"version": 2, "action": "ask", "comment": "Who sent this?", "answer_by": "2026-03-09"})
	got := w.get(w.bankKey, "/v1/questions")
	questions := in[payment.BankQuestionPage](t, got, http.StatusOK)
	if len(questions.Items) != 1 || questions.Items[0].Line == nil || len(questions.Items[0].Messages) != 1 || questions.Items[0].Messages[0].Comment != "Who sent this?" || strings.Contains(string(got.body), "between ourselves") {
		t.Fatalf("questions %s", got.body)
	}
	if others := in[payment.BankQuestionPage](t, w.get(w.otherBankKey, "/v1/questions"), http.StatusOK); len(others.Items) != 0 {
		t.Errorf("another bank sees %+v", others)
	}
	reply := map[string]any{"version": 3, "comment": "A client by mistake", "file_name": "order.txt", "file": []byte("order")}
	w.send(w.otherBankKey, asked+"/answers", reply).want(t, http.StatusNotFound, "exception_unknown")
	w.send(w.operatorKey, asked+"/answers", reply).want(t, http.StatusForbidden, "scope_missing")
	w.send(w.bankKey, asked+"/answers", map[string]any{"version": 2, "comment": "?"}).want(t, http.StatusConflict, "exception_changed")
	w.get(w.bankKey, asked+"/files/2").want(t, http.StatusNotFound, "exception_unknown")
	w.send(w.bankKey, asked+"/answers", reply).fine(t, http.StatusOK)
	w.send(w.bankKey, asked+"/answers", reply).want(t, http.StatusNotFound, "exception_unknown")
	if file := w.get(w.bankKey, asked+"/files/4"); string(file.body) != "order" {
		t.Errorf("the bank's own file: %s", head(file.body))
	}
	w.get(w.otherBankKey, asked+"/files/4").want(t, http.StatusNotFound, "exception_unknown")
	if file := w.get(w.operatorKey, path+"/files/4"); string(file.body) != "order" {
		t.Errorf("the bank's file: %s", head(file.body))
	}
	detail := in[payment.ExceptionDetail](t, w.get(w.operatorKey, path), http.StatusOK)
	if last := detail.Notes[len(detail.Notes)-1]; detail.State != "assigned" || detail.Owner == "" || last.Event != "answer" || last.Actor != "bank:"+ownBIC {
		t.Errorf("after the answer %+v", detail)
	}
}
