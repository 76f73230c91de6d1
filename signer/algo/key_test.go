package algo

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"testing"

	"qaqpa/signer/asn1ber"
	"qaqpa/signer/gost"
)

func rsaSPKI(n *big.Int, e int64, params ...[]byte) []byte {
	if params == nil {
		params = [][]byte{null()}
	}
	id := seq(append([][]byte{oid(oidRSA)}, params...)...)
	return seq(id, bits(seq(asn1ber.EncodedUint(n.Bytes()), asn1ber.EncodedInt(e))))
}

func TestKeysRefused(t *testing.T) {
	odd := func(size uint) *big.Int {
		n := new(big.Int).Lsh(big.NewInt(1), size-1)
		return n.Add(n, big.NewInt(1))
	}
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := p256.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	off := bytes.Clone(point)
	off[64] ^= 1
	ec := func(params []byte, point []byte) []byte { return seq(seq(oid(oidEC), params), bits(point)) }
	key, err := gost.GenerateKey(gost.TC26_512A(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	xy := key.Public().(*gost.PublicKey).Bytes() //nolint:errcheck // the type is what GenerateKey gives
	kz := func(params []byte, key []byte) []byte { return seq(seq(oid(oidKZ2015512), params), bits(key)) }
	kzParams := seq(oid(oidKZ2015512+".1"), oid("1.2.398.3.10.1.3.3"))
	crooked := bytes.Clone(xy)
	crooked[0] ^= 1
	curveParams := seq(asn1ber.EncodedInt(1), seq(), seq())
	for name, c := range map[string]struct {
		spki []byte
		want error
	}{
		"RSA even":                       {rsaSPKI(new(big.Int).Lsh(big.NewInt(1), 2047), 65537), ErrKey},
		"RSA of 1023 bits":               {rsaSPKI(odd(1023), 65537), ErrNotAllowed},
		"RSA of 16385 bits":              {rsaSPKI(odd(16385), 65537), ErrNotAllowed},
		"RSA exponent 1":                 {rsaSPKI(odd(2048), 1), ErrKey},
		"RSA exponent even":              {rsaSPKI(odd(2048), 65536), ErrKey},
		"RSA exponent negative":          {rsaSPKI(odd(2048), -3), ErrKey},
		"RSA with parameters":            {rsaSPKI(odd(2048), 65537, octets(nil)), ErrParameters},
		"RSA negative modulus":           {seq(seq(oid(oidRSA), null()), bits(seq(asn1ber.Primitive(asn1ber.Integer, append([]byte{0x81}, make([]byte, 255)...)), asn1ber.EncodedInt(3)))), ErrKey},
		"explicit curve (CVE-2020-0601)": {ec(curveParams, point), ErrNotAllowed},
		"curve absent":                   {seq(seq(oid(oidEC)), bits(point)), ErrParameters},
		"curve unknown":                  {ec(oid("1.3.132.0.10"), point), ErrUnknownAlgorithm},
		"curve of another size":          {ec(oid("1.3.132.0.34"), point), ErrKey},
		"point off the curve":            {ec(oid("1.2.840.10045.3.1.7"), off), ErrKey},
		"point compressed":               {ec(oid("1.2.840.10045.3.1.7"), append([]byte{2}, point[1:33]...)), ErrKey},
		"point at infinity":              {ec(oid("1.2.840.10045.3.1.7"), []byte{0}), ErrKey},
		"Ed25519 with parameters":        {seq(seq(oid(oidEd25519), null()), bits(make([]byte, 32))), ErrParameters},
		"Ed25519 of 31 octets":           {seq(seq(oid(oidEd25519)), bits(make([]byte, 31))), ErrKey},
		"GOST off the curve":             {kz(kzParams, octets(crooked)), ErrKey},
		"GOST of zeros":                  {kz(kzParams, octets(make([]byte, 128))), ErrKey},
		"GOST short":                     {kz(kzParams, octets(xy[:127])), ErrKey},
		"GOST without OCTET STRING":      {kz(kzParams, make([]byte, 128)), asn1ber.ErrSyntax},
		"GOST in BIT STRING in it":       {kz(kzParams, bits(xy)), ErrKey},
		"GOST without curve":             {seq(seq(oid(oidKZ2015512)), bits(octets(xy))), ErrParameters},
		"GOST with NULL":                 {kz(null(), octets(xy)), ErrParameters},
		"GOST with another curve":        {kz(seq(oid(oidKZ2004+".1")), octets(xy)), ErrParameters},
		"GOST with unknown curve":        {kz(seq(oid(oidKZ2015512+".4")), octets(xy)), ErrUnknownAlgorithm},
		"GOST with RFC curve":            {kz(seq(oid("1.2.643.7.1.2.1.2.1")), octets(xy)), ErrUnknownAlgorithm},
		"GOST with another hash":         {kz(seq(oid(oidKZ2015512+".1"), oid("1.2.398.3.10.1.3.2")), octets(xy)), ErrParameters},
		"GOST 2004 parameter B":          {seq(seq(oid(oidKZ2004), seq(oid(oidKZ2004+".2"))), bits(octets(xy[:64]))), ErrUnknownAlgorithm},
		"6801 with parameters":           {seq(seq(oid(oidKZ6801), octets(nil)), bits(append(bytes.Clone(blob6801), xy[:64]...))), ErrParameters},
		"6801 with another header":       {seq(seq(oid(oidKZ6801), null()), bits(append([]byte("abcdefghijklmnop"), xy[:64]...))), ErrKey},
		"6801 off the curve":             {seq(seq(oid(oidKZ6801), null()), bits(append(bytes.Clone(blob6801), xy[:64]...))), ErrKey},
		"unknown":                        {seq(seq(oid("1.2.3")), bits(nil)), ErrUnknownAlgorithm},
		"not octets":                     {seq(seq(oid(oidEd25519)), asn1ber.Append(nil, asn1ber.BitString, false, []byte{4}, make([]byte, 32))), asn1ber.ErrSyntax},
		"BER":                            {append([]byte{0x30, 0x80}, append(rsaSPKI(odd(2048), 3)[4:], 0, 0)...), asn1ber.ErrSyntax},
		"trailing":                       {append(rsaSPKI(odd(2048), 3), 0), asn1ber.ErrSyntax},
		"empty":                          {nil, asn1ber.ErrSyntax},
	} {
		if pub, err := ParsePublicKey(c.spki); !errors.Is(err, c.want) {
			t.Errorf("%s: %+v, %v", name, pub.Family, err)
		}
	}
	old, err := gost.GenerateKey(gost.CryptoProA(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	oldXY := old.Public().(*gost.PublicKey).Bytes() //nolint:errcheck // likewise
	form3, err := ParsePublicKey(seq(seq(oid(oidKZ6801), null()), bits(append(bytes.Clone(blob6801), oldXY...))))
	if err != nil || form3.Family != GOST2004 || !form3.Matches(old.Public()) {
		t.Errorf("6801: %+v, %v", form3, err)
	}
	for name, good := range map[string][]byte{
		"GOST": kz(kzParams, octets(xy)), "GOST without hash": kz(seq(oid(oidKZ2015512+".1")), octets(xy)),
		"RSA without NULL": seq(seq(oid(oidRSA)), bits(seq(asn1ber.EncodedUint(odd(2048).Bytes()), asn1ber.EncodedInt(3)))),
	} {
		if _, err := ParsePublicKey(good); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// DSA is known by name and verifies nothing.
func TestDSAIsNotAllowed(t *testing.T) {
	pub, err := ParsePublicKey(seq(seq(oid("1.2.840.10040.4.1"), seq()), bits(asn1ber.EncodedInt(5))))
	if err != nil || pub.Family != DSA || pub.Family.String() != "DSA" {
		t.Fatalf("%+v, %v", pub, err)
	}
	a, err := ParseSignature(seq(oid("2.16.840.1.101.3.4.3.2")))
	if err != nil || a.Family != DSA {
		t.Fatalf("%+v, %v", a, err)
	}
	if err := a.Verify(pub, nil, nil); !errors.Is(err, ErrNotAllowed) {
		t.Error(err)
	}
}

// A key restricted to PSS verifies nothing else, and PSS with its own hash and salt only (RFC 4055 3.3).
func TestRestrictedPSSKey(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	pss, der, err := PSSFor(SHA256)
	if err != nil {
		t.Fatal(err)
	}
	body := bits(seq(asn1ber.EncodedUint(key.N.Bytes()), asn1ber.EncodedInt(int64(key.E))))
	restricted, err := ParsePublicKey(seq(der, body))
	if err != nil || restricted.Family != RSAPSS {
		t.Fatalf("%+v, %v", restricted, err)
	}
	digest := SHA256.Sum(nil, []byte("m"))
	sig, err := key.Sign(rand.Reader, digest, pss.SignerOpts())
	if err != nil {
		t.Fatal(err)
	}
	if err := pss.VerifyDigest(restricted, digest, sig); err != nil {
		t.Error(err)
	}
	pkcs1, _, err := SignatureFor(key.Public(), SHA256)
	if err != nil {
		t.Fatal(err)
	}
	if err := pkcs1.VerifyDigest(restricted, digest, sig); !errors.Is(err, ErrMismatch) {
		t.Errorf("PKCS#1: %v", err)
	}
	longer, _, err := PSSFor(SHA512)
	if err != nil {
		t.Fatal(err)
	}
	if err := longer.Fits(restricted); !errors.Is(err, ErrMismatch) {
		t.Errorf("SHA-512: %v", err)
	}
	free, err := ParsePublicKey(seq(seq(oid(oidPSS)), body))
	if err != nil || pss.VerifyDigest(free, digest, sig) != nil {
		t.Errorf("key without parameters: %v", err)
	}
}

// Every certificate of the national corpora has a key that is understood: three GOST forms and RSA.
func TestNationalKeys(t *testing.T) {
	root := os.Getenv("QAQPA_CORPORA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "corpora")
	}
	if _, err := os.Stat(filepath.Join(root, "kz")); err != nil {
		t.Skipf("corpora not here (set QAQPA_CORPORA): %v", err)
	}
	families := map[string]int{}
	err := filepath.WalkDir(filepath.Join(root, "kz"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if block, _ := pem.Decode(b); block != nil {
			b = block.Bytes
		}
		cert, err := x509.ParseCertificate(b)
		if err != nil {
			return nil //nolint:nilerr // keys, lists and documents lie there too
		}
		pub, err := ParsePublicKey(cert.RawSubjectPublicKeyInfo)
		if err != nil {
			t.Errorf("%s: %v", path, err)
		}
		families[pub.Family.String()+" "+pub.Curve]++
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Log(families)
	if len(families) < 3 {
		t.Errorf("too few kinds of keys: %v", families)
	}
}
