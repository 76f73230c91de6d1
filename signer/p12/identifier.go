package p12

import (
	"encoding/hex"
	"fmt"

	"qaqpa/signer/algo"
	"qaqpa/signer/asn1ber"
)

// readIdentifier reads an AlgorithmIdentifier; params is nil where they are absent.
func readIdentifier(e asn1ber.Element) (oid []byte, params *asn1ber.Element, err error) {
	r, err := e.Children()
	if err != nil {
		return nil, nil, err
	}
	if oid, err = r.ReadOID(); err != nil {
		return nil, nil, err
	}
	if !r.Empty() {
		p, err := r.Next()
		if err != nil {
			return nil, nil, err
		}
		params = &p
	}
	return oid, params, r.End()
}

// readPair reads parameters that are SEQUENCE { AlgorithmIdentifier, AlgorithmIdentifier }: PBES2 and PBMAC1.
func readPair(params *asn1ber.Element) (first, second asn1ber.Element, err error) {
	if params == nil || params.Tag != asn1ber.Sequence {
		return first, second, fmt.Errorf("%w: parameters missing", ErrDamaged)
	}
	r, err := params.Children()
	if err != nil {
		return first, second, err
	}
	if first, err = r.Read(asn1ber.Sequence); err != nil {
		return first, second, err
	}
	if second, err = r.Read(asn1ber.Sequence); err != nil {
		return first, second, err
	}
	return first, second, r.End()
}

// readOctets reads an OCTET STRING, chunked or not.
func readOctets(r *asn1ber.Reader) ([]byte, error) {
	e, err := r.Read(asn1ber.OctetString)
	if err != nil {
		return nil, err
	}
	return e.OctetString()
}

var oidPBKDF2 = []byte(asn1ber.MustOID("1.2.840.113549.1.5.12"))

// readPBKDF2 reads the AlgorithmIdentifier of PBKDF2 with its parameters (RFC 8018 A.2); keyed tells whether it names
// the length of the key.
func readPBKDF2(id asn1ber.Element) (s stretch, keyOctets int, keyed bool, err error) {
	oid, params, err := readIdentifier(id)
	if err != nil {
		return s, 0, false, err
	}
	if string(oid) != string(oidPBKDF2) {
		return s, 0, false, fmt.Errorf("%w: key derivation %s", ErrUnsupported, dotted(oid))
	}
	if params == nil || params.Tag != asn1ber.Sequence {
		return s, 0, false, fmt.Errorf("%w: PBKDF2 without parameters", ErrDamaged)
	}
	r, err := params.Children()
	if err != nil {
		return s, 0, false, err
	}
	if s.salt, err = readOctets(&r); err != nil {
		return s, 0, false, err
	}
	if err := checkSalt(s.salt); err != nil {
		return s, 0, false, err
	}
	count, err := r.Read(asn1ber.Integer)
	if err != nil {
		return s, 0, false, err
	}
	if s.iterations, err = readIterations(count); err != nil {
		return s, 0, false, err
	}
	if keyOctets, keyed, err = readKeyLength(&r); err != nil {
		return s, 0, false, err
	}
	s.hash = algo.SHA1
	if !r.Empty() {
		prf, err := r.Read(asn1ber.Sequence)
		if err != nil {
			return s, 0, false, err
		}
		if s.hash, err = readHMAC(prf); err != nil {
			return s, 0, false, err
		}
	}
	return s, keyOctets, keyed, r.End()
}

// maxKeyOctets bounds the keys that are derived; an HMAC-SHA-512 key of a whole block has 128.
const maxKeyOctets = 128

func readKeyLength(r *asn1ber.Reader) (octets int, present bool, err error) {
	e, present, err := r.Optional(asn1ber.Integer)
	if err != nil || !present {
		return 0, false, err
	}
	n, err := e.Int64()
	if err != nil {
		return 0, false, err
	}
	if n < 1 || n > maxKeyOctets {
		return 0, false, fmt.Errorf("%w: key of %d octets", asn1ber.ErrLimit, n)
	}
	return int(n), true, nil
}

// hmacHashes are the hashes of HMAC algorithms by OID (RFC 8018 B.1.2, RFC 9337 for Streebog).
var hmacHashes = map[string]algo.Hash{
	asn1ber.MustOID("1.2.840.113549.2.7"):  algo.SHA1,
	asn1ber.MustOID("1.2.840.113549.2.8"):  algo.SHA224,
	asn1ber.MustOID("1.2.840.113549.2.9"):  algo.SHA256,
	asn1ber.MustOID("1.2.840.113549.2.10"): algo.SHA384,
	asn1ber.MustOID("1.2.840.113549.2.11"): algo.SHA512,
	asn1ber.MustOID("1.2.840.113549.2.13"): algo.SHA512_256,
	asn1ber.MustOID("1.2.643.2.2.10"):      algo.GOST94CryptoPro,
	asn1ber.MustOID("1.2.643.7.1.1.4.1"):   algo.Streebog256,
	asn1ber.MustOID("1.2.643.7.1.1.4.2"):   algo.Streebog512,
}

func readHMAC(id asn1ber.Element) (algo.Hash, error) {
	oid, params, err := readIdentifier(id)
	if err != nil {
		return 0, err
	}
	h, ok := hmacHashes[string(oid)]
	if !ok {
		return 0, fmt.Errorf("%w: HMAC %s", ErrUnsupported, dotted(oid))
	}
	if params != nil && (params.Tag != asn1ber.Null || len(params.Content) != 0) {
		return 0, fmt.Errorf("%w: HMAC with parameters", ErrDamaged)
	}
	return h, nil
}

// dotted writes an OID for an error.
func dotted(oid []byte) string {
	s, err := asn1ber.DottedOID(oid)
	if err != nil {
		return "encoded as " + hex.EncodeToString(oid)
	}
	return s
}
