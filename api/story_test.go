package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"qaqpa/api/auth"
	"qaqpa/payment"
	"qaqpa/payment/catalog"
	"qaqpa/payment/debt"
	"qaqpa/payment/ledger"
	"qaqpa/payment/order"
	"qaqpa/payment/receipt"
	"qaqpa/signer"
	"qaqpa/signer/pades"
	"qaqpa/testenv/agency"
	"qaqpa/testenv/bank"
	"qaqpa/testenv/fault"
	"qaqpa/testenv/pki"
)

// send is a call inside the contract: JSON under a fresh Idempotency-Key.
func (w *whole) send(key, path string, body any) answered {
	w.t.Helper()
	return w.do(call{method: http.MethodPost, path: path, key: key, idem: uuid.NewString(), contentType: typeJSON, body: must[[]byte](w.t)(json.Marshal(body))})
}

func (w *whole) get(key, path string) answered {
	w.t.Helper()
	return w.do(call{method: http.MethodGet, path: path, key: key})
}

func licence(code string) catalog.ServiceSpec {
	return catalog.ServiceSpec{
		Code: code, Names: catalog.Names{KK: "Жүргізуші куәлігін беру", RU: "Выдача водительского удостоверения", EN: "Issue of a driving licence"},
		KBK: "108125", KNP: "911", KBE: "11",
		Beneficiary: catalog.Beneficiary{Name: "УГД по Есильскому району", BIN: pki.BIN(5), Account: "KZ24070105KSN0000000", BIC: "KKMFKZ2A"},
		Tariffs:     []catalog.Tariff{{ValidFrom: "2024-01-01", Kind: catalog.MRPRate, Rate: "1.25", Rounding: "half-up-tenge"}},
	}
}

// owe publishes a service once and loads a debt of a payer under it.
func (w *whole) owe(reference, payer string) string {
	w.t.Helper()
	service := in[catalog.Service](w.t, w.send(w.agencyKey, "/v1/services", licence("driving-licence")), 201)
	batch := in[payment.DebtBatch](w.t, w.send(w.agencyKey, "/v1/debts", map[string]any{"debts": []debt.Item{
		{Reference: reference, Payer: debt.Payer{ID: payer}, Service: service.ID},
	}}), 200)
	if batch.Accepted != 1 {
		w.t.Fatalf("the debt was refused: %+v", batch)
	}
	return batch.Results[0].Debt
}

func (w *whole) order(payer string, debts ...string) order.Order {
	w.t.Helper()
	return in[order.Order](w.t, w.send(w.portalKey, "/v1/orders", order.Request{Payer: payer, Debts: debts, Bank: ownBIC}), 201)
}

// signed is a detached signature over the order's document.
func (w *whole) signed(who *pki.Identity, orderID string) []byte {
	w.t.Helper()
	doc := w.get(w.portalKey, "/v1/orders/"+orderID+"/document")
	if doc.status != 200 {
		w.t.Fatalf("got %d: %s", doc.status, doc.body)
	}
	return must[[]byte](w.t)(who.SignCMS(doc.body, pki.CMSOptions{Detached: true}))
}

func (w *whole) authorise(orderID string, cms []byte) answered {
	w.t.Helper()
	return w.do(call{method: http.MethodPost, path: "/v1/orders/" + orderID + "/authorisation", key: w.portalKey, idem: uuid.NewString(), contentType: typeSignature, body: cms})
}

// executed waits until the order is executed and its receipt made.
func (w *whole) executed(orderID string) order.Order {
	w.t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		o := in[order.Order](w.t, w.get(w.portalKey, "/v1/orders/"+orderID), 200)
		if o.State == order.Executed && o.Receipt != "" {
			return o
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("order is %+v", o)
		}
		time.Sleep(30 * time.Millisecond)
	}
}

// pay goes from a debt to an executed order with its receipt.
func (w *whole) pay(reference string) (debtID string, o order.Order) {
	w.t.Helper()
	debtID = w.owe(reference, w.citizen.IIN())
	o = w.order(w.citizen.IIN(), debtID)
	in[order.Order](w.t, w.authorise(o.ID, w.signed(w.citizen, o.ID)), 202)
	return debtID, w.executed(o.ID)
}

// One state fee from debt to sealed receipt; every exchange is held against openapi.yaml.
func TestStory(t *testing.T) {
	w := start(t)
	if err := w.bank.AddFault(fault.Fault{On: bank.OnPayments, Kind: bank.FaultDropButDone, Count: 1}); err != nil {
		t.Fatal(err)
	}
	debtID, o := w.pay("AD-1")
	if n := len(w.bank.Movements()); n != 1 {
		t.Fatalf("money moved %d times", n)
	}
	t.Run("catalogue", w.checkCatalogue)
	t.Run("order", func(t *testing.T) { w.checkOrder(t, o) })
	t.Run("receipt", func(t *testing.T) { w.checkReceipt(t, o) })
	t.Run("copies", func(t *testing.T) { w.checkCopies(t, o) })
	t.Run("page", func(t *testing.T) { w.checkPage(t, o) })
	t.Run("ledger", func(t *testing.T) { w.checkLedger(t, debtID) })
	t.Run("own data only", func(t *testing.T) { w.checkOwnData(t, debtID, o) })
	t.Run("webhook", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		d, err := w.agency.Wait(ctx, func(d agency.Delivery) bool { return d.Valid() && bytes.Contains(d.Body, []byte(o.ID)) })
		if err != nil {
			t.Errorf("%+v %v", d, err)
		}
	})
	if log := w.log.String(); strings.Contains(log, w.citizen.IIN()) || strings.Contains(log, "СЕЙТҚАЛИЕВА") || strings.Contains(log, `"level":"ERROR"`) {
		t.Errorf("the log has personal data or errors:\n%s", log)
	}
}

func (w *whole) checkCatalogue(t *testing.T) {
	page := in[payment.ServicePage](t, w.get(w.portalKey, "/v1/services?limit=1&agency="+w.agencyID), 200)
	if len(page.Items) != 1 || page.HasMore {
		t.Fatalf("got %+v", page)
	}
	id := page.Items[0].ID
	if s := in[catalog.Service](t, w.get(w.bankKey, "/v1/services/"+id), 200); s.Code != "driving-licence" {
		t.Errorf("got %+v", s)
	}
	q := in[catalog.Quote](t, w.get(w.portalKey, "/v1/services/"+id+"/quote?on=2026-10-18"), 200)
	if q.Tiyn != 540_600 || q.Basis.MRP != 432_500 {
		t.Errorf("got %+v", q)
	}
	w.get(w.portalKey, "/v1/services/"+id+"/quote?on=1999-01-01").want(t, 409, "no_tariff_in_force")
	w.get(w.portalKey, "/v1/services/svc_nothing").want(t, 404, "service_unknown")
	if none := w.get(w.portalKey, "/v1/services?agency="+w.otherAgencyID); !bytes.Contains(none.body, []byte(`"items":[]`)) {
		t.Errorf("got %s", none.body)
	}
	banks := in[items[bankItem]](t, w.get(w.portalKey, "/v1/banks"), 200)
	if len(banks.Items) != 2 || bytes.Contains(must[[]byte](t)(json.Marshal(banks)), []byte("127.0.0.1")) {
		t.Errorf("got %+v", banks)
	}
	w.checkCourtFee(t, id)
}

func (w *whole) checkOrder(t *testing.T, o order.Order) {
	t.Helper()
	doc := w.get(w.portalKey, "/v1/orders/"+o.ID+"/document")
	sum := sha256.Sum256(doc.body)
	if hex.EncodeToString(sum[:]) != o.DocumentSHA256 || doc.header.Get("ETag") != `"`+o.DocumentSHA256+`"` {
		t.Errorf("the document is not the one of the order: %v", doc.header)
	}
	if a := w.do(call{method: http.MethodGet, path: "/v1/orders/" + o.ID + "/document", key: w.portalKey, header: map[string]string{"If-None-Match": doc.header.Get("ETag")}}); a.status != 304 {
		t.Errorf("got %d", a.status)
	}
	events := in[items[order.Event]](t, w.get(w.bankKey, "/v1/orders/"+o.ID+"/events"), 200)
	if n := len(events.Items); n < 3 || events.Items[n-1].To != order.Executed {
		t.Errorf("got %+v", events)
	}
	w.get(w.portalKey, "/v1/orders/ord_nothing").want(t, 404, "order_unknown")
	w.authorise(o.ID, w.signed(w.citizen, o.ID)).want(t, 409, "order_state_forbids")
}

func (w *whole) checkReceipt(t *testing.T, o order.Order) {
	t.Helper()
	r := in[payment.Receipt](t, w.get(w.portalKey, "/v1/receipts/"+o.Receipt), 200)
	byOrder := in[payment.Receipt](t, w.get(w.agencyKey, "/v1/receipts/"+o.ID), 200)
	if diff := cmp.Diff(r, byOrder); diff != "" {
		t.Error(diff)
	}
	cms, pdf, seal := w.get(w.portalKey, "/v1/receipts/"+r.ID+"/cms"), w.get(w.bankKey, "/v1/receipts/"+r.ID+"/pdf"), w.get(w.agencyKey, "/v1/receipts/"+r.ID+"/pdf-seal")
	sum := sha256.Sum256(pdf.body)
	if hex.EncodeToString(sum[:]) != r.PDFSHA256 || !bytes.HasPrefix(pdf.body, []byte("%PDF-")) || !strings.Contains(pdf.header.Get("Content-Disposition"), r.ID+".pdf") {
		t.Errorf("odd PDF: %v", pdf.header)
	}
	v := in[signer.Verdict](t, w.do(call{method: http.MethodPost, path: "/v1/validations", contentType: typeCMS, body: cms.body}), 200)
	if !v.Passed() || v.Signatures[0].Signer.BIN != pki.BIN(9) {
		t.Errorf("the sealed receipt is %s: %+v", v.Indication, v.Signatures)
	}
	contentType, both := form(t, map[string][]byte{"document": seal.body, "detached": pdf.body})
	v = in[signer.Verdict](t, w.do(call{method: http.MethodPost, path: "/v1/validations", contentType: contentType, body: both}), 200)
	if !v.Passed() {
		t.Errorf("the PDF's seal is %s", v.Indication)
	}
	// The PDF is sealed itself, whole, and holds the core.
	v = in[signer.Verdict](t, w.do(call{method: http.MethodPost, path: "/v1/validations", contentType: typePDF, body: pdf.body}), 200)
	if !v.Passed() || v.Coverage != "FULL" || v.Signatures[0].Level != "PAdES-B-B" || v.Signatures[0].Signer.BIN != pki.BIN(9) {
		t.Errorf("the seal in the PDF is %s %s, over %s", v.Indication, v.Sub, v.Coverage)
	}
	core := in[signer.Verdict](t, w.do(call{method: http.MethodPost, path: "/v1/validations", contentType: typeCMS, body: cms.body}), 200).ContentSHA256
	files, err := pades.Attachments(pdf.body)
	if err != nil || len(files) != 1 || files[0].Name != receipt.AttachmentName {
		t.Fatalf("%d files in the PDF, %v", len(files), err)
	}
	if inside := sha256.Sum256(files[0].Content); hex.EncodeToString(inside[:]) != core {
		t.Error("the file in the PDF is not what was sealed beside it")
	}
	check := in[receiptCheck](t, w.get("", "/v1/receipt-codes/"+r.Code), 200)
	if check.Amount != o.Amount || check.Receipt != r.ID || check.PDFSHA256 != r.PDFSHA256 || check.Payer != "••••••••"+w.citizen.IIN()[8:] || len(check.Items) != 1 ||
		check.Items[0].ServiceName.KK == "" || check.Items[0].Beneficiary == "" || check.Bank == "" || check.ExecutedAt.IsZero() {
		t.Errorf("got %+v", check)
	}
	w.get("", "/v1/receipt-codes/AAAA-AAAA").want(t, 404, "receipt_unknown")
	w.get(w.portalKey, "/v1/receipts/rcp_nothing").want(t, 404, "receipt_unknown")
	changed := bytes.Clone(cms.body)
	i := bytes.Index(changed, []byte(`"amount":`)) + len(`"amount":`)
	changed[i]++
	v = in[signer.Verdict](t, w.do(call{method: http.MethodPost, path: "/v1/validations", contentType: typeCMS, body: changed}), 200)
	if v.Indication != "TOTAL-FAILED" {
		t.Errorf("a changed receipt is %s", v.Indication)
	}
}

// checkPage: the citizen shows a receipt, the clerk scans or uploads it.
func (w *whole) checkPage(t *testing.T, o order.Order) {
	t.Helper()
	r := in[payment.Receipt](t, w.get(w.portalKey, "/v1/receipts/"+o.Receipt), 200)
	cms := w.get(w.portalKey, "/v1/receipts/"+r.ID+"/cms").body
	for lang, words := range map[string][]string{
		"kk": {"Бұл түбіртекті шлюз берген", "Жүргізуші куәлігін беру", "5\u00a0406,00\u00a0₸"},
		"ru": {"Эта квитанция выдана шлюзом", "Выдача водительского удостоверения", "5\u00a0406,00\u00a0₸"},
		"en": {"The gateway issued this receipt", "Issue of a driving licence", "5,406.00\u00a0₸"},
	} {
		page := w.get("", "/verify?lang="+lang+"&code="+r.Code)
		page.shows(t, 200, append(words, "••••••••"+w.citizen.IIN()[8:])...)
		if bytes.Contains(page.body, []byte(w.citizen.IIN())) {
			t.Errorf("%s: the page shows the payer's number", lang)
		}
	}
	contentType, body := form(t, map[string][]byte{"document": cms})
	w.do(call{method: http.MethodPost, path: "/verify?lang=ru", contentType: contentType, body: body}).
		shows(t, 200, "Подпись действительна", "Квитанция совпадает с журналом шлюза", "АҚ «Қақпа»")
	// Signed by somebody, but no receipt of ours, whatever it says.
	forged := must[[]byte](t)(w.citizen.SignCMS(bytes.Replace(r.Core, []byte("540600"), []byte("940600"), 1), pki.CMSOptions{}))
	contentType, body = form(t, map[string][]byte{"document": forged})
	page := w.do(call{method: http.MethodPost, path: "/verify?lang=ru", contentType: contentType, body: body})
	page.shows(t, 200, "Подпись действительна")
	if strings.Contains(string(page.body), "Квитанция совпадает") {
		t.Error("a forged receipt is shown as ours")
	}
}

func (w *whole) checkLedger(t *testing.T, debtID string) {
	t.Helper()
	fact := in[payment.PaymentFact](t, w.get(w.agencyKey, "/v1/debts/"+debtID+"/payment"), 200)
	if !fact.Paid || fact.Tiyn != 540_600 || fact.Transfer == "" || fact.ExecutedAt == nil {
		t.Fatalf("got %+v", fact)
	}
	c := in[payment.Checkpoint](t, w.get("", "/v1/checkpoints/latest"), 200)
	if c.Size < 1 || c.Note == "" {
		t.Errorf("got %+v", c)
	}
	p := in[ledger.Proof](t, w.get(w.operatorKey, "/v1/transfers/"+fact.Transfer+"/proof"), 200)
	if p.Checkpoint == "" || !strings.Contains(p.Leaf, fact.Transfer) {
		t.Errorf("got %+v", p)
	}
	w.get(w.agencyKey, "/v1/transfers/"+fact.Transfer+"/proof").want(t, 403, codeScope)
	w.get(w.operatorKey, "/v1/transfers/tr_nothing/proof").want(t, 404, "transfer_unknown")
	keys := in[items[webhookKey]](t, w.get("", "/v1/webhook-keys"), 200)
	if len(keys.Items) != 1 || !strings.HasPrefix(keys.Items[0].PublicKey, "whpk_") || !strings.HasPrefix(keys.Items[0].PEM, "-----BEGIN PUBLIC KEY-----") {
		t.Errorf("got %+v", keys)
	}
}

func (w *whole) checkOwnData(t *testing.T, debtID string, o order.Order) {
	t.Helper()
	w.get(w.otherAgencyKey, "/v1/debts/"+debtID).want(t, 404, "debt_unknown")
	w.get(w.otherAgencyKey, "/v1/debts/"+debtID+"/payment").want(t, 404, "debt_unknown")
	w.send(w.otherAgencyKey, "/v1/debts/"+debtID+"/recall", recall{Reason: "x"}).want(t, 404, "debt_unknown")
	w.get(w.otherAgencyKey, "/v1/receipts/"+o.Receipt).want(t, 404, "receipt_unknown")
	w.get(w.otherAgencyKey, "/v1/receipts/"+o.ID+"/cms").want(t, 404, "receipt_unknown")
	w.get(w.otherBankKey, "/v1/receipts/"+o.Receipt+"/pdf").want(t, 404, "receipt_unknown")
	for _, path := range []string{"", "/document", "/events"} {
		w.get(w.otherBankKey, "/v1/orders/"+o.ID+path).want(t, 404, "order_unknown")
	}
	w.do(call{method: http.MethodPost, path: "/v1/orders/" + o.ID + "/cancel", key: w.otherBankKey, idem: "c"}).want(t, 404, "order_unknown")
	search := map[string]any{"payer": w.citizen.IIN(), "state": "paid"}
	if page := in[payment.DebtPage](t, w.send(w.otherAgencyKey, "/v1/debts/search", search), 200); len(page.Items) != 0 {
		t.Errorf("got %+v", page)
	}
	for _, key := range []string{w.agencyKey, w.portalKey, w.bankKey, w.operatorKey} {
		if page := in[payment.DebtPage](t, w.send(key, "/v1/debts/search", search), 200); len(page.Items) != 1 || page.Items[0].ID != debtID {
			t.Errorf("got %+v", page)
		}
	}
	// Each look of an agency, a bank and the operator is written down; the portal shows a person his own.
	looks, err := w.keys.LooksAt(t.Context(), w.citizen.IIN())
	if err != nil || len(looks) < 4 {
		t.Errorf("looks %+v %v", looks, err)
	}
	for _, look := range looks {
		if look.Reason != lookedByDefault && !strings.HasPrefix(look.Reason, "API: GET /v1/") && look.Reason != courtReason || look.Organisation == string(auth.Portal) {
			t.Errorf("look %+v", look)
		}
	}
	search["reason"] = "?"
	w.send(w.agencyKey, "/v1/debts/search", search).want(t, 422, "invalid_request")
	search["reason"] = "answer to claim 17"
	in[payment.DebtPage](t, w.send(w.agencyKey, "/v1/debts/search", search), 200)
	if looks, err = w.keys.LooksAt(t.Context(), w.citizen.IIN()); err != nil || looks[0].Reason != "answer to claim 17" {
		t.Errorf("looks %+v %v", looks, err)
	}
	theirs := licence("driving-licence")
	service := in[catalog.Service](t, w.send(w.agencyKey, "/v1/services", theirs), 201)
	batch := in[payment.DebtBatch](t, w.send(w.otherAgencyKey, "/v1/debts", map[string]any{"debts": []debt.Item{
		{Reference: "1", Payer: debt.Payer{ID: w.citizen.IIN()}, Service: service.ID},
	}}), 200)
	if batch.Refused != 1 {
		t.Errorf("another agency's service was used: %+v", batch)
	}
}

func TestSearchPagesOfOneAgency(t *testing.T) {
	w := start(t)
	for i := range 5 {
		w.owe(fmt.Sprintf("AD-%d", i), w.citizen.IIN())
	}
	var seen []string
	after := ""
	for {
		search := map[string]any{"payer": w.citizen.IIN(), "limit": 2}
		if after != "" {
			search["starting_after"] = after
		}
		page := in[payment.DebtPage](t, w.send(w.agencyKey, "/v1/debts/search", search), 200)
		for _, d := range page.Items {
			seen = append(seen, d.Reference)
			after = d.ID
		}
		if !page.HasMore {
			break
		}
	}
	if len(seen) != 5 {
		t.Errorf("got %v", seen)
	}
}

func TestIdempotency(t *testing.T) {
	w := start(t)
	body := must[[]byte](t)(json.Marshal(licence("idem")))
	post := func(key, idem string, body []byte) answered {
		return w.do(call{method: http.MethodPost, path: "/v1/services", key: key, idem: idem, contentType: typeJSON, body: body})
	}
	first, again := post(w.agencyKey, "k-1", body), post(w.agencyKey, `"k-1"`, body)
	if first.status != 201 || again.status != 201 || !bytes.Equal(first.body, again.body) || again.header.Get("Idempotent-Replayed") != "true" ||
		first.header.Get("Idempotent-Replayed") != "" || first.header.Get("Location") != again.header.Get("Location") {
		t.Errorf("got %d %s, then %d %s", first.status, first.body, again.status, again.body)
	}
	post(w.agencyKey, "k-1", append(bytes.Clone(body), ' ')).want(t, 422, "idempotency_key_reused")
	w.do(call{method: http.MethodPost, path: "/v1/debts", key: w.agencyKey, idem: "k-1", contentType: typeJSON, body: body, bad: true}).want(t, 400, "json_unknown_field")
	if other := post(w.otherAgencyKey, "k-1", body); other.status != 201 || bytes.Equal(other.body, first.body) {
		t.Errorf("the key of another client answered %d %s", other.status, other.body)
	}
	rotated := w.key("agency", w.agencyID) // the same client with a new API key
	if a := post(rotated, "k-1", body); a.header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("got %d %s", a.status, a.body)
	}
	// Refusals are kept too.
	debtID := w.owe("AD-1", w.citizen.IIN())
	o := order.Request{Payer: w.neighbour.IIN(), Debts: []string{debtID}, Bank: ownBIC}
	for range 2 {
		w.do(call{method: http.MethodPost, path: "/v1/orders", key: w.portalKey, idem: "o-1", contentType: typeJSON, body: must[[]byte](t)(json.Marshal(o))}).want(t, 403, "debt_of_another_payer")
	}
}

// Many tries of one intention at once: one effect, and every answer is that effect or "still running".
func TestSameKeyAtOnce(t *testing.T) {
	w := start(t)
	debtID := w.owe("AD-1", w.citizen.IIN())
	body := must[[]byte](t)(json.Marshal(order.Request{Payer: w.citizen.IIN(), Debts: []string{debtID}, Bank: ownBIC}))
	const tries = 16
	answers := make(chan answered, tries)
	for range tries {
		go func() {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.url+"/v1/orders", bytes.NewReader(body))
			if err != nil {
				answers <- answered{}
				return
			}
			for name, value := range map[string]string{"Content-Type": typeJSON, "Idempotency-Key": "same", "Authorization": "Bearer " + w.portalKey} {
				req.Header.Set(name, value)
			}
			resp, err := w.client.Do(req)
			if err != nil {
				answers <- answered{}
				return
			}
			defer func() { _ = resp.Body.Close() }()
			got, _ := io.ReadAll(resp.Body)
			answers <- answered{status: resp.StatusCode, header: resp.Header, body: got}
		}()
	}
	ids := map[string]bool{}
	for range tries {
		a := <-answers
		switch a.status {
		case 201:
			ids[in[order.Order](t, a, 201).ID] = true
		case 409:
			a.want(t, 409, "idempotency_key_in_use")
		default:
			t.Errorf("got %d %s", a.status, a.body)
		}
	}
	if len(ids) != 1 {
		t.Errorf("%d orders were made", len(ids))
	}
}

// Issue 2: wrong numbers, somebody else's signature, expired and revoked certificates leave nothing half-done.
func TestRefusedPayments(t *testing.T) {
	w := start(t)
	wrong := w.citizen.IIN()[:11] + string('0'+(w.citizen.IIN()[11]-'0'+1)%10)
	service := in[catalog.Service](t, w.send(w.agencyKey, "/v1/services", licence("driving-licence")), 201)
	batch := in[payment.DebtBatch](t, w.send(w.agencyKey, "/v1/debts", map[string]any{"debts": []debt.Item{
		{Reference: "good", Payer: debt.Payer{ID: w.citizen.IIN()}, Service: service.ID},
		{Reference: "bad", Payer: debt.Payer{ID: wrong}, Service: service.ID},
	}}), 200)
	if batch.Accepted != 1 || batch.Refused != 1 || batch.Results[1].Code != "payer_id_invalid" {
		t.Errorf("got %+v", batch)
	}
	w.send(w.portalKey, "/v1/debts/search", map[string]string{"payer": wrong}).want(t, 422, "payer_id_invalid")
	w.send(w.portalKey, "/v1/orders", order.Request{Payer: wrong, Debts: []string{batch.Results[0].Debt}, Bank: ownBIC}).want(t, 422, "payer_id_invalid")
	w.send(w.portalKey, "/v1/orders", order.Request{Payer: w.citizen.IIN(), Debts: []string{batch.Results[0].Debt}, Bank: "NOBAKZKA"}).want(t, 404, "bank_unknown")
	w.send(w.portalKey, "/v1/orders", order.Request{Payer: w.citizen.IIN(), Debts: []string{"dbt_nothing"}, Bank: ownBIC}).want(t, 404, "debt_unknown")

	o := w.order(w.citizen.IIN(), batch.Results[0].Debt)
	w.authorise(o.ID, w.signed(w.neighbour, o.ID)).want(t, 403, "signer_is_not_payer")
	w.authorise(o.ID, []byte("no CMS")).want(t, 422, "signature_invalid")
	other := must[[]byte](t)(w.citizen.SignCMS([]byte(`{"amount":1}`), pki.CMSOptions{}))
	w.authorise(o.ID, other).want(t, 422, "signature_over_other_content")
	expired := w.person(t, pki.Profile{
		Name: "expired", Kind: pki.Citizen, Surname: "СЕЙТҚАЛИЕВА", Given: "АЙГҮЛ", IIN: w.citizen.IIN(),
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(-24 * time.Hour),
	})
	if p := w.authorise(o.ID, w.signed(expired, o.ID)).want(t, 422, "signature_invalid"); len(p.Reasons) == 0 || p.VerdictID == "" {
		t.Errorf("got %+v", p)
	}
	revoked := w.person(t, pki.Profile{Name: "revoked", Kind: pki.Citizen, Surname: "СЕЙТҚАЛИЕВА", Given: "АЙГҮЛ", IIN: w.citizen.IIN()})
	if err := w.pki.Revoke(revoked, pki.KeyCompromise, time.Now().Add(-time.Minute)); err != nil {
		t.Fatal(err)
	}
	w.authorise(o.ID, w.signed(revoked, o.ID)).want(t, 422, "signature_invalid")
	if now := in[order.Order](t, w.get(w.portalKey, "/v1/orders/"+o.ID), 200); now.State != order.Created || len(w.bank.Movements()) != 0 {
		t.Errorf("refusals left %+v", now)
	}
	w.companySigns(t)
	in[order.Order](t, w.authorise(o.ID, w.signed(w.citizen, o.ID)), 202)
	w.executed(o.ID)
}

// companySigns: an employee's signature does not bind the company (R28); its head's does, as NCALayer gives it.
func (w *whole) companySigns(t *testing.T) {
	t.Helper()
	o := w.order(pki.BIN(1), w.owe("AD-company", pki.BIN(1)))
	w.authorise(o.ID, w.signed(w.employee, o.ID)).want(t, 403, "signer_without_authority")
	armoured := pki.ArmourCMS(w.signed(w.head, o.ID))
	a := w.do(call{method: http.MethodPost, path: "/v1/orders/" + o.ID + "/authorisation", key: w.portalKey, idem: uuid.NewString(), contentType: typeText, body: armoured})
	in[order.Order](t, a, 202)
	w.executed(o.ID)
	second := w.order(pki.BIN(1), w.owe("AD-company-2", pki.BIN(1)))
	plainText := []byte(base64.StdEncoding.EncodeToString(w.signed(w.head, second.ID)))
	a = w.do(call{method: http.MethodPost, path: "/v1/orders/" + second.ID + "/authorisation", key: w.portalKey, idem: uuid.NewString(), contentType: typeText, body: plainText})
	in[order.Order](t, a, 202)
}

func TestCancelAndRecall(t *testing.T) {
	w := start(t)
	debtID := w.owe("AD-1", w.citizen.IIN())
	o := w.order(w.citizen.IIN(), debtID)
	cancel := call{method: http.MethodPost, path: "/v1/orders/" + o.ID + "/cancel", key: w.portalKey, idem: "c-1"}
	if got := in[order.Order](t, w.do(cancel), 200); got.State != order.Cancelled {
		t.Errorf("got %+v", got)
	}
	if again := w.do(cancel); again.status != 200 || again.header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("got %d", again.status)
	}
	w.authorise(o.ID, w.signed(w.citizen, o.ID)).want(t, 409, "order_state_forbids")
	d := in[debt.Debt](t, w.send(w.agencyKey, "/v1/debts/"+debtID+"/recall", recall{Reason: "қате жүктелген"}), 200)
	if d.State != debt.Recalled || d.RecallReason == "" {
		t.Errorf("got %+v", d)
	}
	w.send(w.portalKey, "/v1/orders", order.Request{Payer: w.citizen.IIN(), Debts: []string{debtID}, Bank: ownBIC}).want(t, 409, "debt_recalled")
}

// Issue 2: a callback twice, signed by another bank, changed, or about nothing.
func TestBankConfirmations(t *testing.T) {
	w := start(t)
	_, o := w.pay("AD-1")
	status := map[string]any{
		"type": "payment-status", "bank": ownBIC, "attempt": o.Attempt, "order": o.ID, "outcome": "executed", "amount": o.Tiyn, "currency": "KZT",
		"bank_reference": o.BankReference, "executed_at": o.ExecutedAt.UTC().Format(time.RFC3339Nano),
	}
	confirm := func(who *pki.Identity, change func(map[string]any)) answered {
		message := map[string]any{}
		maps.Copy(message, status)
		if change != nil {
			change(message)
		}
		cms := must[[]byte](t)(who.SignCMS(must[[]byte](t)(json.Marshal(message)), pki.CMSOptions{}))
		return w.do(call{method: http.MethodPost, path: "/v1/bank-confirmations", contentType: typeCMS, body: cms})
	}
	for range 2 {
		if c := in[payment.Confirmation](t, confirm(w.bankID, nil), 200); c.Result != payment.AlreadyApplied || c.Order != o.ID {
			t.Errorf("got %+v", c)
		}
	}
	confirm(w.otherBankID, nil).want(t, 403, "bank_message_signed_by_another")
	confirm(w.citizen, nil).want(t, 403, "bank_message_signed_by_another")
	confirm(w.otherBankID, func(m map[string]any) { m["bank"] = otherBIC }).want(t, 403, "attempt_of_another_bank")
	confirm(w.bankID, func(m map[string]any) { m["attempt"] = "att_00" + strings.Repeat("0", 32) }).want(t, 404, "attempt_unknown")
	if a := confirm(w.bankID, func(m map[string]any) { m["amount"] = 1 }); a.status != 409 {
		t.Errorf("another amount: %d %s", a.status, a.body)
	}
	if a := confirm(w.bankID, func(m map[string]any) { m["outcome"] = "refused" }); a.status != 409 {
		t.Errorf("another outcome: %d %s", a.status, a.body)
	}
	garbage := w.do(call{method: http.MethodPost, path: "/v1/bank-confirmations", contentType: typeCMS, body: []byte("garbage")})
	if garbage.status < 400 || garbage.status >= 500 {
		t.Errorf("garbage: %d %s", garbage.status, garbage.body)
	}
	if n := len(w.bank.Movements()); n != 1 {
		t.Errorf("money moved %d times", n)
	}
	if now := w.executed(o.ID); now.Tiyn != o.Tiyn {
		t.Errorf("got %+v", now)
	}
}
