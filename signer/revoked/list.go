package revoked

import (
	"bytes"
	"encoding/hex"
	"slices"
	"time"

	"qaqpa/signer/pkix"
)

// List is a list of revoked certificates that was verified. It is immutable and safe to share.
type List struct {
	// Point is the name of the point that the list came from.
	Point string
	// SHA256 names the list.
	SHA256 Digest
	// Signer is the certificate whose key verified the list.
	Signer *pkix.Certificate
	// Learnt tells that the point is one learnt from certificates.
	Learnt bool

	crl   *pkix.CRL
	mixed bool     // entries may be of other issuers than that of the list
	index []uint64 // indexKey of the serial number and offset of the entry, sorted by serial number, then by offset
}

// CRL is the list as package path takes it. Its octets must not be changed.
func (l *List) CRL() *pkix.CRL { return l.crl }

// Delta reports whether the list holds changes only.
func (l *List) Delta() bool { return l.crl.Delta }

// ThisUpdate is when the list was made.
func (l *List) ThisUpdate() time.Time { return l.crl.ThisUpdate }

// NextUpdate is by when the next one is promised; zero when the list does not say.
func (l *List) NextUpdate() time.Time { return l.crl.NextUpdate }

// Len is the number of entries.
func (l *List) Len() int { return len(l.index) }

// Memory is what the list occupies: its octets, and the indexes over its entries.
func (l *List) Memory() (octets, indexes int) {
	const pkixIndex = 4 // an offset for each entry, see package pkix
	return cap(l.crl.Raw), 8*cap(l.index) + pkixIndex*l.crl.Len()
}

// Hex is SHA256 in hexadecimal.
func (l *List) Hex() string { return hex.EncodeToString(l.SHA256[:]) }

// sort brings the index into order, once the octets are at hand to tell serial numbers with the same first octets apart.
func (l *List) sort() {
	slices.Sort(l.index)
	for i := 0; i < len(l.index); {
		j := i + 1
		for j < len(l.index) && l.index[j]>>32 == l.index[i]>>32 {
			j++
		}
		if j > i+1 {
			slices.SortFunc(l.index[i:j], func(a, b uint64) int {
				if c := bytes.Compare(l.serialAt(a), l.serialAt(b)); c != 0 {
					return c
				}
				return int(int64(a&offsetMask) - int64(b&offsetMask))
			})
		}
		i = j
	}
}

const offsetMask = 1<<32 - 1

func (l *List) body(key uint64) []byte { return entryBody(l.crl.Raw[key&offsetMask:]) }

func (l *List) serialAt(key uint64) []byte {
	serial, _, _ := splitSerial(l.body(key))
	return serial
}

// find is the first entry with a serial number.
func (l *List) find(serial []byte) (int, bool) {
	prefix := indexKey(serial) >> 32
	lo, hi := 0, len(l.index)
	for lo < hi {
		m := int(uint(lo+hi) >> 1)
		p := l.index[m] >> 32
		if p < prefix || p == prefix && bytes.Compare(l.serialAt(l.index[m]), serial) < 0 {
			lo = m + 1
		} else {
			hi = m
		}
	}
	return lo, lo < len(l.index) && l.index[lo]>>32 == prefix && bytes.Equal(l.serialAt(l.index[lo]), serial)
}

// mention is what a list says about a serial number.
type mention uint8

const (
	absent  mention = iota
	removed         // removeFromCRL: a delta says that it is no longer revoked
	listed
)

// lookup tells what the list says about a certificate by its issuer and serial number. As in package path, the earliest
// revocation counts where an authority lists a certificate more than once.
func (l *List) lookup(issuer pkix.Name, serial []byte) (Entry, mention) {
	if l.mixed {
		return l.readLookup(issuer, serial)
	}
	i, ok := l.find(serial)
	if !ok || !l.crl.Issuer.Equal(issuer) {
		return Entry{}, absent
	}
	var best Entry
	said := absent
	for ; i < len(l.index) && bytes.Equal(l.serialAt(l.index[i]), serial); i++ {
		_, rest, _ := splitSerial(l.body(l.index[i]))
		e, plain := plainEntry(rest)
		if !plain {
			return l.readLookup(issuer, serial)
		}
		best, said = weigh(best, said, e)
	}
	return best, said
}

// readLookup is lookup by package pkix: for lists of several issuers and for entries with more than a reason.
func (l *List) readLookup(issuer pkix.Name, serial []byte) (Entry, mention) {
	var best Entry
	said := absent
	for _, e := range l.crl.Lookup(issuer, serial) {
		best, said = weigh(best, said, Entry{e.RevokedAt, e.Reason, e.HasReason})
	}
	return best, said
}

func weigh(best Entry, said mention, e Entry) (Entry, mention) {
	switch {
	case e.HasReason && e.Reason == pkix.RemoveFromCRL:
		if said == absent {
			return e, removed
		}
	case said != listed || e.RevokedAt.Before(best.RevokedAt):
		return e, listed
	}
	return best, said
}
