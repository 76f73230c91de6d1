package api

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"qaqpa/api/auth"
	"qaqpa/payment"
	"qaqpa/signer"
	"qaqpa/signer/audit"
	"qaqpa/signer/trust"
	"qaqpa/testenv/pki"
	"qaqpa/testenv/postgres"

	"github.com/jmoiron/sqlx"
	"github.com/prometheus/client_golang/prometheus"
)

// bare is a server that was built and serves nothing, for tests of its tables.
func bare(tb testing.TB) *Server {
	tb.Helper()
	keys, err := auth.New(auth.Config{DB: &sqlx.DB{}, Now: time.Now})
	if err != nil {
		tb.Fatal(err)
	}
	s, err := New(Config{Payments: &payment.Service{}, Signer: &signer.Service{}, Keys: keys, BaseURL: "https://pay.example.kz", Now: time.Now})
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// gateway is a running server over a real database, with what a test needs around it.
type gateway struct {
	*Server
	t        testing.TB
	url      string
	contract *contract
	db       *sqlx.DB
	keys     *auth.Store
	registry *prometheus.Registry
	log      *logBook
	client   *http.Client
}

// logBook keeps what was logged.
type logBook struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logBook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// serveFront starts a server on loopback. change may alter its configuration first.
func serveFront(tb testing.TB, db *sqlx.DB, payments *payment.Service, sign *signer.Service, change func(*Config)) *gateway {
	tb.Helper()
	trail, err := audit.New(audit.Config{Now: time.Now})
	if err != nil {
		tb.Fatal(err)
	}
	g := &gateway{t: tb, contract: loadContract(tb), db: db, registry: prometheus.NewRegistry(), log: &logBook{}}
	if g.keys, err = auth.New(auth.Config{DB: db, Audit: trail, Now: time.Now, Registerer: g.registry}); err != nil {
		tb.Fatal(err)
	}
	cfg := Config{
		Payments: payments, Signer: sign, Keys: g.keys, BaseURL: "https://pay.example.kz", Now: time.Now,
		WebhookKeys: []ed25519.PublicKey{make(ed25519.PublicKey, ed25519.PublicKeySize)},
		Limits:      Limits{PublicPerMinute: 10_000},
		Log:         slog.New(slog.NewJSONHandler(g.log, nil)), Registerer: g.registry, Gatherer: g.registry,
	}
	if change != nil {
		change(&cfg)
	}
	if g.Server, err = New(cfg); err != nil {
		tb.Fatal(err)
	}
	ln, err := (&net.ListenConfig{}).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	g.url = "http://" + ln.Addr().String()
	done := make(chan error, 1)
	go func() { done <- g.Serve(ln) }()
	g.client = &http.Client{
		Transport:     &http.Transport{DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       30 * time.Second,
	}
	tb.Cleanup(func() {
		g.client.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(tb.Context()), time.Minute)
		defer cancel()
		if err := g.Shutdown(ctx); err != nil {
			tb.Error(err)
		}
		if err := <-done; err != nil {
			tb.Error(err)
		}
	})
	return g
}

// front is a gateway for tests that do not get as far as the domain, apart from a signer that trusts a test PKI.
func front(tb testing.TB, change func(*Config)) *gateway {
	tb.Helper()
	db := postgres.ForTest(tb, signer.Migrate, auth.Migrate)
	p := pki.ForTest(tb, pki.ECDSA)
	store, err := trust.New(trust.Config{Mode: trust.Custom, Anchors: [][]byte{p.AnchorsPEM()}})
	if err != nil {
		tb.Fatal(err)
	}
	sign, err := signer.New(signer.Config{Trust: store, Now: time.Now})
	if err != nil {
		tb.Fatal(err)
	}
	return serveFront(tb, db, &payment.Service{}, sign, change)
}

// key makes an API key.
func (g *gateway) key(kind auth.Kind, subject string, scopes ...auth.Scope) string {
	g.t.Helper()
	token, _, err := g.keys.Create(g.t.Context(), auth.NewKey{Kind: kind, Subject: subject, Scopes: scopes, Actor: "operator:test"})
	if err != nil {
		g.t.Fatal(err)
	}
	return token
}

// call is one request of a test.
type call struct {
	method, path, key, idem, contentType string
	header                               map[string]string
	body                                 []byte
	chunked                              bool
	bad                                  bool // outside the contract on purpose
	page                                 bool // of the pages' own, which the contract leaves out
}

// answered is what came back.
type answered struct {
	status int
	header http.Header
	body   []byte
}

func (g *gateway) do(c call) answered {
	g.t.Helper()
	var reader io.Reader = bytes.NewReader(c.body)
	if c.chunked {
		reader = struct{ io.Reader }{reader}
	}
	if c.body == nil {
		reader = nil
	}
	req, err := http.NewRequestWithContext(g.t.Context(), c.method, g.url+c.path, reader)
	if err != nil {
		g.t.Fatal(err)
	}
	for name, value := range map[string]string{"Content-Type": c.contentType, "Idempotency-Key": c.idem} {
		if value != "" {
			req.Header.Set(name, value)
		}
	}
	if c.key != "" {
		req.Header.Set("Authorization", "Bearer "+c.key)
	}
	for name, value := range c.header {
		req.Header.Set(name, value)
	}
	resp, err := g.client.Do(req)
	if err != nil {
		g.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		g.t.Fatal(err)
	}
	if !c.page {
		g.contract.judge(g.t, req, c.body, resp, got, c.bad)
	}
	return answered{status: resp.StatusCode, header: resp.Header, body: got}
}

// post sends JSON.
func (g *gateway) post(key, path, idem, body string) answered {
	g.t.Helper()
	return g.do(call{method: http.MethodPost, path: path, key: key, idem: idem, contentType: typeJSON, body: []byte(body), bad: true})
}

// problem reads an RFC 9457 answer and checks what all of them have.
func (a answered) problem(tb testing.TB) problem {
	tb.Helper()
	if got := a.header.Get("Content-Type"); got != typeProblem {
		tb.Fatalf("Content-Type is %q, status %d: %s", got, a.status, head(a.body))
	}
	var p problem
	if err := json.Unmarshal(a.body, &p); err != nil {
		tb.Fatal(err)
	}
	if p.Status != a.status || p.TraceID != a.header.Get("X-Request-Id") || p.Title == "" || !strings.HasSuffix(p.Type, "/problems/"+string(p.Code)) {
		tb.Errorf("odd problem %+v with status %d and id %s", p, a.status, a.header.Get("X-Request-Id"))
	}
	return p
}

// want checks status and code of a problem.
func (a answered) want(tb testing.TB, status int, c code) problem {
	tb.Helper()
	p := a.problem(tb)
	if a.status != status || p.Code != c {
		tb.Errorf("got %d %s, want %d %s: %s", a.status, p.Code, status, c, a.body)
	}
	return p
}

// in reads a JSON answer of the given status.
func in[T any](tb testing.TB, a answered, status int) T {
	tb.Helper()
	var v T
	if a.status != status {
		tb.Fatalf("got status %d, want %d: %s", a.status, status, head(a.body))
	}
	if err := json.Unmarshal(a.body, &v); err != nil {
		tb.Fatal(err)
	}
	return v
}
