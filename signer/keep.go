package signer

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"qaqpa/signer/audit"
	"qaqpa/signer/pack"
	"qaqpa/signer/path"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// Unkept is a verdict that was given and is not stored yet; [Service.Keep] stores it. It has its id already.
type Unkept struct {
	verdict Verdict
	actor   string
	bodies  map[path.Digest]body
	// kept and entry are the row's text and the audit entry, once they are written.
	kept  []byte
	entry audit.Entry
}

// write makes what is stored. Judge does it where its caller waits for nobody: within a shared transaction, hundreds of verdicts would be written one after
// the other while the database has nothing to do.
func (u *Unkept) write(p *pack.Packer) error {
	if u.kept != nil {
		return nil
	}
	entry, err := auditOf(u.verdict, u.actor)
	if err != nil {
		return err
	}
	kept, err := p.PackText(u.verdict.AppendJSON)
	if err != nil {
		return fmt.Errorf("couldn't write down the verdict: %w", err)
	}
	u.kept, u.entry = kept, entry
	return nil
}

// Judge is [Service.Validate] for callers that store the verdict in a transaction of their own, with what they do because
// of it: see [Service.Keep]. ValidateRequest.Store must be set.
func (s *Service) Judge(ctx context.Context, req ValidateRequest) (Verdict, *Unkept, error) {
	start := s.cfg.Now()
	if !req.Store {
		return Verdict{}, nil, fmt.Errorf("%w: what is not stored is not judged for keeping", ErrRequest)
	}
	v, bodies, err := s.judge(ctx, req)
	if err == nil {
		v.ID, err = newID("vrd", v.DocumentSHA256[:2])
	}
	s.metrics.validated(v.Indication, err, s.cfg.Now().Sub(start))
	if err != nil {
		return Verdict{}, nil, err
	}
	u := &Unkept{verdict: v, actor: req.Actor, bodies: bodies}
	return v, u, u.write(s.pack)
}

// Keep stores verdicts and the bodies of their evidence within the caller's transaction, in two round trips however many
// they are, and returns the audit entries that the caller appends there as well. It takes no locks beyond those of rows
// that it adds. committed must be called after the commit, and only then.
func (s *Service) Keep(ctx context.Context, tx *sqlx.Tx, list []*Unkept) (entries []audit.Entry, committed func(), err error) {
	bodies := map[path.Digest]body{}
	n := len(list)
	buckets, digests, texts := make([]int64, n), make([][]byte, n), make([][]byte, n)
	ids, actors, indications, subs, at := make([]string, n), make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	entries = make([]audit.Entry, n)
	for i, u := range list {
		maps.Copy(bodies, u.bodies)
		v := u.verdict
		if digests[i], err = hex.DecodeString(v.DocumentSHA256); err != nil {
			return nil, nil, fmt.Errorf("couldn't read the document's digest: %w", err)
		}
		if err := u.write(s.pack); err != nil {
			return nil, nil, err
		}
		texts[i], entries[i] = u.kept, u.entry
		buckets[i], ids[i], actors[i], at[i] = int64(digests[i][0]), v.ID, u.actor, v.At.UTC().Format(time.RFC3339Nano)
		indications[i], subs[i] = string(v.Indication), string(v.Sub)
	}
	fresh := s.known.unknown(bodies)
	if err := insertEvidence(ctx, tx, bodies, fresh, s.cfg.Now()); err != nil {
		return nil, nil, err
	}
	_, err = tx.ExecContext(ctx, `
		INSERT INTO verdicts (bucket, id, at, created_at, actor, document_sha256, indication, sub_indication, verdict)
		SELECT bucket, id, at, $4, actor, document_sha256, indication, sub_indication, verdict
		FROM unnest($1::integer[], $2::text[], $3::text[]::timestamptz[], $5::text[], $6::bytea[], $7::text[], $8::text[], $9::bytea[])
			AS t (bucket, id, at, actor, document_sha256, indication, sub_indication, verdict)`,
		pq.Array(buckets), pq.Array(ids), pq.Array(at), s.cfg.Now().UTC(), pq.Array(actors), pq.Array(digests),
		pq.Array(indications), pq.Array(subs), pq.Array(texts))
	if err != nil {
		return nil, nil, fmt.Errorf("couldn't store %d verdicts: %w", n, err)
	}
	return entries, func() { s.known.add(fresh) }, nil
}

// auditOf is the audit entry of a stored verdict.
func auditOf(v Verdict, actor string) (audit.Entry, error) {
	detail, err := json.Marshal(struct {
		Document   string `json:"document_sha256"`
		Indication string `json:"indication"`
		Sub        string `json:"sub_indication"`
	}{v.DocumentSHA256, string(v.Indication), string(v.Sub)})
	if err != nil {
		return audit.Entry{}, fmt.Errorf("couldn't write down the audit entry: %w", err)
	}
	return audit.Entry{Actor: actor, Action: "document.validated", Subject: v.ID, Detail: detail}, nil
}
