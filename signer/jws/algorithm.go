package jws

import (
	"fmt"
	"slices"
	"strings"

	"qaqpa/signer/algo"
	"qaqpa/signer/rawsig"
)

// Algorithm is a value of the header parameter "alg".
type Algorithm string

// Algorithms (RFC 7518 3.1, RFC 8037 3.1, RFC 9864 2.2), and the national ones.
const (
	RS256   Algorithm = "RS256"
	RS384   Algorithm = "RS384"
	RS512   Algorithm = "RS512"
	PS256   Algorithm = "PS256"
	PS384   Algorithm = "PS384"
	PS512   Algorithm = "PS512"
	ES256   Algorithm = "ES256"
	ES384   Algorithm = "ES384"
	ES512   Algorithm = "ES512"
	EdDSA   Algorithm = "EdDSA" // with Ed25519
	Ed25519 Algorithm = "Ed25519"
	GG2015  Algorithm = "GG2015"
	GG2004  Algorithm = "GG2004"
)

// form is what an algorithm's name stands for.
type form struct {
	family algo.Family
	hash   algo.Hash
	bits   int    // of the curve, 0 where any size will do
	oid    string // of the signature algorithm, empty for PSS
	layout rawsig.Form
}

var forms = map[Algorithm]form{
	RS256:   {algo.RSA, algo.SHA256, 0, "1.2.840.113549.1.1.11", rawsig.Octets},
	RS384:   {algo.RSA, algo.SHA384, 0, "1.2.840.113549.1.1.12", rawsig.Octets},
	RS512:   {algo.RSA, algo.SHA512, 0, "1.2.840.113549.1.1.13", rawsig.Octets},
	PS256:   {algo.RSAPSS, algo.SHA256, 0, "", rawsig.Octets},
	PS384:   {algo.RSAPSS, algo.SHA384, 0, "", rawsig.Octets},
	PS512:   {algo.RSAPSS, algo.SHA512, 0, "", rawsig.Octets},
	ES256:   {algo.ECDSA, algo.SHA256, 256, "1.2.840.10045.4.3.2", rawsig.Pair},
	ES384:   {algo.ECDSA, algo.SHA384, 384, "1.2.840.10045.4.3.3", rawsig.Pair},
	ES512:   {algo.ECDSA, algo.SHA512, 521, "1.2.840.10045.4.3.4", rawsig.Pair},
	EdDSA:   {algo.Ed25519, 0, 0, "1.3.101.112", rawsig.Octets},
	Ed25519: {algo.Ed25519, 0, 0, "1.3.101.112", rawsig.Octets},
	GG2015:  {algo.GOST2012_512, algo.Streebog512, 512, "1.2.398.3.10.1.1.2.3.2", rawsig.National},
	GG2004:  {algo.GOST2004, algo.GOST94Test, 256, "1.2.398.3.10.1.1.1.2", rawsig.National},
}

// minRSABits is the least size of RSA keys (RFC 7518 3.3, 3.5).
const minRSABits = 2048

// signature is the algorithm as package algo has it.
func (a Algorithm) signature() (algo.Signature, rawsig.Form, error) {
	f, ok := forms[a]
	if !ok {
		return algo.Signature{}, 0, fmt.Errorf("%w: %.20q", ErrAlgorithm, string(a))
	}
	if f.oid == "" {
		s, _, err := algo.PSSFor(f.hash)
		return s, f.layout, err
	}
	s, ok := algo.SignatureByOID(f.oid)
	if !ok {
		return s, 0, fmt.Errorf("%w: %s", ErrAlgorithm, a)
	}
	return s, f.layout, nil
}

// Fits tells whether a key may be used with the algorithm: its type, its curve, its size. The error wraps
// algo.ErrMismatch, algo.ErrNotAllowed, or ErrAlgorithm for an algorithm that is none of this package.
func (a Algorithm) Fits(pub algo.PublicKey) error {
	s, _, err := a.signature()
	if err != nil {
		return err
	}
	if err := s.Fits(pub); err != nil {
		return err
	}
	f := forms[a]
	if f.bits != 0 && pub.Bits != f.bits {
		return fmt.Errorf("%w: %s and a curve of %d bits", algo.ErrMismatch, a, pub.Bits)
	}
	if f.family == algo.ECDSA && !strings.HasPrefix(pub.Curve, "P-") { // RFC 7518 3.4 names the curves, not their sizes
		return fmt.Errorf("%w: %s and %s", algo.ErrMismatch, a, pub.Curve)
	}
	if (f.family == algo.RSA || f.family == algo.RSAPSS) && pub.Bits < minRSABits {
		return fmt.Errorf("%w: %s and RSA of %d bits", algo.ErrNotAllowed, a, pub.Bits)
	}
	return nil
}

// AlgorithmsFor are the algorithms that fit a key, the one to sign with first: empty when there is none.
func AlgorithmsFor(pub algo.PublicKey) []Algorithm {
	order := []Algorithm{
		RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA, Ed25519, GG2015, GG2004,
	}
	return slices.DeleteFunc(order, func(a Algorithm) bool { return a.Fits(pub) != nil })
}
