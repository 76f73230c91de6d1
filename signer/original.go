package signer

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"qaqpa/signer/algo"
	"qaqpa/signer/engine"
	"qaqpa/signer/path"
	"qaqpa/signer/report"
)

// original is what a detached document is over, as the request brings it. A stream is read here, once.
func (s *Service) original(req ValidateRequest) (engine.Original, error) {
	ways := 0
	for _, given := range []bool{req.Detached != nil, len(req.DetachedDigests) > 0, req.DetachedStream != nil, req.Original != nil, len(req.Originals) > 0} {
		if given {
			ways++
		}
	}
	if ways > 1 {
		return engine.Original{}, fmt.Errorf("%w: the original is given in one way only", ErrRequest)
	}
	if err := checkDigests(req.DetachedDigests); err != nil {
		return engine.Original{}, err
	}
	switch {
	case len(req.Originals) > 0:
		return named(req.Originals)
	case req.Original != nil:
		return *req.Original, nil
	case req.DetachedStream != nil:
		return s.ReadOriginal(req.Document, req.DetachedStream)
	}
	return engine.Original{Octets: req.Detached, Digests: req.DetachedDigests}, nil
}

func checkDigests(digests map[algo.Hash][]byte) error {
	for h, d := range digests {
		if !h.Valid() || len(d) != h.Size() {
			return fmt.Errorf("%w: a digest of %d bytes for %s", ErrRequest, len(d), h)
		}
	}
	return nil
}

// named are several originals. Two of one name would let the caller see one and the signature the other.
func named(list []NamedOriginal) (engine.Original, error) {
	out := engine.Original{Named: make(map[string]engine.Original, len(list))}
	for _, o := range list {
		_, twice := out.Named[o.Name]
		switch {
		case o.Name == "" || len(o.Name) > nameMax:
			return out, fmt.Errorf("%w: an original has a name of 1 to %d octets", ErrRequest, nameMax)
		case twice:
			return out, fmt.Errorf("%w: two originals are called %.100q", ErrRequest, o.Name)
		case (o.Octets == nil) == (len(o.Digests) == 0):
			return out, fmt.Errorf("%w: an original is given by its octets or by its digests", ErrRequest)
		}
		if err := checkDigests(o.Digests); err != nil {
			return out, err
		}
		out.Named[o.Name] = engine.Original{Octets: o.Octets, Digests: o.Digests}
	}
	return out, nil
}

// Original is an original that was read; see Service.ReadOriginal.
type Original = engine.Original

// InPassing reports whether memory does not grow with the original of a document when ReadOriginal reads it.
func InPassing(document []byte) bool { return engine.InPassing(document) }

// ReadOriginal reads the original of a document to its end, for Validate: so that a sender who is slow holds up no validation.
// It is kept by its digests alone where the document is InPassing, and whole otherwise, up to Config.DocumentBytesMax; a longer
// one is ErrTooLarge. Errors of the reader are returned as they are, wrapped.
func (s *Service) ReadOriginal(document []byte, r io.Reader) (Original, error) {
	o, err := engine.ReadOriginal(document, r, int64(s.cfg.DocumentBytesMax))
	if errors.Is(err, engine.ErrOriginalSize) {
		return o, fmt.Errorf("%w: %w", ErrTooLarge, err)
	}
	return o, err
}

// OriginalHashes are the hash functions of which a signature needs digests of its original, for ValidateRequest.DetachedDigests; nil
// where digests do not serve it. Nothing is judged.
func OriginalHashes(document []byte) []algo.Hash { return engine.OriginalHashes(document) }

// policyOf is the policy that a request asks for: the service's own unless it names or brings another. Where the service does
// not look at revocation at all, no policy does.
func (s *Service) policyOf(req ValidateRequest) (engine.Policy, error) {
	p, err := s.policy, error(nil)
	switch {
	case req.Policy != "" && req.PolicyDocument != nil:
		return p, fmt.Errorf("%w: a policy is named or given, not both", ErrRequest)
	case req.PolicyDocument != nil:
		p, err = engine.LoadPolicy(req.PolicyDocument)
	case req.Policy != "":
		p, err = engine.PolicyNamed(req.Policy)
	}
	if err != nil {
		return p, fmt.Errorf("%w: %w", ErrRequest, err)
	}
	if s.cfg.Revocation == RevocationOff {
		p.Revocation, p.ListedRevocation = path.Off, path.Off
	}
	return p, nil
}

// keepPolicy keeps the document of a policy that a request brought beside the evidence, so that the verdict can be replayed.
func (g *gatherer) keepPolicy(document []byte) {
	if document != nil {
		g.keep(kindPolicy, sha256.Sum256(document), document, sourceRequest)
	}
}

// Kinds and sources of evidence that are told apart.
const (
	kindPolicy    = "policy"
	sourceRequest = "request"
)

// storedPolicy is the policy of a stored verdict. The error is ErrReplay where it is gone.
func (s *Service) storedPolicy(ctx context.Context, v Verdict) (engine.Policy, error) {
	i := -1
	for k := range v.Evidence {
		if v.Evidence[k].Kind == kindPolicy {
			i = k
		}
	}
	req := ValidateRequest{Policy: v.Policy}
	if i >= 0 {
		d, _ := digestOf(v.Evidence[i].SHA256)
		bodies, err := s.evidenceBodies(ctx, []path.Digest{d})
		if err != nil {
			return engine.Policy{}, err
		}
		req = ValidateRequest{PolicyDocument: bodies[d]}
	}
	if v.Policy == s.policy.Name && i < 0 {
		req = ValidateRequest{}
	}
	p, err := s.policyOf(req)
	if err != nil {
		return p, fmt.Errorf("%w: the policy is gone: %w", ErrReplay, err)
	}
	return p, nil
}

// isPolicy tells an entry of a verdict's evidence that is its policy.
func isPolicy(e report.Evidence) bool { return e.Kind == kindPolicy }
