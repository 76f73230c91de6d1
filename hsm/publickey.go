package hsm

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"math/big"

	"github.com/miekg/pkcs11"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// CKA_EC_PARAMS as modules write them: the curve's OID (RFC 5480 §2.1.1.1, RFC 8410 §3), or its name as a
// PrintableString (PKCS#11 3.0 §2.3.3).
var (
	paramsP256        = []byte{0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07}
	paramsP384        = []byte{0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22}
	paramsP521        = []byte{0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23}
	paramsEd25519     = []byte{0x06, 0x03, 0x2b, 0x65, 0x70}
	paramsEd25519Name = append([]byte{0x13, 12}, "edwards25519"...)
)

// publicKey reads the public half of the private key with the given type and CKA_ID. RSA keeps it in the private
// object; the others have an object of their own with the same CKA_ID.
func (s session) publicKey(private pkcs11.ObjectHandle, keyType uint, id []byte) (crypto.PublicKey, error) {
	if keyType == pkcs11.CKK_RSA {
		values, err := s.values(private, pkcs11.CKA_MODULUS, pkcs11.CKA_PUBLIC_EXPONENT)
		if err != nil {
			return nil, err
		}
		return parseRSA(values[pkcs11.CKA_MODULUS], values[pkcs11.CKA_PUBLIC_EXPONENT])
	}
	isGOST := keyType == ckkGOST256 || keyType == ckkGOST512
	if keyType != pkcs11.CKK_EC && keyType != ckkECEdwards && !isGOST {
		return nil, fmt.Errorf("%w: key type %#x", ErrAlgorithm, keyType)
	}
	found, err := s.search(pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_PUBLIC_KEY),
		pkcs11.NewAttribute(pkcs11.CKA_KEY_TYPE, keyType), pkcs11.NewAttribute(pkcs11.CKA_ID, id))
	if err != nil {
		return nil, err
	}
	if len(found) != 1 {
		return nil, fmt.Errorf("%w: %d public keys have its CKA_ID", ErrKeyAttributes, len(found))
	}
	if isGOST {
		values, err := s.values(found[0], ckaGOST3410Params, pkcs11.CKA_VALUE)
		if err != nil {
			return nil, err
		}
		return parseGOSTPoint(keyType, values[ckaGOST3410Params], values[pkcs11.CKA_VALUE])
	}
	values, err := s.values(found[0], pkcs11.CKA_EC_PARAMS, pkcs11.CKA_EC_POINT)
	if err != nil {
		return nil, err
	}
	return parseEC(keyType, values[pkcs11.CKA_EC_PARAMS], values[pkcs11.CKA_EC_POINT])
}

// parseRSA makes a public key from big-endian modulus and exponent.
func parseRSA(modulus, exponent []byte) (crypto.PublicKey, error) {
	n, e := new(big.Int).SetBytes(modulus), new(big.Int).SetBytes(exponent)
	if n.BitLen() < rsaBitsMin || n.BitLen() > rsaBitsMax || n.Bit(0) == 0 {
		return nil, fmt.Errorf("%w: RSA modulus of %d bits", ErrAlgorithm, n.BitLen())
	}
	if e.BitLen() > 31 || e.Cmp(big.NewInt(3)) < 0 || e.Bit(0) == 0 {
		return nil, fmt.Errorf("%w: RSA exponent %s", ErrAlgorithm, e)
	}
	return &rsa.PublicKey{N: n, E: int(e.Int64())}, nil
}

// parseEC makes a public key from CKA_EC_PARAMS and CKA_EC_POINT.
func parseEC(keyType uint, params, point []byte) (crypto.PublicKey, error) {
	if keyType == ckkECEdwards {
		point = barePoint(point, ed25519.PublicKeySize)
		if !bytes.Equal(params, paramsEd25519) && !bytes.Equal(params, paramsEd25519Name) || len(point) != ed25519.PublicKeySize {
			return nil, fmt.Errorf("%w: Edwards key with parameters %x and %d bytes", ErrAlgorithm, params, len(point))
		}
		return ed25519.PublicKey(bytes.Clone(point)), nil
	}
	var curve elliptic.Curve
	switch {
	case bytes.Equal(params, paramsP256):
		curve = elliptic.P256()
	case bytes.Equal(params, paramsP384):
		curve = elliptic.P384()
	case bytes.Equal(params, paramsP521):
		curve = elliptic.P521()
	default:
		return nil, fmt.Errorf("%w: curve %x", ErrAlgorithm, params)
	}
	pub, err := ecdsa.ParseUncompressedPublicKey(curve, barePoint(point, 1+2*((curve.Params().BitSize+7)/8)))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAlgorithm, err)
	}
	return pub, nil
}

// barePoint takes a point out of its OCTET STRING (PKCS#11 2.40 §2.3.3). Some modules give it bare; only the length
// tells the two apart, since a bare point starts with 04 too.
func barePoint(point []byte, size int) []byte {
	input, inner := cryptobyte.String(point), cryptobyte.String(nil)
	if len(point) != size && input.ReadASN1(&inner, asn1.OCTET_STRING) && input.Empty() {
		return inner
	}
	return point
}

// marshalPublic writes a public key that session.publicKey returned as SubjectPublicKeyInfo.
func marshalPublic(pub crypto.PublicKey) ([]byte, error) {
	if p, ok := pub.(gostPoint); ok {
		return p.spki()
	}
	return x509.MarshalPKIXPublicKey(pub)
}
