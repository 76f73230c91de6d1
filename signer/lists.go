package signer

import (
	"context"
	"fmt"
	"slices"

	"qaqpa/signer/engine"
	"qaqpa/signer/path"
	"qaqpa/signer/pkix"
	"qaqpa/signer/report"
	"qaqpa/signer/revoked"

	"github.com/jmoiron/sqlx"
)

// sourceShelf names, in verdicts, evidence that the store of lists had at hand.
const sourceShelf = "lists at hand"

// teach tells the store of lists where those about a certificate are published, at once and not when the responder fails: by
// then the network may be down. The store believes nobody but the authorities that it knows.
func (g *gatherer) teach(n path.Need) {
	key := "learn " + hexOf(n.Certificate.Fingerprint())
	if g.s.cfg.Lists == nil || g.asked[key] {
		return
	}
	g.ask(key)
	g.s.cfg.Lists.Learn(n.Certificate, n.Issuer)
}

// shelved takes the lists at hand about a certificate, once, and tells whether there are any. They never count as published
// (engine.Evidence.Published): that one of them is out of date may mean that the network is down, which makes a verdict
// indeterminate, and not that the authority publishes nothing newer, which makes it negative. The address itself is asked next.
func (g *gatherer) shelved(n path.Need) bool {
	key := "shelf " + hexOf(n.Certificate.Fingerprint())
	if g.s.cfg.Lists == nil || g.asked[key] {
		return false
	}
	g.ask(key)
	lists := g.s.cfg.Lists.CRLs(n.Certificate)
	fresh := slices.DeleteFunc(slices.Clone(lists), func(l *pkix.CRL) bool { _, known := g.bodyOf(l.Fingerprint()); return known })
	found := engine.Evidence{CRLs: fresh}
	g.list(found, sourceShelf)
	g.evidence = g.evidence.Join(found)
	return len(lists) > 0 // those that came for another certificate count: they were not there when this one was judged
}

// replaced drops from the list of evidence what was at hand and has now come from its address as well, where it is published.
func (g *gatherer) replaced(ev engine.Evidence) {
	for _, l := range ev.CRLs {
		before := len(g.listed)
		g.listed = slices.DeleteFunc(slices.Clone(g.listed), func(e report.Evidence) bool {
			return e.Source == sourceShelf && e.SHA256 == hexOf(l.Fingerprint())
		})
		if len(g.listed) < before {
			delete(g.stored, l.Fingerprint())
		}
	}
}

// Archive keeps a list where verdicts find it, before the first of them names it, and verifies it once for all of them. It
// implements revoked.Archive.
func (s *Service) Archive(ctx context.Context, l *revoked.List) error {
	if err := s.memo.Verify(l.Signer, l.CRL()); err != nil {
		return fmt.Errorf("couldn't verify the list: %w", err)
	}
	bodies := map[path.Digest]body{l.SHA256: {"crl", l.CRL().Raw}}
	fresh := s.known.unknown(bodies)
	if s.cfg.DB == nil || len(fresh) == 0 {
		return nil
	}
	there, err := s.hasEvidence(ctx, l.SHA256) // after a restart it is: the octets need not travel again
	if err != nil {
		return err
	}
	if !there {
		err = s.inTx(ctx, func(tx *sqlx.Tx) error { return insertEvidence(ctx, tx, bodies, fresh, s.cfg.Now()) })
	}
	if err == nil {
		s.known.add(fresh)
	}
	return err
}
