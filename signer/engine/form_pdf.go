package engine

import (
	"errors"
	"fmt"

	"qaqpa/signer/algo"
	"qaqpa/signer/cms"
	"qaqpa/signer/pades"
	"qaqpa/signer/pdf"
	"qaqpa/signer/pkix"
	"qaqpa/signer/report"
)

// FormatPDF is the format of PDF documents.
const FormatPDF = "PDF"

// Levels of signatures in PDF documents: those of the PAdES baseline (EN 319 142-1 6), or PDF for what is none.
const (
	levelPDF      = "PDF"
	levelPAdESB   = "PAdES-B-B"
	levelPAdEST   = "PAdES-B-T"
	levelPAdESLT  = "PAdES-B-LT"
	levelPAdESLTA = "PAdES-B-LTA"
)

// pdfForm is a signature dictionary of a PDF document.
type pdfForm struct {
	inner     *cmsForm // nil where there is no CMS
	signature *pades.Signature
	number    int  // of the signer, counted from 0
	given     bool // an original was handed in, which a PDF document does not have
	level     string
}

// openPDF reads a PDF document. Time stamps over the document are time stamps of the signatures that they cover.
func (c *Case) openPDF(document []byte) {
	c.format, c.attached = FormatPDF, true
	doc, err := pades.Open(document, pdf.Limits{})
	switch {
	case errors.Is(err, pades.ErrEncrypted):
		r := report.New(report.ReasonPDFEncrypted, "ISO 32000-1 7.6", err.Error())
		c.undecided = &r
		return
	case err != nil:
		c.refuse(FormatPDF, report.ReasonUnreadable, err)
		return
	}
	c.embedded.add(c.collect(doc.Store.Certificates, doc.Store.CRLs, doc.Store.OCSPs))
	if doc.More > 0 {
		r := report.New(report.ReasonBudget, "EN 319 102-1 5.2.2", fmt.Sprintf("%d more signatures are not judged", doc.More))
		c.uncovered = &r
	}
	if doc.HybridOnly > 0 {
		c.remarks = append(c.remarks, report.New(report.ReasonPDFHybrid, "ISO 32000-1 7.5.8.4", fmt.Sprintf("%d objects", doc.HybridOnly)))
	}
	of := map[*pades.Signature]*stamp{}
	for _, s := range doc.Signatures {
		if s.Token != nil && len(of) < stampsMax {
			of[s] = c.openStamp(documentStamp(doc, s))
		}
	}
	for _, s := range doc.Signatures {
		if s.SubFilter == pades.TimeStamp {
			continue
		}
		var stamps []*stamp
		for _, later := range doc.Signatures {
			if st := of[later]; st != nil && later.Range.End > s.Range.End {
				stamps = append(stamps, st)
			}
		}
		for n := range s.Signers() {
			form := &pdfForm{signature: s, number: n, given: c.given}
			own := c.openPDFSigner(form)
			own.stamps = append(own.stamps, stamps...)
			form.level = pdfLevel(doc, form, own.stamps)
			c.signers = append(c.signers, own)
		}
	}
	c.stampedOnly(doc, of)
}

// stampedOnly takes the last time stamp of a document that nobody signed for what the document is.
func (c *Case) stampedOnly(doc *pades.Document, of map[*pades.Signature]*stamp) {
	if len(c.signers) > 0 {
		return
	}
	for _, s := range doc.Signatures {
		if of[s] == nil {
			continue
		}
		c.token, c.tokenCovers = of[s], "NOTHING"
		switch s.Coverage() {
		case pades.Whole:
			c.tokenCovers = "FULL"
		case pades.Partial:
			c.tokenCovers = "PARTIAL"
		case pades.None:
		}
	}
}

// documentStamp describes a time stamp over the document: it proves what its revision holds.
func documentStamp(doc *pades.Document, s *pades.Signature) cms.Stamp {
	value := s.CMS.Raw
	out := cms.Stamp{Kind: cms.DocumentStamp, Token: value, Over: []cms.Content{s.Content()}, CoversSignature: true, Covers: doc.Proves(s)}
	if !s.Sound() {
		out.Fault = s.Structure().Worst().Detail
	}
	return out
}

func (c *Case) openPDFSigner(form *pdfForm) *signer {
	s := form.signature
	if s.CMS == nil {
		c.embedded.add(c.collect(s.Certificates, nil, nil))
		return newSigner(form)
	}
	form.inner = &cmsForm{info: &s.CMS.Signers[form.number], given: s.Content(), what: "content"}
	own := c.openSigner(form.inner)
	own.form = form
	c.embedded.add(c.collect(s.CMS.Certificates, s.CMS.CRLs, s.CMS.OCSPs))
	return own
}

// pdfLevel names the form by what is there, whether it holds or not (EN 319 142-1 6.3).
func pdfLevel(doc *pades.Document, form *pdfForm, stamps []*stamp) string {
	s := form.signature
	if s.CMS == nil || s.SubFilter != pades.CAdESDetached || len(s.CMS.Signers[form.number].SigningCertificates) == 0 {
		return levelPDF
	}
	evidence := len(doc.Store.CRLs)+len(doc.Store.OCSPs) > 0
	archived := false
	for _, later := range doc.Signatures {
		// A time stamp over the document and its evidence.
		archived = archived || later.Token != nil && doc.Covers(later, s) && doc.HoldsEvidence(later)
	}
	switch {
	case archived:
		return levelPAdESLTA
	case evidence && len(stamps) > 0:
		return levelPAdESLT
	case len(stamps) > 0:
		return levelPAdEST
	}
	return levelPAdESB
}

func (m *pdfForm) about() about {
	if m.inner != nil {
		out := m.inner.about()
		out.level = m.level
		if out.claimedAt.IsZero() {
			out.claimedAt = m.signature.ClaimedAt
		}
		return out
	}
	out := about{level: m.level, claimedAt: m.signature.ClaimedAt}
	value, plain := m.signature.Value()
	if scheme, ok := algo.SignatureByOID(oidSHA1WithRSA); ok && plain {
		out.value, out.algorithm, out.known = value, scheme, true
	}
	return out
}

const oidSHA1WithRSA = "1.2.840.113549.1.1.5"

func (m *pdfForm) candidates(pool []*pkix.Certificate) []*pkix.Certificate {
	return m.signature.Candidates(m.number, pool)
}

func (m *pdfForm) verify(cert *pkix.Certificate) cms.Checks {
	return m.signature.Verify(m.number, cert)
}

// cover tells what of the document, as readers see it, is signed: the revision at hand, or an earlier one and what was
// changed since.
func (m *pdfForm) cover(checks cms.Checks, out *report.Signature, f *findings) {
	s := m.signature
	out.Revision, out.Revisions = s.Revision, s.Revisions
	for _, c := range s.Structure() {
		switch c.Status {
		case cms.Passed:
		case cms.Noted:
			out.Remarks = append(out.Remarks, report.New(report.ReasonOther, c.Clause, c.Detail))
		case cms.Undecided, cms.Failed:
			f.fail(report.FormatFailure, report.New(report.ReasonPDFStructure, c.Clause, c.Detail))
		}
	}
	if m.given {
		f.open(report.SigConstraintsFailure, report.New(report.ReasonNotCovered, "ISO 32000-1 12.8.1", "an original was handed in beside a PDF document"))
	}
	m.changes(out, f)
	if !m.agrees(checks) {
		return
	}
	switch s.Coverage() {
	case pades.Whole:
		out.Covers = "content"
	case pades.Partial:
		out.Covers = "part"
		detail := fmt.Sprintf("revision %d of %d is signed", s.Revision, s.Revisions)
		out.Remarks = append(out.Remarks, report.New(report.ReasonPDFLater, "ISO 32000-2 12.8.2", detail))
	case pades.None:
	}
}

// agrees tells whether the digest is that of the octets.
func (m *pdfForm) agrees(checks cms.Checks) bool {
	for _, c := range checks {
		decides := c.Rule == pades.RuleContent || c.Rule == cms.RuleMessageDigest || c.Rule == cms.RuleSignature
		if decides && c.Status > cms.Noted && (c.Rule != cms.RuleSignature || m.inner == nil || !m.inner.info.HasSignedAttributes) {
			return false
		}
	}
	return len(checks) > 0
}

// changes tells what later revisions changed. What nobody allows, or the signature forbids, is wrong by itself: the document
// that readers show is not what was signed.
func (m *pdfForm) changes(out *report.Signature, f *findings) {
	for _, c := range m.signature.Changes {
		if len(out.Changes) < scopesMax {
			out.Changes = append(out.Changes, report.Change{
				Kind: string(c.Kind), Revision: c.Revision, Field: cut(c.Field), Forbidden: c.Forbidden, Detail: cut(c.Detail),
			})
		}
		switch {
		case !c.Forbidden:
		case c.Kind == pades.ChangeOther:
			f.fail(report.FormatFailure, report.New(report.ReasonPDFChanged, "EN 319 102-1 5.2.2; ISO 32000-2 12.8.2.2", cut(c.Detail)))
		default:
			f.fail(report.FormatFailure, report.New(report.ReasonPDFForbidden, "ISO 32000-2 12.8.2", string(c.Kind)+": "+cut(c.Detail)))
		}
	}
}
