package jws_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"testing"

	jose "github.com/go-jose/go-jose/v4"

	"qaqpa/signer/jws"
)

// joseKeys are keys of all kinds that both implementations know, with their algorithms.
func joseKeys(tb testing.TB) map[jws.Algorithm]crypto.Signer {
	tb.Helper()
	keys := make(map[jws.Algorithm]crypto.Signer)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		tb.Fatal(err)
	}
	for _, a := range []jws.Algorithm{jws.RS256, jws.RS384, jws.RS512, jws.PS256, jws.PS384, jws.PS512} {
		keys[a] = rsaKey
	}
	for a, c := range map[jws.Algorithm]elliptic.Curve{jws.ES256: elliptic.P256(), jws.ES384: elliptic.P384(), jws.ES512: elliptic.P521()} {
		if keys[a], err = ecdsa.GenerateKey(c, rand.Reader); err != nil {
			tb.Fatal(err)
		}
	}
	if _, keys[jws.EdDSA], err = ed25519.GenerateKey(rand.Reader); err != nil {
		tb.Fatal(err)
	}
	return keys
}

// go-jose verifies what we sign: attached, detached, unencoded.
func TestGoJoseVerifiesOurs(t *testing.T) {
	for a, key := range joseKeys(t) {
		for _, detached := range []bool{false, true} {
			for _, unencoded := range []bool{false, true} {
				compact := mustSign(t, jws.SignInput{
					Signer: key, Algorithm: a, Type: "JWT", KeyID: "кілт", Payload: payload, Detached: detached, Unencoded: unencoded && detached,
				})
				var theirs *jose.JSONWebSignature
				var err error
				if detached {
					theirs, err = jose.ParseDetached(compact, payload, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(a)})
				} else {
					theirs, err = jose.ParseSignedCompact(compact, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(a)})
				}
				if err != nil {
					t.Fatalf("%s: %v", a, err)
				}
				if detached {
					if err = theirs.DetachedVerify(payload, key.Public()); err == nil && theirs.DetachedVerify([]byte("x"), key.Public()) == nil {
						t.Fatalf("%s: go-jose takes any payload: the oracle is blind", a)
					}
				} else {
					var got []byte
					if got, err = theirs.Verify(key.Public()); err == nil && !bytes.Equal(got, payload) {
						t.Errorf("%s: payload %q", a, got)
					}
				}
				if err != nil {
					t.Errorf("%s, detached %t, unencoded %t: %v", a, detached, unencoded, err)
				}
			}
		}
	}
}

// We verify what go-jose signs.
func TestWeVerifyGoJose(t *testing.T) {
	for a, key := range joseKeys(t) {
		for _, detached := range []bool{false, true} {
			for _, encoded := range []bool{true, false} {
				signer, err := jose.NewSigner(
					jose.SigningKey{Algorithm: jose.SignatureAlgorithm(a), Key: key},
					(&jose.SignerOptions{}).WithType("JWT").WithHeader("x", map[string]any{"y": []int{1}}).WithBase64(encoded || !detached))
				if err != nil {
					t.Fatal(err)
				}
				signed, err := signer.Sign(payload)
				if err != nil {
					t.Fatal(err)
				}
				var compact string
				var content []byte
				if detached {
					compact, err = signed.DetachedCompactSerialize()
					content = payload
				} else {
					compact, err = signed.CompactSerialize()
				}
				if err != nil {
					t.Fatal(err)
				}
				token, err := jws.Parse(compact, jws.Options{})
				if err == nil {
					err = token.Verify(publicKey(t, key.Public()), content)
				}
				if err != nil {
					t.Errorf("%s, detached %t, encoded %t: %s: %v", a, detached, encoded, compact, err)
				}
			}
		}
	}
}
