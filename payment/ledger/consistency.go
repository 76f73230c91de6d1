package ledger

import (
	"encoding/json"
	"fmt"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Consistency shows that the journal under a later checkpoint holds everything that it held under an earlier one, unchanged
// and in the same places: for each bucket a consistency proof of RFC 6962 2.1.2 from its old root to its new one, and all roots
// together lead to the two signed tops.
type Consistency struct {
	// Old and New are the signed notes.
	Old string `json:"old"`
	New string `json:"new"`
	// Buckets are those that have leaves under New, in their order.
	Buckets []BucketConsistency `json:"buckets"`
}

// BucketConsistency is the part of one bucket.
type BucketConsistency struct {
	Bucket  int   `json:"bucket"`
	OldSize int64 `json:"old_size"`
	NewSize int64 `json:"new_size"`
	// OldRoot and NewRoot are base64.
	OldRoot string `json:"old_root"`
	NewRoot string `json:"new_root"`
	// Path is the proof, base64 hashes; empty where nothing was there before, or nothing was added.
	Path []string `json:"path"`
}

// ConsistencyOf proves one bucket from its old state to its new one.
func ConsistencyOf(bucket int, before, after Head, nodes tlog.HashReader) (BucketConsistency, error) {
	b := BucketConsistency{
		Bucket: bucket, OldSize: before.Size, NewSize: after.Size, Path: []string{},
		OldRoot: EncodePath([]Hash{before.Root})[0], NewRoot: EncodePath([]Hash{after.Root})[0],
	}
	if before.Size == 0 || before.Size == after.Size {
		return b, nil
	}
	proof, err := tlog.ProveTree(after.Size, before.Size, nodes)
	if err != nil {
		return b, fmt.Errorf("couldn't prove bucket %d from %d to %d: %w", bucket, before.Size, after.Size, err)
	}
	b.Path = EncodePath(proof)
	return b, nil
}

// Verify checks the proof under the keys of checkpoints and returns both checkpoints. It needs no network and no database.
// Errors wrap [ErrProof] or [ErrCheckpoint].
func (c Consistency) Verify(keys note.Verifiers) (before, after Checkpoint, err error) {
	if before, err = OpenCheckpoint(c.Old, keys); err != nil {
		return before, after, err
	}
	if after, err = OpenCheckpoint(c.New, keys); err != nil {
		return before, after, err
	}
	if before.Origin != after.Origin || before.Number > after.Number {
		return before, after, fmt.Errorf("%w: checkpoint %d of %s does not come after %d of %s", ErrProof, after.Number, after.Origin, before.Number, before.Origin)
	}
	if len(c.Buckets) > Buckets {
		return before, after, fmt.Errorf("%w: %d buckets", ErrProof, len(c.Buckets))
	}
	then, now, last := NewHeads(), NewHeads(), -1
	for _, b := range c.Buckets {
		if b.Bucket <= last || b.Bucket >= Buckets {
			return before, after, fmt.Errorf("%w: bucket %d after %d", ErrProof, b.Bucket, last)
		}
		last = b.Bucket
		if then[b.Bucket], now[b.Bucket], err = b.verify(); err != nil {
			return before, after, err
		}
	}
	for _, side := range []struct {
		heads *Heads
		said  Checkpoint
	}{{then, before}, {now, after}} {
		root, err := side.heads.Root()
		if err != nil || root != side.said.Root || side.heads.Total() != side.said.Total {
			return before, after, fmt.Errorf("%w: the buckets do not lead to checkpoint %d", ErrProof, side.said.Number)
		}
	}
	return before, after, nil
}

// verify checks one bucket and returns its two states.
func (b BucketConsistency) verify() (before, after Head, err error) {
	if b.OldSize < 0 || b.NewSize < 1 || b.OldSize > b.NewSize {
		return before, after, fmt.Errorf("%w: bucket %d goes from %d to %d leaves", ErrProof, b.Bucket, b.OldSize, b.NewSize)
	}
	roots, err := decodePath([]string{b.OldRoot, b.NewRoot})
	if err != nil {
		return before, after, err
	}
	path, err := decodePath(b.Path)
	if err != nil {
		return before, after, err
	}
	before, after = Head{Size: b.OldSize, Root: roots[0]}, Head{Size: b.NewSize, Root: roots[1]}
	switch b.OldSize {
	case 0:
		if before.Root != EmptyRoot() || len(path) > 0 {
			err = fmt.Errorf("%w: bucket %d was empty, and its root is not", ErrProof, b.Bucket)
		}
	case b.NewSize:
		if before.Root != after.Root || len(path) > 0 {
			err = fmt.Errorf("%w: bucket %d has two roots of one size", ErrProof, b.Bucket)
		}
	default:
		if e := tlog.CheckTree(path, b.NewSize, after.Root, b.OldSize, before.Root); e != nil {
			err = fmt.Errorf("%w: bucket %d: %w", ErrProof, b.Bucket, e)
		}
	}
	return before, after, err
}

// Sums adds a stored leaf up per account: what it debits and what it credits. Only what the sums need is read.
func Sums(leaf []byte, add func(debit, credit Account, tiyn int64)) error {
	var e struct {
		Transfers []struct {
			Debit  Account `json:"debit"`
			Credit Account `json:"credit"`
			Tiyn   int64   `json:"amount"`
		} `json:"transfers"`
	}
	if err := json.Unmarshal(leaf, &e); err != nil {
		return fmt.Errorf("%w: %w", ErrJournal, err)
	}
	for _, t := range e.Transfers {
		add(t.Debit, t.Credit, t.Tiyn)
	}
	return nil
}
