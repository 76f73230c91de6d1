package engine

import (
	"slices"

	"qaqpa/signer/cms"
	"qaqpa/signer/pkix"
	"qaqpa/signer/report"
)

// signature judges one signer: whose it is, whether it holds, when it was made, and whether the signer could make it then.
// The building blocks run in the order of EN 319 102-1 5.3; see blocks.go.
func (a *assessment) signature(s *signer, out *report.Signature) {
	*out = report.Signature{
		SHA256: hexOf(s.id), Covers: "none", BestAt: a.set.At.UTC(),
		AttributeCertificates: a.c.attributes, Remarks: append([]report.Reason(nil), s.notes...), Chain: []report.Certificate{}, Revocation: []report.Revocation{},
	}
	about := s.form.about()
	about.describe(out)
	j := judging{a: a, s: s, about: about, out: out}
	cert := j.cryptography()
	broken := len(j.f) > 0 && j.f.worst() == report.TotalFailed
	j.times = a.timeStamps(s, out, broken)
	out.BestAt, out.TimeProven, out.AfterAt = j.times.best.UTC(), j.times.proven, timeOrNil(j.times.after)
	j.context()
	if cert != nil {
		signer := a.set.Known.about(cert).signer
		out.Signer = &signer
		j.strength(cert)
		j.chain(cert, broken)
		abroad := a.set.Trust.abroad(out.Chain, &signer)
		if abroad {
			j.remark(report.New(report.ReasonThirdParty, "Informatization law Art. 13 (12)", signer.ThirdParty.Name))
		}
		j.keyUse(cert, abroad)
	}
	if len(s.counters) > 0 {
		out.CounterSignatures = make([]report.Signature, len(s.counters))
	}
	for i, counter := range s.counters {
		a.signature(counter, &out.CounterSignatures[i])
	}
	j.acceptance()
	j.counters()
	j.conclude(cert)
}

// judging is the judgement of one signature while it is being made.
type judging struct {
	a       *assessment
	s       *signer
	about   about
	out     *report.Signature
	f       findings
	times   times
	process string
	blocks  []report.Block // those beside the findings: past validation
	broken  map[Constraint]bool
}

func (f findings) worst() report.Indication {
	w := report.TotalPassed
	for _, x := range f {
		if x.indication.Worse(w) {
			w = x.indication
		}
	}
	return w
}

// signerOf finds the certificate whose key made the signature: the first candidate by which every rule holds, else the
// first of all. Candidates are few, or a document full of look-alikes would cost a verification each.
func (a *assessment) signerOf(s *signer) (*pkix.Certificate, cms.Checks) {
	candidates := s.form.candidates(a.pool)
	if len(candidates) == 0 {
		return nil, s.form.verify(nil)
	}
	for _, cert := range candidates[:min(len(candidates), candidatesMax)] {
		if checks := a.verify(s, cert); checks.Worst().Status <= cms.Noted {
			return cert, checks
		}
	}
	if f, ok := s.form.(interface{ nameless() bool }); ok && f.nameless() {
		return a.fittingKey(s, candidates)
	}
	return candidates[0], a.verify(s, candidates[0])
}

// fittingKey finds the certificate of a signature that names none among those at hand: its key must have made the signature,
// even if what is signed has changed. That the keys of strangers do not fit says nothing about the signature: it stays without
// a certificate and is not called wrong.
func (a *assessment) fittingKey(s *signer, candidates []*pkix.Certificate) (*pkix.Certificate, cms.Checks) {
	for _, cert := range candidates[:min(len(candidates), candidatesMax)] {
		checks := a.verify(s, cert)
		if !slices.ContainsFunc(checks, func(c cms.Check) bool { return c.Rule == cms.RuleSignature && c.Status > cms.Noted }) {
			return cert, checks
		}
	}
	return nil, s.form.verify(nil)
}

// spent are the checks of a signature for which no work was left.
var spent = cms.Checks{{
	Rule: cms.RuleSignature, Status: cms.Undecided, Sub: string(report.ChainGeneralFailure),
	Detail: "the document is too complex: the bound of verifications is reached",
}}

// verify does the cryptography once for each certificate: it depends on nothing that is gathered later.
func (a *assessment) verify(s *signer, cert *pkix.Certificate) cms.Checks {
	id := cert.Fingerprint()
	for i := range s.checks {
		if s.checks[i].cert == id {
			return s.checks[i].checks
		}
	}
	if !a.c.budget.spend() {
		return spent
	}
	checks := s.form.verify(cert)
	s.checks = append(s.checks, checked{id, checks})
	return checks
}
