package signer

import (
	"encoding/binary"
	"testing"

	"qaqpa/signer/path"
)

// TestKnownEvidenceKeepsWhatIsAsked: a list that every verdict names is not forgotten for the answers that come and go, and
// memory stays bounded.
func TestKnownEvidenceKeepsWhatIsAsked(t *testing.T) {
	k := newKnownEvidence()
	list := path.Digest{0xff}
	k.add([]path.Digest{list})
	for i := range 4 * knownMax {
		var answer path.Digest
		binary.BigEndian.PutUint32(answer[:], uint32(i))
		k.add([]path.Digest{answer})
		if len(k.unknown(map[path.Digest]body{list: {}})) > 0 {
			t.Fatalf("forgotten after %d answers", i)
		}
	}
	if n := len(k.young) + len(k.old); n > 2*knownMax {
		t.Errorf("%d digests are remembered", n)
	}
	if got := k.unknown(map[path.Digest]body{{1, 2, 3}: {}, {0}: {}}); len(got) != 2 || got[0] != (path.Digest{0}) {
		t.Errorf("unknown: %x", got)
	}
}
