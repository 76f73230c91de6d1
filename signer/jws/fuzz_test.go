package jws_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"qaqpa/signer/algo"
	"qaqpa/signer/jws"
)

// Whatever the text is, it parses to one reading or gives a typed error; it never verifies under a key that did not sign;
// and what encoding/json makes of the header is what we make of it.
func FuzzParse(f *testing.F) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	der := publicKey(f, key.Public())
	for _, in := range []jws.SignInput{
		{Payload: payload, Type: "JWT"},
		{Payload: payload, Detached: true, Unencoded: true},
		{Payload: []byte("abc"), Unencoded: true, Members: []jws.Member{{Name: "x", Value: []byte(`{"a":[1,"\u0041\ud83d\ude00",{}]}`)}}},
	} {
		in.Signer = key
		f.Add(mustSign(f, in))
	}
	f.Add(b64(`{"alg":"ES256","x5c":["AAAA"],"x5t":"`+b64(strings.Repeat("x", 20))+`"}`) + "..AAAA")
	f.Add(b64(`{"alg":"EdDSA","crit":["b64"],"b64":true,"kid":"\\\""}`) + ".e30.AAAA")
	_, stranger, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	other := publicKey(f, stranger.Public())
	f.Fuzz(func(t *testing.T, compact string) {
		token, err := jws.Parse(compact, jws.Options{})
		if err != nil {
			for _, class := range []error{jws.ErrSyntax, jws.ErrLimit, jws.ErrAlgorithm, jws.ErrHeader} {
				if errors.Is(err, class) {
					return
				}
			}
			t.Fatalf("untyped error: %v", err)
		}
		var theirs map[string]any
		if err := json.Unmarshal(token.Header.Raw, &theirs); err != nil {
			t.Fatalf("encoding/json refuses %q: %v", token.Header.Raw, err)
		}
		ours := make(map[string]any, len(token.Header.Members))
		for _, m := range token.Header.Members {
			var v any
			if err := json.Unmarshal(m.Value, &v); err != nil {
				t.Fatalf("member %q: %v", m.Value, err)
			}
			ours[m.Name] = v
		}
		if !reflect.DeepEqual(ours, theirs) {
			t.Fatalf("we read %v, encoding/json %v", ours, theirs)
		}
		if err := token.Verify(other, nil); err == nil {
			t.Fatal("forged")
		}
		if err := token.Verify(der, []byte("another")); err == nil {
			t.Fatal("forged")
		} else if !errors.Is(err, algo.ErrSignature) && !errors.Is(err, algo.ErrMismatch) && !errors.Is(err, jws.ErrPayload) {
			t.Fatalf("untyped error: %v", err)
		}
		if c, err := token.Claims(); err == nil {
			_ = c.Check(noon, 0)
		}
		_, _ = token.Chain()
	})
}
