package jws_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"io/fs"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/c2sp/wycheproof"

	"qaqpa/signer/algo"
	"qaqpa/signer/jws"
)

// jwk is a key of the vectors: they give keys so, and nothing else here reads them.
type jwk struct {
	Type   string   `json:"kty"`
	Alg    string   `json:"alg"`
	Use    string   `json:"use"`
	KeyOps []string `json:"key_ops"`
	Curve  string   `json:"crv"`
	N      string   `json:"n"`
	E      string   `json:"e"`
	X      string   `json:"x"`
	Y      string   `json:"y"`
}

// public is the key; ok false for a symmetric one.
func (k jwk) public(tb testing.TB) (pub algo.PublicKey, ok bool) {
	tb.Helper()
	number := func(s string) *big.Int { return new(big.Int).SetBytes(unb64(tb, s)) }
	switch k.Type {
	case "RSA":
		return publicKey(tb, &rsa.PublicKey{N: number(k.N), E: int(number(k.E).Int64())}), true
	case "EC":
		curve := map[string]elliptic.Curve{"P-256": elliptic.P256(), "P-384": elliptic.P384(), "P-521": elliptic.P521()}[k.Curve]
		size := (curve.Params().BitSize + 7) / 8
		point := append(number(k.X).FillBytes(make([]byte, 1+size)), number(k.Y).FillBytes(make([]byte, size))...)
		point[0] = 4
		key, err := ecdsa.ParseUncompressedPublicKey(curve, point)
		if err != nil {
			tb.Fatal(err)
		}
		return publicKey(tb, key), true
	case "OKP":
		return publicKey(tb, ed25519.PublicKey(unb64(tb, k.X))), true
	}
	return pub, false
}

const (
	joe = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"

	rsaN = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS" +
		"-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2Cap" +
		"Hg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4" +
		"FRWyuXpoQ"
	rsaSig = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CU" +
		"Ar7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--x" +
		"i12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypG" +
		"lUPQGe77Rw"
)

// The examples of the RFCs: accepted, or refused where the algorithm is none of ours.
func TestRFCExamples(t *testing.T) {
	for _, v := range []struct {
		name, token string
		key         jwk
		want        error
	}{
		{
			"RFC 7515 A.1, HS256", "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." + joe + ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
			jwk{},
			jws.ErrAlgorithm,
		},
		{"RFC 7515 A.2, RS256", "eyJhbGciOiJSUzI1NiJ9." + joe + "." + rsaSig, jwk{Type: "RSA", N: rsaN, E: "AQAB"}, nil},
		{
			"RFC 7515 A.3, ES256", "eyJhbGciOiJFUzI1NiJ9." + joe + ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
			jwk{Type: "EC", Curve: "P-256", X: "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", Y: "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"},
			nil,
		},
		{"RFC 7515 A.5, none", "eyJhbGciOiJub25lIn0." + joe + ".", jwk{}, jws.ErrAlgorithm},
		{
			"RFC 8037 A.4, EdDSA", "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
			jwk{Type: "OKP", X: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
			nil,
		},
		{
			"RFC 7797 4.2, HS256 and b64", "eyJhbGciOiJIUzI1NiIsImI2NCI6ZmFsc2UsImNyaXQiOlsiYjY0Il19..A5dxf2s96_n5FLueVuW1Z_vh161FwXZC4YLPff6dmDY",
			jwk{},
			jws.ErrAlgorithm,
		},
	} {
		token, err := jws.Parse(v.token, jws.Options{})
		if err == nil {
			pub, _ := v.key.public(t)
			err = token.Verify(pub, nil)
		}
		if !errors.Is(err, v.want) {
			t.Errorf("%s: %v, want %v", v.name, err, v.want)
		}
	}
	token := mustParse(t, "eyJhbGciOiJFUzI1NiJ9."+joe+".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q")
	claims, err := token.Claims()
	if err != nil || claims.Issuer != "joe" || claims.Expires.Unix() != 1300819380 || len(claims.Members) != 3 {
		t.Errorf("%+v, %v", claims, err)
	}
}

// Project Wycheproof's JSON Web Signatures, 401 of them. A valid one is refused where its algorithm is HMAC. Four turn on
// the "use" of a JWK: a certificate's key usage is for the path engine to judge.
func TestWycheproof(t *testing.T) {
	b, err := fs.ReadFile(wycheproof.TestVectors, "json_web_signature_test.json")
	if err != nil {
		t.Fatal(err)
	}
	var v struct {
		TestGroups []struct {
			Public *jwk `json:"public"`
			Secret *jwk `json:"private"`
			Tests  []struct {
				ID      int             `json:"tcId"`
				Flags   []string        `json:"flags"`
				Comment string          `json:"comment"`
				Token   json.RawMessage `json:"jws"`
				Result  string          `json:"result"`
			} `json:"tests"`
		} `json:"testGroups"`
	}
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	agree, hmac, keyUse := 0, 0, 0
	for _, g := range v.TestGroups {
		var pub algo.PublicKey
		asymmetric := false
		if g.Public != nil {
			pub, asymmetric = g.Public.public(t)
		}
		for _, test := range g.Tests {
			var compact string
			if json.Unmarshal(test.Token, &compact) != nil {
				compact = string(test.Token) // JSON serialisation
			}
			opts := jws.Options{}
			if slices.Contains(test.Flags, "WrongPrimitive") { // signed by this key, under an algorithm that its JWK does not name
				opts.Algorithms = []jws.Algorithm{jws.Algorithm(g.Public.Alg)}
			}
			token, err := jws.Parse(compact, opts)
			if err == nil {
				err = token.Verify(pub, nil)
			}
			switch {
			case test.Result == "valid" && err != nil && !asymmetric:
				hmac++
			case test.Result == "invalid" && err == nil && (g.Public.Use == "enc" || slices.Contains(g.Public.KeyOps, "encrypt")):
				keyUse++
			case (test.Result == "valid") != (err == nil):
				t.Errorf("%d %s: %v, want %s", test.ID, test.Comment, err, test.Result)
			default:
				agree++
			}
		}
	}
	t.Logf("%d agree, %d valid under HMAC refused, %d told by the JWK's use alone", agree, hmac, keyUse)
	if agree+hmac+keyUse != 401 || keyUse != 4 {
		t.Errorf("%d vectors", agree+hmac+keyUse)
	}
}

// Compact JAdES documents of the European test data: their signatures hold under the certificate that x5c brings, their
// critical extensions being left to the package that knows them.
func TestCompactJAdES(t *testing.T) {
	jades := []string{"sigT", "sigD", "srCms", "srAts", "sigPl", "sigPId", "adoTst", "etsiU", "b64", "x5t#o", "sigX5ts"}
	good := 0
	for path, doc := range compactJAdES(t) {
		token, err := jws.Parse(doc, jws.Options{Critical: jades})
		if err != nil {
			t.Logf("%s: %v", path, err)
			continue
		}
		chain, err := token.Chain()
		if err != nil || len(chain) == 0 || token.Detached() {
			t.Logf("%s: x5c %d, detached %t: %v", path, len(chain), token.Detached(), err)
			continue
		}
		if err := token.VerifyCertificate(chain[0], nil); err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		good++
		if err := token.VerifyCertificate(chain[0], []byte("x")); err == nil {
			t.Errorf("%s: with another payload", path)
		}
	}
	if good != 9 {
		t.Errorf("%d verified", good)
	}
}

// What was signed is what is shown, octet for octet.
func TestPayloadIsWhatWasSigned(t *testing.T) {
	id := national(t)[3]
	for _, content := range [][]byte{{0}, bytes.Repeat([]byte{0xff}, 1000), []byte(strings.Repeat("қ", 333))} {
		token := mustParse(t, mustSign(t, jws.SignInput{Signer: id.key, Certificate: id.cert, Payload: content}))
		if err := token.VerifyCertificate(id.cert, nil); err != nil || !bytes.Equal(token.Payload, content) {
			t.Errorf("%x: %v", token.Payload, err)
		}
	}
}
