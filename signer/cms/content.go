package cms

import (
	"errors"
	"fmt"
	"hash"
	"io"

	"qaqpa/signer/algo"
)

// Content is what signatures cover: octets, or digests of octets that were read elsewhere. The zero Content is none.
// It is immutable and safe to share.
type Content struct {
	octets  []byte
	present bool
	whole   bool
	digests map[algo.Hash][]byte
	sha256  *[32]byte // of octets, where somebody has made it already
	// compute makes the digest of octets that are not at hand in one piece.
	compute func(algo.Hash) ([]byte, error)
	// disguised: the octets could be signed attributes; undecided: nobody has looked.
	disguised, undecided bool
}

// ContentOf is content at hand as octets, which are not copied.
func ContentOf(octets []byte) Content { return Content{octets: octets, present: true, whole: true} }

// ContentDigests is content of which only digests are known. Signatures without signed attributes stay undecided
// over it: whether it is signed attributes in disguise cannot be seen.
func ContentDigests(digests map[algo.Hash][]byte) Content {
	return Content{digests: digests, present: true, undecided: true}
}

// ContentFunc is content whose digests somebody makes when they are asked for. digest returns as many octets as the hash has,
// or an error.
func ContentFunc(digest func(algo.Hash) ([]byte, error)) Content {
	return Content{present: true, undecided: true, compute: digest}
}

// ReadContent reads content to its end through a fixed buffer and keeps its digests, at most a few hundred octets each
// whatever its size. hashes are those that the signers need ([SignedData.Hashes]).
func ReadContent(r io.Reader, hashes []algo.Hash) (Content, error) {
	c := Content{digests: make(map[algo.Hash][]byte, len(hashes)), present: true}
	running := make(map[algo.Hash]hash.Hash, len(hashes))
	writers := make([]io.Writer, 0, len(hashes)+1)
	for _, h := range hashes {
		if !h.Valid() {
			return Content{}, fmt.Errorf("couldn't read content: %w", algo.ErrUnknownAlgorithm)
		}
		if running[h] == nil {
			running[h] = h.New()
			writers = append(writers, running[h])
		}
	}
	var start head
	if _, err := io.CopyBuffer(io.MultiWriter(append(writers, &start)...), onlyReader{r}, make([]byte, 64<<10)); err != nil {
		return Content{}, fmt.Errorf("couldn't read content: %w", err)
	}
	for h, w := range running {
		c.digests[h] = w.Sum(nil)
	}
	c.disguised = start.disguised()
	return c, nil
}

// onlyReader hides WriteTo, so that CopyBuffer uses the buffer.
type onlyReader struct{ io.Reader }

// Digest is the content's digest with h. The error is [ErrNoContent], [ErrNoDigest] or algo.ErrUnknownAlgorithm.
func (c Content) Digest(h algo.Hash) ([]byte, error) { return c.appendDigest(nil, h) }

func (c Content) appendDigest(to []byte, h algo.Hash) ([]byte, error) {
	switch {
	case !c.present:
		return nil, ErrNoContent
	case !h.Valid():
		return nil, algo.ErrUnknownAlgorithm
	case c.whole && c.sha256 != nil && h == algo.SHA256:
		return append(to, c.sha256[:]...), nil
	case c.whole:
		return h.Sum(to, c.octets), nil
	case c.compute != nil:
		d, err := c.compute(h)
		return append(to, d...), err
	}
	d, ok := c.digests[h]
	if !ok || len(d) != h.Size() {
		return nil, fmt.Errorf("%w: %s", ErrNoDigest, h)
	}
	return append(to, d...), nil
}

// Errors of content.
var (
	// ErrNoContent: the signature is detached and its content was not given.
	ErrNoContent = errors.New("signed content is missing")
	// ErrNoDigest: only digests of the content were given, and not the one that is needed.
	ErrNoDigest = errors.New("digest of the signed content is missing")
)

// Present reports whether there is content.
func (c Content) Present() bool { return c.present }

// resemblesAttributes reports whether the content could be signed attributes; known false: it cannot be told.
func (c Content) resemblesAttributes() (resembles, known bool) {
	if c.whole {
		return looksLikeAttributes(c.octets), true
	}
	return c.disguised, !c.undecided
}

// head keeps the first octets of a stream and its size, to tell by the outer header alone whether the whole stream is
// one SET that begins with a SEQUENCE.
type head struct {
	first [16]byte
	size  int64
}

func (h *head) Write(p []byte) (int, error) {
	if h.size < int64(len(h.first)) {
		copy(h.first[h.size:], p)
	}
	h.size += int64(len(p))
	return len(p), nil
}

// disguised errs on the side of refusal: content that is a SET of SEQUENCEs without being attributes is refused too,
// where it is signed without attributes and was only streamed.
func (h *head) disguised() bool {
	if h.size < 4 || h.first[0] != 0x31 {
		return false
	}
	size, length := int64(2), int64(h.first[1])
	if h.first[1] == 0x80 { // indefinite
		return h.first[2] == 0x30
	}
	if h.first[1] > 0x80 {
		n := int64(h.first[1] & 0x7f)
		if n > 8 {
			return false
		}
		length = 0
		for _, o := range h.first[2 : 2+n] {
			length = length<<8 | int64(o)
		}
		size += n
	}
	return size+length == h.size && h.first[size] == 0x30
}

// Hashes are the hash algorithms that the signers' message digests need, each once.
func (sd *SignedData) Hashes() []algo.Hash {
	var out []algo.Hash
	seen := [256]bool{}
	for i := range sd.Signers {
		h := sd.Signers[i].DigestAlgorithm
		if h.Valid() && !seen[h] {
			seen[h] = true
			out = append(out, h)
		}
	}
	return out
}

// AttachedContent is the content inside the document; the zero Content when it is detached.
func (sd *SignedData) AttachedContent() Content {
	if !sd.HasContent {
		return Content{}
	}
	c := ContentOf(sd.Content)
	if sd.hasSHA256 {
		c.sha256 = &sd.sha256
	}
	return c
}

// RememberSHA256 gives the digest of Content where the caller has it, so that it is not made again. It must be called before the
// document is shared.
func (sd *SignedData) RememberSHA256(sum [32]byte) { sd.sha256, sd.hasSHA256 = sum, true }
