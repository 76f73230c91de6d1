package signer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"qaqpa/signer/algo"
	"qaqpa/signer/cms"
	"qaqpa/signer/engine"
	"qaqpa/signer/ers"
	"qaqpa/signer/path"
	"qaqpa/signer/pkix"
	"qaqpa/signer/tsp"
)

// StampDigests has many digests, made with h, stamped by one token of Config.TSA, and returns an evidence record for each (RFC 4998,
// DER), in their order. Each stands alone: who has the document, its record and the authority's root can verify it offline.
//
// Errors: ErrRequest for what are no digests of h, ErrTimeStamp. Safe for concurrent use.
func (s *Service) StampDigests(ctx context.Context, h algo.Hash, digests [][]byte) ([][]byte, error) {
	tree, token, err := s.stampTree(ctx, h, digests)
	if err != nil {
		return nil, err
	}
	return tree.Records(token)
}

// stampTree has the root of a tree over digests stamped.
func (s *Service) stampTree(ctx context.Context, h algo.Hash, digests [][]byte) (*ers.Tree, []byte, error) {
	tree, err := ers.NewTree(h, digests)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrRequest, err)
	}
	token, authority, err := s.stampDigest(ctx, h, tree.Root(), "")
	if err != nil {
		return nil, nil, err
	}
	token, err = s.withChain(ctx, token, authority)
	return tree, token, err
}

// withChain puts the certificates between the authority and its anchor into a token, where nothing is signed, so that it can be judged
// when nobody is asked.
func (s *Service) withChain(ctx context.Context, token []byte, authority []*pkix.Certificate) ([]byte, error) {
	sd, err := cms.Parse(token, cms.Limits{})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTimeStamp, err)
	}
	r := s.pathOf(ctx, authority[0], authority[1:])
	if r.Indication != path.Passed { // it did a moment ago
		return nil, fmt.Errorf("%w: the authority: %s", ErrTimeStamp, r.Sub)
	}
	var between [][]byte
	for _, c := range r.Chain[:len(r.Chain)-1] {
		between = append(between, c.Raw)
	}
	return sd.AddCertificates(between...), nil
}

// Stamped is what a time stamp proves.
type Stamped struct {
	// At is when the document existed, by Authority, with Policy.
	At        time.Time
	Authority string
	Policy    string
	// Renewals are further time stamps in the record, which were not judged.
	Renewals int
}

// ErrRecord means that an evidence record does not hold for a document.
var ErrRecord = errors.New("the evidence record does not hold")

// VerifyRecord holds a document against its evidence record: the way through the tree, the token, and the chain of the authority at the
// time stated; revocation is not looked at. It asks nobody. ErrRecord when it does not hold.
func (s *Service) VerifyRecord(document, record []byte) (Stamped, error) {
	r, err := ers.Parse(record)
	if err != nil {
		return Stamped{}, fmt.Errorf("%w: %w", ErrRecord, err)
	}
	token, err := tsp.ParseToken(r.Token)
	if err != nil {
		return Stamped{}, fmt.Errorf("%w: %w", ErrRecord, err)
	}
	h := r.Hash
	if h == 0 {
		h = token.Info.Hash
	}
	if !h.Valid() {
		return Stamped{}, fmt.Errorf("%w: %w", ErrRecord, algo.ErrUnknownAlgorithm)
	}
	root, err := r.Verify(h, h.Sum(nil, document))
	if err != nil {
		return Stamped{}, fmt.Errorf("%w: %w", ErrRecord, err)
	}
	out, err := s.verifyToken(token, h, root)
	out.Renewals = r.Renewals
	return out, err
}

// verifyToken holds a token against what it has to be over, and its authority's chain against the anchors at the time it states.
func (s *Service) verifyToken(token *tsp.Token, h algo.Hash, imprint []byte) (Stamped, error) {
	pool := readable(token.CMS.Certificates)
	candidates := token.Signer().Candidates(pool)
	if len(candidates) == 0 {
		return Stamped{}, fmt.Errorf("%w: %w", ErrRecord, errNoAuthority)
	}
	if w := token.Verify(tsp.Expectation{Hash: h, Imprint: imprint}, candidates[0]).Worst(); w.Status > cms.Noted {
		return Stamped{}, fmt.Errorf("%w: %s: %s", ErrRecord, w.Rule, w.Detail)
	}
	at := token.Info.GenTime
	if at.After(s.cfg.Now()) {
		return Stamped{}, fmt.Errorf("%w: it comes from the future", ErrRecord)
	}
	set := s.setting(at, s.cfg.Now())
	set.Policy.Revocation, set.Policy.ListedRevocation = path.Off, path.Off
	if r, _, _ := engine.Chain(set, engine.Evidence{Certificates: pool}, candidates[0]); r.Indication != path.Passed {
		return Stamped{}, fmt.Errorf("%w: the authority: %s", ErrRecord, r.Sub)
	}
	return Stamped{At: at.UTC(), Authority: nameOf(candidates[0]), Policy: token.Info.Policy}, nil
}

func nameOf(c *pkix.Certificate) string { return c.Subject.String() }
