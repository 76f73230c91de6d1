package api

import (
	"bytes"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"testing"

	"qaqpa/payment"
	"qaqpa/signer/algo"
	"qaqpa/testenv/pki"
)

func digestOf(h algo.Hash, content []byte) string {
	return h.Name() + ":" + hex.EncodeToString(h.Sum(nil, content))
}

// The page asks which digests a signature needs, and is served by them; the original stays where it is.
func TestPageTakesDigests(t *testing.T) {
	j := newJudging(t)
	content := []byte("қаулы")
	detached := j.sign(j.citizen(), content, pki.CMSOptions{Detached: true})
	asks := func(body []byte) string {
		a := j.do(call{method: http.MethodPost, path: "/verify/hashes", page: true, contentType: typeBytes, body: body})
		if a.status != 200 {
			t.Errorf("got %d %s", a.status, a.body)
		}
		return string(a.body)
	}
	if got := asks(detached); got != `{"hashes":["SHA-256"]}` {
		t.Errorf("asks for %s", got)
	}
	for _, other := range []string{"<a/>", "%PDF-1.7", "nonsense"} {
		if got := asks([]byte(other)); got != `{"hashes":[]}` {
			t.Errorf("%s asks for %s", other, got)
		}
	}
	right, wrong := digestOf(algo.SHA256, content), digestOf(algo.SHA256, []byte("другое"))
	j.upload("ru", map[string][]byte{"document": detached, "digests": []byte(right)}).shows(t, 200, "Подпись действительна", "Приложенный исходный документ целиком")
	j.upload("ru", map[string][]byte{"document": detached, "digests": []byte(wrong)}).shows(t, 200, "Подпись недействительна")
	j.upload("ru", map[string][]byte{"document": detached, "digests": []byte(digestOf(algo.Streebog256, content))}).shows(t, 200, "Пока не установлено")
	for name, digests := range map[string]string{
		"no hex": "SHA-256:zz", "short": "SHA-256:00", "unknown": "MD5:" + strings.Repeat("0", 32), "twice": right + " " + wrong, "many": strings.Repeat(right+" ", 9),
	} {
		if a := j.upload("en", map[string][]byte{"document": detached, "digests": []byte(digests)}); a.status != 400 {
			t.Errorf("%s: %d", name, a.status)
		}
	}
	if a := j.upload("en", map[string][]byte{"document": detached, "detached": content, "digests": []byte(right)}); a.status != 400 {
		t.Errorf("an original and digests: %d", a.status)
	}
}

// The report as a file from the page, without anything being stored, and a page where it cannot be made.
func TestPageGivesReport(t *testing.T) {
	j := newJudging(t)
	contentType, body := form(t, map[string][]byte{"document": j.sign(j.citizen(), []byte("x"), pki.CMSOptions{})})
	a := j.do(call{method: http.MethodPost, path: "/verify/report.pdf?lang=kk", page: true, contentType: contentType, body: body})
	if a.status != 200 || a.header.Get("Content-Type") != typePDF || !bytes.HasPrefix(a.body, []byte("%PDF-")) || !strings.HasPrefix(a.header.Get("Content-Disposition"), "attachment") {
		t.Errorf("%d %s %.40s", a.status, a.header.Get("Content-Type"), a.body)
	}
	var stored int
	if err := j.db.GetContext(t.Context(), &stored, `SELECT (SELECT count(*) FROM verdicts) + (SELECT count(*) FROM evidence)`); err != nil || stored != 0 {
		t.Errorf("%d rows are stored, %v", stored, err)
	}
	contentType, body = form(t, map[string][]byte{"document": nil})
	j.do(call{method: http.MethodPost, path: "/verify/report.pdf?lang=kk", page: true, contentType: contentType, body: body}).shows(t, 400, "Файл таңдалмаған")
	policy := j.do(call{method: http.MethodGet, path: "/verify"}).header.Get("Content-Security-Policy")
	if policy != verifyPolicy || strings.Contains(policy, "unsafe") {
		t.Errorf("policy %s", policy)
	}
}

// A receipt's PDF is known by its digest; one that was changed keeps its code and is told to be another.
func TestPageKnowsReceiptFiles(t *testing.T) {
	w := start(t)
	code, pdf := w.receiptPDF(t)
	upload := func(file []byte) answered {
		contentType, body := form(t, map[string][]byte{"document": file})
		return w.do(call{method: http.MethodPost, path: "/verify?lang=en", contentType: contentType, body: body})
	}
	upload(pdf).shows(t, 200, "This is the file of a receipt as the gateway issued it", code)
	changed := append(bytes.Clone(pdf), "\n% changed"...)
	upload(changed).shows(t, 200, "This is not the file that the gateway issued", code)
	// The page as it was drawn, without its seal, and with a value that was changed.
	upload(pdf[:bytes.Index(pdf, []byte("%%EOF"))+5]).shows(t, 200, "This is not the file that the gateway issued", code)
	at := bytes.Index(pdf, []byte("stream\n")) + 20
	upload(slices.Concat(pdf[:at], []byte{pdf[at] ^ 1}, pdf[at+1:])).shows(t, 200, "This is not the file that the gateway issued", code)
	forged := bytes.Replace(pdf, []byte("/Title ("), []byte("/Titel ("), 1)
	upload(forged).shows(t, 200, "The document was changed after signing")
}

// receiptPDF pays and returns the code and the PDF of the receipt.
func (w *whole) receiptPDF(t *testing.T) (code string, pdf []byte) {
	t.Helper()
	_, o := w.pay("RECEIPT-FILE")
	r := in[payment.Receipt](t, w.get(w.portalKey, "/v1/receipts/"+o.Receipt), 200)
	return r.Code, w.get(w.portalKey, "/v1/receipts/"+r.ID+"/pdf").body
}
