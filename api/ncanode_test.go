package api

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"qaqpa/api/auth"
	"qaqpa/api/language"
	"qaqpa/api/ncanode"
	"qaqpa/payment"
	"qaqpa/signer"
	"qaqpa/signer/audit"
	"qaqpa/signer/trust"
	"qaqpa/testenv/pki"
	"qaqpa/testenv/postgres"

	"github.com/google/go-cmp/cmp"
)

// foreign is a gateway that also speaks the interface of NCANode.
func foreign(t *testing.T, change func(*Config)) (*gateway, *pki.PKI) {
	t.Helper()
	db := postgres.ForTest(t, signer.Migrate, auth.Migrate)
	p := pki.ForTest(t, pki.ECDSA)
	trail := must[*audit.Log](t)(audit.New(audit.Config{Now: time.Now}))
	store := must[*trust.Store](t)(trust.New(trust.Config{
		Mode: trust.Custom, Anchors: [][]byte{p.AnchorsPEM()}, Intermediates: [][]byte{p.IntermediatesPEM()},
	}))
	sign := must[*signer.Service](t)(signer.New(signer.Config{DB: db, Audit: trail, Trust: store, Now: time.Now}))
	g := serveFront(t, db, &payment.Service{}, sign, func(c *Config) {
		c.NCANode = true
		if change != nil {
			change(c)
		}
	})
	g.contract = contractOf(t, ncanodeContract)
	return g, p
}

func (g *gateway) send(path, body string, header map[string]string) answered {
	g.t.Helper()
	return g.do(call{method: http.MethodPost, path: path, contentType: typeJSON, body: []byte(body), header: header, bad: true})
}

// theirs reads an error in NCANode's shape and checks what all of them have.
func (a answered) theirs(tb testing.TB, status int, code string) ncanodeError {
	tb.Helper()
	var e ncanodeError
	if err := json.Unmarshal(a.body, &e); err != nil {
		tb.Fatalf("%d %s: %v", a.status, a.body, err)
	}
	if a.status != status || e.Status != status || e.Code != code || e.Message == "" || e.TraceID != a.header.Get("X-Request-Id") || a.header.Get("Content-Type") != typeJSON {
		tb.Errorf("got %d %s, want %d %s", a.status, a.body, status, code)
	}
	return e
}

// Signed over HTTP, valid over HTTP, and valid by our own interface. Neither log nor audit trail knows the password.
func TestNCANodeOverHTTP(t *testing.T) {
	g, p := foreign(t, nil)
	id := must[*pki.Identity](t)(p.Issue(pki.Profile{Family: pki.ECDSA, Kind: pki.Citizen, Surname: "ӘЛИЕВ", Given: "ДӘУРЕН", IIN: pki.IIN(7)}))
	const password = "Құпия-5406"
	file := must[[]byte](t)(id.PKCS12(password))
	key := fmt.Sprintf(`{"key":"%s","password":"%s","keyAlias":null}`, base64.StdEncoding.EncodeToString(file), password)
	signed := g.do(call{
		method: http.MethodPost, path: "/cms/sign", contentType: "application/json; charset=UTF-8",
		body: []byte(`{"data":"0q/Rgg==","signers":[` + key + `],"detached":false}`),
	})
	cms := in[struct{ CMS []byte }](t, signed, http.StatusOK).CMS
	got := in[struct{ Valid bool }](t, g.do(call{
		method: http.MethodPost, path: "/cms/verify", contentType: typeJSON, body: must[[]byte](t)(json.Marshal(map[string]any{"cms": cms})),
	}), http.StatusOK)
	if !got.Valid {
		t.Error("what was signed here is not valid here")
	}
	wrong := g.send("/pkcs12/info", `{"keys":[`+strings.Replace(key, password, password+"x", 1)+`]}`, map[string]string{"Accept-Language": "kk"})
	if e := wrong.theirs(t, http.StatusBadRequest, "key_password"); e.Message != "keys[0]: Key reading error: Password incorrect." || !strings.Contains(e.Details, "Құпиясөз") {
		t.Errorf("%+v", e)
	}
	var rows []string
	if err := g.db.Select(&rows, `SELECT convert_from(detail, 'UTF8') FROM audit_entries`); err != nil || len(rows) == 0 {
		t.Fatalf("%d audit rows, %v", len(rows), err)
	}
	everything := g.log.String() + strings.Join(rows, " ") + string(wrong.body)
	for _, secret := range []string{password, base64.StdEncoding.EncodeToString(file)[:40]} {
		if strings.Contains(everything, secret) {
			t.Errorf("%q is in a log, an audit row or an error", secret)
		}
	}
	g.contract = loadContract(t)
	own := in[signer.Verdict](t, g.do(call{method: http.MethodPost, path: "/v1/validations", contentType: typeCMS, body: cms, bad: true}), http.StatusOK)
	if len(own.Signatures) != 1 || own.Sub != "TRY_LATER" { // nothing is fetched here: revocation alone is missing
		t.Errorf("%s/%s", own.Indication, own.Sub)
	}
}

// The gates before the operations answer in NCANode's shape too.
func TestNCANodeGates(t *testing.T) {
	g, _ := foreign(t, func(c *Config) { c.Limits.NCANodePerMinute, c.Limits.DocumentBytes = 12, 1<<16 })
	key := g.key(auth.Portal, "portal", auth.ValidationsWrite)
	known := map[string]string{"Authorization": "Bearer " + key}
	g.send("/cms/verify", `{"cms":"x"`, known).theirs(t, http.StatusBadRequest, "json_syntax")
	if e := g.send("/cms/sign", `{"data":"AA==","signers":[{"key":"","password":1}]}`, known).theirs(t, http.StatusBadRequest, "json_wrong_type"); e.Field != "/signers/0/password" {
		t.Errorf("%+v", e)
	}
	g.send("/cms/sign?x=1", `{}`, known).theirs(t, http.StatusBadRequest, "query_invalid")
	if got := g.send("/cms/verify", `{}`, map[string]string{"Authorization": "Bearer " + key, "Origin": "https://evil.example"}); got.header.Get("Access-Control-Allow-Origin") != "" {
		t.Error("scripts of other sites may read answers")
	}
	g.send("/cms/verify", strings.Repeat(" ", 1<<18), known).theirs(t, http.StatusRequestEntityTooLarge, "body_too_large")
	g.do(call{method: http.MethodPost, path: "/cms/verify", contentType: "text/xml", body: []byte("<a/>"), header: known, bad: true}).theirs(t, http.StatusUnsupportedMediaType, "media_type_unsupported")
	g.do(call{method: http.MethodPost, path: "/cms/verify", contentType: typeJSON, header: known, bad: true}).theirs(t, http.StatusBadRequest, "body_missing")
	g.send("/cms/verify", `{}`, map[string]string{"Authorization": "Bearer qk_nobody"}).theirs(t, http.StatusUnauthorized, "key_invalid")
	last := answered{}
	for range 13 {
		last = g.send("/cms/verify", `{}`, nil)
	}
	last.theirs(t, http.StatusTooManyRequests, "too_many_requests")
	if last.header.Get("Retry-After") == "" {
		t.Error("a client is not told when to come again")
	}
	if got := g.do(call{method: http.MethodGet, path: "/actuator/health"}); string(got.body) != `{"status":"UP"}` {
		t.Errorf("health: %s", got.body)
	}
	if got := g.do(call{method: http.MethodGet, path: "/ncanode/openapi.yaml"}); !bytes.Equal(got.body, ncanodeContract) {
		t.Error("the contract is not served")
	}
}

// A body with keys is not left in memory.
func TestNCANodeOverwritesBodies(t *testing.T) {
	s := bare(t)
	body := []byte(`{"password":"Qwerty12"}`)
	rt := &route{secret: true, bodyMax: 100, consumes: []string{typeJSON}, produces: typeJSON, serve: s.home}
	s.answer(t.Context(), rt, &request{contentType: typeJSON}, incoming{length: len(body), read: func(int) ([]byte, error) { return body, nil }})
	if bytes.Contains(body, []byte("Qwerty12")) {
		t.Errorf("left: %q", body)
	}
}

// The switch is off by default, and nothing of the interface is there.
func TestNCANodeIsOffByDefault(t *testing.T) {
	for _, rt := range must[[]route](t)(bare(t).routes()) {
		if strings.HasPrefix(rt.path, "/cms") || strings.HasPrefix(rt.path, "/actuator") {
			t.Errorf("%s is served", rt.path)
		}
	}
}

// The contract and the running routes are the same, both ways.
func TestNCANodeRoutesEqualContract(t *testing.T) {
	c := contractOf(t, ncanodeContract)
	s := bare(t)
	s.cfg.NCANode = true
	served := map[string]route{}
	for _, rt := range must[[]route](t)(s.ncanodeRoutes()) {
		served[rt.method+" "+rt.path] = rt
	}
	described := map[string]bool{}
	for path, item := range c.doc.Paths.Map() {
		for method, op := range item.Operations() {
			described[method+" "+path] = true
			if rt, ok := served[method+" "+path]; ok && op.RequestBody != nil && (!rt.secret || !rt.limited || rt.shape == nil || rt.rate == nil) {
				t.Errorf("%s: a gate is missing: %+v", path, rt)
			}
		}
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(described)), slices.Sorted(maps.Keys(served))); diff != "" {
		t.Errorf("contract and routes differ:\n%s", diff)
	}
}

// Each code has texts in three languages.
func TestNCANodeCodesHaveTexts(t *testing.T) {
	texts := must[*language.Catalog](t)(language.Load())
	for _, c := range ncanode.Codes() {
		for _, l := range language.All() {
			if !texts.Has(l, "ncanode."+string(c)) {
				t.Errorf("%s: no text for %s", l, c)
			}
		}
	}
}
