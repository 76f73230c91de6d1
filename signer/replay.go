package signer

import (
	"context"
	"encoding/hex"
	"fmt"

	"qaqpa/signer/engine"
	"qaqpa/signer/path"
	"qaqpa/signer/report"
)

// Replay makes a stored verdict again from its document and the evidence that was stored with it, asking nobody. Equal
// verdicts (apart from ID and Content) show that the stored one followed from its evidence. document and detached are
// those of the request. Errors: ErrReplay when the document is another, the trust store or policy has changed, or
// evidence is lost; ErrVerdictNotFound, ErrNoDatabase.
func (s *Service) Replay(ctx context.Context, id string, document, detached []byte) (Verdict, error) {
	return s.ReplayRequest(ctx, id, ValidateRequest{Document: document, Detached: detached})
}

// ReplayRequest is Replay for an original that is given by digests or as a stream. Only the document and the original of the
// request count.
func (s *Service) ReplayRequest(ctx context.Context, id string, req ValidateRequest) (Verdict, error) {
	stored, err := s.Verdict(ctx, id)
	if err != nil {
		return Verdict{}, err
	}
	original, err := s.original(req)
	if err != nil {
		return Verdict{}, err
	}
	c := engine.OpenWith(req.Document, original, s.certs)
	ev, err := s.storedEvidence(ctx, stored)
	if err != nil {
		return Verdict{}, err
	}
	setting := s.setting(stored.At, stored.EvidenceAt)
	if setting.Policy, err = s.storedPolicy(ctx, stored); err != nil {
		return Verdict{}, err
	}
	again := c.Assess(setting, ev).Verdict
	switch {
	case again.DocumentSHA256 != stored.DocumentSHA256 || again.ContentSHA256 != stored.ContentSHA256:
		return Verdict{}, fmt.Errorf("%w: the document is another", ErrReplay)
	case again.TrustSHA256 != stored.TrustSHA256 || again.Policy != stored.Policy || stored.PolicySHA256 != "" && again.PolicySHA256 != stored.PolicySHA256:
		return Verdict{}, fmt.Errorf("%w: trust or policy has changed since", ErrReplay)
	}
	again.ID, again.Evidence = stored.ID, stored.Evidence
	return again, nil
}

// storedEvidence brings back what was gathered for a verdict.
func (s *Service) storedEvidence(ctx context.Context, v Verdict) (engine.Evidence, error) {
	var wanted []path.Digest
	for _, e := range v.Evidence {
		if d, ok := digestOf(e.SHA256); ok && e.Source != "document" && !isSubject(e) {
			wanted = append(wanted, d)
		}
	}
	bodies, err := s.evidenceBodies(ctx, wanted)
	if err != nil {
		return engine.Evidence{}, err
	}
	var ev engine.Evidence
	for _, e := range v.Evidence {
		one, err := revive(e, bodies)
		if err != nil {
			return engine.Evidence{}, err
		}
		ev = ev.Join(one)
	}
	return ev, nil
}

// revive turns one entry of the list back into evidence, with what was known about it.
func revive(e report.Evidence, bodies map[path.Digest][]byte) (engine.Evidence, error) {
	if e.Source == "document" || isPolicy(e) || isSubject(e) {
		return engine.Evidence{}, nil
	}
	if e.Failure != "" {
		subject, _ := digestOf(e.CertificateSHA256)
		return engine.Evidence{Missing: []engine.Missing{{Certificate: subject, Kind: e.Kind, URL: e.Source, Failure: e.Failure}}}, nil
	}
	d, ok := digestOf(e.SHA256)
	body, found := bodies[d]
	if !ok || !found {
		return engine.Evidence{}, fmt.Errorf("%w: evidence %s is lost", ErrReplay, e.SHA256)
	}
	ev, err := engine.ParseEvidence(body)
	if err != nil {
		return engine.Evidence{}, fmt.Errorf("%w: evidence %s: %w", ErrReplay, e.SHA256, err)
	}
	if e.Nonce != "" {
		nonce, err := hex.DecodeString(e.Nonce)
		if err != nil {
			return engine.Evidence{}, fmt.Errorf("%w: nonce of %s", ErrReplay, e.SHA256)
		}
		ev.Nonces = map[path.Digest][]byte{d: nonce}
	}
	if e.Kind == "crl" && e.Source != "request" && e.Source != sourceShelf {
		ev.Published = map[path.Digest]bool{d: true}
	}
	return ev, nil
}

func digestOf(text string) (path.Digest, bool) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != len(path.Digest{}) {
		return path.Digest{}, false
	}
	return path.Digest(b), true
}
