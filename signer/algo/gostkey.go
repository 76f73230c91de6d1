package algo

import (
	"bytes"
	"fmt"

	"qaqpa/signer/asn1ber"
	"qaqpa/signer/gost"
)

// Key OIDs of GOST R 34.10 (kz-eds §1; RFC 4491 2.3, RFC 9215 4).
const (
	oidKZ2004    = "1.2.398.3.10.1.1.1.1"
	oidKZ2015256 = "1.2.398.3.10.1.1.2.1"
	oidKZ2015512 = "1.2.398.3.10.1.1.2.2"
	oidKZ6801    = "1.3.6.1.4.1.6801.1.5.8"
	oidRFC2001   = "1.2.643.2.2.19"
	oidRFC2012S  = "1.2.643.7.1.1.1.1"
	oidRFC2012L  = "1.2.643.7.1.1.1.2"
)

// gostKeys are the key forms by OID.
var gostKeys = map[string]keyForm{
	oidKZ2004:    {family: GOST2004, parse: gostReader(GOST2004, false, kzCurves)},
	oidKZ2015256: {family: GOST2012_256, parse: gostReader(GOST2012_256, false, kzCurves)},
	oidKZ2015512: {family: GOST2012_512, parse: gostReader(GOST2012_512, false, kzCurves)},
	oidKZ6801:    {family: GOST2004, parse: parse6801},
	oidRFC2001:   {family: GOST2004, rfc: true, parse: gostReader(GOST2004, true, rfcCurves)},
	oidRFC2012S:  {family: GOST2012_256, rfc: true, parse: gostReader(GOST2012_256, true, rfcCurves)},
	oidRFC2012L:  {family: GOST2012_512, rfc: true, parse: gostReader(GOST2012_512, true, rfcCurves)},
}

// gostCurve is a curve as parameters of a key name it, and the family of keys that may.
type gostCurve struct {
	curve  func() *gost.Curve
	family Family
}

// kzCurves are the national parameter sets, each under the key OID it extends. Only those with known values are here.
var kzCurves = map[string]gostCurve{
	asn1ber.MustOID(oidKZ2004 + ".1"):    {gost.CryptoProA, GOST2004},
	asn1ber.MustOID(oidKZ2015256 + ".1"): {gost.TC26_256A, GOST2012_256},
	asn1ber.MustOID(oidKZ2015512 + ".1"): {gost.TC26_512A, GOST2012_512},
}

// rfcCurves are the parameter sets of RFC 4357 and RFC 7836. Those of RFC 4357 serve 2012-256 keys too (RFC 9215 4.2);
// Unknown stands for either.
var rfcCurves = map[string]gostCurve{
	asn1ber.MustOID("1.2.643.2.2.35.1"):    {gost.CryptoProA, Unknown},
	asn1ber.MustOID("1.2.643.2.2.35.2"):    {gost.CryptoProB, Unknown},
	asn1ber.MustOID("1.2.643.2.2.35.3"):    {gost.CryptoProC, Unknown},
	asn1ber.MustOID("1.2.643.2.2.36.0"):    {gost.CryptoProA, Unknown}, // XchA: the same numbers
	asn1ber.MustOID("1.2.643.2.2.36.1"):    {gost.CryptoProC, Unknown}, // XchB: the same numbers
	asn1ber.MustOID("1.2.643.7.1.2.1.1.1"): {gost.TC26_256A, GOST2012_256},
	asn1ber.MustOID("1.2.643.7.1.2.1.1.2"): {gost.TC26_256B, GOST2012_256},
	asn1ber.MustOID("1.2.643.7.1.2.1.1.3"): {gost.TC26_256C, GOST2012_256},
	asn1ber.MustOID("1.2.643.7.1.2.1.1.4"): {gost.TC26_256D, GOST2012_256},
	asn1ber.MustOID("1.2.643.7.1.2.1.2.1"): {gost.TC26_512A, GOST2012_512},
	asn1ber.MustOID("1.2.643.7.1.2.1.2.2"): {gost.TC26_512B, GOST2012_512},
	asn1ber.MustOID("1.2.643.7.1.2.1.2.3"): {gost.TC26_512C, GOST2012_512},
}

// gostHash is the hash that a family's keys are used with; parameters that name another are refused.
func gostHash(f Family, rfc bool) Hash {
	switch {
	case f == GOST2004 && rfc:
		return GOST94CryptoPro
	case f == GOST2004:
		return GOST94Test
	case f == GOST2012_256:
		return Streebog256
	default:
		return Streebog512
	}
}

// gostReader reads SEQUENCE { curve OID, hash OID OPTIONAL, cipher OID OPTIONAL } and an OCTET STRING of X‖Y inside
// the BIT STRING.
func gostReader(family Family, rfc bool, curves map[string]gostCurve) func(parameters, []byte) (PublicKey, error) {
	return func(params parameters, key []byte) (PublicKey, error) {
		if !params.present || params.element.Tag != asn1ber.Sequence {
			return PublicKey{}, fmt.Errorf("%w: curve missing", ErrParameters)
		}
		r, err := params.element.Children()
		if err != nil {
			return PublicKey{}, err
		}
		oid, err := r.ReadOID()
		if err != nil {
			return PublicKey{}, err
		}
		c, ok := curves[string(oid)]
		if !ok {
			return PublicKey{}, unknown("parameter set", oid)
		}
		if c.family != family && (c.family != Unknown || family == GOST2012_512) {
			return PublicKey{}, fmt.Errorf("%w: curve of another family", ErrParameters)
		}
		if err := checkGOSTHash(&r, gostHash(family, rfc)); err != nil {
			return PublicKey{}, err
		}
		octets, err := asn1ber.ParseDER(key)
		if err != nil {
			return PublicKey{}, err
		}
		if octets.Tag != asn1ber.OctetString {
			return PublicKey{}, fmt.Errorf("%w: %s in BIT STRING", ErrKey, octets.Tag)
		}
		return newGOST(family, c.curve(), octets.Content, rfc)
	}
}

// checkGOSTHash reads the optional hash (and cipher) of key parameters.
func checkGOSTHash(r *asn1ber.Reader, want Hash) error {
	if r.Empty() {
		return nil
	}
	oid, err := r.ReadOID()
	if err != nil {
		return err
	}
	h, ok := hashByRaw[string(oid)]
	if !ok && string(oid) == rawSBox(want) {
		h = want
	}
	if h != want {
		return fmt.Errorf("%w: hash of the parameters is not %s", ErrParameters, want)
	}
	if r.Empty() {
		return nil
	}
	if _, err := r.ReadOID(); err != nil { // encryptionParamSet, of no meaning for signatures
		return err
	}
	return r.End()
}

func rawSBox(h Hash) string {
	if hashes[h].sbox == "" {
		return ""
	}
	return asn1ber.MustOID(hashes[h].sbox)
}

func newGOST(family Family, c *gost.Curve, xy []byte, rfc bool) (PublicKey, error) {
	key, err := gost.NewPublicKey(c, xy)
	if err != nil {
		return PublicKey{}, fmt.Errorf("%w: %w", ErrKey, err)
	}
	return PublicKey{Family: family, Bits: c.Bits(), Curve: c.Name(), Key: key, rfc: rfc}, nil
}

// blob6801 precedes X‖Y in the third national form: a CryptoAPI PUBLICKEYBLOB header, algorithm AA3A, magic "EC1" behind a
// zero octet, 512 bits of key material. So it stands in the two information-system certificates of 2023 that have this form.
var blob6801 = []byte{6, 2, 0, 0, 0x3a, 0xaa, 0, 0, 0, 'E', 'C', '1', 0, 2, 0, 0}

func parse6801(params parameters, key []byte) (PublicKey, error) {
	if !params.absentOrNull() {
		return PublicKey{}, fmt.Errorf("%w: NULL is due", ErrParameters)
	}
	xy, ok := bytes.CutPrefix(key, blob6801)
	if !ok {
		return PublicKey{}, fmt.Errorf("%w: key blob header", ErrKey)
	}
	return newGOST(GOST2004, gost.CryptoProA(), xy, false)
}
