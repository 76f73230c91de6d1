package api

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"qaqpa/payment"
	"qaqpa/payment/register"
)

// openSeal lets OpenSSL open a seal and returns what is inside.
func openSeal(t *testing.T, sealed []byte) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "openssl", "cms", "-verify", "-noverify", "-binary", "-inform", "DER")
	cmd.Stdin = bytes.NewReader(sealed)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("OpenSSL refuses a seal: %v", err)
	}
	return out
}

// Registers, reports and answers to courts over HTTP: everybody sees what is his, and the seal holds.
func TestRegisters(t *testing.T) {
	w := start(t)
	w.registersAccount()
	w.pay("REGISTER-1")
	w.statement(w.bankKey, camt(1, "2026-03-02", 0, 900, "")).fine(t, http.StatusOK) // whoever takes a statement in looks for executed payments first
	var day string
	if err := w.db.GetContext(t.Context(), &day, `SELECT to_char(paid_on, 'YYYY-MM-DD') FROM expectations`); err != nil {
		t.Fatal(err)
	}
	path := "/v1/registers/" + ownBIC + "/" + day
	for name, key := range map[string]string{"operator": w.operatorKey, "bank": w.bankKey, "agency": w.agencyKey} {
		var parts struct{ Items []payment.RegisterPart }
		got := w.get(key, path)
		if err := json.Unmarshal(got.body, &parts); err != nil || len(parts.Items) != 1 || parts.Items[0].Count != 1 || parts.Items[0].Tiyn == 0 {
			t.Fatalf("%s: %s: %v", name, got.body, err)
		}
	}
	for format, mark := range map[string]string{"csv": "KZT", "1c": "1CClientBankExchange", "xlsx": "PK\x03\x04", "pacs.008": "FIToFICstmrCdtTrf", "pain.001": "CstmrCdtTrfInitn", "mt102": "{2:I102"} {
		args := "?format=" + format + "&account=" + statementAccount
		if format == "mt102" {
			w.get(w.bankKey, path+"/file"+args+"&charset=windows-1251").want(t, http.StatusUnprocessableEntity, "invalid_request") // Kazakh letters, and that has none
		}
		plain, sealed := w.get(w.bankKey, path+"/file"+args), w.get(w.bankKey, path+"/sealed"+args)
		plain.fine(t, http.StatusOK)
		sealed.fine(t, http.StatusOK)
		if !strings.Contains(string(plain.body), mark) || !strings.Contains(plain.header.Get("Content-Disposition"), ownBIC+"-") {
			t.Errorf("%s: %s", format, head(plain.body))
		}
		if inside := openSeal(t, sealed.body); !strings.Contains(string(inside), mark) {
			t.Errorf("%s, sealed: %s", format, head(inside))
		}
	}
	w.get(w.otherBankKey, path).want(t, http.StatusNotFound, "bank_unknown")
	w.get(w.otherBankKey, path+"/file?format=csv").want(t, http.StatusNotFound, "bank_unknown")
	w.get(w.otherAgencyKey, path+"/file?format=csv").want(t, http.StatusNotFound, "register_empty")
	w.get(w.portalKey, path).want(t, http.StatusForbidden, "scope_missing")
	w.do(call{method: http.MethodGet, path: path + "/file?format=doc", key: w.bankKey, bad: true}).want(t, http.StatusUnprocessableEntity, "invalid_request")
	w.do(call{method: http.MethodGet, path: path + "/file?format=mt102&charset=ebcdic", key: w.bankKey, bad: true}).want(t, http.StatusBadRequest, "query_invalid")
	w.get(w.bankKey, path+"/file?format=pain.001").want(t, http.StatusUnprocessableEntity, "invalid_request") // an order without an account
	w.get(w.bankKey, path+"/file?format=csv&kbk=000000").want(t, http.StatusNotFound, "register_empty")
	w.reports(t, day)
}

// reports looks at what a bank owes, at the report of the day and at answers to courts.
func (w *whole) reports(t *testing.T, day string) {
	t.Helper()
	bank := "/v1/banks/" + ownBIC
	var owed struct{ Items []register.Obligation }
	got := w.get(w.bankKey, bank+"/owed?from="+day+"&to="+day)
	if err := json.Unmarshal(got.body, &owed); err != nil || len(owed.Items) != 1 || owed.Items[0].Owed.Tiyn == 0 || owed.Items[0].Settled.Tiyn != 0 {
		t.Errorf("owed %s: %v", got.body, err)
	}
	w.get(w.otherBankKey, bank+"/owed?from="+day+"&to="+day).want(t, http.StatusNotFound, "bank_unknown")
	w.get(w.agencyKey, bank+"/owed?from="+day+"&to="+day).want(t, http.StatusForbidden, "scope_missing")
	w.get(w.bankKey, bank+"/owed?from="+day+"&to=2020-01-01").want(t, http.StatusUnprocessableEntity, "invalid_request")
	w.get(w.bankKey, bank+"/owed?from=2020-01-01&to="+day).want(t, http.StatusUnprocessableEntity, "invalid_request")
	for form, mark := range map[string]string{"pdf": "%PDF-", "xlsx": "PK\x03\x04"} {
		report := w.get(w.bankKey, bank+"/daily-reports/"+day+"/"+form)
		if report.fine(t, http.StatusOK); !strings.HasPrefix(string(report.body), mark) {
			t.Errorf("%s: %s", form, head(report.body))
		}
		w.get(w.otherBankKey, bank+"/daily-reports/"+day+"/"+form).want(t, http.StatusNotFound, "bank_unknown")
	}
	w.do(call{method: http.MethodGet, path: bank + "/daily-reports/today/pdf", key: w.bankKey, bad: true}).want(t, http.StatusUnprocessableEntity, "invalid_request")
	ask := map[string]any{"request": "2-17", "requester": "Court", "ground": "276", "payer": w.citizen.IIN(), "from": "2020-01-01", "to": "2099-01-01"}
	for key, count := range map[string]int{w.operatorKey: 1, w.agencyKey: 1, w.otherAgencyKey: 0} {
		told := w.send(key, "/v1/disclosures", ask)
		told.fine(t, http.StatusOK)
		var answer register.Disclosure
		if err := json.Unmarshal(openSeal(t, told.body), &answer); err != nil || answer.Count != count || answer.Request != "2-17" {
			t.Errorf("told %+v: %v", answer, err)
		}
	}
	w.send(w.bankKey, "/v1/disclosures", ask).want(t, http.StatusForbidden, "scope_missing")
	ask["ground"] = ""
	w.do(call{method: http.MethodPost, path: "/v1/disclosures", key: w.operatorKey, contentType: typeJSON, body: must[[]byte](t)(json.Marshal(ask)), bad: true}).want(t, http.StatusUnprocessableEntity, "invalid_request")
}
