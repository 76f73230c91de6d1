package rawsig_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"slices"
	"sync"
	"testing"

	"qaqpa/signer/algo"
	"qaqpa/signer/asn1ber"
	"qaqpa/signer/gost"
	"qaqpa/signer/rawsig"
)

// identity is a key with its public half as certificates have it.
type identity struct {
	name string
	key  crypto.Signer
	pub  algo.PublicKey
}

// identities are one key of each kind, made once.
var identities = sync.OnceValues(func() ([]identity, error) {
	var out []identity
	add := func(name string, key crypto.Signer, spki []byte, err error) error {
		if err != nil {
			return err
		}
		if spki == nil {
			if spki, err = x509.MarshalPKIXPublicKey(key.Public()); err != nil {
				return err
			}
		}
		pub, err := algo.ParsePublicKey(spki)
		out = append(out, identity{name, key, pub})
		return err
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err := add("RSA", rsaKey, nil, err); err != nil {
		return nil, err
	}
	for _, c := range []elliptic.Curve{elliptic.P224(), elliptic.P256(), elliptic.P384(), elliptic.P521()} {
		k, err := ecdsa.GenerateKey(c, rand.Reader)
		if err := add(c.Params().Name, k, nil, err); err != nil {
			return nil, err
		}
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err := add("Ed25519", ed, nil, err); err != nil {
		return nil, err
	}
	for _, g := range []struct {
		name     string
		curve    *gost.Curve
		key, set string
	}{
		{"national 2004", gost.CryptoProA(), "1.2.398.3.10.1.1.1.1", "1.2.398.3.10.1.1.1.1.1"},
		{"national 2015-256", gost.TC26_256A(), "1.2.398.3.10.1.1.2.1", "1.2.398.3.10.1.1.2.1.1"},
		{"national 2015-512", gost.TC26_512A(), "1.2.398.3.10.1.1.2.2", "1.2.398.3.10.1.1.2.2.1"},
		{"RFC 2001", gost.CryptoProA(), "1.2.643.2.2.19", "1.2.643.2.2.35.1"},
		{"RFC 2012-256", gost.CryptoProB(), "1.2.643.7.1.1.1.1", "1.2.643.2.2.35.2"},
		{"RFC 2012-512", gost.TC26_512C(), "1.2.643.7.1.1.1.2", "1.2.643.7.1.2.1.2.3"},
	} {
		k, err := gost.GenerateKey(g.curve, rand.Reader)
		if err != nil {
			return nil, err
		}
		if err := add(g.name, k, gostSPKI(k, g.key, g.set), nil); err != nil {
			return nil, err
		}
	}
	return out, nil
})

func gostSPKI(k *gost.PrivateKey, key, set string) []byte {
	oid := func(dotted string) []byte { return asn1ber.Primitive(asn1ber.OID, []byte(asn1ber.MustOID(dotted))) }
	pub, _ := k.Public().(*gost.PublicKey)
	xy := asn1ber.Primitive(asn1ber.OctetString, pub.Bytes())
	return asn1ber.Wrap(asn1ber.Sequence,
		asn1ber.Wrap(asn1ber.Sequence, oid(key), asn1ber.Wrap(asn1ber.Sequence, oid(set))),
		asn1ber.Append(nil, asn1ber.BitString, false, []byte{0}, xy))
}

func allIdentities(tb testing.TB) []identity {
	tb.Helper()
	ids, err := identities()
	if err != nil {
		tb.Fatal(err)
	}
	return ids
}

func identityNamed(tb testing.TB, name string) identity {
	tb.Helper()
	ids := allIdentities(tb)
	i := slices.IndexFunc(ids, func(id identity) bool { return id.name == name })
	if i < 0 {
		tb.Fatalf("no identity %s", name)
	}
	return ids[i]
}

func sign(tb testing.TB, in rawsig.SignInput) ([]byte, rawsig.Result) {
	tb.Helper()
	if in.Rand == nil {
		in.Rand = rand.Reader
	}
	sig, result, err := rawsig.Sign(in)
	if err != nil {
		tb.Fatal(err)
	}
	return sig, result
}
