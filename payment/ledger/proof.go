package ledger

import (
	"fmt"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Proof shows that a leaf stands in the journal under a signed checkpoint, in two parts: from the leaf to the root of
// its bucket, and from the bucket's record to the top root.
type Proof struct {
	// Leaf is the canonical JSON of the journal entry, as text.
	Leaf string `json:"leaf"`
	// Bucket and Index locate the leaf; Size is the number of leaves of the bucket under the checkpoint.
	Bucket int   `json:"bucket"`
	Index  int64 `json:"index"`
	Size   int64 `json:"size"`
	// Root is the root of the bucket, base64.
	Root string `json:"root"`
	// Path leads from the leaf to the root of the bucket, base64 hashes.
	Path []string `json:"path"`
	// TopPath leads from the bucket's record to the top root.
	TopPath []string `json:"top_path"`
	// Checkpoint is the signed note.
	Checkpoint string `json:"checkpoint"`
}

// Verify checks the proof of an executed order under the keys of checkpoints and returns the entry and the checkpoint. It
// needs no network and no database. Errors wrap [ErrProof], [ErrCheckpoint], [ErrJournal] or [ErrTransfer].
func (p Proof) Verify(keys note.Verifiers) (Entry, Checkpoint, error) {
	entry, err := DecodeEntry([]byte(p.Leaf))
	if err != nil {
		return Entry{}, Checkpoint{}, err
	}
	checkpoint, err := p.verifyAt(keys, entry.Bucket, entry.Seq)
	if err != nil {
		return Entry{}, Checkpoint{}, err
	}
	return entry, checkpoint, nil
}

// VerifyPosting is Verify for a leaf that is a posting.
func (p Proof) VerifyPosting(keys note.Verifiers) (Posting, Checkpoint, error) {
	posting, err := DecodePosting([]byte(p.Leaf))
	if err != nil {
		return Posting{}, Checkpoint{}, err
	}
	checkpoint, err := p.verifyAt(keys, posting.Bucket, posting.Seq)
	if err != nil {
		return Posting{}, Checkpoint{}, err
	}
	return posting, checkpoint, nil
}

// verifyAt checks both paths for a leaf that says where it stands.
func (p Proof) verifyAt(keys note.Verifiers, bucket int, seq int64) (Checkpoint, error) {
	checkpoint, err := OpenCheckpoint(p.Checkpoint, keys)
	if err != nil {
		return Checkpoint{}, err
	}
	return checkpoint, p.includes(checkpoint, bucket, seq)
}

// VerifyUnsigned is [Proof.Verify] without a key of checkpoints: the leaf stands under the checkpoint that the proof names, and
// whoever vouches for the whole proof, such as the seal over a receipt, vouches for that checkpoint. That others have seen the
// same checkpoint, it cannot show.
func (p Proof) VerifyUnsigned() (Entry, Checkpoint, error) {
	entry, err := DecodeEntry([]byte(p.Leaf))
	if err != nil {
		return Entry{}, Checkpoint{}, err
	}
	checkpoint, err := PeekCheckpoint(p.Checkpoint)
	if err != nil {
		return Entry{}, Checkpoint{}, err
	}
	return entry, checkpoint, p.includes(checkpoint, entry.Bucket, entry.Seq)
}

// includes checks the paths from a leaf that says where it stands to the root of a checkpoint.
func (p Proof) includes(checkpoint Checkpoint, bucket int, seq int64) error {
	if bucket != p.Bucket || seq != p.Index || p.Size < 1 || p.Index < 0 || p.Index >= p.Size || p.Size > checkpoint.Total {
		return fmt.Errorf("%w: leaf is not at bucket %d index %d of %d", ErrProof, p.Bucket, p.Index, p.Size)
	}
	path, err := decodePath(p.Path)
	if err != nil {
		return err
	}
	topPath, err := decodePath(p.TopPath)
	if err != nil {
		return err
	}
	root, err := tlog.ParseHash(p.Root)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrProof, err)
	}
	if err := tlog.CheckRecord(path, p.Size, root, p.Index, tlog.RecordHash([]byte(p.Leaf))); err != nil {
		return fmt.Errorf("%w: leaf to bucket: %w", ErrProof, err)
	}
	record := Head{Size: p.Size, Root: root}.record(p.Bucket)
	if err := tlog.CheckRecord(topPath, Buckets, checkpoint.Root, int64(p.Bucket), tlog.RecordHash(record)); err != nil {
		return fmt.Errorf("%w: bucket to top: %w", ErrProof, err)
	}
	return nil
}
