package api

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"qaqpa/api/auth"
)

// Issue 2, "Bad input": each gets a clear problem with a code, a place and a status.
func TestBadBodies(t *testing.T) {
	g := front(t, nil)
	agency := g.key(auth.Agency, "agc_1")
	item := `{"reference":"1","payer":{"id":"850101300019"},"service":"svc_1"}`
	long := `{"debts":[` + strings.Repeat(item+",", 1000) + item + `]}`
	for _, row := range []struct {
		name, path, body string
		status           int
		code             code
		field            string
	}{
		{"not JSON", "/v1/debts", `debts=1`, 400, "json_syntax", ""},
		{"empty body", "/v1/debts", ``, 400, codeBodyEmpty, ""},
		{"cut off", "/v1/debts", `{"debts":[`, 400, "json_syntax", "/debts/0"},
		{"unknown field", "/v1/debts", `{"debts":[],"dry_run":true}`, 400, "json_unknown_field", "/dry_run"},
		{"unknown field inside", "/v1/debts", `{"debts":[{"reference":"1","payer":{"id":"1","iin":"2"},"service":"s"}]}`, 400, "json_unknown_field", "/debts/0/payer/iin"},
		{"duplicate key", "/v1/debts", `{"debts":[],"debts":[]}`, 400, "json_duplicate_key", "/debts"},
		{"missing field", "/v1/debts", `{"debts":[{"reference":"1","service":"s"}]}`, 400, "json_missing_field", "/debts/0/payer"},
		{"amount with a fraction", "/v1/debts", `{"debts":[{"reference":"1","payer":{"id":"1"},"service":"s","amount":5406.25}]}`, 400, "json_wrong_type", "/debts/0/amount"},
		{"amount as text", "/v1/debts", `{"debts":[{"reference":"1","payer":{"id":"1"},"service":"s","amount":"540600"}]}`, 400, "json_wrong_type", "/debts/0/amount"},
		{"amount beyond int64", "/v1/debts", `{"debts":[{"reference":"1","payer":{"id":"1"},"service":"s","amount":9223372036854775808}]}`, 400, "json_out_of_range", "/debts/0/amount"},
		{"null", "/v1/debts", `{"debts":null}`, 400, "json_wrong_type", "/debts"},
		{"NUL in text", "/v1/debts", `{"debts":[{"reference":"a\u0000","payer":{"id":"1"},"service":"s"}]}`, 400, "json_encoding", "/debts/0/reference"},
		{"not UTF-8", "/v1/debts", "{\"debts\":[{\"reference\":\"\xff\"}]}", 400, "json_encoding", "/debts/0/reference"},
		{"two values", "/v1/debts", `{"debts":[]}{"debts":[]}`, 400, "json_trailing", ""},
		{"too many items", "/v1/debts", long, 400, "json_too_long", "/debts"},
		{"too large", "/v1/debts", `{"debts":["` + strings.Repeat("x", 1<<20) + `"]}`, 413, codeBodyTooLarge, ""},
		{"deep", "/v1/services", `{"names":` + strings.Repeat(`{"kk":`, 30), 400, "json_wrong_type", "/names/kk"},
		{"array", "/v1/services", `[]`, 400, "json_wrong_type", ""},
		{"IIN too long for its field", "/v1/debts/search", `{"payer":"8501013000199"}`, 400, "json_too_long", "/payer"},
		{"unknown state", "/v1/debts/search", `{"payer":"850101300019","state":"lost"}`, 422, "invalid_request", "/state"},
		{"limit out of range", "/v1/debts/search", `{"payer":"850101300019","limit":101}`, 422, "invalid_request", "/limit"},
		{"odd cursor", "/v1/debts/search", `{"payer":"850101300019","starting_after":"'; --"}`, 422, "invalid_request", "/starting_after"},
		{"no reason", "/v1/debts/dbt_1/recall", `{"reason":""}`, 422, "invalid_request", "/reason"},
		{"reason too long", "/v1/debts/dbt_1/recall", `{"reason":"` + strings.Repeat("қ", 201) + `"}`, 400, "json_too_long", "/reason"},
	} {
		t.Run(row.name, func(t *testing.T) {
			p := g.post(agency, row.path, "k-1", row.body).want(t, row.status, row.code)
			if p.Field != row.field {
				t.Errorf("field is %q, want %q", p.Field, row.field)
			}
			if p.Detail == "" {
				t.Error("the problem does not say what to mend")
			}
		})
	}
	if s := g.log.String(); strings.Contains(s, "850101300019") || strings.Contains(s, `"level":"ERROR"`) {
		t.Errorf("the log has personal data or errors:\n%s", s)
	}
}

func TestHeadersAndMediaTypes(t *testing.T) {
	g := front(t, nil)
	agency := g.key(auth.Agency, "agc_1")
	post := func(contentType string, header map[string]string) answered {
		return g.do(call{method: http.MethodPost, path: "/v1/debts", key: agency, idem: "k1", contentType: contentType, header: header, body: []byte(`{"debts":null}`), bad: true})
	}
	const reached = code("json_wrong_type") // the body was read
	post(typeJSON, nil).want(t, 400, reached)
	post("application/json; charset=UTF-8", nil).want(t, 400, reached)
	for _, bad := range []string{"", "text/plain", "application/json; charset=windows-1251", "application/jsonx", "json", "application/json; ="} {
		if p := post(bad, nil).want(t, 415, codeMediaType); p.Parameter != "Content-Type" || p.DeveloperDetail != typeJSON {
			t.Errorf("%q: got %+v", bad, p)
		}
	}
	post(typeJSON, map[string]string{"Content-Encoding": "gzip"}).want(t, 415, codeMediaType)
	post(typeJSON, map[string]string{"Content-Encoding": "identity"}).want(t, 400, reached)
	for accept, want := range map[string]int{
		"*/*": 400, "application/*": 400, "application/json": 400, "text/html, */*;q=0.1": 400, typeProblem + ", application/json": 400,
		"text/html": 406, "application/json;q=0": 406, "*/*;q=0": 406, "application/*;q=0, application/json;q=0.5": 400,
	} {
		if a := post(typeJSON, map[string]string{"Accept": accept}); a.status != want {
			t.Errorf("Accept %q: got %d, want %d", accept, a.status, want)
		}
	}
}

func TestIdempotencyKeyField(t *testing.T) {
	g := front(t, nil)
	agency := g.key(auth.Agency, "agc_1")
	for field, want := range map[string]code{
		"":                                   codeIdemMissing,
		"abc":                                "json_wrong_type",
		`"abc def"`:                          "json_wrong_type",
		`"a\"b\\c"`:                          "json_wrong_type",
		strings.Repeat("k", 255):             "json_wrong_type",
		strings.Repeat("k", 256):             codeIdemInvalid,
		`"` + strings.Repeat("k", 256) + `"`: codeIdemInvalid,
		`""`:                                 codeIdemInvalid,
		`"abc`:                               codeIdemInvalid,
		`"a"; x=1`:                           codeIdemInvalid,
		`abc, def`:                           codeIdemInvalid,
		`a b`:                                codeIdemInvalid,
		`"a\b"`:                              codeIdemInvalid,
		"ключ":                               codeIdemInvalid,
	} {
		a := g.do(call{method: http.MethodPost, path: "/v1/debts", key: agency, idem: field, contentType: typeJSON, body: []byte(`{"debts":null}`), bad: true})
		if p := a.want(t, 400, want); want == codeIdemMissing && p.Parameter != "Idempotency-Key" {
			t.Errorf("got %+v", p)
		}
	}
}

func TestQuotedAndBareKeysAreOne(t *testing.T) {
	for _, v := range []string{`abc-1`, `"abc-1"`} {
		if key, ok := readIdemKey(v); !ok || key != "abc-1" {
			t.Errorf("%s: got %q, %v", v, key, ok)
		}
	}
	if fingerprint("POST", "/a", []byte("bc")) == fingerprint("POST", "/ab", []byte("c")) {
		t.Error("two requests share a fingerprint")
	}
}

func FuzzReadIdemKey(f *testing.F) {
	f.Add(`"a\"b"`)
	f.Add("abc")
	f.Fuzz(func(t *testing.T, v string) {
		key, ok := readIdemKey(v)
		if !ok {
			return
		}
		if key == "" || len(key) > idemKeyMax || strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Fatalf("took %q as %q", v, key)
		}
		quoted := `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(key) + `"`
		if again, ok := readIdemKey(quoted); !ok || again != key {
			t.Fatalf("%q is read as %q", quoted, again)
		}
	})
}

func TestWhoMayCall(t *testing.T) {
	g := front(t, nil)
	agency, portal := g.key(auth.Agency, "agc_1"), g.key(auth.Portal, "egov")
	narrow := g.key(auth.Portal, "egov", auth.ServicesRead)
	expiring := "qk_" + strings.Repeat("a", 16) + "_" + strings.Repeat("b", 52)
	get := func(key, path string) answered { return g.do(call{method: http.MethodGet, path: path, key: key}) }
	if a := get("", "/v1/orders/ord_1"); a.header.Get("WWW-Authenticate") == "" {
		t.Error("401 without WWW-Authenticate")
	} else {
		a.want(t, 401, codeUnauthorised)
	}
	get(expiring, "/v1/orders/ord_1").want(t, 401, codeKeyInvalid)
	get("nonsense", "/v1/orders/ord_1").want(t, 401, codeKeyInvalid)
	if p := get(agency, "/v1/orders/ord_1").want(t, 403, codeScope); p.DeveloperDetail != string(auth.OrdersRead) {
		t.Errorf("got %+v", p)
	}
	get(narrow, "/v1/orders/ord_1").want(t, 403, codeScope)
	g.post(portal, "/v1/services", "k1", `{}`).want(t, 403, codeScope)
	g.post(agency, "/v1/orders", "k1", `{}`).want(t, 403, codeScope)
	bank := g.key(auth.Bank, "TESTKZKA")
	if p := g.post(bank, "/v1/orders", "k1", `{"payer":"850101300019","debts":["dbt_1"],"bank":"TESTKZKB"}`).want(t, 403, codeBankOfOther); p.Field != "/bank" {
		t.Errorf("got %+v", p)
	}
	// The body of a stranger is not looked at, however large.
	g.do(call{method: http.MethodPost, path: "/v1/debts", contentType: typeJSON, idem: "k", body: bytes.Repeat([]byte("x"), 1<<20), bad: true}).want(t, 401, codeUnauthorised)
}

func TestAddresses(t *testing.T) {
	g := front(t, nil)
	portal := g.key(auth.Portal, "egov")
	do := func(method, path string) answered {
		return g.do(call{method: method, path: path, key: portal, bad: true})
	}
	for _, path := range []string{"/nothing", "/v1", "/v1/services/", "/V1/services", "/v1//services", "/v1/orders/a/b/c"} {
		do(http.MethodGet, path).want(t, 404, codeRouteUnknown)
	}
	do(http.MethodGet, "/v1/orders//events").want(t, 404, codeNotOwn)
	for _, id := range []string{"%00", "%D2%9B", "a%27b", "ord_'", strings.Repeat("a", 81), "a%2Fb", "a;b"} {
		do(http.MethodGet, "/v1/services/"+id).want(t, 404, codeNotOwn)
	}
	a := do(http.MethodDelete, "/v1/services")
	a.want(t, 405, codeMethod)
	if allow := a.header.Get("Allow"); allow != "GET, HEAD, OPTIONS, POST" {
		t.Errorf("Allow is %q", allow)
	}
	do("BREW", "/v1/services").want(t, 405, codeMethod)
	if a := do(http.MethodOptions, "/v1/services"); a.status != 204 || a.header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("OPTIONS: %d %v", a.status, a.header)
	}
	for _, query := range []string{"?limit=0", "?limit=101", "?limit=x", "?limit=1&limit=2", "?page=2", "?agency=%FF", "?agency=%00", "?agency='", "?starting_after=a%20b", "?agency=" + strings.Repeat("a", 300)} {
		do(http.MethodGet, "/v1/services"+query).want(t, 400, codeQuery)
	}
	do(http.MethodGet, "/v1/services/svc_1/quote?on=2026-02-30").want(t, 400, codeQuery)
	g.do(call{method: http.MethodGet, path: "/v1/services", key: portal, contentType: typeJSON, body: []byte("{}"), bad: true}).want(t, 400, codeBodyUnexpected)
	g.do(call{method: http.MethodPost, path: "/v1/orders/ord_1/cancel", key: portal, idem: "k", contentType: typeJSON, body: []byte("{}"), bad: true}).want(t, 400, codeBodyUnexpected)
}

func TestLanguages(t *testing.T) {
	g := front(t, nil)
	for accept, want := range map[string]string{"kk-KZ": "API кілті қажет", "ru": "Нужен ключ API", "en": "An API key is needed", "": "An API key is needed", "de": "An API key is needed"} {
		a := g.do(call{method: http.MethodGet, path: "/v1/banks", header: map[string]string{"Accept-Language": accept}})
		if p := a.want(t, 401, codeUnauthorised); p.Title != want || a.header.Get("Vary") == "" {
			t.Errorf("%q: %q", accept, p.Title)
		}
	}
	a := g.do(call{method: http.MethodGet, path: "/problems/json_too_long", header: map[string]string{"Accept-Language": "kk"}})
	if k := in[problemKind](t, a, 200); k.Status != 400 || !strings.Contains(k.Detail, "…") || !strings.Contains(k.Title, "ұзын") {
		t.Errorf("got %+v", k)
	}
	g.do(call{method: http.MethodGet, path: "/problems/nothing"}).want(t, 404, codeNotOwn)
}

func TestSecurityHeaders(t *testing.T) {
	g := front(t, nil)
	for path, policy := range map[string]string{
		"/openapi.yaml": "default-src 'none'; frame-ancestors 'none'", "/v1/banks": "default-src 'none'; frame-ancestors 'none'",
		"/verify": verifyPolicy,
	} {
		h := g.do(call{method: http.MethodGet, path: path}).header
		if h.Get("Content-Security-Policy") != policy || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("X-Request-Id") == "" ||
			(path == "/verify" && (h.Get("X-Frame-Options") != "DENY" || h.Get("Referrer-Policy") != "no-referrer")) {
			t.Errorf("%s: %v", path, h)
		}
	}
	id := "client-1234"
	if h := g.do(call{method: http.MethodGet, path: "/v1/banks", header: map[string]string{"X-Request-Id": id}}).header; h.Get("X-Request-Id") != id {
		t.Errorf("got %v", h)
	}
	for _, bad := range []string{"short", "with space", `"><script>`, strings.Repeat("a", 65)} {
		if h := g.do(call{method: http.MethodGet, path: "/v1/banks", header: map[string]string{"X-Request-Id": bad}}).header; h.Get("X-Request-Id") == bad || h.Get("X-Request-Id") == "" {
			t.Errorf("%q was taken", bad)
		}
	}
}

func TestHeadAndConditional(t *testing.T) {
	g := front(t, nil)
	full := g.do(call{method: http.MethodGet, path: "/openapi.yaml"})
	if full.status != 200 || !bytes.Equal(full.body, openapi) || full.header.Get("Content-Type") != typeYAML {
		t.Fatalf("got %d, %d bytes", full.status, len(full.body))
	}
	head := g.do(call{method: http.MethodHead, path: "/openapi.yaml"})
	if head.status != 200 || len(head.body) != 0 || head.header.Get("Content-Length") != fmt.Sprint(len(openapi)) {
		t.Errorf("HEAD: %d %v", head.status, head.header)
	}
	tag := full.header.Get("ETag")
	for field, want := range map[string]int{tag: 304, "W/" + tag: 304, `"x", ` + tag: 304, "*": 304, `"x"`: 200, "": 200} {
		a := g.do(call{method: http.MethodGet, path: "/openapi.yaml", header: map[string]string{"If-None-Match": field}})
		if a.status != want || (want == 304 && (len(a.body) != 0 || a.header.Get("ETag") != tag)) {
			t.Errorf("%q: %d", field, a.status)
		}
	}
}

// raw sends bytes as they are and returns all that came back until the connection closed.
func (g *gateway) raw(t *testing.T, text string) string {
	t.Helper()
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(g.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	return string(got)
}

// A body that was refused is not the next request: or whoever shares a connection through a proxy could speak for others.
func TestRefusedBodyIsNotTheNextRequest(t *testing.T) {
	g := front(t, nil)
	smuggled := "GET /openapi.yaml HTTP/1.1\r\nHost: x\r\n\r\n"
	body := strings.Repeat(" ", 20_000) + smuggled
	for name, request := range map[string]string{
		"sized":          fmt.Sprintf("POST /v1/debts HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body),
		"chunked":        fmt.Sprintf("POST /v1/debts HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(body), body),
		"unknown route":  fmt.Sprintf("POST /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body),
		"GET with body":  fmt.Sprintf("GET /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body),
		"small body GET": fmt.Sprintf("GET /v1/banks HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(smuggled), smuggled),
	} {
		t.Run(name, func(t *testing.T) {
			got := g.raw(t, request)
			if n := strings.Count(got, "HTTP/1.1 "); n != 1 {
				t.Errorf("%d answers to one request", n)
			}
			if !strings.Contains(got, "Connection: close") {
				t.Errorf("the connection was kept: %.300s", got)
			}
		})
	}
}

func TestUnreadableRequests(t *testing.T) {
	g := front(t, func(c *Config) { c.Limits.Read = 500 * time.Millisecond })
	agency := g.key(auth.Agency, "agc_1")
	// From here on the key is in the cache, so that only the client is slow, however loaded the machine.
	g.do(call{method: http.MethodPost, path: "/v1/debts", key: agency, idem: "k", contentType: typeJSON, body: []byte("x"), bad: true}).want(t, 400, "json_syntax")
	authorised := "Host: x\r\nAuthorization: Bearer " + agency + "\r\nIdempotency-Key: k\r\nContent-Type: application/json\r\n"
	for name, row := range map[string]struct{ request, want string }{
		"no HTTP":           {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", "http_malformed"},
		"bad length":        {"POST /v1/debts HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n", "http_malformed"},
		"huge header":       {"GET /" + strings.Repeat("a", 20_000) + " HTTP/1.1\r\nHost: x\r\n\r\n", "headers_too_large"},
		"slow header":       {"GET / HTTP/1.1\r\nHost: x\r\n", "request_timeout"},
		"slow small body":   {"POST /v1/debts HTTP/1.1\r\n" + authorised + "Content-Length: 100\r\n\r\n{", "request_timeout"},
		"slow large body":   {"POST /v1/debts HTTP/1.1\r\n" + authorised + "Content-Length: 20000\r\n\r\n" + strings.Repeat(" ", 9000), "request_timeout"},
		"slow chunked body": {"POST /v1/debts HTTP/1.1\r\n" + authorised + "Transfer-Encoding: chunked\r\n\r\n5\r\nab", "request_timeout"},
		"broken chunk":      {"POST /v1/debts HTTP/1.1\r\n" + authorised + "Transfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n", "body_incomplete"},
	} {
		t.Run(name, func(t *testing.T) {
			got := g.raw(t, row.request)
			resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(got)), nil)
			if err != nil {
				t.Fatalf("%v in %q", err, got)
			}
			defer func() { _ = resp.Body.Close() }()
			var p problem
			if err := json.NewDecoder(resp.Body).Decode(&p); err != nil || p.Code != code(row.want) || p.TraceID == "" {
				t.Errorf("got %d %+v, %v", resp.StatusCode, p, err)
			}
		})
	}
}

// A client that sends fewer bytes than it announced and goes must not have the rest taken for the whole.
func TestCutBodyIsRefused(t *testing.T) {
	g := front(t, nil)
	agency := g.key(auth.Agency, "agc_1")
	for _, size := range []int{9, 20_000} {
		c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(g.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		_, err = fmt.Fprintf(c, "POST /v1/debts HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nIdempotency-Key: k\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
			agency, size+100, strings.Repeat(" ", size))
		if err != nil {
			t.Fatal(err)
		}
		if half, ok := c.(*net.TCPConn); !ok || half.CloseWrite() != nil {
			t.Fatal("couldn't end the request")
		}
		got, _ := io.ReadAll(c)
		_ = c.Close()
		if !strings.Contains(string(got), string(codeBodyCut)) && !strings.Contains(string(got), string(codeHTTPMalformed)) {
			t.Errorf("%d bytes: %q", size, got)
		}
	}
}

func TestChunkedBodies(t *testing.T) {
	g := front(t, nil)
	agency := g.key(auth.Agency, "agc_1")
	send := func(body string) answered {
		return g.do(call{method: http.MethodPost, path: "/v1/debts", key: agency, idem: "k", contentType: typeJSON, body: []byte(body), chunked: true, bad: true})
	}
	send(`{"debts":null}`).want(t, 400, "json_wrong_type")
	send(strings.Repeat(" ", 100_000)+`{"debts":null}`).want(t, 400, "json_wrong_type")
	send(strings.Repeat(" ", 1<<20+1)).want(t, 413, codeBodyTooLarge)
}

func TestPublicOperationsAreLimitedByAddress(t *testing.T) {
	g := front(t, func(c *Config) {
		c.Limits.PublicPerMinute = 3
		c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	})
	portal := g.key(auth.Portal, "egov")
	ask := func(key, from string) answered {
		return g.do(call{method: http.MethodPost, path: "/v1/validations", key: key, contentType: typeForm, body: []byte("x"), header: map[string]string{"X-Forwarded-For": from}, bad: true})
	}
	for range 3 {
		ask("", "203.0.113.7").want(t, 400, codeForm)
	}
	a := ask("", "203.0.113.7")
	a.want(t, 429, codeTooMany)
	if a.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	ask("", "10.9.9.9, 203.0.113.7").want(t, 429, codeTooMany) // what the client wrote before the proxy does not count
	ask("", "203.0.113.8").want(t, 400, codeForm)
	ask(portal, "203.0.113.7").want(t, 400, codeForm)
	for i := range 4 { // one owner of a /64
		a = ask("", fmt.Sprintf("2001:db8::%d", i+1))
	}
	a.want(t, 429, codeTooMany)
}

func TestForwardedForIsNotBelievedFromStrangers(t *testing.T) {
	g := front(t, func(c *Config) { c.Limits.PublicPerMinute = 2 })
	var a answered
	for i := range 3 {
		a = g.do(call{method: http.MethodPost, path: "/v1/validations", contentType: typeForm, body: []byte("x"), header: map[string]string{"X-Forwarded-For": fmt.Sprintf("203.0.113.%d", i)}, bad: true})
	}
	a.want(t, 429, codeTooMany)
}

func TestForms(t *testing.T) {
	g := front(t, nil)
	part := func(name, file, content string) string {
		disposition := `form-data; name="` + name + `"`
		if file != "-" {
			disposition += `; filename="` + file + `"`
		}
		return "--b\r\nContent-Disposition: " + disposition + "\r\n\r\n" + content + "\r\n"
	}
	for name, body := range map[string]string{
		"no end":            part("document", "a", "x"),
		"other name":        part("document", "a", "x") + part("extra", "a", "x") + "--b--\r\n",
		"twice":             part("document", "a", "x") + part("document", "a", "x") + "--b--\r\n",
		"no name":           "--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n",
		"nothing":           "",
		"other boundary":    "--c\r\n\r\n--c--\r\n",
		"many empty fields": strings.Repeat(part("", "", ""), 50) + "--b--\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			want := codeForm
			if body == "" {
				want = codeBodyEmpty
			}
			g.do(call{method: http.MethodPost, path: "/v1/validations", contentType: typeForm + "; boundary=b", body: []byte(body), bad: true}).want(t, 400, want)
		})
	}
	g.do(call{method: http.MethodPost, path: "/v1/validations", contentType: typeForm, body: []byte("--b--"), bad: true}).want(t, 400, codeForm)
	g.do(call{method: http.MethodPost, path: "/v1/validations", contentType: typeForm + "; boundary=b", body: []byte(part("document", "", "") + "--b--\r\n"), bad: true}).want(t, 422, codeDocument)
	g.do(call{method: http.MethodPost, path: "/v1/validations", contentType: typeJSON, body: []byte(`{"document":""}`), bad: true}).want(t, 422, codeDocument)
	g.do(call{method: http.MethodPost, path: "/v1/validations", contentType: typeJSON, body: []byte(`{"document":"не base64"}`), bad: true}).want(t, 400, "json_invalid_value")
}

// The budget of memory is given back, also after refusals.
func TestBodyMemoryIsGivenBack(t *testing.T) {
	g := front(t, nil)
	agency := g.key(auth.Agency, "agc_1")
	for range 5 {
		g.post(agency, "/v1/debts", "k", `{"debts":["`+strings.Repeat("x", 500_000)+`"]}`).want(t, 400, "json_wrong_type")
	}
	if !g.memory.TryAcquire(g.cfg.Limits.BodyMemory) {
		t.Error("memory was not given back")
	}
	g.post(agency, "/v1/debts", "k", `{"debts":["`+strings.Repeat("x", 500_000)+`"]}`).want(t, 503, codeBusy)
	g.post(agency, "/v1/debts", "k", `{"debts":null}`).want(t, 400, "json_wrong_type") // small ones go on
}
