package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"qaqpa/api"
	"qaqpa/api/auth"
	"qaqpa/payment"
	"qaqpa/signer"
	"qaqpa/signer/audit"
	"qaqpa/signer/trust"
	"qaqpa/testenv/postgres"
	"qaqpa/testenv/suites"

	"github.com/jmoiron/sqlx"
)

// house is a database with a client's key, for the services of one test.
type house struct {
	db    *sqlx.DB
	keys  *auth.Store
	audit *audit.Log
	key   string
	down  sync.WaitGroup
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{db: postgres.ForTest(t, signer.Migrate, auth.Migrate)}
	var err error
	if h.audit, err = audit.New(audit.Config{Now: time.Now}); err != nil {
		t.Fatal(err)
	}
	if h.keys, err = auth.New(auth.Config{DB: h.db, Audit: h.audit, Now: time.Now}); err != nil {
		t.Fatal(err)
	}
	h.key, _, err = h.keys.Create(t.Context(), auth.NewKey{
		Kind: auth.Operator, Subject: "conformance", Scopes: []auth.Scope{auth.ValidationsWrite, auth.ValidationsRead}, Actor: "operator:test",
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.down.Wait)
	return h
}

// setting is how a service is set up.
type setting struct {
	mode                 trust.Mode
	anchors              [][]byte // PEM
	intermediates, lists [][]byte
	now                  time.Time
	revocation           signer.Revocation
}

// service is a running gateway.
type service struct {
	url, key string
	client   *http.Client
}

// open starts a gateway on loopback that fetches nothing. The error is that of a trust store which cannot be.
func (h *house) open(t *testing.T, s setting) (*service, error) {
	t.Helper()
	if s.mode == "" {
		s.mode = trust.Custom
	}
	store, err := trust.New(trust.Config{Mode: s.mode, Anchors: s.anchors, Intermediates: s.intermediates, Lists: s.lists})
	if err != nil {
		return nil, err
	}
	now := func() time.Time { return s.now }
	sign, err := signer.New(signer.Config{DB: h.db, Audit: h.audit, Trust: store, Revocation: s.revocation, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	front, err := api.New(api.Config{
		Payments: &payment.Service{}, Signer: sign, Keys: h.keys, BaseURL: "https://pay.example.kz", Now: now,
		Limits: api.Limits{PublicPerMinute: 1 << 30}, // the clock stands still, and there is one caller
	})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = front.Serve(ln) }() // ends with the listener
	out := &service{url: "http://" + ln.Addr().String(), key: h.key, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 4}}}
	t.Cleanup(func() {
		out.client.CloseIdleConnections()
		h.down.Go(func() { // it waits for ticks of a clock; many services end at once
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
			defer cancel()
			_ = front.Shutdown(ctx)
		})
	})
	return out, nil
}

// must is open for a trust store that has to be good.
func (h *house) must(t *testing.T, s setting) *service {
	t.Helper()
	out, err := h.open(t, s)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// answer is what came back: a verdict, or the code of a problem.
type answer struct {
	status  int
	Code    string `json:"code"`
	Detail  string `json:"developer_detail"`
	verdict verdict
}

// verdict is what a client reads of a verdict, over a document or a certificate.
type verdict struct {
	Indication string      `json:"indication"`
	Sub        string      `json:"sub_indication"`
	Format     string      `json:"format"`
	Coverage   string      `json:"coverage"`
	Content    string      `json:"content_sha256"`
	Reasons    []reason    `json:"reasons"`
	Remarks    []reason    `json:"remarks"`
	Signatures []signature `json:"signatures"`
	TimeStamps []struct {
		Indication string   `json:"indication"`
		Sub        string   `json:"sub_indication"`
		Reasons    []reason `json:"reasons"`
	} `json:"time_stamps"`
	Chain    []json.RawMessage `json:"chain"`
	Policies []struct {
		Notices []string `json:"notices"`
	} `json:"policies"`
}

type reason struct {
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

type signature struct {
	Indication string `json:"indication"`
	Sub        string `json:"sub_indication"`
	Covers     string `json:"covers"`
	Integrity  struct {
		Value      string `json:"signature_value"`
		Key        string `json:"key"`
		References string `json:"references"`
		Manifests  string `json:"manifests"`
	} `json:"integrity"`
	Level     string      `json:"level"`
	Reasons   []reason    `json:"reasons"`
	Remarks   []reason    `json:"remarks"`
	Counter   []signature `json:"counter_signatures"`
	Algorithm string      `json:"algorithm"`
	Signer    *struct {
		NotBefore time.Time `json:"not_before"`
		NotAfter  time.Time `json:"not_after"`
	} `json:"signer"`
	Blocks []struct {
		Name       string `json:"name"`
		Indication string `json:"indication"`
		Sub        string `json:"sub_indication"`
	} `json:"blocks"`
}

// block is what a building block came to; "" when it did not run.
func (s *signature) block(name string) string {
	for _, b := range s.Blocks {
		if b.Name == name {
			return b.Indication
		}
	}
	return ""
}

// intact: format, mathematics and what is referred to hold, whoever signed and whatever is thought of the chain, and in
// counter-signatures too. It is what the reference tests of DSS assert of a document that is intact.
func (s *signature) intact() bool {
	if s.block("format-checking") != "PASSED" || s.Integrity.Value != "correct" || s.Integrity.References != "intact" {
		return false
	}
	for i := range s.Counter {
		if !s.Counter[i].intact() {
			return false
		}
	}
	return true
}

// intact: there is a signature, and all are.
func (v *verdict) intact() bool {
	for i := range v.Signatures {
		if !v.Signatures[i].intact() {
			return false
		}
	}
	return len(v.Signatures) > 0
}

// outcome is the result in a word or two.
func (v *verdict) outcome() string {
	if v.Sub == "" {
		return v.Indication
	}
	return v.Indication + " " + v.Sub
}

// post sends a body as JSON and reads a verdict.
func (s *service) post(t *testing.T, path string, body any) answer {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	var a answer
	a.status = s.exchange(t, path, "application/json", bytes.NewReader(text), func(b []byte) error {
		if err := json.Unmarshal(b, &a.verdict); err != nil {
			return err
		}
		return json.Unmarshal(b, &a)
	})
	if a.status >= http.StatusInternalServerError {
		t.Errorf("%s: %d %s %s", path, a.status, a.Code, a.Detail)
	}
	return a
}

// exchange sends a body and hands what comes back to read.
func (s *service) exchange(t *testing.T, path, contentType string, body io.Reader, read func([]byte) error) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+path, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	req.Header.Set("Authorization", "Bearer "+s.key)
	resp, err := s.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := read(got); err != nil {
		t.Fatalf("%s: %d %.300s: %v", path, resp.StatusCode, got, err)
	}
	return resp.StatusCode
}

func readFile(t *testing.T, parts ...string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(parts...))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func readJSON(t *testing.T, into any, parts ...string) {
	t.Helper()
	if err := json.Unmarshal(readFile(t, suites.Corpora(t, parts...)), into); err != nil {
		t.Fatal(err)
	}
}

func at(t *testing.T, text string) time.Time {
	t.Helper()
	out, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return out.UTC()
}
