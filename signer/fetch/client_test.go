package fetch_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"qaqpa/signer/fetch"

	"github.com/prometheus/client_golang/prometheus"
)

// clock is moved by hand; the network runs on real time.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.at }

func (c *clock) add(d time.Duration) { c.mu.Lock(); defer c.mu.Unlock(); c.at = c.at.Add(d) }

func start() *clock { return &clock{at: time.Date(2026, 9, 1, 9, 0, 0, 0, time.UTC)} }

func client(t *testing.T, clk *clock, change func(*fetch.Config)) *fetch.Client {
	t.Helper()
	cfg := fetch.Config{AllowPrivate: true, Now: clk.now, Timeout: 2 * time.Second, Registerer: prometheus.NewRegistry()}
	if change != nil {
		change(&cfg)
	}
	c, err := fetch.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func keepUntil(at time.Time) func([]byte) (fetch.Checked, error) {
	return func(b []byte) (fetch.Checked, error) { return fetch.Checked{Value: string(b), Until: at}, nil }
}

func failure(o *fetch.Object) fetch.FailureKind {
	if o.Failure == nil {
		return ""
	}
	return o.Failure.Kind
}

func TestKinds(t *testing.T) {
	clk := start()
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		fmt.Fprintf(w, "%s %s %s", r.Method, r.Header.Get("Content-Type"), body)
	})
	c := client(t, clk, nil)
	o := c.Do(t.Context(), fetch.Request{Kind: fetch.OCSP, URL: url, Body: []byte("question")})
	if o.Failure != nil || string(o.Body) != "POST application/ocsp-request question" || !o.At.Equal(clk.now()) {
		t.Errorf("%s, %v", o.Body, o.Failure)
	}
	o = c.Do(t.Context(), fetch.Request{Kind: fetch.CRL, URL: url, Check: keepUntil(time.Time{})})
	if o.Failure != nil || o.Value != "GET  " {
		t.Errorf("%q, %v", o.Value, o.Failure)
	}
}

// TestFailures: each way in which nothing comes is a kind of its own.
func TestFailures(t *testing.T) {
	stop := make(chan struct{})
	t.Cleanup(func() { close(stop) })
	mux := http.NewServeMux()
	mux.HandleFunc("/slow", func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-stop:
		case <-r.Context().Done():
		}
	})
	mux.HandleFunc("/drip", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "100")
		io.WriteString(w, "half") //nolint:errcheck // the reader gives up
		w.(http.Flusher).Flush()  //nolint:errcheck // the server of httptest flushes
		<-r.Context().Done()
	})
	mux.HandleFunc("/gone", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) })
	mux.HandleFunc("/large", func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, 1001)) }) //nolint:errcheck // cut off
	mux.HandleFunc("/chunked", func(w http.ResponseWriter, _ *http.Request) {
		for range 20 {
			w.Write(make([]byte, 100)) //nolint:errcheck // cut off
			w.(http.Flusher).Flush()   //nolint:errcheck // the server of httptest flushes
		}
	})
	mux.HandleFunc("/loop", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/loop", http.StatusFound) })
	mux.HandleFunc("/file", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "file:///etc/passwd")
		w.WriteHeader(http.StatusFound)
	})
	mux.HandleFunc("/cut", func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) })
	url := serve(t, mux.ServeHTTP)
	c := client(t, start(), func(cfg *fetch.Config) { cfg.Timeout, cfg.CRLBytesMax = 300*time.Millisecond, 1000 })
	for path, want := range map[string]fetch.FailureKind{
		"/slow": fetch.Timeout, "/drip": fetch.Timeout, "/gone": fetch.Status, "/large": fetch.TooLarge,
		"/chunked": fetch.TooLarge, "/loop": fetch.Status, "/file": fetch.Forbidden, "/cut": fetch.Unreachable,
	} {
		o := c.Do(t.Context(), fetch.Request{Kind: fetch.CRL, URL: url + path})
		if failure(o) != want || o.Body != nil {
			t.Errorf("%s: %v, want %s", path, o.Failure, want)
		}
	}
	for address, want := range map[string]fetch.FailureKind{
		"ldap://host/x": fetch.Forbidden, "http://": fetch.Forbidden, "http://user:secret@host/": fetch.Forbidden,
		"://": fetch.Forbidden, "/relative": fetch.Forbidden, "http://127.0.0.1:1/": fetch.Unreachable,
	} {
		if o := c.Do(t.Context(), fetch.Request{Kind: fetch.CRL, URL: address}); failure(o) != want {
			t.Errorf("%s: %v, want %s", address, o.Failure, want)
		}
	}
}

func TestCheckRefuses(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "Try again") }) //nolint:errcheck // test server
	c := client(t, start(), nil)
	for err, want := range map[error]fetch.FailureKind{
		errors.New("no CRL"):                     fetch.Malformed,
		fmt.Errorf("says %w", fetch.ErrTryLater): fetch.Busy,
	} {
		o := c.Do(t.Context(), fetch.Request{
			Kind: fetch.CRL, URL: url + "/" + string(want),
			Check: func([]byte) (fetch.Checked, error) { return fetch.Checked{}, err },
		})
		if failure(o) != want || o.Body != nil || o.Value != nil {
			t.Errorf("%v: %v", err, o.Failure)
		}
	}
}

// TestPrivateAddressesAreRefused: by number, by a name that resolves to it, through a redirect.
func TestPrivateAddressesAreRefused(t *testing.T) {
	var called atomic.Int32
	url := serve(t, func(http.ResponseWriter, *http.Request) { called.Add(1) })
	port := url[strings.LastIndex(url, ":"):]
	c := client(t, start(), func(cfg *fetch.Config) { cfg.AllowPrivate = false })
	for _, address := range []string{
		url, "http://localhost" + port, "http://localhost/", "http://127.0.0.1/", "http://127.1/", "http://[::1]/",
		"http://[::ffff:127.0.0.1]/", "http://10.0.0.1/", "http://192.168.1.1/", "http://172.16.0.1/", "http://169.254.169.254/latest/",
		"http://100.64.0.1/", "http://0.0.0.0/", "http://[fe80::1]/", "http://[fd00::1]/", "http://[64:ff9b::7f00:1]/",
		"http://[2002:7f00:1::]/", "http://224.0.0.1/", "http://255.255.255.255/", "http://198.18.0.1/",
	} {
		o := c.Do(t.Context(), fetch.Request{Kind: fetch.Certificate, URL: address})
		// 127.1 is no address to Go's resolver but a name, which may not be found at all.
		if k := failure(o); k != fetch.Forbidden && (k != fetch.Unreachable || !strings.Contains(address, "127.1/")) {
			t.Errorf("%s: %v", address, o.Failure)
		}
	}
	if called.Load() != 0 {
		t.Error("a private address was called")
	}
}

func TestHostList(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok") }) //nolint:errcheck // test server
	for _, c := range []struct {
		hosts []string
		want  fetch.FailureKind
	}{
		{[]string{"127.0.0.1"}, ""},
		{[]string{".0.0.1"}, ""},
		{[]string{".pki.gov.kz", "ocsp.example"}, fetch.Forbidden},
		{[]string{"0.0.1"}, fetch.Forbidden},
	} {
		o := client(t, start(), func(cfg *fetch.Config) { cfg.Hosts = c.hosts }).Do(t.Context(), fetch.Request{Kind: fetch.CRL, URL: url})
		if failure(o) != c.want {
			t.Errorf("%v: %v", c.hosts, o.Failure)
		}
	}
}

func TestCacheEndsWithNextUpdate(t *testing.T) {
	clk := start()
	var calls atomic.Int32
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, calls.Add(1)) })
	c := client(t, clk, func(cfg *fetch.Config) { cfg.KeepMax = 2 * time.Hour })
	ask := func(path string, until time.Time) string {
		o := c.Do(t.Context(), fetch.Request{Kind: fetch.CRL, URL: url + path, Check: keepUntil(until)})
		return string(o.Body)
	}
	until := clk.now().Add(time.Hour)
	if a, b := ask("/a", until), ask("/a", until); a != "1" || b != "1" {
		t.Errorf("asked again within nextUpdate: %s, %s", a, b)
	}
	clk.add(time.Hour)
	if a := ask("/a", until); a != "2" {
		t.Errorf("kept beyond nextUpdate: %s", a)
	}
	if a, b := ask("/b", time.Time{}), ask("/b", time.Time{}); a != "3" || b != "4" {
		t.Errorf("kept although not to be kept: %s, %s", a, b)
	}
	far := clk.now().Add(1000 * time.Hour)
	ask("/c", far)
	clk.add(2 * time.Hour)
	if a := ask("/c", far); a != "6" {
		t.Errorf("kept beyond the limit: %s", a)
	}
}

func TestCacheKeyAndDiscard(t *testing.T) {
	clk := start()
	var calls atomic.Int32
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, calls.Add(1)) })
	c := client(t, clk, nil)
	r := fetch.Request{Kind: fetch.OCSP, URL: url, Key: "one", Body: []byte("a"), Check: keepUntil(clk.now().Add(time.Hour))}
	first := c.Do(t.Context(), r)
	r.Body = []byte("another nonce")
	if o := c.Do(t.Context(), r); o != first {
		t.Error("the same key was asked twice")
	}
	r.Key = "two"
	if o := c.Do(t.Context(), r); o == first {
		t.Error("another key got the same answer")
	}
	r.Key = "one"
	c.Discard(r, first)
	second := c.Do(t.Context(), r)
	if second == first {
		t.Error("a discarded answer came back")
	}
	c.Discard(r, first)
	if o := c.Do(t.Context(), r); o != second {
		t.Error("discarding an old answer dropped the new one")
	}
}

// TestFailureIsRemembered: a service that is down is not asked by each validation, but soon again.
func TestFailureIsRemembered(t *testing.T) {
	clk := start()
	var calls atomic.Int32
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		if calls.Add(1) == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	c := client(t, clk, nil)
	r := fetch.Request{Kind: fetch.CRL, URL: url}
	c.Do(t.Context(), r)
	if o := c.Do(t.Context(), r); failure(o) != fetch.Status || calls.Load() != 1 {
		t.Errorf("%v after %d calls", o.Failure, calls.Load())
	}
	clk.add(11 * time.Second)
	if o := c.Do(t.Context(), r); o.Failure != nil || calls.Load() != 2 {
		t.Errorf("%v after %d calls", o.Failure, calls.Load())
	}
}

// TestEqualRequestsAreJoined: one caller's end does not take the answer from the others.
func TestEqualRequestsAreJoined(t *testing.T) {
	clk := start()
	var calls atomic.Int32
	release := make(chan struct{})
	entered := make(chan struct{}, 100)
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		calls.Add(1)
		entered <- struct{}{}
		<-release
		io.WriteString(w, "ok") //nolint:errcheck // test server
	})
	c := client(t, clk, func(cfg *fetch.Config) { cfg.Timeout = 10 * time.Second })
	r := fetch.Request{Kind: fetch.CRL, URL: url, Check: keepUntil(clk.now().Add(time.Hour))}
	gone, leave := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if o := c.Do(gone, r); failure(o) != fetch.Timeout {
			t.Errorf("the caller that left got %v", o.Failure)
		}
	})
	<-entered
	for range 20 {
		wg.Go(func() {
			if o := c.Do(t.Context(), r); string(o.Body) != "ok" {
				t.Errorf("%v", o.Failure)
			}
		})
	}
	leave()
	close(release)
	wg.Wait()
	if calls.Load() != 1 {
		t.Errorf("%d requests for one answer", calls.Load())
	}
}

func TestCacheIsBounded(t *testing.T) {
	clk := start()
	var calls atomic.Int32
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		calls.Add(1)
		w.Write(bytes.Repeat([]byte{1}, 1000)) //nolint:errcheck // test server
	})
	c := client(t, clk, func(cfg *fetch.Config) { cfg.CacheBytesMax = 8000 })
	ask := func(i int) {
		c.Do(t.Context(), fetch.Request{Kind: fetch.CRL, URL: fmt.Sprintf("%s/%d", url, i), Check: keepUntil(clk.now().Add(time.Hour))})
	}
	for i := range 20 {
		ask(i)
	}
	ask(19)
	if calls.Load() != 20 {
		t.Errorf("the newest was lost: %d calls", calls.Load())
	}
	ask(0)
	if calls.Load() != 21 {
		t.Errorf("the oldest is still there: %d calls", calls.Load())
	}
}
