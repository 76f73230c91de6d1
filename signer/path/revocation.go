package path

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"time"

	"qaqpa/signer/algo"
	"qaqpa/signer/pkix"
)

// statusKey names a question: the status of a certificate under an issuer, on a path to an anchor.
type statusKey struct {
	cert, issuer *pkix.Certificate
	anchor       *Anchor
}

// question is what the sources of evidence are asked.
type question struct {
	cert, issuer *pkix.Certificate
	path         []*pkix.Certificate // certificates that are already validated: issuer and everything above
	anchor       *Anchor
}

// answer is what one piece of evidence (or a set of CRLs that complete each other) says.
type answer struct {
	status     Status // good, revoked or unknown
	stale      bool   // too old to say that a certificate is good; old enough to say that it is revoked
	source     Source
	thisUpdate time.Time
	nextUpdate time.Time
	producedAt time.Time
	revokedAt  time.Time
	reason     pkix.Reason
	hasReason  bool
	invalidity time.Time
	signer     *pkix.Certificate
	digests    []Digest
}

// statusSuffices reports whether nothing more is to be wished for.
func statusSuffices(s Status) bool { return s == StatusGood || s == StatusExempt }

// checkRevocation determines the status of each certificate from the anchor down. Below a certificate whose status is
// not good, evidence is still looked at for the report: it can only make the result worse.
func (v *validation) checkRevocation(j *judgement) {
	n := len(j.path) - 1
	j.revocation = make([]RevocationInfo, n)
	for i := n - 1; i >= 0; i-- {
		c := j.path[i]
		isLeaf := i == 0 && j.role == asLeaf
		mode := v.in.Revocation.CA
		if isLeaf {
			mode = v.in.Revocation.Leaf
		}
		info := v.statusOf(question{cert: c, issuer: j.path[i+1], path: j.path[i+1:], anchor: j.anchor}, mode)
		j.revocation[i] = info
		v.weighStatus(j, info, mode, isLeaf)
	}
}

// weighStatus turns a status into findings (EN 319 102-1 5.2.6.4).
func (v *validation) weighStatus(j *judgement, info RevocationInfo, mode Mode, isLeaf bool) {
	p := Problem{Clause: "EN 319 102-1 5.2.6.4", Certificate: info.Certificate}
	switch info.Status {
	case StatusGood, StatusExempt:
		return
	case StatusRevoked:
		p.Detail = fmt.Sprintf("revoked on %s: %s", info.RevokedAt.Format(time.RFC3339), info.Reason)
		j.add(v.revokedSub(info, isLeaf, &p))
		return
	case StatusUnknown:
		p.Code, p.Detail = CodeRevocationUnknown, "the responder does not know the certificate"
	case StatusUnavailable:
		if mode == IfAvailable {
			return
		}
		p.Code, p.Detail = CodeRevocationMissing, "there is no usable revocation evidence"
	}
	sub := TryLater
	for _, r := range info.Rejected {
		if r.Problem.Code == CodeEvidenceSignerDates {
			sub = RevocationOutOfBoundsNoPOE
		}
	}
	j.add(sub, p)
}

func (v *validation) revokedSub(info RevocationInfo, isLeaf bool, p *Problem) (SubIndication, Problem) {
	switch after := v.in.SignedAfter; {
	case !isLeaf:
		p.Code = CodeCARevoked
		return RevokedCANoPOE, *p
	case info.OnHold():
		p.Code = CodeOnHold
		return TryLater, *p
	case !after.IsZero() && !after.Before(info.RevokedAt):
		p.Code = CodeRevoked
		return Revoked, *p
	}
	p.Code = CodeRevoked
	return RevokedNoPOE, *p
}

// statusOf answers a question from all evidence at hand.
func (v *validation) statusOf(q question, mode Mode) RevocationInfo {
	info := RevocationInfo{Certificate: q.cert}
	if info.Exempt = exemption(q.cert, mode); info.Exempt != "" {
		info.Status = StatusExempt
		return info
	}
	key := statusKey{q.cert, q.issuer, q.anchor}
	if known, ok := v.statuses[key]; ok {
		return known
	}
	if slices.Contains(v.stack, q.cert) { // the evidence would vouch for its own signer
		info.Status = StatusUnavailable
		return info
	}
	v.stack = append(v.stack, q.cert)
	answers := v.askOCSP(q, &info)
	answers = append(answers, v.askCRLs(q, &info)...)
	v.stack = v.stack[:len(v.stack)-1]
	v.decide(&info, answers)
	if len(v.stack) == 0 { // below, an answer may be missing only because of what is being asked above
		v.statuses[key] = info
	}
	return info
}

func exemption(c *pkix.Certificate, mode Mode) string {
	switch {
	case mode == Off:
		return "not-required"
	case c.NoRevAvail && !c.IsCA:
		return "no-rev-avail" // RFC 9608 3
	case c.OCSPNoCheck && isResponder(c):
		return "ocsp-nocheck" // RFC 6960 4.2.2.2.1
	}
	return ""
}

// decide weighs the answers against each other; see the package comment for the rules.
func (v *validation) decide(info *RevocationInfo, answers []answer) {
	info.Status = StatusUnavailable
	var best *answer
	for i := range answers {
		a := &answers[i]
		if a.stale && (a.status != StatusRevoked || a.onHold()) {
			continue
		}
		if best == nil || a.beats(best) {
			best = a
		}
	}
	if best == nil {
		return
	}
	info.take(best)
	if best.status != StatusRevoked {
		return
	}
	if best.revokedAt.After(v.in.At) || v.liftedByProof(info) {
		info.Status = StatusGood
	}
}

func (info *RevocationInfo) take(a *answer) {
	info.Status, info.Source, info.Signer, info.Evidence = a.status, a.source, a.signer, a.digests
	info.ThisUpdate, info.NextUpdate, info.ProducedAt = a.thisUpdate, a.nextUpdate, a.producedAt
	info.RevokedAt, info.Reason, info.HasReason = a.revokedAt, a.reason, a.hasReason
	info.InvalidityDate = a.invalidity
}

// liftedByProof: the signature is proven to be older than the revocation of its certificate.
func (v *validation) liftedByProof(info *RevocationInfo) bool {
	before := v.in.SignedBefore
	return info.Certificate == v.in.Leaf && !before.IsZero() && before.Before(info.RevokedAt) && !info.OnHold()
}

func (a *answer) onHold() bool { return a.hasReason && a.reason == pkix.CertificateHold }

// beats reports whether a counts for more than b.
func (a *answer) beats(b *answer) bool {
	// A hold ends when newer evidence says so; everything else about it is as with a revocation.
	if a.onHold() && b.status == StatusGood && b.thisUpdate.After(a.thisUpdate) {
		return false
	}
	if b.onHold() && a.status == StatusGood && a.thisUpdate.After(b.thisUpdate) {
		return true
	}
	if x, y := a.weight(), b.weight(); x != y {
		return x > y
	}
	if a.status == StatusRevoked && !a.revokedAt.Equal(b.revokedAt) {
		return a.revokedAt.Before(b.revokedAt)
	}
	return a.thisUpdate.After(b.thisUpdate)
}

func (a *answer) weight() int {
	switch {
	case a.status == StatusRevoked && !a.onHold():
		return 3
	case a.status == StatusRevoked:
		return 2
	case a.status == StatusUnknown:
		return 1
	}
	return 0
}

// evidence is what CRLs and OCSP responses have in common.
type evidence struct {
	source Source
	object signedObject
	this   time.Time
	next   time.Time
}

func (info *RevocationInfo) reject(e evidence, p Problem) {
	r := RejectedEvidence{Source: e.source, Digest: e.object.Fingerprint(), Problem: p}
	if !slices.Contains(info.Rejected, r) {
		info.Rejected = append(info.Rejected, r)
	}
}

// checkTimes judges the age of evidence: nil when it is fresh. stale tells that it is only too old. Evidence made at or
// after At speaks about At whatever its age is now; older evidence must still be current at At.
func (v *validation) checkTimes(q question, e evidence) (p *Problem, stale bool) {
	r := &v.in.Revocation
	p = &Problem{Code: CodeEvidenceStale, Clause: "EN 319 102-1 5.2.5"}
	switch {
	case e.this.After(v.in.EvidenceAt.Add(r.Skew)):
		p.Code, p.Clause = CodeEvidenceFuture, "RFC 6960 4.2.2.1"
		p.Detail = "made on " + e.this.Format(time.RFC3339) + ", which is in the future"
		return p, false
	case !e.next.IsZero() && e.next.Before(e.this):
		p.Code, p.Clause, p.Detail = CodeEvidenceForm, "RFC 5280 5.1.2.5", "nextUpdate is before thisUpdate"
		return p, false
	case !e.this.Before(v.in.At.Truncate(time.Second)):
		return nil, false
	case !e.next.IsZero() && v.in.At.Truncate(time.Second).After(e.next):
		p.Detail = "it was current until " + e.next.Format(time.RFC3339)
		return p, true
	}
	limit := r.MaxAgeCA
	if q.cert == v.in.Leaf {
		limit = r.MaxAge
	}
	if e.next.IsZero() && (limit == 0 || r.MaxAgeOpen < limit) {
		limit = r.MaxAgeOpen
	}
	if limit != 0 && v.in.At.Sub(e.this) > limit {
		p.Detail = fmt.Sprintf("it is %s older than the time in question; %s are allowed", v.in.At.Sub(e.this).Round(time.Second), limit)
		return p, true
	}
	return nil, false
}

// provenAt is the time at which the signer of a piece of evidence is judged.
func (v *validation) provenAt(o signedObject) time.Time {
	if len(v.in.Proofs) > 0 {
		if t, ok := v.in.Proofs[o.Fingerprint()]; ok && t.Before(v.in.EvidenceAt) {
			return t
		}
	}
	return v.in.EvidenceAt
}

// checkEvidenceAlgorithm judges the strength of the signature of evidence when it is proven to exist.
func (v *validation) checkEvidenceAlgorithm(s algo.Signature, signer *pkix.Certificate, at time.Time) *Problem {
	if v.in.Algorithms == nil {
		return nil
	}
	return weakness(v.in.Algorithms.Signature(s, signer.PublicKey.Bits, at), signer)
}

// digestOf is the SHA-256 of a certificate, CRL or OCSP response.
func digestOf(o signedObject) [sha256.Size]byte { return o.Fingerprint() }
