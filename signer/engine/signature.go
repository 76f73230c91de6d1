package engine

import (
	"time"

	"qaqpa/signer/cms"
	"qaqpa/signer/kz"
	"qaqpa/signer/path"
	"qaqpa/signer/pkix"
	"qaqpa/signer/report"
)

// signature judges one signer: whose it is, whether it holds, when it was made, and whether the signer could make it then.
func (a *assessment) signature(s *signer) report.Signature {
	out := report.Signature{
		Covers: "none", BestAt: a.set.At.UTC(),
		Remarks: append([]report.Reason(nil), s.notes...), Chain: []report.Certificate{}, Revocation: []report.Revocation{},
	}
	about := s.form.about()
	about.describe(&out)
	var f findings
	cert, checks := a.signerOf(s)
	out.Remarks = append(out.Remarks, weighChecks(checks, &f)...)
	s.form.cover(checks, &out, &f)
	broken := len(f) > 0 && f.worst() == report.TotalFailed
	a.timeStamps(s, &out, broken)
	if cert != nil {
		signer := a.set.Known.about(cert).signer
		out.Signer = &signer
		a.strength(about, cert, &out, &f)
		a.chain(cert, &out, &f, broken)
		a.keyUse(cert, &f)
	}
	for _, counter := range s.counters {
		out.CounterSignatures = append(out.CounterSignatures, a.signature(counter))
	}
	out.Indication, out.Sub, out.Reasons = f.conclude()
	return out
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
	return candidates[0], a.verify(s, candidates[0])
}

// spent are the checks of a signature for which no work was left.
var spent = cms.Checks{{
	Rule: cms.RuleSignature, Status: cms.Undecided, Sub: string(report.ChainGeneralFailure),
	Detail: "the document is too complex: the bound of verifications is reached",
}}

// verify does the cryptography once for each certificate: it depends on nothing that is gathered later.
func (a *assessment) verify(s *signer, cert *pkix.Certificate) cms.Checks {
	id := cert.Fingerprint()
	checks, ok := s.checks[id]
	if !ok {
		if !a.c.budget.spend() {
			return spent
		}
		checks = s.form.verify(cert)
		s.checks[id] = checks
	}
	return checks
}

// strength judges the algorithms of the signature itself at the time that is proven (EN 319 102-1 5.2.7, 5.5.4).
func (a *assessment) strength(s about, cert *pkix.Certificate, out *report.Signature, f *findings) {
	if !s.known || cert.PublicKeyErr != nil {
		return // already a finding of the checks
	}
	weakest := a.set.Algorithms.Signature(s.algorithm, cert.PublicKey.Bits, out.BestAt)
	for _, hash := range s.hashes {
		if h := a.set.Algorithms.Hash(hash, out.BestAt); weakest.Reliable && !h.Reliable {
			weakest = h
		}
	}
	if weakest.Reliable {
		return
	}
	detail := weakest.Subject + " is not reliable"
	if !weakest.Until.IsZero() {
		detail = weakest.Subject + " was reliable until " + weakest.Until.UTC().Format(time.DateOnly)
	}
	sub := report.CryptoConstraintsFailure
	if !out.TimeProven && !weakest.Until.IsZero() {
		sub = report.CryptoConstraintsNoPOE
	}
	f.open(sub, report.New(report.ReasonAlgorithmWeak, "EN 319 102-1 5.2.7", detail))
}

// keyUse: documents are signed with keys that are for it. The national profile marks them with nonRepudiation (№1187
// 6.3, №500/НҚ 16); certificates of other authorities may have digitalSignature alone.
func (a *assessment) keyUse(cert *pkix.Certificate, f *findings) {
	s := &a.set.Known.about(cert).subject
	fit := !cert.HasKeyUsage || cert.KeyUsage&(pkix.DigitalSignature|pkix.NonRepudiation) != 0
	if s.National {
		fit = cert.KeyUsage.Has(pkix.NonRepudiation)
	}
	if fit && s.Kind != kz.Service && s.Kind != kz.Authority {
		return
	}
	r := report.New(report.ReasonKeyUse, "№500/НҚ 16; EN 319 102-1 5.2.6", "key use "+string(s.KeyUse)+" of a "+string(s.Kind))
	r.CertificateSHA256 = hexOf(cert.Fingerprint())
	if a.set.Policy.National {
		f.fail(report.ChainConstraintsFailure, r)
		return
	}
	f.open(report.ChainConstraintsFailure, r)
}

// chain validates the signer's path for the best time and describes it.
func (a *assessment) chain(cert *pkix.Certificate, out *report.Signature, f *findings, broken bool) {
	in := a.inputs(cert)
	in.At = out.BestAt
	if out.TimeProven {
		in.SignedBefore = out.BestAt
	}
	r := a.validate(in)
	out.Chain, out.Revocation = a.describeChain(r), describeRevocation(r)
	out.Remarks = append(out.Remarks, a.weighChain(in, r, f)...)
	if !broken {
		a.want(path.Needs(in, r))
	}
}
