package algo

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"math/big"
	"testing"

	"qaqpa/signer/asn1ber"
	"qaqpa/signer/gost"
)

func seq(parts ...[]byte) []byte { return asn1ber.Wrap(asn1ber.Sequence, parts...) }

func oid(dotted string) []byte {
	return asn1ber.Primitive(asn1ber.OID, []byte(asn1ber.MustOID(dotted)))
}

func null() []byte { return asn1ber.Primitive(asn1ber.Null, nil) }

func bits(b []byte) []byte { return asn1ber.Append(nil, asn1ber.BitString, false, []byte{0}, b) }

func octets(b []byte) []byte { return asn1ber.Primitive(asn1ber.OctetString, b) }

// Digests of "abc" from RFC 1321, FIPS 180-4, FIPS 202, RFC 5831 by way of facts/kz-eds.md, and, for Streebog, OpenSSL's
// gost engine.
func TestHashes(t *testing.T) {
	for h, want := range map[Hash]string{
		MD5:        "900150983cd24fb0d6963f7d28e17f72",
		SHA1:       "a9993e364706816aba3e25717850c26c9cd0d89d",
		SHA256:     "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
		SHA3_256:   "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532",
		GOST94Test: "f3134348c44fb1b2a277729e2285ebb5cb5e0f29c975bc753b70497c06a4d51d",
	} {
		if got := hex.EncodeToString(h.Sum(nil, []byte("abc"))); got != want {
			t.Errorf("%s: %s", h, got)
		}
	}
	for h := MD5; h < hashEnd; h++ {
		w := h.New()
		w.Write([]byte("abc"))
		if got := w.Sum(nil); len(got) != h.Size() || !bytes.Equal(got, h.Sum(nil, []byte("abc"))) {
			t.Errorf("%s: %x", h, got)
		}
		if back, ok := HashByOID(h.OID()); !ok || back != h {
			t.Errorf("%s found as %s by its OID", h, back)
		}
		id, err := h.AlgorithmIdentifier()
		if err != nil {
			t.Fatal(err)
		}
		rfc, err := h.RFCAlgorithmIdentifier()
		if err != nil {
			t.Fatal(err)
		}
		for _, der := range [][]byte{id, rfc} {
			if back, err := ParseHash(der); err != nil || back != h {
				t.Errorf("%s read as %s, %v", h, back, err)
			}
		}
		if std := h.Crypto(); std != 0 && std.Size() != h.Size() {
			t.Errorf("%s is not %s", h, std)
		}
	}
	if h, ok := HashByOID("1.2.643.7.1.1.2.3"); !ok || h != Streebog512 {
		t.Errorf("RFC OID: %s", h)
	}
	if Hash(0).Valid() || hashEnd.Valid() || Hash(0).Size() != 0 || Hash(0).OID() != "" || Hash(0).Crypto() != 0 {
		t.Error("no hash passes for one")
	}
}

func TestParseHashRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		in   []byte
		want error
	}{
		"unknown":             {seq(oid("1.2.3")), ErrUnknownAlgorithm},
		"parameters":          {seq(oid("2.16.840.1.101.3.4.2.1"), octets(nil)), ErrParameters},
		"S-box of another":    {seq(oid("1.2.398.3.10.1.3.1"), oid("1.2.643.2.2.30.1")), ErrParameters},
		"NULL with contents":  {[]byte{0x30, 8, 6, 3, 0x2a, 3, 4, 5, 1, 0}, ErrUnknownAlgorithm},
		"not a SEQUENCE":      {oid("2.16.840.1.101.3.4.2.1"), asn1ber.ErrSyntax},
		"more than two parts": {seq(oid("2.16.840.1.101.3.4.2.1"), null(), null()), asn1ber.ErrSyntax},
		"trailing":            {append(seq(oid("2.16.840.1.101.3.4.2.1")), 0), asn1ber.ErrSyntax},
		"signature OID":       {seq(oid("1.2.840.113549.1.1.11"), null()), ErrUnknownAlgorithm},
		"too large":           {make([]byte, 9<<10), asn1ber.ErrLimit},
	} {
		if h, err := ParseHash(c.in); !errors.Is(err, c.want) {
			t.Errorf("%s: %s, %v", name, h, err)
		}
	}
	if h, err := ParseHash(seq(oid("1.2.398.3.10.1.3.1"), oid("1.2.398.3.10.1.3.1.1.0"))); err != nil || h != GOST94Test {
		t.Errorf("its own S-box: %s, %v", h, err)
	}
}

type signer struct {
	name string
	key  crypto.Signer
	spki []byte
	h    Hash
	pss  bool
}

func signers(tb testing.TB) []signer {
	tb.Helper()
	must := func(err error) {
		if err != nil {
			tb.Fatal(err)
		}
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	must(err)
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	must(err)
	out := []signer{
		{"RSA", rsaKey, nil, SHA256, false},
		{"RSA SHA3", rsaKey, nil, SHA3_512, false},
		{"PSS", rsaKey, nil, SHA384, true},
		{"Ed25519", ed, nil, 0, false},
	}
	for curve, h := range map[elliptic.Curve]Hash{elliptic.P224(): SHA224, elliptic.P256(): SHA256, elliptic.P384(): SHA384, elliptic.P521(): SHA512} {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		must(err)
		out = append(out, signer{curve.Params().Name, key, nil, h, false})
	}
	for i := range out {
		out[i].spki, err = x509.MarshalPKIXPublicKey(out[i].key.Public())
		must(err)
	}
	for _, g := range []struct {
		c               *gost.Curve
		key, curve, box string
	}{
		{gost.CryptoProA(), oidKZ2004, oidKZ2004 + ".1", "1.2.398.3.10.1.3.1.1.0"},
		{gost.TC26_256A(), oidKZ2015256, oidKZ2015256 + ".1", "1.2.398.3.10.1.3.2"},
		{gost.TC26_512A(), oidKZ2015512, oidKZ2015512 + ".1", "1.2.398.3.10.1.3.3"},
	} {
		key, err := gost.GenerateKey(g.c, rand.Reader)
		must(err)
		pub, ok := key.Public().(*gost.PublicKey)
		if !ok {
			tb.Fatal("not a GOST key")
		}
		out = append(out, signer{g.c.Name(), key, seq(seq(oid(g.key), seq(oid(g.curve), oid(g.box))), bits(octets(pub.Bytes()))), 0, false})
	}
	return out
}

func TestSignAndVerify(t *testing.T) {
	message := []byte("order ord_00")
	for _, s := range signers(t) {
		t.Run(s.name, func(t *testing.T) {
			pub, err := ParsePublicKey(s.spki)
			if err != nil {
				t.Fatal(err)
			}
			if !pub.Matches(s.key.Public()) {
				t.Error("key is not the signer's")
			}
			h := s.h
			if h == 0 {
				h = DefaultHash(s.key.Public())
			}
			a, der, err := SignatureFor(s.key.Public(), h)
			if s.pss {
				a, der, err = PSSFor(h)
			}
			if err != nil {
				t.Fatal(err)
			}
			read, err := ParseSignature(der)
			if err != nil || read.Name != a.Name || read.OID != a.OID {
				t.Fatalf("%+v, %v", read, err)
			}
			if again, err := read.AlgorithmIdentifier(); err != nil || !bytes.Equal(again, der) {
				t.Errorf("written %x, then %x, %v", der, again, err)
			}
			digest := message
			if a.Hash != 0 {
				digest = a.Hash.Sum(nil, message)
			}
			sig, err := s.key.Sign(rand.Reader, digest, a.SignerOpts())
			if err != nil {
				t.Fatal(err)
			}
			if err := read.Verify(pub, message, sig); err != nil {
				t.Error(err)
			}
			checkRefusals(t, read, pub, message, sig)
		})
	}
}

func checkRefusals(t *testing.T, a Signature, pub PublicKey, message, sig []byte) {
	t.Helper()
	if err := a.Verify(pub, append([]byte("x"), message...), sig); !errors.Is(err, ErrSignature) {
		t.Errorf("other message: %v", err)
	}
	for i := range sig {
		bad := bytes.Clone(sig)
		bad[i] ^= 0x10
		if err := a.Verify(pub, message, bad); !errors.Is(err, ErrSignature) {
			t.Fatalf("octet %d changed: %v", i, err)
		}
	}
	for name, bad := range map[string][]byte{"empty": nil, "short": sig[:len(sig)-1], "long": append(bytes.Clone(sig), 0), "zeros": make([]byte, len(sig))} {
		if err := a.Verify(pub, message, bad); !errors.Is(err, ErrSignature) {
			t.Errorf("%s signature: %v", name, err)
		}
	}
	if a.Family == Ed25519 {
		if err := a.VerifyDigest(pub, make([]byte, 64), sig); !errors.Is(err, ErrNeedsMessage) {
			t.Errorf("digest: %v", err)
		}
		return
	}
	if err := a.VerifyDigest(pub, make([]byte, a.Hash.Size()-1), sig); !errors.Is(err, ErrMismatch) {
		t.Errorf("short digest: %v", err)
	}
}

// ECDSA signatures have one encoding: minimal DER with r and s inside the group (facts/validation.md §4).
func TestECDSAEncoding(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	spki, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	pub, err := ParsePublicKey(spki)
	if err != nil {
		t.Fatal(err)
	}
	a, _, err := SignatureFor(key.Public(), SHA256)
	if err != nil {
		t.Fatal(err)
	}
	digest := SHA256.Sum(nil, []byte("m"))
	r, s, err := ecdsa.Sign(rand.Reader, key, digest)
	if err != nil {
		t.Fatal(err)
	}
	n := elliptic.P256().Params().N
	enc := func(v *big.Int) []byte { return asn1ber.EncodedUint(v.Bytes()) }
	for name, c := range map[string]struct {
		sig []byte
		ok  bool
	}{
		"right":            {seq(enc(r), enc(s)), true},
		"n-s":              {seq(enc(r), enc(new(big.Int).Sub(n, s))), true}, // ECDSA's own symmetry
		"r + n":            {seq(enc(new(big.Int).Add(r, n)), enc(s)), false},
		"s + n":            {seq(enc(r), enc(new(big.Int).Add(s, n))), false},
		"r 0":              {seq(enc(new(big.Int)), enc(s)), false},
		"s 0":              {seq(enc(r), enc(new(big.Int))), false},
		"r not minimal":    {seq(asn1ber.Append(nil, asn1ber.Integer, false, []byte{0, 0}, r.Bytes()), enc(s)), false},
		"trailing inside":  {seq(enc(r), enc(s), null()), false},
		"trailing outside": {append(seq(enc(r), enc(s)), 5, 0), false},
		"raw r‖s":          {append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...), false},
		"long length":      {append([]byte{0x30, 0x81, byte(len(seq(enc(r), enc(s))) - 2)}, seq(enc(r), enc(s))[2:]...), false},
	} {
		if err := a.VerifyDigest(pub, digest, c.sig); (err == nil) != c.ok || err != nil && !errors.Is(err, ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// PKCS#1 v1.5 has one encoding: padding that a lenient reader would skip over is refused (Bleichenbacher 2006).
func TestPKCS1Leniency(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	spki, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	pub, err := ParsePublicKey(spki)
	if err != nil {
		t.Fatal(err)
	}
	a, _, err := SignatureFor(key.Public(), SHA256)
	if err != nil {
		t.Fatal(err)
	}
	digest := SHA256.Sum(nil, []byte("m"))
	raw := func(em []byte) []byte { // the private operation on a chosen encoding
		return new(big.Int).Exp(new(big.Int).SetBytes(em), key.D, key.N).FillBytes(make([]byte, 256))
	}
	info := seq(seq(oid("2.16.840.1.101.3.4.2.1"), null()), octets(digest))
	padded := func(info []byte, behind int) []byte {
		em := []byte{0, 1}
		em = append(em, bytes.Repeat([]byte{0xff}, 256-3-len(info)-behind)...)
		return append(append(append(em, 0), info...), make([]byte, behind)...)
	}
	for name, c := range map[string]struct {
		em []byte
		ok bool
	}{
		"right":              {padded(info, 0), true},
		"garbage behind":     {padded(info, 16), false},
		"without NULL":       {padded(seq(seq(oid("2.16.840.1.101.3.4.2.1")), octets(digest)), 0), false},
		"block type 2":       {append([]byte{0, 2}, padded(info, 0)[2:]...), false},
		"parameters garbage": {padded(seq(seq(oid("2.16.840.1.101.3.4.2.1"), octets(make([]byte, 40))), octets(digest)), 0), false},
	} {
		if err := a.VerifyDigest(pub, digest, raw(c.em)); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
	sig := raw(padded(info, 0))
	if err := a.VerifyDigest(pub, digest, new(big.Int).Add(new(big.Int).SetBytes(sig), key.N).Bytes()); !errors.Is(err, ErrSignature) {
		t.Errorf("signature + n: %v", err)
	}
}

func TestFamiliesDoNotMix(t *testing.T) {
	all := signers(t)
	for _, s := range all {
		pub, err := ParsePublicKey(s.spki)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range all {
			other, err := ParsePublicKey(o.spki)
			if err != nil {
				t.Fatal(err)
			}
			if other.Family == pub.Family {
				continue
			}
			a, _, err := SignatureFor(o.key.Public(), DefaultHash(o.key.Public()))
			if err != nil {
				t.Fatal(err)
			}
			if err := a.Verify(pub, []byte("m"), make([]byte, 256)); !errors.Is(err, ErrMismatch) {
				t.Errorf("%s with key %s: %v", a.Name, s.name, err)
			}
		}
	}
}
