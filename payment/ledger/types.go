package ledger

// Proof shows that a leaf stands in the journal under a signed checkpoint, in two parts: leaf → root of the bucket
// → top root.
type Proof struct {
	// Leaf is the canonical JSON of the journal entry, as text.
	Leaf string `json:"leaf"`
	// Bucket and Index locate the leaf; Size is the number of leaves of the bucket under the checkpoint.
	Bucket int   `json:"bucket"`
	Index  int64 `json:"index"`
	Size   int64 `json:"size"`
	// Path leads from the leaf to the root of the bucket, base64 hashes.
	Path []string `json:"path"`
	// TopPath leads from the bucket's record to the top root.
	TopPath []string `json:"top_path"`
	// Checkpoint is the signed note.
	Checkpoint string `json:"checkpoint"`
}
