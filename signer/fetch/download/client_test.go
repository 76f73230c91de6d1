package download_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"qaqpa/signer/fetch/download"
	"qaqpa/signer/revoked"
)

func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func client(t *testing.T, change func(*download.Config)) *download.Client {
	t.Helper()
	cfg := download.Config{AllowPrivate: true, HeaderTimeout: 300 * time.Millisecond}
	if change != nil {
		change(&cfg)
	}
	c := download.New(cfg)
	t.Cleanup(c.Close)
	return c
}

// TestConditions: what a server says of a version is given back to it, and 304 is believed only then.
func TestConditions(t *testing.T) {
	var seen http.Header
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		seen = r.Header.Clone()
		w.Header().Set("ETag", `W/"7"`)
		w.Header().Set("Last-Modified", "Tue, 01 Sep 2026 09:00:00 GMT")
		switch r.URL.Path {
		case "/always":
			w.WriteHeader(http.StatusNotModified)
		case "/etag":
			if r.Header.Get("If-None-Match") == `W/"7"` {
				w.WriteHeader(http.StatusNotModified)
				return
			}
			fmt.Fprint(w, "list")
		case "/odd":
			w.Header().Set("ETag", `"`+strings.Repeat("x", 300)+`"`)
			w.Header().Set("Last-Modified", "вчера")
			fmt.Fprint(w, "list")
		}
	})
	c := client(t, nil)
	r, err := c.Open(t.Context(), revoked.Request{URL: url + "/etag"})
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil || string(body) != "list" || r.NotModified {
		t.Errorf("%q, %v", body, err)
	}
	if r.Body.Close() != nil || seen.Get("If-None-Match") != "" || seen.Get("If-Modified-Since") != "" || seen.Get("Accept-Encoding") != "" {
		t.Errorf("the first request: %v", seen)
	}
	want := revoked.Tags{ETag: `W/"7"`, LastModified: "Tue, 01 Sep 2026 09:00:00 GMT"}
	if r.Tags != want {
		t.Errorf("%+v", r.Tags)
	}
	r, err = c.Open(t.Context(), revoked.Request{URL: url + "/etag", Have: r.Tags})
	if err != nil || !r.NotModified || r.Body != nil || r.Tags != want || seen.Get("If-Modified-Since") != want.LastModified {
		t.Errorf("%+v, %v, %v", r, err, seen)
	}
	if _, err := c.Open(t.Context(), revoked.Request{URL: url + "/always"}); !errors.Is(err, download.ErrStatus) {
		t.Errorf("304 to a question without condition: %v", err)
	}
	r, err = c.Open(t.Context(), revoked.Request{URL: url + "/odd"})
	if err != nil || r.Tags != (revoked.Tags{}) || r.Body.Close() != nil {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestFailures(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/gone":
			w.WriteHeader(http.StatusNotFound)
		case "/partial":
			w.WriteHeader(http.StatusPartialContent)
		case "/hang":
			<-r.Context().Done()
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusFound)
		case "/once":
			http.Redirect(w, r, "/list", http.StatusMovedPermanently)
		case "/file":
			w.Header().Set("Location", "file:///etc/passwd")
			w.WriteHeader(http.StatusFound)
		case "/cut":
			panic(http.ErrAbortHandler)
		case "/list":
			fmt.Fprint(w, "list")
		}
	})
	c := client(t, nil)
	for path, want := range map[string]error{
		"/gone": download.ErrStatus, "/partial": download.ErrStatus, "/loop": download.ErrStatus, "/file": download.ErrForbidden,
		"/hang": nil, "/cut": nil,
	} {
		r, err := c.Open(t.Context(), revoked.Request{URL: url + path})
		if err == nil || want != nil && !errors.Is(err, want) {
			t.Errorf("%s: %v, %v", path, r, err)
		}
	}
	r, err := c.Open(t.Context(), revoked.Request{URL: url + "/once"})
	if err != nil || r.Body.Close() != nil {
		t.Errorf("one redirect: %v", err)
	}
	if _, err := client(t, func(c *download.Config) { c.RedirectsMax = -1 }).Open(t.Context(), revoked.Request{URL: url + "/once"}); !errors.Is(err, download.ErrStatus) {
		t.Errorf("a redirect although none may be: %v", err)
	}
	for _, bad := range []string{"ldap://host/x", "http://", "http://u:p@host/", "://", "/relative", "file:///etc/passwd"} {
		if _, err := c.Open(t.Context(), revoked.Request{URL: bad}); !errors.Is(err, download.ErrForbidden) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

// TestPrivateAddressesAreRefused: by number, by a name that resolves to it, by host list, by port.
func TestPrivateAddressesAreRefused(t *testing.T) {
	var called atomic.Int32
	url := serve(t, func(http.ResponseWriter, *http.Request) { called.Add(1) })
	port := url[strings.LastIndex(url, ":"):]
	c := client(t, func(c *download.Config) { c.AllowPrivate = false })
	for _, address := range []string{
		url, "http://localhost" + port, "http://localhost/", "http://127.0.0.1/", "http://[::1]/", "http://[::ffff:127.0.0.1]/", "http://10.0.0.1/",
		"http://169.254.169.254/latest/", "http://100.64.0.1/", "http://0.0.0.0/", "http://[fe80::1]/", "http://[fd00::1]/", "http://[64:ff9b::7f00:1]/",
	} {
		if _, err := c.Open(t.Context(), revoked.Request{URL: address}); !errors.Is(err, download.ErrForbidden) {
			t.Errorf("%s: %v", address, err)
		}
	}
	if called.Load() != 0 {
		t.Error("a private address was called")
	}
	for _, x := range []struct {
		hosts []string
		ok    bool
	}{{[]string{"127.0.0.1"}, true}, {[]string{".0.0.1"}, true}, {[]string{".pki.gov.kz", "0.0.1"}, false}} {
		r, err := client(t, func(c *download.Config) { c.Hosts = x.hosts }).Open(t.Context(), revoked.Request{URL: url})
		if (err == nil) != x.ok {
			t.Errorf("%v: %v", x.hosts, err)
		}
		if err == nil && r.Body.Close() != nil {
			t.Error("the body does not close")
		}
	}
	for a, want := range map[string]bool{"95.59.124.1": true, "2a00:1450::1": true, "192.168.0.1": false, "255.255.255.255": false, "::": false, "2002:7f00:1::": false} {
		if got := download.Public(netip.MustParseAddr(a)); got != want {
			t.Errorf("%s: %v", a, got)
		}
	}
}
