package httpsig

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// rfcRequest is the request of RFC 9421 B.2.
func rfcRequest() *Message {
	return &Message{
		Method: "POST", Scheme: "https", Authority: "example.com", Path: "/foo", Query: "?param=Value&Pet=dog", HasBody: true,
		Fields: []Field{
			{"host", []string{"example.com"}},
			{"date", []string{"Tue, 20 Apr 2021 02:07:55 GMT"}},
			{"content-type", []string{"application/json"}},
			{"content-digest", []string{"sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:"}},
			{"content-length", []string{"18"}},
		},
	}
}

func public(t *testing.T, spki string) crypto.PublicKey {
	t.Helper()
	der, err := base64.StdEncoding.DecodeString(spki)
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

const (
	rfcEd25519 = "MCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs="
	rfcPSS     = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAr4tmm3r20Wd/PbqvP1s2+QEtvpuRaV8Yq40gjUR8y2Rjxa6dpG2GXHbPfvMs8ct+Lh1GH45x28Rw3Ry53mm+" +
		"oAXjyQ86OnDkZ5N8lYbggD4O3w6M6pAvLkhk95AndTrifbIFPNU8PPMO7OyrFAHqgDsznjPFmTOtCEcN2Z1FpWgchwuYLPL+Wokqltd11nqqzi+bJ9cvSKADYdUAAN5W" +
		"Utzdpiy6LbTgSxP7ociU4Tn0g5I6aDZJ7A8Lzo0KSyZYoA485mqcO0GVAdVw9lq4aOT9v6d+nb4bnNkQVklLQ3fVAvJm+xdDOp9LCNCN48V2pnDOkFV6+U9nV5oyc6XI2wIDAQAB"
	rfcP256X, rfcP256Y = "qIVYZVLCrPZHGHjP17CTW0_-D9Lfw0EkjqF7xB4FivA", "Mc4nN9LTDOBhfoUeg8Ye9WedFRhnZXZJA12Qp0zZ6F0"
)

// The signatures over requests of RFC 9421 B.2 hold, and none does after a change of what it covers.
func TestVectors(t *testing.T) {
	for name, c := range map[string]struct{ key, input, signature string }{
		"B.2.3": {
			rfcPSS, `sig-b23=("date" "@method" "@path" "@query" "@authority" "content-type" "content-digest" "content-length");created=1618884473;keyid="test-key-rsa-pss"`,
			"sig-b23=:bbN8oArOxYoyylQQUU6QYwrTuaxLwjAC9fbY2F6SVWvh0yBiMIRGOnMYwZ/5MR6fb0Kh1rIRASVxFkeGt683+qRpRRU5p2voTp768ZrCUb38K0fUxN0O0iC59DzYx8DFll5GmydPxSmme9v6ULbMFkl+V5B1TP/yPViV7KsLNmvKiLJH1pFkh/aYA2HXXZzNBXmIkoQoLd7YfW91kE9o/CCoC1xMy7JA1ipwvKvfrs65ldmlu9bpG6A9BmzhuzF8Eim5f8ui9eH8LZH896+QIF61ka39VBrohr9iyMUJpvRX2Zbhl5ZJzSRxpJyoEZAFL2FUo5fTIztsDZKEgM4cUA==:",
		},
		"B.2.6": {
			rfcEd25519, `sig-b26=("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519"`,
			"sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:",
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := rfcRequest()
			in, err := readInput(c.input)
			if err != nil {
				t.Fatal(err)
			}
			raw, err := readSignature(c.signature, in.label)
			if err != nil {
				t.Fatal(err)
			}
			s := Signature{in: in, raw: raw}
			if err := s.Verify(m, public(t, c.key)); err != nil {
				t.Fatal(err)
			}
			m.Authority = "example.org"
			if err := s.Verify(m, public(t, c.key)); !errors.Is(err, ErrSignature) {
				t.Errorf("another authority: %v", err)
			}
			m = rfcRequest()
			s.raw = slices.Clone(raw)
			s.raw[7] ^= 1
			if err := s.Verify(m, public(t, c.key)); !errors.Is(err, ErrSignature) {
				t.Errorf("another signature: %v", err)
			}
			s.in.params.hasAlg, s.in.params.algorithm = true, "hmac-sha256"
			if err := s.Verify(m, public(t, c.key)); !errors.Is(err, ErrSignature) {
				t.Errorf("another algorithm: %v", err)
			}
		})
	}
	// B.2.4 signs a response; its base is taken from the standard as it stands.
	base := "\"@status\": 200\n\"content-type\": application/json\n" +
		"\"content-digest\": sha-512=:mEWXIS7MaLRuGgxOBdODa3xqM1XdEvxoYhvlCFJ41QJgJc4GTsPp29l5oGX69wWdXymyU0rjJuahq4l5aGgfLQ==:\n\"content-length\": 23\n" +
		`"@signature-params": ("@status" "content-type" "content-digest" "content-length");created=1618884473;keyid="test-key-ecc-p256"`
	raw, _ := base64.StdEncoding.DecodeString("wNmSUAhwb5LxtOtOpNa6W5xj067m5hFrj0XQ4fvpaCLx0NKocgPquLgyahnzDnDAUy5eCdlYUEkLIj+32oiasw==")
	x, _ := base64.RawURLEncoding.DecodeString(rfcP256X)
	y, _ := base64.RawURLEncoding.DecodeString(rfcP256Y)
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), append(append([]byte{4}, x...), y...))
	if err != nil || !holds(key, []byte(base), raw) || holds(key, []byte(base+" "), raw) || holds(key, []byte(base), raw[:63]) {
		t.Errorf("B.2.4 does not hold: %v", err)
	}
}

// B.2: the digest of the body.
func TestDigests(t *testing.T) {
	m := rfcRequest()
	for _, c := range []struct {
		field, body string
		read, check error
	}{
		{m.Fields[3].Values[0], `{"hello": "world"}`, nil, nil},
		{m.Fields[3].Values[0], `{"hello": "world"} `, nil, ErrDigest},
		{"sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:", `{"hello": "world"}`, nil, nil},
		{"unixsum=:AA==:, sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:", `{"hello": "world"}`, nil, nil},
		{"sha-512=:AAAA:,sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:", `{"hello": "world"}`, nil, ErrDigest}, // each has to fit
		{"md5=:AAAA:", "", ErrCoverage, nil},
		{"sha-256=:AAAA:, sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:", "", ErrMalformed, nil},
		{"sha-256=X48E", "", ErrMalformed, nil},
		{"", "", ErrMalformed, nil},
		{"sha-256=:!:", "", ErrMalformed, nil},
		{"sha-256=:AAAA: sha-512=:AAAA:", "", ErrMalformed, nil},
	} {
		m.Fields[3].Values[0] = c.field
		d, err := ReadDigests(m)
		if !errors.Is(err, c.read) {
			t.Errorf("%s: %v", c.field, err)
		}
		if err != nil {
			continue
		}
		for range 2 {
			if err := d.Check(strings.NewReader(c.body)); !errors.Is(err, c.check) {
				t.Errorf("%s: %v", c.field, err)
			}
		}
	}
}

var moment = time.Unix(1_800_000_000, 0)

// request is a signed POST of a client; spoil changes the parts before it is signed.
func request(t *testing.T, key crypto.Signer, components, params string) *Message {
	t.Helper()
	m := &Message{
		Method: "POST", Scheme: "https", Authority: "pay.example.kz", Path: "/v1/debts", HasBody: true,
		Fields: []Field{
			{"content-type", []string{"application/json"}},
			{"content-digest", []string{"sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:"}},
			{"idempotency-key", []string{`"k1"`}},
		},
	}
	raw := "(" + components + ")" + params
	m.Fields = append(m.Fields, Field{"signature-input", []string{"sig1=" + raw}})
	in, err := readInput("sig1=" + raw)
	signature := []byte{0}
	if err == nil {
		if base, err := m.base(in); err == nil {
			signature = sign(t, key, []byte(base))
		}
	}
	m.Fields = append(m.Fields, Field{"signature", []string{"sig1=:" + base64.StdEncoding.EncodeToString(signature) + ":"}})
	return m
}

func sign(t *testing.T, key crypto.Signer, base []byte) []byte {
	t.Helper()
	var signature []byte
	var err error
	switch k := key.(type) {
	case ed25519.PrivateKey:
		signature = ed25519.Sign(k, base)
	case *ecdsa.PrivateKey:
		sum := sha256.Sum256(base)
		r, s, signErr := ecdsa.Sign(rand.Reader, k, sum[:])
		if err = signErr; err == nil {
			signature = append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return signature
}

const (
	allComponents = `"@method" "@target-uri" "content-digest" "content-type" "idempotency-key"`
	allParams     = `;created=1800000000;keyid="k";nonce="0123456789abcdef"`
)

func TestRead(t *testing.T) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		components, params string
		want               error
	}{
		"all":                      {allComponents, allParams, nil},
		"parts of the target":      {`"@method" "@authority" "@path" "content-digest" "content-type" "idempotency-key"`, allParams, nil},
		"request target":           {`"@method" "@authority" "@request-target" "content-digest" "content-type" "idempotency-key"`, allParams, nil},
		"with alg":                 {allComponents, allParams + `;alg="ed25519"`, nil},
		"with tag":                 {allComponents, allParams + `;tag="qaqpa"`, nil},
		"with expires":             {allComponents, allParams + `;expires=1800000010`, nil},
		"expired":                  {allComponents, allParams + `;expires=1800000000`, ErrTime},
		"old":                      {allComponents, `;created=1799999700;keyid="k";nonce="0123456789abcdef"`, ErrTime},
		"from the future":          {allComponents, `;created=1800000031;keyid="k";nonce="0123456789abcdef"`, ErrTime},
		"a little ahead":           {allComponents, `;created=1800000030;keyid="k";nonce="0123456789abcdef"`, nil},
		"far past":                 {allComponents, `;created=-99999999999999;keyid="k";nonce="0123456789abcdef"`, ErrTime},
		"too many digits":          {allComponents, `;created=1800000000000000;keyid="k";nonce="0123456789abcdef"`, ErrMalformed},
		"no method":                {`"@target-uri" "content-digest" "content-type" "idempotency-key"`, allParams, ErrCoverage},
		"no target":                {`"@method" "content-digest" "content-type" "idempotency-key"`, allParams, ErrCoverage},
		"no authority":             {`"@method" "@path" "content-digest" "content-type" "idempotency-key"`, allParams, ErrCoverage},
		"no digest":                {`"@method" "@target-uri" "content-type" "idempotency-key"`, allParams, ErrCoverage},
		"no type":                  {`"@method" "@target-uri" "content-digest" "idempotency-key"`, allParams, ErrCoverage},
		"no idempotency key":       {`"@method" "@target-uri" "content-digest" "content-type"`, allParams, ErrCoverage},
		"no components":            {``, allParams, ErrCoverage},
		"no nonce":                 {allComponents, `;created=1800000000;keyid="k"`, ErrCoverage},
		"short nonce":              {allComponents, `;created=1800000000;keyid="k";nonce="0123456789abcde"`, ErrCoverage},
		"no created":               {allComponents, `;keyid="k";nonce="0123456789abcdef"`, ErrCoverage},
		"no key id":                {allComponents, `;created=1800000000;nonce="0123456789abcdef"`, ErrCoverage},
		"component twice":          {allComponents + ` "@method"`, allParams, ErrMalformed},
		"component with parameter": {allComponents + ` "date";sf`, allParams, ErrMalformed},
		"upper case":               {allComponents + ` "Date"`, allParams, ErrMalformed},
		"quote in a name":          {allComponents + ` "a\"b"`, allParams, ErrMalformed},
		"not separated":            {`"@method""@target-uri"`, allParams, ErrMalformed},
		"parameter twice":          {allComponents, allParams + `;created=1800000000`, ErrMalformed},
		"unknown parameter":        {allComponents, allParams + `;x=1`, ErrMalformed},
		"parameter without value":  {allComponents, allParams + `;nonce`, ErrMalformed},
		"nonce as token":           {allComponents, `;created=1800000000;keyid="k";nonce=0123456789abcdef`, ErrMalformed},
		"two signatures":           {allComponents, allParams + `, sig2=("@method");created=1`, ErrMalformed},
		"something behind":         {allComponents, allParams + ` x`, ErrMalformed},
		"too many components":      {strings.Repeat(`"a" `, componentsMax+1), allParams, ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			m := request(t, key, c.components, c.params)
			s, err := Read(m, moment)
			if !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if err != nil {
				return
			}
			if s.KeyID != "k" || s.Nonce != "0123456789abcdef" || s.Until.After(moment.Add(Window+Skew)) {
				t.Errorf("read %+v", s)
			}
			if err := s.Verify(m, key.Public()); err != nil {
				t.Error(err)
			}
		})
	}
}

// What is covered cannot be changed, whatever it is.
func TestVerifyRefuses(t *testing.T) {
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	other, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	m := request(t, ec, allComponents, allParams)
	s, err := Read(m, moment)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Verify(m, ec.Public()); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Message){
		"method": func(m *Message) { m.Method = "PUT" }, "path": func(m *Message) { m.Path = "/v1/orders" }, "query": func(m *Message) { m.Query = "?a=b" },
		"authority": func(m *Message) { m.Authority = "evil.example" }, "scheme": func(m *Message) { m.Scheme = "http" },
		"type": func(m *Message) { m.Fields[0].Values = []string{"text/plain"} }, "digest": func(m *Message) { m.Fields[1].Values = []string{"sha-256=:AAAA:"} },
		"idempotency key": func(m *Message) { m.Fields[2].Values = []string{`"k2"`} }, "another line": func(m *Message) { m.Fields[2].Values = append(m.Fields[2].Values, "x") },
		"a line's end": func(m *Message) { m.Fields[2].Values = []string{"k1\n\"x\": y"} }, "a field gone": func(m *Message) { m.Fields = m.Fields[1:] },
	} {
		changed := request(t, ec, allComponents, allParams)
		changed.Fields[3], changed.Fields[4] = m.Fields[3], m.Fields[4]
		change(changed)
		if err := s.Verify(changed, ec.Public()); err == nil {
			t.Errorf("%s changed and the signature holds", name)
		}
	}
	for _, key := range []crypto.PublicKey{nil, other.Public(), &rsa.PublicKey{N: other.X, E: 65537}, ed25519.PublicKey{1}} {
		if err := s.Verify(m, key); !errors.Is(err, ErrKey) {
			t.Errorf("%T: %v", key, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add("sig1=("+allComponents+")"+allParams, "sig1=:AAAA:", "sha-256=:AAAA:")
	f.Add(`a=();created=1;keyid="";nonce=""`, "a=::", "")
	f.Fuzz(func(t *testing.T, in, signature, digest string) {
		m := &Message{Method: "POST", Scheme: "https", Authority: "a", Path: "/", HasBody: true, Fields: []Field{
			{"signature-input", []string{in}}, {"signature", []string{signature}}, {"content-digest", []string{digest}}, {"content-type", []string{"a/b"}},
		}}
		_, _ = ReadDigests(m)
		s, err := Read(m, moment)
		if err != nil {
			return
		}
		base, err := m.base(s.in)
		if err != nil {
			return
		}
		// One line per component and one for the parameters: nobody smuggles a line in.
		if got := strings.Count(base, "\n"); got != len(s.in.components) {
			t.Fatalf("%d lines for %d components: %q", got, len(s.in.components), base)
		}
		again, err := readInput(s.in.label + "=" + s.in.raw)
		if err != nil || fmt.Sprint(again) != fmt.Sprint(s.in) {
			t.Fatalf("%q is read as %v and %v: %v", in, s.in, again, err)
		}
	})
}
