package algo

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"fmt"
	"math/big"

	"qaqpa/signer/asn1ber"

	"github.com/cloudflare/circl/sign/ed448"
)

// Family is a kind of public key and of the signature algorithms that go with it.
type Family uint8

// Families. RSAPSS is a key restricted to PSS (RFC 4055 1.2); the PSS signature algorithm itself is of family RSA or
// RSAPSS, whichever key verifies it.
const (
	Unknown Family = iota
	RSA
	RSAPSS
	ECDSA
	Ed25519
	Ed448
	GOST2004 // ГОСТ 34.310-2004, GOST R 34.10-2001
	// СТ РК ГОСТ Р 34.10-2015 and GOST R 34.10-2012 of 256 and 512 bits.
	GOST2012_256 //nolint:revive,staticcheck // ST1003: named by year and size
	GOST2012_512 //nolint:revive,staticcheck // ST1003: likewise
	DSA          // recognised and refused
)

var familyNames = [...]string{"unknown", "RSA", "RSA-PSS", "ECDSA", "Ed25519", "Ed448", "GOST 34.310-2004", "GOST R 34.10-2012-256", "GOST R 34.10-2012-512", "DSA"}

// String is the family's name.
func (f Family) String() string {
	if int(f) < len(familyNames) {
		return familyNames[f]
	}
	return familyNames[Unknown]
}

// PublicKey is a subject public key. It is immutable and safe to share.
type PublicKey struct {
	Family Family
	Bits   int    // size of the modulus or of the group
	Curve  string // name of the curve, empty for RSA
	// Key is *rsa.PublicKey (or *LongRSA where its exponent is longer than crypto/rsa takes), *ecdsa.PublicKey (or
	// *BrainpoolKey), ed25519.PublicKey, ed448.PublicKey of circl, or *gost.PublicKey; nil for DSA.
	Key  crypto.PublicKey
	SPKI []byte // SubjectPublicKeyInfo as given; aliases the input of ParsePublicKey
	pss  *PSSParams
	// modulus is kept with an RSA key; nil for others.
	modulus *rsaModulus
	// table of a key of P-256 that Tables watch; nil for others.
	table *tableOf
	rfc   bool // a GOST key under an OID of 1.2.643
}

// RSA keys beyond these bounds are ErrNotAllowed: below, crypto/rsa refuses them; above, verification time becomes a
// way to deny service.
const (
	minModulusBits = 1024
	maxModulusBits = 16384
)

// ParsePublicKey reads a SubjectPublicKeyInfo (DER): RSA, RSASSA-PSS, EC on named P-curves and brainpool
// curves, Ed25519, Ed448, and GOST in the
// national, the RFC 4491/9215 and the older national 1.3.6.1.4.1.6801 form. Points are checked to lie on the curve.
// DSA gives a PublicKey of family DSA that verifies nothing. Errors: ErrUnknownAlgorithm, ErrNotAllowed, ErrKey,
// ErrParameters, asn1ber.ErrSyntax.
func ParsePublicKey(spki []byte) (PublicKey, error) {
	e, err := asn1ber.ParseDER(spki)
	if err != nil {
		return PublicKey{}, fmt.Errorf("couldn't read public key: %w", err)
	}
	if e.Tag != asn1ber.Sequence {
		return PublicKey{}, fmt.Errorf("couldn't read public key: %w: %s", asn1ber.ErrSyntax, e.Tag)
	}
	r, err := e.Children()
	if err != nil {
		return PublicKey{}, err
	}
	id, err := r.Read(asn1ber.Sequence)
	if err != nil {
		return PublicKey{}, err
	}
	bits, err := r.Read(asn1ber.BitString)
	if err != nil {
		return PublicKey{}, err
	}
	key, err := bits.Octets()
	if err != nil {
		return PublicKey{}, err
	}
	if err := r.End(); err != nil {
		return PublicKey{}, err
	}
	oid, params, err := identifierOf(id)
	if err != nil {
		return PublicKey{}, err
	}
	form, ok := keyByRaw[string(oid)]
	if !ok {
		return PublicKey{}, unknown("public key", oid)
	}
	pub, err := form.parse(params, key)
	if err != nil {
		return PublicKey{}, fmt.Errorf("couldn't read %s key: %w", form.family, err)
	}
	pub.SPKI = spki
	return pub, nil
}

// keyForm is how one key OID is read.
type keyForm struct {
	family Family
	rfc    bool
	parse  func(params parameters, key []byte) (PublicKey, error)
}

func (f keyForm) gost() bool { return f.family >= GOST2004 && f.family <= GOST2012_512 }

var keyByRaw = indexKeys()

func indexKeys() map[string]keyForm {
	forms := map[string]keyForm{
		oidRSA:     {family: RSA, parse: parseRSA},
		oidPSS:     {family: RSAPSS, parse: parsePSSKey},
		oidEC:      {family: ECDSA, parse: parseEC},
		oidEd25519: {family: Ed25519, parse: parseEd25519},
		oidEd448:   {family: Ed448, parse: parseEd448},
		"1.2.840.10040.4.1": {family: DSA, parse: func(parameters, []byte) (PublicKey, error) {
			return PublicKey{Family: DSA}, nil
		}},
	}
	for oid, form := range gostKeys {
		forms[oid] = keyForm{family: form.family, rfc: form.rfc, parse: form.parse}
	}
	raw := make(map[string]keyForm, len(forms))
	for oid, form := range forms {
		raw[asn1ber.MustOID(oid)] = form
	}
	return raw
}

const (
	oidRSA     = "1.2.840.113549.1.1.1"
	oidPSS     = "1.2.840.113549.1.1.10"
	oidEC      = "1.2.840.10045.2.1"
	oidEd25519 = "1.3.101.112"
	oidEd448   = "1.3.101.113"
)

// parseRSA reads RSAPublicKey (RFC 8017 A.1.1). Parameters must be NULL (RFC 3279 2.3.1); absent ones are met and
// taken.
func parseRSA(params parameters, key []byte) (PublicKey, error) {
	if !params.absentOrNull() {
		return PublicKey{}, fmt.Errorf("%w: RSA", ErrParameters)
	}
	e, err := asn1ber.ParseDER(key)
	if err != nil {
		return PublicKey{}, err
	}
	r, err := e.Children()
	if err != nil {
		return PublicKey{}, err
	}
	modulus, err := r.Read(asn1ber.Integer)
	if err != nil {
		return PublicKey{}, err
	}
	exponent, err := r.Read(asn1ber.Integer)
	if err != nil {
		return PublicKey{}, err
	}
	if err := r.End(); err != nil {
		return PublicKey{}, err
	}
	n, err := modulus.BigInt(maxModulusBits/8 + 1)
	if err != nil {
		return PublicKey{}, fmt.Errorf("%w: %w", ErrNotAllowed, err)
	}
	exp, err := exponent.BigInt(exponentBitsMax/8 + 1)
	if err != nil {
		return PublicKey{}, fmt.Errorf("%w: exponent: %w", ErrNotAllowed, err)
	}
	return newRSA(n, exp)
}

// crypto/rsa takes exponents of 31 bits; longer ones get a key of our own.
const stdExponentBits = 31

func newRSA(n, exp *big.Int) (PublicKey, error) {
	switch {
	case n.Sign() <= 0 || n.Bit(0) == 0:
		return PublicKey{}, fmt.Errorf("%w: modulus is even or negative", ErrKey)
	case exp.Cmp(big.NewInt(3)) < 0 || exp.Bit(0) == 0:
		return PublicKey{}, fmt.Errorf("%w: exponent %s", ErrKey, exp)
	case exp.BitLen() > exponentBitsMax:
		return PublicKey{}, fmt.Errorf("%w: exponent of %d bits", ErrNotAllowed, exp.BitLen())
	case n.BitLen() < minModulusBits || n.BitLen() > maxModulusBits:
		return PublicKey{}, fmt.Errorf("%w: RSA of %d bits", ErrNotAllowed, n.BitLen())
	case exp.Cmp(n) >= 0:
		return PublicKey{}, fmt.Errorf("%w: the exponent is not below the modulus", ErrKey)
	}
	pub := PublicKey{Family: RSA, Bits: n.BitLen(), Key: &LongRSA{N: n, E: exp}}
	if exp.BitLen() <= stdExponentBits {
		pub.Key, pub.modulus = &rsa.PublicKey{N: n, E: int(exp.Int64())}, &rsaModulus{}
	}
	return pub, nil
}

// parsePSSKey reads an id-RSASSA-PSS key: its parameters, when present, bind every signature made with it (RFC 4055
// 3.3).
func parsePSSKey(params parameters, key []byte) (PublicKey, error) {
	pub, err := parseRSA(parameters{}, key)
	if err != nil {
		return PublicKey{}, err
	}
	pub.Family = RSAPSS
	if !params.present {
		return pub, nil
	}
	pub.pss, err = parsePSSParams(params)
	return pub, err
}

var namedCurves = map[string]elliptic.Curve{
	asn1ber.MustOID("1.3.132.0.33"):        elliptic.P224(),
	asn1ber.MustOID("1.2.840.10045.3.1.7"): elliptic.P256(),
	asn1ber.MustOID("1.3.132.0.34"):        elliptic.P384(),
	asn1ber.MustOID("1.3.132.0.35"):        elliptic.P521(),
}

// parseEC reads an EC point on a named curve (RFC 5480). Explicit parameters are refused: whoever may choose the
// generator can present any public key as his own (CVE-2020-0601).
func parseEC(params parameters, key []byte) (PublicKey, error) {
	if !params.present {
		return PublicKey{}, fmt.Errorf("%w: curve missing", ErrParameters)
	}
	if params.element.Tag != asn1ber.OID {
		return PublicKey{}, fmt.Errorf("%w: curve given by explicit parameters", ErrNotAllowed)
	}
	if c, ok := brainpoolCurves[string(params.element.Content)]; ok {
		return parseBrainpool(c, key)
	}
	curve, ok := namedCurves[string(params.element.Content)]
	if !ok {
		return PublicKey{}, unknown("curve", params.element.Content)
	}
	pub, err := ecdsa.ParseUncompressedPublicKey(curve, key)
	if err != nil {
		return PublicKey{}, fmt.Errorf("%w: %w", ErrKey, err)
	}
	p := curve.Params()
	return PublicKey{Family: ECDSA, Bits: p.BitSize, Curve: p.Name, Key: pub}, nil
}

// parseEd25519 reads RFC 8410 4: parameters absent, 32 octets.
func parseEd25519(params parameters, key []byte) (PublicKey, error) {
	if params.present {
		return PublicKey{}, fmt.Errorf("%w: Ed25519 has none", ErrParameters)
	}
	if len(key) != ed25519.PublicKeySize {
		return PublicKey{}, fmt.Errorf("%w: %d octets", ErrKey, len(key))
	}
	return PublicKey{Family: Ed25519, Bits: 256, Curve: "Ed25519", Key: ed25519.PublicKey(key)}, nil
}

// parseEd448 reads RFC 8410 4: parameters absent, 57 octets.
func parseEd448(params parameters, key []byte) (PublicKey, error) {
	if params.present {
		return PublicKey{}, fmt.Errorf("%w: Ed448 has none", ErrParameters)
	}
	if len(key) != ed448.PublicKeySize {
		return PublicKey{}, fmt.Errorf("%w: %d octets", ErrKey, len(key))
	}
	return PublicKey{Family: Ed448, Bits: 456, Curve: "Ed448", Key: ed448.PublicKey(key)}, nil
}
