package probe

import (
	"encoding/binary"
	"hash/maphash"
)

const (
	blockEntries = 1 << 12
	slotsLeast   = 1 << 10
)

// Config configures a [Table].
type Config struct {
	// First and Second key the two hashes that stand for a text. They must differ, and nobody who writes statements may know them: two
	// texts are taken for equal when 128 bits are, and a bank that knew the keys could look for two that collide.
	First, Second maphash.Seed
}

// Table holds open expectations by what names them and their amount.
type Table struct {
	cfg    Config
	blocks []*[blockEntries]entry // grow without being copied
	size   int
	slots  []uint32 // places of entries from 1, open addressing; 0 is free
	text   []byte
}

type entry struct {
	a, b  uint64 // of key and amount
	agree uint64 // of the value that must not contradict, 0 when there is none
	no    int64
	taken bool
}

// New returns an empty table.
func New(cfg Config) *Table {
	return &Table{cfg: cfg, slots: make([]uint32, slotsLeast)}
}

// Len is how many expectations are in the table.
func (t *Table) Len() int { return t.size }

// Add adds an open expectation: its number, its amount in tiyn with its sign, the text that names it, and the value that a line must not
// contradict, which may be empty. An expectation without a name is never found.
func (t *Table) Add(no, tiyn int64, key, agree []byte) {
	if len(key) == 0 {
		return
	}
	if t.size%blockEntries == 0 {
		t.blocks = append(t.blocks, new([blockEntries]entry))
	}
	e := entry{no: no, agree: t.value(agree)}
	e.a, e.b = t.hash(key, tiyn)
	*t.at(t.size) = e
	t.size++
	if 3*t.size > 2*len(t.slots) {
		t.grow()
		return
	}
	t.put(e.a, t.size)
}

func (t *Table) at(place int) *entry { return &t.blocks[place/blockEntries][place%blockEntries] }

// hash is over the text and the amount, both of fixed meaning: the amount has eight bytes at the end.
func (t *Table) hash(key []byte, tiyn int64) (a, b uint64) {
	t.text = binary.LittleEndian.AppendUint64(append(t.text[:0], key...), uint64(tiyn)) //nolint:gosec // G115: its bits
	return maphash.Bytes(t.cfg.First, t.text), maphash.Bytes(t.cfg.Second, t.text)
}

// value is 0 for nothing, and never for something.
func (t *Table) value(agree []byte) uint64 {
	if len(agree) == 0 {
		return 0
	}
	return maphash.Bytes(t.cfg.First, agree) | 1
}

func (t *Table) put(a uint64, place int) {
	mask := len(t.slots) - 1
	i := int(a) & mask //nolint:gosec // G115: masked
	for t.slots[i] != 0 {
		i = (i + 1) & mask
	}
	t.slots[i] = uint32(place) //nolint:gosec // G115: a table has fewer than 2³² entries: they would not fit into memory
}

func (t *Table) grow() {
	t.slots = make([]uint32, 2*len(t.slots))
	for i := range t.size {
		t.put(t.at(i).a, i+1)
	}
}

// Take returns the expectation that a line belongs to, and keeps it from later lines: the only one with this name and amount that does not
// contradict the line, if no earlier line has taken it.
func (t *Table) Take(tiyn int64, key, agree []byte) (no int64, found bool) {
	if len(key) == 0 {
		return 0, false
	}
	a, b := t.hash(key, tiyn)
	v, mask := t.value(agree), len(t.slots)-1
	var only *entry
	for i := int(a) & mask; t.slots[i] != 0; i = (i + 1) & mask { //nolint:gosec // G115: masked
		e := t.at(int(t.slots[i]) - 1)
		if e.a != a || e.b != b || (v != 0 && e.agree != 0 && v != e.agree) {
			continue
		}
		if only != nil {
			return 0, false
		}
		only = e
	}
	if only == nil || only.taken {
		return 0, false
	}
	only.taken = true
	return only.no, true
}
