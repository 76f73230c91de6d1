package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/valyala/fasthttp"
	"github.com/valyala/fasthttp/fasthttputil"

	"qaqpa/api/auth"
)

// inMemory serves handler in place of the table and returns a client for it.
func inMemory(t *testing.T, s *Server, handler fasthttp.RequestHandler) (*http.Client, chan error) {
	t.Helper()
	s.router = handler
	ln := fasthttputil.NewInmemoryListener()
	done := make(chan error, 1)
	go func() { done <- s.Serve(ln) }()
	return &http.Client{Transport: &http.Transport{
		DialContext: func(context.Context, string, string) (net.Conn, error) { return ln.Dial() },
	}}, done
}

func fetchURL(t *testing.T, c *http.Client, address string) (status int, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(got)
}

// A defect costs one request, not the process, and tells nothing.
func TestPanicIsOneFailedRequest(t *testing.T) {
	s := bare(t)
	client, _ := inMemory(t, s, func(ctx *fasthttp.RequestCtx) {
		if string(ctx.Path()) == "/panic" {
			panic("secret inner state")
		}
	})
	status, body := fetchURL(t, client, "http://x/panic")
	var p problem
	if err := json.Unmarshal([]byte(body), &p); err != nil || status != 500 || p.Code != codeInternal || p.Detail != "" || strings.Contains(body, "secret") {
		t.Errorf("got %d %s", status, body)
	}
	if status, _ := fetchURL(t, client, "http://x/"); status != 200 {
		t.Errorf("the server did not go on: %d", status)
	}
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestFailuresTellNothing(t *testing.T) {
	s := bare(t)
	for _, row := range []struct {
		err    error
		status int
		code   code
	}{
		{errors.New("pq: password authentication failed"), 500, codeInternal},
		{context.DeadlineExceeded, 503, codeUnavailable},
		{&net.OpError{Op: "dial", Err: errors.New("postgres.internal refused")}, 503, codeUnavailable},
		{stateError("57P01"), 503, codeUnavailable},
		{stateError("40001"), 503, codeUnavailable},
		{stateError("23505"), 500, codeInternal},
		{refuse("no_such_code"), 500, codeInternal},
	} {
		resp := s.problemResponse(row.err, "trace-1", "en")
		var p problem
		if err := json.Unmarshal(resp.body, &p); err != nil {
			t.Fatal(err)
		}
		if resp.status != row.status || p.Code != row.code || p.TraceID != "trace-1" || p.Detail != "" || p.DeveloperDetail != "" ||
			strings.Contains(string(resp.body), "pq") || strings.Contains(string(resp.body), "postgres") {
			t.Errorf("%v: got %d %s", row.err, resp.status, resp.body)
		}
		if row.status == 503 && find(resp.headers, "Retry-After") == "" {
			t.Errorf("%v: no Retry-After", row.err)
		}
	}
}

// stateError is an error of the database.
type stateError string

func (s stateError) Error() string    { return "pq: " + string(s) }
func (s stateError) SQLState() string { return string(s) }

// TestShutdownBeforeServe: a gateway that is told to stop while it starts does stop.
func TestShutdownBeforeServe(t *testing.T) {
	s := bare(t)
	if err := s.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	select {
	case err := <-served:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(30 * time.Second): // a guard against hanging
		t.Fatal("Serve waits for ever")
	}
}

func TestShutdownLetsRequestsFinish(t *testing.T) {
	s := bare(t)
	started, finish := make(chan struct{}), make(chan struct{})
	client, served := inMemory(t, s, func(*fasthttp.RequestCtx) { close(started); <-finish })
	answered := make(chan int, 1)
	go func() {
		status, _ := fetchURL(t, client, "http://x/")
		answered <- status
	}()
	<-started
	stopped := make(chan error, 1)
	go func() { stopped <- s.Shutdown(t.Context()) }()
	select {
	case err := <-stopped:
		t.Fatalf("did not wait for a request: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	if err := s.base.Err(); err != nil {
		t.Errorf("the request was cancelled: %v", err)
	}
	close(finish)
	if status := <-answered; status != 200 {
		t.Errorf("got %d", status)
	}
	if err := errors.Join(<-stopped, <-served); err != nil {
		t.Error(err)
	}
}

func TestShutdownCancelsWhatDoesNotFinish(t *testing.T) {
	s := bare(t)
	started := make(chan struct{})
	client, _ := inMemory(t, s, func(*fasthttp.RequestCtx) { close(started); <-s.base.Done() })
	answered := make(chan int, 1)
	go func() {
		status, _ := fetchURL(t, client, "http://x/")
		answered <- status
	}()
	<-started
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := s.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if status := <-answered; status != 200 {
		t.Errorf("got %d", status)
	}
}

func TestAdminListener(t *testing.T) {
	var failing error
	g := front(t, func(c *Config) {
		c.Checks = []Check{{Name: "database", Ready: func(context.Context) error { return nil }}, {Name: "token", Ready: func(context.Context) error { return failing }}}
	})
	admin := httptest.NewServer(g.AdminHandler())
	defer admin.Close()
	g.do(call{method: http.MethodGet, path: "/v1/banks"}).want(t, 401, codeUnauthorised)
	g.do(call{method: "BREW", path: "/teapot/850101300019", bad: true}).want(t, 404, codeRouteUnknown)
	get := func(path string, want int) string {
		status, body := fetchURL(t, admin.Client(), admin.URL+path)
		if status != want {
			t.Errorf("%s: got %d", path, status)
		}
		return body
	}
	get("/healthz", 200)
	if body := get("/readyz", 200); body != `{"database":"ok","token":"ok"}` {
		t.Errorf("got %s", body)
	}
	failing = errors.New("token is gone")
	if body := get("/readyz", 503); body != `{"database":"ok","token":"failing"}` {
		t.Errorf("got %s", body)
	}
	metrics := get("/metrics", 200)
	for _, line := range []string{
		`qaqpa_http_requests_total{method="GET",route="/v1/banks",status="401"} 1`,
		`qaqpa_http_requests_total{method="other",route="unmatched",status="404"} 1`,
		`qaqpa_http_problems_total{code="key_required",route="/v1/banks"} 1`,
		"qaqpa_http_in_flight_requests 0", "qaqpa_http_panics_total 0",
	} {
		if !strings.Contains(metrics, line) {
			t.Errorf("metrics lack %s", line)
		}
	}
	if number := "850101300019"; strings.Contains(metrics, number) || strings.Contains(g.log.String(), number) {
		t.Error("a path stands in metrics or logs")
	}
	get("/debug/pprof/cmdline", 200)
	get("/nothing", 404)
}

func TestConfigIsChecked(t *testing.T) {
	good := bare(t).cfg
	for name, change := range map[string]func(*Config){
		"no payments":   func(c *Config) { c.Payments = nil },
		"no signer":     func(c *Config) { c.Signer = nil },
		"no keys":       func(c *Config) { c.Keys = nil },
		"no clock":      func(c *Config) { c.Now = nil },
		"no address":    func(c *Config) { c.BaseURL = "" },
		"slash at end":  func(c *Config) { c.BaseURL += "/" },
		"other scheme":  func(c *Config) { c.BaseURL = "ftp://x" },
		"short key":     func(c *Config) { c.WebhookKeys = append(c.WebhookKeys, []byte{1}) },
		"little memory": func(c *Config) { c.Limits.BodyMemory = 1 << 20 },
		"metrics twice": func(c *Config) { c.Registerer = occupied(t) },
	} {
		cfg := good
		change(&cfg)
		if _, err := New(cfg); err == nil {
			t.Errorf("%s: New made a server", name)
		}
	}
}

// occupied is a registry that already has the metrics.
func occupied(t *testing.T) prometheus.Registerer {
	t.Helper()
	reg := prometheus.NewRegistry()
	if _, err := newMetrics(reg); err != nil {
		t.Fatal(err)
	}
	return reg
}

// A request that needs the database gets 503, not 500, when the database is gone.
func TestDatabaseGone(t *testing.T) {
	g := front(t, nil)
	key := g.key(auth.Portal, "egov")
	if err := g.db.Close(); err != nil {
		t.Fatal(err)
	}
	if a := g.do(call{method: http.MethodGet, path: "/v1/banks", key: key}); a.status < 500 || a.problem(t).Detail != "" {
		t.Errorf("got %d %s", a.status, a.body)
	}
}
