package signer

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"qaqpa/signer/algo"
	"qaqpa/signer/jws"
	"qaqpa/signer/pkix"
)

// SignJWTRequest is what SignJWT signs.
type SignJWTRequest struct {
	// Claims is the payload: a JSON object, signed as it stands.
	Claims []byte
	// Algorithm must be one for the key; empty: the usual one.
	Algorithm jws.Algorithm
	// Key is whose signature it is.
	Key SigningKey
	// Actor is who asks, for the audit row; obligatory where the service has a database.
	Actor string
}

// SignJWT makes a JSON Web Token in compact form. A token is no document: a key that is for authentication may sign it too.
//
// The certificate is judged before the key is asked, and the audit entry committed before the token leaves, as for SignCMS.
// Errors: ErrRequest for what is no set of claims or an algorithm that does not fit the key, ErrTooLarge,
// ErrSigningCertificate, those of the key and of the database. Safe for concurrent use.
func (s *Service) SignJWT(ctx context.Context, req SignJWTRequest) (string, error) {
	if err := s.checkSigning(req.Key, req.Actor, len(req.Claims)); err != nil {
		return "", err
	}
	if err := s.admitAny(ctx, req.Key); err != nil {
		return "", err
	}
	token, err := jws.Sign(jws.SignInput{
		Signer: keyFor(ctx, req.Key.Key), Certificate: req.Key.Chain[0], Algorithm: req.Algorithm, Type: "JWT",
		Payload: req.Claims, Rand: rand.Reader,
	})
	if err == nil {
		err = checkClaims(token)
	}
	for _, fault := range []error{jws.ErrSyntax, jws.ErrLimit, jws.ErrAlgorithm, jws.ErrHeader, jws.ErrClaims, algo.ErrMismatch, algo.ErrNotAllowed} {
		if errors.Is(err, fault) {
			return "", fmt.Errorf("%w: %w", ErrRequest, err)
		}
	}
	if err != nil {
		return "", fmt.Errorf("couldn't sign: %w", err)
	}
	if err := s.recordSigned(ctx, req.Actor, req.Key, made{"JWT", req.Claims, []byte(token)}); err != nil {
		return "", err
	}
	return token, nil
}

// checkClaims reads a token as its receivers will.
func checkClaims(token string) error {
	t, err := jws.Parse(token, jws.Options{})
	if err != nil {
		return err
	}
	_, err = t.Claims()
	return err
}

// admitAny judges a key's certificate as admitKey does, but for the rule that it must be for documents.
func (s *Service) admitAny(ctx context.Context, key SigningKey) error {
	c := key.Chain[0]
	switch {
	case c.PublicKeyErr != nil || !c.PublicKey.Matches(key.Key.Public()):
		return fmt.Errorf("%w: it is not that of the key", ErrSigningCertificate)
	case c.HasKeyUsage && !c.KeyUsage.Has(pkix.DigitalSignature):
		return fmt.Errorf("%w: its key is not for signing", ErrSigningCertificate)
	}
	if err := inDate(c, s.cfg.Now().UTC(), ErrSigningCertificate); err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, sealFetch)
	defer cancel()
	r := s.pathOf(limited, c, key.Chain[1:])
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.trusted(ctx, r, ErrSigningCertificate)
}

// StampsTime tells whether signatures can get time stamps: whether an authority is set.
func (s *Service) StampsTime() bool { return s.cfg.TSA != "" && s.cfg.Fetch != nil }
