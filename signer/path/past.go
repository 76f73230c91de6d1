package path

import (
	"slices"
	"time"

	"qaqpa/signer/algo"
	"qaqpa/signer/pkix"
)

// Past is the judgement of a certificate at a time that is long gone.
type Past struct {
	Result
	// Control is the control time: until then the path could be relied on, by evidence that is proven to be from that time
	// or earlier. Zero unless Passed. What is proven to have been signed not after it, was signed with a good certificate.
	Control time.Time
}

// ValidatePast is past certificate validation (EN 319 102-1 5.6.2.1) with validation time sliding (5.6.2.2): it looks for the
// latest time at which the leaf's path held, from the anchor down, by revocation data with a proof of existence before the
// validity of what signed it, or the strength of its algorithms, ended.
//
// in.At is the current time. in.Proofs are proofs of existence of certificates, CRLs and OCSP responses by their digest; an
// object without one is proven to exist at in.At and no earlier. The dates of certificates need not hold at in.At; they must
// have held together at some time.
func ValidatePast(in Inputs) Past {
	v := newValidation(&in)
	if in.Leaf == nil {
		return Past{Result: v.fail(NoChainFound, Problem{Code: CodeNoLeaf, Clause: "EN 319 102-1 5.2.3", Detail: "no certificate"})}
	}
	var best *judgement
	var control time.Time
	try := func(path []*pkix.Certificate, a *Anchor) bool {
		v.work.Paths++
		j, at := v.judgePast(path, a)
		if best == nil || j.rank() < best.rank() {
			best, control = j, at
		}
		v.spent = v.spent || v.work.Paths >= v.in.Budget.Paths
		return best.passed() || v.spent
	}
	if a := v.anchorOf(in.Leaf); a != nil {
		try([]*pkix.Certificate{in.Leaf}, a)
	} else {
		v.walk([]*pkix.Certificate{in.Leaf}, try)
	}
	if best == nil {
		return Past{Result: v.finish(v.noPath())}
	}
	r := Past{Result: v.finish(best)}
	if r.Indication == Passed {
		r.Control = control
	}
	return r
}

// judgePast judges one path: first as RFC 5280 6.1 does, at a time at which all its certificates were valid (5.6.2.1.4), then
// by sliding.
func (v *validation) judgePast(path []*pkix.Certificate, a *Anchor) (*judgement, time.Time) {
	j := &judgement{path: path, anchor: a, role: asLeaf}
	now := v.in.At
	from, to := common(path, a)
	if to.Before(from) {
		j.add(OutOfBoundsNoPOE, Problem{
			Code: CodeExpired, Clause: "EN 319 102-1 5.6.2.1.4", Certificate: path[0],
			Detail: "the certificates of the path were never valid at the same time",
		})
		j.conclude()
		return j, time.Time{}
	}
	defer func() { v.in.At = now }()
	v.in.At = from
	v.checkAnchor(j)
	v.checkCertificates(j)
	v.checkPath(j)
	v.checkPurpose(j)
	control := time.Time{}
	if len(j.findings) == 0 {
		control = v.slide(j, now)
	}
	j.conclude()
	return j, control
}

// common is the time during which all certificates of a path were valid, the anchor's trust included.
func common(path []*pkix.Certificate, a *Anchor) (from, to time.Time) {
	for i, c := range path {
		if i == len(path)-1 && a.IgnoreDates {
			continue
		}
		if from.IsZero() || c.NotBefore.After(from) {
			from = c.NotBefore
		}
		if to.IsZero() || c.NotAfter.Before(to) {
			to = c.NotAfter
		}
	}
	if !a.NotBefore.IsZero() && a.NotBefore.After(from) {
		from = a.NotBefore
	}
	if !a.NotAfter.IsZero() && (to.IsZero() || a.NotAfter.Before(to)) {
		to = a.NotAfter
	}
	if to.IsZero() { // an anchor alone, whose dates do not bind
		to = from
	}
	return from, to
}

// slide is 5.6.2.2.4: the control time goes from now back, certificate by certificate from the anchor down.
func (v *validation) slide(j *judgement, now time.Time) time.Time {
	n := len(j.path) - 1
	j.revocation = make([]RevocationInfo, n)
	for i := range j.revocation {
		j.revocation[i] = RevocationInfo{Certificate: j.path[i], Status: StatusUnavailable}
	}
	control := now
	if !j.anchor.IgnoreDates {
		control = earlier(control, j.path[n].NotAfter)
	}
	if !j.anchor.NotAfter.IsZero() {
		control = earlier(control, j.anchor.NotAfter)
	}
	for i := n - 1; i >= 0; i-- {
		c, issuer := j.path[i], j.path[i+1]
		isLeaf := i == 0
		mode, limit := v.in.Revocation.CA, v.in.Revocation.MaxAgeCA
		if isLeaf {
			mode, limit = v.in.Revocation.Leaf, v.in.Revocation.MaxAge
		}
		info := v.pastStatus(question{cert: c, issuer: issuer, path: j.path[i+1:], anchor: j.anchor}, mode, control, now)
		j.revocation[i] = info
		if v.proofOf(c, now).After(control) {
			j.add(NoPOE, Problem{
				Code: CodeNoProof, Clause: "EN 319 102-1 5.6.2.2.4", Certificate: c,
				Detail: "the certificate is not proven to have existed by " + control.UTC().Format(time.RFC3339),
			})
			return control
		}
		control = v.lower(j, &info, mode, limit, control)
		control = earlier(control, c.NotAfter)
		if v.in.Algorithms != nil {
			control = v.whileReliable(j, v.in.Algorithms.Signature(c.SignatureAlgorithm, issuer.PublicKey.Bits, control), c, control)
		}
		if isLeaf && v.in.Algorithms != nil && c.PublicKeyErr == nil {
			control = v.whileReliable(j, v.in.Algorithms.Key(c.PublicKey.Family, c.PublicKey.Bits, control), c, control)
		}
	}
	return control
}

// lower applies what is known of a certificate's revocation to the control time.
func (v *validation) lower(j *judgement, info *RevocationInfo, mode Mode, limit time.Duration, control time.Time) time.Time {
	p := Problem{Clause: "EN 319 102-1 5.6.2.2.4", Certificate: info.Certificate}
	switch info.Status {
	case StatusExempt:
	case StatusRevoked:
		return earlier(control, info.RevokedAt)
	case StatusGood:
		if !v.freshAt(info, limit, control) {
			return earlier(control, info.ThisUpdate)
		}
	case StatusUnknown:
		p.Code, p.Detail = CodeRevocationUnknown, "the responder does not know the certificate"
		j.add(TryLater, p)
	case StatusUnavailable:
		if mode == IfAvailable {
			return control
		}
		p.Code, p.Detail = CodeNoProof, "no revocation data about it is proven to have existed by "+control.UTC().Format(time.RFC3339)
		j.add(NoPOE, p)
	}
	return control
}

// freshAt is revocation freshness (5.2.5) at the control time.
func (v *validation) freshAt(info *RevocationInfo, limit time.Duration, control time.Time) bool {
	if !info.NextUpdate.IsZero() && control.After(info.NextUpdate) {
		return false
	}
	if info.NextUpdate.IsZero() && (limit == 0 || v.in.Revocation.MaxAgeOpen < limit) {
		limit = v.in.Revocation.MaxAgeOpen
	}
	return limit == 0 || control.Sub(info.ThisUpdate) <= limit
}

// whileReliable lowers the control time to the end of an algorithm's reliability (5.6.2.2.4, 3).
func (v *validation) whileReliable(j *judgement, s algo.Strength, c *pkix.Certificate, control time.Time) time.Time {
	p := weakness(s, c)
	if p == nil {
		return control
	}
	if s.Until.IsZero() {
		j.add(CryptoConstraintsFailure, *p)
		return control
	}
	return earlier(control, s.Until)
}

// pastStatus is what evidence from before the control time says: made by then, and proven to have existed by then.
func (v *validation) pastStatus(q question, mode Mode, control, now time.Time) RevocationInfo {
	info := RevocationInfo{Certificate: q.cert}
	if info.Exempt = exemption(q.cert, mode); info.Exempt != "" {
		info.Status = StatusExempt
		return info
	}
	all, lists := v.in.OCSP, v.in.CRLs
	v.in.OCSP = slices.DeleteFunc(slices.Clone(all), func(o *pkix.OCSPResponse) bool {
		return o == nil || v.proofOf(o, now).After(control)
	})
	v.in.CRLs = slices.DeleteFunc(slices.Clone(lists), func(l *pkix.CRL) bool {
		return l == nil || l.ThisUpdate.After(control) || v.proofOf(l, now).After(control)
	})
	v.complete, v.statuses = nil, map[statusKey]RevocationInfo{}
	v.stack = append(v.stack, q.cert)
	answers := v.askOCSP(q, &info)
	answers = append(answers, v.askCRLs(q, &info)...)
	v.stack = v.stack[:len(v.stack)-1]
	v.in.OCSP, v.in.CRLs, v.complete = all, lists, nil
	info.Status = StatusUnavailable
	var best *answer
	for i := range answers {
		if a := &answers[i]; !a.thisUpdate.After(control) && (best == nil || a.beats(best)) {
			best = a
		}
	}
	if best == nil {
		return info
	}
	info.take(best)
	if best.status == StatusRevoked && best.revokedAt.After(control) {
		info.Status = StatusGood
	}
	return info
}

// proofOf is the earliest time at which an object is proven to have existed.
func (v *validation) proofOf(o signedObject, now time.Time) time.Time {
	if t, ok := v.in.Proofs[o.Fingerprint()]; ok && t.Before(now) {
		return t
	}
	return now
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
