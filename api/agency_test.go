package api

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"maps"
	"mime/multipart"
	"net/url"
	"strings"
	"testing"
	"time"

	"qaqpa/api/auth"
	"qaqpa/payment"
	"qaqpa/payment/catalog"
	"qaqpa/testenv/pki"
)

// twoEditors are two people who may change what belongs to the agency.
func (w *whole) twoEditors() (first, second *browser) {
	w.t.Helper()
	w.grant(auth.Agency, w.agencyID, auth.Editor, w.head)
	w.grant(auth.Agency, w.agencyID, auth.Editor, w.employee)
	first, second = w.browser(), w.browser()
	first.enter(w.head)
	second.enter(w.employee)
	return first, second
}

// filled is the form of a page as it stands.
func (s shown) filled(t *testing.T, names ...string) url.Values {
	t.Helper()
	out := url.Values{"key": {s.field(t, "key")}}
	for _, name := range names {
		out.Set(name, s.field(t, name))
	}
	return out
}

// One person asks for another tariff, only another one publishes it; the tariff before it ends the day before.
func TestAgencyChangesTariff(t *testing.T) {
	w := start(t)
	w.owe("AD-1", w.citizen.IIN())
	service := w.services(t)[0]
	first, second := w.twoEditors()
	base := "/console/agency/" + w.agencyID
	first.get(base).want(t, 200, "Services and tariffs", "Update by itself")
	first.get(base+"?live=1").want(t, 200, `http-equiv="refresh"`)
	page := first.get(base + "/services/" + service.Code)
	page.want(t, 200, "Change the service", "version 1")
	fields := page.filled(t, "code", "name_kk", "name_ru", "name_en", "kbk", "knp", "kbe", "b_name", "b_bin", "b_account", "b_bic")
	from := string(catalog.DateOf(time.Now().AddDate(0, 0, 10)))
	fields.Set("tariff", "fixed")
	fields.Set("tariff_from", from)
	for name, change := range map[string]url.Values{
		"no amount":     {"tariff_amount": {""}},
		"odd amount":    {"tariff_amount": {"a lot"}},
		"yesterday":     {"tariff_amount": {"10"}, "tariff_from": {string(catalog.DateOf(time.Now().AddDate(0, 0, -1)))}},
		"no day":        {"tariff_amount": {"10"}, "tariff_from": {"soon"}},
		"odd kind":      {"tariff_amount": {"10"}, "tariff": {"free"}},
		"wrong account": {"b_account": {"KZ00"}, "tariff": {""}},
		"script":        {"name_kk": {"<script>alert(1)</script>"}, "kbk": {"x"}},
	} {
		try := url.Values{}
		maps.Copy(try, fields)
		maps.Copy(try, change)
		try.Set("key", newID())
		if got := first.submit(base+"/services", try); got.status != 422 || strings.Contains(got.body, "<script>alert") {
			t.Errorf("%s: %d %s", name, got.status, got.text)
		}
	}
	fields.Set("tariff_amount", "6 000,50")
	if got := first.submit(base+"/services", fields); got.status != 303 || got.location != base+"/services?done=asked" {
		t.Fatalf("got %d %s", got.status, got.text)
	}
	own := first.get(base + "/services")
	own.want(t, 200, "waits for a second person", "6,000.50", "Take it back")
	if strings.Contains(own.text, "Agree and publish") {
		t.Error("whoever asked may publish")
	}
	decision := func(page shown) url.Values {
		return url.Values{"key": {page.field(t, "key")}, "proposal": {page.field(t, "proposal")}, "do": {"publish"}}
	}
	first.submit(base+"/proposals", decision(own)).want(t, 403, "second person")
	other := second.get(base + "/services")
	other.want(t, 200, "Agree and publish", "ЖҮНІСОВ")
	second.get(base+"/services?changes_after="+other.field(t, "proposal")).want(t, 200, "There are no earlier changes")
	second.get(base+"/services?changes_after=prp_none").want(t, 422)
	if got := second.submit(base+"/proposals", decision(other)); got.status != 303 {
		t.Fatalf("got %d %s", got.status, got.text)
	}
	second.submit(base+"/proposals", url.Values{"key": {newID()}, "proposal": {other.field(t, "proposal")}, "do": {"publish"}}).want(t, 409)
	now := w.services(t)[0]
	last := now.Tariffs[len(now.Tariffs)-1]
	before := now.Tariffs[len(now.Tariffs)-2]
	if now.Version != 2 || last.Fixed != 600050 || string(last.ValidFrom) != from || string(before.ValidTo) >= from {
		t.Errorf("%+v", now)
	}
	second.get(base+"/services/"+service.Code).want(t, 200, "version 2", "version 1")
	w.agencyStrangers(t, fields, decision(other))
}

// agencyStrangers: viewers look, others find nothing, other sites' forms are refused.
func (w *whole) agencyStrangers(t *testing.T, change, decision url.Values) {
	t.Helper()
	base := "/console/agency/" + w.agencyID
	stranger := w.browser()
	stranger.enter(w.citizen)
	for _, path := range []string{"/services", "/services/driving-licence", "/new-service", "/debts", "/verify", "/file?form=csv"} {
		stranger.get(base+path).want(t, 404)
		if got := w.browser().get(base + path); got.location != "/sign-in" {
			t.Errorf("%s: %d", path, got.status)
		}
	}
	viewer := w.browser()
	look := w.person(t, pki.Profile{Name: "viewer", Kind: pki.Employee, Role: pki.Staff, Surname: "К", Given: "Ж", IIN: pki.IIN(9), Organisation: "ЖШС", BIN: pki.BIN(1)})
	w.grant(auth.Agency, w.agencyID, auth.Viewer, look)
	viewer.enter(look)
	if got := viewer.get(base + "/services/driving-licence"); got.status != 200 || strings.Contains(got.text, "Send for approval") {
		t.Errorf("a viewer is offered a change: %d", got.status)
	}
	viewer.submit(base+"/services", change).want(t, 403)
	viewer.submit(base+"/proposals", decision).want(t, 403)
	contentType, body := form(t, map[string][]byte{"file": []byte("reference;payer\n")})
	viewer.send("POST", base+"/debts", contentType, bytes.NewReader(body)).want(t, 403)
	foreign := w.browser()
	foreign.enter(w.head)
	foreign.site = "cross-site"
	foreign.submit(base+"/services", change).want(t, 403)
	foreign.submit(base+"/proposals", decision).want(t, 403)
	foreign.send("POST", base+"/debts", contentType, bytes.NewReader(body)).want(t, 403)
}

func (b *browser) uploads(path string, file []byte) shown {
	b.w.t.Helper()
	contentType, body := form(b.w.t, map[string][]byte{"file": file})
	return b.send("POST", path, contentType, bytes.NewReader(body))
}

// A table of debts is taken line by line; what is wrong is told by line, and a repetition changes nothing.
func TestAgencyUploadsDebts(t *testing.T) {
	w := start(t)
	w.owe("AD-1", w.citizen.IIN())
	b, _ := w.twoEditors()
	path := "/console/agency/" + w.agencyID + "/debts"
	b.get(path).want(t, 200, "reference;payer;payer_name;service")
	table := fmt.Sprintf("reference;payer;service;amount\nT-1;%s;driving-licence;\nT-2;123456789012;driving-licence;\nT-3;%s;nothing;5\nT-4;%s;driving-licence;1\n",
		w.citizen.IIN(), w.citizen.IIN(), w.citizen.IIN())
	got := b.uploads(path, []byte(table))
	if got.status != 303 || !strings.HasPrefix(got.location, path+"?feed=") {
		t.Fatalf("got %d %s", got.status, got.text)
	}
	b.get(got.location).want(t, 200, "Some lines were refused", "T-2", "T-4", "The agency has no service with this code", "which is 5,406.00\u00a0₸")
	if again := b.uploads(path, []byte(table)); again.location != got.location {
		t.Errorf("got %d %s", again.status, again.location)
	}
	debts := must[payment.DebtPage](t)(w.cfg.Payments.Debts(t.Context(), payment.DebtQuery{Payer: w.citizen.IIN()}))
	if len(debts.Items) != 2 {
		t.Errorf("%d debts", len(debts.Items))
	}
	lines := fmt.Sprintf(`{"reference":"N-1","payer":{"id":%q},"service":%q}`+"\n", w.citizen.IIN(), w.services(t)[0].ID)
	got = b.uploads(path, []byte(lines))
	b.get(got.location).want(t, 200, "All lines were taken")
	for name, file := range map[string]string{"empty": " ", "no head": "T-1;850101300019\n", "html": "<html>", "binary": "\x00\x01"} {
		if got := b.uploads(path, []byte(file)); got.status != 422 {
			t.Errorf("%s: %d %s", name, got.status, got.text)
		}
	}
	b.get(path+"?feed=nothing").want(t, 404)
	register := b.get("/console/agency/" + w.agencyID + "/file?form=csv&bank=" + ownBIC + "&day=" + string(catalog.DateOf(time.Now())))
	if register.status != 200 && register.status != 404 && register.status != 422 && register.status != 409 {
		t.Errorf("got %d", register.status)
	}
	b.get("/console/agency/"+w.agencyID+"/file?form=exe&bank="+ownBIC).want(t, 400)
}

// Several documents are judged at once; the table has a line for each, and no cell that a spreadsheet runs.
func TestAgencyVerifiesInBulk(t *testing.T) {
	w := start(t)
	b, _ := w.twoEditors()
	path := "/console/agency/" + w.agencyID + "/verify"
	good := must[[]byte](t)(w.citizen.SignCMS([]byte("қаулы"), pki.CMSOptions{}))
	send := func(how string, files map[string][]byte) shown {
		t.Helper()
		var body bytes.Buffer
		m := multipart.NewWriter(&body)
		for name, content := range files {
			part := must[interface{ Write([]byte) (int, error) }](t)(func() (interface{ Write([]byte) (int, error) }, error) { return m.CreateFormFile("document", name) }())
			must[int](t)(part.Write(content))
		}
		if err := m.WriteField("form", how); err != nil {
			t.Fatal(err)
		}
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
		return b.send("POST", path, m.FormDataContentType(), &body)
	}
	b.get(path).want(t, 200, "Check many documents")
	files := map[string][]byte{"a.cms": good, "=cmd|' /C calc'!A0.txt": []byte("hello"), "bad.cms": append(bytes.Clone(good[:len(good)-20]), make([]byte, 20)...), "<b>.cms": good}
	page := send("page", files)
	page.want(t, 200, "the signature holds", "no signature was found", "СЕЙТҚАЛИЕВА", "a.cms")
	if strings.Contains(page.body, "<b>.cms") {
		t.Error("a name is taken for markup")
	}
	table := send("csv", files)
	rows := csv.NewReader(strings.NewReader(strings.TrimPrefix(table.body, "\ufeff")))
	rows.Comma = ';'
	all := must[[][]string](t)(rows.ReadAll())
	if len(all) != len(files)+1 || all[0][0] != "file" || !strings.Contains(table.header.Get("Content-Disposition"), "verdicts.csv") {
		t.Errorf("got %d rows, %q", len(all), table.header)
	}
	for _, row := range all[1:] {
		if strings.ContainsAny(row[0][:1], "=+-@") {
			t.Errorf("a cell is a formula: %q", row)
		}
	}
	if got := send("page", nil); got.status != 422 {
		t.Errorf("nothing: %d", got.status)
	}
	many := map[string][]byte{}
	for i := range bulkMax + 1 {
		many[fmt.Sprint(i)] = []byte("x")
	}
	if got := send("page", many); got.status != 400 {
		t.Errorf("too many: %d", got.status)
	}
}
