package rawsig

import (
	"crypto"
	"errors"
	"fmt"
	"io"

	"qaqpa/signer/algo"
)

// ErrKeyMismatch means that the private key is not that of the certificate.
var ErrKeyMismatch = errors.New("key does not belong to the certificate")

// SignInput is what Sign needs.
type SignInput struct {
	Signer crypto.Signer
	// Public is the certificate's key. When its Key is nil, the signer's own is taken.
	Public algo.PublicKey
	// Algorithm is nil for the usual one of the key.
	Algorithm *algo.Signature
	// Form is 0 for the one of certificates and CMS.
	Form Form
	// Data is what is signed. Digest, under the algorithm's hash, may stand in its place.
	Data, Digest []byte
	// Rand is handed to the signer; PSS needs it, the others may do without.
	Rand io.Reader
}

// Sign makes a signature and says what it is. The signer is expected to answer as crypto.Signer does in the standard
// library and in package gost: DER for ECDSA, the national order for GOST. Errors: ErrKeyMismatch, ErrForm where the
// signer answers otherwise, algo.ErrMismatch, algo.ErrNeedsMessage for a digest where Ed25519 is to sign, and the
// signer's own.
func Sign(in SignInput) ([]byte, Result, error) {
	sig, result, err := in.sign()
	if err != nil {
		return nil, Result{}, fmt.Errorf("couldn't sign: %w", err)
	}
	return sig, result, nil
}

func (in SignInput) sign() ([]byte, Result, error) {
	pub, s, err := in.plan()
	if err != nil {
		return nil, Result{}, err
	}
	message, err := in.message(s)
	if err != nil {
		return nil, Result{}, err
	}
	if s.PSS != nil && in.Rand == nil {
		return nil, Result{}, errors.New("PSS without a source of randomness")
	}
	made, err := in.Signer.Sign(in.Rand, message, s.SignerOpts())
	if err != nil {
		return nil, Result{}, err
	}
	form := in.Form
	if form == 0 {
		form = nativeForm(s)
	}
	sig, err := Convert(pub, made, Forms(s.Family)[0], form)
	if err != nil {
		return nil, Result{}, err
	}
	if len(sig) == 0 {
		return nil, Result{}, errors.New("key returned no signature")
	}
	return sig, Result{Algorithm: s, Form: form}, nil
}

// plan settles the key and the algorithm.
func (in SignInput) plan() (pub algo.PublicKey, s algo.Signature, err error) {
	if in.Signer == nil {
		return pub, s, errors.New("key missing")
	}
	if pub = in.Public; pub.Key == nil {
		if pub, err = Key(in.Signer.Public()); err != nil {
			return pub, s, err
		}
	}
	if !pub.Matches(in.Signer.Public()) {
		return pub, s, ErrKeyMismatch
	}
	if in.Algorithm != nil {
		s = *in.Algorithm
	} else if s, err = Algorithm(pub, 0); err != nil {
		return pub, s, err
	}
	if Forms(s.Family) == nil {
		return pub, s, fmt.Errorf("%w: %s", algo.ErrNotAllowed, s.Family)
	}
	return pub, s, s.Fits(pub)
}

// message is what the signer is given: the digest, or for Ed25519 the data.
func (in SignInput) message(s algo.Signature) ([]byte, error) {
	switch {
	case in.Digest == nil && s.Hash == 0:
		return in.Data, nil
	case in.Digest == nil:
		return s.Hash.Sum(nil, in.Data), nil
	case in.Data != nil:
		return nil, errors.New("data and a digest in its place")
	case s.Hash == 0:
		return nil, fmt.Errorf("%w: %s", algo.ErrNeedsMessage, s.Name)
	case len(in.Digest) != s.Hash.Size():
		return nil, fmt.Errorf("%w: digest of %d octets for %s", algo.ErrMismatch, len(in.Digest), s.Hash)
	}
	return in.Digest, nil
}
