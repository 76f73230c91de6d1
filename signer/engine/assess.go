package engine

import (
	"slices"
	"time"

	"qaqpa/signer/algo"
	"qaqpa/signer/path"
	"qaqpa/signer/pkix"
	"qaqpa/signer/report"
)

// Assessment is a verdict and what would make it surer.
type Assessment struct {
	Verdict report.Verdict
	// Needs is missing evidence, each certificate once. None is wanted for a signature that is wrong in itself.
	Needs []path.Need
	// Rejected is evidence that was at hand and did not count, by digest.
	Rejected []path.Digest
}

// Assess judges the document with the evidence at hand. The verdict's ID and Evidence are left to the caller.
func (c *Case) Assess(set Setting, ev Evidence) Assessment {
	set = set.complete()
	a := &assessment{c: c, set: set, ev: c.embedded.Join(ev)}
	a.pool = slices.Concat(a.ev.Certificates, set.Trust.pool)
	for _, s := range c.signers {
		a.pool = append(a.pool, s.stampCertificates()...)
	}
	if c.token != nil {
		a.pool = append(a.pool, c.token.certificates...)
	}
	a.verdict = report.Verdict{
		Format: c.format, Detached: c.refused == nil && !c.attached, At: set.At.UTC(), EvidenceAt: set.Now.UTC(),
		Policy: set.Policy.Name, PolicySHA256: set.Policy.SHA256, TrustMode: set.Trust.mode, TrustSHA256: set.Trust.digest,
		DocumentSHA256: c.name, Content: c.Content(),
		Reasons: []report.Reason{}, Signatures: []report.Signature{}, Evidence: []report.Evidence{},
	}
	a.judge()
	return Assessment{Verdict: a.verdict, Needs: a.needs, Rejected: a.rejected}
}

// Chain validates a certificate alone, and tells what evidence is missing and what did not count.
func Chain(set Setting, ev Evidence, leaf *pkix.Certificate) (path.Result, []path.Need, []path.Digest) {
	a := &assessment{set: set, ev: ev, pool: slices.Concat(ev.Certificates, set.Trust.pool)}
	in := a.inputs(leaf)
	r := a.validate(in)
	var rejected []path.Digest
	for _, info := range r.Revocation {
		for _, e := range info.Rejected {
			rejected = append(rejected, e.Digest)
		}
	}
	return r, path.Needs(in, r), rejected
}

type assessment struct {
	c        *Case
	set      Setting
	ev       Evidence
	pool     []*pkix.Certificate
	verdict  report.Verdict
	needs    []path.Need
	rejected []path.Digest
	digests  map[algo.Hash]map[string]path.Digest // see objects
	tolerant bool                                 // absence of evidence about authorities is no finding, listed or not
}

// judge judges all signatures; the worst is the document's verdict. No signature: never passed.
func (a *assessment) judge() {
	v := &a.verdict
	if !a.c.Readable() {
		v.Indication, v.Sub = report.TotalFailed, report.FormatFailure
		v.Reasons = append(v.Reasons, *a.c.refused)
		return
	}
	v.ContentSHA256 = a.c.contentDigest()
	if a.set.Trust.mode == "test" {
		v.Remarks = append(v.Remarks, report.New(report.ReasonTestTrust, "", ""))
	}
	v.Remarks = append(v.Remarks, a.c.remarks...)
	if a.c.undecided != nil {
		v.Indication, v.Sub = report.Indeterminate, report.SigConstraintsFailure
		v.Reasons = append(v.Reasons, *a.c.undecided)
		return
	}
	if a.c.token != nil {
		a.judgeToken()
		return
	}
	if len(a.c.signers) == 0 {
		v.Indication, v.Sub = report.TotalFailed, report.FormatFailure
		v.Reasons = append(v.Reasons, report.New(report.ReasonNotSigned, "EN 319 102-1 5.2.2", ""))
		return
	}
	v.Indication = report.TotalPassed
	v.Signatures = make([]report.Signature, len(a.c.signers))
	for i, s := range a.c.signers {
		sig := &v.Signatures[i]
		a.signature(s, sig)
		if sig.Indication.Worse(v.Indication) {
			v.Indication, v.Sub = sig.Indication, sig.Sub
		}
	}
	v.Coverage = coverage(v.Signatures)
	if a.c.uncovered != nil {
		v.Reasons = append(v.Reasons, *a.c.uncovered)
		if report.Indeterminate.Worse(v.Indication) {
			v.Indication, v.Sub = report.Indeterminate, report.SigConstraintsFailure
		}
	}
}

// validate is path.Validate within the document's budget.
func (a *assessment) validate(in path.Inputs) path.Result {
	if a.c == nil {
		return path.Validate(in)
	}
	in.Budget = a.c.budget.forPath()
	r := path.Validate(in)
	a.c.budget.used(r.Work)
	return r
}

// past is path.ValidatePast within the document's budget, for something that is proven to have existed at a time.
func (a *assessment) past(in path.Inputs, proof time.Time) pastOutcome {
	in.Budget = a.c.budget.forPath()
	r := path.ValidatePast(in)
	a.c.budget.used(r.Work)
	return pastOutcome{r, r.Indication == path.Passed && !proof.After(r.Control)}
}

// pastOutcome is what past certificate validation says, and whether the proof is early enough.
type pastOutcome struct {
	path.Past
	held bool
}

// savable are the results that a proof of existence can turn into passed (EN 319 102-1 5.5.4, 5.6.2.4.2).
func savable(sub path.SubIndication) bool {
	switch sub {
	case path.RevokedNoPOE, path.RevokedCANoPOE, path.OutOfBoundsNoPOE, path.OutOfBoundsNotRevoked,
		path.RevocationOutOfBoundsNoPOE, path.CryptoConstraintsNoPOE, path.NoChainFoundNoPOE, path.TryLater:
		return true
	case path.Revoked, path.Expired, path.NotYetValid, path.ChainConstraintsFailure, path.ChainGeneralFailure,
		path.CryptoConstraintsFailure, path.NoChainFound, path.NoPOE:
	}
	return false
}

// want adds needs, each certificate once.
func (a *assessment) want(needs []path.Need) {
	for _, n := range needs {
		if !slices.ContainsFunc(a.needs, func(o path.Need) bool { return o.Certificate.Equal(n.Certificate) }) {
			a.needs = append(a.needs, n)
		}
	}
}

// inputs are those of every path of this assessment.
func (a *assessment) inputs(leaf *pkix.Certificate) path.Inputs {
	revocation := path.Revocation{
		Leaf: a.set.Policy.Revocation, CA: a.set.Policy.Revocation, MaxAge: a.set.Policy.MaxAge, MaxAgeCA: a.set.Policy.MaxAgeCA,
	}
	if a.set.Policy.Revocation == path.Required {
		revocation.CA = a.set.Policy.ListedRevocation // authorities that are not listed are looked at by chain
	}
	return path.Inputs{
		Leaf: leaf, Pool: a.pool, Anchors: a.set.Trust.anchors, At: a.set.At, EvidenceAt: a.set.Now,
		CRLs: a.ev.CRLs, OCSP: a.ev.OCSP, Nonces: a.ev.Nonces, Revocation: revocation,
		Algorithms: a.set.Algorithms, Memo: a.set.Memo,
	}
}
