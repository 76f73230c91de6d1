package notify

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func key(tb testing.TB) ed25519.PrivateKey {
	tb.Helper()
	_, k, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

func public(tb testing.TB, k ed25519.PrivateKey) ed25519.PublicKey {
	tb.Helper()
	p, ok := k.Public().(ed25519.PublicKey)
	if !ok {
		tb.Fatal("not Ed25519")
	}
	return p
}

func TestSignVerify(t *testing.T) {
	k, at, body := key(t), time.Unix(1700000000, 5), []byte(`{"a":1}`)
	h, err := Sign(k, nil, "msg_1", at, body)
	if err != nil {
		t.Fatal(err)
	}
	if h.Get(HeaderTimestamp) != "1700000000" || !strings.HasPrefix(h.Get(HeaderSignature), "v1a,") {
		t.Errorf("headers %v", h)
	}
	if err := Verify(public(t, k), h, body, at.Add(time.Minute), 5*time.Minute); err != nil {
		t.Error(err)
	}
	rotated := h.Clone()
	rotated.Set(HeaderSignature, "v1,xx v1a,AAAA "+h.Get(HeaderSignature))
	if err := Verify(public(t, k), rotated, body, at, 0+time.Second); err != nil {
		t.Errorf("a second signature was not found: %v", err)
	}
	for name, c := range map[string]struct {
		spoil func(http.Header)
		body  string
		now   time.Time
	}{
		"body":         {func(http.Header) {}, `{"a":2}`, at},
		"id":           {func(h http.Header) { h.Set(HeaderID, "msg_2") }, `{"a":1}`, at},
		"time":         {func(h http.Header) { h.Set(HeaderTimestamp, "1700000001") }, `{"a":1}`, at},
		"no time":      {func(h http.Header) { h.Del(HeaderTimestamp) }, `{"a":1}`, at},
		"no signature": {func(h http.Header) { h.Del(HeaderSignature) }, `{"a":1}`, at},
		"as HMAC":      {func(h http.Header) { h.Set(HeaderSignature, strings.Replace(h.Get(HeaderSignature), "v1a", "v1", 1)) }, `{"a":1}`, at},
		"replayed":     {func(http.Header) {}, `{"a":1}`, at.Add(10 * time.Minute)},
		"from ahead":   {func(http.Header) {}, `{"a":1}`, at.Add(-10 * time.Minute)},
	} {
		t.Run(name, func(t *testing.T) {
			bad := h.Clone()
			c.spoil(bad)
			if err := Verify(public(t, k), bad, []byte(c.body), c.now, 5*time.Minute); !errors.Is(err, ErrSignature) {
				t.Errorf("accepted, or wrong error: %v", err)
			}
		})
	}
	if err := Verify(public(t, key(t)), h, body, at, time.Minute); !errors.Is(err, ErrSignature) {
		t.Errorf("another key: %v", err)
	}
}

func TestSignRefuses(t *testing.T) {
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Sign(ec, rand.Reader, "msg_1", time.Unix(1, 0), nil); !errors.Is(err, ErrKey) {
		t.Errorf("ECDSA: %v", err)
	}
	for _, id := range []string{"", "a.b", "a b", "a\r\nx: y"} {
		if _, err := Sign(key(t), nil, id, time.Unix(1, 0), nil); err == nil {
			t.Errorf("id %q was signed", id)
		}
	}
}

func TestPublic(t *testing.T) {
	for _, ip := range []string{
		"127.0.0.1", "127.8.8.8", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0", "0.1.2.3",
		"100.64.0.1", "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "::1", "fe80::1",
		"fc00::1", "fd12::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::",
		"2001:db8::1", "::127.0.0.1", "fe80::1%eth0", "2001:0:1::1",
	} {
		if Public(netip.MustParseAddr(ip)) {
			t.Errorf("%s counts as public", ip)
		}
	}
	for _, ip := range []string{"8.8.8.8", "195.12.113.1", "2a00:1450:4001::1"} {
		if !Public(netip.MustParseAddr(ip)) {
			t.Errorf("%s does not count as public", ip)
		}
	}
}

func TestDeliver(t *testing.T) {
	elsewhere := 0
	mux := http.NewServeMux()
	mux.HandleFunc("/ok", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get(HeaderID) != "msg_1" || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("headers %v", r.Header)
		}
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("/busy", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "120")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	mux.HandleFunc("/gone", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusGone) })
	mux.HandleFunc("/moved", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) })
	mux.HandleFunc("/elsewhere", func(http.ResponseWriter, *http.Request) { elsewhere++ })
	mux.HandleFunc("/flood", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 1<<20)) })
	stop := make(chan struct{})
	mux.HandleFunc("/hang", func(http.ResponseWriter, *http.Request) { <-stop })
	server := httptest.NewServer(mux)
	defer server.Close()
	defer close(stop)

	c := New(Config{AllowPrivate: true, Timeout: 300 * time.Millisecond})
	h := http.Header{}
	h.Set(HeaderID, "msg_1")
	for path, check := range map[string]func(Result) bool{
		"/ok":    func(r Result) bool { return r.Delivered() && !r.Gone() },
		"/busy":  func(r Result) bool { return !r.Delivered() && r.RetryAfter == 2*time.Minute },
		"/gone":  func(r Result) bool { return !r.Delivered() && r.Gone() },
		"/moved": func(r Result) bool { return !r.Delivered() && r.Status == http.StatusFound },
		"/flood": Result.Delivered,
		"/hang":  func(r Result) bool { return !r.Delivered() && r.Err != nil },
	} {
		if r := c.Deliver(t.Context(), server.URL+path, h, []byte("{}")); !check(r) {
			t.Errorf("%s: %+v", path, r)
		}
	}
	if elsewhere != 0 {
		t.Error("a redirect was followed")
	}
	strict := New(Config{Timeout: time.Second})
	for _, address := range []string{server.URL + "/ok", strings.Replace(server.URL, "127.0.0.1", "localhost", 1) + "/ok"} {
		if r := strict.Deliver(t.Context(), address, h, nil); !errors.Is(r.Err, ErrAddress) {
			t.Errorf("%s: the operator's own network was reached: %+v", address, r)
		}
	}
}

func TestBackoff(t *testing.T) {
	schedule := DefaultBackoff()
	rapid.Check(t, func(t *rapid.T) {
		failures := rapid.IntRange(-1, len(schedule)+2).Draw(t, "failures")
		wish := time.Duration(rapid.Int64Range(0, int64(48*time.Hour)).Draw(t, "wish"))
		pause, ok := Backoff(schedule, failures, wish, rapid.Uint64().Draw(t, "spread"))
		if ok != (failures >= 1 && failures <= len(schedule)) {
			t.Fatalf("failures %d: ok %v", failures, ok)
		}
		if ok && (pause < wish || pause < schedule[failures-1] || pause > max(wish, schedule[failures-1]*5/4)) {
			t.Fatalf("failures %d, wish %s: %s", failures, wish, pause)
		}
	})
}

func TestRetryAfter(t *testing.T) {
	for text, want := range map[string]time.Duration{"": 0, "5": 5 * time.Second, "-5": 0, "soon": 0, "999999": 24 * time.Hour, "99999999999999": 0} {
		if got := retryAfter(text); got != want {
			t.Errorf("%q: %s", text, got)
		}
	}
}
