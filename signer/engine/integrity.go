package engine

import (
	"slices"

	"qaqpa/signer/cms"
	"qaqpa/signer/jades"
	"qaqpa/signer/pades"
	"qaqpa/signer/pkix"
	"qaqpa/signer/report"
	"qaqpa/signer/xades"
	"qaqpa/signer/xmldsig"
)

// integrity is what the checks of a signature say of its octets alone.
func (a *assessment) integrity(s *signer, cert *pkix.Certificate, checks cms.Checks) report.Integrity {
	out := report.Integrity{Value: report.Undecided, References: references(checks)}
	if cert != nil {
		out.Key = report.KeyOfCertificate
	}
	value, found := checks.Find(cms.RuleSignature)
	switch f := s.form.(type) {
	case *xmlForm:
		out.Manifests = f.manifests()
		if cert == nil && f.bringsKey() && a.c.budget.spend() {
			value, found, out.Key = f.bareKey(), true, report.KeyOfDocument
		}
	case *pdfForm:
		if !f.signature.Sound() { // then it is not known which octets of the file are meant
			out.References = report.Undecided
		}
	}
	switch {
	case !found:
	case value.Status <= cms.Noted:
		out.Value = report.ValueCorrect
	case value.Status == cms.Failed:
		out.Value = report.ValueWrong
	}
	if out.References == "" { // the signature is over the content itself
		out.References = map[string]string{report.ValueCorrect: report.ReferencesIntact}[out.Value]
		if out.References == "" {
			out.References = missingOr(value)
		}
	}
	return out
}

// references are the digests that a signature is over; empty where it is over none.
func references(checks cms.Checks) string {
	return worstOf(checks, xmldsig.RuleReference, xades.RuleCounterSignature, cms.RuleMessageDigest, pades.RuleContent, jades.RuleReferences)
}

// worstOf is the worst that became of the digests of some rules; empty where there are none.
func worstOf(checks cms.Checks, rules ...cms.Rule) (worst string) {
	for _, c := range checks {
		if slices.Contains(rules, c.Rule) {
			worst = graver(worst, digested(c))
		}
	}
	return worst
}

// graver is the one of two words that weighs more.
func graver(a, b string) string {
	order := []string{"", report.ReferencesIntact, report.Undecided, report.ReferencesMissing, report.ReferencesChanged}
	return order[max(slices.Index(order, a), slices.Index(order, b))]
}

// manifests is what became of the entries of the manifests that a signature covers; others are nobody's.
func (m *xmlForm) manifests() (worst string) {
	for _, o := range m.checked.Manifests {
		switch {
		case !m.checked.Covers(o.Manifest.Element):
		case o.Agrees():
			worst = graver(worst, report.ReferencesIntact)
		case o.Check.Status <= cms.Noted: // what is not at hand is no fault of a manifest
			worst = graver(worst, report.ReferencesMissing)
		default:
			worst = graver(worst, digested(o.Check))
		}
	}
	return worst
}

// digested is what became of one digest.
func digested(c cms.Check) string {
	switch {
	case c.Status <= cms.Noted:
		return report.ReferencesIntact
	case c.Status == cms.Failed && c.Sub == cms.SubHash:
		return report.ReferencesChanged
	}
	return missingOr(c)
}

func missingOr(c cms.Check) string {
	if c.Sub == cms.SubNoSignedData {
		return report.ReferencesMissing
	}
	return report.Undecided
}
