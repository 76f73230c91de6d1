package path

import (
	"crypto/x509"
	"testing"
	"time"

	"qaqpa/signer/algo"
	"qaqpa/signer/pkix"
)

// longAgo is a scene whose CA expired a year ago, with lists of then; proofs say when the evidence is proven to have existed.
type longAgo struct {
	*scene
	made time.Time // of the lists
}

func newLongAgo(tb testing.TB, revoked ...func(*scene) x509.RevocationListEntry) *longAgo {
	tb.Helper()
	s := newScene(tb)
	past := func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = now.AddDate(-5, 0, 0), now.AddDate(-1, 0, 0)
	}
	s.root = s.issue(nil, "Root", func(c *x509.Certificate) {
		asCA(c)
		c.NotBefore, c.NotAfter = now.AddDate(-9, 0, 0), now.AddDate(9, 0, 0)
	})
	s.in.Anchors = []Anchor{{Certificate: s.root.cert}}
	s.ca = s.issue(s.root, "CA", func(c *x509.Certificate) { asCA(c); past(c) })
	s.leaf = s.issue(s.ca, "Leaf", past)
	s.in.Pool, s.in.Leaf = []*pkix.Certificate{s.ca.cert}, s.leaf.cert
	l := &longAgo{s, now.AddDate(-2, 0, 0)}
	dated := func(c *x509.RevocationList) { c.ThisUpdate, c.NextUpdate = l.made, l.made.AddDate(0, 0, 1) }
	var entries []x509.RevocationListEntry
	for _, r := range revoked {
		entries = append(entries, r(s))
	}
	s.in.CRLs = []*pkix.CRL{s.crl(s.root, dated), s.crl(s.ca, dated, entries...)}
	s.in.Proofs = map[Digest]time.Time{}
	for _, o := range []signedObject{s.ca.cert, s.leaf.cert, s.in.CRLs[0], s.in.CRLs[1]} {
		s.in.Proofs[o.Fingerprint()] = l.made
	}
	return l
}

// TestSliding: the control time goes back to what the proven evidence vouches for (EN 319 102-1 5.6.2.2).
func TestSliding(t *testing.T) {
	l := newLongAgo(t)
	r := ValidatePast(l.in)
	if r.Indication != Passed || !r.Control.Equal(l.made) {
		t.Fatalf("%s, control time %s, want %s", explain(r.Result), r.Control, l.made)
	}
	if at := Validate(l.in); at.Indication == Passed {
		t.Error("the path holds now, although its CA has expired")
	}
}

// TestSlidingNeedsProofs: evidence or certificates that are not proven to be that old prove nothing, for they could have been
// made since with the keys of then. The root is good today, so that what it says about the CA may be proven today.
func TestSlidingNeedsProofs(t *testing.T) {
	for _, c := range []struct {
		name   string
		passes bool
		spoil  func(l *longAgo)
	}{
		{"list of the root", true, func(l *longAgo) { delete(l.in.Proofs, l.in.CRLs[0].Fingerprint()) }},
		{"CA", true, func(l *longAgo) { delete(l.in.Proofs, l.ca.cert.Fingerprint()) }},
		{"list of the CA", false, func(l *longAgo) { delete(l.in.Proofs, l.in.CRLs[1].Fingerprint()) }},
		{"leaf", false, func(l *longAgo) { delete(l.in.Proofs, l.leaf.cert.Fingerprint()) }},
		{"proof after the CA expired", false, func(l *longAgo) {
			l.in.Proofs[l.in.CRLs[1].Fingerprint()] = l.ca.cert.NotAfter.Add(time.Second)
		}},
		{"no lists", false, func(l *longAgo) { l.in.CRLs = nil }},
	} {
		l := newLongAgo(t)
		c.spoil(l)
		r := ValidatePast(l.in)
		if c.passes != (r.Indication == Passed) || !c.passes && r.Sub != NoPOE {
			t.Errorf("%s: %s until %s", c.name, explain(r.Result), r.Control)
		}
	}
}

// TestSlidingToRevocation: a certificate was good until it was revoked, and what is revoked in a CA slides everything below.
func TestSlidingToRevocation(t *testing.T) {
	when := now.AddDate(-2, -1, 0)
	l := newLongAgo(t, func(s *scene) x509.RevocationListEntry { return revokedAt(s.leaf, when, 1) })
	l.in.Proofs[l.leaf.cert.Fingerprint()] = when.AddDate(0, -1, 0)
	r := ValidatePast(l.in)
	if r.Indication != Passed || !r.Control.Equal(when) {
		t.Fatalf("%s, control time %s, want %s", explain(r.Result), r.Control, when)
	}
	// The leaf is proven only after the revocation: it could have been made by whoever stole the key.
	delete(l.in.Proofs, l.leaf.cert.Fingerprint())
	if r := ValidatePast(l.in); r.Sub != NoPOE {
		t.Errorf("%s", explain(r.Result))
	}
}

// TestSlidingToStrength: the control time is not after the end of an algorithm.
func TestSlidingToStrength(t *testing.T) {
	l := newLongAgo(t)
	end := now.AddDate(-3, 0, 0).Truncate(24 * time.Hour)
	table, err := algo.LoadReliability([]byte(`{"version":"t","sources":{"t":"test"},"hashes":[],"keys":[{"family":"Ed25519","bits_min":256,"end":"` +
		end.Format(time.DateOnly) + `","source":"t"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	l.in.Algorithms = table
	if r := ValidatePast(l.in); r.Indication == Passed {
		t.Fatalf("passes until %s, although nothing is proven by %s", r.Control, end)
	}
	for d := range l.in.Proofs {
		l.in.Proofs[d] = end.AddDate(0, -1, 0)
	}
	l.in.CRLs[0] = l.crl(l.root, func(c *x509.RevocationList) { c.ThisUpdate, c.NextUpdate = end.AddDate(0, -2, 0), now.AddDate(0, 0, 1) })
	l.in.CRLs[1] = l.crl(l.ca, func(c *x509.RevocationList) { c.ThisUpdate, c.NextUpdate = end.AddDate(0, -2, 0), now.AddDate(0, 0, 1) })
	for _, crl := range l.in.CRLs {
		l.in.Proofs[crl.Fingerprint()] = end.AddDate(0, -1, 0)
	}
	r := ValidatePast(l.in)
	if r.Indication != Passed || r.Control.After(end) {
		t.Errorf("%s, control time %s, want at most %s", explain(r.Result), r.Control, end)
	}
}

// TestNeverValidTogether: the leaf began when its CA had ended.
func TestNeverValidTogether(t *testing.T) {
	l := newLongAgo(t)
	l.leaf = l.issue(l.ca, "Leaf", nil)
	l.in.Leaf = l.leaf.cert
	l.leaf.cert.NotBefore = l.ca.cert.NotAfter.Add(time.Hour)
	if r := ValidatePast(l.in); r.Sub != OutOfBoundsNoPOE {
		t.Errorf("%s", explain(r.Result))
	}
}

// TestPastAnchor: what the anchor itself signed needs no path.
func TestPastAnchor(t *testing.T) {
	l := newLongAgo(t)
	l.in.Leaf = l.root.cert
	if r := ValidatePast(l.in); r.Indication != Passed || !r.Control.Equal(now) {
		t.Errorf("%s %s", explain(r.Result), r.Control)
	}
	l.in.Leaf, l.in.Anchors = l.leaf.cert, nil
	if r := ValidatePast(l.in); r.Sub != NoChainFound {
		t.Errorf("%s", explain(r.Result))
	}
	l.in.Leaf = nil
	if r := ValidatePast(l.in); r.Sub != NoChainFound {
		t.Errorf("%s", explain(r.Result))
	}
}
