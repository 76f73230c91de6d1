package signer

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"qaqpa/signer/audit"
	"qaqpa/signer/path"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// storeVerdict keeps a verdict, the bodies of its evidence and an audit entry: all of them or none.
func (s *Service) storeVerdict(ctx context.Context, u *Unkept) error {
	var committed func()
	err := s.inTx(ctx, func(tx *sqlx.Tx) error {
		var entries []audit.Entry
		var err error
		if entries, committed, err = s.Keep(ctx, tx, []*Unkept{u}); err != nil {
			return err
		}
		return s.cfg.Audit.AppendAll(ctx, tx, entries)
	})
	if err == nil {
		committed()
	}
	return err
}

// insertEvidence adds bodies that are not there yet, in order of digest so that two writers do not deadlock.
func insertEvidence(ctx context.Context, tx *sqlx.Tx, bodies map[path.Digest]body, digests []path.Digest, at time.Time) error {
	if len(digests) == 0 {
		return nil
	}
	buckets, ids := make([]int64, len(digests)), make([][]byte, len(digests))
	kinds, contents := make([]string, len(digests)), make([][]byte, len(digests))
	for i, d := range digests {
		buckets[i], ids[i] = int64(d[0]), bytes.Clone(d[:])
		kinds[i], contents[i] = bodies[d].kind, bodies[d].bytes
	}
	_, err := tx.ExecContext(ctx, `
		INSERT INTO evidence (bucket, sha256, kind, created_at, body)
		SELECT bucket, sha256, kind, $4, body
		FROM unnest($1::bigint[], $2::bytea[], $3::text[], $5::bytea[]) AS t (bucket, sha256, kind, body)
		ON CONFLICT ON CONSTRAINT evidence_pk DO NOTHING`,
		pq.Array(buckets), pq.Array(ids), pq.Array(kinds), at.UTC(), pq.Array(contents))
	if err != nil {
		return fmt.Errorf("couldn't store the evidence: %w", err)
	}
	return nil
}

// hasEvidence tells whether a body is stored, without reading it.
func (s *Service) hasEvidence(ctx context.Context, d path.Digest) (bool, error) {
	var there bool
	err := s.cfg.DB.GetContext(ctx, &there, `SELECT EXISTS (SELECT 1 FROM evidence WHERE bucket = $1 AND sha256 = $2)`, int(d[0]), d[:])
	if err != nil {
		return false, fmt.Errorf("couldn't look for evidence: %w", err)
	}
	return there, nil
}

// Verdict returns a stored verdict as it was given, without the content. Errors: ErrVerdictNotFound, ErrNoDatabase.
func (s *Service) Verdict(ctx context.Context, id string) (Verdict, error) {
	v, _, _, err := s.readVerdict(ctx, id)
	return v, err
}

// readVerdict also tells who asked for it, and gives the text, byte for byte as it was written down.
func (s *Service) readVerdict(ctx context.Context, id string) (v Verdict, actor string, text []byte, err error) {
	if s.cfg.DB == nil {
		return v, "", nil, ErrNoDatabase
	}
	bucket, ok := bucketOf("vrd", id)
	if !ok {
		return v, "", nil, fmt.Errorf("%w: %q", ErrVerdictNotFound, id)
	}
	var row struct {
		Verdict []byte `db:"verdict"`
		Actor   string `db:"actor"`
	}
	err = s.cfg.DB.GetContext(ctx, &row, `SELECT verdict, actor FROM verdicts WHERE bucket = $1 AND id = $2`, bucket, id)
	if errors.Is(err, sql.ErrNoRows) {
		return v, "", nil, fmt.Errorf("%w: %s", ErrVerdictNotFound, id)
	}
	if err != nil {
		return v, "", nil, fmt.Errorf("couldn't read the verdict: %w", err)
	}
	if text, err = s.pack.Unpack(row.Verdict); err != nil {
		return v, "", nil, fmt.Errorf("couldn't read the stored verdict %s: %w", id, err)
	}
	if err := json.Unmarshal(text, &v); err != nil {
		return v, "", nil, fmt.Errorf("couldn't read the stored verdict: %w", err)
	}
	return v, row.Actor, text, nil
}

// evidenceBodies reads stored bodies by digest.
func (s *Service) evidenceBodies(ctx context.Context, digests []path.Digest) (map[path.Digest][]byte, error) {
	return s.evidenceUpTo(ctx, digests, math.MaxInt32)
}

// evidenceUpTo reads those of at most bytesMax bytes, and leaves the others where they are.
func (s *Service) evidenceUpTo(ctx context.Context, digests []path.Digest, bytesMax int) (map[path.Digest][]byte, error) {
	buckets, ids := make([]int64, len(digests)), make([][]byte, len(digests))
	for i, d := range digests {
		buckets[i], ids[i] = int64(d[0]), bytes.Clone(d[:])
	}
	var rows []struct {
		SHA256 []byte `db:"sha256"`
		Body   []byte `db:"body"`
	}
	err := s.cfg.DB.SelectContext(ctx, &rows,
		`SELECT sha256, body FROM evidence WHERE bucket = ANY($1) AND sha256 = ANY($2) AND octet_length(body) <= $3`, pq.Array(buckets), pq.Array(ids), bytesMax)
	if err != nil {
		return nil, fmt.Errorf("couldn't read the evidence: %w", err)
	}
	out := make(map[path.Digest][]byte, len(rows))
	for _, r := range rows {
		out[path.Digest(r.SHA256)] = r.Body
	}
	return out, nil
}

// attemptsMax is how often a transaction is tried that the database wants retried.
const attemptsMax = 5

// inTx runs f in a transaction, again when the database says 40001 or 40P01.
func (s *Service) inTx(ctx context.Context, f func(*sqlx.Tx) error) error {
	return inTx(ctx, s.cfg.DB, f)
}

func inTx(ctx context.Context, db *sqlx.DB, f func(*sqlx.Tx) error) error {
	for attempt := 1; ; attempt++ {
		err := once(ctx, db, f)
		var pe *pq.Error
		if err == nil || attempt == attemptsMax || !errors.As(err, &pe) || (pe.Code != "40001" && pe.Code != "40P01") {
			return err
		}
	}
}

func once(ctx context.Context, db *sqlx.DB, f func(*sqlx.Tx) error) error {
	tx, err := db.BeginTxx(ctx, nil)
	if err != nil {
		return fmt.Errorf("couldn't begin a transaction: %w", err)
	}
	if err := f(tx); err != nil {
		return errors.Join(err, rollback(tx))
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("couldn't commit: %w", err)
	}
	return nil
}

// rollback leaves out the error of a transaction that is gone already, with its connection or its context.
func rollback(tx *sqlx.Tx) error {
	if err := tx.Rollback(); err != nil && !errors.Is(err, sql.ErrTxDone) {
		return fmt.Errorf("couldn't roll back: %w", err)
	}
	return nil
}

// knownMax bounds how many digests are remembered in each of two generations, of 32 bytes each.
const knownMax = 1 << 15

// knownEvidence remembers bodies that are in the database, so that a list of 21 MB is sent there once. What is asked for stays, what
// is not is forgotten: each verdict brings an OCSP answer that no other will name, and those must not drive out the list
// that all of them name. Evidence is never deleted, so what is known stays true.
type knownEvidence struct {
	mu         sync.Mutex
	young, old map[path.Digest]bool
}

func newKnownEvidence() *knownEvidence { return &knownEvidence{young: map[path.Digest]bool{}} }

// unknown lists digests that are not known to be stored, sorted.
func (k *knownEvidence) unknown(bodies map[path.Digest]body) []path.Digest {
	k.mu.Lock()
	defer k.mu.Unlock()
	var out []path.Digest
	for d := range bodies {
		switch {
		case k.young[d]:
		case k.old[d]:
			k.remember(d)
		default:
			out = append(out, d)
		}
	}
	slices.SortFunc(out, func(a, b path.Digest) int { return bytes.Compare(a[:], b[:]) })
	return out
}

func (k *knownEvidence) add(digests []path.Digest) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, d := range digests {
		k.remember(d)
	}
}

// remember adds a digest; mu is held.
func (k *knownEvidence) remember(d path.Digest) {
	if len(k.young) >= knownMax {
		k.old, k.young = k.young, make(map[path.Digest]bool, knownMax)
	}
	k.young[d] = true
}
