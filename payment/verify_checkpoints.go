package payment

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"

	"qaqpa/payment/ledger"
)

type checkpointRow struct {
	Number  int64  `db:"number"`
	Size    int64  `db:"size"`
	Note    string `db:"note"`
	Changed []byte `db:"changed"`
}

// checkpoints opens every note in order: numbers without gaps, each naming the digest of the one before, sizes that only
// grow, and a root that follows from the heads that the row lists. What the heads claim is checked against the leaves
// when their buckets are walked.
func (w *walk) checkpoints(ctx context.Context) error {
	w.heads = ledger.NewHeads()
	var previous ledger.Hash
	for last := int64(0); ; {
		var rows []checkpointRow
		err := all(ctx, w.tx, &rows, `SELECT number, size, note, changed FROM checkpoints WHERE number > $1 ORDER BY number LIMIT $2`, last, verifyPage)
		if err != nil {
			return err
		}
		for _, row := range rows {
			if row.Number != last+1 {
				w.report.problem("checkpoint %d: numbers %d to %d are missing", row.Number, last+1, row.Number-1)
			}
			w.checkpoint(row, previous)
			if err := w.snapshot(ctx, row.Number); err != nil {
				return err
			}
			previous, last = ledger.NoteHash(row.Note), row.Number
			w.report.Checkpoints++
		}
		if len(rows) < verifyPage {
			return w.checkpointHead(ctx, last)
		}
	}
}

func (w *walk) checkpoint(row checkpointRow, previous ledger.Hash) {
	opened, err := ledger.OpenCheckpoint(row.Note, w.keys)
	if err != nil {
		w.report.problem("checkpoint %d: %v", row.Number, err)
		return
	}
	if opened.Number != row.Number || opened.Total != row.Size {
		w.report.problem("checkpoint %d: the note is of number %d and size %d", row.Number, opened.Number, opened.Total)
	}
	if opened.Previous != previous {
		w.report.problem("checkpoint %d: does not follow the one before", row.Number)
	}
	if err := w.applyChanged(row); err != nil {
		w.report.problem("checkpoint %d: %v", row.Number, err)
	}
	root, err := w.heads.Root()
	if err != nil || root != opened.Root || w.heads.Total() != opened.Total {
		w.report.problem("checkpoint %d: the signed root does not follow from the buckets", row.Number)
	}
}

func (w *walk) applyChanged(row checkpointRow) error {
	if len(row.Changed)%changedBytes != 0 {
		return fmt.Errorf("list of changes of %d bytes", len(row.Changed))
	}
	for rest := row.Changed; len(rest) > 0; rest = rest[changedBytes:] {
		bucket := int(rest[0])
		head := ledger.Head{Size: int64(binary.BigEndian.Uint64(rest[1:9]))} //nolint:gosec // G115: compared below
		copy(head.Root[:], rest[9:changedBytes])
		if head.Size <= w.heads[bucket].Size {
			return fmt.Errorf("bucket %d shrinks from %d to %d", bucket, w.heads[bucket].Size, head.Size)
		}
		w.heads[bucket] = head
		w.claims[bucket] = append(w.claims[bucket], claimedRoot{number: row.Number, head: head})
	}
	return nil
}

func (w *walk) checkpointHead(ctx context.Context, last int64) error {
	var row struct {
		Number int64  `db:"number"`
		Heads  []byte `db:"heads"`
	}
	if err := one(ctx, w.tx, &row, `SELECT number, heads FROM checkpoint_head WHERE id = 1`); err != nil {
		return err
	}
	if row.Number != last || !bytes.Equal(row.Heads, w.heads.Marshal()) {
		w.report.problem("head of the checkpoints: is at %d and does not follow from checkpoint %d", row.Number, last)
	}
	return nil
}
