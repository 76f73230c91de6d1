package pades

import (
	"bytes"
	"hash"
	"io"
	"slices"

	"qaqpa/signer/algo"
	"qaqpa/signer/cms"
)

// digests makes the digests of what all signatures cover in one pass over the file for each hash. Signatures cover the file from its
// beginning to their gap, and from there to the end of their revision: the state of the hash at the gap is kept and
// continued. Without that a file of 60 MB with 200 signatures would cost 12 GB of hashing.
type digests struct {
	running map[algo.Hash]hash.Hash
	at      map[algo.Hash]int
	spent   int
}

// tailMax bounds what is hashed behind the gaps and where a hash cannot be continued.
const tailMax = 1 << 30

// digest gives each signature its content, in the order of gaps.
func (d *Document) digest() {
	d.digests = digests{running: map[algo.Hash]hash.Hash{}, at: map[algo.Hash]int{}}
	ordered := slices.Clone(d.Signatures)
	slices.SortStableFunc(ordered, func(a, b *Signature) int { return a.Range.GapFrom - b.Range.GapFrom })
	for _, s := range ordered {
		if s.octets[1] == nil {
			continue
		}
		s.content = d.digests.content(s, d.File.Data())
	}
}

// hashes are those that a signature needs.
func (s *Signature) hashes() []algo.Hash {
	switch {
	case s.CMS == nil || s.SubFilter == CMSOverSHA1:
		return []algo.Hash{algo.SHA1}
	case s.Token != nil:
		return []algo.Hash{s.Token.Info.Hash}
	}
	return s.CMS.Hashes()
}

func (m *digests) content(s *Signature, file []byte) cms.Content {
	plain := s.CMS != nil && s.Token == nil && slices.ContainsFunc(s.CMS.Signers, func(i cms.SignerInfo) bool { return !i.HasSignedAttributes })
	if plain {
		// Signed without attributes: what is signed is the octets themselves, which package cms looks at.
		if m.spent += s.Range.End; m.spent > tailMax {
			return cms.Content{}
		}
		c, err := cms.ReadContent(s.reader(), s.hashes())
		if err != nil {
			return cms.Content{}
		}
		return c
	}
	out := map[algo.Hash][]byte{}
	for _, h := range s.hashes() {
		if m.spent += len(s.octets[1]); !h.Valid() || m.spent > tailMax {
			continue
		}
		state := m.upTo(h, file, s.Range.GapFrom)
		if state == nil {
			continue
		}
		state.Write(s.octets[1])
		out[h] = state.Sum(nil)
	}
	return cms.ContentDigests(out)
}

// upTo is the state of a hash over the file up to an offset, for the caller to continue; nil when the work is too much.
func (m *digests) upTo(h algo.Hash, file []byte, offset int) hash.Hash {
	running := m.running[h]
	if running == nil {
		running = h.New()
		m.running[h] = running
	}
	running.Write(file[m.at[h]:offset])
	m.at[h] = offset
	if c, ok := running.(hash.Cloner); ok {
		if clone, err := c.Clone(); err == nil {
			return clone
		}
	}
	if m.spent += offset; m.spent > tailMax {
		return nil
	}
	again := h.New()
	again.Write(file[:offset])
	return again
}

// reader reads the octets that a signature covers.
func (s *Signature) reader() io.Reader {
	return io.MultiReader(bytes.NewReader(s.octets[0]), bytes.NewReader(s.octets[1]))
}

// Content is what the signature covers: digests, for a time-stamp token too.
func (s *Signature) Content() cms.Content { return s.content }
