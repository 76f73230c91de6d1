package xmldsig

import (
	"fmt"
	"strings"

	"qaqpa/signer/algo"
	"qaqpa/signer/asn1ber"
	"qaqpa/signer/xmltree"
)

const (
	oidRSA = "1.2.840.113549.1.1.1"
	oidEC  = "1.2.840.10045.2.1"
)

// readKeyValue reads RSAKeyValue, ECKeyValue and ECDSAKeyValue of RFC 4050 as the SubjectPublicKeyInfo that they stand
// for, so that algo's checks apply to them.
func readKeyValue(n xmltree.Node) (algo.PublicKey, error) {
	switch {
	case n.Is(Space, "RSAKeyValue"):
		return readRSA(n)
	case n.Is(Space11, "ECKeyValue"):
		return readEC(n)
	case n.Is(SpaceMore, "ECDSAKeyValue"):
		return readRFC4050(n)
	case n.Is(Space, "DSAKeyValue"):
		return algo.PublicKey{}, fmt.Errorf("%w: DSA", algo.ErrNotAllowed)
	}
	return algo.PublicKey{}, fmt.Errorf("%w: key value %s", algo.ErrUnknownAlgorithm, n.Name())
}

func readEncodedKey(n xmltree.Node) (algo.PublicKey, error) {
	der, err := Base64Of(n)
	if err != nil {
		return algo.PublicKey{}, err
	}
	return algo.ParsePublicKey(der)
}

// maxKeyOctets bounds one number of a key value.
const maxKeyOctets = 4 << 10

func readNumber(parent xmltree.Node, space, local string) ([]byte, error) {
	b, err := Base64Of(parent.Child(space, local))
	if err == nil && len(b) > maxKeyOctets {
		err = fmt.Errorf("%w: %s of %d octets", ErrMalformed, local, len(b))
	}
	return b, err
}

func readRSA(n xmltree.Node) (algo.PublicKey, error) {
	modulus, err := readNumber(n, Space, "Modulus")
	if err != nil {
		return algo.PublicKey{}, err
	}
	exponent, err := readNumber(n, Space, "Exponent")
	if err != nil {
		return algo.PublicKey{}, err
	}
	key := asn1ber.Wrap(asn1ber.Sequence, asn1ber.EncodedUint(modulus), asn1ber.EncodedUint(exponent))
	return parseSPKI(oidRSA, asn1ber.Primitive(asn1ber.Null, nil), key)
}

// readEC takes named curves only; explicit ones are how CVE-2020-0601 went.
func readEC(n xmltree.Node) (algo.PublicKey, error) {
	named := n.Child(Space11, "NamedCurve")
	if named.IsZero() {
		return algo.PublicKey{}, fmt.Errorf("%w: curve given by explicit parameters", algo.ErrNotAllowed)
	}
	uri, _ := named.AttributeValue("URI")
	point, err := readNumber(n, Space11, "PublicKey")
	if err != nil {
		return algo.PublicKey{}, err
	}
	return parseEC(uri, point)
}

func readRFC4050(n xmltree.Node) (algo.PublicKey, error) {
	named := n.Child(SpaceMore, "DomainParameters")
	if !named.IsZero() {
		named = named.Child(SpaceMore, "NamedCurve")
	}
	public := n.Child(SpaceMore, "PublicKey")
	if named.IsZero() || public.IsZero() {
		return algo.PublicKey{}, fmt.Errorf("%w: curve given by explicit parameters", algo.ErrNotAllowed)
	}
	urn, _ := named.AttributeValue("URN")
	size := map[string]int{"urn:oid:1.2.840.10045.3.1.7": 32, "urn:oid:1.3.132.0.34": 48, "urn:oid:1.3.132.0.35": 66}[urn]
	point := []byte{4}
	for _, name := range []string{"X", "Y"} {
		coordinate := public.Child(SpaceMore, name)
		if coordinate.IsZero() {
			return algo.PublicKey{}, fmt.Errorf("%w: no %s", ErrMalformed, name)
		}
		digits, _ := coordinate.AttributeValue("Value")
		v, err := decimal(digits) // at most 521 bits are 157 digits
		if err != nil {
			return algo.PublicKey{}, err
		}
		if v.Sign() < 0 || len(v.Bytes()) > size {
			return algo.PublicKey{}, fmt.Errorf("%w: coordinate out of range", algo.ErrKey)
		}
		point = append(point, v.FillBytes(make([]byte, size))...)
	}
	return parseEC(urn, point)
}

func parseEC(urn string, point []byte) (algo.PublicKey, error) {
	oid, ok := strings.CutPrefix(urn, "urn:oid:")
	if !ok {
		return algo.PublicKey{}, fmt.Errorf("%w: curve %.50q", algo.ErrUnknownAlgorithm, urn)
	}
	curve, err := asn1ber.EncodedOID(oid)
	if err != nil {
		return algo.PublicKey{}, err
	}
	return parseSPKI(oidEC, curve, point)
}

func parseSPKI(oid string, parameters, key []byte) (algo.PublicKey, error) {
	encoded, err := asn1ber.EncodedOID(oid)
	if err != nil {
		return algo.PublicKey{}, err
	}
	return algo.ParsePublicKey(asn1ber.Wrap(asn1ber.Sequence,
		asn1ber.Wrap(asn1ber.Sequence, encoded, parameters),
		asn1ber.Primitive(asn1ber.BitString, append([]byte{0}, key...))))
}
