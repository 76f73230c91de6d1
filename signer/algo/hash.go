package algo

import (
	"crypto"
	"crypto/md5"  //nolint:gosec // G501: verification of old documents; Reliability says when it ended
	"crypto/sha1" //nolint:gosec // G505: likewise
	"crypto/sha256"
	"crypto/sha3"
	"crypto/sha512"
	"fmt"
	"hash"

	"qaqpa/signer/asn1ber"
	"qaqpa/signer/gost"
)

// Hash is a hash function. The zero Hash is none.
type Hash uint8

// Hash functions.
const (
	MD5 Hash = iota + 1
	SHA1
	SHA224
	SHA256
	SHA384
	SHA512
	SHA512_256      //nolint:revive,staticcheck // ST1003: named as in package crypto
	SHA3_224        //nolint:revive,staticcheck // ST1003: named as in package crypto
	SHA3_256        //nolint:revive,staticcheck // ST1003: named as in package crypto
	SHA3_384        //nolint:revive,staticcheck // ST1003: named as in package crypto
	SHA3_512        //nolint:revive,staticcheck // ST1003: named as in package crypto
	SHAKE256        // with 512 bits of output (RFC 8702), the digest that goes with Ed448
	GOST94Test      // ГОСТ 34.311-95: GOST R 34.11-94 with the test S-box of RFC 5831, the national one
	GOST94CryptoPro // GOST R 34.11-94 with the CryptoPro S-box (RFC 4357 11.2)
	Streebog256     // GOST R 34.11-2012 (RFC 6986)
	Streebog512
	hashEnd
)

// MaxHashSize is the size of the longest digest, in octets.
const MaxHashSize = 64

type hashInfo struct {
	name string
	oid  string // the one that is written
	rfc  string // OID of the RFCs, where the written one is national
	sbox string // OID of the S-box, where parameters may name it
	size int
	std  crypto.Hash
	make func() hash.Hash
}

// hashes is indexed by Hash.
var hashes = [hashEnd]hashInfo{
	MD5:        {name: "MD5", oid: "1.2.840.113549.2.5", size: 16, std: crypto.MD5, make: md5.New},
	SHA1:       {name: "SHA-1", oid: "1.3.14.3.2.26", size: 20, std: crypto.SHA1, make: sha1.New},
	SHA224:     {name: "SHA-224", oid: "2.16.840.1.101.3.4.2.4", size: 28, std: crypto.SHA224, make: sha256.New224},
	SHA256:     {name: "SHA-256", oid: "2.16.840.1.101.3.4.2.1", size: 32, std: crypto.SHA256, make: sha256.New},
	SHA384:     {name: "SHA-384", oid: "2.16.840.1.101.3.4.2.2", size: 48, std: crypto.SHA384, make: sha512.New384},
	SHA512:     {name: "SHA-512", oid: "2.16.840.1.101.3.4.2.3", size: 64, std: crypto.SHA512, make: sha512.New},
	SHA512_256: {name: "SHA-512/256", oid: "2.16.840.1.101.3.4.2.6", size: 32, std: crypto.SHA512_256, make: sha512.New512_256},
	SHA3_224:   {name: "SHA3-224", oid: "2.16.840.1.101.3.4.2.7", size: 28, std: crypto.SHA3_224, make: func() hash.Hash { return sha3.New224() }},
	SHA3_256:   {name: "SHA3-256", oid: "2.16.840.1.101.3.4.2.8", size: 32, std: crypto.SHA3_256, make: func() hash.Hash { return sha3.New256() }},
	SHA3_384:   {name: "SHA3-384", oid: "2.16.840.1.101.3.4.2.9", size: 48, std: crypto.SHA3_384, make: func() hash.Hash { return sha3.New384() }},
	SHA3_512:   {name: "SHA3-512", oid: "2.16.840.1.101.3.4.2.10", size: 64, std: crypto.SHA3_512, make: func() hash.Hash { return sha3.New512() }},
	SHAKE256:   {name: "SHAKE256", oid: "2.16.840.1.101.3.4.2.12", size: 64, make: newShake512},
	GOST94Test: {
		name: "GOST 34.311-95", oid: "1.2.398.3.10.1.3.1", size: 32, sbox: "1.2.398.3.10.1.3.1.1.0",
		make: func() hash.Hash { return gost.New34311(gost.SBoxTest()) },
	},
	GOST94CryptoPro: {
		name: "GOST R 34.11-94", oid: "1.2.643.2.2.9", size: 32, sbox: "1.2.643.2.2.30.1",
		make: func() hash.Hash { return gost.New34311(gost.SBoxCryptoPro()) },
	},
	Streebog256: {name: "Streebog-256", oid: "1.2.398.3.10.1.3.2", size: 32, rfc: "1.2.643.7.1.1.2.2", make: gost.NewStreebog256},
	Streebog512: {name: "Streebog-512", oid: "1.2.398.3.10.1.3.3", size: 64, rfc: "1.2.643.7.1.1.2.3", make: gost.NewStreebog512},
}

// hashByRaw finds a hash by the contents octets of its OID, hashByDotted by its dotted form.
var hashByRaw, hashByDotted = indexHashes()

func indexHashes() (raw, dotted map[string]Hash) {
	raw, dotted = make(map[string]Hash, 32), make(map[string]Hash, 32)
	for h := MD5; h < hashEnd; h++ {
		for _, oid := range []string{hashes[h].oid, hashes[h].rfc} {
			if oid != "" {
				raw[asn1ber.MustOID(oid)] = h
				dotted[oid] = h
			}
		}
	}
	return raw, dotted
}

// hashByDER finds a hash by its whole AlgorithmIdentifier, for the encodings that are nearly always met: parameters
// absent or NULL.
var hashByDER = indexHashIdentifiers()

func indexHashIdentifiers() map[string]Hash {
	m := make(map[string]Hash, 2*len(hashByRaw))
	for raw, h := range hashByRaw {
		for _, der := range commonIdentifiers(raw) {
			m[der] = h
		}
	}
	return m
}

// HashByOID finds a hash by a dotted OID; several OIDs may mean the same hash.
func HashByOID(oid string) (Hash, bool) {
	h, ok := hashByDotted[oid]
	return h, ok
}

// ParseHash reads an AlgorithmIdentifier of a hash (DER or BER). Parameters may be absent or NULL; GOST R 34.11-94
// may carry the OID of its S-box. Errors: ErrUnknownAlgorithm, ErrParameters, asn1ber.ErrSyntax.
func ParseHash(algorithmIdentifier []byte) (Hash, error) {
	if h, ok := hashByDER[string(algorithmIdentifier)]; ok {
		return h, nil
	}
	oid, params, err := readIdentifier(algorithmIdentifier)
	if err != nil {
		return 0, err
	}
	h, ok := hashByRaw[string(oid)]
	if !ok {
		return 0, unknown("hash", oid)
	}
	return h, h.checkParameters(params)
}

func (h Hash) checkParameters(params parameters) error {
	if params.absentOrNull() {
		return nil
	}
	if box := hashes[h].sbox; box != "" && params.element.Is([]byte(asn1ber.MustOID(box))) {
		return nil
	}
	return fmt.Errorf("%w: %s with unexpected parameters", ErrParameters, h)
}

// Valid reports whether h is a hash of this package.
func (h Hash) Valid() bool { return h > 0 && h < hashEnd }

// String is the hash's name, such as "SHA-256"; the same as Name.
func (h Hash) String() string { return h.Name() }

// Name is the hash's name, such as "SHA-256" or "Streebog-512".
func (h Hash) Name() string {
	if !h.Valid() {
		return "unknown hash"
	}
	return hashes[h].name
}

// OID is the dotted OID under which the hash is written; national for GOST hashes that have both.
func (h Hash) OID() string {
	if !h.Valid() {
		return ""
	}
	return hashes[h].oid
}

// Size is the length of a digest in octets, 0 for none.
func (h Hash) Size() int {
	if !h.Valid() {
		return 0
	}
	return hashes[h].size
}

// Crypto is the standard library's name of the hash, 0 for GOST hashes.
func (h Hash) Crypto() crypto.Hash {
	if !h.Valid() {
		return 0
	}
	return hashes[h].std
}

// New starts a digest. It panics when h is not Valid, as crypto.Hash does: hashes come from the parsers here.
func (h Hash) New() hash.Hash {
	if !h.Valid() {
		panic("algo: New of no hash")
	}
	return hashes[h].make()
}

// Sum appends the digest of data to dst. The common hashes are computed without a heap allocation.
func (h Hash) Sum(dst, data []byte) []byte {
	switch h { //nolint:exhaustive // the others are hashed below
	case SHA1:
		d := sha1.Sum(data) //nolint:gosec // G401: see the import
		return append(dst, d[:]...)
	case SHA256:
		d := sha256.Sum256(data)
		return append(dst, d[:]...)
	case SHA384:
		d := sha512.Sum384(data)
		return append(dst, d[:]...)
	case SHA512:
		d := sha512.Sum512(data)
		return append(dst, d[:]...)
	}
	w := h.New()
	w.Write(data)
	return w.Sum(dst)
}

// AlgorithmIdentifier is the DER AlgorithmIdentifier of the hash as it is written in digestAlgorithm fields:
// parameters absent for SHA-1 and SHA-2 (RFC 5754 2) and SHA-3, NULL for the national GOST hashes (as the national CA
// writes them) and MD5.
func (h Hash) AlgorithmIdentifier() ([]byte, error) {
	if !h.Valid() {
		return nil, fmt.Errorf("%w: no hash", ErrUnknownAlgorithm)
	}
	null := h == MD5 || h >= GOST94Test
	return identifier(hashes[h].oid, null)
}

// RFCAlgorithmIdentifier is AlgorithmIdentifier under the OID of the RFCs (1.2.643) for Streebog, parameters absent (RFC
// 9215 2), and the same as AlgorithmIdentifier for all others.
func (h Hash) RFCAlgorithmIdentifier() ([]byte, error) {
	if h.Valid() && hashes[h].rfc != "" {
		return identifier(hashes[h].rfc, false)
	}
	return h.AlgorithmIdentifier()
}

// shake512 is SHAKE256 with 64 octets of output as a hash (RFC 8702 3.1).
type shake512 struct{ *sha3.SHAKE }

func newShake512() hash.Hash { return shake512{sha3.NewSHAKE256()} }

// Size is 64.
func (s shake512) Size() int { return 64 }

// Sum appends the digest of what was written so far.
func (s shake512) Sum(b []byte) []byte {
	state, err := s.MarshalBinary()
	if err != nil {
		panic("algo: state of SHAKE256: " + err.Error()) // never fails (crypto/sha3)
	}
	again := sha3.NewSHAKE256()
	if err := again.UnmarshalBinary(state); err != nil {
		panic("algo: state of SHAKE256: " + err.Error()) // likewise
	}
	out := make([]byte, 64)
	_, _ = again.Read(out) // likewise
	return append(b, out...)
}
