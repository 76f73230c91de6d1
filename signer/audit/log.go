package audit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// Config of a Log.
type Config struct {
	// Now is the clock; obligatory.
	Now func() time.Time
}

// Log appends entries. It holds no state of its own: all of it is in the database.
type Log struct{ now func() time.Time }

// New makes a Log. The schema is that of signer/migrations.
func New(cfg Config) (*Log, error) {
	if cfg.Now == nil {
		return nil, errors.New("audit: Config.Now is missing")
	}
	return &Log{now: cfg.Now}, nil
}

// Append adds one entry within the caller's transaction: it is there if and only if the transaction commits. The head
// row of the subject's chain stays locked until then, so append late. ErrEntry when the entry cannot be kept; database
// errors come wrapped, those with SQLSTATE 40001 and 40P01 ask for a retry of the transaction.
//
//nolint:revive // argument-limit: the signature is that of payment.Auditor, which must not know Entry
func (l *Log) Append(ctx context.Context, tx *sqlx.Tx, actor, action, subject string, detail []byte) error {
	return l.AppendAll(ctx, tx, []Entry{{Actor: actor, Action: action, Subject: subject, Detail: detail}})
}

// AppendAll adds entries, at most 10,000, in two round trips however many they are. Heads are locked in order of
// chains, so calls of AppendAll do not deadlock with each other. Entries of one chain keep their order.
func (l *Log) AppendAll(ctx context.Context, tx *sqlx.Tx, entries []Entry) error {
	if len(entries) == 0 {
		return nil
	}
	if len(entries) > entriesMax {
		return fmt.Errorf("%w: %d entries in one call, at most %d are taken", ErrEntry, len(entries), entriesMax)
	}
	chains := make([]int64, 0, 1)
	for _, e := range entries {
		if err := e.check(); err != nil {
			return err
		}
		chains = append(chains, int64(Bucket(e.Subject)))
	}
	slices.Sort(chains)
	heads, err := lockHeads(ctx, tx, slices.Compact(chains))
	if err != nil {
		return err
	}
	// PostgreSQL keeps microseconds: what is hashed must be what is read back.
	at := l.now().UTC().Truncate(time.Microsecond)
	return insert(ctx, tx, chain(heads, entries, at))
}

// head is the end of one chain.
type head struct {
	Chain int    `db:"chain"`
	Seq   int64  `db:"seq"`
	Hash  []byte `db:"hash"`
}

func lockHeads(ctx context.Context, tx *sqlx.Tx, chains []int64) (map[int]*head, error) {
	var rows []head
	err := tx.SelectContext(ctx, &rows,
		`SELECT chain, seq, hash FROM audit_chains WHERE chain = ANY($1) ORDER BY chain FOR UPDATE`, pq.Array(chains))
	if err != nil {
		return nil, fmt.Errorf("couldn't lock the audit chain: %w", err)
	}
	if len(rows) != len(chains) {
		return nil, fmt.Errorf("couldn't find the heads of %d audit chains", len(chains)-len(rows))
	}
	heads := make(map[int]*head, len(rows))
	for i := range rows {
		heads[rows[i].Chain] = &rows[i]
	}
	return heads, nil
}

// chain turns entries into records behind heads, and moves heads.
func chain(heads map[int]*head, entries []Entry, at time.Time) []Record {
	records := make([]Record, len(entries))
	for i, e := range entries {
		h := heads[Bucket(e.Subject)]
		r := &records[i]
		*r = Record{Entry: e, Chain: h.Chain, Seq: h.Seq + 1, At: at}
		copy(r.PrevHash[:], h.Hash)
		r.Hash = r.hash()
		h.Seq, h.Hash = r.Seq, r.Hash[:]
	}
	return records
}

const insertRecords = `
WITH fresh AS (
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bytea[], $4::bytea[], $6::text[], $7::text[], $8::text[], $9::bytea[])
        AS t (chain, seq, prev_hash, hash, actor, action, subject, detail)
), stored AS (
    INSERT INTO audit_entries (chain, seq, prev_hash, hash, at, actor, action, subject, detail)
    SELECT chain, seq, prev_hash, hash, $5::timestamptz, actor, action, subject, detail FROM fresh
)
UPDATE audit_chains SET seq = fresh.seq, hash = fresh.hash
FROM fresh
WHERE audit_chains.chain = fresh.chain
  AND fresh.seq = (SELECT max(last.seq) FROM fresh AS last WHERE last.chain = fresh.chain)`

func insert(ctx context.Context, tx *sqlx.Tx, records []Record) error {
	n := len(records)
	chains, seqs := make([]int64, n), make([]int64, n)
	prevs, hashes, details := make([][]byte, n), make([][]byte, n), make([][]byte, n)
	actors, actions, subjects := make([]string, n), make([]string, n), make([]string, n)
	for i := range records {
		r := &records[i]
		chains[i], seqs[i] = int64(r.Chain), r.Seq
		prevs[i], hashes[i], details[i] = r.PrevHash[:], r.Hash[:], r.Detail
		if r.Detail == nil {
			details[i] = []byte{}
		}
		actors[i], actions[i], subjects[i] = r.Actor, r.Action, r.Subject
	}
	_, err := tx.ExecContext(ctx, insertRecords, pq.Array(chains), pq.Array(seqs), pq.Array(prevs), pq.Array(hashes),
		records[0].At, pq.Array(actors), pq.Array(actions), pq.Array(subjects), pq.Array(details))
	if err != nil {
		return fmt.Errorf("couldn't write the audit entry: %w", err)
	}
	return nil
}
