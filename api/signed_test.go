package api

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"qaqpa/api/auth"
	"qaqpa/payment"
	"qaqpa/payment/catalog"
)

// signedClient makes requests as a client with a key pair does, by the text of RFC 9421 and none of our code.
type signedClient struct {
	key ed25519.PrivateKey
	id  string
}

func (g *gateway) signedClient(kind auth.Kind, subject string, perMinute int) signedClient {
	g.t.Helper()
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		g.t.Fatal(err)
	}
	spki, err := x509.MarshalPKIXPublicKey(crypto.PublicKey(public))
	if err != nil {
		g.t.Fatal(err)
	}
	id, _, err := g.keys.Create(g.t.Context(), auth.NewKey{Kind: kind, Subject: subject, Actor: "operator:test", PublicKey: spki, PerMinute: perMinute})
	if err != nil {
		g.t.Fatal(err)
	}
	return signedClient{key: key, id: id}
}

// sign adds the fields of a signature to a call.
func (c signedClient) sign(call call) call {
	header := map[string]string{}
	maps.Copy(header, call.header)
	base := "\"@method\": " + call.method + "\n\"@target-uri\": https://pay.example.kz" + call.path + "\n"
	names := `"@method" "@target-uri"`
	if call.body != nil {
		sum := sha256.Sum256(call.body)
		header["Content-Digest"] = "sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"
		base += "\"content-digest\": " + header["Content-Digest"] + "\n\"content-type\": " + call.contentType + "\n"
		names += ` "content-digest" "content-type"`
	}
	if call.idem != "" {
		base += "\"idempotency-key\": " + call.idem + "\n"
		names += ` "idempotency-key"`
	}
	params := fmt.Sprintf(`(%s);created=%d;keyid="%s";nonce="%s"`, names, time.Now().Unix(), c.id, uuid.NewString())
	base += `"@signature-params": ` + params
	header["Signature-Input"] = "sig1=" + params
	header["Signature"] = "sig1=:" + base64.StdEncoding.EncodeToString(ed25519.Sign(c.key, []byte(base))) + ":"
	call.header = header
	return call
}

// A client that signs its requests loads debts and reads them; what is changed on the way or sent again is refused.
func TestSignedRequests(t *testing.T) {
	w := start(t)
	service := in[catalog.Service](t, w.send(w.agencyKey, "/v1/services", licence("driving-licence")), 201)
	agency := w.key(auth.Agency, "unused") // a token's id is no key of a signature
	me := in[client](t, w.get(w.agencyKey, "/v1/client"), 200)
	c := w.signedClient(auth.Agency, me.Subject, 0)
	body := fmt.Sprintf(`{"debts":[{"reference":"S-1","payer":{"id":%q},"service":%q}]}`, w.citizen.IIN(), service.ID)
	post := call{method: http.MethodPost, path: "/v1/debts", idem: "s-1", contentType: typeJSON, body: []byte(body)}
	signed := c.sign(post)
	if got := in[payment.DebtBatch](t, w.do(signed), 200); got.Accepted != 1 {
		t.Fatalf("%+v", got)
	}
	w.do(signed).want(t, http.StatusUnauthorized, codeReplayed)
	if again := w.do(c.sign(post)); again.header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("the repetition under a new nonce: %d %s", again.status, again.body)
	}
	feed := call{method: http.MethodPost, path: "/v1/debts/feeds", idem: "f-1", contentType: typeLines, chunked: true}
	feed.body = []byte(fmt.Sprintf(`{"reference":"S-2","payer":{"id":%q},"service":%q}`, w.citizen.IIN(), service.ID))
	if _, report := readFeed(t, w.do(c.sign(feed))); report.Accepted != 1 {
		t.Errorf("%+v", report)
	}
	feed.idem = "f-2"
	spoiled := c.sign(feed)
	spoiled.body = []byte(strings.Replace(string(feed.body), "S-2", "S-3", 1))
	w.do(spoiled).want(t, http.StatusBadRequest, codeDigest)
	w.get(w.agencyKey, "/v1/debts/feeds/f-2").want(t, http.StatusNotFound, "feed_unknown") // nothing of it took effect
	if got := in[client](t, w.do(c.sign(call{method: http.MethodGet, path: "/v1/client"})), 200); got.Subject != me.Subject || got.Key != c.id {
		t.Errorf("%+v", got)
	}
	for name, row := range map[string]struct {
		change func(*call)
		status int
		code   code
	}{
		"another body":        {func(c *call) { c.body = []byte(strings.Replace(body, "S-1", "S-9", 1)) }, 400, codeDigest},
		"another digest":      {func(c *call) { c.header["Content-Digest"] = "sha-256=:AAAA:" }, 401, codeKeyInvalid},
		"another path":        {func(c *call) { c.path = "/v1/services" }, 401, codeKeyInvalid},
		"another query":       {func(c *call) { c.path += "?a=b" }, 401, codeKeyInvalid},
		"another idempotency": {func(c *call) { c.idem = "s-2" }, 401, codeKeyInvalid},
		"another key": {func(c *call) {
			c.header["Signature-Input"] = strings.Replace(c.header["Signature-Input"], `keyid="`, `keyid="a`, 1)
		}, 401, codeKeyInvalid},
		"a token as key": {func(c *call) {
			c.header["Signature-Input"] = strings.Replace(c.header["Signature-Input"], `keyid="`, `keyid="`+agency[3:19]+`";tag="`, 1)
		}, 401, codeKeyInvalid},
		"a token beside": {func(c *call) { c.key = agency }, 401, codeSigned},
		"no signature":   {func(c *call) { delete(c.header, "Signature") }, 401, codeSigned},
		"no digest":      {func(c *call) { delete(c.header, "Content-Digest") }, 401, codeSigned},
		"an old one": {func(c *call) {
			c.header["Signature-Input"] = strings.Replace(c.header["Signature-Input"], "created=1", "created=0", 1)
		}, 401, codeSigned},
		"garbage": {func(c *call) { c.header["Signature-Input"] = "sig1=(" }, 401, codeSigned},
	} {
		t.Run(name, func(t *testing.T) {
			bad := c.sign(post)
			bad.bad = true
			row.change(&bad)
			w.do(bad).want(t, row.status, row.code)
		})
	}
	if err := w.keys.Revoke(t.Context(), c.id, "operator:test"); err != nil {
		t.Fatal(err)
	}
	w.do(c.sign(post)).want(t, http.StatusUnauthorized, codeKeyInvalid)
	w.do(call{method: http.MethodGet, path: "/v1/client"}).want(t, http.StatusUnauthorized, codeUnauthorised)
	if strings.Contains(w.log.String(), w.citizen.IIN()) {
		t.Error("the log has personal data")
	}
}

// A client reads exactly how much is left, and is refused exactly beyond it; nobody else is.
func TestQuotas(t *testing.T) {
	at := time.Date(2026, 3, 2, 10, 0, 15, 0, time.UTC)
	g := front(t, func(c *Config) { c.Limits.ClientPerMinute = 5; c.Now = func() time.Time { return at } })
	create := func(perMinute int) string {
		token, _, err := g.keys.Create(t.Context(), auth.NewKey{Kind: auth.Portal, Subject: "p", Actor: "operator:test", PerMinute: perMinute})
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	usual, small := create(0), create(2)
	ask := func(key string) answered { return g.do(call{method: http.MethodGet, path: "/v1/client", key: key}) }
	for left := 4; left >= 0; left-- {
		a := ask(usual)
		got := in[client](t, a, 200)
		if got.Quota.PerMinute != 5 || got.Quota.Remaining != left || got.Quota.ResetsIn != 45 {
			t.Errorf("%+v", got.Quota)
		}
		if a.header.Get("RateLimit") != `"client";r=`+strconv.Itoa(left)+`;t=45` || a.header.Get("RateLimit-Policy") != `"client";q=5;w=60` {
			t.Errorf("%v", a.header)
		}
	}
	refused := ask(usual)
	refused.want(t, http.StatusTooManyRequests, codeTooMany)
	if refused.header.Get("Retry-After") != "45" || refused.header.Get("RateLimit") != `"client";r=0;t=45` {
		t.Errorf("%v", refused.header)
	}
	in[client](t, ask(small), 200)
	in[client](t, ask(small), 200)
	ask(small).want(t, http.StatusTooManyRequests, codeTooMany)
	at = at.Add(45 * time.Second)
	if got := in[client](t, ask(usual), 200); got.Quota.Remaining != 4 || got.Quota.ResetsIn != 60 {
		t.Errorf("in the next minute: %+v", got.Quota)
	}
	_, id, _ := strings.Cut(small, "_")
	if err := g.keys.SetQuota(t.Context(), id[:16], 7, "operator:test"); err != nil {
		t.Fatal(err)
	}
	if got := in[client](t, ask(small), 200); got.Quota.PerMinute != 7 {
		t.Errorf("after the change: %+v", got.Quota)
	}
	if err := g.keys.SetQuota(t.Context(), "unknown", 7, "operator:test"); err == nil {
		t.Error("a key that is not there got a quota")
	}
	if err := g.keys.SetQuota(t.Context(), id[:16], -1, "operator:test"); err == nil {
		t.Error("a negative quota was taken")
	}
}

func TestClientKeysThatAreNone(t *testing.T) {
	g := front(t, nil)
	for name, spki := range map[string][]byte{"empty": {}, "garbage": []byte("x"), "a private key's text": []byte(`{"k":1}`)} {
		if id, _, err := g.keys.Create(t.Context(), auth.NewKey{Kind: auth.Bank, Subject: "x", Actor: "a", PublicKey: spki}); err == nil {
			t.Errorf("%s: made %s", name, id)
		}
	}
	list, err := g.keys.Keys(t.Context())
	if err != nil || len(list) != 0 {
		t.Errorf("%v %v", list, err)
	}
}
