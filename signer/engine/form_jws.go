package engine

import (
	"slices"

	"qaqpa/signer/algo"
	"qaqpa/signer/cms"
	"qaqpa/signer/jades"
	"qaqpa/signer/pkix"
	"qaqpa/signer/report"
)

// FormatJWS is the format of JSON Web Signatures.
const FormatJWS = "JWS"

// jwsForm is a signature of a JWS: of the document, or a counter-signature in one.
type jwsForm struct {
	signed  *jades.Signed
	beside  jades.Beside
	given   bool // an original was handed in, which an attached payload does not have
	counter bool
}

// jwsWorkMax bounds the octets that are hashed for all signatures, their candidates and archive time stamps of a document.
const jwsWorkMax = 512 << 20

// openJWS reads a JWS in compact or JSON form.
func (c *Case) openJWS(document []byte) {
	d, err := jades.Parse(document)
	if err != nil {
		c.refuse("UNKNOWN", report.ReasonUnreadable, err)
		return
	}
	c.format, c.attached, c.content = FormatJWS, d.Attached, d.Payload()
	work := int64(jwsWorkMax)
	beside := jades.Beside{Octets: c.original.Octets, Work: &work}
	if c.original.Octets == nil {
		beside.Digest = c.original.of()
	}
	if len(c.original.Named) > 0 {
		beside.Named = func(uri string) (jades.Beside, bool) {
			name, ok := c.original.called(uri)
			o := c.original.Named[name]
			return jades.Beside{Octets: o.Octets, Digest: o.of()}, ok
		}
	}
	covered := map[string]bool{}
	for _, s := range d.Signatures {
		for _, uri := range s.Names() {
			if name, ok := c.original.called(uri); ok {
				covered[name] = true
			}
		}
		c.signers = append(c.signers, c.openSigned(&jwsForm{signed: s, beside: beside, given: c.given}))
	}
	c.leftOut(covered)
}

func (c *Case) openSigned(form *jwsForm) *signer {
	signed := form.signed
	s := newSigner(form)
	ev := signed.Evidence()
	c.embedded.add(c.collect(slices.Concat(signed.Certificates, ev.Certificates), ev.CRLs, ev.OCSPs))
	stamps, err := signed.Stamps(form.beside, stampsMax)
	if err != nil {
		s.notes = append(s.notes, report.New(report.ReasonTimeStampMalformed, "TS 119 182-1 5.3", cut(err.Error())))
	}
	for _, st := range stamps {
		s.stamps = append(s.stamps, c.openStamp(st))
	}
	counters, err := signed.Counters()
	detail := ""
	if err != nil {
		detail = cut(err.Error())
	}
	for _, counter := range counters {
		if c.counters == countersMax {
			detail = "not all counter-signatures of the document are judged"
			break
		}
		c.counters++
		s.counters = append(s.counters, c.openSigned(&jwsForm{signed: counter, beside: jades.Beside{Work: form.beside.Work}, counter: true}))
	}
	if detail != "" {
		s.notes = append(s.notes, report.New(report.ReasonCounterSignature, "TS 119 182-1 5.3.2", detail))
	}
	return s
}

func (m *jwsForm) about() about {
	out := about{level: m.signed.Level(), claimedAt: m.signed.SigningTime, value: m.signed.Value, policy: m.signed.Policy}
	for _, p := range m.signed.Parameters {
		out.attributes = append(out.attributes, report.Attribute{Name: cut(p.Name), Signed: p.Signed})
	}
	scheme, err := m.signed.Algorithm.Scheme()
	if out.known = err == nil; out.known {
		out.algorithm, out.hashes = scheme, m.signed.Hashes()
	}
	return out
}

func (m *jwsForm) nameless() bool { return m.signed.Nameless() }

func (m *jwsForm) candidates(pool []*pkix.Certificate) []*pkix.Certificate {
	return m.signed.Candidates(pool)
}

func (m *jwsForm) verify(cert *pkix.Certificate) cms.Checks { return m.signed.Verify(m.beside, cert) }

// cover tells what is signed: the payload, whole, wherever it stands. It is covered once the mathematics hold, and with sigD the digest.
func (m *jwsForm) cover(checks cms.Checks, out *report.Signature, f *findings) {
	if m.given && !m.signed.Detached() {
		f.open(report.SigConstraintsFailure, report.New(report.ReasonNotCovered, "RFC 7515 5.2", "an original was handed in beside an attached payload"))
	}
	holds := false
	for _, c := range checks {
		good := c.Status <= cms.Noted
		if c.Rule == cms.RuleSignature {
			holds = good
		}
		if !good && (c.Rule == cms.RuleMessageDigest || c.Rule == jades.RuleReferences) {
			return
		}
	}
	switch {
	case !holds:
	case m.counter:
		out.Covers = "signature"
	case m.signed.Detached():
		out.Covers = "detached"
	default:
		out.Covers = "content"
	}
}

// jwsHashes are the hashes of which digests of the original are enough for a JWS; ok false where they are not.
func jwsHashes(document []byte) (hashes []algo.Hash, ok bool) {
	d, err := jades.Parse(document)
	if err != nil {
		return nil, false
	}
	more, ok := d.DetachedHashes()
	return append([]algo.Hash{algo.SHA256}, more...), ok
}
