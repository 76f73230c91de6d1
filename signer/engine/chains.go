package engine

import (
	"crypto/sha256"
	"time"

	"qaqpa/signer/algo"
	"qaqpa/signer/path"
	"qaqpa/signer/pkix"
	"qaqpa/signer/report"

	lru "github.com/hashicorp/golang-lru/v2"
)

// Chains remembers verdicts about signers' paths that passed, for as long as nothing they rest on can change: the same
// certificate, certificates at hand, evidence, trust, policy and algorithms, and a time between the one that was judged and the
// first at which any of them ends. Outside of that the path is judged anew, so that remembering never changes a verdict.
// Safe for concurrent use; nil remembers nothing.
type Chains struct {
	passed *lru.Cache[chainKey, *chainVerdict]
}

// NewChains makes a memory of at most size verdicts, some 1 kB each.
func NewChains(size int) (*Chains, error) {
	c, err := lru.New[chainKey, *chainVerdict](size)
	if err != nil {
		return nil, err
	}
	return &Chains{c}, nil
}

// chainKey is everything but time that a path is judged by.
type chainKey struct {
	trust      *Trust
	policy     string
	algorithms *algo.Reliability
	revocation path.Revocation
	material   path.Digest // of the leaf, the certificates and the evidence with its nonces, in order
}

// chainVerdict is a verdict and the times, both included, between which it holds.
type chainVerdict struct {
	result           path.Result
	chain            []report.Certificate
	revocation       []report.Revocation
	from, until, now time.Time
}

// chainKeyOf names the inputs of a signer's path; ok false where times that are proven, or rules that are not the service's,
// play a part.
func (a *assessment) chainKeyOf(in *path.Inputs) (k chainKey, ok bool) {
	if a.set.Chains == nil || !in.SignedAfter.IsZero() || !in.SignedBefore.IsZero() || len(in.Proofs) > 0 || in.EKU != nil {
		return k, false
	}
	h := sha256.New()
	add := func(d path.Digest) { h.Write(d[:]) }
	add(in.Leaf.Fingerprint())
	// The pool is the evidence's certificates, those of the trust store, which the key names, and those of time stamps.
	own := len(a.ev.Certificates)
	for _, part := range [][]*pkix.Certificate{in.Pool[:own], in.Pool[own+len(a.set.Trust.pool):]} {
		h.Write([]byte("pool"))
		for _, c := range part {
			add(c.Fingerprint())
		}
	}
	h.Write([]byte("crl"))
	for _, l := range in.CRLs {
		add(l.Fingerprint())
	}
	h.Write([]byte("ocsp"))
	for _, o := range in.OCSP {
		d := o.Fingerprint()
		add(d)
		nonce, asked := in.Nonces[d]
		if !asked {
			nonce = []byte("none was asked for")
		}
		add(sha256.Sum256(nonce)) // of one length, so that no two lists of evidence read alike
	}
	k = chainKey{trust: a.set.Trust, policy: a.set.Policy.SHA256, algorithms: in.Algorithms, revocation: in.Revocation}
	h.Sum(k.material[:0])
	return k, true
}

// signerPath is validate with the memory.
func (a *assessment) signerPath(in path.Inputs) (path.Result, *chainVerdict) {
	k, ok := a.chainKeyOf(&in)
	if !ok {
		return a.validate(in), nil
	}
	if known, found := a.set.Chains.passed.Get(k); found &&
		!in.At.Before(known.from) && !in.At.After(known.until) && !in.EvidenceAt.Before(known.now) && !in.EvidenceAt.After(known.until) {
		return known.result, known
	}
	r := a.validate(in)
	until, lasting := a.lasts(&in, r)
	if !lasting {
		return r, nil
	}
	made := &chainVerdict{r, a.describeChain(r), describeRevocation(r), in.At, until, in.EvidenceAt}
	a.set.Chains.passed.Add(k, made)
	return r, made
}

// lasts tells until when a path that passed is sure to pass in the same way. It is not sure where another path was tried before,
// where evidence was passed over that may count later, or where evidence consists of several objects or is signed by somebody
// whose own status may end.
func (a *assessment) lasts(in *path.Inputs, r path.Result) (until time.Time, ok bool) {
	if r.Indication != path.Passed || r.Work.Paths != 1 || len(r.Chain) < 2 {
		return until, false
	}
	until = r.Chain[0].NotAfter
	ends := func(t time.Time) {
		if !t.IsZero() && t.Before(until) {
			until = t
		}
	}
	for i, c := range r.Chain {
		ends(c.NotAfter)
		if i+1 < len(r.Chain) {
			ends(a.beforeEnd(c.SignatureAlgorithm, r.Chain[i+1]))
		}
	}
	leaf := r.Chain[0].PublicKey
	ends(justBefore(in.Algorithms.Key(leaf.Family, leaf.Bits, in.At).Until))
	ends(r.Anchor.NotAfter)
	for i := range r.Revocation {
		if !a.evidenceLasts(in, &r.Revocation[i], i == 0, ends) {
			return until, false
		}
	}
	return until, true
}

// evidenceLasts bounds the time by the evidence about one certificate; false where it cannot be told.
func (a *assessment) evidenceLasts(in *path.Inputs, info *path.RevocationInfo, leaf bool, ends func(time.Time)) bool {
	switch {
	case len(info.Rejected) > 0 || !info.RevokedAt.IsZero():
		return false
	case info.Status == path.StatusExempt:
		return true
	case info.Status != path.StatusGood || len(info.Evidence) != 1 || info.Signer == nil:
		return false
	}
	if s := info.Signer; !s.IsCA {
		if !s.OCSPNoCheck {
			return false
		}
		ends(s.NotAfter)
	}
	limit := in.Revocation.MaxAgeCA
	if leaf {
		limit = in.Revocation.MaxAge
	}
	if info.NextUpdate.IsZero() && (limit == 0 || path.DefaultMaxAgeOpen < limit) {
		limit = path.DefaultMaxAgeOpen
	}
	ends(info.NextUpdate)
	if limit > 0 {
		ends(info.ThisUpdate.Add(limit))
	}
	for _, l := range in.CRLs {
		if l.Fingerprint() == info.Evidence[0] {
			ends(a.beforeEnd(l.SignatureAlgorithm, info.Signer))
		}
	}
	for _, o := range in.OCSP {
		if o.Fingerprint() == info.Evidence[0] {
			ends(a.beforeEnd(o.SignatureAlgorithm, info.Signer))
		}
	}
	return true
}

// beforeEnd is the last moment at which a signature by a certificate's key is reliable; zero: no end is set.
func (a *assessment) beforeEnd(s algo.Signature, by *pkix.Certificate) time.Time {
	return justBefore(a.set.Algorithms.Signature(s, by.PublicKey.Bits, a.set.At).Until)
}

// justBefore: ends of algorithms are exclusive.
func justBefore(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.Add(-time.Second)
}
