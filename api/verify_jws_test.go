package api

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"qaqpa/testenv/pki"
)

// jws makes a compact JWS with the headers of JAdES, out of the standard library alone: no code of the gateway takes part.
func (w *whole) jws(t *testing.T, who *pki.Identity, payload []byte) string {
	t.Helper()
	sum := sha256.Sum256(who.Certificate)
	header := must[[]byte](t)(json.Marshal(map[string]any{
		"alg": "ES256", "x5c": []string{base64.StdEncoding.EncodeToString(who.Certificate)}, "x5t#S256": base64.RawURLEncoding.EncodeToString(sum[:]),
		"sigT": time.Now().UTC().Format(time.RFC3339), "crit": []string{"sigT"},
	}))
	signed := base64.RawURLEncoding.EncodeToString(header) + "." + base64.RawURLEncoding.EncodeToString(payload)
	digest := sha256.Sum256([]byte(signed))
	key, ok := who.Key.(*ecdsa.PrivateKey)
	if !ok {
		t.Fatalf("the key is a %T", who.Key)
	}
	r, s, err := ecdsa.Sign(rand.Reader, key, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	signature := append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// withoutPayload is the JWS beside its payload.
func withoutPayload(token string) string {
	parts := strings.Split(token, ".")
	return parts[0] + ".." + parts[2]
}

// The page of verification judges JSON Web Signatures: attached, beside the original, and changed.
func TestVerifyPageTakesJWS(t *testing.T) {
	w := start(t)
	payload := []byte(`{"қаулы":17}`)
	token := w.jws(t, w.citizen, payload)
	parts := strings.Split(token, ".")
	changed := parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(`{"қаулы":18}`)) + "." + parts[2]
	for name, row := range map[string]struct {
		files map[string][]byte
		says  string
	}{
		"attached":                 {map[string][]byte{"document": []byte(token)}, "The signature holds"},
		"changed":                  {map[string][]byte{"document": []byte(changed)}, "The signature does not hold"},
		"beside":                   {map[string][]byte{"document": []byte(withoutPayload(token)), "detached": payload}, "The signature holds"},
		"in the wrong field":       {map[string][]byte{"document": payload, "detached": []byte(withoutPayload(token))}, "The signature holds"},
		"beside something else":    {map[string][]byte{"document": []byte(withoutPayload(token)), "detached": []byte("{}")}, "The signature does not hold"},
		"no signature of anything": {map[string][]byte{"document": []byte("e30.e30.")}, "No signature was found"},
	} {
		contentType, body := form(t, row.files)
		got := w.do(call{method: "POST", path: "/verify?lang=en", contentType: contentType, body: body})
		if got.status != 200 || !strings.Contains(string(got.body), row.says) {
			t.Errorf("%s: %d, not %q", name, got.status, row.says)
		}
		if row.says == "The signature holds" && !strings.Contains(string(got.body), "СЕЙТҚАЛИЕВА") {
			t.Errorf("%s: nobody is named", name)
		}
	}
}

// kept counts what is stored of documents and of what was found out about them.
func (w *whole) kept(t *testing.T) (rows int) {
	t.Helper()
	if err := w.db.GetContext(t.Context(), &rows, `SELECT (SELECT count(*) FROM verdicts) + (SELECT count(*) FROM evidence) + (SELECT count(*) FROM audit_entries)`); err != nil {
		t.Fatal(err)
	}
	return rows
}

// The page says that files are not kept. Neither document nor verdict nor evidence is, nor a line of the audit log, whatever the form
// brings and whichever form of the answer is asked for; only who has a key can ask to store.
func TestVerifyPageStoresNothing(t *testing.T) {
	w := start(t)
	attached := must[[]byte](t)(w.citizen.SignCMS([]byte("SECRET-OF-THE-READER"), pki.CMSOptions{}))
	before := w.kept(t)
	for name, c := range map[string]struct {
		path  string
		files map[string][]byte
	}{
		"page":        {"/verify", map[string][]byte{"document": attached}},
		"report":      {"/verify/report.pdf", map[string][]byte{"document": attached}},
		"JWS":         {"/verify", map[string][]byte{"document": []byte(w.jws(t, w.citizen, []byte("{}")))}},
		"no document": {"/verify", map[string][]byte{"document": []byte("SECRET-OF-THE-READER")}},
		"open call":   {"/v1/validations", map[string][]byte{"document": attached}},
	} {
		contentType, body := form(t, c.files)
		if got := w.browser().send("POST", c.path, contentType, bytes.NewReader(body)); got.status != 200 {
			t.Errorf("%s: %d", name, got.status)
		}
		if now := w.kept(t); now != before {
			t.Errorf("%s: %d rows were stored", name, now-before)
		}
	}
	if log := w.log.String(); strings.Contains(log, "SECRET-OF-THE-READER") || strings.Contains(log, w.citizen.IIN()) {
		t.Error("the log has what was uploaded, or who signed it")
	}
	w.do(call{method: "POST", path: "/v1/validations", key: w.portalKey, contentType: typeCMS, body: attached})
	if now := w.kept(t); now == before {
		t.Error("what was asked to be stored is not, so that this test finds nothing")
	}
}
