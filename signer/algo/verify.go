package algo

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"fmt"

	"qaqpa/signer/gost"

	"github.com/cloudflare/circl/sign/ed448"
)

// Verify checks sig over message. nil: it holds. ErrSignature: it does not. ErrMismatch, ErrNotAllowed: no
// verification took place.
func (s Signature) Verify(pub PublicKey, message, sig []byte) error {
	if s.SignsMessage() {
		return s.verifyEdDSA(pub, message, sig)
	}
	if !s.Hash.Valid() {
		return fmt.Errorf("%w: signature without a hash", ErrUnknownAlgorithm)
	}
	var space [MaxHashSize]byte
	return s.VerifyDigest(pub, s.Hash.Sum(space[:0], message), sig)
}

// VerifyDigest checks sig over a message of which only the digest is at hand. Errors as of Verify; ErrNeedsMessage
// for Ed25519 and Ed448.
func (s Signature) VerifyDigest(pub PublicKey, digest, sig []byte) error {
	if err := s.Fits(pub); err != nil {
		return err
	}
	if s.SignsMessage() {
		return fmt.Errorf("%w: %s", ErrNeedsMessage, s.Family)
	}
	if len(digest) != s.Hash.Size() {
		return fmt.Errorf("%w: digest of %d octets for %s", ErrMismatch, len(digest), s.Hash)
	}
	switch key := pub.Key.(type) {
	case *rsa.PublicKey:
		return s.verifyRSA(key, pub.modulus, digest, sig)
	case *ecdsa.PublicKey:
		if pub.table.holds(key, digest, sig) {
			return nil
		}
		// VerifyASN1 takes DER only and r, s in [1, n-1].
		return verdict(ecdsa.VerifyASN1(key, digest, sig))
	case *LongRSA:
		return s.verifyOwnRSA(key.N, bigPower{key.N, key.E}, digest, sig)
	case *BrainpoolKey:
		return key.verify(digest, sig)
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

// SignsMessage reports whether the algorithm signs the message itself and not a digest of it: Ed25519 and Ed448.
func (s Signature) SignsMessage() bool { return s.Family == Ed25519 || s.Family == Ed448 }

// verifyEdDSA is RFC 8032 5.1.7 and 5.2.7, pure and with an empty context.
func (s Signature) verifyEdDSA(pub PublicKey, message, sig []byte) error {
	if err := s.Fits(pub); err != nil {
		return err
	}
	switch key := pub.Key.(type) {
	case ed25519.PublicKey:
		return verdict(len(sig) == ed25519.SignatureSize && ed25519.Verify(key, message, sig))
	case ed448.PublicKey:
		return verdict(len(sig) == ed448.SignatureSize && ed448.Verify(key, message, sig, ""))
	}
	return fmt.Errorf("%w: %s", ErrMismatch, s.Family)
}

func verdict(ok bool) error {
	if ok {
		return nil
	}
	return ErrSignature
}
