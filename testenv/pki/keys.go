package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"hash"
	"io"
	"math/big"

	"qaqpa/testenv/gostref"

	"golang.org/x/crypto/cryptobyte"
	casn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Object identifiers of root.gov.kz/oid and of the RFCs.
const (
	oidGOST2004Key    = "1.2.398.3.10.1.1.1.1"
	oidGOST2004ParamA = "1.2.398.3.10.1.1.1.1.1"
	oidGOST2004Sign   = "1.2.398.3.10.1.1.1.2"
	oidGOST2004Old    = "1.3.6.1.4.1.6801.1.5.8"
	oidGOST2015Key    = "1.2.398.3.10.1.1.2.2"
	oidGOST2015ParamA = "1.2.398.3.10.1.1.2.2.1"
	oidGOST2015Sign   = "1.2.398.3.10.1.1.2.3.2"
	oid34311          = "1.2.398.3.10.1.3.1"
	oid34311Params    = "1.2.398.3.10.1.3.1.1.0"
	oidStreebog256    = "1.2.398.3.10.1.3.2"
	oidStreebog512    = "1.2.398.3.10.1.3.3"
	oidRSA            = "1.2.840.113549.1.1.1"
	oidPSS            = "1.2.840.113549.1.1.10"
	oidMGF1           = "1.2.840.113549.1.1.8"
	oidECDSA          = "1.2.840.10045.2.1"
	oidEd25519        = "1.3.101.112"
)

// generateKey makes a key of the family.
func generateKey(f Family, rsaBits int, rand io.Reader) (crypto.Signer, error) {
	switch f {
	case RSA:
		if rsaBits == 0 {
			rsaBits = 2048
		}
		return rsa.GenerateKey(rand, rsaBits)
	case ECDSA:
		return ecdsa.GenerateKey(elliptic.P256(), rand)
	case GOST2015:
		return gostref.Generate(gostref.TC26Curve512A(), rand)
	case GOST2004:
		return gostref.Generate(gostref.CryptoProA(), rand)
	}
	return nil, fmt.Errorf("unknown family %q", f)
}

// familyOf tells which family a public key belongs to; an Ed25519 key is certified by ECDSA.
func familyOf(pub crypto.PublicKey) (Family, error) {
	switch k := pub.(type) {
	case *rsa.PublicKey:
		return RSA, nil
	case *ecdsa.PublicKey, ed25519.PublicKey:
		return ECDSA, nil
	case *gostref.PublicKey:
		if k.Curve.Size == 64 {
			return GOST2015, nil
		}
		return GOST2004, nil
	}
	return "", fmt.Errorf("no family for a key of type %T", pub)
}

// marshalSPKI writes SubjectPublicKeyInfo and returns the content of its BIT STRING beside it, over
// which key identifiers are computed.
func marshalSPKI(pub crypto.PublicKey, third2004 bool) (spki, content []byte, err error) {
	key, ok := pub.(*gostref.PublicKey)
	if !ok {
		spki, err = x509.MarshalPKIXPublicKey(pub)
		if err != nil {
			return nil, nil, fmt.Errorf("couldn't encode the public key: %w", err)
		}
		content, err = spkiContent(spki)
		return spki, content, err
	}
	content = octets(key.Bytes())
	algorithm := seq(oid(oidGOST2015Key), seq(oid(oidGOST2015ParamA), oid(oidStreebog512)))
	switch {
	case key.Curve.Size == 64:
	case third2004:
		algorithm = seq(oid(oidGOST2004Old), null())
		header := []byte{0x06, 2, 0, 0, 0x3a, 0xaa, 0, 0, 0, 0x45, 0x43, 0x31, 0, 2, 0, 0}
		content = append(header, key.Bytes()...)
	default:
		algorithm = seq(oid(oidGOST2004Key), seq(oid(oidGOST2004ParamA), oid(oid34311Params)))
	}
	return seq(algorithm, bits(content)), content, nil
}

// spkiContent is the content of the BIT STRING of a SubjectPublicKeyInfo.
func spkiContent(spki []byte) ([]byte, error) {
	in, body, algorithm, content := cryptobyte.String(spki), cryptobyte.String(nil), cryptobyte.String(nil), []byte(nil)
	if !in.ReadASN1(&body, casn1.SEQUENCE) || !body.ReadASN1(&algorithm, casn1.SEQUENCE) ||
		!body.ReadASN1BitStringAsBytes(&content) || !body.Empty() || !in.Empty() {
		return nil, errors.New("couldn't read the public key")
	}
	return content, nil
}

// parseSPKI reads a public key of any family in its usual form.
func parseSPKI(spki []byte) (crypto.PublicKey, error) {
	if pub, err := x509.ParsePKIXPublicKey(spki); err == nil {
		return pub, nil
	}
	content, err := spkiContent(spki)
	if err != nil {
		return nil, err
	}
	in, xy := cryptobyte.String(content), cryptobyte.String(nil)
	if !in.ReadASN1(&xy, casn1.OCTET_STRING) || !in.Empty() {
		return nil, errors.New("couldn't read the point of the public key")
	}
	if len(xy) == 128 {
		return gostref.NewPublicKey(gostref.TC26Curve512A(), xy)
	}
	return gostref.NewPublicKey(gostref.CryptoProA(), xy)
}

// marshalKey writes PKCS#8: standard for RSA and ECDSA, the national form for GOST (a big-endian
// INTEGER for 2004, 64 little-endian octets for 2015).
func marshalKey(key crypto.Signer) ([]byte, error) {
	k, ok := key.(*gostref.PrivateKey)
	if !ok {
		return x509.MarshalPKCS8PrivateKey(key)
	}
	if k.Curve.Size == 64 {
		algorithm := seq(oid(oidGOST2015Key), seq(oid(oidGOST2015ParamA), oid(oidStreebog512)))
		return seq(number(0), algorithm, octets(octets(reversed(k.D.FillBytes(make([]byte, 64)))))), nil
	}
	algorithm := seq(oid(oidGOST2004Key), seq(oid(oidGOST2004ParamA), oid(oid34311Params)))
	return seq(number(0), algorithm, octets(integer(k.D.Bytes()))), nil
}

// parseKey reads what marshalKey wrote.
func parseKey(der []byte) (crypto.Signer, error) {
	if key, err := x509.ParsePKCS8PrivateKey(der); err == nil {
		if signer, ok := key.(crypto.Signer); ok {
			return signer, nil
		}
	}
	in, body, algorithm, wrapped := cryptobyte.String(der), cryptobyte.String(nil), cryptobyte.String(nil), cryptobyte.String(nil)
	if !in.ReadASN1(&body, casn1.SEQUENCE) || !body.SkipASN1(casn1.INTEGER) ||
		!body.ReadASN1(&algorithm, casn1.SEQUENCE) || !body.ReadASN1(&wrapped, casn1.OCTET_STRING) {
		return nil, errors.New("couldn't read the private key")
	}
	var scalar cryptobyte.String
	if wrapped.PeekASN1Tag(casn1.OCTET_STRING) && wrapped.ReadASN1(&scalar, casn1.OCTET_STRING) {
		return gostref.NewPrivateKey(gostref.TC26Curve512A(), new(big.Int).SetBytes(reversed(scalar)))
	}
	d := new(big.Int)
	if !wrapped.ReadASN1Integer(d) {
		return nil, errors.New("couldn't read the scalar of the private key")
	}
	return gostref.NewPrivateKey(gostref.CryptoProA(), d)
}

func reversed(b []byte) []byte {
	out := make([]byte, len(b))
	for i, c := range b {
		out[len(b)-1-i] = c
	}
	return out
}

// sum hashes parts with a fresh hash.
func sum(fresh func() hash.Hash, parts ...[]byte) []byte {
	h := fresh()
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}
