package revoked

import (
	"bytes"
	"slices"
	"time"

	"qaqpa/signer/pkix"
)

// shelves are the current lists by the name of their issuer (pkix.Name.Key). They are replaced as a whole and never changed,
// so that readers need no lock.
type shelves map[string]*shelf

// shelf are the current lists of one issuer.
type shelf struct {
	lists []*List // newest first, each once
	crls  []*pkix.CRL
	pairs []pair
}

// pair is a complete list and the newest delta that applies to it, if any.
type pair struct{ base, delta *List }

func newShelves(lists []*List) shelves {
	out := shelves{}
	grouped := map[string][]*List{}
	for _, l := range lists {
		key := l.crl.Issuer.Key()
		grouped[key] = append(grouped[key], l)
	}
	for key, of := range grouped {
		out[key] = newShelf(of)
	}
	return out
}

func newShelf(lists []*List) *shelf {
	// Newest first: the first delta that applies is the one that counts.
	slices.SortStableFunc(lists, func(a, b *List) int { return b.ThisUpdate().Compare(a.ThisUpdate()) })
	s := &shelf{}
	for _, l := range lists {
		if slices.ContainsFunc(s.lists, func(o *List) bool { return o.SHA256 == l.SHA256 }) {
			continue
		}
		s.lists, s.crls = append(s.lists, l), append(s.crls, l.crl)
		if l.Delta() {
			continue
		}
		p := pair{base: l}
		if i := slices.IndexFunc(lists, func(d *List) bool { return applies(d.crl, l.crl) }); i >= 0 {
			p.delta = lists[i]
		}
		s.pairs = append(s.pairs, p)
	}
	return s
}

// applies reports whether a delta may be read together with a base, by the rule of package path: same issuer and scope, not
// older than the base, and not for a later base (RFC 5280 5.2.4, 6.3.3 (c)). Its own number is not looked at: it counts
// deltas, not bases.
func applies(delta, base *pkix.CRL) bool {
	if !delta.Delta || !delta.Issuer.Equal(base.Issuer) || delta.ThisUpdate.Before(base.ThisUpdate) || forLaterBase(delta, base) {
		return false
	}
	for _, oid := range []string{pkix.OIDIssuingDistPoint, pkix.OIDAuthorityKeyID} {
		if !bytes.Equal(delta.ExtensionValue(oid), base.ExtensionValue(oid)) {
			return false
		}
	}
	return true
}

// forLaterBase reports whether a delta wants a base that is numbered higher.
func forLaterBase(delta, base *pkix.CRL) bool {
	return delta.BaseNumber != nil && (base.Number == nil || compareNumbers(base.Number, delta.BaseNumber) < 0)
}

// compareNumbers compares CRL numbers: integers that are not negative, by their contents octets.
func compareNumbers(a, b []byte) int {
	a, b = bytes.TrimLeft(a, "\x00"), bytes.TrimLeft(b, "\x00")
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return bytes.Compare(a, b)
}

// Finding is what the lists at hand say about a certificate. It is no verdict: age and scope of the lists are not judged.
type Finding struct {
	// Listed: a list names the certificate, and no newer delta takes it off.
	Listed bool
	Entry  // zero unless Listed
	// Base and Delta are the lists that say so, or that do not name it; Delta is nil where none applies.
	Base, Delta *List
	// ThisUpdate and NextUpdate are those of Delta, else of Base.
	ThisUpdate, NextUpdate time.Time
}

// Lookup tells what the current lists of an issuer say about a serial number (the contents octets of the INTEGER). ok is
// false when no complete list of the issuer is at hand: then nothing is known. Where an issuer has several complete lists, the
// earliest revocation counts, and absence is as old as the oldest of them. It allocates nothing for lists whose
// entries have at most a reason, as the national ones have, and waits for nobody.
func (s *Store) Lookup(issuer pkix.Name, serial []byte) (f Finding, ok bool) {
	at := (*s.shelves.Load())[issuer.Key()]
	if at == nil {
		return f, false
	}
	for i := range at.pairs {
		g := at.pairs[i].lookup(issuer, serial)
		switch {
		case !ok,
			g.Listed && (!f.Listed || g.RevokedAt.Before(f.RevokedAt)),
			!g.Listed && !f.Listed && g.ThisUpdate.Before(f.ThisUpdate):
			f, ok = g, true
		}
	}
	return f, ok
}

func (p pair) lookup(issuer pkix.Name, serial []byte) Finding {
	f := Finding{Base: p.base, Delta: p.delta, ThisUpdate: p.base.ThisUpdate(), NextUpdate: p.base.NextUpdate()}
	said := absent
	if p.delta != nil {
		f.ThisUpdate, f.NextUpdate = p.delta.ThisUpdate(), p.delta.NextUpdate()
		f.Entry, said = p.delta.lookup(issuer, serial)
	}
	if said == absent {
		f.Entry, said = p.base.lookup(issuer, serial)
	}
	if f.Listed = said == listed; !f.Listed {
		f.Entry = Entry{}
	}
	return f
}

// CRLs gives the current lists, complete ones and deltas, that can say something about a certificate: those of its issuer, and
// those of the issuers of lists that its distribution points name. Package path decides which of them count. Neither
// the slice nor the lists may be changed.
func (s *Store) CRLs(c *pkix.Certificate) []*pkix.CRL {
	at := *s.shelves.Load()
	var out []*pkix.CRL
	if own := at[c.Issuer.Key()]; own != nil {
		out = own.crls
	}
	for i := range c.CRLDistributionPoints {
		for _, n := range c.CRLDistributionPoints[i].CRLIssuer {
			if n.Kind != pkix.DirectoryName || n.Directory.Equal(c.Issuer) {
				continue
			}
			if other := at[n.Directory.Key()]; other != nil {
				out = append(slices.Clip(out), other.crls...)
			}
		}
	}
	return out
}
