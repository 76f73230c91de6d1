package revoked

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"qaqpa/signer/pkix"
)

// Bounds of what a certificate may teach.
const (
	learntURLs     = 4
	learntURLBytes = 512
)

// Learn notes where lists about a certificate are published, for certificates of authorities whose lists nobody configured.
// Whoever sends a document chooses the certificates in it, but not what an authority has signed: only a certificate whose
// issuer is one of Config.Authorities teaches, and only with a signature of that issuer that holds, which is verified
// when it names an address for the first time. Learnt points are bounded in number and octets, and forgotten when nobody asks for them.
func (s *Store) Learn(c, issuer *pkix.Certificate) {
	if s.cfg.LearntMax < 0 || issuer == nil || s.authorities[issuer.Fingerprint()] == nil || !c.Issuer.Equal(issuer.Subject) {
		return
	}
	fresh := s.unknown(c)
	if len(fresh) == 0 || c.CheckSignatureFrom(issuer) != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	learnt := 0
	for _, p := range s.points {
		if p.learnt {
			learnt++
		}
	}
	for _, p := range fresh {
		if learnt >= s.cfg.LearntMax {
			return
		}
		if slices.ContainsFunc(p.URLs, func(u string) bool { return s.byURL[u] != nil }) {
			continue // another certificate was quicker
		}
		p.Issuers, p.asked = s.generations[issuer.Subject.Key()], s.cfg.Now()
		s.add(p)
		learnt++
	}
	s.metrics.learnt.Set(float64(learnt))
	s.nudge()
}

// unknown gives the points of a certificate of which no address is known, and notes that the others were asked for.
func (s *Store) unknown(c *pkix.Certificate) []*point {
	var fresh []*point
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, points := range [][]pkix.DistributionPoint{c.CRLDistributionPoints, c.FreshestCRL} {
		for j := range points {
			if points[j].CRLIssuer != nil {
				continue // lists of others: not what this authority vouches for
			}
			urls := slices.DeleteFunc(points[j].URIs(), func(u string) bool { return !learnable(u) })
			slices.Sort(urls)
			urls = slices.Compact(urls)
			urls = urls[:min(len(urls), learntURLs)]
			if len(urls) == 0 || s.noteAsked(urls) {
				continue
			}
			fresh = append(fresh, newLearnt(urls, i == 1))
		}
	}
	return fresh
}

// noteAsked tells whether one of the addresses is known; mu is held.
func (s *Store) noteAsked(urls []string) bool {
	known := false
	for _, u := range urls {
		if p := s.byURL[u]; p != nil {
			known = true
			p.asked = s.cfg.Now()
		}
	}
	return known
}

func learnable(address string) bool {
	u, err := url.Parse(address)
	plain := !strings.ContainsFunc(address, func(r rune) bool { return r <= ' ' || r > '~' })
	return err == nil && plain && len(address) <= learntURLBytes && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil
}

func newLearnt(urls []string, delta bool) *point {
	sum := sha256.Sum256([]byte(urls[0]))
	return &point{
		Point:  Point{Name: learntLabel + "-" + hex.EncodeToString(sum[:6]), URLs: urls, Delta: delta},
		learnt: true, tags: map[string]Tags{},
	}
}

// relearn brings a learnt point back from the state: nil when its authority is no longer one, an address of it has been
// configured, or nobody has asked for it for long.
func (s *Store) relearn(r *record) *point {
	if s.cfg.LearntMax < 0 || len(r.URLs) == 0 || s.cfg.Now().Sub(r.AskedAt) > s.cfg.LearntIdle {
		return nil
	}
	p := newLearnt(r.URLs, r.Delta)
	p.asked = r.AskedAt
	for _, id := range r.Issuers {
		b, err := hex.DecodeString(id)
		if err != nil || len(b) != len(Digest{}) {
			continue
		}
		if c := s.authorities[Digest(b)]; c != nil {
			p.Issuers = append(p.Issuers, c)
		}
	}
	learnt := 0
	for _, o := range s.points {
		if o.learnt {
			learnt++
		}
	}
	if len(p.Issuers) == 0 || learnt >= s.cfg.LearntMax || slices.ContainsFunc(p.URLs, func(u string) bool { return s.byURL[u] != nil || !learnable(u) }) {
		return nil
	}
	s.add(p)
	return p
}

// roomFor bounds the lists of learnt points together.
func (s *Store) roomFor(p *point, octets int64) error {
	if !p.learnt {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	sum := octets
	for _, o := range s.points {
		if o.learnt && o != p && o.list != nil {
			sum += int64(len(o.list.crl.Raw))
		}
	}
	if sum > s.cfg.LearntBytesMax {
		return fmt.Errorf("%w: learnt lists would have %d octets", ErrLimit, sum)
	}
	return nil
}
