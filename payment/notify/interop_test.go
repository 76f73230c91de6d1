package notify

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// received is a webhook as it arrived.
type received struct {
	header http.Header
	body   []byte
}

// deliver sends a signed webhook to a server and returns what came there.
func deliver(t *testing.T, h http.Header, body []byte) received {
	t.Helper()
	var got received
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got.header = r.Header.Clone()
		got.body, _ = io.ReadAll(r.Body)
	}))
	defer server.Close()
	if r := New(Config{AllowPrivate: true, Timeout: 20 * time.Second}).Deliver(t.Context(), server.URL, h, body); !r.Delivered() {
		t.Fatalf("%+v", r)
	}
	return got
}

// Other programs verify what is delivered: v1 by the library of Standard Webhooks with the text of the secret, the new one and the old
// one of a rotation; v1a by OpenSSL with the text of the public key. Neither takes anything that was changed.
func TestOthersVerify(t *testing.T) {
	k, body := key(t), []byte(`{"type":"payment.executed","data":{"payer":"Ғалымжан","amount":540600}}`)
	current, old, foreign := make([]byte, 32), make([]byte, 24), make([]byte, 32)
	for _, secret := range [][]byte{current, old, foreign} {
		if _, err := rand.Read(secret); err != nil {
			t.Fatal(err)
		}
	}
	h, err := Sign(k, nil, "msg_0123", time.Now(), body)
	if err != nil {
		t.Fatal(err)
	}
	if err := AddHMAC(h, body, current, old); err != nil {
		t.Fatal(err)
	}
	got := deliver(t, h, body)
	verify := func(secret []byte, header http.Header, body []byte) error {
		wh, err := standardwebhooks.NewWebhook(SecretText(secret))
		if err != nil {
			t.Fatal(err)
		}
		return wh.Verify(body, header)
	}
	for name, secret := range map[string][]byte{"the new secret": current, "the old secret": old} {
		if err := verify(secret, got.header, got.body); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	changed := []byte(strings.Replace(string(got.body), "540600", "540601", 1))
	older := got.header.Clone()
	older.Set(HeaderTimestamp, "1700000000")
	if verify(foreign, got.header, got.body) == nil || verify(current, got.header, changed) == nil || verify(current, older, got.body) == nil {
		t.Error("the library takes what was changed")
	}
	checkOpenSSL(t, PublicKey(public(t, k)), got, changed)
}

// The library signs, and our receiver's side finds the same signature.
func TestOthersSignAlike(t *testing.T) {
	secret := make([]byte, 32)
	wh, err := standardwebhooks.NewWebhook(SecretText(secret))
	if err != nil {
		t.Fatal(err)
	}
	at, body := time.Unix(1700000000, 0), []byte(`{"ә":1}`)
	theirs, err := wh.Sign("msg_1", at, body)
	if err != nil {
		t.Fatal(err)
	}
	h, err := Sign(key(t), nil, "msg_1", at, body)
	if err != nil {
		t.Fatal(err)
	}
	if err := AddHMAC(h, body, secret); err != nil || !strings.HasSuffix(h.Get(HeaderSignature), " "+theirs) {
		t.Errorf("%v: %s, theirs %s", err, h.Get(HeaderSignature), theirs)
	}
}

// checkOpenSSL verifies v1a as a receiver can with no code of ours: the key from its text, the message from headers and raw body.
func checkOpenSSL(t *testing.T, whpk string, got received, changed []byte) {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(whpk, "whpk_"))
	if err != nil || len(raw) != 32 {
		t.Fatalf("key %s: %v", whpk, err)
	}
	// RFC 8410: the algorithm has no parameters, and the bit string is the key itself.
	spki := append([]byte{0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00}, raw...)
	if _, err := x509.ParsePKIXPublicKey(spki); err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(got.header.Get("Webhook-Signature"), "v1a,")
	signature, err := base64.StdEncoding.DecodeString(strings.Fields(after)[0])
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	head := got.header.Get("Webhook-Id") + "." + got.header.Get("Webhook-Timestamp") + "."
	public := write("key.pem", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki}))
	sig := write("sig", signature)
	openssl := func(message string) error {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		return exec.CommandContext(ctx, "openssl", "pkeyutl", "-verify", "-pubin", "-inkey", public, "-rawin", "-in", message, "-sigfile", sig).Run()
	}
	if err := openssl(write("message", append([]byte(head), got.body...))); err != nil {
		t.Errorf("OpenSSL: %v", err)
	}
	if openssl(write("changed", append([]byte(head), changed...))) == nil || openssl(write("other id", append([]byte("x"+head), got.body...))) == nil {
		t.Error("OpenSSL takes what was changed")
	}
}
