package api

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"qaqpa/api/auth"
	"qaqpa/payment"
	"qaqpa/signer"
	"qaqpa/signer/audit"
	"qaqpa/signer/fetch"
	"qaqpa/signer/pkix"
	"qaqpa/signer/report"
	"qaqpa/signer/sealing"
	"qaqpa/signer/trust"
	"qaqpa/testenv/fault"
	"qaqpa/testenv/pki"
	"qaqpa/testenv/postgres"

	"codeberg.org/go-pdf/fpdf"
	"github.com/go-jose/go-jose/v4"
)

// sealHouse is a gateway that seals, with the authorities around it.
type sealHouse struct {
	*gateway
	srv      *pki.Server
	pki      *pki.PKI
	service  *signer.Service
	policies signer.SealPolicies
	agency   string // its API key
	token    *moody
}

// moody is a key that fails when it is told to.
type moody struct {
	crypto.Signer
	err error
}

func (m *moody) Sign(r io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if m.err != nil {
		return nil, m.err
	}
	return m.Signer.Sign(r, digest, opts)
}

// houseOfSeals starts it; the agency's policy allows everything.
func houseOfSeals(t *testing.T, notAfter time.Time) *sealHouse {
	t.Helper()
	h := &sealHouse{pki: pki.ForTest(t, pki.ECDSA)}
	h.srv = must[*pki.Server](t)(h.pki.Serve(t.Context()))
	t.Cleanup(func() { _ = h.srv.Close() })
	seal := must[*pki.Identity](t)(h.pki.Issue(pki.Profile{
		Name: "seal", Family: pki.ECDSA, Kind: pki.InformationSystem, SystemName: "QAQPA", Organisation: "АҚ «Қақпа»", BIN: pki.BIN(9), NotAfter: notAfter,
	}))
	db := postgres.ForTest(t, signer.Migrate, auth.Migrate)
	chain := []*pkix.Certificate{must[*pkix.Certificate](t)(pkix.ParseCertificate(seal.Certificate)), must[*pkix.Certificate](t)(pkix.ParseCertificate(seal.Chain[0]))}
	h.token = &moody{Signer: seal.Key}
	trail := h.serve(t, signer.Config{DB: db, SealKey: h.token, SealChain: chain})
	h.policies = signer.SealPolicies{DB: db, Audit: trail, Now: time.Now}
	h.allow(sealing.Policy{Keys: []string{"seal"}, Formats: sealing.Formats(), Levels: sealing.Levels(), PerMinute: 1000, Digests: true, Raise: true})
	h.agency = h.key(auth.Agency, "agn_1")
	return h
}

// serve starts the gateway with these keys, trusting its authorities.
func (h *sealHouse) serve(t *testing.T, cfg signer.Config) *audit.Log {
	t.Helper()
	cfg.Trust = must[*trust.Store](t)(trust.New(trust.Config{
		Mode: trust.Custom, Anchors: [][]byte{h.pki.AnchorsPEM()}, Intermediates: [][]byte{h.pki.IntermediatesPEM()},
	}))
	cfg.Fetch = must[*fetch.Client](t)(fetch.New(fetch.Config{AllowPrivate: true, Now: time.Now, FailureKeep: -1}))
	t.Cleanup(cfg.Fetch.Close)
	cfg.Audit = must[*audit.Log](t)(audit.New(audit.Config{Now: time.Now}))
	cfg.TSA, cfg.Now, cfg.OCSPReuse = h.srv.URL+"/tsp/", time.Now, -1
	h.service = must[*signer.Service](t)(signer.New(cfg))
	h.gateway = serveFront(t, cfg.DB, &payment.Service{}, h.service, nil)
	return cfg.Audit
}

// allow sets the agency's policy.
func (h *sealHouse) allow(p sealing.Policy) {
	h.t.Helper()
	if err := h.policies.Set(h.t.Context(), "agency:agn_1", p, "operator:test"); err != nil {
		h.t.Fatal(err)
	}
}

// seal asks for seals of documents.
func (h *sealHouse) seal(idem string, documents ...map[string]any) answered {
	h.t.Helper()
	body, err := json.Marshal(map[string]any{"documents": documents})
	if err != nil {
		h.t.Fatal(err)
	}
	return h.do(call{method: http.MethodPost, path: "/v1/seals", key: h.agency, idem: idem, contentType: typeJSON, body: body})
}

// entries is how many uses of the key are in the audit log.
func (h *sealHouse) entries() int {
	h.t.Helper()
	var n int
	if err := h.db.Get(&n, `SELECT count(*) FROM audit_entries WHERE action = 'document.sealed'`); err != nil {
		h.t.Fatal(err)
	}
	return n
}

func (h *sealHouse) validate(document, detached []byte) signer.Verdict {
	h.t.Helper()
	v, err := h.service.Validate(h.t.Context(), signer.ValidateRequest{Document: document, Detached: detached})
	if err != nil {
		h.t.Fatal(err)
	}
	return v
}

var sealContent = []byte("бұйрық № 7")

func onePage(t *testing.T) []byte {
	t.Helper()
	f := fpdf.New("P", "mm", "A4", "")
	f.SetFont("Helvetica", "", 14)
	f.AddPage()
	f.Cell(40, 10, "540 600 tenge")
	var out bytes.Buffer
	if err := f.Output(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestSeals: one request, every format, level and packaging; each seal holds, and stands in the audit log under its id.
func TestSeals(t *testing.T) {
	h := houseOfSeals(t, time.Time{})
	digest := sha256.Sum256(sealContent)
	var documents []map[string]any
	add := func(format, packaging, level string, more map[string]any) {
		d := map[string]any{"reference": strconv.Itoa(len(documents)), "format": format, "document": b64(sealContent)}
		for name, value := range map[string]string{"packaging": packaging, "level": level} {
			if value != "" {
				d[name] = value
			}
		}
		maps.Copy(d, more)
		documents = append(documents, d)
	}
	for _, level := range []string{"", "T", "LT", "LTA"} {
		add("CAdES", "", level, nil)
		add("CAdES", "detached", level, nil)
		add("PAdES", "enveloped", level, map[string]any{
			"document": b64(onePage(t)), "pdf": map[string]any{"reason": "Бекіту", "mark": map[string]any{"page": 0, "x": 56, "y": 640, "code": "https://qaqpa.example/"}},
		})
		add("CAdES", "detached", level, map[string]any{"digest": map[string]any{"algorithm": "SHA-256", "value": b64(digest[:])}})
		delete(documents[len(documents)-1], "document")
		add("XAdES", "", level, map[string]any{"document": b64([]byte("<order><fee>5406</fee></order>"))})
		add("XAdES", "enveloping", level, nil)
		add("XAdES", "detached", level, map[string]any{"xml": map[string]any{"name": "order.txt", "mime_type": "text/plain"}})
		if level != "LTA" {
			add("XAdES", "detached", level, map[string]any{"digest": map[string]any{"algorithm": "SHA-256", "value": b64(digest[:])}})
			delete(documents[len(documents)-1], "document")
		}
	}
	items := in[sealResults](t, h.seal("all", documents...), http.StatusOK).Items
	if len(items) != len(documents) {
		t.Fatalf("%d results", len(items))
	}
	for i, item := range items {
		if item.Seal == nil || item.Reference != strconv.Itoa(i) {
			t.Fatalf("%d: %s", i, item.Problem)
		}
		original := sealContent
		if item.Seal.Packaging != sealing.Detached {
			original = nil
		}
		v := h.validate(item.Seal.Document, original)
		level, _ := documents[i]["level"].(string)
		if level == "" {
			level = "B"
		}
		if item.Seal.Format == sealing.XAdES {
			xmlsec(t, h, item.Seal, sealContent)
		}
		if v.Indication != report.TotalPassed || !strings.HasSuffix(v.Signatures[0].Level, "-"+level) || string(item.Seal.Level) != level {
			t.Errorf("%d %s %s: %s %s, %s", i, item.Seal.Format, item.Seal.Level, v.Indication, v.Sub, v.Signatures[0].Level)
		}
		var n int
		if err := h.db.Get(&n, `SELECT count(*) FROM audit_entries WHERE subject = $1 AND actor = 'agency:agn_1'`, item.Seal.ID); err != nil || n != 1 {
			t.Errorf("%d: %d audit entries, %v", i, n, err)
		}
	}
}

// TestSealsJWS: go-jose verifies what we make by the certificate in x5c, attached, detached and unencoded.
func TestSealsJWS(t *testing.T) {
	h := houseOfSeals(t, time.Time{})
	payload := []byte(`{"тапсырыс":1}`)
	items := in[sealResults](t, h.seal("jws",
		map[string]any{"format": "JWS", "document": b64(payload), "jws": map[string]any{"content_type": "application/json"}},
		map[string]any{"format": "JWS", "document": b64(payload), "packaging": "detached"},
		map[string]any{"format": "JWS", "document": b64(payload), "packaging": "detached", "jws": map[string]any{"unencoded": true}},
	), http.StatusOK).Items
	for i, item := range items {
		if item.Seal == nil {
			t.Fatalf("%d: %s", i, item.Problem)
		}
		compact := string(item.Seal.Document)
		read := func(p []byte) (*jose.JSONWebSignature, error) {
			if i == 0 {
				return jose.ParseSignedCompact(compact, []jose.SignatureAlgorithm{jose.ES256})
			}
			return jose.ParseDetached(compact, p, []jose.SignatureAlgorithm{jose.ES256})
		}
		token, err := read(payload)
		if err != nil {
			t.Fatalf("%d: %v", i, err)
		}
		certs := token.Signatures[0].Protected
		chain, err := certs.Certificates(h.roots(t))
		if err != nil {
			t.Fatalf("%d: %v", i, err)
		}
		key := chain[0][0].PublicKey
		if got, err := token.Verify(key); err != nil || !bytes.Equal(got, payload) {
			t.Errorf("%d: %q, %v", i, got, err)
		}
		if i > 0 {
			other, err := read([]byte(`{"тапсырыс":2}`))
			if err == nil {
				_, err = other.Verify(key)
			}
			if err == nil {
				t.Errorf("%d holds over another payload", i)
			}
		}
	}
}

// TestSealPolicies: what a policy does not name is refused as a whole, before anything is signed, and pointed at.
func TestSealPolicies(t *testing.T) {
	h := houseOfSeals(t, time.Time{})
	doc := func(more map[string]any) map[string]any {
		d := map[string]any{"format": "CAdES", "document": b64(sealContent)}
		maps.Copy(d, more)
		return d
	}
	h.allow(sealing.Policy{Keys: []string{"seal"}, Formats: []sealing.Format{sealing.CAdES}, Levels: []sealing.Level{sealing.B}, PerMinute: 100})
	for field, d := range map[string]map[string]any{
		"/documents/1/format": doc(map[string]any{"format": "raw"}),
		"/documents/1/level":  doc(map[string]any{"level": "LT"}),
		"/documents/1/digest": {"format": "CAdES", "packaging": "detached", "digest": map[string]any{"algorithm": "SHA-256", "value": b64(make([]byte, 32))}},
	} {
		p := h.seal("policy", doc(nil), d).want(t, http.StatusForbidden, codeSealDenied)
		if p.Field != field || p.DeveloperDetail == "" {
			t.Errorf("%s: %+v", field, p)
		}
	}
	body := `{"key":"checkpoint","documents":[{"format":"CAdES","document":"AA=="}]}`
	if p := h.post(h.agency, "/v1/seals", "key", body).want(t, http.StatusForbidden, codeSealDenied); p.Field != "/key" {
		t.Errorf("%+v", p)
	}
	h.post(h.agency, "/v1/seals/raise", "raise", `{"documents":[{"document":"AA==","level":"B"}]}`).want(t, http.StatusForbidden, codeSealDenied)
	h.post(h.key(auth.Agency, "agn_2"), "/v1/seals", "nobody", `{"documents":[{"format":"CAdES","document":"AA=="}]}`).want(t, http.StatusForbidden, codeSealDenied)
	h.post(h.key(auth.Agency, "agn_1", auth.ReceiptsRead), "/v1/seals", "scope", `{"documents":[]}`).want(t, http.StatusForbidden, codeScope)
	if n := h.entries(); n != 0 {
		t.Errorf("the key was used %d times", n)
	}
	if err := h.policies.End(t.Context(), "agency:agn_1", "operator:test"); err != nil {
		t.Fatal(err)
	}
	h.seal("ended", doc(nil)).want(t, http.StatusForbidden, codeSealDenied)
}

// TestSealRate: the limit of a minute holds over several instances at once; what is refused is not half-made, and says when to come again.
func TestSealRate(t *testing.T) {
	h := houseOfSeals(t, time.Time{})
	h.allow(sealing.Policy{Keys: []string{"seal"}, Formats: []sealing.Format{sealing.CAdES}, Levels: []sealing.Level{sealing.B}, PerMinute: 5})
	second := serveFront(t, h.db, &payment.Service{}, h.service, nil)
	var mu sync.Mutex
	got := map[int]int{}
	var wg sync.WaitGroup
	for i := range 12 {
		g := []*gateway{h.gateway, second}[i%2]
		wg.Go(func() {
			a := g.do(call{
				method: http.MethodPost, path: "/v1/seals", key: h.agency, idem: fmt.Sprint(i), contentType: typeJSON,
				body: []byte(`{"documents":[{"format":"CAdES","document":"AA=="}]}`),
			})
			if a.status == http.StatusTooManyRequests {
				a.want(t, http.StatusTooManyRequests, codeSealRate)
				if wait, err := strconv.Atoi(a.header.Get("Retry-After")); err != nil || wait < 1 || wait > 62 {
					t.Errorf("Retry-After is %q", a.header.Get("Retry-After"))
				}
			}
			mu.Lock()
			got[a.status]++
			mu.Unlock()
		})
	}
	wg.Wait()
	if got[200] != 5 || got[429] != 7 || h.entries() != 5 {
		t.Errorf("%v, %d seals", got, h.entries())
	}
	var many []map[string]any
	for range 6 {
		many = append(many, map[string]any{"format": "CAdES", "document": "AA=="})
	}
	if p := h.seal("never", many...).want(t, http.StatusForbidden, codeSealDenied); p.Field != "/documents" {
		t.Errorf("%+v", p)
	}
}

// TestSealsAgain: a repetition gets the same seals and uses no key; another request under the key is refused; what failed is tried again.
func TestSealsAgain(t *testing.T) {
	h := houseOfSeals(t, time.Time{})
	plain := map[string]any{"format": "CAdES", "document": b64(sealContent)}
	stamped := map[string]any{"format": "CAdES", "document": b64(sealContent), "level": "T"}
	if err := h.srv.Faults.Add(fault.Fault{Kind: pki.FaultDown, On: "tsp", Count: 1}); err != nil {
		t.Fatal(err)
	}
	first := h.seal("again", plain, stamped)
	items := in[sealResults](t, first, http.StatusOK).Items
	var p problem
	if err := json.Unmarshal(items[1].Problem, &p); err != nil || items[0].Seal == nil || items[1].Seal != nil || p.Code != codeNoTimeStamp || p.Title == "" {
		t.Fatalf("%s %v", items[1].Problem, err)
	}
	second := h.seal("again", plain, stamped)
	again := in[sealResults](t, second, http.StatusOK).Items
	if again[0].Seal.ID != items[0].Seal.ID || !bytes.Equal(again[0].Seal.Document, items[0].Seal.Document) || again[1].Seal == nil || second.header.Get("Idempotent-Replayed") != "" {
		t.Errorf("%+v", again)
	}
	third := h.seal("again", plain, stamped)
	if !bytes.Equal(third.body, second.body) || third.header.Get("Idempotent-Replayed") != "true" || h.entries() != 2 {
		t.Errorf("%d uses of the key, replayed %q", h.entries(), third.header.Get("Idempotent-Replayed"))
	}
	h.seal("again", plain).want(t, http.StatusUnprocessableEntity, code(payment.ErrIdempotencyReuse.Code))
	h.do(call{method: http.MethodPost, path: "/v1/seals", key: h.agency, contentType: typeJSON, body: []byte(`{"documents":[]}`), bad: true}).want(t, http.StatusBadRequest, codeIdemMissing)
	// The same key of another client is another key.
	if err := h.policies.Set(t.Context(), "portal:p", sealing.Policy{Keys: []string{"seal"}, Formats: sealing.Formats(), Levels: sealing.Levels(), PerMinute: 9}, "operator:test"); err != nil {
		t.Fatal(err)
	}
	own := h.post(h.key(auth.Portal, "p"), "/v1/seals", "again", `{"documents":[{"format":"CAdES","document":"`+b64(sealContent)+`"}]}`)
	if in[sealResults](t, own, http.StatusOK).Items[0].Seal.ID == items[0].Seal.ID {
		t.Error("a client got the seal of another")
	}
}

// TestSealsBadInput: what cannot be sealed is said so, with the place where there is one.
func TestSealsBadInput(t *testing.T) {
	h := houseOfSeals(t, time.Time{})
	ask := func(body string) answered { return h.post(h.agency, "/v1/seals", "bad", body) }
	one := func(d string) string { return `{"documents":[` + d + `]}` }
	for body, want := range map[string]code{
		one(`{"format":"PAdES","document":"AA=="}`):                        codeUnsealable,
		one(`{"format":"JWS","document":"//79","jws":{"unencoded":true}}`): codeUnsealable,
		one(`{"format":"XAdES","document":"AA=="}`):                        codeUnsealable,
		one(`{"format":"XAdES","packaging":"detached","level":"LTA","digest":{"algorithm":"SHA-256","value":"` + b64(make([]byte, 32)) + `"}}`): codeUnsealable,
		one(`{"format":"raw","document":"AA==","level":"T"}`):                                              codeUnsealable,
		one(`{"format":"CAdES","document":"AA==","packaging":"enveloped"}`):                                codeUnsealable,
		one(`{"format":"CAdES","digest":{"algorithm":"SHA-256","value":"` + b64(make([]byte, 32)) + `"}}`): codeUnsealable,
	} {
		if p := ask(body).want(t, http.StatusUnprocessableEntity, want); p.DeveloperDetail == "" {
			t.Errorf("%s: no detail", body)
		}
	}
	for body, field := range map[string]string{
		`{"documents":[]}`:        "/documents",
		one(`{"format":"CAdES"}`): "/documents/0/document",
		one(`{"format":"CAdES","document":"AA==","digest":{"algorithm":"SHA-256","value":"AA=="}}`): "/documents/0/document",
		one(`{"format":"CAdES","digest":{"algorithm":"SHA-1","value":"AA=="}}`):                     "/documents/0/digest",
		one(`{"format":"CAdES","digest":{"algorithm":"SHA-256","value":"AA=="}}`):                   "/documents/0/digest",
		one(`{"format":"CAdES","document":"AA==","pdf":{}}`):                                        "/documents/0/pdf",
		one(`{"format":"CAdES","document":"AA==","xml":{}}`):                                        "/documents/0/xml",
		one(`{"format":"CAdES","document":"AA==","jws":{}}`):                                        "/documents/0/jws",
	} {
		if p := ask(body).problem(t); p.Field != field {
			t.Errorf("%s: %s at %q", body, p.Code, p.Field)
		}
	}
	if n := h.entries(); n != 0 {
		t.Errorf("the key was used %d times", n)
	}
	large := `{"documents":[{"format":"CAdES","document":"` + b64(make([]byte, h.cfg.Limits.DocumentBytes+1)) + `"}]}`
	ask(large).want(t, http.StatusRequestEntityTooLarge, codeBodyTooLarge)
}

// TestSealsWithoutServices: with the authority or the responder down LT gives a clear problem and nothing else.
func TestSealsWithoutServices(t *testing.T) {
	h := houseOfSeals(t, time.Time{})
	docs := map[string]map[string]any{}
	for format, document := range map[string][]byte{"CAdES": sealContent, "JWS": sealContent, "XAdES": []byte("<order/>"), "PAdES": onePage(t)} {
		docs[format] = map[string]any{"format": format, "document": b64(document), "level": "LT"}
	}
	for on, want := range map[string]code{"tsp": codeNoTimeStamp, "ocsp": codeNoEvidence} {
		h.srv.Faults.Clear()
		for _, service := range []string{on, "crl"} {
			if err := h.srv.Faults.Add(fault.Fault{Kind: pki.FaultDown, On: service, Count: -1}); err != nil {
				t.Fatal(err)
			}
		}
		for format, doc := range docs {
			if a := h.seal("down-"+format, doc); a.want(t, http.StatusServiceUnavailable, want).Detail != "" || a.header.Get("Retry-After") == "" {
				t.Errorf("%s: %v", format, a.header)
			}
		}
	}
	if n := h.entries(); n != 0 {
		t.Errorf("%d seals are on record that nobody got", n)
	}
	h.srv.Faults.Clear()
	for format, doc := range docs {
		if in[sealResults](t, h.seal("down-"+format, doc), http.StatusOK).Items[0].Seal == nil {
			t.Errorf("%s: no seal although all services answer", format)
		}
	}
	if n := h.entries(); n != len(docs) {
		t.Errorf("%d uses of the key", n)
	}
	ended := houseOfSeals(t, time.Now().Add(-time.Minute))
	for format, doc := range docs {
		ended.seal("ended-"+format, doc).want(t, http.StatusServiceUnavailable, codeSealKey)
	}
	if n := ended.entries(); n != 0 {
		t.Errorf("an ended certificate sealed %d times", n)
	}
}

// TestSealsOfABusyToken: a token that has more to do than it can, or is away, is told with when to come again; nothing is kept of it.
func TestSealsOfABusyToken(t *testing.T) {
	h := houseOfSeals(t, time.Time{})
	for _, format := range []string{"CAdES", "JWS", "raw"} {
		doc := map[string]any{"format": format, "document": b64(sealContent)}
		for _, c := range []struct {
			err    error
			status int
			code   code
			after  string
		}{{overloaded{}, http.StatusTooManyRequests, codeTooMany, "2"}, {away{}, http.StatusServiceUnavailable, codeUnavailable, "2"}} {
			h.token.err = c.err
			a := h.seal(format, doc)
			a.want(t, c.status, c.code)
			if got := a.header.Get("Retry-After"); got != c.after {
				t.Errorf("%s: Retry-After is %q", format, got)
			}
		}
		h.token.err = nil
		if in[sealResults](t, h.seal(format, doc), http.StatusOK).Items[0].Seal == nil {
			t.Errorf("%s: no seal of a token that is well again", format)
		}
	}
	if n := h.entries(); n != 3 {
		t.Errorf("%d uses of the key are on record", n)
	}
}

// TestRaise: over HTTP a signature of a citizen outlives its certificate's service; what does not hold is not raised.
func TestRaise(t *testing.T) {
	h := houseOfSeals(t, time.Time{})
	citizen := must[*pki.Identity](t)(h.pki.Issue(pki.Profile{Name: "citizen", Family: pki.ECDSA, Kind: pki.Citizen, Surname: "ӘЛИЕВ", Given: "ДӘУРЕН", IIN: pki.IIN(1)}))
	attached := must[[]byte](t)(citizen.SignCMS(sealContent, pki.CMSOptions{}))
	detached := must[[]byte](t)(citizen.SignCMS(sealContent, pki.CMSOptions{Detached: true}))
	raise := func(idem string, documents ...map[string]any) answered {
		body, err := json.Marshal(map[string]any{"documents": documents})
		if err != nil {
			t.Fatal(err)
		}
		return h.do(call{method: http.MethodPost, path: "/v1/seals/raise", key: h.agency, idem: idem, contentType: typeJSON, body: body})
	}
	sum := sha256.Sum256(sealContent)
	items := in[sealResults](t, raise("good",
		map[string]any{"document": b64(attached), "level": "LTA"},
		map[string]any{"document": b64(detached), "detached": b64(sealContent), "level": "LT"},
		map[string]any{"document": b64(detached), "detached_digests": map[string]any{"SHA-256": b64(sum[:])}, "level": "LTA"},
		map[string]any{"document": b64(detached), "detached": b64([]byte("other")), "level": "T"},
	), http.StatusOK).Items
	for i, want := range []string{"CAdES-LTA", "CAdES-LT", "CAdES-LTA"} {
		if items[i].Seal == nil {
			t.Fatalf("%d: %s", i, items[i].Problem)
		}
		original := sealContent
		if i == 0 {
			original = nil
		}
		if v := h.validate(items[i].Seal.Document, original); v.Indication != report.TotalPassed || v.Signatures[0].Level != want {
			t.Errorf("%d: %s %s", i, v.Indication, v.Signatures[0].Level)
		}
	}
	var p problem
	if err := json.Unmarshal(items[3].Problem, &p); err != nil || p.Code != codeNotRaisable || len(p.Reasons) == 0 {
		t.Errorf("%s, %v", items[3].Problem, err)
	}
	raise("text", map[string]any{"document": b64(sealContent), "level": "T"}).want(t, http.StatusUnprocessableEntity, codeNotRaisable)
	raise("again", map[string]any{"document": b64(items[0].Seal.Document), "level": "T"}).want(t, http.StatusConflict, codeRaised)
}

// roots are the anchors as the standard library takes them.
func (h *sealHouse) roots(t *testing.T) x509.VerifyOptions {
	t.Helper()
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	if !roots.AppendCertsFromPEM(h.pki.AnchorsPEM()) || !between.AppendCertsFromPEM(h.pki.IntermediatesPEM()) {
		t.Fatal("no anchors")
	}
	return x509.VerifyOptions{Roots: roots, Intermediates: between, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}
}

// xmlsec lets xmlsec1 verify a XAdES seal against the anchors.
func xmlsec(t *testing.T, h *sealHouse, seal *signer.MadeSeal, original []byte) {
	t.Helper()
	if _, err := exec.LookPath("xmlsec1"); err != nil {
		t.Skip("xmlsec1 is not here")
	}
	dir := t.TempDir()
	file := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	if seal.Packaging == sealing.Detached {
		if !bytes.Contains(seal.Document, []byte(`URI="order.txt"`)) {
			return // a reference without a URI, which xmlsec1 does not follow
		}
		file("order.txt", original)
	}
	args := []string{"--verify", "--trusted-pem", file("roots", h.pki.AnchorsPEM()), "--untrusted-pem", file("between", h.pki.IntermediatesPEM())}
	for _, name := range []string{"SignedProperties", "Object"} {
		args = append(args, "--id-attr:Id", name)
	}
	for _, good := range []bool{true, false} {
		document := seal.Document
		if !good {
			document = bytes.Replace(document, []byte("SigningTime>20"), []byte("SigningTime>21"), 1)
		}
		cmd := exec.CommandContext(t.Context(), "xmlsec1", append(args, file("seal.xml", document))...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); (err == nil) != good {
			t.Errorf("xmlsec1 over a seal that is whole, %v: %v: %s", good, err, out)
		}
	}
}
