package signer

import (
	"maps"
	"slices"

	"qaqpa/signer/engine"
	"qaqpa/signer/fetch"
	"qaqpa/signer/path"
	"qaqpa/signer/report"

	lru "github.com/hashicorp/golang-lru/v2"
)

// hints remember which requests brought the evidence for a signer's certificate, so that the next document of the same
// signer is judged with what is still in the cache at once, instead of finding out step by step what is missing. They
// are never evidence themselves: what the cache no longer has is asked for as always.
type hints struct {
	bySigner *lru.Cache[path.Digest, *hint]
	bundles  *lru.Cache[path.Digest, *bundle]
}

// hint is what helped for one signer: requests, and the names under which the cache has their answers.
type hint struct {
	requests []outcome
	names    []string
}

func newHint(requests []outcome) *hint {
	h := &hint{requests: requests, names: make([]string, len(requests))}
	for i := range requests {
		h.names[i] = requests[i].request.Name()
	}
	return h
}

// bundle is what a gatherer that had nothing has after it took the answers to a hint. It follows from those answers alone, so it
// serves the next document as long as the cache still has these very answers. It is never changed. Bundles are few and small: they hold
// answers that the cache may have dropped, and a list of 21 MB must not stay for an idle signer.
type bundle struct {
	objects  []*fetch.Object // the answers, in the order of the hint's requests
	evidence engine.Evidence
	listed   []report.Evidence
	stored   map[path.Digest]body
	fetched  map[path.Digest]fetched
	helped   []outcome
}

// Bounds of hints: signers remembered, and requests of each.
const (
	hintsMax    = 8192
	requestsMax = 16
	hintedMax   = 8
	bundlesMax  = 1024
	// bundleBytesMax bounds the answers of one bundle.
	bundleBytesMax = 32 << 10
)

func newHints() (*hints, error) {
	c, err := lru.New[path.Digest, *hint](hintsMax)
	if err != nil {
		return nil, err
	}
	b, err := lru.New[path.Digest, *bundle](bundlesMax)
	return &hints{c, b}, err
}

// recall takes from the cache what helped for the certificates of a document before.
func (g *gatherer) recall(ev engine.Evidence) {
	if g.s.cfg.Fetch == nil || g.s.cfg.Revocation == RevocationOffline {
		return
	}
	for _, c := range ev.Certificates[:min(len(ev.Certificates), hintedMax)] {
		if h, ok := g.s.hints.bySigner.Get(c.Fingerprint()); ok {
			g.follow(c.Fingerprint(), h)
		}
	}
}

// follow takes what the cache still has of what helped a signer before.
func (g *gatherer) follow(leaf path.Digest, h *hint) {
	var space [requestsMax]*fetch.Object
	objects, size := space[:len(h.requests)], 0
	for i, o := range h.requests {
		if !g.wanted(o.request.Kind) {
			continue
		}
		if object := g.s.cfg.Fetch.CachedAs(h.names[i]); object != nil && object.Failure == nil {
			objects[i] = object
			size += len(object.Body)
		}
	}
	first := g.untouched() && size > 0 && size <= bundleBytesMax
	if first {
		if b, ok := g.s.hints.bundles.Get(leaf); ok && slices.Equal(b.objects, objects) {
			g.adopt(b)
			return
		}
	}
	for i, o := range h.requests {
		if objects[i] != nil {
			g.take(outcome{o.subject, o.request, objects[i]})
		}
	}
	if first {
		b := &bundle{slices.Clone(objects), g.evidence, slices.Clip(g.listed), g.stored, g.objects, slices.Clip(g.helped)}
		g.s.hints.bundles.Add(leaf, b)
		g.adopt(b)
	}
}

// untouched tells whether nothing was gathered yet: then what a hint brings does not depend on the document.
func (g *gatherer) untouched() bool {
	e := &g.evidence
	return g.base == nil && len(g.listed) == 0 && len(g.stored) == 0 && len(g.objects) == 0 && len(g.helped) == 0 &&
		len(e.Certificates) == 0 && len(e.CRLs) == 0 && len(e.OCSP) == 0 && len(e.Nonces) == 0 && len(e.Published) == 0 && len(e.Missing) == 0
}

// adopt takes a bundle over without copying it: what comes later goes into maps of the gatherer's own.
func (g *gatherer) adopt(b *bundle) {
	g.base, g.stored, g.objects = b, nil, nil
	g.evidence, g.listed, g.helped = b.evidence, b.listed, b.helped
}

// unshare gives the gatherer maps that it may change as it likes, with all that the bundle's hold.
func (g *gatherer) unshare() {
	if g.base == nil {
		return
	}
	stored, objects := map[path.Digest]body{}, map[path.Digest]fetched{}
	for _, from := range []map[path.Digest]body{g.base.stored, g.stored} {
		maps.Copy(stored, from)
	}
	for _, from := range []map[path.Digest]fetched{g.base.fetched, g.objects} {
		maps.Copy(objects, from)
	}
	g.base, g.stored, g.objects = nil, stored, objects
}

// bodyOf finds evidence that is to be stored.
func (g *gatherer) bodyOf(d path.Digest) (b body, ok bool) {
	if b, ok = g.stored[d]; !ok && g.base != nil {
		b, ok = g.base.stored[d]
	}
	return b, ok
}

func (g *gatherer) store(d path.Digest, b body) {
	if g.stored == nil {
		g.stored = map[path.Digest]body{}
	}
	g.stored[d] = b
}

// gathered tells whether an object was fetched for this document, or taken from the cache.
func (g *gatherer) gathered(d path.Digest) bool {
	_, known := g.objects[d]
	if !known && g.base != nil {
		_, known = g.base.fetched[d]
	}
	return known
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
		g.s.hints.bySigner.Add(leaf, newHint(kept))
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
