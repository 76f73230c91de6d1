package p12

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"slices"

	"qaqpa/signer/algo"
	"qaqpa/signer/asn1ber"
	"qaqpa/signer/gost"
)

// maxPKCS8 bounds a private key: RSA of 4,096 bits takes 2.4 kB.
const maxPKCS8 = 5 << 10

// maxRSABits bounds RSA keys: to check one of 8,192 bits takes half a second, and the file may hold many.
const maxRSABits = 4096

var pkcs8Limits = asn1ber.Limits{Bytes: maxPKCS8, Depth: 16, Elements: 256}

// parsePKCS8 reads PrivateKeyInfo (RFC 5208 5, RFC 5958 2).
func parsePKCS8(b []byte) (crypto.Signer, error) {
	e, err := asn1ber.Parse(b, asn1ber.BER, pkcs8Limits)
	if err != nil {
		return nil, fmt.Errorf("private key: %w", err)
	}
	r, err := e.Children()
	if err != nil {
		return nil, fmt.Errorf("private key: %w", err)
	}
	if _, err := r.Read(asn1ber.Integer); err != nil {
		return nil, fmt.Errorf("private key: %w", err)
	}
	id, err := r.Read(asn1ber.Sequence)
	if err != nil {
		return nil, fmt.Errorf("private key: %w", err)
	}
	octets, err := readOctets(&r)
	if err != nil {
		return nil, fmt.Errorf("private key: %w", err)
	}
	oid, params, err := readIdentifier(id)
	if err != nil {
		return nil, fmt.Errorf("private key: %w", err)
	}
	if set, ok := gostSets[string(oid)]; ok {
		return parseGOST(set, params, id, octets)
	}
	if string(oid) == standardKeys[0] {
		if err := checkModulus(id.Inside(octets, asn1ber.BER)); err != nil {
			return nil, fmt.Errorf("private key: %w", err)
		}
	}
	return parseStandard(oid, e.Raw)
}

// checkModulus looks at the size of an RSAPrivateKey (RFC 8017 A.1.2) before anything is computed with it.
func checkModulus(r asn1ber.Reader) error {
	fields, err := r.Enter(asn1ber.Sequence)
	if err != nil {
		return err
	}
	if _, err := fields.Read(asn1ber.Integer); err != nil {
		return err
	}
	modulus, err := fields.Read(asn1ber.Integer)
	if err != nil {
		return err
	}
	_, err = modulus.BigInt(maxRSABits/8 + 1)
	return err
}

// standardKeys are the key OIDs that crypto/x509 reads and that sign: RSA, EC, Ed25519.
var standardKeys = []string{
	asn1ber.MustOID("1.2.840.113549.1.1.1"), asn1ber.MustOID("1.2.840.10045.2.1"), asn1ber.MustOID("1.3.101.112"),
}

func parseStandard(oid, pkcs8 []byte) (crypto.Signer, error) {
	if !slices.Contains(standardKeys, string(oid)) {
		return nil, fmt.Errorf("%w: private key %s", ErrUnsupported, dotted(oid))
	}
	key, err := x509.ParsePKCS8PrivateKey(pkcs8)
	if err != nil {
		// The inner error may quote numbers of the key.
		return nil, fmt.Errorf("%w: private key cannot be read", ErrDamaged)
	}
	switch k := key.(type) {
	case *rsa.PrivateKey:
		return k, nil
	case *ecdsa.PrivateKey:
		return k, nil
	case ed25519.PrivateKey:
		return k, nil
	}
	return nil, fmt.Errorf("%w: private key of type %T", ErrUnsupported, key)
}

// gostSet is how keys under one OID name their curve and are written.
type gostSet struct {
	curves map[string]func() *gost.Curve // by the OID of the parameters
	fixed  func() *gost.Curve            // where there are none
	bare   bool                          // the scalar may stand without ASN.1 around it, little-endian (RFC 9548 4)
	write  func(k *gost.PrivateKey) []byte
}

// gostSets are the key OIDs (kz-eds §1, §3; RFC 9548). The certificate beside a key holds against a wrong table.
var gostSets = map[string]gostSet{
	asn1ber.MustOID("1.2.398.3.10.1.1.1.1"):   {curves: nationalCurves, write: writeInteger},
	asn1ber.MustOID("1.2.398.3.10.1.1.2.1"):   {curves: nationalCurves, write: writeOctets},
	asn1ber.MustOID("1.2.398.3.10.1.1.2.2"):   {curves: nationalCurves, write: writeOctets},
	asn1ber.MustOID("1.3.6.1.4.1.6801.1.5.8"): {fixed: gost.CryptoProA, write: writeSequence},
	asn1ber.MustOID("1.2.643.2.2.19"):         {curves: rfcCurves, bare: true, write: littleEndian},
	asn1ber.MustOID("1.2.643.7.1.1.1.1"):      {curves: rfcCurves, bare: true, write: littleEndian},
	asn1ber.MustOID("1.2.643.7.1.1.1.2"):      {curves: rfcCurves, bare: true, write: littleEndian},
}

var nationalCurves = map[string]func() *gost.Curve{
	asn1ber.MustOID("1.2.398.3.10.1.1.1.1.1"): gost.CryptoProA,
	asn1ber.MustOID("1.2.398.3.10.1.1.2.1.1"): gost.TC26_256A,
	asn1ber.MustOID("1.2.398.3.10.1.1.2.2.1"): gost.TC26_512A,
}

var rfcCurves = map[string]func() *gost.Curve{
	asn1ber.MustOID("1.2.643.2.2.35.1"):    gost.CryptoProA,
	asn1ber.MustOID("1.2.643.2.2.35.2"):    gost.CryptoProB,
	asn1ber.MustOID("1.2.643.2.2.35.3"):    gost.CryptoProC,
	asn1ber.MustOID("1.2.643.2.2.36.0"):    gost.CryptoProA,
	asn1ber.MustOID("1.2.643.2.2.36.1"):    gost.CryptoProC,
	asn1ber.MustOID("1.2.643.7.1.2.1.1.1"): gost.TC26_256A,
	asn1ber.MustOID("1.2.643.7.1.2.1.1.2"): gost.TC26_256B,
	asn1ber.MustOID("1.2.643.7.1.2.1.1.3"): gost.TC26_256C,
	asn1ber.MustOID("1.2.643.7.1.2.1.1.4"): gost.TC26_256D,
	asn1ber.MustOID("1.2.643.7.1.2.1.2.1"): gost.TC26_512A,
	asn1ber.MustOID("1.2.643.7.1.2.1.2.2"): gost.TC26_512B,
	asn1ber.MustOID("1.2.643.7.1.2.1.2.3"): gost.TC26_512C,
}

// curve finds the curve that parameters name.
func (s gostSet) curve(params *asn1ber.Element) (*gost.Curve, error) {
	if s.fixed != nil {
		if params != nil && params.Tag != asn1ber.Null {
			return nil, fmt.Errorf("%w: parameters of a GOST key", ErrDamaged)
		}
		return s.fixed(), nil
	}
	if params == nil || params.Tag != asn1ber.Sequence {
		return nil, fmt.Errorf("%w: GOST key without parameters", ErrDamaged)
	}
	r, err := params.Children()
	if err != nil {
		return nil, err
	}
	oid, err := r.ReadOID()
	if err != nil {
		return nil, err
	}
	curve, ok := s.curves[string(oid)]
	if !ok {
		return nil, fmt.Errorf("%w: curve %s", ErrUnsupported, dotted(oid))
	}
	return curve(), nil
}

// parseGOST reads the ways in which a scalar is written: INTEGER (big-endian), OCTET STRING (little-endian), SEQUENCE { 1,
// OCTET STRING (big-endian) }, and bare.
func parseGOST(set gostSet, params *asn1ber.Element, within asn1ber.Element, octets []byte) (crypto.Signer, error) {
	curve, err := set.curve(params)
	if err != nil {
		return nil, err
	}
	size := curve.Bits() / 8
	var scalar []byte
	if set.bare && len(octets) == size {
		scalar = bytes.Clone(octets)
		slices.Reverse(scalar)
	} else {
		r := within.Inside(octets, asn1ber.BER)
		e, err := r.Next()
		if err != nil || !r.Empty() {
			return nil, errScalar
		}
		if scalar, err = readScalar(e, size); err != nil {
			return nil, err
		}
	}
	key, err := gost.NewPrivateKey(curve, scalar)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return key, nil
}

var errScalar = fmt.Errorf("%w: not a GOST private key in a known form", ErrDamaged)

// readScalar gives a scalar big-endian.
func readScalar(e asn1ber.Element, size int) ([]byte, error) {
	switch e.Tag {
	case asn1ber.Integer:
		c, err := e.Integer()
		if err != nil || c[0] >= 0x80 || len(c) > size+1 {
			return nil, errScalar
		}
		return c, nil
	case asn1ber.OctetString:
		octets, err := e.OctetString()
		if err != nil || len(octets) != size {
			return nil, errScalar
		}
		be := bytes.Clone(octets)
		slices.Reverse(be)
		return be, nil
	case asn1ber.Sequence:
		r, err := e.Children()
		if err != nil {
			return nil, errScalar
		}
		version, err := r.Read(asn1ber.Integer)
		if err != nil || !bytes.Equal(version.Content, []byte{1}) {
			return nil, errScalar
		}
		octets, err := readOctets(&r)
		if err != nil || len(octets) != size || !r.Empty() {
			return nil, errScalar
		}
		return octets, nil
	}
	return nil, errScalar
}

func writeInteger(k *gost.PrivateKey) []byte { return asn1ber.EncodedUint(k.Bytes()) }

func littleEndian(k *gost.PrivateKey) []byte {
	le := k.Bytes()
	slices.Reverse(le)
	return le
}

func writeOctets(k *gost.PrivateKey) []byte {
	return asn1ber.Primitive(asn1ber.OctetString, littleEndian(k))
}

func writeSequence(k *gost.PrivateKey) []byte {
	return asn1ber.Wrap(asn1ber.Sequence, asn1ber.EncodedInt(1), asn1ber.Primitive(asn1ber.OctetString, k.Bytes()))
}

// marshalPKCS8 writes a private key. A GOST key is written under the AlgorithmIdentifier of its certificate, which
// decides the encoding of the scalar.
func marshalPKCS8(key crypto.Signer, pub algo.PublicKey) ([]byte, error) {
	k, ok := key.(*gost.PrivateKey)
	if !ok {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			return nil, fmt.Errorf("%w: private key of type %T", ErrUnsupported, key)
		}
		return der, nil
	}
	spki, err := asn1ber.ParseDER(pub.SPKI)
	if err != nil {
		return nil, err
	}
	r, err := spki.Children()
	if err != nil {
		return nil, err
	}
	id, err := r.Read(asn1ber.Sequence)
	if err != nil {
		return nil, err
	}
	oid, _, err := readIdentifier(id)
	if err != nil {
		return nil, err
	}
	set, ok := gostSets[string(oid)]
	if !ok {
		return nil, fmt.Errorf("%w: private key %s", ErrUnsupported, dotted(oid))
	}
	return asn1ber.Wrap(asn1ber.Sequence,
		asn1ber.EncodedInt(0), id.Raw, asn1ber.Primitive(asn1ber.OctetString, set.write(k))), nil
}
