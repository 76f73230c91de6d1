package engine

import (
	"slices"
	"strings"
	"time"

	"qaqpa/signer/path"
	"qaqpa/signer/report"
)

// weighChain turns what a path lacks into findings, and returns remarks.
func (a *assessment) weighChain(in path.Inputs, r path.Result, f *findings) (remarks []report.Reason) {
	for i := range r.Problems {
		a.weighProblem(r, &r.Problems[i], f)
	}
	for i, info := range r.Revocation {
		for _, rejected := range info.Rejected {
			a.rejected = append(a.rejected, rejected.Digest)
		}
		if info.Status != path.StatusUnavailable {
			continue
		}
		missing := a.missing(info)
		if i > 0 && in.Revocation.CA == path.IfAvailable {
			reason := a.problemReason(&path.Problem{
				Code: path.CodeRevocationMissing, Clause: "EN 319 102-1 5.2.6.4", Certificate: info.Certificate,
				Detail: "there is no usable revocation evidence for the authority",
			})
			if a.tolerant || a.set.Trust.listed[info.Certificate.Fingerprint()] || a.set.Policy.Revocation != path.Required {
				remarks = append(remarks, reason)
			} else {
				f.open(report.TryLater, reason)
			}
		}
		remarks = append(remarks, missing...)
	}
	if a.set.Policy.Revocation == path.Off {
		remarks = append(remarks, report.New(report.ReasonRevocationOff, "№500/НҚ 16", ""))
	}
	return remarks
}

// weighProblem gives a problem the indication of the policy.
func (a *assessment) weighProblem(r path.Result, p *path.Problem, f *findings) {
	reason := a.problemReason(p)
	if a.set.Policy.National {
		if sub, negative := a.negative(r, p); negative {
			if p.Code == path.CodeRevocationMissing {
				reason = report.New(report.ReasonCRLExpired, "№500/НҚ 18", p.Detail)
				reason.CertificateSHA256 = hexOf(p.Certificate.Fingerprint())
			}
			f.fail(sub, reason)
			return
		}
	}
	switch r.Indication {
	case path.Failed:
		f.fail(report.SubIndication(r.Sub), reason)
	case path.Passed, path.Indeterminate:
		f.open(report.SubIndication(r.Sub), reason)
	default:
		f.open(report.SubIndication(r.Sub), reason)
	}
}

// negative tells whether order №500/НҚ calls a problem negative, and how that is named; see # Deviations.
func (a *assessment) negative(r path.Result, p *path.Problem) (report.SubIndication, bool) {
	n, ok := nationalRules[p.Code]
	if !ok || n.negative == "" || p.Code == path.CodeRevocationMissing && !a.onlyExpiredCRL(r, p) {
		return "", false
	}
	return n.negative, true
}

// nationalRule is where order №500/НҚ speaks of a problem, and what its negative result is called; empty where it has none.
type nationalRule struct {
	point    string
	negative report.SubIndication
}

var nationalRules = map[path.Code]nationalRule{
	path.CodeNoChain:           {"16", ""},
	path.CodeExpired:           {"16", report.Expired}, // one link out of date is enough
	path.CodeNotYetValid:       {"16", report.NotYetValid},
	path.CodeRevoked:           {"16", report.Revoked},
	path.CodeOnHold:            {"16", report.Revoked},
	path.CodeCARevoked:         {"16", report.Revoked},
	path.CodeKeyUsage:          {"16", report.ChainConstraintsFailure},
	path.CodeExtendedKeyUsage:  {"16", report.ChainConstraintsFailure},
	path.CodeRevocationMissing: {"18", report.ChainConstraintsFailure}, // by a list past its nextUpdate only
	path.CodeRevocationUnknown: {"19", report.ChainConstraintsFailure},
}

// onlyExpiredCRL: the list that the authority publishes is past its nextUpdate, and nothing newer came from elsewhere.
func (a *assessment) onlyExpiredCRL(r path.Result, p *path.Problem) bool {
	if p.Certificate == nil {
		return false
	}
	for _, info := range r.Revocation {
		if !p.Certificate.Equal(info.Certificate) {
			continue
		}
		return slices.ContainsFunc(info.Rejected, func(e path.RejectedEvidence) bool {
			return e.Source == path.SourceCRL && e.Problem.Code == path.CodeEvidenceStale && a.ev.Published[e.Digest]
		})
	}
	return false
}

// problemReason puts a problem into words. The codes of package path are those of the catalogue, with hyphens.
func (a *assessment) problemReason(p *path.Problem) report.Reason {
	clause := p.Clause
	if n, ok := nationalRules[p.Code]; ok && a.set.Policy.National {
		clause = strings.TrimPrefix(clause+"; №500/НҚ "+n.point, "; ")
	}
	r := report.New(report.Code(strings.ReplaceAll(string(p.Code), "-", "_")), clause, p.Detail)
	if p.Certificate != nil {
		r.CertificateSHA256 = hexOf(p.Certificate.Fingerprint())
	}
	return r
}

// missing tells why there is no evidence for a certificate: what was at hand and did not count, and what did not come.
func (a *assessment) missing(info path.RevocationInfo) []report.Reason {
	var out []report.Reason
	id := info.Certificate.Fingerprint()
	for i := range info.Rejected {
		out = append(out, a.problemReason(&info.Rejected[i].Problem))
	}
	for _, m := range a.ev.Missing {
		if m.Certificate != id {
			continue
		}
		r := report.New(report.ReasonServiceNotReachable, "", m.Kind+" "+m.URL+": "+m.Failure)
		r.CertificateSHA256 = hexOf(id)
		out = append(out, r)
	}
	return out
}

func (a *assessment) describeChain(r path.Result) []report.Certificate {
	out := make([]report.Certificate, len(r.Chain))
	for i, c := range r.Chain {
		out[i] = a.set.Known.about(c).link
		out[i].Anchor = r.Anchor != nil && i == len(r.Chain)-1
	}
	return out
}

func describeRevocation(r path.Result) []report.Revocation {
	out := make([]report.Revocation, 0, len(r.Revocation))
	for _, info := range r.Revocation {
		v := report.Revocation{
			CertificateSHA256: hexOf(info.Certificate.Fingerprint()), Status: string(info.Status),
			Source:     strings.ToLower(string(info.Source)),
			ThisUpdate: timeOrNil(info.ThisUpdate), NextUpdate: timeOrNil(info.NextUpdate), RevokedAt: timeOrNil(info.RevokedAt),
		}
		if len(info.Evidence) > 0 {
			v.EvidenceSHA256 = hexOf(info.Evidence[0])
		}
		if !info.RevokedAt.IsZero() {
			v.RevocationReason = info.Reason.String()
		}
		out = append(out, v)
	}
	return out
}

func timeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
