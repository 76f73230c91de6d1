package pkix

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"iter"
	"math"
	"slices"
	"sort"
	"time"

	"qaqpa/signer/asn1ber"
)

// Reason is a CRLReason (RFC 5280 5.3.1).
type Reason uint8

// Reasons of revocation.
const (
	Unspecified          Reason = 0
	KeyCompromise        Reason = 1
	CACompromise         Reason = 2
	AffiliationChanged   Reason = 3
	Superseded           Reason = 4
	CessationOfOperation Reason = 5
	CertificateHold      Reason = 6
	RemoveFromCRL        Reason = 8
	PrivilegeWithdrawn   Reason = 9
	AACompromise         Reason = 10
)

// String names the reason as RFC 5280 does.
func (r Reason) String() string {
	names := [...]string{
		"unspecified", "keyCompromise", "cACompromise", "affiliationChanged", "superseded", "cessationOfOperation",
		"certificateHold", "(7)", "removeFromCRL", "privilegeWithdrawn", "aACompromise",
	}
	if int(r) < len(names) {
		return names[r]
	}
	return "unknown reason"
}

// Entry is a revoked certificate.
type Entry struct {
	Serial          []byte
	RevokedAt       time.Time
	Reason          Reason // Unspecified when absent
	HasReason       bool
	InvalidityDate  time.Time     // zero when absent
	Issuer          []GeneralName // of the certificate; nil: the issuer of the list
	UnknownCritical []string
}

// entryIndex finds entries by serial number without holding more of them than where they begin.
type entryIndex struct {
	list    []byte   // contents of revokedCertificates
	sorted  []uint32 // offsets of entries in list, by serial number, then by offset
	issuers []issuerChange
}

// issuerChange: from this offset on, entries belong to these issuers (RFC 5280 5.3.3).
type issuerChange struct {
	offset uint32
	names  []GeneralName
}

const maxUnknownCritical = 16

// build checks all entries and sorts them. It returns the critical extensions that are not understood.
func (x *entryIndex) build(list []byte, version int) (unknown []string, err error) {
	if len(list) > math.MaxUint32 {
		return nil, fmt.Errorf("%w: list of %d octets", asn1ber.ErrLimit, len(list))
	}
	x.list = list
	heads := make([]entryHead, 0, len(list)/40)
	for at := 0; at < len(list); {
		raw, rest, ok := nextDER(list[at:], tagSequence)
		if !ok {
			return nil, fmt.Errorf("%w: entry %d of CRL", asn1ber.ErrSyntax, len(heads)+1)
		}
		offset := uint32(at)
		e, err := x.checkEntry(raw, offset, version)
		if err != nil {
			return nil, fmt.Errorf("entry %d of CRL: %w", len(heads)+1, err)
		}
		for _, oid := range e.UnknownCritical {
			if len(unknown) < maxUnknownCritical && !slices.Contains(unknown, oid) {
				unknown = append(unknown, oid)
			}
		}
		heads = append(heads, entryHead{prefix: serialPrefix(e.Serial), offset: offset})
		at = len(list) - len(rest)
	}
	x.sort(heads)
	return unknown, nil
}

type entryHead struct {
	prefix uint64
	offset uint32
}

// serialPrefix is the first octets of a serial number, so that most comparisons touch no list.
func serialPrefix(serial []byte) uint64 {
	var b [8]byte
	copy(b[:], serial)
	return binary.BigEndian.Uint64(b[:])
}

func (x *entryIndex) sort(heads []entryHead) {
	slices.SortFunc(heads, func(a, b entryHead) int {
		if a.prefix != b.prefix {
			if a.prefix < b.prefix {
				return -1
			}
			return 1
		}
		if c := bytes.Compare(x.serialAt(a.offset), x.serialAt(b.offset)); c != 0 {
			return c
		}
		return int(int64(a.offset) - int64(b.offset))
	})
	x.sorted = make([]uint32, len(heads))
	for i, h := range heads {
		x.sorted[i] = h.offset
	}
}

// serialAt is the serial number of the entry at an offset. The entry has been checked.
func (x *entryIndex) serialAt(offset uint32) []byte {
	body, _, _ := nextDER(x.list[offset:], tagSequence)
	serial, _, _ := nextDER(body, tagInteger)
	return serial
}

// checkEntry reads an entry for the first time and notes where the issuer changes.
func (x *entryIndex) checkEntry(body []byte, offset uint32, version int) (e Entry, err error) {
	if e, err = parseEntry(body); err != nil {
		return e, err
	}
	if e.Issuer != nil {
		x.issuers = append(x.issuers, issuerChange{offset, e.Issuer})
	}
	if version == 1 && (e.HasReason || e.Issuer != nil || e.UnknownCritical != nil || !e.InvalidityDate.IsZero()) {
		return e, fmt.Errorf("%w: entry extensions in a version 1 CRL", asn1ber.ErrSyntax)
	}
	return e, nil
}

// entry reads a checked entry again, with the issuer that holds for it.
func (x *entryIndex) entry(offset uint32) Entry {
	body, _, _ := nextDER(x.list[offset:], tagSequence)
	e, _ := parseEntry(body) // build has checked it
	after := sort.Search(len(x.issuers), func(i int) bool { return x.issuers[i].offset > offset })
	e.Issuer = nil
	if after > 0 {
		e.Issuer = x.issuers[after-1].names
	}
	return e
}

// parseEntry reads the contents of one entry: serial number, time, extensions.
func parseEntry(body []byte) (e Entry, err error) {
	serial, rest, ok := nextDER(body, tagInteger)
	if !ok || len(serial) == 0 || len(serial) > maxSerialOctets ||
		len(serial) > 1 && (serial[0] == 0 && serial[1] < 0x80 || serial[0] == 0xff && serial[1] >= 0x80) {
		return e, fmt.Errorf("%w: serial number", asn1ber.ErrSyntax)
	}
	e.Serial = serial
	if e.RevokedAt, rest, err = entryTime(rest); err != nil {
		return e, err
	}
	if len(rest) == 0 {
		return e, nil
	}
	if extensions, after, ok := nextDER(rest, tagSequence); ok && len(after) == 0 {
		// Nearly every entry has the reason alone: 30 0A 06 03 55 1D 15 04 03 0A 01 nn
		if len(extensions) == 12 && string(extensions[:11]) == reasonOnly {
			if !validReason(int64(extensions[11])) {
				return e, fmt.Errorf("%w: reason of revocation", asn1ber.ErrSyntax)
			}
			e.Reason, e.HasReason = Reason(extensions[11]), true
			return e, nil
		}
	}
	return e, e.readExtensions(rest)
}

const reasonOnly = "\x30\x0a\x06\x03\x55\x1d\x15\x04\x03\x0a\x01"

// entryTime reads the revocation date; UTCTime, which nearly all are, without the general reader.
func entryTime(b []byte) (t time.Time, rest []byte, err error) {
	if s, rest, ok := nextDER(b, tagUTCTime); ok && len(s) == 13 && s[12] == 'Z' {
		var f [6]int
		for i := range f {
			hi, lo := s[2*i]-'0', s[2*i+1]-'0'
			if hi > 9 || lo > 9 {
				return t, nil, fmt.Errorf("%w: revocation date", asn1ber.ErrSyntax)
			}
			f[i] = int(hi)*10 + int(lo)
		}
		year := 1900 + f[0]
		if f[0] < 50 {
			year += 100
		}
		t = time.Date(year, time.Month(f[1]), f[2], f[3], f[4], f[5], 0, time.UTC)
		if int(t.Month()) != f[1] || t.Day() != f[2] || t.Hour() != f[3] || t.Minute() != f[4] || t.Second() != f[5] {
			return t, nil, fmt.Errorf("%w: revocation date", asn1ber.ErrSyntax)
		}
		return t, rest, nil
	}
	r, err := asn1ber.New(b, asn1ber.DER, extensionLimits)
	if err != nil {
		return t, nil, err
	}
	if t, err = readTime(&r); err != nil {
		return t, nil, fmt.Errorf("revocation date: %w", err)
	}
	return t, r.Rest(), nil
}

func (e *Entry) readExtensions(der []byte) error {
	list, err := asn1ber.Parse(der, asn1ber.DER, extensionLimits)
	if err != nil {
		return err
	}
	if list.Tag != asn1ber.Sequence {
		return fmt.Errorf("%w: %s where extensions are due", asn1ber.ErrSyntax, list.Tag)
	}
	extensions, err := readExtensionList(list)
	if err != nil {
		return err
	}
	for i := range extensions {
		if err := e.readExtension(&extensions[i]); err != nil {
			return fmt.Errorf("extension %s: %w", extensions[i].OID, err)
		}
	}
	return nil
}

func (e *Entry) readExtension(x *Extension) error {
	value, err := asn1ber.Parse(x.Value, asn1ber.DER, extensionLimits)
	switch x.OID {
	case OIDReasonCode:
		if err == nil {
			e.Reason, err = parseReason(value)
		}
		e.HasReason = true
	case OIDInvalidityDate:
		if err == nil {
			e.InvalidityDate, err = value.Time()
		}
	case OIDCertificateIssuer:
		if err == nil {
			e.Issuer, err = readNamesExtension(value)
		}
	default:
		if x.Critical {
			e.UnknownCritical = append(e.UnknownCritical, x.OID)
		}
		return nil
	}
	return err
}

func validReason(n int64) bool { return n >= 0 && n != 7 && n <= int64(AACompromise) }

func parseReason(v asn1ber.Element) (Reason, error) {
	if v.Tag != asn1ber.Enumerated {
		return 0, fmt.Errorf("%w: %s where ENUMERATED is due", asn1ber.ErrSyntax, v.Tag)
	}
	n, err := v.Int64()
	if err != nil || !validReason(n) {
		return 0, fmt.Errorf("%w: reason of revocation", asn1ber.ErrSyntax)
	}
	return Reason(n), nil //nolint:gosec // G115: validReason bounds it
}

// Lookup finds the entries of a certificate by the name of its issuer and its serial number. More than one is a fault
// of the list, which the caller weighs; the usual result is none or one. It takes a binary search over the list.
func (c *CRL) Lookup(issuer Name, serial []byte) []Entry {
	x := &c.entries
	first := sort.Search(len(x.sorted), func(i int) bool { return bytes.Compare(x.serialAt(x.sorted[i]), serial) >= 0 })
	var out []Entry
	for _, offset := range x.sorted[first:] {
		if !bytes.Equal(x.serialAt(offset), serial) {
			break
		}
		if e := x.entry(offset); c.belongs(e, issuer) {
			out = append(out, e)
		}
	}
	return out
}

// belongs reports whether an entry speaks of certificates of an issuer.
func (c *CRL) belongs(e Entry, issuer Name) bool {
	if e.Issuer == nil {
		return c.Issuer.Equal(issuer)
	}
	for _, n := range e.Issuer {
		if n.Kind == DirectoryName && n.Directory.Equal(issuer) {
			return true
		}
	}
	return false
}

// Entries walks all entries in the order of the list.
func (c *CRL) Entries() iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		offsets := slices.Clone(c.entries.sorted)
		slices.Sort(offsets)
		for _, o := range offsets {
			if !yield(c.entries.entry(o)) {
				return
			}
		}
	}
}
