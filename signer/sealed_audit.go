package signer

import (
	"context"
	"errors"
	"fmt"

	"qaqpa/signer/audit"
	"qaqpa/signer/cms"
	"qaqpa/signer/engine"
	"qaqpa/signer/path"
	"qaqpa/signer/pkix"
)

// SealAudit seals the heads of the audit log with the gateway's key and returns the id of the seal. Where a time-stamping authority is
// set, one time stamp over a tree of the heads is kept beside it. Errors are those of Seal.
func (s *Service) SealAudit(ctx context.Context, actor string) (string, error) {
	if s.cfg.DB == nil {
		return "", ErrNoDatabase
	}
	id, err := s.cfg.Audit.SealHeads(ctx, s.cfg.DB, func(ctx context.Context, document []byte) ([]byte, error) {
		return s.Seal(ctx, SealRequest{Document: document, Actor: actor})
	})
	if err != nil || !s.StampsTime() {
		return id, err
	}
	if err := s.stampHeads(ctx, id); err != nil { // the seal holds without it, and the next one has another
		s.log.WarnContext(ctx, "audit heads were not stamped", "error", err.Error())
	}
	return id, nil
}

// VerifyAudit checks the whole audit log, the signatures of its seals included: each must be made by a certificate that
// led to a trust anchor when the seal was made. Faults are a result; an error means that the log could not be read.
func (s *Service) VerifyAudit(ctx context.Context) (audit.Report, error) {
	if s.cfg.DB == nil {
		return audit.Report{}, ErrNoDatabase
	}
	rep, err := audit.Verify(ctx, s.cfg.DB, s.OpenSeal)
	if err != nil {
		return audit.Report{}, err
	}
	if err := s.verifyStamps(ctx, &rep); err != nil {
		return audit.Report{}, err
	}
	return rep, nil
}

// ErrSeal says that what was handed to OpenSeal is no seal of a trusted authority's certificate.
var ErrSeal = errors.New("no valid seal")

// OpenSeal returns the content of an attached seal after checking its signature, and the chain of its certificate for
// the time that the seal claims; revocation is not looked at. It asks nobody. ErrSeal when it does not hold.
func (s *Service) OpenSeal(sealed []byte) ([]byte, error) {
	sd, err := cms.Parse(sealed, cms.Limits{})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSeal, err)
	}
	if !sd.HasContent || len(sd.Signers) != 1 {
		return nil, fmt.Errorf("%w: it has no content or not one signer", ErrSeal)
	}
	var pool []*pkix.Certificate
	for _, raw := range sd.Certificates {
		if c, err := pkix.ParseCertificate(raw); err == nil {
			pool = append(pool, c)
		}
	}
	info := &sd.Signers[0]
	candidates := info.Candidates(pool)
	if len(candidates) == 0 || info.SigningTime.IsZero() {
		return nil, fmt.Errorf("%w: it names no certificate or no time", ErrSeal)
	}
	if checks := info.Verify(cms.Content{}, candidates[0]); checks.Worst().Status > cms.Noted {
		return nil, fmt.Errorf("%w: %s", ErrSeal, checks)
	}
	set := s.setting(info.SigningTime, s.cfg.Now())
	set.Policy.Revocation, set.Policy.ListedRevocation = path.Off, path.Off
	if r, _, _ := engine.Chain(set, engine.Evidence{Certificates: pool}, candidates[0]); r.Indication != path.Passed {
		return nil, fmt.Errorf("%w: its certificate: %s", ErrSeal, r.Sub)
	}
	return sd.Content, nil
}
