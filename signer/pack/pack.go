package pack

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"

	"github.com/klauspost/compress/zstd"
)

//go:embed words.json
var words []byte

const (
	// wordsID is the number of the dictionary, as frames name it.
	wordsID = 1
	// textMax is the longest text that is unpacked: longer than any verdict over the most signatures that a document may have.
	textMax = 64 << 20
	// window is how far back a text may refer to itself, in bytes.
	window = 128 << 10
)

// magic begins every frame (RFC 8878 3.1.1). A JSON text cannot begin so.
var magic = []byte{0x28, 0xb5, 0x2f, 0xfd}

// ErrDamaged says that kept bytes are not those of a packed text.
var ErrDamaged = errors.New("pack: the kept text is damaged")

// Packer packs and unpacks texts. It is safe for concurrent use.
type Packer struct {
	enc *zstd.Encoder
	dec *zstd.Decoder
}

// New makes a Packer. Its tables take some hundred kilobytes for each processor.
func New() (*Packer, error) {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderDictRaw(wordsID, words),
		zstd.WithWindowSize(window), zstd.WithLowerEncoderMem(true), zstd.WithEncoderCRC(true))
	if err != nil {
		return nil, fmt.Errorf("pack: couldn't make the encoder: %w", err)
	}
	dec, err := zstd.NewReader(nil, zstd.WithDecoderDictRaw(wordsID, words), zstd.WithDecoderMaxMemory(textMax), zstd.WithDecoderConcurrency(0))
	if err != nil {
		return nil, fmt.Errorf("pack: couldn't make the decoder: %w", err)
	}
	return &Packer{enc, dec}, nil
}

// Pack returns the kept form of a text of UTF-8.
func (p *Packer) Pack(text []byte) []byte {
	return p.enc.EncodeAll(text, make([]byte, 0, 1024))
}

// Unpack returns the text, byte for byte. What was kept before texts were packed is returned as it is. Errors: ErrDamaged.
func (p *Packer) Unpack(kept []byte) ([]byte, error) {
	if !bytes.HasPrefix(kept, magic) {
		return kept, nil
	}
	text, err := p.dec.DecodeAll(kept, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return text, nil
}
