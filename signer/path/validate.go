package path

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"qaqpa/signer/algo"
	"qaqpa/signer/pkix"
)

// Validate builds paths for in.Leaf and validates them until one passes. A result that is not PASSED is that of the best
// path: its chain, its revocation data and every rule that it broke.
func Validate(in Inputs) Result {
	v := newValidation(&in)
	if in.Leaf == nil {
		return v.fail(NoChainFound, Problem{Code: CodeNoLeaf, Clause: "EN 319 102-1 5.2.3", Detail: "no certificate"})
	}
	if a := v.anchorOf(in.Leaf); a != nil {
		return v.finish(v.judge([]*pkix.Certificate{in.Leaf}, a, asLeaf))
	}
	var best *judgement
	v.walk([]*pkix.Certificate{in.Leaf}, func(path []*pkix.Certificate, a *Anchor) bool {
		v.work.Paths++
		j := v.judge(path, a, asLeaf)
		if best == nil || j.rank() < best.rank() {
			best = j
		}
		if v.work.Paths >= v.in.Budget.Paths {
			v.spent = true
		}
		return best.passed() || v.spent
	})
	if best == nil {
		return v.finish(v.noPath())
	}
	return v.finish(best)
}

func (v *validation) fail(sub SubIndication, p Problem) Result {
	return Result{Indication: Indeterminate, Sub: sub, Problems: []Problem{p}, Work: v.work}
}

func (v *validation) finish(j *judgement) Result {
	r := Result{
		Indication: j.indication, Sub: j.sub, Chain: j.path, Anchor: j.anchor, Revocation: j.revocation,
		Policies: j.policies, Work: v.work,
	}
	for i := range j.findings {
		r.Problems = append(r.Problems, j.findings[i].Problem)
	}
	if v.spent && r.Indication != Passed {
		r.Problems = append(r.Problems, Problem{Code: CodeBudget, Detail: errBudget.Error()})
	}
	return r
}

// noPath is the judgement when no anchor was reached.
func (v *validation) noPath() *judgement {
	j := &judgement{path: v.longest}
	top := v.longest[len(v.longest)-1]
	f := finding{NoChainFound, Problem{
		Code: CodeNoChain, Clause: "EN 319 102-1 5.2.6.4",
		Detail: fmt.Sprintf("no certificate of %q leads to a trust anchor", top.Issuer), Certificate: top,
	}}
	for _, p := range v.faults {
		switch {
		case p.Code == CodeSignature && f.sub == NoChainFound:
			f = finding{ChainGeneralFailure, p}
		case p.Code == CodeAlgorithm:
			f = finding{CryptoConstraintsFailure, p}
		}
	}
	j.findings = []finding{f}
	for _, p := range v.faults {
		if p != f.Problem {
			j.findings = append(j.findings, finding{f.sub, p})
		}
	}
	j.conclude()
	return j
}

// role is what a path is wanted for.
type role uint8

const (
	asLeaf      role = iota // the certificate that is asked about
	asCRLSigner             // a signer of CRLs that is not the CA itself
)

// finding is a problem with the sub-indication that it causes.
type finding struct {
	sub SubIndication
	Problem
}

// judgement is the validation of one path.
type judgement struct {
	path       []*pkix.Certificate
	anchor     *Anchor
	role       role
	findings   []finding
	revocation []RevocationInfo
	policies   []Policy
	indication Indication
	sub        SubIndication
}

// severity orders sub-indications: the first that was found names the result. What makes a path unusable comes before
// what is wrong with the leaf, and what cannot be known yet comes last.
var severity = []SubIndication{
	ChainGeneralFailure, ChainConstraintsFailure, CryptoConstraintsFailure, NoChainFound, CryptoConstraintsNoPOE,
	NoChainFoundNoPOE, RevokedCANoPOE, NotYetValid, Expired, Revoked, RevokedNoPOE, OutOfBoundsNoPOE,
	OutOfBoundsNotRevoked, RevocationOutOfBoundsNoPOE, NoPOE, TryLater,
}

// preference orders results of different paths: the lower the better. A leaf that one sound path shows to be revoked is
// worth more than another path of which nothing is known.
var preference = []SubIndication{
	"", Revoked, Expired, NotYetValid, RevokedNoPOE, OutOfBoundsNotRevoked, NoPOE, TryLater, RevocationOutOfBoundsNoPOE,
	OutOfBoundsNoPOE, RevokedCANoPOE, NoChainFoundNoPOE, CryptoConstraintsNoPOE, CryptoConstraintsFailure,
	ChainConstraintsFailure, ChainGeneralFailure, NoChainFound,
}

func (j *judgement) rank() int    { return slices.Index(preference, j.sub) }
func (j *judgement) passed() bool { return j.indication == Passed }

func (j *judgement) add(sub SubIndication, p Problem) {
	j.findings = append(j.findings, finding{sub, p})
}

// conclude orders the findings and takes the first as the result.
func (j *judgement) conclude() {
	slices.SortStableFunc(j.findings, func(a, b finding) int {
		return slices.Index(severity, a.sub) - slices.Index(severity, b.sub)
	})
	if len(j.findings) == 0 {
		j.indication, j.sub = Passed, ""
		return
	}
	j.sub, j.indication = j.findings[0].sub, Indeterminate
	if j.sub == Revoked || j.sub == Expired || j.sub == NotYetValid {
		j.indication = Failed
	}
}

// judge validates a complete path. Revocation is looked at only where the path holds otherwise: evidence is verified
// with keys that the path vouches for.
func (v *validation) judge(path []*pkix.Certificate, a *Anchor, r role) *judgement {
	j := &judgement{path: path, anchor: a, role: r}
	v.checkAnchor(j)
	v.checkCertificates(j)
	v.checkPath(j)
	if r == asLeaf {
		v.checkPurpose(j)
	}
	v.checkAlgorithms(j)
	if len(j.findings) == 0 {
		v.checkRevocation(j)
	}
	if r == asLeaf && v.leafOutOfDate(j) {
		v.checkLeafDates(j)
	}
	j.conclude()
	return j
}

// checkAnchor applies the bounds of the trust itself.
func (v *validation) checkAnchor(j *judgement) {
	a, c := j.anchor, j.anchor.Certificate
	p := Problem{Code: CodeAnchorWindow, Clause: "EN 319 102-1 5.2.6.4", Certificate: c}
	if !a.NotBefore.IsZero() && v.in.At.Before(a.NotBefore) {
		p.Detail = "the anchor is trusted from " + a.NotBefore.UTC().Format(time.RFC3339) + " on"
		j.add(NoChainFound, p)
	}
	if !a.NotAfter.IsZero() && v.in.At.After(a.NotAfter) {
		p.Detail = "the anchor was trusted until " + a.NotAfter.UTC().Format(time.RFC3339)
		j.add(NoChainFoundNoPOE, p)
	}
	if leaf := j.path[0]; j.role == asLeaf && a.EKU != nil && leaf.HasEKU && !overlaps(a.EKU, leaf.EKU) {
		j.add(ChainConstraintsFailure, Problem{
			Code: CodeAnchorPurpose, Clause: "RFC 5937 3.2", Certificate: c,
			Detail: "the anchor is not trusted for any purpose of the certificate",
		})
	}
}

func overlaps(a, b []string) bool {
	return slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) })
}

// checkCertificates applies the rules about each certificate alone: form, critical extensions, dates.
func (v *validation) checkCertificates(j *judgement) {
	for i, c := range j.path {
		for _, d := range c.Defects {
			j.add(ChainGeneralFailure, Problem{
				Code: CodeMalformed, Clause: "RFC 5280 4.2", Detail: d.String(), Certificate: c,
			})
		}
		for _, oid := range c.UnknownCritical {
			if !slices.Contains(v.in.KnownCritical, oid) {
				j.add(ChainGeneralFailure, Problem{
					Code: CodeCriticalExtension, Clause: "RFC 5280 6.1.4 (o), 6.1.5 (f)", Certificate: c,
					Detail: "critical extension " + oid + " is not understood",
				})
			}
		}
		isAnchor := i == len(j.path)-1
		if isAnchor && j.anchor.IgnoreDates || i == 0 && j.role == asLeaf {
			continue // the leaf's dates are weighed together with its revocation
		}
		if p := v.dateProblem(c); p != nil {
			j.add(OutOfBoundsNoPOE, *p)
		}
	}
	if v.in.Strict {
		v.checkProfile(j)
	}
}

// dateProblem compares At, to the second as certificates are, with the validity of a certificate.
func (v *validation) dateProblem(c *pkix.Certificate) *Problem {
	at := v.in.At.Truncate(time.Second)
	p := &Problem{Clause: "RFC 5280 6.1.3 (a)(2)", Certificate: c}
	switch {
	case at.Before(c.NotBefore):
		p.Code, p.Detail = CodeNotYetValid, "valid from "+c.NotBefore.Format(time.RFC3339)
	case at.After(c.NotAfter):
		p.Code, p.Detail = CodeExpired, "valid until "+c.NotAfter.Format(time.RFC3339)
	default:
		return nil
	}
	return p
}

func (v *validation) leafOutOfDate(j *judgement) bool {
	isAnchor := len(j.path) == 1
	return (!isAnchor || !j.anchor.IgnoreDates) && v.dateProblem(j.path[0]) != nil
}

// checkLeafDates decides what an out-of-date leaf means (EN 319 102-1 5.2.6.4, 5.5.4): failed where the signature is
// proven to be made outside the validity, good where it is proven to be inside and the status is good, else unknown.
func (v *validation) checkLeafDates(j *judgement) {
	c, p := j.path[0], v.dateProblem(j.path[0])
	good := len(j.path) == 1 || len(j.revocation) > 0 && statusSuffices(j.revocation[0].Status)
	after, before := v.in.SignedAfter, v.in.SignedBefore
	switch {
	case p.Code == CodeNotYetValid && !before.IsZero() && before.Before(c.NotBefore):
		j.add(NotYetValid, *p)
	case p.Code == CodeNotYetValid:
		j.add(OutOfBoundsNoPOE, *p)
	case !after.IsZero() && after.After(c.NotAfter):
		j.add(Expired, *p)
	case good && !before.IsZero() && !before.After(c.NotAfter):
	case good:
		j.add(OutOfBoundsNotRevoked, *p)
	default:
		j.add(OutOfBoundsNoPOE, *p)
	}
}

// checkPurpose applies what the caller wants the leaf for.
func (v *validation) checkPurpose(j *judgement) {
	c := j.path[0]
	if c.HasKeyUsage && !c.KeyUsage.Has(v.in.KeyUsage) {
		j.add(ChainConstraintsFailure, Problem{
			Code: CodeKeyUsage, Clause: "RFC 5280 4.2.1.3", Certificate: c, Detail: "the key is not meant for this use",
		})
	}
	if v.in.EKU != nil && c.HasEKU && !slices.Contains(c.EKU, pkix.EKUAny) && !overlaps(v.in.EKU, c.EKU) {
		j.add(ChainConstraintsFailure, Problem{
			Code: CodeExtendedKeyUsage, Clause: "RFC 5280 4.2.1.12", Certificate: c,
			Detail: "the certificate is not meant for this purpose",
		})
	}
}

// checkAlgorithms judges the strength of the keys and hashes that the path rests on, and of the leaf's own key (EN 319
// 102-1 5.2.7).
func (v *validation) checkAlgorithms(j *judgement) {
	if v.in.Algorithms == nil {
		return
	}
	leaf := j.path[0]
	if leaf.PublicKeyErr != nil {
		j.add(CryptoConstraintsFailure, Problem{
			Code: CodeAlgorithm, Clause: "EN 319 102-1 5.2.7", Detail: leaf.PublicKeyErr.Error(), Certificate: leaf,
		})
	} else if s := v.in.Algorithms.Key(leaf.PublicKey.Family, leaf.PublicKey.Bits, v.in.At); !s.Reliable {
		j.add(v.weakSub(s), *weakness(s, leaf))
	}
	for i, c := range j.path[:len(j.path)-1] {
		issuer := j.path[i+1]
		s := v.in.Algorithms.Signature(c.SignatureAlgorithm, issuer.PublicKey.Bits, v.in.At)
		if p := weakness(s, c); p != nil {
			j.add(v.weakSub(s), *p)
		}
	}
}

func weakness(s algo.Strength, c *pkix.Certificate) *Problem {
	if s.Reliable {
		return nil
	}
	p := &Problem{Code: CodeWeakAlgorithm, Clause: "EN 319 102-1 5.2.7", Certificate: c, Detail: s.Subject + " is not reliable"}
	if !s.Until.IsZero() {
		p.Detail = s.Subject + " was reliable until " + s.Until.UTC().Format(time.DateOnly)
	}
	return p
}

// weakSub: what was reliable once may be saved by a proof that the object is older.
func (v *validation) weakSub(s algo.Strength) SubIndication {
	if s.Until.IsZero() || !v.in.SignedAfter.IsZero() && !v.in.SignedAfter.Before(s.Until) {
		return CryptoConstraintsFailure
	}
	return CryptoConstraintsNoPOE
}

// isBudget reports whether an error says that the budget is spent.
func isBudget(err error) bool { return errors.Is(err, errBudget) }
