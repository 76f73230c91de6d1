package engine

import (
	"slices"

	"qaqpa/signer/path"
	"qaqpa/signer/pkix"
	"qaqpa/signer/report"
)

// Demands are what a caller wants of a certificate's path beyond what the policy wants of every path. The zero value is
// nothing more.
type Demands struct {
	// Policies are the inputs (c) to (g) of RFC 5280 6.1.1.
	Policies path.PolicyInputs
	// KeyUsage and Purposes (EKU) are what the key has to be meant for; see path.Inputs.
	KeyUsage pkix.KeyUsage
	Purposes []string
	// PathLength, where not nil, bounds the certificates between this one and its anchor.
	PathLength *int
	// Strict also holds issuers to RFC 5280 4; see path.Inputs.
	Strict bool
	// Revocation and AuthorityRevocation, where not nil, take the place of the policy's modes for the certificate and for
	// those above it. The verdict tells by a remark that revocation was not looked at.
	Revocation, AuthorityRevocation *path.Mode
}

// Narrow sets a policy's modes of revocation to those demanded. A service that never looks at revocation stays so.
func (d *Demands) Narrow(p *Policy) {
	if p.Revocation == path.Off {
		return
	}
	if d.Revocation != nil {
		p.Revocation = *d.Revocation
		if p.Revocation != path.Required {
			p.ListedRevocation = p.Revocation
		}
	}
	if d.AuthorityRevocation != nil {
		p.ListedRevocation = *d.AuthorityRevocation
	}
}

// apply puts the demands into the inputs of a path.
func (d *Demands) apply(in *path.Inputs) {
	in.Policy, in.KeyUsage, in.EKU, in.Strict = d.Policies, d.KeyUsage, d.Purposes, d.Strict
	if d.AuthorityRevocation != nil {
		in.Revocation.CA = *d.AuthorityRevocation
	}
	if d.PathLength != nil {
		in.Budget.Depth = min(*d.PathLength+2, path.DefaultBudget().Depth) // the certificate and the anchor are counted there
	}
}

// AssessCertificate judges a certificate alone: whether it leads to an anchor, is in date and not revoked at the time in
// question, and keeps the demands. What its key may be used for is told, not judged, unless that is demanded. The verdict's Evidence is left to the caller.
func AssessCertificate(set Setting, ev Evidence, cert *pkix.Certificate, want Demands) (report.CertificateVerdict, []path.Need, []path.Digest) {
	set = set.complete()
	a := &assessment{set: set, ev: ev, pool: slices.Concat(ev.Certificates, set.Trust.pool)}
	v := report.CertificateVerdict{
		At: set.At.UTC(), EvidenceAt: set.Now.UTC(), Policy: set.Policy.Name, TrustMode: set.Trust.mode, TrustSHA256: set.Trust.digest,
		Subject: set.Known.about(cert).signer, Evidence: []report.Evidence{},
	}
	var f findings
	in := a.inputs(cert)
	want.apply(&in)
	a.tolerant = want.AuthorityRevocation != nil
	r := a.validate(in)
	v.Policies = describePolicies(r)
	v.Chain, v.Revocation = a.describeChain(r), describeRevocation(r)
	v.Remarks = a.weighChain(in, r, &f)
	if set.Trust.abroad(v.Chain, &v.Subject) {
		v.Remarks = append(v.Remarks, report.New(report.ReasonThirdParty, "Informatization law Art. 13 (12)", v.Subject.ThirdParty.Name))
	}
	if set.Trust.mode == "test" {
		v.Remarks = append(v.Remarks, report.New(report.ReasonTestTrust, "", ""))
	}
	v.Indication, v.Sub, v.Reasons = f.conclude()
	return v, path.Needs(in, r), a.rejected
}

// describePolicies names the certificate policies under which a path is valid, with what its issuers want shown.
func describePolicies(r path.Result) []report.CertificatePolicy {
	out := make([]report.CertificatePolicy, 0, len(r.Policies))
	for _, p := range r.Policies {
		d := report.CertificatePolicy{OID: p.OID}
		for _, q := range p.Qualifiers {
			if q.CPS != "" {
				d.Statements = append(d.Statements, q.CPS)
			}
			if q.Notice != nil && q.Notice.Text != "" {
				d.Notices = append(d.Notices, q.Notice.Text)
			}
		}
		out = append(out, d)
	}
	return out
}
