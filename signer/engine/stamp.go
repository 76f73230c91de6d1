package engine

import (
	"crypto/sha256"
	"slices"
	"time"

	"qaqpa/signer/algo"
	"qaqpa/signer/cms"
	"qaqpa/signer/path"
	"qaqpa/signer/pkix"
	"qaqpa/signer/report"
	"qaqpa/signer/tsp"
)

// stamp is one time stamp of a signature, read.
type stamp struct {
	cms.Stamp
	id           path.Digest // of the token
	token        *tsp.Token
	unread       string
	certificates []*pkix.Certificate
	inside       []path.Digest // what the token carries
	covered      []path.Digest // what it covers directly
	checks       map[path.Digest]cms.Checks
}

// openStamp reads a token. What a token carries as evidence serves the whole document. Forms of all kinds describe their time
// stamps by a cms.Stamp: what the token is over, and which objects it proves to have existed.
func (c *Case) openStamp(described cms.Stamp) *stamp {
	st := &stamp{Stamp: described, id: sha256.Sum256(described.Token), checks: map[path.Digest]cms.Checks{}}
	for _, object := range described.Covers {
		st.covered = append(st.covered, sha256.Sum256(object))
	}
	token, err := tsp.ParseToken(described.Token)
	if err != nil {
		st.unread = err.Error()
		return st
	}
	st.token = token
	carried := c.collect(token.CMS.Certificates, token.CMS.CRLs, token.CMS.OCSPs)
	if ev, err := token.Signer().Evidence(); err == nil {
		carried.add(c.collect(ev.Certificates, ev.CRLs, ev.OCSPs))
	}
	st.certificates = carried.Certificates
	st.inside = digestsOf(carried)
	carried.Certificates = nil
	c.embedded.add(carried)
	return st
}

func digestsOf(ev Evidence) []path.Digest {
	out := make([]path.Digest, 0, len(ev.Certificates)+len(ev.CRLs)+len(ev.OCSP))
	for _, c := range ev.Certificates {
		out = append(out, c.Fingerprint())
	}
	for _, l := range ev.CRLs {
		out = append(out, l.Fingerprint())
	}
	for _, o := range ev.OCSP {
		out = append(out, o.Fingerprint())
	}
	return out
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

// times is what the time stamps of a signature prove.
type times struct {
	proofs *proofs
	best   time.Time // best-signature-time
	proven bool      // by a time stamp
	after  time.Time // the signature is proven to be made later than this; zero: nothing is proven
	order  *report.Reason
}

// timeStamps judges the stamps of a signature, the newest first, so that each is judged with the proofs of those that came
// after it (EN 319 102-1 5.6.3.4). Only those that hold prove anything; others are reported and never help. For a broken
// signature nothing is asked from the network.
func (a *assessment) timeStamps(s *signer, out *report.Signature, broken bool) times {
	t := times{proofs: newProofs(a.set.At), best: a.set.At}
	if len(s.stamps) == 0 {
		return t
	}
	judged := make([]report.TimeStamp, len(s.stamps))
	passed := make([]bool, len(s.stamps))
	for _, i := range s.newestFirst() {
		st := s.stamps[i]
		judged[i] = a.timeStamp(st, t.proofs, broken)
		if passed[i] = judged[i].Indication == report.TotalPassed; !passed[i] {
			continue
		}
		judged[i].Objects = a.extract(t.proofs, s, st)
		if at := st.token.Info.GenTime; st.Kind == cms.ContentStamp && at.After(t.after) {
			t.after = at
		}
		t.proven = t.proven || st.CoversSignature
	}
	t.best = t.proofs.of(s.id)
	out.TimeStamps = append(out.TimeStamps, judged...)
	t.order = s.outOfOrder(passed)
	return t
}

// newestFirst are the indexes of the stamps by genTime, and among equals what covers more first.
func (s *signer) newestFirst() []int {
	order := make([]int, len(s.stamps))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int {
		a, b := s.stamps[i], s.stamps[j]
		if a.token == nil || b.token == nil {
			return 0
		}
		if c := b.token.Info.GenTime.Compare(a.token.Info.GenTime); c != 0 {
			return c
		}
		return int(b.Kind) - int(a.Kind)
	})
	return order
}

// outOfOrder: a time stamp is not older than one that it covers (EN 319 102-1 5.5.4, 5.6.3.4). Only stamps that hold can
// contradict each other, or anybody could spoil a signature by adding one.
func (s *signer) outOfOrder(passed []bool) *report.Reason {
	for i, st := range s.stamps {
		for j, other := range s.stamps {
			if i == j || !passed[i] || !passed[j] || !st.coversStamp(other) {
				continue
			}
			at, inner := st.token.Info.GenTime, other.token.Info.GenTime
			if at.Add(st.token.Info.Accuracy).Before(inner) {
				r := report.New(report.ReasonTimeStampOrder, "EN 319 102-1 5.5.4", st.String()+" of "+
					at.UTC().Format(time.RFC3339)+" covers "+other.String()+" of "+inner.UTC().Format(time.RFC3339))
				return &r
			}
		}
	}
	return nil
}

// coversStamp: a content time stamp is among the signed attributes, so every stamp over the signature covers it.
func (st *stamp) coversStamp(other *stamp) bool {
	return other.Kind == cms.ContentStamp && st.CoversSignature || slices.Contains(st.covered, other.id)
}

// timeStamp is the time-stamp process of EN 319 102-1 5.4, and where the authority's path holds no more, past signature
// validation of the token (5.6.2.4) by the proofs of later stamps.
func (a *assessment) timeStamp(st *stamp, p *proofs, broken bool) report.TimeStamp {
	var f findings
	if st.token == nil {
		f.fail(report.FormatFailure, report.New(report.ReasonTimeStampMalformed, "RFC 3161 2.4.2", st.unread))
		return conclude(report.TimeStamp{Kind: st.String(), SHA256: hexOf(st.id), Process: processTimeStamp}, f)
	}
	info := st.token.Info
	out := report.TimeStamp{
		Kind: st.String(), SHA256: hexOf(st.id), Process: processTimeStamp, GenTime: info.GenTime.UTC(), Serial: hexUpper(info.Serial),
		Policy: info.Policy, Algorithm: algorithm(st.token.Signer()),
	}
	if info.HashErr == nil {
		out.Imprint = info.Hash.Name()
	}
	cert, checks := a.authorityOf(st)
	weighStampChecks(checks, &f)
	if st.Fault != "" {
		f.fail(report.HashFailure, report.New(report.ReasonTimeStampImprint, "EN 319 122-1 5.5.2", st.Fault))
	}
	if info.GenTime.After(a.set.At) {
		f.open(report.TimestampOrderFailure, report.New(report.ReasonTimeStampFuture, "EN 319 102-1 5.4", ""))
	}
	if cert == nil {
		return conclude(out, f)
	}
	out.TSA = cert.Subject.String()
	hopeless := broken || f.worst() != report.TotalPassed
	a.stampStrength(st, cert, p, &f)
	r, needs := a.stampChain(st, cert, p, &out)
	if out.Process == processTimeStamp {
		in := a.inputs(cert)
		a.weighChain(in, r, &f)
	}
	if !hopeless {
		a.want(needs)
	}
	return conclude(out, f)
}

// stampStrength judges the algorithms of a token at the time by which it is proven to have existed: the imprint's, the
// digest's and the signature's.
func (a *assessment) stampStrength(st *stamp, cert *pkix.Certificate, p *proofs, f *findings) {
	si := st.token.Signer()
	if st.token.Info.HashErr != nil || si.DigestErr != nil || si.SignatureErr != nil || cert.PublicKeyErr != nil {
		return // already a finding of the checks
	}
	at := p.of(st.id)
	weakest := a.set.Algorithms.Signature(si.SignatureAlgorithm, cert.PublicKey.Bits, at)
	for _, h := range []algo.Hash{si.DigestAlgorithm, st.token.Info.Hash} {
		if x := a.set.Algorithms.Hash(h, at); weakest.Reliable && !x.Reliable {
			weakest = x
		}
	}
	a.weak(weakest, time.Time{}, f)
}

// stampChain validates the authority's path now, else in the past, and tells what evidence is missing.
func (a *assessment) stampChain(st *stamp, cert *pkix.Certificate, p *proofs, out *report.TimeStamp) (path.Result, []path.Need) {
	in := a.inputs(cert)
	in.EKU = []string{pkix.EKUTimeStamping}
	in.Proofs = p.at
	r := a.validate(in)
	if r.Indication != path.Passed && savable(r.Sub) && len(p.at) > 0 {
		if past := a.past(in, p.of(st.id)); past.held {
			out.Process = processPast
			out.Chain, out.Revocation = a.describeChain(past.Result), describeRevocation(past.Result)
			return past.Result, nil
		}
	}
	out.Chain, out.Revocation = a.describeChain(r), describeRevocation(r)
	return r, path.Needs(in, r)
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

// expectation is what a token should be over: of several readings the one that its imprint is of.
func (st *stamp) expectation() tsp.Expectation {
	for _, over := range st.Over {
		if d, err := over.Digest(st.token.Info.Hash); err == nil && slices.Equal(d, st.token.Info.Imprint) {
			return tsp.Expectation{Content: over}
		}
	}
	if len(st.Over) > 0 {
		return tsp.Expectation{Content: st.Over[0]}
	}
	return tsp.Expectation{}
}

// authorityOf finds the certificate that signed a token, as signerOf does for signatures.
func (a *assessment) authorityOf(st *stamp) (*pkix.Certificate, cms.Checks) {
	candidates := st.token.Signer().Candidates(slices.Concat(st.certificates, a.pool))
	if len(candidates) == 0 {
		return nil, st.token.Verify(st.expectation(), nil)
	}
	var first cms.Checks
	for i, cert := range candidates[:min(len(candidates), candidatesMax)] {
		id := cert.Fingerprint()
		checks, ok := st.checks[id]
		switch {
		case ok:
		case a.c.budget.spend():
			checks = st.token.Verify(st.expectation(), cert)
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
