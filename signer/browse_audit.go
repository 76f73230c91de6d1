package signer

import (
	"context"

	"qaqpa/signer/audit"
)

// AuditEntries lists entries of the audit log, the newest first; see audit.Recent.
func (s *Service) AuditEntries(ctx context.Context, q audit.Query) ([]audit.Record, error) {
	if s.cfg.DB == nil {
		return nil, ErrNoDatabase
	}
	return audit.Recent(ctx, s.cfg.DB, q)
}

// AuditProof checks what holds one entry in its place, the signature of the seal over it included; see audit.Prove.
func (s *Service) AuditProof(ctx context.Context, chain int, seq int64) (audit.Proof, error) {
	if s.cfg.DB == nil {
		return audit.Proof{}, ErrNoDatabase
	}
	return audit.Prove(ctx, s.cfg.DB, audit.Head{Chain: chain, Seq: seq}, s.OpenSeal)
}
