package algo

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"fmt"

	"qaqpa/signer/asn1ber"
	"qaqpa/signer/gost"
)

// SignatureFor chooses the signature algorithm of a public key (*rsa.PublicKey, *ecdsa.PublicKey, ed25519.PublicKey,
// *gost.PublicKey) with hash h, and its DER AlgorithmIdentifier. RSA gives PKCS#1 v1.5; [PSSFor] gives PSS. Ed25519
// ignores h. GOST keys give the national algorithm of their curve and need its hash, or h 0. Errors: ErrMismatch,
// ErrNotAllowed.
func SignatureFor(pub crypto.PublicKey, h Hash) (Signature, []byte, error) {
	family, h, err := familyFor(pub, h)
	if err != nil {
		return Signature{}, nil, err
	}
	for _, f := range signatureForms {
		if f.family != family || f.hash != h || f.rfc {
			continue
		}
		der, err := identifier(f.oid, f.null)
		if err != nil {
			return Signature{}, nil, err
		}
		return signatureByRaw[asn1ber.MustOID(f.oid)], der, nil
	}
	return Signature{}, nil, fmt.Errorf("%w: no %s signature with %s", ErrMismatch, family, h)
}

func familyFor(pub crypto.PublicKey, h Hash) (Family, Hash, error) {
	switch key := pub.(type) {
	case *rsa.PublicKey:
		return RSA, h, nil
	case *ecdsa.PublicKey:
		return ECDSA, h, nil
	case ed25519.PublicKey:
		return Ed25519, 0, nil
	case *gost.PublicKey:
		for _, c := range kzCurves {
			if c.curve().Name() != key.Curve().Name() {
				continue
			}
			want := gostHash(c.family, false)
			if h != 0 && h != want {
				return Unknown, 0, fmt.Errorf("%w: %s with %s, not %s", ErrMismatch, c.family, h, want)
			}
			return c.family, want, nil
		}
		return Unknown, 0, fmt.Errorf("%w: %s has no national OID", ErrNotAllowed, key.Curve().Name())
	}
	return Unknown, 0, fmt.Errorf("%w: key of type %T", ErrUnknownAlgorithm, pub)
}

// PSSFor is RSASSA-PSS with hash h, MGF1 over h and a salt as long as the digest (RFC 4055 3.1), with its DER
// AlgorithmIdentifier.
func PSSFor(h Hash) (Signature, []byte, error) {
	if h.Crypto() == 0 || h == MD5 {
		return Signature{}, nil, fmt.Errorf("%w: RSA-PSS with %s", ErrMismatch, h)
	}
	hash, err := identifier(h.OID(), true)
	if err != nil {
		return Signature{}, nil, err
	}
	mgf, err := identifierWith("1.2.840.113549.1.1.8", hash)
	if err != nil {
		return Signature{}, nil, err
	}
	params := asn1ber.Wrap(asn1ber.Sequence,
		asn1ber.Wrap(asn1ber.Context(0), hash),
		asn1ber.Wrap(asn1ber.Context(1), mgf),
		asn1ber.Wrap(asn1ber.Context(2), asn1ber.EncodedInt(int64(h.Size()))))
	der, err := identifierWith(oidPSS, params)
	if err != nil {
		return Signature{}, nil, err
	}
	return pssSignature(&PSSParams{Hash: h, SaltLength: h.Size()}), der, nil
}

// DefaultHash is the hash to sign with when nobody asks for another: the one that belongs to a GOST curve, SHA-384 and
// SHA-512 for P-384 and P-521 (RFC 5753 7), SHA-512 for Ed25519 (RFC 8419 3), otherwise SHA-256.
func DefaultHash(pub crypto.PublicKey) Hash {
	switch key := pub.(type) {
	case *ecdsa.PublicKey:
		switch size := key.Curve.Params().BitSize; {
		case size > 384:
			return SHA512
		case size > 256:
			return SHA384
		}
	case ed25519.PublicKey:
		return SHA512
	case *gost.PublicKey:
		if _, h, err := familyFor(key, 0); err == nil {
			return h
		}
	}
	return SHA256
}

// AlgorithmIdentifier is the DER of s as it is written in signatureAlgorithm fields, for algorithms that do not come
// from [SignatureFor], such as GOST under its RFC OIDs.
func (s Signature) AlgorithmIdentifier() ([]byte, error) {
	if s.PSS != nil {
		if s.PSS.SaltLength != s.PSS.Hash.Size() {
			return nil, fmt.Errorf("%w: PSS salt of %d octets", ErrParameters, s.PSS.SaltLength)
		}
		_, der, err := PSSFor(s.PSS.Hash)
		return der, err
	}
	for _, f := range signatureForms {
		if f.oid == s.OID {
			return identifier(f.oid, f.null)
		}
	}
	return nil, fmt.Errorf("%w: %s", ErrUnknownAlgorithm, s.OID)
}

// SignatureByOID finds a signature algorithm that is complete by its dotted OID alone (not PSS).
func SignatureByOID(oid string) (Signature, bool) {
	c, err := asn1ber.EncodeOID(oid)
	if err != nil {
		return Signature{}, false
	}
	s, ok := signatureByRaw[string(c)]
	return s, ok
}

// Matches reports whether pub, a signer's public key, is this key.
func (k PublicKey) Matches(pub crypto.PublicKey) bool {
	key, ok := k.Key.(interface{ Equal(crypto.PublicKey) bool })
	return ok && key.Equal(pub)
}
