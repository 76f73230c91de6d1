package jws_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"slices"
	"testing"
	"time"

	"qaqpa/signer/jws"
)

// claimsOf signs a set of claims and reads them back.
func claimsOf(tb testing.TB, set string) (jws.Claims, error) {
	tb.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return mustParse(tb, mustSign(tb, jws.SignInput{Signer: key, Payload: []byte(set)})).Claims()
}

func TestClaims(t *testing.T) {
	c, err := claimsOf(t, `{"iss":"мемлекет","sub":"123456789011","aud":["a","b"],"exp":1790856000.5,"nbf":1790852400,"iat":1790852400,
		"jti":"7","roles":["HEAD"]}`)
	if err != nil {
		t.Fatal(err)
	}
	if c.Issuer != "мемлекет" || c.Subject != "123456789011" || !slices.Equal(c.Audience, []string{"a", "b"}) || c.ID != "7" ||
		len(c.Members) != 8 || c.Members[7].Name != "roles" || string(c.Members[7].Value) != `["HEAD"]` {
		t.Errorf("%+v", c)
	}
	if want := time.Unix(1790856000, 500_000_000).UTC(); !c.Expires.Equal(want) {
		t.Errorf("expires %s, want %s", c.Expires, want)
	}
	for set, want := range map[string]error{
		`{}`:                      nil,
		`{"aud":"one"}`:           nil,
		`{"exp":1e9}`:             nil,
		`[]`:                      jws.ErrClaims,
		`"text"`:                  jws.ErrClaims,
		`{"sub":"a","sub":"b"}`:   jws.ErrClaims,
		`{"a":{"b":1,"b":1}}`:     jws.ErrClaims,
		`{"exp":"1790856000"}`:    jws.ErrClaims,
		`{"exp":null}`:            jws.ErrClaims,
		`{"exp":true}`:            jws.ErrClaims,
		`{"exp":1e300}`:           jws.ErrClaims,
		`{"exp":1e999}`:           jws.ErrClaims,
		`{"nbf":-1e18}`:           jws.ErrClaims,
		`{"iss":1}`:               jws.ErrClaims,
		`{"aud":[1]}`:             jws.ErrClaims,
		`{"aud":null}`:            jws.ErrClaims,
		`{"iss":"\ud800"}`:        jws.ErrClaims,
		``:                        jws.ErrClaims,
		`{"iss":"a"} {"iss":"b"}`: jws.ErrClaims,
		"{\"iss\":\"\xc3\x28\"}":  jws.ErrClaims,
		`{"a":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}`: jws.ErrClaims,
	} {
		if _, err := claimsOf(t, set); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", set, err, want)
		}
	}
}

// RFC 7797 7 forbids unencoded payloads in JWTs.
func TestClaimsAreNeverUnencoded(t *testing.T) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	token := mustParse(t, mustSign(t, jws.SignInput{Signer: key, Payload: []byte(`{"iss":"a"}`), Unencoded: true}))
	if _, err := token.Claims(); !errors.Is(err, jws.ErrHeader) {
		t.Error(err)
	}
}

func TestTimes(t *testing.T) {
	hour := jws.Claims{NotBefore: noon, IssuedAt: noon, Expires: noon.Add(time.Hour)}
	for _, c := range []struct {
		name   string
		claims jws.Claims
		at     time.Duration // from noon
		leeway time.Duration
		valid  bool
	}{
		{"no times at all", jws.Claims{}, 0, 0, true},
		{"at its beginning", hour, 0, 0, true},
		{"just before", hour, -time.Second, 0, false},
		{"just before, with leeway", hour, -time.Second, time.Second, true},
		{"at its last second", hour, time.Hour - time.Second, 0, true},
		{"at its end", hour, time.Hour, 0, false},
		{"at its end, with leeway", hour, time.Hour, time.Second, true},
		{"after the leeway", hour, time.Hour + time.Second, time.Second, false},
		{"issued in the future", jws.Claims{IssuedAt: noon.Add(time.Minute)}, 0, 0, false},
	} {
		if err := c.claims.Check(noon.Add(c.at), c.leeway); (err == nil) != c.valid || err != nil && !errors.Is(err, jws.ErrTime) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
