package jws_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"testing"

	"qaqpa/signer/algo"
	"qaqpa/signer/jws"
	"qaqpa/signer/rawsig"
)

// victim is a key whose owner signed one token.
type victim struct {
	key   *ecdsa.PrivateKey
	pub   algo.PublicKey
	token string
}

func newVictim(tb testing.TB) victim {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return victim{key, publicKey(tb, &key.PublicKey), mustSign(tb, jws.SignInput{Signer: key, Type: "JWT", Payload: payload})}
}

// signRaw makes a token with any header at all, rightly signed.
func (v victim) signRaw(tb testing.TB, header, middle string) string {
	tb.Helper()
	input := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + middle
	s, err := rawsig.Algorithm(v.pub, algo.SHA256)
	if err != nil {
		tb.Fatal(err)
	}
	sig, _, err := rawsig.Sign(rawsig.SignInput{
		Signer: v.key, Public: v.pub, Algorithm: &s, Form: rawsig.Pair, Data: []byte(input), Rand: rand.Reader,
	})
	if err != nil {
		tb.Fatal(err)
	}
	return input + "." + base64.RawURLEncoding.EncodeToString(sig)
}

// verify is what a careful service does with a token.
func (v victim) verify(compact string) error {
	token, err := jws.Parse(compact, jws.Options{})
	if err != nil {
		return err
	}
	return token.Verify(v.pub, nil)
}

// Headers that no token may have, each rightly signed by the key's owner: what is refused is the header.
func TestHeadersRefused(t *testing.T) {
	v := newVictim(t)
	body := b64(string(payload))
	if err := v.verify(v.signRaw(t, `{"alg":"ES256","typ":"JWT"}`, body)); err != nil {
		t.Fatal(err)
	}
	if err := v.verify(v.signRaw(t, ` { "typ" : "JWT" , "alg":"\u0045S256","x":{"y":[1,2,{}],"z":"\ud83d\ude00"} } `, body)); err != nil {
		t.Errorf("spaces, escapes and unknown members: %v", err)
	}
	deep := strings.Repeat(`[`, 40) + strings.Repeat(`]`, 40)
	certs := `"` + strings.Repeat(`AAAA","`, 40) + `AAAA"`
	for name, c := range map[string]struct {
		header string
		want   error
	}{
		"none":                                 {`{"alg":"none"}`, jws.ErrAlgorithm},
		"none, odd case":                       {`{"alg":"nOnE"}`, jws.ErrAlgorithm},
		"empty alg":                            {`{"alg":""}`, jws.ErrSyntax},
		"no alg":                               {`{"typ":"JWT"}`, jws.ErrSyntax},
		"alg in other case":                    {`{"ALG":"ES256"}`, jws.ErrSyntax},
		"alg with a blank":                     {`{"alg":"ES256 "}`, jws.ErrAlgorithm},
		"alg is no string":                     {`{"alg":256}`, jws.ErrSyntax},
		"alg is null":                          {`{"alg":null}`, jws.ErrSyntax},
		"alg is an array":                      {`{"alg":["ES256"]}`, jws.ErrSyntax},
		"HS256":                                {`{"alg":"HS256"}`, jws.ErrAlgorithm},
		"encryption":                           {`{"alg":"RSA-OAEP","enc":"A128GCM"}`, jws.ErrAlgorithm},
		"alg twice":                            {`{"alg":"ES256","alg":"none"}`, jws.ErrSyntax},
		"alg twice, once escaped":              {`{"alg":"none","\u0061lg":"ES256"}`, jws.ErrSyntax},
		"twice, deep inside":                   {`{"alg":"ES256","x":[{"a":1,"b":{"c":1,"c":2}}]}`, jws.ErrSyntax},
		"jwk":                                  {`{"alg":"ES256","jwk":{"kty":"EC"}}`, jws.ErrHeader},
		"jwk, null":                            {`{"alg":"ES256","jwk":null}`, jws.ErrHeader},
		"jku":                                  {`{"alg":"ES256","jku":"https://evil.example/"}`, jws.ErrHeader},
		"x5u":                                  {`{"alg":"ES256","x5u":"https://evil.example/"}`, jws.ErrHeader},
		"unknown crit":                         {`{"alg":"ES256","crit":["exp"],"exp":1}`, jws.ErrHeader},
		"crit of what is absent":               {`{"alg":"ES256","crit":["b64"]}`, jws.ErrHeader},
		"crit is empty":                        {`{"alg":"ES256","crit":[]}`, jws.ErrHeader},
		"crit is null":                         {`{"alg":"ES256","crit":null}`, jws.ErrSyntax},
		"crit is a string":                     {`{"alg":"ES256","crit":"b64","b64":true}`, jws.ErrSyntax},
		"crit with a number":                   {`{"alg":"ES256","crit":["b64",1],"b64":true}`, jws.ErrSyntax},
		"crit with null":                       {`{"alg":"ES256","crit":[null]}`, jws.ErrSyntax},
		"crit with a name twice":               {`{"alg":"ES256","crit":["b64","b64"],"b64":true}`, jws.ErrHeader},
		"crit of a registered name":            {`{"alg":"ES256","crit":["alg"]}`, jws.ErrHeader},
		"crit of crit":                         {`{"alg":"ES256","crit":["crit"]}`, jws.ErrHeader},
		"b64 without crit":                     {`{"alg":"ES256","b64":false}`, jws.ErrHeader},
		"b64:true without crit":                {`{"alg":"ES256","b64":true}`, jws.ErrHeader},
		"b64 is a string":                      {`{"alg":"ES256","b64":"false","crit":["b64"]}`, jws.ErrSyntax},
		"b64 is null":                          {`{"alg":"ES256","b64":null,"crit":["b64"]}`, jws.ErrSyntax},
		"x5c is a string":                      {`{"alg":"ES256","x5c":"AAAA"}`, jws.ErrSyntax},
		"x5c is empty":                         {`{"alg":"ES256","x5c":[]}`, jws.ErrSyntax},
		"x5c with line breaks":                 {`{"alg":"ES256","x5c":["AA\nAA"]}`, jws.ErrSyntax},
		"x5c in base64url":                     {`{"alg":"ES256","x5c":["-_-_"]}`, jws.ErrSyntax},
		"x5c of forty":                         {`{"alg":"ES256","x5c":[` + certs + `]}`, jws.ErrLimit},
		"x5t#S256 of 31 octets":                {`{"alg":"ES256","x5t#S256":"` + b64(strings.Repeat("x", 31)) + `"}`, jws.ErrSyntax},
		"typ is a number":                      {`{"alg":"ES256","typ":1}`, jws.ErrSyntax},
		"typ is null":                          {`{"alg":"ES256","typ":null}`, jws.ErrSyntax},
		"kid is an object":                     {`{"alg":"ES256","kid":{}}`, jws.ErrSyntax},
		"two objects":                          {`{"alg":"ES256"}{"alg":"none"}`, jws.ErrSyntax},
		"text after the object":                {`{"alg":"ES256"}x`, jws.ErrSyntax},
		"comment":                              {`{"alg":"ES256"/*,"alg":"none"*/}`, jws.ErrSyntax},
		"trailing comma":                       {`{"alg":"ES256",}`, jws.ErrSyntax},
		"single quotes":                        {`{'alg':'ES256'}`, jws.ErrSyntax},
		"array":                                {`["ES256"]`, jws.ErrSyntax},
		"null":                                 {`null`, jws.ErrSyntax},
		"nothing":                              {``, jws.ErrSyntax},
		"byte order mark":                      {"\ufeff" + `{"alg":"ES256"}`, jws.ErrSyntax},
		"not UTF-8":                            {"{\"alg\":\"ES256\",\"kid\":\"\xff\"}", jws.ErrSyntax},
		"surrogate in UTF-8":                   {"{\"alg\":\"ES256\",\"kid\":\"\xed\xa0\x80\"}", jws.ErrSyntax},
		"lone high surrogate":                  {`{"alg":"ES256","kid":"\ud800"}`, jws.ErrSyntax},
		"lone low surrogate":                   {`{"alg":"ES256","kid":"\udc00x"}`, jws.ErrSyntax},
		"surrogates the wrong way":             {`{"alg":"ES256","kid":"\udc00\ud800"}`, jws.ErrSyntax},
		"lone surrogate in a name":             {`{"alg":"ES256","\ud83d":1}`, jws.ErrSyntax},
		"lone surrogate deep inside":           {`{"alg":"ES256","x":[["\ud83dx"]]}`, jws.ErrSyntax},
		"too deep":                             {`{"alg":"ES256","x":` + deep + `}`, jws.ErrLimit},
		"control character in a string":        {"{\"alg\":\"ES256\",\"kid\":\"\x01\"}", jws.ErrSyntax},
		"a header beyond the limit":            {`{"alg":"ES256","kid":"` + strings.Repeat("k", 300<<10) + `"}`, jws.ErrLimit},
		"alg of the right family, other curve": {`{"alg":"ES384"}`, algo.ErrMismatch},
		"alg of another family":                {`{"alg":"RS256"}`, algo.ErrMismatch},
		"national alg":                         {`{"alg":"GG2015"}`, algo.ErrMismatch},
	} {
		if err := v.verify(v.signRaw(t, c.header, body)); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// Texts that are no compact JWS, or a second way to write one.
func TestEncodingsRefused(t *testing.T) {
	v := newVictim(t)
	parts := strings.Split(v.token, ".")
	h, p, s := parts[0], parts[1], parts[2]
	last := s[len(s)-1:]
	for _, c := range []struct {
		name, token string
	}{
		{"nothing", ""},
		{"one part", h},
		{"two parts", h + "." + p},
		{"four parts", v.token + "."},
		{"five parts, as in JWE", h + ".." + p + ".." + s},
		{"no header", "." + p + "." + s},
		{"no signature", h + "." + p + "."},
		{"JSON", `{"protected":"` + h + `","payload":"` + p + `","signature":"` + s + `"}`},
		{"padding", h + "." + p + "." + s + "=="},
		{"standard base64", h + "." + p + "." + strings.NewReplacer("-", "+", "_", "/").Replace(s) + "+"},
		{"line break at the end", v.token + "\n"},
		{"line break inside the signature", h + "." + p + "." + s[:10] + "\n" + s[10:]},
		{"line break inside the header", h[:4] + "\r\n" + h[4:] + "." + p + "." + s},
		{"blank before", " " + v.token},
		{"bits that do not count", h + "." + p + "." + s[:len(s)-1] + next(last)},
		{"signature too short", h + "." + p + "." + s[:len(s)-4]},
		{"signature too long", h + "." + p + "." + s + "AAAA"},
		{"zeros for a signature", h + "." + p + "." + strings.Repeat("A", 86)},
		{"payload dropped", h + ".." + s},
		{"payload changed", h + "." + b64(`{"sum":1}`) + "." + s},
		{"header changed", b64(`{"alg":"ES256"}`) + "." + p + "." + s},
	} {
		if err := v.verify(c.token); err == nil {
			t.Errorf("%s: accepted", c.name)
		}
	}
	if _, err := jws.Parse(v.token, jws.Options{Limits: jws.Limits{Bytes: 100}}); !errors.Is(err, jws.ErrLimit) {
		t.Errorf("beyond the limit: %v", err)
	}
}

// next is the base64url letter whose lowest bit, which does not count at the end of 64 octets, differs.
func next(letter string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return string(alphabet[strings.Index(alphabet, letter)^1])
}

// ECDSA signatures in another form, or with numbers out of range.
func TestSignatureFormsRefused(t *testing.T) {
	v := newVictim(t)
	at := strings.LastIndexByte(v.token, '.')
	pair := unb64(t, v.token[at+1:])
	der, err := rawsig.Convert(v.pub, pair, rawsig.Pair, rawsig.DER)
	if err != nil {
		t.Fatal(err)
	}
	order := elliptic.P256().Params().N.FillBytes(make([]byte, 32))
	zero := make([]byte, 32)
	for name, sig := range map[string][]byte{
		"DER":              der,
		"r zero":           append(append([]byte{}, zero...), pair[32:]...),
		"s zero":           append(append([]byte{}, pair[:32]...), zero...),
		"r is the order":   append(append([]byte{}, order...), pair[32:]...),
		"s is the order":   append(append([]byte{}, pair[:32]...), order...),
		"halves exchanged": append(append([]byte{}, pair[32:]...), pair[:32]...),
		"padded halves":    append(append(append([]byte{0}, pair[:32]...), 0), pair[32:]...),
	} {
		if err := v.verify(v.token[:at+1] + base64.RawURLEncoding.EncodeToString(sig)); !errors.Is(err, algo.ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The public key as an HMAC key: the oldest trick (CVE-2015-9235), in every form in which a key is written.
func TestPublicKeyAsSecret(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	pub := publicKey(t, &key.PublicKey)
	for _, secret := range [][]byte{
		pub.SPKI, x509.MarshalPKCS1PublicKey(&key.PublicKey), key.N.Bytes(),
		pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: pub.SPKI}),
	} {
		for _, alg := range []string{"HS256", "RS256"} {
			input := b64(`{"alg":"`+alg+`"}`) + "." + b64(string(payload))
			mac := hmac.New(sha256.New, secret)
			mac.Write([]byte(input))
			token, err := jws.Parse(input+"."+base64.RawURLEncoding.EncodeToString(mac.Sum(nil)), jws.Options{})
			if err == nil {
				err = token.Verify(pub, nil)
			}
			if err == nil {
				t.Errorf("%s under the public key: accepted", alg)
			}
		}
	}
}

// A token that brings the attacker's certificate verifies by the attacker's key only, and never by the victim's.
func TestForeignCertificate(t *testing.T) {
	ids := national(t)
	victim, attacker := ids[0], ids[1]
	forged := mustParse(t, mustSign(t, jws.SignInput{Signer: attacker.key, Certificate: attacker.cert, Embed: true, Payload: payload}))
	if err := forged.VerifyCertificate(victim.cert, nil); !errors.Is(err, jws.ErrCertificate) {
		t.Errorf("by the victim's certificate: %v", err)
	}
	if err := forged.Verify(victim.cert.PublicKey, nil); err == nil {
		t.Error("by the victim's key: accepted")
	}
	broken := fmt.Sprintf(`{"alg":"ES256","x5c":["%s"]}`, base64.StdEncoding.EncodeToString([]byte("certificate")))
	token, err := jws.Parse(b64(broken)+"."+b64("x")+".AAAA", jws.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := token.Chain(); !errors.Is(err, jws.ErrSyntax) {
		t.Errorf("x5c that is no certificate: %v", err)
	}
}

// Encoded and unencoded payloads are not taken for each other, although both could give the same signing input.
func TestUnencodedConfusion(t *testing.T) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	pub := publicKey(t, key.Public())
	text := b64(`{"sum":1}`)
	unencoded := mustParse(t, mustSign(t, jws.SignInput{Signer: key, Payload: []byte(text), Unencoded: true, Detached: true}))
	if err := unencoded.Verify(pub, []byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := unencoded.Verify(pub, []byte(`{"sum":1}`)); !errors.Is(err, algo.ErrSignature) {
		t.Errorf("the decoded text in place of the text: %v", err)
	}
	encoded := mustParse(t, mustSign(t, jws.SignInput{Signer: key, Payload: []byte(`{"sum":1}`), Detached: true}))
	if err := encoded.Verify(pub, []byte(text)); !errors.Is(err, algo.ErrSignature) {
		t.Errorf("the text in place of what it encodes: %v", err)
	}
	small, err := jws.Parse(mustSign(t, jws.SignInput{Signer: key, Payload: []byte(text), Detached: true}), jws.Options{Limits: jws.Limits{Bytes: 200}})
	if err != nil {
		t.Fatal(err)
	}
	if err := small.Verify(pub, make([]byte, 300)); !errors.Is(err, jws.ErrLimit) {
		t.Errorf("payload beyond the limit: %v", err)
	}
	for _, middle := range []string{"a\x01b", "қ", "a\nb", "\x7f"} {
		header := b64(`{"alg":"EdDSA","b64":false,"crit":["b64"]}`)
		if _, err := jws.Parse(header+"."+middle+".AAAA", jws.Options{}); !errors.Is(err, jws.ErrSyntax) {
			t.Errorf("unencoded %q: %v", middle, err)
		}
	}
}
