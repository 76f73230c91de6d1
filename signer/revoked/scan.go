package revoked

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"

	"qaqpa/signer/algo"
	"qaqpa/signer/asn1ber"
	"qaqpa/signer/pkix"
)

// Bounds of the parts of a list, all below the window.
const (
	windowBytes = 256 << 10
	headMax     = 64 << 10  // up to nextUpdate
	tailMax     = 128 << 10 // extensions
	sealMax     = 32 << 10  // signature
	entryMax    = 64 << 10
)

// scanned is what one pass over a list brings.
type scanned struct {
	bytes  int64
	sha256 Digest
	// head is the list without its entries: issuer, times, extensions, signature.
	head *pkix.CRL
	// digest is of the signed octets; nil where the algorithm has no hash of its own (Ed25519).
	digest []byte
	// index holds for each entry the first four octets of the serial number and its offset, in the order of the list.
	index []uint64
	// foreign: an entry names the issuer of its certificate, which then holds for those that follow (RFC 5280 5.3.3).
	foreign bool
}

// scanner takes a list apart as it comes. It frames: what the parts say is read by package pkix, from the list without its
// entries here and from the whole list before it is used.
type scanner struct {
	src        io.Reader
	spool      io.Writer // gets each octet
	bytesMax   int64
	entriesMax int

	whole          hash.Hash
	tbs            hash.Hash // nil until the algorithm is known
	tbsFrom, tbsTo int64

	window     []byte
	start, end int   // what is read and not consumed
	at         int64 // position in the list of window[start]
	total      int64 // octets of the list; zero until known
	read       int64 // octets read
}

// scan reads a list from src to its end and writes it to spool. early sees the head before the entries are read and may end
// the scan with its error. Errors wrap ErrForm, ErrLimit, ErrSignature (unknown algorithm), or are those of src and spool.
func (s *scanner) scan(early func(head *pkix.CRL) error) (*scanned, error) {
	s.window, s.whole = make([]byte, windowBytes), sha256.New()
	head, list, err := s.readHead(early)
	if err != nil {
		return nil, err
	}
	out := &scanned{bytes: s.total}
	if out.index, out.foreign, err = s.readEntries(list); err != nil {
		return nil, err
	}
	tail, err := s.take(s.tbsTo-s.at, tailMax)
	if err != nil {
		return nil, err
	}
	seal, err := s.take(s.total-s.at, sealMax)
	if err != nil {
		return nil, err
	}
	if err := s.expectEnd(); err != nil {
		return nil, err
	}
	if err := checkSeal(seal); err != nil {
		return nil, err
	}
	tbs := asn1ber.Wrap(asn1ber.Sequence, head, tail)
	if out.head, err = pkix.ParseCRL(asn1ber.Wrap(asn1ber.Sequence, tbs, seal)); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrForm, err)
	}
	s.whole.Sum(out.sha256[:0])
	if s.tbs != nil {
		out.digest = s.tbs.Sum(nil)
	}
	return out, nil
}

// checkSeal demands a signature of whole octets. The signature does not cover how it is written down itself.
func checkSeal(seal []byte) error {
	r, err := asn1ber.New(seal, asn1ber.DER, asn1ber.Limits{})
	if err == nil {
		_, err = r.Read(asn1ber.Sequence)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrForm, err)
	}
	signature, err := r.Read(asn1ber.BitString)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrForm, err)
	}
	if octets, unused, err := signature.BitString(); err != nil || unused != 0 || len(octets) == 0 {
		return fmt.Errorf("%w: it is not whole octets", ErrSignature)
	}
	return nil
}

// readHead reads up to the first entry. The list is the length of revokedCertificates, zero when there are none.
func (s *scanner) readHead(early func(*pkix.CRL) error) (head []byte, list int64, err error) {
	outer, n, err := s.header(0, tagSequence)
	if err != nil {
		return nil, 0, err
	}
	s.total = int64(outer) + n
	if s.total > s.bytesMax {
		return nil, 0, fmt.Errorf("%w: %d octets", ErrLimit, s.total)
	}
	inner, n, err := s.header(outer, tagSequence)
	if err != nil {
		return nil, 0, err
	}
	s.tbsFrom, s.tbsTo = int64(outer), int64(outer)+int64(inner)+n
	if s.tbsTo > s.total {
		return nil, 0, malformed("lengths")
	}
	end, algorithm, err := s.headFields(outer + inner)
	if err != nil {
		return nil, 0, err
	}
	head = slices.Clone(s.window[s.start+outer+inner : s.start+end])
	if err := s.begin(head, algorithm, early); err != nil {
		return nil, 0, err
	}
	s.skip(end)
	if s.at == s.tbsTo {
		return head, 0, nil
	}
	if tag, err := s.peek(); err != nil || tag != tagSequence {
		return head, 0, err
	}
	h, n, err := s.header(0, tagSequence)
	if err != nil || s.at+int64(h)+n > s.tbsTo {
		return nil, 0, errors.Join(malformed("list of entries"), err)
	}
	s.skip(h)
	return head, n, nil
}

// headFields walks over version, signature, issuer, thisUpdate and nextUpdate.
func (s *scanner) headFields(at int) (end int, algorithm []byte, err error) {
	fields := []struct {
		tags     []byte
		optional bool
	}{
		{[]byte{tagInteger}, true},
		{[]byte{tagSequence}, false},
		{[]byte{tagSequence}, false},
		{[]byte{tagUTCTime, tagGeneralizedTime}, false},
		{[]byte{tagUTCTime, tagGeneralizedTime}, true},
	}
	for i, f := range fields {
		if int64(at) == s.tbsTo && f.optional {
			break
		}
		if err := s.need(at + 1); err != nil {
			return 0, nil, err
		}
		tag := s.window[s.start+at]
		if !slices.Contains(f.tags, tag) {
			if f.optional {
				continue
			}
			return 0, nil, malformed("head")
		}
		h, n, err := s.header(at, tag)
		if err != nil {
			return 0, nil, err
		}
		if int64(at+h)+n > s.tbsTo {
			return 0, nil, malformed("head")
		}
		if int64(at+h)+n > headMax {
			return 0, nil, tooLong("head")
		}
		if err := s.need(at + h + int(n)); err != nil {
			return 0, nil, err
		}
		if i == 1 {
			algorithm = s.window[s.start+at : s.start+at+h+int(n)]
		}
		at += h + int(n)
	}
	return at, algorithm, nil
}

// begin shows the head to early and starts the digest of the signed octets, whose hash the head names.
func (s *scanner) begin(head, algorithm []byte, early func(*pkix.CRL) error) error {
	signature, err := algo.ParseSignature(algorithm)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSignature, err)
	}
	shown, err := pkix.ParseCRL(asn1ber.Wrap(asn1ber.Sequence, asn1ber.Wrap(asn1ber.Sequence, head), algorithm, []byte{tagBitString, 1, 0}))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrForm, err)
	}
	if err := early(shown); err != nil {
		return err
	}
	if signature.Hash.Valid() {
		s.tbs = signature.Hash.New()
		s.hashSigned(s.window[s.start:s.end], s.at)
	}
	return nil
}

// readEntries walks over the entries.
func (s *scanner) readEntries(list int64) (index []uint64, foreign bool, err error) {
	if list == 0 {
		return nil, false, nil
	}
	end := s.at + list
	index = make([]uint64, 0, min(list/entryUsual+1, int64(s.entriesMax)))
	for s.at < end {
		body, size, err := s.entry(end)
		if err != nil {
			return nil, false, fmt.Errorf("entry %d: %w", len(index)+1, err)
		}
		serial, rest, ok := splitSerial(body)
		if !ok {
			return nil, false, malformed(fmt.Sprintf("serial number of entry %d", len(index)+1))
		}
		if len(index) == s.entriesMax {
			return nil, false, fmt.Errorf("%w: more than %d entries", ErrLimit, s.entriesMax)
		}
		foreign = foreign || namesIssuer(rest)
		index = append(index, indexKey(serial)|uint64(s.at)) //nolint:gosec // G115: positions are not negative
		s.skip(size)
	}
	if spare := cap(index) - len(index); spare > len(index)/16 {
		index = slices.Clone(index)
	}
	return index, foreign, nil
}

// entry makes the next entry available, which ends before end. It is not consumed.
func (s *scanner) entry(end int64) (body []byte, size int, err error) {
	h, n, err := s.header(0, tagSequence)
	if err != nil {
		return nil, 0, err
	}
	if s.at+int64(h)+n > end {
		return nil, 0, malformed("length")
	}
	if n > entryMax {
		return nil, 0, tooLong("entry")
	}
	size = h + int(n)
	if err := s.need(size); err != nil {
		return nil, 0, err
	}
	return s.window[s.start+h : s.start+size], size, nil
}

// entryUsual is somewhat less than what an entry has: the national ones have 39, or 53 with a reason.
const entryUsual = 38

// take consumes n octets, of which there may be no more than limit.
func (s *scanner) take(n, limit int64) ([]byte, error) {
	if n < 0 {
		return nil, malformed("lengths")
	}
	if n > limit {
		return nil, tooLong("end")
	}
	if err := s.need(int(n)); err != nil {
		return nil, err
	}
	out := slices.Clone(s.window[s.start : s.start+int(n)])
	s.skip(int(n))
	return out, nil
}

func (s *scanner) expectEnd() error {
	if s.start < s.end {
		return malformed("data after the list")
	}
	if err := s.fill(); !errors.Is(err, io.EOF) {
		if err == nil {
			err = malformed("data after the list")
		}
		return err
	}
	return nil
}

func (s *scanner) skip(n int) {
	s.start += n
	s.at += int64(n)
}

func (s *scanner) peek() (byte, error) {
	if err := s.need(1); err != nil {
		return 0, err
	}
	return s.window[s.start], nil
}

// header reads identifier and length at an offset from what is not consumed; the identifier must be tag.
func (s *scanner) header(at int, tag byte) (size int, length int64, err error) {
	if err := s.need(at + 2); err != nil {
		return 0, 0, err
	}
	b := s.window[s.start+at:]
	if b[0] != tag {
		return 0, 0, malformed(fmt.Sprintf("identifier %#x where %#x is due", b[0], tag))
	}
	if b[1] < 0x80 {
		return 2, int64(b[1]), nil
	}
	octets := int(b[1] & 0x7f)
	if octets == 0 || octets > 4 {
		return 0, 0, malformed("length")
	}
	if err := s.need(at + 2 + octets); err != nil {
		return 0, 0, err
	}
	b = s.window[s.start+at+2:]
	for _, o := range b[:octets] {
		length = length<<8 | int64(o)
	}
	if b[0] == 0 || length < 0x80 {
		return 0, 0, malformed("length that is not minimal")
	}
	return 2 + octets, length, nil
}

// need makes n octets available after what is consumed.
func (s *scanner) need(n int) error {
	for s.end-s.start < n {
		if err := s.fill(); err != nil {
			if errors.Is(err, io.EOF) {
				return malformed("truncated")
			}
			return err
		}
	}
	return nil
}

// fill reads once, hashes and spools what came. io.EOF alone says that src has ended.
func (s *scanner) fill() error {
	if s.start > 0 {
		s.end = copy(s.window, s.window[s.start:s.end])
		s.start = 0
	}
	if s.end == len(s.window) {
		return tooLong("part")
	}
	for range 100 {
		n, err := s.src.Read(s.window[s.end:])
		if n == 0 && err == nil {
			continue
		}
		if n == 0 {
			if errors.Is(err, io.EOF) {
				return io.EOF
			}
			return fmt.Errorf("couldn't read the list: %w", err)
		}
		return s.accept(n)
	}
	return fmt.Errorf("couldn't read the list: %w", io.ErrNoProgress)
}

func (s *scanner) accept(n int) error {
	fresh := s.window[s.end : s.end+n]
	position := s.read
	s.end += n
	s.read += int64(n)
	if s.total > 0 && s.read > s.total {
		return malformed("data after the list")
	}
	_, _ = s.whole.Write(fresh) // a hash takes everything
	s.hashSigned(fresh, position)
	if _, err := s.spool.Write(fresh); err != nil {
		return fmt.Errorf("%w: %w", errFolder, err)
	}
	return nil
}

// hashSigned hashes what of b, which begins at a position in the list, is signed.
func (s *scanner) hashSigned(b []byte, position int64) {
	if s.tbs == nil {
		return
	}
	from, to := max(s.tbsFrom-position, 0), min(s.tbsTo-position, int64(len(b)))
	if from < to {
		_, _ = s.tbs.Write(b[from:to])
	}
}

func malformed(what string) error { return fmt.Errorf("%w: %s", ErrForm, what) }

func tooLong(what string) error { return fmt.Errorf("%w: %s", ErrLimit, what) }
