package jws_test

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"slices"
	"testing"
	"time"

	"qaqpa/signer/algo"
	"qaqpa/signer/jws"
	"qaqpa/signer/p12"
	"qaqpa/signer/pkix"
	"qaqpa/testenv/pki"
)

// identity is a key with its certificate.
type identity struct {
	name  string
	key   crypto.Signer
	cert  *pkix.Certificate
	chain []*pkix.Certificate
}

// national are identities of the test authority: RSA, ECDSA P-256, GOST of 2015 and of 2004, read from its p12 files.
func national(tb testing.TB) []identity {
	tb.Helper()
	authority := pki.ForTest(tb)
	var out []identity
	for i, f := range pki.Families() {
		id, err := authority.Issue(pki.Profile{Family: f, Kind: pki.Citizen, IIN: pki.IIN(i), Surname: "ТЕСТОВ", Given: "ТЕСТ"})
		if err != nil {
			tb.Fatal(err)
		}
		file, err := id.PKCS12("test")
		if err != nil {
			tb.Fatal(err)
		}
		store, err := p12.Open(file, "test", p12.Limits{})
		if err != nil {
			tb.Fatal(err)
		}
		one := identity{name: string(f), key: store.Entries[0].Key, cert: store.Entries[0].Certificate}
		for _, der := range id.Chain {
			c, err := pkix.ParseCertificate(der)
			if err != nil {
				tb.Fatal(err)
			}
			one.chain = append(one.chain, c)
		}
		out = append(out, one)
	}
	return out
}

func find(tb testing.TB, ids []identity, name pki.Family) identity {
	tb.Helper()
	i := slices.IndexFunc(ids, func(id identity) bool { return id.name == string(name) })
	if i < 0 {
		tb.Fatalf("no identity %s", name)
	}
	return ids[i]
}

func mustSign(tb testing.TB, in jws.SignInput) string {
	tb.Helper()
	if in.Rand == nil {
		in.Rand = rand.Reader
	}
	compact, err := jws.Sign(in)
	if err != nil {
		tb.Fatal(err)
	}
	return compact
}

func mustParse(tb testing.TB, compact string) *jws.Token {
	tb.Helper()
	t, err := jws.Parse(compact, jws.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

// publicKey brings a key of the standard library into the form of certificates.
func publicKey(tb testing.TB, key crypto.PublicKey) algo.PublicKey {
	tb.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		tb.Fatal(err)
	}
	pub, err := algo.ParsePublicKey(der)
	if err != nil {
		tb.Fatal(err)
	}
	return pub
}

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

func unb64(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

var noon = time.Date(2026, 10, 1, 12, 0, 0, 0, time.UTC)
