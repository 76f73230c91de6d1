package algo

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"fmt"

	"qaqpa/signer/gost"
)

// Verify checks sig over message. nil: it holds. ErrSignature: it does not. ErrMismatch, ErrNotAllowed: no
// verification took place.
func (s Signature) Verify(pub PublicKey, message, sig []byte) error {
	if s.Family == Ed25519 {
		return s.verifyEd25519(pub, message, sig)
	}
	if !s.Hash.Valid() {
		return fmt.Errorf("%w: signature without a hash", ErrUnknownAlgorithm)
	}
	var space [MaxHashSize]byte
	return s.VerifyDigest(pub, s.Hash.Sum(space[:0], message), sig)
}

// VerifyDigest checks sig over a message of which only the digest is at hand. Errors as of Verify; ErrNeedsMessage
// for Ed25519.
func (s Signature) VerifyDigest(pub PublicKey, digest, sig []byte) error {
	if err := s.Fits(pub); err != nil {
		return err
	}
	if s.Family == Ed25519 {
		return fmt.Errorf("%w: Ed25519", ErrNeedsMessage)
	}
	if len(digest) != s.Hash.Size() {
		return fmt.Errorf("%w: digest of %d octets for %s", ErrMismatch, len(digest), s.Hash)
	}
	switch key := pub.Key.(type) {
	case *rsa.PublicKey:
		return s.verifyRSA(key, digest, sig)
	case *ecdsa.PublicKey:
		// VerifyASN1 takes DER only and r, s in [1, n-1].
		return verdict(ecdsa.VerifyASN1(key, digest, sig))
	case *gost.PublicKey:
		if s.RFC {
			return verdict(key.VerifyRFC(digest, sig))
		}
		return verdict(key.Verify(digest, sig))
	}
	return fmt.Errorf("%w: %s", ErrNotAllowed, pub.Family)
}

// Fits tells whether a key may verify this algorithm: same family, and for a key restricted to PSS the same hash and
// a salt not shorter (RFC 4055 3.3).
func (s Signature) Fits(pub PublicKey) error {
	if s.Family == DSA || pub.Family == DSA {
		return fmt.Errorf("%w: DSA", ErrNotAllowed)
	}
	if s.Family == Unknown || pub.Key == nil {
		return fmt.Errorf("%w: no key", ErrUnknownAlgorithm)
	}
	if s.Family == RSAPSS && pub.Family == RSA {
		return nil
	}
	if s.Family != pub.Family {
		return fmt.Errorf("%w: %s signature, %s key", ErrMismatch, s.Family, pub.Family)
	}
	if pub.pss != nil && (s.PSS == nil || s.PSS.Hash != pub.pss.Hash || s.PSS.SaltLength < pub.pss.SaltLength) {
		return fmt.Errorf("%w: PSS parameters of the key forbid this signature", ErrMismatch)
	}
	return nil
}

func (s Signature) verifyRSA(key *rsa.PublicKey, digest, sig []byte) error {
	if s.PSS != nil {
		opts := rsa.PSSOptions{SaltLength: s.PSS.SaltLength, Hash: s.Hash.Crypto()}
		if s.PSS.SaltLength == 0 {
			// 0 means "any" to crypto/rsa; it has no way to demand an empty salt.
			return fmt.Errorf("%w: PSS without salt", ErrNotAllowed)
		}
		return verdict(rsa.VerifyPSS(key, opts.Hash, digest, sig, &opts) == nil)
	}
	if s.Hash.Crypto() == 0 {
		return fmt.Errorf("%w: RSA with %s", ErrMismatch, s.Hash)
	}
	// VerifyPKCS1v15 rebuilds the encoded message and compares: no lenient parsing of the padding.
	return verdict(rsa.VerifyPKCS1v15(key, s.Hash.Crypto(), digest, sig) == nil)
}

func (s Signature) verifyEd25519(pub PublicKey, message, sig []byte) error {
	if err := s.Fits(pub); err != nil {
		return err
	}
	key, ok := pub.Key.(ed25519.PublicKey)
	if !ok {
		return fmt.Errorf("%w: Ed25519", ErrMismatch)
	}
	return verdict(len(sig) == ed25519.SignatureSize && ed25519.Verify(key, message, sig))
}

func verdict(ok bool) error {
	if ok {
		return nil
	}
	return ErrSignature
}
