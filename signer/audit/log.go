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
	return insert(ctx, tx, chain(heads, entries, at), heads)
}

// head is the end of one chain.
type head struct {
	Chain int    `db:"chain"`
	Seq   int64  `db:"seq"`
	Hash  []byte `db:"hash"`
}

func lockHeads(ctx context.Context, tx *sqlx.Tx, chains []int64) (map[int]*head, error) {
	var rows []head
	var err error
	if len(chains) == 1 { // planned faster than ANY
		err = tx.SelectContext(ctx, &rows, `SELECT chain, seq, hash FROM audit_chains WHERE chain = $1 FOR UPDATE`, chains[0])
	} else {
		err = tx.SelectContext(ctx, &rows,
			`SELECT chain, seq, hash FROM audit_chains WHERE chain = ANY($1) ORDER BY chain FOR UPDATE`, pq.Array(chains))
	}
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

// insertOne and insertMany store records and move the heads in one round trip. The heads are locked by now.
const (
	insertOne = `
WITH stored AS (
    INSERT INTO audit_entries (chain, seq, prev_hash, hash, at, actor, action, subject, detail)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
)
UPDATE audit_chains SET seq = $2, hash = $4 WHERE chain = $1`
	insertMany = `
WITH stored AS (
    INSERT INTO audit_entries (chain, seq, prev_hash, hash, at, actor, action, subject, detail)
    SELECT t.chain, t.seq, t.prev_hash, t.hash, $5, t.actor, t.action, t.subject, t.detail
    FROM unnest($1::integer[], $2::bigint[], $3::bytea[], $4::bytea[], $6::text[], $7::text[], $8::text[], $9::bytea[])
        AS t (chain, seq, prev_hash, hash, actor, action, subject, detail)
)
UPDATE audit_chains SET seq = h.seq, hash = h.hash
FROM unnest($10::integer[], $11::bigint[], $12::bytea[]) AS h (chain, seq, hash)
WHERE audit_chains.chain = h.chain`
)

func insert(ctx context.Context, tx *sqlx.Tx, records []Record, heads map[int]*head) error {
	var err error
	if len(records) == 1 {
		r := &records[0]
		_, err = tx.ExecContext(ctx, insertOne, r.Chain, r.Seq, r.PrevHash[:], r.Hash[:], r.At, r.Actor, r.Action, r.Subject, r.detail())
	} else {
		_, err = tx.ExecContext(ctx, insertMany, columns(records, heads)...)
	}
	if err != nil {
		return fmt.Errorf("couldn't write the audit entry: %w", err)
	}
	return nil
}

// columns are the arguments of insertMany.
func columns(records []Record, heads map[int]*head) []any {
	n := len(records)
	chains, seqs := make([]int64, n), make([]int64, n)
	prevs, hashes, details := make([][]byte, n), make([][]byte, n), make([][]byte, n)
	actors, actions, subjects := make([]string, n), make([]string, n), make([]string, n)
	for i := range records {
		r := &records[i]
		chains[i], seqs[i] = int64(r.Chain), r.Seq
		prevs[i], hashes[i], details[i] = r.PrevHash[:], r.Hash[:], r.detail()
		actors[i], actions[i], subjects[i] = r.Actor, r.Action, r.Subject
	}
	headChains, headSeqs := make([]int64, 0, len(heads)), make([]int64, 0, len(heads))
	headHashes := make([][]byte, 0, len(heads))
	for _, h := range heads {
		headChains, headSeqs, headHashes = append(headChains, int64(h.Chain)), append(headSeqs, h.Seq), append(headHashes, h.Hash)
	}
	return []any{
		pq.Array(chains), pq.Array(seqs), pq.Array(prevs), pq.Array(hashes), records[0].At, pq.Array(actors),
		pq.Array(actions), pq.Array(subjects), pq.Array(details), pq.Array(headChains), pq.Array(headSeqs), pq.Array(headHashes),
	}
}

// detail is never NULL.
func (r *Record) detail() []byte {
	if r.Detail == nil {
		return []byte{}
	}
	return r.Detail
}
