package signer

import (
	"context"
	"slices"
	"sync"
	"time"

	"qaqpa/signer/engine"
	"qaqpa/signer/fetch"
	"qaqpa/signer/path"
	"qaqpa/signer/pkix"
	"qaqpa/signer/report"
)

// Bounds of gathering for one document. A document chooses its addresses, so it must not choose how many are called.
const (
	roundsMax  = 8
	fetchesMax = 48
)

// gatherer brings evidence for one document, round by round: judge, fetch what is missing, judge again.
type gatherer struct {
	s        *Service
	setting  engine.Setting
	evidence engine.Evidence
	listed   []report.Evidence
	stored   map[path.Digest]body
	fetches  int
	asked    map[string]bool
	objects  map[path.Digest]fetched
	base     *bundle   // what stored and objects hold besides
	helped   []outcome // what brought evidence
	found    bool      // the lists at hand brought something in this round
	learned  bool      // some of it was not known to help before
	only     *RevocationCheck
}

// body is one object of evidence to be kept.
type body struct {
	kind  string
	bytes []byte
}

// fetched remembers where an object came from, to be able to discard it.
type fetched struct {
	request fetch.Request
	object  *fetch.Object
}

func (s *Service) gatherer(given engine.Evidence, at time.Time) *gatherer {
	now := s.cfg.Now().UTC().Truncate(time.Microsecond)
	if at.IsZero() {
		at = now
	}
	g := &gatherer{s: s, setting: s.setting(at, now), evidence: given}
	g.list(given, "request")
	return g
}

// run judges until nothing more can be had. The error is that of the caller's context: its end is no absent evidence.
func (g *gatherer) run(ctx context.Context, c *engine.Case) (Verdict, error) {
	g.note(c.Embedded(), "document")
	g.recall(c.Embedded())
	limited, bounded := ctx, false // bounded when something has to be fetched: most documents need nothing
	for range roundsMax {
		a := c.Assess(g.setting, g.evidence)
		g.discard(a.Rejected)
		if len(a.Needs) > 0 && !bounded {
			var cancel context.CancelFunc
			limited, cancel = context.WithTimeout(ctx, g.s.cfg.GatherTimeout)
			defer cancel()
			bounded = true
		}
		if len(a.Needs) == 0 || !g.fetchAll(limited, a.Needs) {
			return g.finish(a.Verdict), ctx.Err()
		}
		if err := ctx.Err(); err != nil {
			return Verdict{}, err
		}
		// What was fetched is at hand now, and must not seem to come from the future.
		g.setting.Now = g.s.cfg.Now().UTC().Truncate(time.Microsecond)
	}
	return g.finish(c.Assess(g.setting, g.evidence).Verdict), ctx.Err()
}

// pathOf validates a certificate alone, now, with what can be fetched until ctx ends. Absence of revocation data is
// tolerated.
func (s *Service) pathOf(ctx context.Context, leaf *pkix.Certificate, pool []*pkix.Certificate) path.Result {
	g := s.gatherer(engine.Evidence{Certificates: pool}, time.Time{})
	if g.setting.Policy.Revocation == path.Required {
		g.setting.Policy.Revocation = path.IfAvailable
	}
	return g.chain(ctx, leaf)
}

// chain validates a certificate until nothing more can be had.
func (g *gatherer) chain(ctx context.Context, leaf *pkix.Certificate) path.Result {
	for range roundsMax {
		r, needs, rejected := engine.Chain(g.setting, g.evidence, leaf)
		g.discard(rejected)
		if len(needs) == 0 || !g.fetchAll(ctx, needs) {
			return r
		}
		g.setting.Now = g.s.cfg.Now().UTC()
	}
	r, _, _ := engine.Chain(g.setting, g.evidence, leaf)
	return r
}

func (g *gatherer) finish(v Verdict) Verdict {
	g.learn(v)
	if len(g.listed) > 0 {
		v.Evidence = append(slices.Clip(g.listed), v.Evidence...)
	}
	return v
}

// fetchAll asks for everything needed, certificates side by side, and tells whether anything new was learned.
func (g *gatherer) fetchAll(ctx context.Context, needs []path.Need) bool {
	if g.s.cfg.Fetch == nil && g.s.cfg.Lists == nil || g.s.cfg.Revocation == RevocationOffline {
		return false
	}
	var plans [][]step
	for _, n := range needs {
		if steps := g.plan(n); len(steps) > 0 {
			plans = append(plans, steps)
		}
	}
	got := make([][]outcome, len(plans))
	var wg sync.WaitGroup
	for i, steps := range plans {
		wg.Go(func() { got[i] = g.s.follow(ctx, steps) })
	}
	wg.Wait()
	for _, o := range slices.Concat(got...) {
		g.take(o)
		g.learned = g.learned || o.object.Failure == nil
	}
	found := g.found
	g.found = false
	return len(plans) > 0 || found
}

// discard lets the cache forget what turned out to be unusable, so that the next document asks again.
func (g *gatherer) discard(rejected []path.Digest) {
	if len(rejected) > 0 {
		g.unshare()
	}
	for _, d := range rejected {
		if f, ok := g.objects[d]; ok {
			g.s.cfg.Fetch.Discard(f.request, f.object)
			delete(g.objects, d)
		}
	}
}

// list names evidence in the verdict and keeps its body.
func (g *gatherer) list(ev engine.Evidence, source string) {
	for _, c := range ev.Certificates {
		g.keep("certificate", c.Fingerprint(), c.Raw, source)
	}
	for _, l := range ev.CRLs {
		g.keep("crl", l.Fingerprint(), l.Raw, source)
	}
	for _, o := range ev.OCSP {
		g.keep("ocsp", o.Fingerprint(), o.Raw, source)
	}
}

func (g *gatherer) keep(kind string, d path.Digest, raw []byte, source string) {
	if _, ok := g.bodyOf(d); ok {
		return
	}
	g.store(d, body{kind, raw})
	g.listed = append(g.listed, report.Evidence{Kind: kind, SHA256: hexOf(d), Source: source, SizeBytes: len(raw)})
}

// note names the evidence that the document carries; its bodies are the document's.
func (g *gatherer) note(ev engine.Evidence, source string) {
	for _, l := range ev.CRLs {
		g.listed = append(g.listed, report.Evidence{Kind: "crl", SHA256: hexOf(l.Fingerprint()), Source: source, SizeBytes: len(l.Raw)})
	}
	for _, o := range ev.OCSP {
		g.listed = append(g.listed, report.Evidence{Kind: "ocsp", SHA256: hexOf(o.Fingerprint()), Source: source, SizeBytes: len(o.Raw)})
	}
}

// take adds what a fetch brought, or that it brought nothing.
func (g *gatherer) take(o outcome) {
	at := o.object.At.UTC()
	if f := o.object.Failure; f != nil {
		g.evidence.Missing = append(g.evidence.Missing, engine.Missing{
			Certificate: o.subject, Kind: string(o.request.Kind), URL: o.request.URL, Failure: string(f.Kind),
		})
		g.listed = append(g.listed, report.Evidence{
			Kind: string(o.request.Kind), Source: o.request.URL, ObtainedAt: &at, Failure: string(f.Kind),
			CertificateSHA256: hexOf(o.subject),
		})
		return
	}
	g.helped = append(g.helped, o)
	ev, nonce := evidenceOf(o.object)
	digests := digestsOf(ev)
	if slices.ContainsFunc(digests, g.gathered) {
		return
	}
	g.replaced(ev)
	before := len(g.listed)
	g.list(ev, o.request.URL)
	for i := before; i < len(g.listed); i++ {
		g.listed[i].ObtainedAt, g.listed[i].Nonce = &at, nonce
	}
	if g.objects == nil {
		g.objects = map[path.Digest]fetched{}
	}
	for _, d := range digests {
		g.objects[d] = fetched{o.request, o.object}
	}
	g.evidence = g.evidence.Join(ev)
}

func digestsOf(ev engine.Evidence) []path.Digest {
	var out []path.Digest
	for _, c := range ev.Certificates {
		out = append(out, c.Fingerprint())
	}
	for _, l := range ev.CRLs {
		out = append(out, l.Fingerprint())
	}
	for _, o := range ev.OCSP {
		out = append(out, o.Fingerprint())
	}
	return out
}

// outcome is what one request brought for a certificate.
type outcome struct {
	subject path.Digest
	request fetch.Request
	object  *fetch.Object
}

// evidenceOf turns a checked object into evidence.
func evidenceOf(o *fetch.Object) (engine.Evidence, string) {
	switch v := o.Value.(type) {
	case *ocspAnswer:
		return v.evidence, v.nonce
	case *pkix.CRL:
		return engine.Evidence{CRLs: []*pkix.CRL{v}, Published: map[path.Digest]bool{v.Fingerprint(): true}}, ""
	case []*pkix.Certificate:
		return engine.Evidence{Certificates: v}, ""
	default:
		return engine.Evidence{}, ""
	}
}
