package pack

import (
	"bytes"
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"sync"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
)

//go:embed words.json
var words []byte

const (
	// wordsID is the number of the dictionary, as frames name it.
	wordsID = 1
	// textMax is the longest text that is unpacked: longer than any verdict over the most signatures that a document may have.
	textMax = 64 << 20
	// roomMax is the largest buffer that is kept for the next text, in octets.
	roomMax = 256 << 10
	// headLen is the mark and the checksum before a block.
	headLen = len(mark) + 4
)

// mark begins what is kept: two octets that no text of UTF-8 begins with, and the number of the dictionary.
var mark = [3]byte{0xff, 's', wordsID}

// magic begins the frames of Zstandard (RFC 8878 3.1.1) of before. A JSON text cannot begin so.
var magic = []byte{0x28, 0xb5, 0x2f, 0xfd}

// ErrDamaged says that kept bytes are not those of a packed text.
var ErrDamaged = errors.New("pack: the kept text is damaged")

// Packer packs and unpacks texts. It is safe for concurrent use.
type Packer struct {
	dict *s2.Dict
	sums *crc32.Table
	// before reads the frames of before.
	before *zstd.Decoder
	// scratch holds buffers of [Packer.PackText]: a verdict and its longest kept form are many times what is kept.
	scratch sync.Pool
}

// scratch is room for a text and for its kept form.
type scratch struct{ text, kept []byte }

// New makes a Packer.
func New() (*Packer, error) {
	dict := s2.MakeDictManual(words, 0)
	if dict == nil {
		return nil, errors.New("pack: couldn't make the dictionary")
	}
	before, err := zstd.NewReader(nil, zstd.WithDecoderDictRaw(wordsID, words), zstd.WithDecoderMaxMemory(textMax), zstd.WithDecoderConcurrency(0))
	if err != nil {
		return nil, fmt.Errorf("pack: couldn't make the decoder: %w", err)
	}
	p := &Packer{dict: dict, sums: crc32.MakeTable(crc32.Castagnoli), before: before}
	p.scratch.New = func() any { return new(scratch) }
	return p, nil
}

// Pack returns the kept form of a text of UTF-8.
func (p *Packer) Pack(text []byte) []byte {
	room, _ := p.scratch.Get().(*scratch)
	defer p.putBack(room)
	return p.pack(room, text)
}

// PackText returns the kept form of the text that write appends to what it is given. Its errors are those of write.
func (p *Packer) PackText(write func([]byte) ([]byte, error)) ([]byte, error) {
	room, _ := p.scratch.Get().(*scratch)
	defer p.putBack(room)
	text, err := write(room.text[:0])
	if err != nil {
		return nil, err
	}
	room.text = text
	return p.pack(room, text), nil
}

func (p *Packer) pack(room *scratch, text []byte) []byte {
	if longest := headLen + max(s2.MaxEncodedLen(len(text)), 0); cap(room.kept) < longest {
		room.kept = make([]byte, longest)
	}
	kept := room.kept[:cap(room.kept)]
	copy(kept, mark[:])
	binary.LittleEndian.PutUint32(kept[len(mark):], crc32.Checksum(text, p.sums))
	block := p.dict.Encode(kept[headLen:], text)
	return bytes.Clone(kept[:headLen+len(block)]) // the longest form is eight times the common one
}

// putBack keeps room for the next text. The attack: verdicts over documents with thousands of signatures, whose room is held for ever.
func (p *Packer) putBack(room *scratch) {
	if cap(room.text) <= roomMax && cap(room.kept) <= roomMax {
		p.scratch.Put(room)
	}
}

// Unpack returns the text, byte for byte. What was kept before texts were packed is returned as it is. Errors: ErrDamaged.
func (p *Packer) Unpack(kept []byte) ([]byte, error) {
	switch {
	case bytes.HasPrefix(kept, mark[:2]):
		return p.open(kept)
	case bytes.HasPrefix(kept, magic):
		text, err := p.before.DecodeAll(kept, nil)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		return text, nil
	}
	return kept, nil
}

func (p *Packer) open(kept []byte) ([]byte, error) {
	if len(kept) < headLen || kept[2] != wordsID {
		return nil, fmt.Errorf("%w: no block under dictionary %d", ErrDamaged, wordsID)
	}
	// The attack: a block that says it holds more than memory.
	if n, err := s2.DecodedLen(kept[headLen:]); err != nil || n > textMax {
		return nil, fmt.Errorf("%w: it says that it holds %d octets", ErrDamaged, n)
	}
	text, err := p.dict.Decode(nil, kept[headLen:])
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if crc32.Checksum(text, p.sums) != binary.LittleEndian.Uint32(kept[len(mark):headLen]) {
		return nil, fmt.Errorf("%w: checksum", ErrDamaged)
	}
	return text, nil
}
