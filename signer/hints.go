package signer

import (
	"qaqpa/signer/engine"
	"qaqpa/signer/path"
	"qaqpa/signer/report"

	lru "github.com/hashicorp/golang-lru/v2"
)

// hints remember which requests brought the evidence for a signer's certificate, so that the next document of the same
// signer is judged with what is still in the cache at once, instead of finding out step by step what is missing. They
// are never evidence themselves: what the cache no longer has is asked for as always.
type hints struct {
	bySigner *lru.Cache[path.Digest, []outcome]
}

// Bounds of hints: signers remembered, and requests of each.
const (
	hintsMax    = 8192
	requestsMax = 16
	hintedMax   = 8
)

func newHints() (*hints, error) {
	c, err := lru.New[path.Digest, []outcome](hintsMax)
	return &hints{c}, err
}

// recall takes from the cache what helped for the certificates of a document before.
func (g *gatherer) recall(ev engine.Evidence) {
	if g.s.cfg.Fetch == nil || g.s.cfg.Revocation == RevocationOffline {
		return
	}
	for _, c := range ev.Certificates[:min(len(ev.Certificates), hintedMax)] {
		known, ok := g.s.hints.bySigner.Get(c.Fingerprint())
		if !ok {
			continue
		}
		for _, o := range known {
			if !g.wanted(o.request.Kind) {
				continue
			}
			if object := g.s.cfg.Fetch.Cached(o.request); object != nil && object.Failure == nil {
				g.take(outcome{o.subject, o.request, object})
			}
		}
	}
}

// learn keeps the requests that a verdict stood on, for each of its signers.
func (g *gatherer) learn(v Verdict) {
	if !g.learned {
		return
	}
	for _, s := range v.Signatures {
		if s.Indication != report.TotalPassed || len(s.Chain) == 0 {
			continue
		}
		leaf, ok := digestOf(s.Chain[0].SHA256)
		if !ok {
			continue
		}
		wanted := subjectsOf(s)
		var kept []outcome
		for _, o := range g.helped {
			if wanted[o.subject] && len(kept) < requestsMax {
				kept = append(kept, outcome{subject: o.subject, request: o.request})
			}
		}
		g.s.hints.bySigner.Add(leaf, kept)
	}
}

// subjectsOf are the certificates of a signature's chains.
func subjectsOf(s SignatureVerdict) map[path.Digest]bool {
	out := map[path.Digest]bool{}
	add := func(chain []report.Certificate) {
		for _, c := range chain {
			if d, ok := digestOf(c.SHA256); ok {
				out[d] = true
			}
		}
	}
	add(s.Chain)
	for _, ts := range s.TimeStamps {
		add(ts.Chain)
	}
	return out
}
