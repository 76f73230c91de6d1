package engine

import (
	"qaqpa/signer/cms"
	"qaqpa/signer/jades"
	"qaqpa/signer/report"
	"qaqpa/signer/tsp"
	"qaqpa/signer/xades"
	"qaqpa/signer/xmldsig"
)

// weighChecks turns the outcomes of the rules of one signature into findings and remarks.
func weighChecks(checks cms.Checks, f *findings) (remarks []report.Reason) {
	for _, c := range checks {
		switch c.Status {
		case cms.Passed:
		case cms.Noted:
			if c.Rule == xmldsig.RuleCoverage {
				continue // a finding of cover
			}
			remarks = append(remarks, report.New(remarkOf(c), c.Clause, c.Detail))
		case cms.Undecided:
			f.open(report.SubIndication(c.Sub), report.New(reasonOf(c), c.Clause, c.Detail))
		case cms.Failed:
			weighFailed(c, f)
		}
	}
	return remarks
}

// weighFailed keeps to the pairs of EN 319 102-1: what the standard knows only as indeterminate is not called failed.
func weighFailed(c cms.Check, f *findings) {
	r := report.New(reasonOf(c), c.Clause, c.Detail)
	sub := report.SubIndication(c.Sub)
	if sub == report.FormatFailure || sub == report.HashFailure || sub == report.SigCryptoFailure {
		f.fail(sub, r)
		return
	}
	f.open(sub, r)
}

func remarkOf(c cms.Check) report.Code {
	switch c.Rule {
	case cms.RuleSigningCertificate:
		return report.ReasonNoSigningCertificate
	case cms.RuleSignedAttributes:
		return report.ReasonNoSignedAttributes
	case cms.RuleAttributeEncoding:
		return report.ReasonNotDER
	case xmldsig.RuleReference:
		return report.ReasonLaterSignatures
	case xades.RuleSignedProperties:
		return report.ReasonPropertiesUnsigned
	case cms.RuleAlgorithms, cms.RuleSignerIdentifier, cms.RuleContentType, cms.RuleMessageDigest, cms.RuleSigningTime,
		cms.RuleAlgorithmProtection, cms.RuleSignature, tsp.RuleImprint, tsp.RuleNonce, tsp.RulePolicy, tsp.RuleAuthority,
		tsp.RulePurpose, tsp.RuleExtensions, xmldsig.RuleStructure, xmldsig.RuleManifest, xmldsig.RuleCoverage, xmldsig.RuleKeyInfo:
		return report.ReasonOther
	default:
		return report.ReasonOther
	}
}

// reasonOf names what a rule that is not met means to a reader.
func reasonOf(c cms.Check) report.Code {
	if c.Rule == xades.RuleCounterSignature {
		return report.ReasonCounterElsewhere
	}
	switch c.Sub {
	case cms.SubNoSignedData:
		return report.ReasonContentMissing
	case cms.SubHash:
		if c.Rule == tsp.RuleImprint {
			return report.ReasonTimeStampImprint
		}
		return report.ReasonContentChanged
	case cms.SubCryptoConstraints:
		return report.ReasonAlgorithmUnknown
	}
	switch c.Rule {
	case xades.RuleProperties, xmldsig.RuleStructure, xmldsig.RuleReference, xmldsig.RuleManifest, xmldsig.RuleCoverage:
		if c.Sub == cms.SubSigningConstraints {
			return report.ReasonReferenceRefused
		}
		return report.ReasonXMLStructure
	case jades.RuleHeader, jades.RuleReferences:
		return report.ReasonJWSStructure
	case xmldsig.RuleKeyInfo:
		return report.ReasonSignerMissing
	case cms.RuleAlgorithms, cms.RuleAlgorithmProtection:
		return report.ReasonAlgorithmConfusion
	case cms.RuleSignerIdentifier:
		return report.ReasonSignerMissing
	case cms.RuleSigningCertificate:
		if c.Sub == cms.SubNoCertificate {
			return report.ReasonSignerSubstituted
		}
		return report.ReasonAttributeMalformed
	case cms.RuleSignedAttributes:
		return report.ReasonAttributesMissing
	case cms.RuleContentType:
		return report.ReasonContentType
	case cms.RuleMessageDigest, cms.RuleSigningTime, cms.RuleAttributeEncoding:
		return report.ReasonAttributeMalformed
	case cms.RuleSignature:
		switch {
		case c.Sub == string(report.ChainGeneralFailure):
			return report.ReasonBudget
		case c.Sub == cms.SubSigningConstraints:
			return report.ReasonReferenceRefused
		case c.Status == cms.Undecided:
			return report.ReasonSignerMissing
		}
		return report.ReasonSignatureWrong
	case tsp.RulePurpose:
		return report.ReasonExtendedKeyUsage
	case tsp.RuleImprint, tsp.RuleNonce, tsp.RulePolicy, tsp.RuleAuthority, tsp.RuleExtensions:
		return report.ReasonTimeStampMalformed
	default:
		return report.ReasonOther
	}
}
