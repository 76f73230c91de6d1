package rawsig

import (
	"errors"
	"fmt"

	"qaqpa/signer/algo"
)

// Options narrow down what Verify tries.
type Options struct {
	// Algorithm is the one the signer is known to have used; nil tries the usual ones of the key. What is named here is
	// taken at its word: whether SHA-1 was still good enough is for the policy.
	Algorithm *algo.Signature
	// Form is the layout the signer is known to have used; 0 tries those that are met with the key: both of ECDSA, and
	// for GOST the one that belongs to the key's OID.
	Form Form
}

// Result is what a signature turned out to be.
type Result struct {
	Algorithm algo.Signature
	Form      Form
}

// Verify checks a signature over data by the key of a certificate. nil: it holds, and Result says as what.
// algo.ErrSignature: it holds under nothing that was tried, ErrForm included where a form was named and is not met.
// algo.ErrMismatch, algo.ErrNotAllowed, algo.ErrUnknownAlgorithm: the key cannot verify what was asked for.
func Verify(pub algo.PublicKey, data, sig []byte, opts Options) (Result, error) {
	digests := make(map[algo.Hash][]byte, 4)
	return verify(pub, sig, opts, func(s algo.Signature, native []byte) error {
		if s.Hash == 0 {
			return s.Verify(pub, data, native)
		}
		digest, ok := digests[s.Hash]
		if !ok {
			digest = s.Hash.Sum(nil, data)
			digests[s.Hash] = digest
		}
		return s.VerifyDigest(pub, digest, native)
	})
}

// VerifyDigest is Verify over data of which only the digest under hash h is at hand. algo.ErrNeedsMessage for Ed25519.
func VerifyDigest(pub algo.PublicKey, h algo.Hash, digest, sig []byte, opts Options) (Result, error) {
	if !h.Valid() || len(digest) != h.Size() {
		return Result{}, fmt.Errorf("%w: digest of %d octets for %s", algo.ErrMismatch, len(digest), h)
	}
	if opts.Algorithm == nil && pub.Family != algo.RSA {
		s, err := Algorithm(pub, h)
		if err != nil {
			return Result{}, err
		}
		opts.Algorithm = &s
	}
	return verify(pub, sig, opts, func(s algo.Signature, native []byte) error {
		if s.Hash != h && s.Hash != 0 {
			return fmt.Errorf("%w: %s and digest of %s", algo.ErrSignature, s.Name, h)
		}
		return s.VerifyDigest(pub, digest, native)
	})
}

// verify goes through algorithms and forms. check is given the signature in the form that algo expects.
func verify(pub algo.PublicKey, sig []byte, opts Options, check func(algo.Signature, []byte) error) (Result, error) {
	algorithms, err := candidates(pub, opts.Algorithm)
	if err != nil {
		return Result{}, err
	}
	last := algo.ErrSignature
	for _, s := range algorithms {
		if err := s.Fits(pub); err != nil {
			return Result{}, err
		}
		for _, form := range formsFor(pub, s, opts.Form) {
			native, err := Convert(pub, sig, form, nativeForm(s))
			if err != nil {
				last = fmt.Errorf("%w: %w", algo.ErrSignature, err)
				continue
			}
			if err = check(s, native); err == nil {
				return Result{Algorithm: s, Form: form}, nil
			}
			if !errors.Is(err, algo.ErrSignature) {
				return Result{}, err
			}
			last = err
		}
	}
	return Result{}, last
}

// nativeForm is the form that Signature.Verify of package algo takes.
func nativeForm(s algo.Signature) Form {
	if s.RFC {
		return RFC
	}
	return Forms(s.Family)[0]
}

func formsFor(pub algo.PublicKey, s algo.Signature, asked Form) []Form {
	switch {
	case asked != 0:
		return []Form{asked}
	case pub.Family == algo.ECDSA:
		return []Form{DER, Pair}
	}
	return []Form{nativeForm(s)}
}

// candidates are the algorithms to try: the one asked for, or the usual ones of the key, the likeliest first.
func candidates(pub algo.PublicKey, asked *algo.Signature) ([]algo.Signature, error) {
	if asked != nil {
		if Forms(asked.Family) == nil {
			return nil, fmt.Errorf("%w: %s", algo.ErrNotAllowed, asked.Family)
		}
		return []algo.Signature{*asked}, nil
	}
	usual, err := Algorithm(pub, 0)
	if err != nil {
		return nil, err
	}
	out := []algo.Signature{usual}
	switch pub.Family { //nolint:exhaustive // the other families have one algorithm
	case algo.ECDSA:
		out, err = withHashes(out, pub, Algorithm)
	case algo.RSA:
		if out, err = withHashes(out, pub, Algorithm); err == nil {
			out, err = withHashes(out, pub, pss)
		}
	case algo.RSAPSS:
		out, err = withHashes(nil, pub, pss)
	}
	return out, err
}

func pss(_ algo.PublicKey, h algo.Hash) (algo.Signature, error) {
	s, _, err := algo.PSSFor(h)
	return s, err
}

// withHashes appends the algorithms with each hash of SHA-2 that are not there yet.
func withHashes(out []algo.Signature, pub algo.PublicKey, of func(algo.PublicKey, algo.Hash) (algo.Signature, error)) ([]algo.Signature, error) {
	for _, h := range []algo.Hash{algo.SHA256, algo.SHA384, algo.SHA512} {
		s, err := of(pub, h)
		if err != nil {
			return nil, err
		}
		if len(out) > 0 && out[0].OID == s.OID && out[0].Hash == s.Hash || s.Fits(pub) != nil {
			continue
		}
		out = append(out, s)
	}
	return out, nil
}
