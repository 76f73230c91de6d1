package engine_test

import (
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"qaqpa/signer/algo"
	"qaqpa/signer/engine"
	"qaqpa/signer/report"
	"qaqpa/testenv/pki"
)

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// es256 signs a signing input without any code of ours.
func (l *lab) es256(input string) string {
	l.Helper()
	digest := sha256.Sum256([]byte(input))
	der, err := l.id.Key.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		l.Fatal(err)
	}
	var pair struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(der, &pair); err != nil {
		l.Fatal(err)
	}
	return b64(append(pair.R.FillBytes(make([]byte, 32)), pair.S.FillBytes(make([]byte, 32))...))
}

func (l *lab) x5c() string {
	return `"x5c":["` + base64.StdEncoding.EncodeToString(l.id.Certificate) + `"]`
}

func (l *lab) thumb() string {
	sum := sha256.Sum256(l.id.Certificate)
	return `"x5t#S256":"` + b64(sum[:]) + `"`
}

// baseline is a header of JAdES-B-B with more members.
func (l *lab) baseline(more string) string {
	return `{"alg":"ES256",` + l.x5c() + `,` + l.thumb() + `,"iat":1790845200` + more + `}`
}

func (l *lab) compact(header, payload string) string {
	input := b64([]byte(header)) + "." + payload
	return input + "." + l.es256(input)
}

// parts are those of a compact JWS.
func parts(compact string) (header, payload, signature string) {
	p := strings.Split(compact, ".")
	return p[0], p[1], p[2]
}

func (l *lab) outcome(doc string, original []byte) string {
	v := l.assess([]byte(doc), original).Verdict
	out := string(v.Indication)
	if v.Sub != "" {
		out += " " + string(v.Sub)
	}
	if v.Passed() != (v.Indication == report.TotalPassed) {
		out += " " + v.Coverage
	}
	return out
}

const (
	passes    = "TOTAL-PASSED"
	malformed = "TOTAL-FAILED FORMAT_FAILURE"
	forged    = "TOTAL-FAILED SIG_CRYPTO_FAILURE"
)

// TestJWSForms: the same signature in each form, its payload attached, detached, encoded or as it is, or by its digest.
func TestJWSForms(t *testing.T) {
	l := setup(t, pki.ECDSA)
	doc := l.compact(l.baseline(""), b64(content))
	h, p, s := parts(doc)
	plain := `{"a":1}`
	unencoded := l.baseline(`,"b64":false,"crit":["b64"]`)
	asIs := b64([]byte(unencoded)) + "." + l.es256(b64([]byte(unencoded))+"."+string(content))
	uh, us, _ := strings.Cut(asIs, ".")
	sum := sha256.Sum256(content)
	sumOf64 := sha256.Sum256([]byte(b64(content)))
	sigD := func(mechanism, hash, more string, digests ...string) string {
		names := strings.TrimSuffix(strings.Repeat(`"a.txt",`, max(1, len(digests))), ",")
		values := ""
		if len(digests) > 0 {
			values = `,"hashM":"` + hash + `","hashV":["` + strings.Join(digests, `","`) + `"]`
		}
		return l.compact(l.baseline(`,"sigD":{"mId":"http://uri.etsi.org/19182/`+mechanism+`","pars":[`+names+`]`+values+`}`+more), "")
	}
	raw := `,"b64":false,"crit":["b64","sigD"]`
	byURI := l.baseline(`,"sigD":{"mId":"http://uri.etsi.org/19182/ObjectIdByURI","pars":["a.txt"]},"crit":["sigD"]`)
	byURIDoc := b64([]byte(byURI)) + ".." + l.es256(b64([]byte(byURI))+"."+b64(content))
	for name, c := range map[string]struct {
		doc      string
		original []byte
		want     string
	}{
		"compact":                    {doc, nil, passes},
		"compact with a line break":  {doc + "\n", nil, passes},
		"flattened":                  {fmt.Sprintf(`{"payload":%q,"protected":%q,"signature":%q}`, p, h, s), nil, passes},
		"general":                    {fmt.Sprintf(`{"payload":%q,"signatures":[{"protected":%q,"signature":%q},{"protected":%q,"signature":%q}]}`, p, h, s, h, s), nil, passes},
		"unknown members":            {fmt.Sprintf(`{"x":1,"payload":%q,"protected":%q,"signature":%q,"header":{"kid":"a","y":2}}`, p, h, s), nil, passes},
		"detached":                   {h + ".." + s, content, passes},
		"detached in JSON":           {fmt.Sprintf(`{"protected":%q,"signature":%q}`, h, s), content, passes},
		"detached, no original":      {h + ".." + s, nil, "INDETERMINATE SIGNED_DATA_NOT_FOUND"},
		"detached, another original": {h + ".." + s, []byte("x"), forged},
		"attached and an original":   {doc, content, "INDETERMINATE SIG_CONSTRAINTS_FAILURE"},
		"as it is, detached":         {uh + ".." + us, content, passes},
		"as it is, compact":          {l.compact(unencoded, plain), nil, passes},
		"as it is, JSON": {
			fmt.Sprintf(`{"payload":%q,"protected":%q,"signature":%q}`, "a.b", b64([]byte(unencoded)), l.es256(b64([]byte(unencoded))+".a.b")), nil, passes,
		},
		"by digest, encoded":          {sigD("ObjectIdByURIHash", "S256", `,"crit":["sigD"]`, b64(sumOf64[:])), content, passes},
		"by digest as it is":          {sigD("ObjectIdByURIHash", "S256", raw, b64(sum[:])), content, passes},
		"by digest of another form":   {sigD("ObjectIdByURIHash", "S256", raw, b64(sumOf64[:])), content, "TOTAL-FAILED HASH_FAILURE"},
		"by digest, no original":      {sigD("ObjectIdByURIHash", "S256", raw, b64(sum[:])), nil, "INDETERMINATE SIGNED_DATA_NOT_FOUND"},
		"by digest, one of two":       {sigD("ObjectIdByURIHash", "S256", raw, b64(sum[:]), b64(sumOf64[:])), content, "INDETERMINATE SIGNED_DATA_NOT_FOUND"},
		"by digest, unknown hash":     {sigD("ObjectIdByURIHash", "MD5", raw, b64(sum[:])), content, malformed},
		"by digest, half a digest":    {sigD("ObjectIdByURIHash", "S256", raw, b64(sum[:16])), content, malformed},
		"by name":                     {byURIDoc, content, passes},
		"by name, another original":   {byURIDoc, []byte("x"), forged},
		"by headers of HTTP":          {sigD("HttpHeaders", "", `,"crit":["sigD"]`), content, "INDETERMINATE SIGNED_DATA_NOT_FOUND"},
		"by digest and payload":       {strings.Replace(sigD("ObjectIdByURIHash", "S256", raw, b64(sum[:])), "..", ".eA.", 1), nil, malformed},
		"policy, place, commitments":  {l.compact(l.baseline(`,"sigPl":{"addressCountry":"KZ"},"srCms":[{"commId":{"id":"x"}}],"crit":["sigPl","srCms"]`), b64(content)), nil, passes},
		"certificate by digest alone": {l.compact(`{"alg":"ES256",`+l.thumb()+`,"sigT":"2026-10-01T09:00:00Z"}`, b64(content)), nil, "INDETERMINATE NO_SIGNING_CERTIFICATE_FOUND"},
	} {
		if got := l.outcome(c.doc, c.original); got != c.want {
			t.Errorf("%s: %s, want %s: %v", name, got, c.want, l.assess([]byte(c.doc), c.original).Verdict.Signatures)
		}
	}
	// The digest of an original serves where nobody has to see the original.
	v := engine.OpenWith([]byte(sigD("ObjectIdByURIHash", "S256", raw, b64(sum[:]))), engine.Original{Digests: map[algo.Hash][]byte{algo.SHA256: sum[:]}}, nil).
		Assess(l.setting, l.evidence).Verdict
	if v.Indication != report.TotalPassed || v.Coverage != "DETACHED" || v.ContentSHA256 != hex.EncodeToString(sum[:]) || v.Signatures[0].Level != "JAdES-B-B" {
		t.Errorf("%s/%s %s %s", v.Indication, v.Sub, v.Coverage, v.Signatures[0].Level)
	}
}

// TestJWSAttacks: what forgers do to headers, keys and payloads.
func TestJWSAttacks(t *testing.T) {
	l := setup(t, pki.ECDSA)
	good := l.compact(l.baseline(""), b64(content))
	h, p, s := parts(good)
	evil := b64([]byte("Pay 9"))
	stranger := setup(t, pki.ECDSA)
	header := func(more string) string { return l.compact(l.baseline(more), b64(content)) }
	hs := func(alg string, key []byte) string {
		input := b64([]byte(strings.Replace(l.baseline(""), "ES256", alg, 1))) + "." + evil
		m := hmac.New(sha256.New, key)
		_, _ = m.Write([]byte(input))
		return input + "." + b64(m.Sum(nil))
	}
	unprotected := func(protected, header string) string {
		input := b64([]byte(protected)) + "." + p
		return fmt.Sprintf(`{"payload":%q,"protected":%q,"header":%s,"signature":%q}`, p, b64([]byte(protected)), header, l.es256(input))
	}
	jwk := `,"jwk":{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}`
	for name, c := range map[string]struct{ doc, want string }{
		"nothing":                         {good, passes},
		"another payload":                 {h + "." + evil + "." + s, forged},
		"alg none":                        {b64([]byte(strings.Replace(l.baseline(""), "ES256", "none", 1))) + "." + evil + "." + s, forged},
		"alg none without a signature":    {b64([]byte(strings.Replace(l.baseline(""), "ES256", "none", 1))) + "." + evil + ".", malformed},
		"alg None":                        {b64([]byte(strings.Replace(l.baseline(""), "ES256", "None", 1))) + "." + evil + "." + s, "INDETERMINATE CRYPTO_CONSTRAINTS_FAILURE"},
		"HS256 by the certificate":        {hs("HS256", l.id.Certificate), forged},
		"HS256 by PEM":                    {hs("HS256", l.id.PEM()), forged},
		"RS256 of an elliptic key":        {b64([]byte(strings.Replace(l.baseline(""), "ES256", "RS256", 1))) + "." + evil + "." + s, forged},
		"ES384 of P-256":                  {b64([]byte(strings.Replace(l.baseline(""), "ES256", "ES384", 1))) + "." + evil + "." + s, forged},
		"no alg":                          {l.compact(`{`+l.x5c()+`}`, p), malformed},
		"alg twice":                       {header(`,"alg":"none"`), malformed},
		"alg twice by an escape":          {header(`,"\u0061lg":"none"`), malformed},
		"crit unknown":                    {header(`,"x":1,"crit":["x"]`), malformed},
		"crit empty":                      {header(`,"crit":[]`), malformed},
		"crit no list":                    {header(`,"b64":true,"crit":"b64"`), malformed},
		"crit twice the same":             {header(`,"sigPl":{},"crit":["sigPl","sigPl"]`), malformed},
		"crit of nothing":                 {header(`,"crit":["sigPl"]`), malformed},
		"crit of etsiU that was cut off":  {header(`,"crit":["etsiU"]`), malformed},
		"b64 not critical":                {l.compact(l.baseline(`,"b64":false`), "Pay9"), malformed},
		"b64 a text":                      {l.compact(l.baseline(`,"b64":"false","crit":["b64"]`), "Pay9"), malformed},
		"jwk":                             {header(jwk), malformed},
		"jku":                             {header(`,"jku":"https://evil.kz/"`), malformed},
		"x5u is not fetched":              {header(`,"x5u":"http://127.0.0.1:1/"`), passes},
		"x5c of a stranger":               {stranger.compact(stranger.baseline(""), evil), "INDETERMINATE CERTIFICATE_CHAIN_GENERAL_FAILURE"},
		"x5c of another, our key":         {l.compact(stranger.baseline(""), evil), forged},
		"x5c ours, x5t of another":        {l.compact(`{"alg":"ES256",`+l.x5c()+`,`+stranger.thumb()+`,"iat":1790845200}`, p), "INDETERMINATE NO_SIGNING_CERTIFICATE_FOUND"},
		"x5c no list":                     {l.compact(`{"alg":"ES256","x5c":"AA","iat":1790845200}`, p), malformed},
		"sigX5ts ours":                    {header(`,"sigX5ts":[{"digAlg":"S256",` + strings.Replace(l.thumb(), "x5t#S256", "digVal", 1) + `}]`), passes},
		"sigX5ts of another":              {header(`,"sigX5ts":[{"digAlg":"S256",` + strings.Replace(stranger.thumb(), "x5t#S256", "digVal", 1) + `}]`), "INDETERMINATE NO_SIGNING_CERTIFICATE_FOUND"},
		"unprotected alg":                 {unprotected(`{`+l.x5c()+`}`, `{"alg":"ES256"}`), malformed},
		"unprotected alg beside the own":  {unprotected(l.baseline(""), `{"alg":"none"}`), malformed},
		"unprotected x5c":                 {unprotected(`{"alg":"ES256"}`, `{`+l.x5c()+`}`), malformed},
		"unprotected crit":                {unprotected(l.baseline(""), `{"crit":["x"],"x":1}`), malformed},
		"unprotected b64":                 {unprotected(l.baseline(""), `{"b64":false}`), malformed},
		"unprotected sigT":                {unprotected(l.baseline(""), `{"sigT":"2020-01-01T00:00:00Z"}`), malformed},
		"kid in both headers":             {unprotected(l.baseline(`,"kid":"a"`), `{"kid":"b"}`), malformed},
		"payload twice":                   {fmt.Sprintf(`{"payload":%q,"payload":%q,"protected":%q,"signature":%q}`, evil, p, h, s), malformed},
		"flattened and general":           {fmt.Sprintf(`{"payload":%q,"protected":%q,"signature":%q,"signatures":[{"protected":%q,"signature":%q}]}`, p, h, s, h, s), malformed},
		"one good signature, one forged":  {fmt.Sprintf(`{"payload":%q,"signatures":[{"protected":%q,"signature":%q},{"protected":%q,"signature":%q}]}`, p, h, s, h, b64(make([]byte, 64))), forged},
		"signatures that disagree on b64": {fmt.Sprintf(`{"payload":%q,"signatures":[{"protected":%q,"signature":%q},{"protected":%q,"signature":%q}]}`, p, h, s, b64([]byte(l.baseline(`,"b64":false,"crit":["b64"]`))), l.es256(b64([]byte(l.baseline(`,"b64":false,"crit":["b64"]`)))+"."+p)), malformed},
		"padding":                         {h + "." + p + "=." + s, malformed},
		"stray bits":                      {strings.TrimSuffix(good, good[len(good)-1:]) + string("BCDEFGHIJKLMNOPQRSTUVWXYZabcdef"[len(good)%31]), malformed},
		"signature of zeros":              {h + "." + p + "." + b64(make([]byte, 64)), forged},
		"signature in DER":                {h + "." + p + "." + b64(append([]byte{0x30, 0x06, 2, 1, 1, 2, 1, 1}, make([]byte, 56)...)), forged},
		"four parts":                      {good + ".x", malformed},
		"an object of nothing":            {`{}`, malformed},
		"no signatures":                   {`{"payload":"eA","signatures":[]}`, malformed},
		"lone surrogate":                  {header(`,"kid":"\ud800"`), malformed},
		"time stamps that are none":       {unprotected(l.baseline(""), `{"etsiU":["`+b64([]byte(`{"sigTst":{"tstTokens":[{"val":"AAAA"}]}}`))+`"]}`), passes},
		"etsiU no list":                   {unprotected(l.baseline(""), `{"etsiU":"x"}`), passes},
		"etsiU twice":                     {unprotected(l.baseline(""), `{"etsiU":[],"etsiU":[]}`), malformed},
	} {
		if got := l.outcome(c.doc, nil); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	// A counter-signature over another signature says nothing of this one; over this one it is listed beside it.
	counter := l.compact(l.baseline(`,"kid":"2"`), s)
	for over, want := range map[string]report.Indication{counter: report.TotalPassed, header(""): report.TotalFailed, l.compact(l.baseline(""), ""): report.TotalFailed} {
		doc := unprotected(l.baseline(""), `{"etsiU":["`+b64([]byte(`{"cSig":"`+over+`"}`))+`"]}`)
		doc = strings.Replace(doc, doc[strings.LastIndex(doc, `"signature"`):], `"signature":"`+s+`"}`, 1)
		v := l.assess([]byte(doc), nil).Verdict
		if len(v.Signatures) != 1 || len(v.Signatures[0].CounterSignatures) != 1 || v.Signatures[0].CounterSignatures[0].Indication != want {
			t.Errorf("counter-signature: %+v", v.Signatures)
		}
	}
}
