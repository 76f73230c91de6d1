package payment

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"maps"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"qaqpa/payment/ledger"
)

// leavesMax bounds the leaves of one bucket that one checkpoint takes in; the rest waits for the next.
const leavesMax = 4096

// growth is what a bucket gained since the last checkpoint.
type growth struct {
	bucket int
	head   ledger.Head
	nodes  ledger.Nodes
}

// makeCheckpoint signs the state of the journal if it has grown, and returns whether it had. The leaves are read first:
// they never change. Of several processes that do this at once, one stores its checkpoint and the others drop theirs.
func (s *Service) makeCheckpoint(ctx context.Context) (bool, error) {
	started := s.now()
	number, heads, err := s.readHeads(ctx)
	if err != nil {
		return false, err
	}
	grown, err := s.growAll(ctx, heads)
	if err != nil || len(grown) == 0 {
		return false, err
	}
	previous, err := s.previousNote(ctx, number)
	if err != nil {
		return false, err
	}
	for _, g := range grown {
		heads[g.bucket] = g.head
	}
	root, err := heads.Root()
	if err != nil {
		return false, err
	}
	next := ledger.Checkpoint{Origin: s.noteSigner.Name(), Number: number + 1, Total: heads.Total(), Root: root, Previous: previous, At: s.now()}
	signed, err := next.Sign(s.noteSigner)
	if err != nil {
		return false, err
	}
	// What the token signed must open under the key that we tell the world.
	if _, err := ledger.OpenCheckpoint(signed, s.noteKeys); err != nil {
		return false, fmt.Errorf("couldn't open our own checkpoint: %w", err)
	}
	stored, err := s.storeCheckpoint(ctx, next, signed, heads, grown)
	if err != nil || !stored {
		return false, err
	}
	s.metrics.checkpoints.Inc()
	s.metrics.checkpointSize.Set(float64(next.Total))
	s.metrics.checkpointTime.Observe(s.now().Sub(started).Seconds())
	s.kick(s.wakeReceipts)
	return true, nil
}

func (s *Service) readHeads(ctx context.Context) (int64, *ledger.Heads, error) {
	var row struct {
		Number int64  `db:"number"`
		Heads  []byte `db:"heads"`
	}
	if err := one(ctx, s.db, &row, `SELECT number, heads FROM checkpoint_head WHERE id = 1`); err != nil {
		return 0, nil, err
	}
	heads, err := ledger.UnmarshalHeads(row.Heads)
	return row.Number, heads, err
}

func (s *Service) previousNote(ctx context.Context, number int64) (ledger.Hash, error) {
	if number == 0 {
		return ledger.Hash{}, nil
	}
	var text string
	if err := one(ctx, s.db, &text, `SELECT note FROM checkpoints WHERE number = $1`, number); err != nil {
		return ledger.Hash{}, err
	}
	return ledger.NoteHash(text), nil
}

// growAll computes the new nodes and roots of all buckets that have grown.
func (s *Service) growAll(ctx context.Context, heads *ledger.Heads) ([]growth, error) {
	var sizes []struct {
		Bucket int   `db:"bucket"`
		Size   int64 `db:"size"`
	}
	if err := all(ctx, s.db, &sizes, `SELECT bucket, size FROM journal_heads WHERE size > 0 ORDER BY bucket`); err != nil {
		return nil, err
	}
	var grown []growth
	for _, now := range sizes {
		if now.Size <= heads[now.Bucket].Size {
			continue
		}
		g, err := s.grow(ctx, now.Bucket, heads[now.Bucket].Size, min(now.Size, heads[now.Bucket].Size+leavesMax))
		if err != nil {
			return nil, fmt.Errorf("couldn't grow the tree of bucket %d: %w", now.Bucket, err)
		}
		grown = append(grown, g)
	}
	return grown, nil
}

func (s *Service) grow(ctx context.Context, bucket int, from, to int64) (growth, error) {
	var leaves []struct {
		Seq  int64  `db:"seq"`
		Leaf []byte `db:"leaf"`
	}
	err := all(ctx, s.db, &leaves, `SELECT seq, leaf FROM journal WHERE bucket = $1 AND seq >= $2 AND seq < $3 ORDER BY seq`, bucket, from, to)
	if err != nil {
		return growth{}, err
	}
	if int64(len(leaves)) != to-from {
		return growth{}, fmt.Errorf("%d leaves from %d to %d", len(leaves), from, to)
	}
	have, err := readNodes(ctx, s.db, bucket, ledger.EdgeIndexes(from))
	if err != nil {
		return growth{}, err
	}
	g := growth{bucket: bucket, head: ledger.Head{Size: to}, nodes: ledger.Nodes{}}
	for i, l := range leaves {
		if l.Seq != from+int64(i) {
			return growth{}, fmt.Errorf("leaf %d is missing", from+int64(i))
		}
		made, err := ledger.Grow(have, l.Seq, l.Leaf)
		if err != nil {
			return growth{}, err
		}
		maps.Copy(g.nodes, made)
	}
	g.head.Root, err = ledger.RootOf(to, have)
	return g, err
}

// readNodes reads nodes of one bucket's tree.
func readNodes(ctx context.Context, q sqlx.QueryerContext, bucket int, indexes []int64) (ledger.Nodes, error) {
	var rows []struct {
		Index int64  `db:"idx"`
		Hash  []byte `db:"hash"`
	}
	err := all(ctx, q, &rows, `SELECT idx, hash FROM journal_nodes WHERE bucket = $1 AND idx = ANY($2)`, bucket, pq.Array(indexes))
	if err != nil {
		return nil, err
	}
	nodes := make(ledger.Nodes, len(rows))
	for _, r := range rows {
		nodes[r.Index] = ledger.Hash(r.Hash)
	}
	return nodes, nil
}

// changedBytes is the length of one bucket in the column changed: bucket, size, root.
const changedBytes = 1 + 8 + 32

func (s *Service) storeCheckpoint(ctx context.Context, c ledger.Checkpoint, signed string, heads *ledger.Heads, grown []growth) (bool, error) {
	var changed []byte
	for _, g := range grown {
		changed = append(changed, byte(g.bucket))                             //nolint:gosec // G115: buckets are below 256
		changed = binary.BigEndian.AppendUint64(changed, uint64(g.head.Size)) //nolint:gosec // G115: sizes are not negative
		changed = append(changed, g.head.Root[:]...)
	}
	stored := false
	err := s.inTx(ctx, func(ctx context.Context, tx *sqlx.Tx) error {
		stored = false
		result, err := tx.ExecContext(ctx, `UPDATE checkpoint_head SET number = $1, heads = $2 WHERE id = 1 AND number = $3`,
			c.Number, heads.Marshal(), c.Number-1)
		if err != nil {
			return fmt.Errorf("couldn't move the head of the checkpoints: %w", err)
		}
		if n, err := result.RowsAffected(); err != nil || n == 0 {
			return err // another process was faster
		}
		if err := exec(ctx, tx, 1, `INSERT INTO checkpoints (number, size, note, changed, at) VALUES ($1, $2, $3, $4, $5)`,
			c.Number, c.Total, signed, changed, c.At); err != nil {
			return err
		}
		if err := keepSnapshot(ctx, tx, c.Number, heads); err != nil {
			return err
		}
		for _, g := range grown {
			if err := insertNodes(ctx, tx, g); err != nil {
				return err
			}
		}
		stored = true
		return audit(ctx, tx, s.cfg.Auditor, entry{actorGateway, "journal.checkpoint", fmt.Sprintf("checkpoint:%d", c.Number), map[string]any{
			"size": c.Total, "root": base64.StdEncoding.EncodeToString(c.Root[:]),
		}})
	})
	return stored, err
}

func insertNodes(ctx context.Context, tx *sqlx.Tx, g growth) error {
	indexes, hashes := make([]int64, 0, len(g.nodes)), make([][]byte, 0, len(g.nodes))
	for index, hash := range g.nodes {
		indexes, hashes = append(indexes, index), append(hashes, hash[:])
	}
	return exec(ctx, tx, int64(len(indexes)), `
		INSERT INTO journal_nodes (bucket, idx, hash) SELECT $1, idx, hash FROM unnest($2::bigint[], $3::bytea[]) AS t (idx, hash)`,
		g.bucket, pq.Array(indexes), pq.Array(hashes))
}

// Checkpoint returns the newest checkpoint, or [ErrCheckpointUnknown] before the first payment.
func (s *Service) Checkpoint(ctx context.Context) (Checkpoint, error) {
	var row struct {
		Number int64     `db:"number"`
		Size   int64     `db:"size"`
		Note   string    `db:"note"`
		At     time.Time `db:"at"`
	}
	if err := orMissing(one(ctx, s.db, &row, `SELECT number, size, note, at FROM checkpoints ORDER BY number DESC LIMIT 1`), ErrCheckpointUnknown); err != nil {
		return Checkpoint{}, err
	}
	opened, err := ledger.PeekCheckpoint(row.Note)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("couldn't read checkpoint %d: %w", row.Number, err)
	}
	return Checkpoint{
		Number: row.Number, Size: row.Size, Root: base64.StdEncoding.EncodeToString(opened.Root[:]), Note: row.Note, At: row.At.UTC(),
	}, nil
}

// Proof proves that a transfer stands in the journal under the newest checkpoint. Errors: [ErrTransferUnknown],
// [ErrNotYetCheckpoint].
func (s *Service) Proof(ctx context.Context, transfer string) (ledger.Proof, error) {
	bucket, ok := bucketOfID(prefixTransfer, transfer)
	if !ok {
		return ledger.Proof{}, ErrTransferUnknown
	}
	var seq int64
	err := orMissing(one(ctx, s.db, &seq, `SELECT journal_seq FROM transfers WHERE bucket = $1 AND id = $2`, bucket, transfer), ErrTransferUnknown)
	if err != nil {
		return ledger.Proof{}, err
	}
	view, err := s.newestView(ctx)
	if err != nil {
		return ledger.Proof{}, err
	}
	return s.prove(ctx, view, bucket, seq)
}

// journalView is the journal under one checkpoint.
type journalView struct {
	note  string
	heads *ledger.Heads
}

// newestView reads the newest checkpoint with its heads, both of one moment.
func (s *Service) newestView(ctx context.Context) (journalView, error) {
	var row struct {
		Note  string `db:"note"`
		Heads []byte `db:"heads"`
	}
	err := orMissing(one(ctx, s.db, &row,
		`SELECT c.note, h.heads FROM checkpoint_head h JOIN checkpoints c ON c.number = h.number WHERE h.id = 1`), ErrNotYetCheckpoint)
	if err != nil {
		return journalView{}, err
	}
	heads, err := ledger.UnmarshalHeads(row.Heads)
	return journalView{note: row.Note, heads: heads}, err
}

// prove leads from a leaf to the checkpoint of the view, or returns [ErrNotYetCheckpoint].
func (s *Service) prove(ctx context.Context, v journalView, bucket int, seq int64) (ledger.Proof, error) {
	head := v.heads[bucket]
	if seq >= head.Size {
		return ledger.Proof{}, ErrNotYetCheckpoint
	}
	var leaf []byte
	if err := one(ctx, s.db, &leaf, `SELECT leaf FROM journal WHERE bucket = $1 AND seq = $2`, bucket, seq); err != nil {
		return ledger.Proof{}, err
	}
	path, err := ledger.PathOf(head.Size, seq, nodeReader{ctx, s.db, bucket})
	if err != nil {
		return ledger.Proof{}, err
	}
	topPath, err := v.heads.Path(bucket)
	if err != nil {
		return ledger.Proof{}, err
	}
	return ledger.Proof{
		Leaf: string(leaf), Bucket: bucket, Index: seq, Size: head.Size, Root: ledger.EncodePath([]ledger.Hash{head.Root})[0],
		Path: ledger.EncodePath(path), TopPath: ledger.EncodePath(topPath), Checkpoint: v.note,
	}, nil
}

// nodeReader reads stored nodes for tlog, which asks for all it needs at once and knows no context.
type nodeReader struct {
	ctx    context.Context //nolint:containedctx // tlog.HashReader has no parameter for it; the reader lives for one call
	q      sqlx.QueryerContext
	bucket int
}

// ReadHashes implements tlog.HashReader.
func (r nodeReader) ReadHashes(indexes []int64) ([]ledger.Hash, error) {
	nodes, err := readNodes(r.ctx, r.q, r.bucket, indexes)
	if err != nil {
		return nil, err
	}
	return nodes.ReadHashes(indexes)
}
