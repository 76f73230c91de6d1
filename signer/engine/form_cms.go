package engine

import (
	"bytes"
	"fmt"
	"slices"

	"qaqpa/signer/algo"
	"qaqpa/signer/cms"
	"qaqpa/signer/pkix"
	"qaqpa/signer/report"
)

// cmsForm is a SignerInfo: of the document, or a counter-signature in one.
type cmsForm struct {
	info  *cms.SignerInfo
	given cms.Content // what was handed in beside the document; for a counter-signature the value that it signs
	what  string      // what a digest that agrees covers
	level string
	// policy and attributes are what the verdict shows of the attributes.
	policy     *cms.SignaturePolicy
	attributes []report.Attribute
}

// openCMS reads SignedData in DER, BER, PEM armour or base64.
func (c *Case) openCMS(document []byte) {
	sd, err := cms.ParseArmoured(document, cms.Limits{})
	if err == nil && sd.ContentType == cms.OIDTSTInfo || err != nil && isResponse(document) {
		c.openToken(document)
		return
	}
	if err != nil {
		c.refuse("UNKNOWN", report.ReasonUnreadable, err)
		return
	}
	c.format, c.attached, c.content = "CMS", sd.HasContent, sd.Content
	c.rememberContent(sd)
	given := c.original.of()
	if !sd.HasContent {
		c.content = c.original.Octets
	}
	c.embedded = c.collect(sd.Certificates, sd.CRLs, sd.OCSPs)
	c.attributeCertificates(sd.OtherCertificates)
	what := "detached"
	if sd.HasContent {
		what = "content"
	}
	for i := range sd.Signers {
		// One signature, however often it is written: a document must not look signed twice by copying.
		if slices.ContainsFunc(sd.Signers[:i], func(o cms.SignerInfo) bool { return bytes.Equal(o.Raw, sd.Signers[i].Raw) }) {
			continue
		}
		c.signers = append(c.signers, c.openSigner(&cmsForm{info: &sd.Signers[i], given: given, what: what}))
	}
}

func (c *Case) openSigner(form *cmsForm) *signer {
	info := form.info
	form.level, form.attributes = level(info), attributesOf(info)
	var policyErr error
	form.policy, policyErr = info.SignaturePolicy()
	s := newSigner(form)
	if policyErr != nil {
		form.policy = &cms.SignaturePolicy{OID: "unreadable"}
		s.notes = append(s.notes, report.New(report.ReasonAttributeMalformed, "EN 319 122-1 5.2.9", policyErr.Error()))
	}
	if ev, err := info.Evidence(); err == nil {
		c.embedded.add(c.collect(ev.Certificates, ev.CRLs, ev.OCSPs))
	}
	stamps, err := info.Stamps(form.given, stampsMax)
	if err != nil {
		s.notes = append(s.notes, report.New(report.ReasonTimeStampMalformed, "EN 319 122-1 5.3", err.Error()))
	}
	for _, st := range stamps {
		s.stamps = append(s.stamps, c.openStamp(st))
	}
	c.openCounters(s, info)
	return s
}

// openCounters reads the counter-signatures, which are signatures over the octets of this one (RFC 5652 11.4). A document
// has some: those beyond the bound are named and not judged.
func (c *Case) openCounters(s *signer, info *cms.SignerInfo) {
	counters, err := info.CounterSignatures()
	detail := ""
	if err != nil {
		detail = err.Error()
	}
	over := cms.ContentOf(info.Signature)
	for i := range counters {
		if c.counters == countersMax {
			detail = fmt.Sprintf("only %d counter-signatures of a document are judged", countersMax)
			break
		}
		c.counters++
		s.counters = append(s.counters, c.openSigner(&cmsForm{info: &counters[i], given: over, what: "signature"}))
	}
	if detail != "" {
		s.notes = append(s.notes, report.New(report.ReasonCounterSignature, "EN 319 122-1 5.2.7", detail))
	}
}

func (m *cmsForm) about() about {
	out := about{
		level: m.level, claimedAt: m.info.SigningTime, value: m.info.Signature, policy: m.policy, attributes: m.attributes,
	}
	if m.info.SignatureErr == nil {
		out.algorithm = m.info.SignatureAlgorithm
	}
	if out.known = m.info.SignatureErr == nil && m.info.DigestErr == nil; out.known {
		out.hashes = []algo.Hash{m.info.DigestAlgorithm}
	}
	return out
}

func (m *cmsForm) candidates(pool []*pkix.Certificate) []*pkix.Certificate {
	return m.info.Candidates(pool)
}

func (m *cmsForm) verify(cert *pkix.Certificate) cms.Checks { return m.info.Verify(m.given, cert) }

// cover tells which bytes are signed, once their digest has been compared.
func (m *cmsForm) cover(checks cms.Checks, out *report.Signature, _ *findings) {
	rule := cms.RuleMessageDigest
	if !m.info.HasSignedAttributes {
		rule = cms.RuleSignature
	}
	if c, ok := checks.Find(rule); ok && c.Status <= cms.Noted {
		out.Covers = m.what
	}
}

func algorithm(info *cms.SignerInfo) string {
	if info.SignatureErr != nil {
		return "unknown"
	}
	return info.SignatureAlgorithm.Name
}
