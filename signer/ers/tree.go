package ers

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"qaqpa/signer/algo"
)

// Tree is a hash tree over digests. It is immutable.
type Tree struct {
	hash   algo.Hash
	levels [][][]byte // hashes of each level, leaves first, the root alone last
	groups [][]int    // for each level but the last: to which node above each hash belongs
}

// digestsMax bounds the digests of one tree; a record has at most 20 levels then.
const digestsMax = 1 << 20

// ErrDigest means a digest that is not one of the hash, none at all, or too many.
var ErrDigest = errors.New("not digests of this hash")

// NewTree makes a tree over digests made with h. The same digest may stand several times.
func NewTree(h algo.Hash, digests [][]byte) (*Tree, error) {
	if !h.Valid() || len(digests) == 0 || len(digests) > digestsMax {
		return nil, fmt.Errorf("couldn't make a hash tree: %w: %d of them", ErrDigest, len(digests))
	}
	leaves := make([][]byte, len(digests))
	for i, d := range digests {
		if len(d) != h.Size() {
			return nil, fmt.Errorf("couldn't make a hash tree: %w: %d octets", ErrDigest, len(d))
		}
		leaves[i] = slices.Clone(d)
	}
	t := &Tree{hash: h, levels: [][][]byte{leaves}}
	for len(t.levels[len(t.levels)-1]) > 1 {
		t.grow()
	}
	return t, nil
}

// grow adds the level above the highest. Nodes have two children, the last of an odd number three: a node of one child could not be
// written as a record.
func (t *Tree) grow() {
	below := t.levels[len(t.levels)-1]
	n := len(below) / 2
	group, above := make([]int, len(below)), make([][]byte, n)
	for i := range below {
		group[i] = min(i/2, n-1)
	}
	for node := range above {
		end := 2*node + 2
		if node == n-1 {
			end = len(below)
		}
		above[node] = nodeOf(t.hash, below[2*node:end])
	}
	t.levels, t.groups = append(t.levels, above), append(t.groups, group)
}

// nodeOf is the hash over hashes in ascending order.
func nodeOf(h algo.Hash, children [][]byte) []byte {
	sorted := slices.SortedFunc(slices.Values(children), bytes.Compare)
	return h.Sum(nil, bytes.Join(sorted, nil))
}

// Root is what is to be stamped, with the tree's hash as the imprint's.
func (t *Tree) Root() []byte { return slices.Clone(t.levels[len(t.levels)-1][0]) }

// path are the lists of hashes that lead from a leaf to the root: in the first all of its node, in the others those that join.
func (t *Tree) path(leaf int) (lists [][][]byte) {
	at := leaf
	for level, group := range t.groups {
		var list [][]byte
		for i := 2 * group[at]; i < len(group) && group[i] == group[at]; i++ {
			if i != at || level == 0 {
				list = append(list, t.levels[level][i])
			}
		}
		lists = append(lists, list)
		at = group[at]
	}
	return lists
}
