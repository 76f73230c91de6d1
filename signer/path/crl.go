package path

import (
	"bytes"
	"slices"
	"time"

	"qaqpa/signer/pkix"
)

// askCRLs determines the status of a certificate from the lists at hand (RFC 5280 6.3.3). Lists complete each other until
// all reasons are covered; the newest is asked first, and all are asked, since an older one may be the one at hand that
// does not list a certificate yet. Lists of other issuers are passed over in silence.
func (v *validation) askCRLs(q question, info *RevocationInfo) []answer {
	var out []answer
	sum := answer{status: StatusGood, source: SourceCRL}
	var covered pkix.ReasonFlags
	used := map[Digest]bool{}
	for _, point := range pointsOf(q.cert) {
		for _, crl := range v.newestFirst() {
			if !v.concerns(q, &point, crl) || used[crl.Fingerprint()] {
				continue
			}
			reasons, a := v.judgeCRL(q, &point, crl, info)
			if a == nil {
				continue
			}
			used[crl.Fingerprint()] = true
			if a.status == StatusRevoked {
				out = append(out, *a)
			}
			if !a.stale && reasons&^covered != 0 {
				covered |= reasons
				sum.absorb(a)
			}
		}
	}
	// A list that is not for one distribution point of the certificate and is for another was not passed over.
	info.Rejected = slices.DeleteFunc(info.Rejected, func(r RejectedEvidence) bool {
		return r.Problem.Code == CodeEvidenceScope && used[r.Digest]
	})
	switch {
	case covered == pkix.AllReasons:
		out = append(out, sum)
	case covered != 0:
		info.Rejected = append(info.Rejected, RejectedEvidence{Source: SourceCRL, Digest: sum.digests[0], Problem: Problem{
			Code: CodeEvidenceReasons, Clause: "RFC 5280 6.3.3", Detail: "the lists at hand do not cover all reasons",
		}})
	}
	return out
}

// newestFirst are the complete lists.
func (v *validation) newestFirst() []*pkix.CRL {
	if v.complete == nil {
		for _, crl := range v.in.CRLs {
			if crl != nil && !crl.Delta {
				v.complete = append(v.complete, crl)
			}
		}
		slices.SortStableFunc(v.complete, func(a, b *pkix.CRL) int { return b.ThisUpdate.Compare(a.ThisUpdate) })
	}
	return v.complete
}

// absorb makes the sum of several lists as old as the oldest.
func (a *answer) absorb(b *answer) {
	if a.thisUpdate.IsZero() || b.thisUpdate.Before(a.thisUpdate) {
		a.thisUpdate = b.thisUpdate
	}
	if !b.nextUpdate.IsZero() && (a.nextUpdate.IsZero() || b.nextUpdate.Before(a.nextUpdate)) {
		a.nextUpdate = b.nextUpdate
	}
	a.signer = b.signer
	a.digests = append(a.digests, b.digests...)
	if b.status == StatusRevoked {
		*a = *b
	}
}

// pointsOf are the distribution points of a certificate, and the one that RFC 5280 6.3.3 implies: lists of its issuer.
func pointsOf(c *pkix.Certificate) []pkix.DistributionPoint {
	implied := pkix.DistributionPoint{
		Name:    &pkix.DistributionPointName{FullName: []pkix.GeneralName{{Kind: pkix.DirectoryName, Directory: &c.Issuer}}},
		Reasons: pkix.AllReasons,
	}
	return append(slices.Clip(c.CRLDistributionPoints), implied)
}

// concerns is 6.3.3 (b)(1) as far as names go: does the list come from whom the distribution point says?
func (v *validation) concerns(q question, point *pkix.DistributionPoint, crl *pkix.CRL) bool {
	if point.CRLIssuer == nil {
		return crl.Issuer.Equal(q.cert.Issuer)
	}
	return slices.ContainsFunc(point.CRLIssuer, func(n pkix.GeneralName) bool {
		return n.Kind == pkix.DirectoryName && n.Directory.Equal(crl.Issuer)
	})
}

// judgeCRL is 6.3.3 (b) to (l) for one complete list, with the delta that fits it. The reasons are those that the answer
// covers.
func (v *validation) judgeCRL(q question, point *pkix.DistributionPoint, crl *pkix.CRL, info *RevocationInfo) (pkix.ReasonFlags, *answer) {
	e := evidence{source: SourceCRL, object: crl, this: crl.ThisUpdate, next: crl.NextUpdate}
	if p := v.checkCRLScope(q, point, crl); p != nil {
		info.reject(e, *p)
		return 0, nil
	}
	signer, p := v.crlSigner(q, crl)
	if p != nil {
		info.reject(e, *p)
		return 0, nil
	}
	delta := v.deltaFor(q, crl, signer, info)
	times, stale := v.checkTimes(q, e)
	if stale && delta != nil && delta.BaseNumber != nil {
		times, stale = nil, false // the delta makes the old base current (5.2.4)
	}
	if times != nil {
		info.reject(e, *times)
		if !stale {
			return 0, nil
		}
	}
	a := v.lookUp(q, crl, delta)
	a.source, a.stale, a.signer = SourceCRL, stale, signer
	if a.status == StatusGood && expiredBefore(q.cert, crl) {
		info.reject(e, Problem{
			Code: CodeEvidenceExpiredCert, Clause: "EN 319 102-1 5.2.6.4", Certificate: q.cert,
			Detail: "the certificate had expired when the list was made, and the list does not keep expired certificates",
		})
		return 0, nil
	}
	return reasonsOf(point, crl), a
}

// reasonsOf is 6.3.3 (d): the reasons that both the distribution point and the list speak of.
func reasonsOf(point *pkix.DistributionPoint, crl *pkix.CRL) pkix.ReasonFlags {
	r := point.Reasons & pkix.AllReasons
	if crl.IssuingPoint != nil {
		r &= crl.IssuingPoint.Reasons
	}
	return r
}

// expiredBefore reports whether a certificate had expired when a list was made that drops expired ones.
func expiredBefore(c *pkix.Certificate, crl *pkix.CRL) bool {
	return crl.ThisUpdate.After(c.NotAfter) && (crl.ExpiredCertsFrom.IsZero() || crl.ExpiredCertsFrom.After(c.NotAfter))
}

// checkCRLScope is 6.3.3 (b): may this list speak about this certificate at all?
func (v *validation) checkCRLScope(q question, point *pkix.DistributionPoint, crl *pkix.CRL) *Problem {
	refuse := func(code Code, clause, why string) *Problem {
		return &Problem{Code: code, Clause: clause, Detail: why, Certificate: q.cert}
	}
	if len(crl.Defects) > 0 {
		return refuse(CodeEvidenceForm, "RFC 5280 5.2", crl.Defects[0].String())
	}
	if len(crl.UnknownCritical) > 0 {
		return refuse(CodeEvidenceForm, "RFC 5280 5.2", "critical extension "+crl.UnknownCritical[0]+" is not understood")
	}
	if v.in.Strict && (crl.Number == nil || crl.NumberCritical) {
		return refuse(CodeEvidenceForm, "RFC 5280 5.2.3", "the CRL number is missing or critical")
	}
	if point.CRLIssuer != nil && !crl.Indirect() {
		return refuse(CodeEvidenceScope, "RFC 5280 6.3.3 (b)(1)", "the list is not an indirect one")
	}
	idp := crl.IssuingPoint
	switch {
	case idp == nil:
		return nil
	case idp.OnlyAttributes:
		return refuse(CodeEvidenceScope, "RFC 5280 6.3.3 (b)(2)(iv)", "the list is for attribute certificates")
	case idp.OnlyUserCerts && q.cert.IsCA:
		return refuse(CodeEvidenceScope, "RFC 5280 6.3.3 (b)(2)(ii)", "the list is for certificates of users")
	case idp.OnlyCACerts && !q.cert.IsCA:
		return refuse(CodeEvidenceScope, "RFC 5280 6.3.3 (b)(2)(iii)", "the list is for certificates of CAs")
	case idp.Name != nil && !samePoint(idp.Name, point, crl, q.cert):
		return refuse(CodeEvidenceScope, "RFC 5280 6.3.3 (b)(2)(i)", "the list is for another distribution point")
	}
	return nil
}

// samePoint is 6.3.3 (b)(2)(i): a name of the list's distribution point must be one of the certificate's, or one of the
// issuers of the list where the certificate names only those.
func samePoint(idp *pkix.DistributionPointName, point *pkix.DistributionPoint, crl *pkix.CRL, c *pkix.Certificate) bool {
	listed := fullNames(idp, crl.Issuer)
	wanted := point.CRLIssuer
	if point.Name != nil {
		issuer := c.Issuer
		for _, n := range point.CRLIssuer {
			if n.Kind == pkix.DirectoryName { // a relative name is relative to the issuer of the list
				issuer = *n.Directory
				break
			}
		}
		wanted = fullNames(point.Name, issuer)
	}
	for _, a := range listed {
		if slices.ContainsFunc(wanted, a.Equal) {
			return true
		}
	}
	return false
}

func fullNames(n *pkix.DistributionPointName, issuer pkix.Name) []pkix.GeneralName {
	if n.Relative == nil {
		return n.FullName
	}
	full := issuer.Child(n.Relative)
	return []pkix.GeneralName{{Kind: pkix.DirectoryName, Directory: &full}}
}

// lookUp is 6.3.3 (i) to (k): the delta speaks first.
func (v *validation) lookUp(q question, crl, delta *pkix.CRL) *answer {
	a := &answer{status: StatusGood, thisUpdate: crl.ThisUpdate, nextUpdate: crl.NextUpdate, digests: []Digest{digestOf(crl)}}
	if delta != nil {
		a.thisUpdate, a.nextUpdate = delta.ThisUpdate, delta.NextUpdate
		a.digests = append(a.digests, digestOf(delta))
		if entries := delta.Lookup(q.cert.Issuer, q.cert.Serial); len(entries) > 0 {
			a.take(entries)
			return a
		}
	}
	a.take(crl.Lookup(q.cert.Issuer, q.cert.Serial))
	return a
}

// take turns entries into a status. A certificate should stand once in a list; of several entries the first revocation
// that is not a removal counts.
func (a *answer) take(entries []pkix.Entry) {
	for _, e := range entries {
		if e.HasReason && e.Reason == pkix.RemoveFromCRL {
			continue
		}
		if a.status != StatusRevoked || e.RevokedAt.Before(a.revokedAt) {
			a.status, a.revokedAt, a.reason, a.hasReason = StatusRevoked, e.RevokedAt, e.Reason, e.HasReason
			a.invalidity = e.InvalidityDate
		}
	}
}

// deltaFor finds the newest usable delta for a base (6.3.3 (c), (h); 5.2.4).
func (v *validation) deltaFor(q question, base *pkix.CRL, signer *pkix.Certificate, info *RevocationInfo) *pkix.CRL {
	var best *pkix.CRL
	for _, d := range v.in.CRLs {
		if d == nil || !d.Delta || !d.Issuer.Equal(base.Issuer) || best != nil && !d.ThisUpdate.After(best.ThisUpdate) {
			continue
		}
		e := evidence{source: SourceCRL, object: d, this: d.ThisUpdate, next: d.NextUpdate}
		p := v.checkDelta(q, base, d, signer, e)
		if p != nil {
			info.reject(e, *p)
			continue
		}
		best = d
	}
	return best
}

func (v *validation) checkDelta(q question, base, d *pkix.CRL, signer *pkix.Certificate, e evidence) *Problem {
	p := &Problem{Code: CodeEvidenceScope, Clause: "RFC 5280 6.3.3 (c)", Certificate: q.cert}
	switch {
	case len(d.Defects) > 0 || len(d.UnknownCritical) > 0:
		p.Code, p.Detail = CodeEvidenceForm, "the delta is malformed or has an unknown critical extension"
		return p
	case !sameScope(base, d):
		p.Detail = "the delta is for another scope than the base"
		return p
	case d.ThisUpdate.Before(base.ThisUpdate):
		p.Detail = "the delta is older than the base"
		return p
	case d.BaseNumber != nil && (base.Number == nil || compareNumbers(base.Number, d.BaseNumber) < 0):
		p.Detail = "the delta is for a later base"
		return p
	}
	if times, _ := v.checkTimes(q, e); times != nil {
		return times
	}
	if err := v.verify(signer, d); err != nil {
		return evidenceSignature("RFC 5280 6.3.3 (h)", err)
	}
	return nil
}

// sameScope compares issuing distribution points and key identifiers octet by octet (5.2.4).
func sameScope(a, b *pkix.CRL) bool {
	for _, oid := range []string{pkix.OIDIssuingDistPoint, pkix.OIDAuthorityKeyID} {
		if !bytes.Equal(a.ExtensionValue(oid), b.ExtensionValue(oid)) {
			return false
		}
	}
	return true
}

// compareNumbers compares CRL numbers: non-negative minimal integers.
func compareNumbers(a, b []byte) int {
	a, b = bytes.TrimLeft(a, "\x00"), bytes.TrimLeft(b, "\x00")
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return bytes.Compare(a, b)
}

// crlSigner finds the certificate whose key signed a list (6.3.3 (f), (g)): the issuer of the certificate in question, one
// on the path, or another certificate of that name with a path to the same anchor.
func (v *validation) crlSigner(q question, crl *pkix.CRL) (*pkix.Certificate, *Problem) {
	wrong := &Problem{
		Code: CodeEvidenceSigner, Clause: "RFC 5280 6.3.3 (f)", Detail: "no certificate of the signer of the list is at hand",
	}
	candidates := v.crlSigners(q, crl)
	for _, s := range candidates {
		p := v.checkCRLSigner(q, crl, s)
		if p == nil {
			return s, nil
		}
		if wrong.Certificate == nil {
			wrong = p
		}
	}
	return nil, wrong
}

// crlSigners lists certificates with the name of the list's issuer, those on the path first.
func (v *validation) crlSigners(q question, crl *pkix.CRL) []*pkix.Certificate {
	var fit, rest []*pkix.Certificate
	for _, c := range slices.Concat(q.path, v.in.Pool) {
		if c == nil || !c.Subject.Equal(crl.Issuer) || slices.ContainsFunc(slices.Concat(fit, rest), c.Equal) {
			continue
		}
		if keyIDFits(crl.AuthorityKeyID, c) {
			fit = append(fit, c)
		} else {
			rest = append(rest, c)
		}
	}
	return append(fit, rest...)
}

func (v *validation) checkCRLSigner(q question, crl *pkix.CRL, s *pkix.Certificate) *Problem {
	onPath := slices.Contains(q.path, s)
	if s.HasKeyUsage && !s.KeyUsage.Has(pkix.CRLSign) || !onPath && !s.HasKeyUsage {
		return &Problem{
			Code: CodeEvidenceSigner, Clause: "RFC 5280 6.3.3 (f)", Detail: "the key may not sign lists", Certificate: s,
		}
	}
	if err := v.verify(s, crl); err != nil {
		p := evidenceSignature("RFC 5280 6.3.3 (g)", err)
		p.Certificate = s
		return p
	}
	at := v.provenAt(crl)
	if weak := v.checkEvidenceAlgorithm(crl.SignatureAlgorithm, s, at); weak != nil {
		return weak
	}
	if onPath || s == q.cert && vouchesForItself(s) {
		return nil
	}
	return v.checkSeparateSigner(q, s, at)
}

// vouchesForItself reports whether the CA named the signer of lists as the issuer of the list about the signer: that is
// the CA's decision, written in the certificate, as ocsp-nocheck is for a responder. The list still may not name it.
func vouchesForItself(s *pkix.Certificate) bool {
	for i := range s.CRLDistributionPoints {
		itself := func(n pkix.GeneralName) bool { return n.Kind == pkix.DirectoryName && n.Directory.Equal(s.Subject) }
		if !slices.ContainsFunc(s.CRLDistributionPoints[i].CRLIssuer, itself) {
			return false
		}
	}
	return len(s.CRLDistributionPoints) > 0
}

// checkSeparateSigner validates the path of a signer that is not on the path of the certificate in question. Its path
// must end at the same anchor (6.3.3 (f)), or a foreign CA of the same name could revoke and acquit.
func (v *validation) checkSeparateSigner(q question, s *pkix.Certificate, at time.Time) *Problem {
	p := &Problem{
		Code: CodeEvidenceSigner, Clause: "RFC 5280 6.3.3 (f)", Certificate: s,
		Detail: "the signer of the list has no valid path to the same anchor",
	}
	if len(v.stack) > maxNesting || slices.Contains(v.stack, s) {
		return p
	}
	if at.Before(s.NotBefore) || at.After(s.NotAfter) {
		p.Code, p.Clause, p.Detail = CodeEvidenceSignerDates, "EN 319 102-1 5.2.6.4", "the signer's certificate is out of date"
		return p
	}
	found := false
	v.walk([]*pkix.Certificate{s}, func(path []*pkix.Certificate, a *Anchor) bool {
		if a != q.anchor {
			return false
		}
		v.work.Paths++
		v.spent = v.spent || v.work.Paths > v.in.Budget.Paths
		found = v.judge(path, a, asCRLSigner).passed()
		return found || v.spent
	})
	if found {
		return nil
	}
	return p
}

// maxNesting bounds how deep evidence about signers of evidence is followed.
const maxNesting = 4
