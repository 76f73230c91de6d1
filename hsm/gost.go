package hsm

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"
	"slices"

	"github.com/miekg/pkcs11"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// GOST R 34.10 in tokens: PKCS#11 2.40 (Current Mechanisms 2.24 to 2.26) for keys of 256 bits, and for 512 bits the numbers that the committee TC 26
// gave out, which all known vendors use.
const (
	ckkGOST256           = 0x30
	ckkGOST512           = 0xd4321003
	ckmGOST256KeyPairGen = 0x1200
	ckmGOST256           = 0x1201
	ckmGOST512KeyPairGen = 0xd4321005
	ckmGOST512           = 0xd4321006
	ckaGOST3410Params    = 0x250
	ckaGOST3411Params    = 0x251
)

// Kinds of keys of GOST R 34.10 that Generate makes: on paramSetA of TC 26, 256 and 512 bits, as national certificates have them, and on the older
// CryptoPro-A. Keys on other curves are used where they are found.
const (
	GOST256          Algorithm = "gost-256"
	GOST256CryptoPro Algorithm = "gost-256-cryptopro"
	GOST512          Algorithm = "gost-512"
)

// gostSet is what a token is told of a curve, and what a public key on it is called (RFC 9215 4).
type gostSet struct {
	curve, hash []int
	bits        int
}

var (
	oidStreebog256 = []int{1, 2, 643, 7, 1, 1, 2, 2}
	oidStreebog512 = []int{1, 2, 643, 7, 1, 1, 2, 3}
	oidGOST256     = []int{1, 2, 643, 7, 1, 1, 1, 1}
	oidGOST512     = []int{1, 2, 643, 7, 1, 1, 1, 2}
)

var gostSets = map[Algorithm]gostSet{
	GOST256:          {[]int{1, 2, 643, 7, 1, 2, 1, 1, 1}, oidStreebog256, 256},
	GOST256CryptoPro: {[]int{1, 2, 643, 2, 2, 35, 1}, oidStreebog256, 256},
	GOST512:          {[]int{1, 2, 643, 7, 1, 2, 1, 2, 1}, oidStreebog512, 512},
}

// GOSTKey is a public key of GOST R 34.10 by whoever knows the arithmetic; this package has none.
type GOSTKey interface {
	// Bytes is X‖Y, each little-endian.
	Bytes() []byte
	Equal(other crypto.PublicKey) bool
	// VerifyRFC holds a signature of the form of RFC 9215 (s‖r, each big-endian) against a digest, the hash's octets as hashed.
	VerifyRFC(digest, signature []byte) bool
}

// ParseGOST reads a SubjectPublicKeyInfo of RFC 9215 and checks that the point is one.
type ParseGOST func(spki []byte) (GOSTKey, error)

// gostPoint is a public key as it was read from a token, before anybody has checked it. Worker processes need no more: they compare keys, and
// the gateway verifies.
type gostPoint struct {
	params []byte // DER of the curve's OID
	xy     []byte
}

// Bytes is X‖Y, each little-endian.
func (p gostPoint) Bytes() []byte { return p.xy }

// Equal compares with another point, or with a key that was made from one.
func (p gostPoint) Equal(other crypto.PublicKey) bool {
	if o, ok := other.(gostPoint); ok {
		return bytes.Equal(p.xy, o.xy) && bytes.Equal(p.params, o.params)
	}
	o, ok := other.(GOSTKey)
	return ok && bytes.Equal(p.xy, o.Bytes())
}

// algorithm names the kind of key, by the curve; other curves are told by their length alone.
func (p gostPoint) algorithm() Algorithm {
	for a, s := range gostSets {
		if der, err := oidDER(s.curve); err == nil && bytes.Equal(der, p.params) {
			return a
		}
	}
	return Algorithm(fmt.Sprintf("gost-%d-other", 4*len(p.xy)))
}

// spki writes the key as RFC 9215 has it.
func (p gostPoint) spki() ([]byte, error) {
	key, hash := oidGOST256, oidStreebog256
	if len(p.xy) == 128 {
		key, hash = oidGOST512, oidStreebog512
	}
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(key)
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddBytes(p.params)
				b.AddASN1ObjectIdentifier(hash)
			})
		})
		b.AddASN1(asn1.BIT_STRING, func(b *cryptobyte.Builder) {
			b.AddUint8(0)
			b.AddASN1OctetString(p.xy)
		})
	})
	return b.Bytes()
}

func oidDER(oid []int) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1ObjectIdentifier(oid)
	return b.Bytes()
}

// gostParamsMax bounds the OID of a curve, in bytes; those that are known have 9 or 11.
const gostParamsMax = 32

// parseGOSTPoint reads CKA_GOSTR3410_PARAMS and CKA_VALUE of a public key. Most modules give the value bare, some inside an OCTET STRING.
func parseGOSTPoint(keyType uint, params, value []byte) (crypto.PublicKey, error) {
	size := 64
	if keyType == ckkGOST512 {
		size = 128
	}
	value = barePoint(value, size)
	oid := cryptobyte.String(params)
	if len(value) != size || len(params) > gostParamsMax || !oid.SkipASN1(asn1.OBJECT_IDENTIFIER) || !oid.Empty() {
		return nil, fmt.Errorf("%w: GOST key with parameters %x and %d bytes", ErrAlgorithm, params, len(value))
	}
	return gostPoint{params: bytes.Clone(params), xy: bytes.Clone(value)}, nil
}

// errNoGOST: Config.GOST was not given, so nobody could verify what a token signs.
var errNoGOST = errors.New("no verification of GOST signatures was given")

// checked turns a point into a key that verifies; other keys stay what they are.
func (parse ParseGOST) checked(pub crypto.PublicKey) (crypto.PublicKey, error) {
	p, ok := pub.(gostPoint)
	if !ok || parse == nil {
		return pub, nil // a point that nobody checked is refused when it is to sign
	}
	spki, err := p.spki()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAlgorithm, err)
	}
	key, err := parse(spki)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAlgorithm, err)
	}
	return key, nil
}

// gost makes the request for a digest of Streebog, or of GOST R 34.11-94 with an older key.
func (r *request) gost(pub GOSTKey, digest []byte) (*request, error) {
	size := len(pub.Bytes()) / 2
	if len(digest) != size {
		return nil, fmt.Errorf("%w: digest of %d bytes for a GOST key of %d bits", ErrAlgorithm, len(digest), 8*size)
	}
	r.mechanism = mechanism{id: ckmGOST256, name: "GOSTR3410"}
	if size == 64 {
		r.mechanism = mechanism{id: ckmGOST512, name: "GOSTR3410_512"}
	}
	r.digest = bytes.Clone(digest)
	r.data, r.size = r.digest, 2*size
	return r, nil
}

// errTurned: the token signed the digest read from its other end. It wants the octets turned round.
var errTurned = errors.New("token reads digests from the other end")

// turn turns the digest round for a token that reads it so.
func (r *request) turn() {
	r.data = slices.Clone(r.digest)
	slices.Reverse(r.data)
}

// gostLayouts turn what tokens return into the form of RFC 9215, s‖r big-endian: SoftHSM gives that, others r‖s, or the octets of either from
// their other end. Which one a token has is found by verifying; a wrong guess is no signature.
var gostLayouts = []func(raw []byte) []byte{
	func(raw []byte) []byte { return raw },
	swappedHalves,
	func(raw []byte) []byte { return reversedBytes(raw) },                // r‖s little-endian, the national form
	func(raw []byte) []byte { return swappedHalves(reversedBytes(raw)) }, // s‖r little-endian
}

func swappedHalves(b []byte) []byte {
	half := len(b) / 2
	return append(bytes.Clone(b[half:]), b[:half]...)
}

func reversedBytes(b []byte) []byte {
	out := bytes.Clone(b)
	slices.Reverse(out)
	return out
}

// gost verifies a signature in whichever layout it is, and returns it in the national one: r‖s, each little-endian.
func (j *judge) gost(pub GOSTKey, r *request, raw []byte) ([]byte, error) {
	first := int(j.layout.Load())
	for i := range gostLayouts {
		at := (first + i) % len(gostLayouts)
		if rfc := gostLayouts[at](raw); pub.VerifyRFC(r.digest, rfc) {
			j.layout.Store(int32(at)) //nolint:gosec // one of four
			return reversedBytes(rfc), nil
		}
	}
	if !bytes.Equal(r.data, r.digest) {
		return nil, ErrWrongSignature // it was turned already
	}
	turned := reversedBytes(r.digest)
	for _, layout := range gostLayouts {
		if pub.VerifyRFC(turned, layout(raw)) {
			j.turned.Store(true)
			return nil, errTurned
		}
	}
	return nil, ErrWrongSignature
}

// attributes are what both halves of a new pair are told: some modules look for the parameters in the one, some in the other.
func (s gostSet) attributes() ([]*pkcs11.Attribute, error) {
	keyType := uint(ckkGOST256)
	if s.bits == 512 {
		keyType = ckkGOST512
	}
	curve, err := oidDER(s.curve)
	if err != nil {
		return nil, err
	}
	hash, err := oidDER(s.hash)
	if err != nil {
		return nil, err
	}
	return []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_KEY_TYPE, keyType),
		pkcs11.NewAttribute(ckaGOST3410Params, curve), pkcs11.NewAttribute(ckaGOST3411Params, hash),
	}, nil
}
