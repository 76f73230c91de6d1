package httpsig

import (
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"fmt"
	"hash"
	"io"
	"strings"
)

// Digests are those of a Content-Digest field (RFC 9530) that can be checked.
type Digests struct {
	sums   [][]byte
	hashes []hash.Hash
}

// ReadDigests reads the Content-Digest field of a request. It needs sha-256 or sha-512; other names, which are deprecated, are
// passed over. Errors: [ErrMalformed], [ErrCoverage].
func ReadDigests(m *Message) (*Digests, error) {
	field, ok := m.field("content-digest")
	if !ok {
		return nil, uncovered("a body needs Content-Digest")
	}
	if len(field) > fieldMax {
		return nil, malformed("Content-Digest is too long")
	}
	d := &Digests{}
	s := &scanner{text: strings.Trim(field, " ")}
	seen := map[string]bool{}
	for {
		name, named := s.key()
		if !named || !s.take('=') || seen[name] {
			return nil, malformed("Content-Digest is no dictionary of digests")
		}
		seen[name] = true
		sum, ok := s.binary()
		if !ok {
			return nil, malformed("digest " + name + " is no byte sequence")
		}
		d.add(name, sum)
		s.spaces()
		if s.done() {
			break
		}
		if !s.take(',') {
			return nil, malformed("Content-Digest is no dictionary of digests")
		}
		s.spaces()
	}
	if len(d.hashes) == 0 {
		return nil, uncovered("Content-Digest needs sha-256 or sha-512")
	}
	return d, nil
}

func (d *Digests) add(name string, sum []byte) {
	switch name {
	case "sha-256":
		d.sums, d.hashes = append(d.sums, sum), append(d.hashes, sha256.New())
	case "sha-512":
		d.sums, d.hashes = append(d.sums, sum), append(d.hashes, sha512.New())
	}
}

// Check reads a body to its end and compares; each digest that can be checked has to fit. Errors: [ErrDigest], and those of
// the body.
func (d *Digests) Check(body io.Reader) error {
	writers := make([]io.Writer, len(d.hashes))
	for i, h := range d.hashes {
		h.Reset()
		writers[i] = h
	}
	if _, err := io.Copy(io.MultiWriter(writers...), body); err != nil {
		return fmt.Errorf("couldn't read the body: %w", err)
	}
	for i, h := range d.hashes {
		if subtle.ConstantTimeCompare(h.Sum(nil), d.sums[i]) != 1 {
			return ErrDigest
		}
	}
	return nil
}
