package pack

import (
	"bytes"
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

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
}

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
	return &Packer{dict: dict, sums: crc32.MakeTable(crc32.Castagnoli), before: before}, nil
}

// Pack returns the kept form of a text of UTF-8.
func (p *Packer) Pack(text []byte) []byte {
	kept := make([]byte, headLen+max(s2.MaxEncodedLen(len(text)), 0))
	copy(kept, mark[:])
	binary.LittleEndian.PutUint32(kept[len(mark):], crc32.Checksum(text, p.sums))
	block := p.dict.Encode(kept[headLen:], text)
	return bytes.Clone(kept[:headLen+len(block)]) // the longest form is eight times the common one
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
