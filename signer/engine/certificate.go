package engine

import (
	"slices"

	"qaqpa/signer/path"
	"qaqpa/signer/pkix"
	"qaqpa/signer/report"
)

// AssessCertificate judges a certificate alone: whether it leads to an anchor, is in date and not revoked at the time in
// question. What its key may be used for is told, not judged. The verdict's Evidence is left to the caller.
func AssessCertificate(set Setting, ev Evidence, cert *pkix.Certificate) (report.CertificateVerdict, []path.Need, []path.Digest) {
	set = set.complete()
	a := &assessment{set: set, ev: ev, pool: slices.Concat(ev.Certificates, set.Trust.pool)}
	v := report.CertificateVerdict{
		At: set.At.UTC(), EvidenceAt: set.Now.UTC(), Policy: set.Policy.Name, TrustMode: set.Trust.mode, TrustSHA256: set.Trust.digest,
		Subject: set.Known.about(cert).signer, Evidence: []report.Evidence{},
	}
	var f findings
	in := a.inputs(cert)
	r := a.validate(in)
	v.Chain, v.Revocation = a.describeChain(r), describeRevocation(r)
	v.Remarks = a.weighChain(in, r, &f)
	if set.Trust.mode == "test" {
		v.Remarks = append(v.Remarks, report.New(report.ReasonTestTrust, "", ""))
	}
	v.Indication, v.Sub, v.Reasons = f.conclude()
	return v, path.Needs(in, r), a.rejected
}
