package jws_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"math/big"
	"strings"
	"testing"

	"qaqpa/signer/algo"
	"qaqpa/signer/jws"
	"qaqpa/signer/rawsig"
	"qaqpa/testenv/gostref"
	"qaqpa/testenv/pki"
)

var payload = []byte(`{"iss":"qaqpa","sum":540600,"iin":"123456789011"}`)

// Every algorithm, attached and detached, encoded and not: made, verified by the certificate, refused with anything
// else.
func TestSignAndVerify(t *testing.T) {
	for _, id := range national(t) {
		for _, a := range jws.AlgorithmsFor(id.cert.PublicKey) {
			for form, change := range map[string]func(*jws.SignInput){
				"attached":            func(*jws.SignInput) {},
				"detached":            func(in *jws.SignInput) { in.Detached = true },
				"unencoded":           func(in *jws.SignInput) { in.Unencoded = true },
				"unencoded, detached": func(in *jws.SignInput) { in.Unencoded, in.Detached = true, true },
				"with certificates":   func(in *jws.SignInput) { in.Embed, in.Thumbprint, in.Chain = true, true, id.chain },
			} {
				t.Run(string(a)+" "+form, func(t *testing.T) {
					in := jws.SignInput{Signer: id.key, Certificate: id.cert, Algorithm: a, Type: "JWT", KeyID: "кілт", Payload: payload}
					change(&in)
					checkToken(t, id, in)
				})
			}
		}
	}
}

func checkToken(t *testing.T, id identity, in jws.SignInput) {
	t.Helper()
	token := mustParse(t, mustSign(t, in))
	if token.Header.Algorithm != in.Algorithm || token.Header.Type != "JWT" || token.Header.KeyID != "кілт" ||
		token.Header.Unencoded != in.Unencoded || token.Detached() != in.Detached {
		t.Fatalf("%+v", token.Header)
	}
	var content []byte
	if in.Detached {
		content = payload
	} else if !bytes.Equal(token.Payload, payload) {
		t.Fatalf("payload %q", token.Payload)
	}
	if err := token.VerifyCertificate(id.cert, content); err != nil {
		t.Fatal(err)
	}
	if in.Embed {
		chain, err := token.Chain()
		if err != nil || len(chain) != 1+len(id.chain) || !chain[0].Equal(id.cert) {
			t.Errorf("chain of %d: %v", len(chain), err)
		}
	}
	other := append(bytes.Clone(payload), ' ')
	if in.Detached {
		if err := token.VerifyCertificate(id.cert, other); !errors.Is(err, algo.ErrSignature) {
			t.Errorf("other payload: %v", err)
		}
		if err := token.VerifyCertificate(id.cert, nil); !errors.Is(err, algo.ErrSignature) {
			t.Errorf("no payload: %v", err)
		}
	} else if err := token.VerifyCertificate(id.cert, payload); !errors.Is(err, jws.ErrPayload) {
		t.Errorf("payload twice: %v", err)
	}
}

// Each octet of a token, changed by a bit: what still parses does not verify.
func TestFlippedBits(t *testing.T) {
	for _, id := range national(t) {
		for _, detached := range []bool{false, true} {
			var content []byte
			in := jws.SignInput{Signer: id.key, Certificate: id.cert, Thumbprint: true, Payload: payload, Detached: detached}
			if detached {
				content = payload
			}
			compact := mustSign(t, in)
			refused := 0
			for at := range compact {
				for bit := range 7 {
					bad := []byte(compact)
					bad[at] ^= 1 << bit
					token, err := jws.Parse(string(bad), jws.Options{})
					if err != nil {
						refused++
						continue
					}
					if err := token.Verify(id.cert.PublicKey, content); err == nil {
						t.Fatalf("%s: octet %d, bit %d: accepted", id.name, at, bit)
					}
				}
			}
			t.Logf("%s: %d octets, %d of %d changes refused as they stand", id.name, len(compact), refused, 7*len(compact))
		}
	}
}

// An independent GOST agrees with us, both ways.
func TestNationalAgainstReference(t *testing.T) {
	ids := national(t)
	for alg, c := range map[jws.Algorithm]struct {
		family pki.Family
		curve  *gostref.Curve
		digest func([]byte) []byte
	}{
		jws.GG2015: {pki.GOST2015, gostref.TC26Curve512A(), func(b []byte) []byte { h := gostref.NewStreebog512(); h.Write(b); return h.Sum(nil) }},
		jws.GG2004: {pki.GOST2004, gostref.CryptoProA(), func(b []byte) []byte { h := gostref.New94Test(); h.Write(b); return h.Sum(nil) }},
	} {
		id := find(t, ids, c.family)
		compact := mustSign(t, jws.SignInput{Signer: id.key, Certificate: id.cert, Algorithm: alg, Payload: payload})
		at := strings.LastIndexByte(compact, '.')
		xy, ok := id.cert.PublicKey.Key.(interface{ Bytes() []byte })
		if !ok {
			t.Fatalf("%T", id.cert.PublicKey.Key)
		}
		pub, err := gostref.NewPublicKey(c.curve, xy.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if !pub.Verify(c.digest([]byte(compact[:at])), unb64(t, compact[at+1:])) {
			t.Errorf("%s: the reference refuses ours", alg)
		}
		scalar, ok := id.key.(interface{ Bytes() []byte })
		if !ok {
			t.Fatalf("%T", id.key)
		}
		input := b64(`{"alg":"`+string(alg)+`","typ":"JWT"}`) + "." + b64(`{"sub":"012345678901"}`)
		reference, err := gostref.NewPrivateKey(c.curve, new(big.Int).SetBytes(scalar.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		sig, err := reference.Sign(rand.Reader, c.digest([]byte(input)), nil)
		if err != nil {
			t.Fatal(err)
		}
		token := mustParse(t, input+"."+b64(string(sig)))
		if err := token.VerifyCertificate(id.cert, nil); err != nil {
			t.Errorf("%s: we refuse the reference: %v", alg, err)
		}
	}
}

// Algorithms and keys that do not go together are refused before anything is computed.
func TestAlgorithmsFitKeys(t *testing.T) {
	ids := national(t)
	rsa1024, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Log("no RSA of 1,024 bits to be had:", err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ed, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string]algo.PublicKey{"P-384": publicKey(t, &p384.PublicKey), "Ed25519": publicKey(t, ed)}
	if rsa1024 != nil {
		keys["RSA-1024"] = publicKey(t, &rsa1024.PublicKey)
	}
	for _, id := range ids {
		keys[id.name] = id.cert.PublicKey
	}
	want := map[string]string{
		"rsa": "RS256 RS384 RS512 PS256 PS384 PS512", "ecdsa": "ES256", "P-384": "ES384", "Ed25519": "EdDSA Ed25519",
		"gost2015": "GG2015", "gost2004": "GG2004", "RSA-1024": "",
	}
	for name, pub := range keys {
		var got []string
		for _, a := range jws.AlgorithmsFor(pub) {
			got = append(got, string(a))
		}
		if s := strings.Join(got, " "); s != want[name] {
			t.Errorf("%s: %s, want %s", name, s, want[name])
		}
		for _, a := range []jws.Algorithm{"none", "None", "NONE", "", "HS256", "HS512", "RS1", "ES256K", "ES512 ", "A128KW"} {
			if err := a.Fits(pub); !errors.Is(err, jws.ErrAlgorithm) {
				t.Errorf("%s with %q: %v", name, a, err)
			}
		}
	}
}

func TestSignRefuses(t *testing.T) {
	ids := national(t)
	rsaID, ec := find(t, ids, pki.RSA), find(t, ids, pki.ECDSA)
	good := jws.SignInput{Signer: rsaID.key, Certificate: rsaID.cert, Payload: payload, Rand: rand.Reader}
	member := func(name, value string) []jws.Member { return []jws.Member{{Name: name, Value: []byte(value)}} }
	for name, c := range map[string]struct {
		change func(*jws.SignInput)
		want   error // nil: any
	}{
		"no key":                       {func(in *jws.SignInput) { in.Signer = nil }, nil},
		"certificate of another":       {func(in *jws.SignInput) { in.Certificate = ec.cert }, rawsig.ErrKeyMismatch},
		"algorithm of another":         {func(in *jws.SignInput) { in.Algorithm = jws.ES256 }, algo.ErrMismatch},
		"none":                         {func(in *jws.SignInput) { in.Algorithm = "none" }, jws.ErrAlgorithm},
		"HS256":                        {func(in *jws.SignInput) { in.Algorithm = "HS256" }, jws.ErrAlgorithm},
		"x5c without certificate":      {func(in *jws.SignInput) { in.Certificate, in.Embed = nil, true }, nil},
		"unencoded with a period":      {func(in *jws.SignInput) { in.Unencoded, in.Payload = true, []byte("1.0") }, jws.ErrSyntax},
		"unencoded, not ASCII":         {func(in *jws.SignInput) { in.Unencoded, in.Payload = true, []byte("қ") }, jws.ErrSyntax},
		"a second alg":                 {func(in *jws.SignInput) { in.Members = member("alg", `"none"`) }, jws.ErrSyntax},
		"a key of its own":             {func(in *jws.SignInput) { in.Members = member("jwk", `{}`) }, jws.ErrHeader},
		"member that is no JSON":       {func(in *jws.SignInput) { in.Members = member("a", `}`) }, jws.ErrSyntax},
		"member that smuggles another": {func(in *jws.SignInput) { in.Members = member("a", `1,"alg":"none"`) }, jws.ErrSyntax},
		"crit of what is not there":    {func(in *jws.SignInput) { in.Critical = []string{"sigT"} }, jws.ErrHeader},
		"crit of alg":                  {func(in *jws.SignInput) { in.Critical = []string{"alg"} }, jws.ErrHeader},
		"endless header":               {func(in *jws.SignInput) { in.KeyID = strings.Repeat("k", 1<<20) }, jws.ErrLimit},
		"PSS without randomness":       {func(in *jws.SignInput) { in.Algorithm, in.Rand = jws.PS256, nil }, nil},
	} {
		in := good
		c.change(&in)
		if compact, err := jws.Sign(in); err == nil || compact != "" || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %q, %v", name, compact, err)
		}
	}
}

// Critical extensions pass where the caller processes them, and only there.
func TestCriticalExtensions(t *testing.T) {
	id := find(t, national(t), pki.ECDSA)
	compact := mustSign(t, jws.SignInput{
		Signer: id.key, Certificate: id.cert, Payload: payload,
		Members: []jws.Member{{Name: "sigT", Value: []byte(`"2026-10-01T12:00:00Z"`)}}, Critical: []string{"sigT"},
	})
	if _, err := jws.Parse(compact, jws.Options{}); !errors.Is(err, jws.ErrHeader) {
		t.Errorf("not understood: %v", err)
	}
	token, err := jws.Parse(compact, jws.Options{Critical: []string{"sigD", "sigT"}})
	if err != nil {
		t.Fatal(err)
	}
	m, ok := token.Header.Member("sigT")
	if err := token.VerifyCertificate(id.cert, nil); err != nil || !ok || string(m.Value) != `"2026-10-01T12:00:00Z"` {
		t.Errorf("%s, %v", m.Value, err)
	}
}

// A header's certificate parameters are held against the certificate that verifies.
func TestCertificateParameters(t *testing.T) {
	ids := national(t)
	id, other := find(t, ids, pki.GOST2015), find(t, ids, pki.GOST2004)
	for name, in := range map[string]jws.SignInput{
		"x5c":      {Embed: true},
		"x5t#S256": {Thumbprint: true},
		"x5t":      {Members: []jws.Member{{Name: "x5t", Value: []byte(`"` + b64(strings.Repeat("\x01", 20)) + `"`)}}},
	} {
		in.Signer, in.Certificate, in.Payload = id.key, id.cert, payload
		token := mustParse(t, mustSign(t, in))
		if err := token.VerifyCertificate(other.cert, nil); !errors.Is(err, jws.ErrCertificate) {
			t.Errorf("%s of another certificate: %v", name, err)
		}
		err := token.VerifyCertificate(id.cert, nil)
		if name == "x5t" && !errors.Is(err, jws.ErrCertificate) || name != "x5t" && err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	sum := algo.SHA1.Sum(nil, id.cert.Raw)
	token := mustParse(t, mustSign(t, jws.SignInput{
		Signer: id.key, Certificate: id.cert, Payload: payload,
		Members: []jws.Member{{Name: "x5t", Value: []byte(`"` + b64(string(sum)) + `"`)}},
	}))
	if err := token.VerifyCertificate(id.cert, nil); err != nil {
		t.Errorf("x5t: %v", err)
	}
}

// Bare keys sign too: webhooks have no certificate.
func TestBareKey(t *testing.T) {
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	token := mustParse(t, mustSign(t, jws.SignInput{Signer: key, Payload: payload}))
	if err := token.Verify(publicKey(t, pub), nil); err != nil || token.Header.Algorithm != jws.EdDSA {
		t.Errorf("%s: %v", token.Header.Algorithm, err)
	}
	if _, err := jws.Sign(jws.SignInput{Signer: oddSigner{key}, Payload: payload}); !errors.Is(err, algo.ErrUnknownAlgorithm) {
		t.Errorf("key of an unknown kind: %v", err)
	}
}

type oddSigner struct{ crypto.Signer }

func (oddSigner) Public() crypto.PublicKey { return "key" }

// The empty payload is a payload: signed as such, and not mistaken for a missing one.
func TestEmptyPayload(t *testing.T) {
	id := find(t, national(t), pki.GOST2004)
	for _, detached := range []bool{false, true} {
		token := mustParse(t, mustSign(t, jws.SignInput{Signer: id.key, Certificate: id.cert, Detached: detached}))
		for _, content := range [][]byte{nil, {}} {
			if err := token.VerifyCertificate(id.cert, content); err != nil {
				t.Error(err)
			}
		}
		if err := token.VerifyCertificate(id.cert, payload); !errors.Is(err, algo.ErrSignature) {
			t.Errorf("another payload: %v", err)
		}
	}
}
