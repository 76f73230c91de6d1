package engine

import (
	"time"

	"qaqpa/signer/algo"
	"qaqpa/signer/cms"
	"qaqpa/signer/path"
)

// proofs are proofs of existence (EN 319 102-1 5.6.2.3): the earliest time at which each object is proven to have existed.
// What nothing proves existed at the time of validation and no earlier.
type proofs struct {
	now time.Time
	at  map[path.Digest]time.Time
}

func newProofs(now time.Time) *proofs { return &proofs{now: now} }

// of is the earliest time that is proven.
func (p *proofs) of(object path.Digest) time.Time {
	if t, ok := p.at[object]; ok {
		return t
	}
	return p.now
}

func (p *proofs) add(object path.Digest, at time.Time) {
	if !at.Before(p.of(object)) {
		return
	}
	if p.at == nil {
		p.at = map[path.Digest]time.Time{}
	}
	p.at[object] = at
}

// extract is POE extraction (5.6.2.3.4) from a time stamp that holds: everything that its imprint covers, directly or by a
// digest in what it covers, existed at its genTime. It returns how many objects those are.
func (a *assessment) extract(p *proofs, s *signer, st *stamp) int {
	at := st.token.Info.GenTime
	count := 0
	add := func(d path.Digest) {
		p.add(d, at)
		count++
	}
	if st.CoversSignature {
		add(s.id)
	}
	for _, d := range st.covered {
		add(d)
		for _, other := range s.stamps {
			if other.id == d {
				for _, inside := range other.inside {
					add(inside)
				}
			}
		}
	}
	for _, r := range st.References {
		if d, ok := a.resolve(r, s); ok {
			add(d)
		}
	}
	return count
}

// resolve finds the object at hand that a digest stands for. The digest must be made with a hash that is reliable now, or
// another object could be put in its place.
func (a *assessment) resolve(r cms.Reference, s *signer) (path.Digest, bool) {
	if !r.Hash.Valid() || !a.set.Algorithms.Hash(r.Hash, a.set.At).Reliable {
		return path.Digest{}, false
	}
	if d, ok := a.objects(r.Hash)[string(r.Digest)]; ok {
		return d, true
	}
	for _, st := range s.stamps {
		if r.IsOf(st.Token) {
			return st.id, true
		}
	}
	return path.Digest{}, false
}

// referencedMax bounds the lists that are hashed for references.
const referencedMax = 4 << 20

// objects are the certificates and revocation data at hand by their digest with a hash; made once for each hash, since a
// document has thousands of references.
func (a *assessment) objects(h algo.Hash) map[string]path.Digest {
	if known, ok := a.digests[h]; ok {
		return known
	}
	out := map[string]path.Digest{}
	for _, c := range a.pool {
		out[string(h.Sum(nil, c.Raw))] = c.Fingerprint()
	}
	for _, l := range a.ev.CRLs {
		if len(l.Raw) <= referencedMax {
			out[string(h.Sum(nil, l.Raw))] = l.Fingerprint()
		}
	}
	for _, o := range a.ev.OCSP {
		out[string(h.Sum(nil, o.Raw))] = o.Fingerprint()
		if o.RawBasic != nil {
			out[string(h.Sum(nil, o.RawBasic))] = o.Fingerprint()
		}
	}
	if a.digests == nil {
		a.digests = map[algo.Hash]map[string]path.Digest{}
	}
	a.digests[h] = out
	return out
}
