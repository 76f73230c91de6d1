package payment

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"qaqpa/payment/ledger"
)

// snapshotEvery is how many checkpoints lie between two stored states of all buckets.
const snapshotEvery = 256

// keepSnapshot stores the state of all buckets with every 256th checkpoint.
func keepSnapshot(ctx context.Context, tx *sqlx.Tx, number int64, heads *ledger.Heads) error {
	if number%snapshotEvery != 0 {
		return nil
	}
	return exec(ctx, tx, 1, `INSERT INTO checkpoint_snapshots (number, heads) VALUES ($1, $2)`, number, heads.Marshal())
}

// CheckpointAt returns a checkpoint by its number, or [ErrCheckpointUnknown].
func (s *Service) CheckpointAt(ctx context.Context, number int64) (Checkpoint, error) {
	var row struct {
		Number int64     `db:"number"`
		Size   int64     `db:"size"`
		Note   string    `db:"note"`
		At     time.Time `db:"at"`
	}
	if err := orMissing(one(ctx, s.db, &row, `SELECT number, size, note, at FROM checkpoints WHERE number = $1`, number), ErrCheckpointUnknown); err != nil {
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

// Consistency proves that the journal under a checkpoint holds everything that it held under an earlier one. Errors:
// [ErrCheckpointUnknown], [ErrInvalid] when from is the later one.
func (s *Service) Consistency(ctx context.Context, from, to int64) (ledger.Consistency, error) {
	if from > to {
		return ledger.Consistency{}, ErrInvalid.with("from is later").at("from")
	}
	before, oldNote, err := s.headsAt(ctx, from)
	if err != nil {
		return ledger.Consistency{}, err
	}
	after, newNote, err := s.headsAt(ctx, to)
	if err != nil {
		return ledger.Consistency{}, err
	}
	out := ledger.Consistency{Old: oldNote, New: newNote, Buckets: []ledger.BucketConsistency{}}
	for bucket := range ledger.Buckets {
		if after[bucket].Size == 0 {
			continue
		}
		b, err := ledger.ConsistencyOf(bucket, before[bucket], after[bucket], nodeReader{ctx, s.db, bucket})
		if err != nil {
			return ledger.Consistency{}, err
		}
		out.Buckets = append(out.Buckets, b)
	}
	return out, nil
}

// headsAt makes the state of all buckets under a checkpoint, from the snapshot before it and what the checkpoints since have changed,
// and returns it with the signed note.
func (s *Service) headsAt(ctx context.Context, number int64) (*ledger.Heads, string, error) {
	heads, last, text := ledger.NewHeads(), int64(0), ""
	var snapshots []struct {
		Number int64  `db:"number"`
		Heads  []byte `db:"heads"`
	}
	if err := all(ctx, s.db, &snapshots, `SELECT number, heads FROM checkpoint_snapshots WHERE number < $1 ORDER BY number DESC LIMIT 1`, number); err != nil {
		return nil, "", err
	}
	for _, snap := range snapshots {
		var err error
		if heads, err = ledger.UnmarshalHeads(snap.Heads); err != nil {
			return nil, "", err
		}
		last = snap.Number
	}
	for last < number {
		var rows []checkpointRow
		if err := all(ctx, s.db, &rows, `SELECT number, size, note, changed FROM checkpoints WHERE number > $1 AND number <= $2 ORDER BY number LIMIT $3`,
			last, number, verifyPage); err != nil {
			return nil, "", err
		}
		if len(rows) == 0 {
			break
		}
		for _, row := range rows {
			for rest := row.Changed; len(rest) >= changedBytes; rest = rest[changedBytes:] {
				head := ledger.Head{Size: int64(binary.BigEndian.Uint64(rest[1:9]))} //nolint:gosec // G115: sizes are not negative
				copy(head.Root[:], rest[9:changedBytes])
				heads[rest[0]] = head
			}
			last, text = row.Number, row.Note
		}
	}
	if text == "" || last != number {
		return nil, "", ErrCheckpointUnknown
	}
	return heads, text, nil
}
