package ers

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"qaqpa/signer/algo"
	"qaqpa/signer/asn1ber"
)

// Limits of a record.
const (
	bytesMax    = 4 << 20
	elementsMax = 1 << 16
	depthMax    = 48
	listsMax    = 64   // levels of a tree
	listMax     = 4096 // hashes of one node
)

// Errors of records.
var (
	// ErrSyntax means what is no evidence record, or one with parts that are not understood.
	ErrSyntax = errors.New("not a well-formed evidence record")
	// ErrNotCovered means that the record is about other documents.
	ErrNotCovered = errors.New("the record does not cover this digest")
)

// Record is an evidence record. It is immutable.
type Record struct {
	// Hash is that of the tree; a digest to verify has to be made with it.
	Hash algo.Hash
	// Token is the first time stamp (ContentInfo, DER); Renewals is how many others follow, which are not verified.
	Token    []byte
	Renewals int

	lists [][][]byte
}

// Records are the evidence records (DER) for the digests of the tree, in their order. token is the time stamp over the root.
func (t *Tree) Records(token []byte) ([][]byte, error) {
	if _, err := asn1ber.ParseDER(token); err != nil {
		return nil, fmt.Errorf("couldn't make evidence records: %w", err)
	}
	id, err := t.hash.AlgorithmIdentifier()
	if err != nil {
		return nil, fmt.Errorf("couldn't make evidence records: %w", err)
	}
	out := make([][]byte, len(t.levels[0]))
	for leaf := range out {
		out[leaf] = encode(id, t.path(leaf), token)
	}
	return out, nil
}

// encode writes EvidenceRecord (RFC 4998 3.1), with implicit tags.
func encode(hashID []byte, lists [][][]byte, token []byte) []byte {
	id, _ := asn1ber.ParseDER(hashID) // made by AlgorithmIdentifier
	stamp := [][]byte{asn1ber.Append(nil, asn1ber.Context(0), true, id.Content)}
	if len(lists) > 0 {
		partial := make([][]byte, len(lists))
		for i, list := range lists {
			hashes := make([][]byte, len(list))
			for k, h := range list {
				hashes[k] = asn1ber.Primitive(asn1ber.OctetString, h)
			}
			partial[i] = asn1ber.Wrap(asn1ber.Sequence, hashes...)
		}
		stamp = append(stamp, asn1ber.Append(nil, asn1ber.Context(2), true, partial...))
	}
	stamp = append(stamp, token)
	chain := asn1ber.Wrap(asn1ber.Sequence, asn1ber.Wrap(asn1ber.Sequence, stamp...))
	return asn1ber.Wrap(asn1ber.Sequence, asn1ber.EncodedInt(1), asn1ber.Wrap(asn1ber.Sequence, hashID), asn1ber.Wrap(asn1ber.Sequence, chain))
}

// Parse reads an evidence record (DER or BER). Nothing is verified. Errors wrap ErrSyntax; encrypted content is not understood.
func Parse(b []byte) (*Record, error) {
	r, err := parse(b)
	if err != nil {
		return nil, fmt.Errorf("couldn't read an evidence record: %w: %w", ErrSyntax, err)
	}
	return r, nil
}

func parse(b []byte) (*Record, error) {
	e, err := asn1ber.Parse(b, asn1ber.BER, asn1ber.Limits{Bytes: bytesMax, Depth: depthMax, Elements: elementsMax})
	if err != nil {
		return nil, err
	}
	if e.Tag != asn1ber.Sequence {
		return nil, errors.New("no sequence")
	}
	body, err := e.Children()
	if err != nil {
		return nil, err
	}
	version, err := body.Read(asn1ber.Integer)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(version.Content, []byte{1}) {
		return nil, errors.New("another version")
	}
	if _, err := body.Read(asn1ber.Sequence); err != nil { // the algorithms, which stand again where they are used
		return nil, err
	}
	if _, _, err := body.Optional(asn1ber.Context(0)); err != nil {
		return nil, err
	}
	if _, encrypted, err := body.Optional(asn1ber.Context(1)); err != nil || encrypted {
		return nil, errors.Join(err, errors.New("about encrypted content"))
	}
	chains, err := body.Enter(asn1ber.Sequence)
	if err != nil {
		return nil, err
	}
	if err := body.End(); err != nil {
		return nil, err
	}
	return parseChains(chains)
}

// parseChains reads the first time stamp of the first chain and counts the others.
func parseChains(chains asn1ber.Reader) (*Record, error) {
	var r *Record
	for !chains.Empty() {
		chain, err := chains.Enter(asn1ber.Sequence)
		if err != nil {
			return nil, err
		}
		for !chain.Empty() {
			stamp, err := chain.Read(asn1ber.Sequence)
			if err != nil {
				return nil, err
			}
			if r != nil {
				r.Renewals++
				continue
			}
			if r, err = parseStamp(stamp); err != nil {
				return nil, err
			}
		}
	}
	if r == nil {
		return nil, errors.New("no time stamp")
	}
	return r, nil
}

func parseStamp(stamp asn1ber.Element) (*Record, error) {
	in, err := stamp.Children()
	if err != nil {
		return nil, err
	}
	r := &Record{}
	id, stated, err := in.Optional(asn1ber.Context(0))
	if err != nil {
		return nil, err
	}
	if _, _, err := in.Optional(asn1ber.Context(1)); err != nil {
		return nil, err
	}
	lists, reduced, err := in.Optional(asn1ber.Context(2))
	if err != nil {
		return nil, err
	}
	if reduced {
		if r.lists, err = parseLists(lists); err != nil {
			return nil, err
		}
	}
	token, err := in.Read(asn1ber.Sequence)
	if err != nil {
		return nil, err
	}
	r.Token = slices.Clone(token.Raw)
	if err := in.End(); err != nil {
		return nil, err
	}
	if stated {
		r.Hash, err = algo.ParseHash(asn1ber.Wrap(asn1ber.Sequence, id.Content))
	}
	return r, err
}

func parseLists(e asn1ber.Element) (lists [][][]byte, err error) {
	in, err := e.Children()
	if err != nil {
		return nil, err
	}
	for !in.Empty() {
		if len(lists) == listsMax {
			return nil, errors.New("too many levels")
		}
		list, err := in.Enter(asn1ber.Sequence)
		if err != nil {
			return nil, err
		}
		var hashes [][]byte
		for !list.Empty() {
			h, err := list.Read(asn1ber.OctetString)
			if err != nil {
				return nil, err
			}
			octets, err := h.OctetString()
			if err != nil || len(hashes) == listMax {
				return nil, errors.Join(err, errors.New("hashes of a node"))
			}
			hashes = append(hashes, octets)
		}
		lists = append(lists, hashes)
	}
	return lists, nil
}

// Verify goes from a digest to the root (RFC 4998 4.3), which is what the token has to be over: its imprint, made with h. h is Hash, or
// where the record states none the token's. The token itself is not verified. Error: ErrNotCovered.
func (r *Record) Verify(h algo.Hash, digest []byte) (root []byte, err error) {
	if !h.Valid() || r.Hash != 0 && r.Hash != h || len(digest) != h.Size() {
		return nil, fmt.Errorf("couldn't verify an evidence record: %w: it is made with %s", ErrNotCovered, r.Hash)
	}
	at := slices.Clone(digest)
	for i, list := range r.lists {
		found := slices.ContainsFunc(list, func(o []byte) bool { return bytes.Equal(o, at) })
		switch {
		case i == 0 && !found:
			return nil, fmt.Errorf("couldn't verify an evidence record: %w", ErrNotCovered)
		case i > 0:
			list = append(slices.Clip(list), at)
		}
		if slices.ContainsFunc(list, func(o []byte) bool { return len(o) != h.Size() }) {
			return nil, fmt.Errorf("couldn't verify an evidence record: %w: a hash of another length", ErrNotCovered)
		}
		if len(list) > 1 { // a list of one stands for itself
			at = nodeOf(h, list)
		}
	}
	return at, nil
}
