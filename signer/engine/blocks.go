package engine

import (
	"slices"
	"time"

	"qaqpa/signer/algo"
	"qaqpa/signer/cms"
	"qaqpa/signer/jades"
	"qaqpa/signer/kz"
	"qaqpa/signer/path"
	"qaqpa/signer/pkix"
	"qaqpa/signer/report"
	"qaqpa/signer/xmldsig"
)

// block is a building block of EN 319 102-1 5.2.
type block uint8

// Building blocks, in the order of the standard.
const (
	blockFormat         block = iota // 5.2.2
	blockIdentification              // 5.2.3
	blockContext                     // 5.2.4
	blockX509                        // 5.2.6, with revocation freshness 5.2.5
	blockCryptography                // 5.2.7
	blockAcceptance                  // 5.2.8
	blockEnd
)

var blockNames = [blockEnd]report.Block{
	blockFormat:         {Name: "format-checking", Clause: "5.2.2"},
	blockIdentification: {Name: "identification-of-the-signing-certificate", Clause: "5.2.3"},
	blockContext:        {Name: "validation-context-initialization", Clause: "5.2.4"},
	blockX509:           {Name: "x509-certificate-validation", Clause: "5.2.6"},
	blockCryptography:   {Name: "cryptographic-verification", Clause: "5.2.7"},
	blockAcceptance:     {Name: "signature-acceptance-validation", Clause: "5.2.8"},
}

// Processes.
const (
	processBasic     = "basic"
	processTime      = "time"
	processLongTerm  = "long-term"
	processTimeStamp = "time-stamp"
	processPast      = "past"
)

// mark assigns the findings since a position to a block.
func (f findings) mark(from int, b block) {
	for i := from; i < len(f); i++ {
		f[i].block = b
	}
}

// blockOf is the block that judges a rule of cryptographic checks.
func blockOf(rule cms.Rule, sub string) block {
	switch {
	case sub == cms.SubFormat:
		return blockFormat
	case rule == cms.RuleSignerIdentifier, rule == cms.RuleSigningCertificate, rule == xmldsig.RuleKeyInfo:
		return blockIdentification
	case rule == cms.RuleContentType, rule == cms.RuleSignedAttributes, rule == cms.RuleSigningTime,
		rule == cms.RuleAttributeEncoding, rule == xmldsig.RuleStructure, rule == jades.RuleHeader:
		return blockFormat
	}
	return blockCryptography
}

// cryptography is format checking of the signature (5.2.2), identification of the signing certificate (5.2.3) and
// cryptographic verification (5.2.7): the rules of the format for the best candidate. It returns that candidate.
func (j *judging) cryptography() *pkix.Certificate {
	cert, checks := j.a.signerOf(j.s)
	j.out.Integrity = j.a.integrity(j.s, cert, checks)
	for _, c := range checks {
		from := len(j.f)
		j.remark(weighChecks(cms.Checks{c}, &j.f)...)
		j.f.mark(from, blockOf(c.Rule, c.Sub))
	}
	from, remarks := len(j.f), len(j.out.Remarks)
	j.s.form.cover(checks, j.out, &j.f)
	j.f.mark(from, blockCryptography)
	of := j.out.Remarks[remarks:]
	j.out.Remarks = j.out.Remarks[:remarks:remarks]
	j.remark(of...)
	return cert
}

// strength judges the algorithms of the signature itself by the time that is proven (5.2.7, 5.2.8.4.2.2, 5.5.4).
func (j *judging) strength(cert *pkix.Certificate) {
	if !j.about.known || cert.PublicKeyErr != nil {
		return // already a finding of the checks
	}
	at := j.times.best
	weakest := j.a.set.Algorithms.Signature(j.about.algorithm, cert.PublicKey.Bits, at)
	for _, hash := range j.about.hashes {
		if h := j.a.set.Algorithms.Hash(hash, at); weakest.Reliable && !h.Reliable {
			weakest = h
		}
	}
	from := len(j.f)
	j.a.weak(weakest, j.times.after, &j.f)
	j.f.mark(from, blockAcceptance)
}

// weak makes a finding of an algorithm that is not reliable: one that ever was may be saved by a proof of existence, unless
// a content time stamp proves that it was used too late (5.3.4, 5.5.4).
func (a *assessment) weak(s algo.Strength, after time.Time, f *findings) {
	if s.Reliable {
		return
	}
	detail := s.Subject + " is not reliable"
	sub := report.CryptoConstraintsFailure
	if !s.Until.IsZero() {
		detail = s.Subject + " was reliable until " + s.Until.UTC().Format(time.DateOnly)
		if after.IsZero() || after.Before(s.Until) {
			sub = report.CryptoConstraintsNoPOE
		}
	}
	f.open(sub, report.New(report.ReasonAlgorithmWeak, "EN 319 102-1 5.2.8", detail))
}

// keyUse: documents are signed with keys that are for it. The national profile marks them with nonRepudiation (№1187
// 6.3, №500/НҚ 16); certificates of other authorities may have digitalSignature alone.
func (j *judging) keyUse(cert *pkix.Certificate, abroad bool) {
	s := &j.a.set.Known.about(cert).subject
	fit := !cert.HasKeyUsage || cert.KeyUsage&(pkix.DigitalSignature|pkix.NonRepudiation) != 0
	if s.National && !abroad {
		fit = cert.KeyUsage.Has(pkix.NonRepudiation)
	}
	if fit && s.Kind != kz.Service && s.Kind != kz.Authority {
		return
	}
	r := report.New(report.ReasonKeyUse, "№500/НҚ 16; EN 319 102-1 5.2.6", "key use "+string(s.KeyUse)+" of a "+string(s.Kind))
	r.CertificateSHA256 = hexOf(cert.Fingerprint())
	from := len(j.f)
	if j.a.set.Policy.National {
		j.f.fail(report.ChainConstraintsFailure, r)
	} else {
		j.f.open(report.ChainConstraintsFailure, r)
	}
	j.f.mark(from, blockX509)
}

// chain is X.509 certificate validation (5.2.6) in the three processes: now (5.3), at best-signature-time (5.5) and in the
// past (5.6). What each may turn into passed is written beside it.
func (j *judging) chain(cert *pkix.Certificate, broken bool) {
	a, t := j.a, &j.times
	in := a.inputs(cert)
	in.SignedAfter, in.Proofs = t.after, t.proofs.at
	now := in
	j.process = processBasic
	if t.proven {
		in.At, in.SignedBefore = t.best, t.best
		j.process = processTime
	}
	r, remembered := a.signerPath(in)
	if t.proven && r.Indication == path.Passed && !a.set.Policy.ChainAtBestTime {
		if current := a.validate(now); current.Indication != path.Passed && aboveLeaf(current, cert) {
			r, remembered = current, nil // what happened to an authority since is for past validation to judge
		}
	}
	if r.Indication != path.Passed && savable(r.Sub) && !broken && t.proven {
		if j.saved(now, cert) {
			return
		}
	}
	if remembered != nil {
		j.out.Chain, j.out.Revocation = slices.Clip(remembered.chain), slices.Clip(remembered.revocation) // nobody changes a verdict
		if a.set.Policy.Revocation != path.Off {
			return // it passed, and rests on good evidence alone: there is nothing to weigh and nothing to want
		}
	} else {
		j.out.Chain, j.out.Revocation = a.describeChain(r), describeRevocation(r)
	}
	from := len(j.f)
	j.remark(a.weighChain(in, r, &j.f)...)
	j.f.mark(from, blockX509)
	if !broken {
		a.want(path.Needs(in, r))
	}
}

// aboveLeaf reports whether what is wrong with a path concerns its authorities: revoked, out of date or weak since.
// EN 319 102-1 5.5.4 lifts only what concerns the signer's own certificate, by best-signature-time alone; an authority that
// fell afterwards could have given false evidence, so 5.6.2 asks for proofs of existence.
func aboveLeaf(r path.Result, leaf *pkix.Certificate) bool {
	for i := range r.Problems {
		p := &r.Problems[i]
		switch p.Code { //nolint:exhaustive // others are judged at best-signature-time
		case path.CodeExpired, path.CodeNotYetValid, path.CodeCARevoked, path.CodeWeakAlgorithm, path.CodeAnchorWindow:
			if p.Certificate == nil || !p.Certificate.Equal(leaf) {
				return true
			}
		}
	}
	return false
}

// saved is past signature validation (5.6.2.4): the certificate could be relied on until a control time, and the signature
// is proven to be older.
func (j *judging) saved(in path.Inputs, cert *pkix.Certificate) bool {
	past := j.a.past(in, j.times.best)
	b := report.Block{Name: "past-certificate-validation", Clause: "5.6.2.1", Indication: string(past.Indication), Sub: report.SubIndication(past.Sub)}
	signature := report.Block{Name: "past-signature-validation", Clause: "5.6.2.4", Indication: "PASSED"}
	early := j.times.best.Before(cert.NotBefore)
	if !past.held || early {
		signature.Indication, signature.Sub = "INDETERMINATE", report.NoPOE
	}
	j.blocks = append(j.blocks, b, signature)
	if !past.held || early { // a signature older than its certificate stays what 5.5.4 calls it
		return false
	}
	j.process = processLongTerm
	j.out.Chain, j.out.Revocation = j.a.describeChain(past.Result), describeRevocation(past.Result)
	return true
}

// conclude brings findings and blocks together.
func (j *judging) conclude(cert *pkix.Certificate) {
	out := j.out
	out.Indication, out.Sub, out.Reasons = j.f.conclude()
	out.Process = j.process
	if out.Process == "" {
		out.Process = processBasic
	}
	out.Blocks = make([]report.Block, 0, int(blockEnd)+len(j.blocks))
	for b := range blockEnd {
		done := blockNames[b]
		done.Indication, done.Sub = j.f.of(b)
		if cert == nil && b == blockX509 {
			continue // it could not run
		}
		out.Blocks = append(out.Blocks, done)
	}
	out.Blocks = append(out.Blocks, j.blocks...)
	if out.Constraints = j.a.set.Policy.kept; j.broken != nil {
		out.Constraints = j.constraints()
	}
}
