package xmldsig_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"sync"
	"testing"
	"time"

	"qaqpa/signer/algo"
	"qaqpa/signer/asn1ber"
	"qaqpa/signer/gost"
	"qaqpa/signer/pkix"
)

// at is the time of all signatures of these tests.
var at = time.Date(2026, 9, 1, 10, 20, 30, 0, time.UTC)

// identity is a key with a self-signed certificate.
type identity struct {
	name      string
	cert      *pkix.Certificate
	key       crypto.Signer
	algorithm *algo.Signature // nil: what the key implies
}

// identities are made once: RSA keys are slow to make.
var identities = sync.OnceValues(func() ([]identity, error) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		return nil, err
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	pss, _, err := algo.PSSFor(algo.SHA256)
	if err != nil {
		return nil, err
	}
	out := []identity{
		{name: "RSA", key: rsaKey},
		{name: "RSA-PSS", key: rsaKey, algorithm: &pss},
		{name: "P-256", key: p256},
		{name: "P-384", key: p384},
		{name: "Ed25519", key: ed},
	}
	for name, curve := range map[string]*gost.Curve{
		"GOST-2004": gost.CryptoProA(), "GOST-2015-256": gost.TC26_256A(), "GOST-2015-512": gost.TC26_512A(),
	} {
		key, err := gost.GenerateKey(curve, rand.Reader)
		if err != nil {
			return nil, err
		}
		out = append(out, identity{name: name, key: key})
	}
	for i := range out {
		if out[i].cert, err = selfSigned(out[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
})

func allIdentities(tb testing.TB) []identity {
	tb.Helper()
	ids, err := identities()
	if err != nil {
		tb.Fatal(err)
	}
	return ids
}

func named(tb testing.TB, name string) identity {
	tb.Helper()
	for _, id := range allIdentities(tb) {
		if id.name == name {
			return id
		}
	}
	tb.Fatalf("no identity %q", name)
	return identity{}
}

func oid(dotted string) []byte {
	return asn1ber.Primitive(asn1ber.OID, []byte(asn1ber.MustOID(dotted)))
}

func seq(parts ...[]byte) []byte { return asn1ber.Wrap(asn1ber.Sequence, parts...) }

// selfSigned writes a certificate by hand: crypto/x509 knows no GOST.
func selfSigned(id identity) (*pkix.Certificate, error) {
	spki, keyBits, err := spkiOf(id)
	if err != nil {
		return nil, err
	}
	return certificateFor(id, id.name, []byte{0x21, byte(len(id.name))}, spki, keyBits)
}

func certificateFor(id identity, commonName string, serial, spki, keyBits []byte) (*pkix.Certificate, error) {
	s, sigID, err := signatureOf(id)
	if err != nil {
		return nil, err
	}
	name := seq(asn1ber.Wrap(asn1ber.Set, seq(oid("2.5.4.3"), asn1ber.Primitive(asn1ber.UTF8String, []byte(commonName)))))
	from, err := asn1ber.EncodedTime(at.AddDate(-1, 0, 0))
	if err != nil {
		return nil, err
	}
	to, err := asn1ber.EncodedTime(at.AddDate(20, 0, 0))
	if err != nil {
		return nil, err
	}
	ski := sha1.Sum(keyBits)
	extension := func(o string, critical bool, value []byte) []byte {
		var c []byte
		if critical {
			c = asn1ber.Primitive(asn1ber.Boolean, []byte{0xff})
		}
		return seq(oid(o), c, asn1ber.Primitive(asn1ber.OctetString, value))
	}
	tbs := seq(
		asn1ber.Wrap(asn1ber.Context(0), asn1ber.EncodedInt(2)), asn1ber.Primitive(asn1ber.Integer, serial), sigID,
		name, seq(from, to), name, spki,
		asn1ber.Wrap(asn1ber.Context(3), seq(
			extension("2.5.29.14", false, asn1ber.Primitive(asn1ber.OctetString, ski[:])),
			extension("2.5.29.19", true, seq(asn1ber.Primitive(asn1ber.Boolean, []byte{0xff}))),
			extension("2.5.29.15", true, []byte{3, 2, 1, 0xc6}), // dS, nR, keyCertSign, cRLSign
		)))
	message := tbs
	if s.Hash != 0 {
		message = s.Hash.Sum(nil, tbs)
	}
	sig, err := id.key.Sign(rand.Reader, message, s.SignerOpts())
	if err != nil {
		return nil, err
	}
	return pkix.ParseCertificate(seq(tbs, sigID, asn1ber.Append(nil, asn1ber.BitString, false, []byte{0}, sig)))
}

func signatureOf(id identity) (algo.Signature, []byte, error) {
	if id.algorithm != nil {
		der, err := id.algorithm.AlgorithmIdentifier()
		return *id.algorithm, der, err
	}
	return algo.SignatureFor(id.key.Public(), algo.DefaultHash(id.key.Public()))
}

// gostParameters of keys by the name of an identity: key OID, curve OID, hash OID.
var gostParameters = map[string][3]string{
	"GOST-2004":     {"1.2.398.3.10.1.1.1.1", "1.2.398.3.10.1.1.1.1.1", "1.2.398.3.10.1.3.1.1.0"},
	"GOST-2015-256": {"1.2.398.3.10.1.1.2.1", "1.2.398.3.10.1.1.2.1.1", "1.2.398.3.10.1.3.2"},
	"GOST-2015-512": {"1.2.398.3.10.1.1.2.2", "1.2.398.3.10.1.1.2.2.1", "1.2.398.3.10.1.3.3"},
}

func spkiOf(id identity) (spki, keyBits []byte, err error) {
	var algorithm []byte
	switch pub := id.key.Public().(type) {
	case *rsa.PublicKey:
		keyBits = seq(asn1ber.EncodedUint(pub.N.Bytes()), asn1ber.EncodedInt(int64(pub.E)))
		algorithm = seq(oid("1.2.840.113549.1.1.1"), asn1ber.Primitive(asn1ber.Null, nil))
	case *ecdsa.PublicKey:
		if keyBits, err = pub.Bytes(); err != nil {
			return nil, nil, err
		}
		curve := map[string]string{"P-256": "1.2.840.10045.3.1.7", "P-384": "1.3.132.0.34"}[pub.Curve.Params().Name]
		algorithm = seq(oid("1.2.840.10045.2.1"), oid(curve))
	case ed25519.PublicKey:
		keyBits, algorithm = pub, seq(oid("1.3.101.112"))
	case *gost.PublicKey:
		p := gostParameters[id.name]
		keyBits = asn1ber.Primitive(asn1ber.OctetString, pub.Bytes())
		algorithm = seq(oid(p[0]), seq(oid(p[1]), oid(p[2])))
	}
	return seq(algorithm, asn1ber.Append(nil, asn1ber.BitString, false, []byte{0}, keyBits)), keyBits, nil
}
