package ledger

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"

	"golang.org/x/mod/sumdb/tlog"
)

// ErrProof says that a proof does not hold.
var ErrProof = errors.New("proof does not hold")

// EmptyRoot is the root of an empty tree (RFC 6962 2.1).
func EmptyRoot() Hash { return sha256.Sum256(nil) }

// Head is the state of one bucket under a checkpoint.
type Head struct {
	Size int64
	Root Hash
}

// record is the leaf of a bucket in the top tree.
func (h Head) record(bucket int) []byte {
	out := fmt.Appendf(nil, "qaqpa-bucket-v1\n%d\n", bucket)
	out = binary.BigEndian.AppendUint64(out, uint64(h.Size)) //nolint:gosec // G115: sizes are not negative
	return append(out, h.Root[:]...)
}

// Heads is the state of all buckets.
type Heads [Buckets]Head

// NewHeads returns the state of an empty journal.
func NewHeads() *Heads {
	var h Heads
	for i := range h {
		h[i].Root = EmptyRoot()
	}
	return &h
}

// headBytes is the length of one head in [Heads.Marshal].
const headBytes = 8 + sha256.Size

// Marshal renders the heads as 256 times size and root.
func (h *Heads) Marshal() []byte {
	out := make([]byte, 0, Buckets*headBytes)
	for _, head := range h {
		out = binary.BigEndian.AppendUint64(out, uint64(head.Size)) //nolint:gosec // G115: sizes are not negative
		out = append(out, head.Root[:]...)
	}
	return out
}

// UnmarshalHeads reads what [Heads.Marshal] wrote.
func UnmarshalHeads(raw []byte) (*Heads, error) {
	if len(raw) != Buckets*headBytes {
		return nil, fmt.Errorf("couldn't read heads of %d bytes", len(raw))
	}
	var h Heads
	for i := range h {
		one := raw[i*headBytes:]
		h[i].Size = int64(binary.BigEndian.Uint64(one)) //nolint:gosec // G115: checked to be not negative below
		copy(h[i].Root[:], one[8:headBytes])
		if h[i].Size < 0 {
			return nil, fmt.Errorf("couldn't read heads: bucket %d has size %d", i, h[i].Size)
		}
	}
	return &h, nil
}

// Total is the number of leaves in all buckets.
func (h *Heads) Total() int64 {
	var n int64
	for _, head := range h {
		n += head.Size
	}
	return n
}

// Root is the root of the tree over all buckets.
func (h *Heads) Root() (Hash, error) {
	stored, err := h.stored()
	if err != nil {
		return Hash{}, err
	}
	root, err := tlog.TreeHash(Buckets, stored)
	if err != nil {
		return Hash{}, fmt.Errorf("couldn't compute the top root: %w", err)
	}
	return root, nil
}

// Path leads from the record of a bucket to the top root.
func (h *Heads) Path(bucket int) ([]Hash, error) {
	stored, err := h.stored()
	if err != nil {
		return nil, err
	}
	path, err := tlog.ProveRecord(Buckets, int64(bucket), stored)
	if err != nil {
		return nil, fmt.Errorf("couldn't prove bucket %d: %w", bucket, err)
	}
	return path, nil
}

func (h *Heads) stored() (Nodes, error) {
	nodes := Nodes{}
	for bucket, head := range h {
		hashes, err := tlog.StoredHashes(int64(bucket), head.record(bucket), nodes)
		if err != nil {
			return nil, fmt.Errorf("couldn't hash bucket %d: %w", bucket, err)
		}
		nodes.append(int64(bucket), hashes)
	}
	return nodes, nil
}

// Nodes are hashes of a tree by their index in tlog's numbering. It reads for tlog.
type Nodes map[int64]Hash

// ReadHashes implements tlog.HashReader.
func (n Nodes) ReadHashes(indexes []int64) ([]Hash, error) {
	out := make([]Hash, len(indexes))
	for i, index := range indexes {
		hash, ok := n[index]
		if !ok {
			return nil, fmt.Errorf("couldn't find node %d of the tree", index)
		}
		out[i] = hash
	}
	return out, nil
}

func (n Nodes) append(leaf int64, hashes []Hash) {
	first := tlog.StoredHashIndex(0, leaf)
	for i, hash := range hashes {
		n[first+int64(i)] = hash
	}
}

// Grow adds a leaf and returns the nodes that it makes, by index. have must hold the right edge of the tree: the nodes
// of [EdgeIndexes].
func Grow(have Nodes, leafNumber int64, leaf []byte) (Nodes, error) {
	hashes, err := tlog.StoredHashes(leafNumber, leaf, have)
	if err != nil {
		return nil, fmt.Errorf("couldn't add leaf %d: %w", leafNumber, err)
	}
	made := Nodes{}
	made.append(leafNumber, hashes)
	maps.Copy(have, made)
	return made, nil
}

// EdgeIndexes lists the nodes that hold the whole of a tree of the given size: one complete subtree per bit.
func EdgeIndexes(size int64) []int64 {
	var indexes []int64
	var start int64
	for level := 62; level >= 0; level-- {
		if size&(1<<level) != 0 {
			indexes = append(indexes, tlog.StoredHashIndex(level, start>>level))
			start += 1 << level
		}
	}
	return indexes
}

// RootOf computes the root of a tree from its nodes.
func RootOf(size int64, nodes tlog.HashReader) (Hash, error) {
	if size == 0 {
		return EmptyRoot(), nil
	}
	root, err := tlog.TreeHash(size, nodes)
	if err != nil {
		return Hash{}, fmt.Errorf("couldn't compute the root at %d: %w", size, err)
	}
	return root, nil
}

// PathOf leads from a leaf to the root of a tree of the given size.
func PathOf(size, leaf int64, nodes tlog.HashReader) ([]Hash, error) {
	path, err := tlog.ProveRecord(size, leaf, nodes)
	if err != nil {
		return nil, fmt.Errorf("couldn't prove leaf %d under %d: %w", leaf, size, err)
	}
	return path, nil
}

// EncodePath renders hashes in base64.
func EncodePath(path []Hash) []string {
	out := make([]string, len(path))
	for i, hash := range path {
		out[i] = base64.StdEncoding.EncodeToString(hash[:])
	}
	return out
}

// pathMax is more than any tree of 2^63 leaves needs.
const pathMax = 64

func decodePath(text []string) ([]Hash, error) {
	if len(text) > pathMax {
		return nil, fmt.Errorf("%w: path of %d hashes", ErrProof, len(text))
	}
	out := make([]Hash, len(text))
	for i, one := range text {
		hash, err := tlog.ParseHash(one)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrProof, err)
		}
		out[i] = hash
	}
	return out, nil
}
