package jws

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // G505: x5t is compared, nothing rests on it
	"crypto/sha256"
	"fmt"

	"qaqpa/signer/algo"
	"qaqpa/signer/pkix"
	"qaqpa/signer/rawsig"
)

// Verify checks the signature by a key that the caller has reason to believe in. detached is the payload of a detached
// token, which may be empty, and nil for an attached one; an attached empty payload is verified with nil.
//
// nil: the signature holds over header and payload. algo.ErrSignature: it does not. algo.ErrMismatch and
// algo.ErrNotAllowed: the algorithm is not one for this key. ErrPayload: both an attached and a detached payload.
// ErrLimit: the detached one is too large.
func (t *Token) Verify(pub algo.PublicKey, detached []byte) error {
	if err := t.verify(pub, detached); err != nil {
		return fmt.Errorf("couldn't verify JWS: %w", err)
	}
	return nil
}

func (t *Token) verify(pub algo.PublicKey, detached []byte) error {
	if err := t.Header.Algorithm.Fits(pub); err != nil {
		return err
	}
	s, layout, err := t.Header.Algorithm.signature()
	if err != nil {
		return err
	}
	input, err := t.signingInput(detached)
	if err != nil {
		return err
	}
	_, err = rawsig.Verify(pub, input, t.Signature, rawsig.Options{Algorithm: &s, Form: layout})
	return err
}

// VerifyCertificate is Verify by a certificate's key, and demands besides that x5c, x5t and x5t#S256, as far as the
// header has them, name this very certificate (ErrCertificate). Whether the certificate is trusted and valid is for the
// caller to find out.
func (t *Token) VerifyCertificate(c *pkix.Certificate, detached []byte) error {
	if c.PublicKeyErr != nil {
		return fmt.Errorf("couldn't verify JWS: %w", c.PublicKeyErr)
	}
	if err := t.Header.names(c); err != nil {
		return fmt.Errorf("couldn't verify JWS: %w", err)
	}
	return t.Verify(c.PublicKey, detached)
}

// names tells whether the header's certificate parameters fit.
func (h *Header) names(c *pkix.Certificate) error {
	if len(h.Certificates) > 0 && !bytes.Equal(h.Certificates[0], c.Raw) {
		return fmt.Errorf("%w: x5c", ErrCertificate)
	}
	if h.CertificateSHA256 != nil {
		if sum := sha256.Sum256(c.Raw); !bytes.Equal(h.CertificateSHA256, sum[:]) {
			return fmt.Errorf("%w: x5t#S256", ErrCertificate)
		}
	}
	if h.CertificateSHA1 != nil {
		if sum := sha1.Sum(c.Raw); !bytes.Equal(h.CertificateSHA1, sum[:]) { //nolint:gosec // G401: see the import
			return fmt.Errorf("%w: x5t", ErrCertificate)
		}
	}
	return nil
}

// Chain parses x5c: the signer's certificate first, nil when there is none. It is a claim of whoever made the token,
// for the caller to find a path from to an anchor of his own.
func (t *Token) Chain() ([]*pkix.Certificate, error) {
	var out []*pkix.Certificate
	for _, der := range t.Header.Certificates {
		c, err := pkix.ParseCertificate(der)
		if err != nil {
			return nil, fmt.Errorf("couldn't read x5c: %w: %w", ErrSyntax, err)
		}
		out = append(out, c)
	}
	return out, nil
}
