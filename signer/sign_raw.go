package signer

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"qaqpa/signer/algo"
	"qaqpa/signer/rawsig"
)

// SignRawRequest is what SignRaw signs.
type SignRawRequest struct {
	// Document is what is signed; it may be empty.
	Document []byte
	// Form is how the numbers of the signature are laid out; 0 is the form of certificates and CMS.
	Form rawsig.Form
	// Key is whose signature it is.
	Key SigningKey
	// Actor is who asks, for the audit row; obligatory where the service has a database.
	Actor string
}

// SignRaw makes a signature that stands alone, under the usual algorithm of the key, which the result names. Nothing in it tells
// who signed, when, or by which algorithm: whoever keeps it has to keep that too.
//
// The certificate is judged before the key is asked, and the audit entry committed before the signature leaves, as for SignCMS.
// Errors: ErrRequest for a form that the key has not, ErrTooLarge, ErrSigningCertificate, those of the key and of the
// database. Safe for concurrent use.
func (s *Service) SignRaw(ctx context.Context, req SignRawRequest) ([]byte, rawsig.Result, error) {
	if err := s.checkSigning(req.Key, req.Actor, len(req.Document)); err != nil {
		return nil, rawsig.Result{}, err
	}
	if _, err := s.admitKey(ctx, req.Key); err != nil {
		return nil, rawsig.Result{}, err
	}
	out, result, err := rawsig.Sign(rawsig.SignInput{
		Signer: keyFor(ctx, req.Key.Key), Public: req.Key.Chain[0].PublicKey, Form: req.Form, Data: req.Document, Rand: rand.Reader,
	})
	switch {
	case errors.Is(err, rawsig.ErrForm), errors.Is(err, algo.ErrMismatch), errors.Is(err, algo.ErrNotAllowed):
		return nil, rawsig.Result{}, fmt.Errorf("%w: %w", ErrRequest, err)
	case err != nil:
		return nil, rawsig.Result{}, err
	}
	if err := s.recordSigned(ctx, req.Actor, req.Key, made{"raw", req.Document, out}); err != nil {
		return nil, rawsig.Result{}, err
	}
	return out, result, nil
}
