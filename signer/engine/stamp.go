package engine

import (
	"slices"

	"qaqpa/signer/cms"
	"qaqpa/signer/path"
	"qaqpa/signer/pkix"
	"qaqpa/signer/report"
	"qaqpa/signer/tsp"
)

// stamp is one signature time stamp, read.
type stamp struct {
	token        *tsp.Token
	unread       string
	certificates []*pkix.Certificate
	checks       map[path.Digest]cms.Checks
}

// openStamp reads a token. What a token carries as evidence serves the whole document.
func (c *Case) openStamp(raw []byte) *stamp {
	st := &stamp{checks: map[path.Digest]cms.Checks{}}
	token, err := tsp.ParseToken(raw)
	if err != nil {
		st.unread = err.Error()
		return st
	}
	st.token = token
	carried := c.collect(token.CMS.Certificates, token.CMS.CRLs, token.CMS.OCSPs)
	st.certificates = carried.Certificates
	if ev, err := token.Signer().Evidence(); err == nil {
		carried.add(c.collect(ev.Certificates, ev.CRLs, ev.OCSPs))
	}
	carried.Certificates = nil
	c.embedded.add(carried)
	return st
}

// stampCertificates are those that the time stamps of a signature and of its counter-signatures carry.
func (s *signer) stampCertificates() (out []*pkix.Certificate) {
	for _, st := range s.stamps {
		out = append(out, st.certificates...)
	}
	for _, counter := range s.counters {
		out = append(out, counter.stampCertificates()...)
	}
	return out
}

// timeStamps judges the stamps of a signature; the earliest that passes proves when the signature existed (EN 319 102-1
// 5.5.4). For a broken signature nothing is asked from the network.
func (a *assessment) timeStamps(s *signer, out *report.Signature, broken bool) {
	for _, st := range s.stamps {
		t := a.timeStamp(s, st, broken)
		out.TimeStamps = append(out.TimeStamps, t)
		if t.Indication != report.TotalPassed {
			out.Remarks = append(out.Remarks, report.New(report.ReasonTimeStampUnused, "EN 319 102-1 5.5.4; №500/НҚ 17", ""))
			continue
		}
		if !out.TimeProven || t.GenTime.Before(out.BestAt) {
			out.BestAt, out.TimeProven = t.GenTime, true
		}
	}
}

// timeStamp is the time-stamp process of EN 319 102-1 5.4.
func (a *assessment) timeStamp(s *signer, st *stamp, broken bool) report.TimeStamp {
	var f findings
	if st.token == nil {
		f.fail(report.FormatFailure, report.New(report.ReasonTimeStampMalformed, "RFC 3161 2.4.2", st.unread))
		return conclude(report.TimeStamp{}, f)
	}
	info := st.token.Info
	out := report.TimeStamp{
		GenTime: info.GenTime.UTC(), Serial: hexUpper(info.Serial), Policy: info.Policy, Algorithm: algorithm(st.token.Signer()),
	}
	cert, checks := a.authorityOf(s, st)
	weighStampChecks(checks, &f)
	if info.GenTime.After(a.set.At) {
		f.open(report.TimestampOrderFailure, report.New(report.ReasonTimeStampFuture, "EN 319 102-1 5.4", ""))
	}
	if cert == nil {
		return conclude(out, f)
	}
	out.TSA = cert.Subject.String()
	wrong := broken || f.worst() != report.TotalPassed
	in := a.inputs(cert)
	in.EKU = []string{pkix.EKUTimeStamping}
	r := a.validate(in)
	out.Chain, out.Revocation = a.describeChain(r), describeRevocation(r)
	a.weighChain(in, r, &f)
	if !wrong {
		a.want(path.Needs(in, r))
	}
	return conclude(out, f)
}

func conclude(t report.TimeStamp, f findings) report.TimeStamp {
	t.Indication, t.Sub, t.Reasons = f.conclude()
	return t
}

// weighStampChecks is weighChecks with the words of time stamps.
func weighStampChecks(checks cms.Checks, f *findings) {
	var own findings
	weighChecks(checks, &own)
	for _, x := range own {
		if c := x.reason.Code; c == report.ReasonSignatureWrong || c == report.ReasonContentChanged {
			x.reason = report.New(report.ReasonTimeStampSignature, x.reason.Clause, x.reason.Detail)
		}
		*f = append(*f, x)
	}
}

// authorityOf finds the certificate that signed a token, as signerOf does for signatures.
func (a *assessment) authorityOf(s *signer, st *stamp) (*pkix.Certificate, cms.Checks) {
	want := tsp.Expectation{Content: cms.ContentOf(s.form.about().value)}
	candidates := st.token.Signer().Candidates(slices.Concat(st.certificates, a.pool))
	if len(candidates) == 0 {
		return nil, st.token.Verify(want, nil)
	}
	var first cms.Checks
	for i, cert := range candidates[:min(len(candidates), candidatesMax)] {
		id := cert.Fingerprint()
		checks, ok := st.checks[id]
		switch {
		case ok:
		case a.c.budget.spend():
			checks = st.token.Verify(want, cert)
			st.checks[id] = checks
		default:
			checks = spent
		}
		if checks.Worst().Status <= cms.Noted {
			return cert, checks
		}
		if i == 0 {
			first = checks
		}
	}
	return candidates[0], first
}
