package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"qaqpa/api/auth"
	"qaqpa/payment/order"
	"qaqpa/payment/receipt"
	"qaqpa/signer"
	"qaqpa/signer/pades"
)

const courtReason = "Claim 2-1017 of 22 November"

// copyIn is the copy that a PDF holds, after its seal was judged.
func (w *whole) copyIn(t *testing.T, pdf []byte) receipt.Copy {
	t.Helper()
	v := in[signer.Verdict](t, w.do(call{method: http.MethodPost, path: "/v1/validations", contentType: typePDF, body: pdf}), 200)
	if !v.Passed() || v.Coverage != "FULL" {
		t.Errorf("the seal is %s %s over %s", v.Indication, v.Sub, v.Coverage)
	}
	files, err := pades.Attachments(pdf)
	if err != nil || len(files) != 1 || files[0].Name != receipt.CopyName {
		t.Fatalf("%d files, %v", len(files), err)
	}
	c, err := receipt.DecodeCopy(files[0].Content)
	if err != nil {
		t.Fatal(err)
	}
	if !receipt.BeginsWith(pdf, c.PageSHA256) {
		t.Error("the PDF does not begin with its page")
	}
	return c
}

// checkCopies: receipts exist in English, and as copies for courts.
func (w *whole) checkCopies(t *testing.T, o order.Order) {
	t.Helper()
	base := "/v1/receipts/" + o.Receipt
	english := w.get(w.portalKey, base+"/pdf?lang=en")
	c := w.copyIn(t, english.body)
	if c.Language != receipt.English || c.Court != nil || c.Receipt.ID != o.Receipt || !strings.Contains(english.header.Get("Content-Disposition"), "-en.pdf") {
		t.Errorf("odd translation %+v %v", c.Language, english.header)
	}
	if again := w.get(w.bankKey, base+"/pdf?lang=en"); !bytes.Equal(again.body, english.body) {
		t.Error("the translation was made twice")
	}
	// Programs that say they read English get the page of which the receipt has the digest.
	if own := w.do(call{method: http.MethodGet, path: base + "/pdf", key: w.bankKey, header: map[string]string{"Accept-Language": "en-GB,en;q=0.9"}}); bytes.Equal(own.body, english.body) {
		t.Error("nobody asked for the translation")
	}
	seal := w.get(w.agencyKey, base+"/pdf-seal?lang=en")
	contentType, both := form(t, map[string][]byte{"document": seal.body, "detached": english.body})
	if v := in[signer.Verdict](t, w.do(call{method: http.MethodPost, path: "/v1/validations", contentType: contentType, body: both}), 200); !v.Passed() {
		t.Errorf("the seal beside it is %s", v.Indication)
	}
	for _, own := range []string{"kk", "ru"} {
		if pdf := w.get(w.portalKey, base+"/pdf?lang="+own); bytes.Equal(pdf.body, english.body) || pdf.status != 200 {
			t.Errorf("%s: got %d", own, pdf.status)
		}
	}
	w.do(call{method: http.MethodGet, path: base + "/pdf?lang=de", key: w.portalKey, bad: true}).want(t, 400, "query_invalid")
	w.get(w.otherBankKey, base+"/pdf?lang=en").want(t, 404, "receipt_unknown")
	// The page knows its file, and one octet more is another file.
	for says, pdf := range map[string][]byte{
		"The gateway issued this receipt":              english.body,
		"This is not the file that the gateway issued": bytes.Replace(english.body, []byte("0 0 1 rg"), []byte("0 1 0 rg"), 1)[:len(english.body)-1],
	} {
		contentType, body := form(t, map[string][]byte{"document": pdf})
		w.do(call{method: http.MethodPost, path: "/verify?lang=en", contentType: contentType, body: body}).shows(t, 200, says)
	}

	court := w.court(w.agencyKey, base, map[string]any{"reason": courtReason})
	c = w.copyIn(t, court.body)
	switch {
	case c.Language != receipt.Bilingual || c.Court == nil || c.Court.Reason != courtReason || c.Court.Withheld || len(c.Court.History) < 4:
		t.Fatalf("got %+v", c.Court)
	case len(c.Court.Authorisations) != 1 || c.Court.Authorisations[0].Indication != "TOTAL-PASSED" || c.Court.Authorisations[0].Signer != w.citizen.IIN():
		t.Errorf("authorisations %+v", c.Court.Authorisations)
	case c.Court.Confirmation == nil || c.Court.Confirmation.Indication != "TOTAL-PASSED":
		t.Errorf("confirmation %+v", c.Court.Confirmation)
	}
	if sum := sha256.Sum256([]byte(c.Court.Document)); hex.EncodeToString(sum[:]) != o.DocumentSHA256 {
		t.Error("the document in the copy is another")
	}
	// What the payer signed verifies with what is in the copy alone.
	signature, err := base64.StdEncoding.DecodeString(c.Court.Authorisations[0].Message)
	if err != nil {
		t.Fatal(err)
	}
	contentType, both = form(t, map[string][]byte{"document": signature, "detached": []byte(c.Court.Document)})
	if v := in[signer.Verdict](t, w.do(call{method: http.MethodPost, path: "/v1/validations", contentType: contentType, body: both}), 200); !v.Passed() {
		t.Errorf("the payer's signature in the copy is %s", v.Indication)
	}
	if c := w.copyIn(t, w.court(w.operatorKey, base, map[string]any{"reason": courtReason, "language": "en"}).body); c.Language != receipt.English || c.Court == nil {
		t.Errorf("got %+v", c)
	}
	for name, bad := range map[string]map[string]any{
		"no reason":      {"reason": ""},
		"a short one":    {"reason": "why"},
		"a line break":   {"reason": "a claim\nof today"},
		"language":       {"reason": courtReason, "language": "de"},
		"unknown member": {"reason": courtReason, "more": 1},
	} {
		if a := w.do(call{method: http.MethodPost, path: base + "/court-copy", key: w.operatorKey, contentType: typeJSON, body: must[[]byte](t)(json.Marshal(bad)), bad: true}); a.status/100 != 4 {
			t.Errorf("%s: got %d", name, a.status)
		}
	}
	w.court(w.otherAgencyKey, base, map[string]any{"reason": courtReason}).want(t, 404, "receipt_unknown")
	w.court(w.otherBankKey, base, map[string]any{"reason": courtReason}).want(t, 404, "receipt_unknown")
	looks, err := w.keys.LooksAt(t.Context(), w.citizen.IIN())
	if err != nil {
		t.Fatal(err)
	}
	noted := 0
	for _, l := range looks {
		if l.Reason == courtReason {
			noted++
		}
	}
	if noted < 2 {
		t.Errorf("%d copies are noted for the payer", noted)
	}
	w.checkReads(t, o)
}

// checkReads: an agency, a bank and the operator leave a trace where they read what is a person's, once for the same thing (R42).
func (w *whole) checkReads(t *testing.T, o order.Order) {
	t.Helper()
	debt := o.Items[0].Debt
	for _, path := range []string{"/v1/orders/" + o.ID, "/v1/orders/" + o.ID, "/v1/orders/" + o.ID + "/events", "/v1/receipts/" + o.Receipt, "/v1/debts/" + debt, "/v1/debts/" + debt + "/payment"} {
		for _, key := range []string{w.operatorKey, w.portalKey} {
			if a := w.get(key, path); a.status != 200 {
				t.Errorf("%s: got %d %s", path, a.status, a.body)
			}
		}
	}
	w.get(w.otherAgencyKey, "/v1/debts/"+debt).want(t, 404, "debt_unknown")
	looks, err := w.keys.LooksAt(t.Context(), w.citizen.IIN())
	if err != nil {
		t.Fatal(err)
	}
	times := map[string]int{}
	for _, l := range looks {
		times[l.Organisation+" "+l.Reason]++
	}
	for _, path := range []string{"/v1/orders/" + o.ID, "/v1/orders/" + o.ID + "/events", "/v1/receipts/" + o.Receipt, "/v1/debts/" + debt, "/v1/debts/" + debt + "/payment"} {
		if n := times[string(auth.Operator)+" API: GET "+path]; n != 1 {
			t.Errorf("%s is noted %d times", path, n)
		}
		if n := times[string(auth.Portal)+" API: GET "+path]; n != 0 {
			t.Errorf("the portal's reading of %s is noted", path)
		}
	}
}

func (w *whole) court(key, base string, ask map[string]any) answered {
	w.t.Helper()
	return w.do(call{method: http.MethodPost, path: base + "/court-copy", key: key, contentType: typeJSON, body: must[[]byte](w.t)(json.Marshal(ask))})
}
