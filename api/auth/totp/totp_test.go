package totp

import (
	"bytes"
	"net/url"
	"testing"
	"time"
)

// RFC 6238 appendix B, SHA-1, the last six of eight digits.
func TestRFC6238(t *testing.T) {
	secret := []byte("12345678901234567890")
	for at, want := range map[int64]string{
		59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130",
	} {
		if got := Code(secret, Step(time.Unix(at, 0))); got != want {
			t.Errorf("%d: got %s, want %s", at, got, want)
		}
	}
}

func TestOnlyNearStepsMatch(t *testing.T) {
	secret, err := NewSecret(bytes.NewReader(bytes.Repeat([]byte{7}, SecretLen)))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1_800_000_000, 0)
	for steps, want := range map[int64]bool{-2: false, -1: true, 0: true, 1: true, 2: false} {
		code := Code(secret, Step(now)+steps)
		if step, ok := Matches(secret, code[:3]+" "+code[3:], now); ok != want || (ok && step != Step(now)+steps) {
			t.Errorf("%d: got %d %v", steps, step, ok)
		}
	}
	for _, code := range []string{"", "12345", "1234567", "abcdef", "٠١٢٣٤٥"} {
		if _, ok := Matches(secret, code, now); ok {
			t.Errorf("%q matches", code)
		}
	}
	if _, err := NewSecret(bytes.NewReader(nil)); err == nil {
		t.Error("a seed without randomness")
	}
}

func TestURI(t *testing.T) {
	u, err := url.Parse(URI([]byte("12345678901234567890"), "qaqpa", "aigul"))
	if err != nil || u.Scheme != "otpauth" || u.Host != "totp" || u.Query().Get("secret") != "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" || u.Query().Get("issuer") != "qaqpa" {
		t.Errorf("%v %v", u, err)
	}
}
