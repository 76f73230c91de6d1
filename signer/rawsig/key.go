package rawsig

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"fmt"

	"qaqpa/signer/algo"
	"qaqpa/signer/asn1ber"
	"qaqpa/signer/gost"
)

// Key describes a bare public key (*rsa.PublicKey, *ecdsa.PublicKey, ed25519.PublicKey, *gost.PublicKey) that comes
// without a SubjectPublicKeyInfo. GOST keys are taken as national ones of their curve. The error wraps
// algo.ErrUnknownAlgorithm or algo.ErrNotAllowed.
func Key(pub crypto.PublicKey) (algo.PublicKey, error) {
	switch k := pub.(type) {
	case *rsa.PublicKey:
		return algo.PublicKey{Family: algo.RSA, Bits: k.N.BitLen(), Key: k}, nil
	case *ecdsa.PublicKey:
		p := k.Params()
		return algo.PublicKey{Family: algo.ECDSA, Bits: p.BitSize, Curve: p.Name, Key: k}, nil
	case ed25519.PublicKey:
		return algo.PublicKey{Family: algo.Ed25519, Bits: 256, Curve: "Ed25519", Key: k}, nil
	case *gost.PublicKey:
		s, _, err := algo.SignatureFor(k, 0)
		if err != nil {
			return algo.PublicKey{}, err
		}
		return algo.PublicKey{Family: s.Family, Bits: k.Curve().Bits(), Curve: k.Curve().Name(), Key: k}, nil
	}
	return algo.PublicKey{}, fmt.Errorf("%w: key of type %T", algo.ErrUnknownAlgorithm, pub)
}

// Algorithm is the signature algorithm that goes with a key and a hash; h 0 takes the key's usual one. RSA gives
// PKCS#1 v1.5, a key restricted to PSS gives PSS. A GOST key gives the algorithm of its own OID, national or of the
// RFCs, and with it the byte order. Errors: algo.ErrMismatch, algo.ErrNotAllowed, algo.ErrUnknownAlgorithm.
func Algorithm(pub algo.PublicKey, h algo.Hash) (algo.Signature, error) {
	switch pub.Family { //nolint:exhaustive // the others go by the registry
	case algo.RSAPSS:
		if h == 0 {
			h = algo.SHA256
		}
		s, _, err := algo.PSSFor(h)
		return s, err
	case algo.GOST2004, algo.GOST2012_256, algo.GOST2012_512:
		return gostAlgorithm(pub, h)
	case algo.DSA:
		return algo.Signature{}, fmt.Errorf("%w: DSA", algo.ErrNotAllowed)
	}
	if h == 0 {
		h = algo.DefaultHash(pub.Key)
	}
	s, _, err := algo.SignatureFor(pub.Key, h)
	return s, err
}

func gostAlgorithm(pub algo.PublicKey, h algo.Hash) (algo.Signature, error) {
	if pub.SPKI == nil {
		s, _, err := algo.SignatureFor(pub.Key, h)
		return s, err
	}
	id, err := keyIdentifier(pub.SPKI)
	if err != nil {
		return algo.Signature{}, err
	}
	hashes := []algo.Hash{h}
	if h == 0 {
		hashes = gostHashes[pub.Family]
	}
	var s algo.Signature
	for _, h := range hashes {
		if s, err = algo.ParseCMSSignature(id, h); err == nil {
			return s, nil
		}
	}
	return s, err
}

// gostHashes are the hashes that a family's keys are used with; which of two, the key's OID decides.
var gostHashes = map[algo.Family][]algo.Hash{
	algo.GOST2004:     {algo.GOST94Test, algo.GOST94CryptoPro},
	algo.GOST2012_256: {algo.Streebog256},
	algo.GOST2012_512: {algo.Streebog512},
}

// keyIdentifier is the AlgorithmIdentifier inside a SubjectPublicKeyInfo.
func keyIdentifier(spki []byte) ([]byte, error) {
	e, err := asn1ber.ParseDER(spki)
	if err != nil {
		return nil, fmt.Errorf("couldn't read public key: %w", err)
	}
	r, err := e.Children()
	if err != nil {
		return nil, fmt.Errorf("couldn't read public key: %w", err)
	}
	id, err := r.Read(asn1ber.Sequence)
	if err != nil {
		return nil, fmt.Errorf("couldn't read public key: %w", err)
	}
	return id.Raw, nil
}
