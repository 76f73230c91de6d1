package signer

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"qaqpa/signer/algo"
	"qaqpa/signer/audit"
	"qaqpa/signer/ers"
	"qaqpa/signer/tsp"
)

// stampHeads has the heads of a seal of the audit log stamped: one token over the root of a tree over them. A seal says who vouches for
// the heads, the stamp of another authority says since when, so that whoever holds the gateway's key cannot date a seal back.
func (s *Service) stampHeads(ctx context.Context, seal string) error {
	var document []byte
	if err := s.cfg.DB.GetContext(ctx, &document, `SELECT document FROM audit_seals WHERE id = $1`, seal); err != nil {
		return fmt.Errorf("couldn't read the seal of the audit heads: %w", err)
	}
	hashes, err := headHashes(document)
	if err != nil || len(hashes) == 0 {
		return err
	}
	_, token, err := s.stampTree(ctx, algo.SHA256, hashes)
	if err != nil {
		return fmt.Errorf("couldn't have the audit heads stamped: %w", err)
	}
	if _, err := s.cfg.DB.ExecContext(ctx, `INSERT INTO audit_stamps (seal, token) VALUES ($1, $2)`, seal, token); err != nil {
		return fmt.Errorf("couldn't store the time stamp of the audit heads: %w", err)
	}
	return nil
}

// headHashes are the heads in a sealed document, in its order. Each is SHA-256 over all of its entry, chain and place included.
func headHashes(document []byte) ([][]byte, error) {
	var doc audit.Heads
	if err := json.Unmarshal(document, &doc); err != nil {
		return nil, fmt.Errorf("couldn't read the audit heads: %w", err)
	}
	out := make([][]byte, len(doc.Heads))
	for i, h := range doc.Heads {
		var err error
		if out[i], err = hex.DecodeString(h.Hash); err != nil {
			return nil, fmt.Errorf("couldn't read an audit head: %w", err)
		}
	}
	return out, nil
}

// verifyStamps holds the time stamps of seals against the heads that they are over, and adds what is wrong to the report.
func (s *Service) verifyStamps(ctx context.Context, rep *audit.Report) error {
	var rows []struct {
		Seal     string `db:"seal"`
		Token    []byte `db:"token"`
		Document []byte `db:"document"`
	}
	err := s.cfg.DB.SelectContext(ctx, &rows, `
		SELECT t.seal, t.token, s.document FROM audit_stamps t JOIN audit_seals s ON s.id = t.seal ORDER BY t.seal`)
	if err != nil {
		return fmt.Errorf("couldn't read the time stamps of audit heads: %w", err)
	}
	for _, r := range rows {
		if err := s.verifyHeadStamp(r.Document, r.Token); err != nil {
			rep.Faults = append(rep.Faults, audit.Fault{What: fmt.Sprintf("the time stamp of seal %s: %v", r.Seal, err)})
		}
	}
	rep.Stamps = len(rows)
	return nil
}

func (s *Service) verifyHeadStamp(document, der []byte) error {
	hashes, err := headHashes(document)
	if err != nil {
		return err
	}
	tree, err := ers.NewTree(algo.SHA256, hashes)
	if err != nil {
		return err
	}
	token, err := tsp.ParseToken(der)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRecord, err)
	}
	_, err = s.verifyToken(token, algo.SHA256, tree.Root())
	return err
}
