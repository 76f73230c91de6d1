package engine

import (
	"qaqpa/signer/cms"
	"qaqpa/signer/pkix"
	"qaqpa/signer/report"
)

// Levels of CAdES: those of the baseline (EN 319 122-1 6) and the older forms (TS 101 733 4.4).
const (
	levelCMS = "CMS"
	levelB   = "CAdES-B"
	levelT   = "CAdES-T"
	levelLT  = "CAdES-LT"
	levelLTA = "CAdES-LTA"
	levelC   = "CAdES-C"
	levelX   = "CAdES-X"
	levelXL  = "CAdES-XL"
	levelA   = "CAdES-A"
)

// level names the form by the attributes that are there, whether they hold or not.
func level(info *cms.SignerInfo) string {
	if !info.HasSignedAttributes || len(info.SigningCertificates) == 0 {
		return levelCMS
	}
	stamped := info.Has(cms.OIDSignatureTimestamp)
	references := info.Has(cms.OIDCertificateRefs) && info.Has(cms.OIDRevocationRefs)
	values := info.Has(cms.OIDCertificateValues) && info.Has(cms.OIDRevocationValues)
	referencesStamped := info.Has(cms.OIDEscTimestamp, cms.OIDRefsTimestamp)
	old := references || values || info.Has(cms.OIDArchiveTimestamp, cms.OIDArchiveTimestampV2, cms.OIDLongTermValidation)
	switch {
	case info.Has(cms.OIDArchiveTimestampV3) && !old:
		return levelLTA
	case info.Has(cms.OIDArchiveTimestamp, cms.OIDArchiveTimestampV2, cms.OIDArchiveTimestampV3, cms.OIDLongTermValidation):
		return levelA
	case values && references:
		return levelXL
	case stamped && !referencesStamped && (info.CarriesRevocation() || info.Has(cms.OIDRevocationValues)):
		// references beside the data themselves say no more
		return levelLT
	case references && referencesStamped:
		return levelX
	case references:
		return levelC
	case stamped:
		return levelT
	}
	return levelB
}

// attributesOf lists the attributes of a signature for the verdict.
func attributesOf(info *cms.SignerInfo) []report.Attribute {
	out := make([]report.Attribute, 0, len(info.SignedAttributes)+len(info.UnsignedAttributes))
	for i := range info.SignedAttributes {
		a := &info.SignedAttributes[i]
		out = append(out, report.Attribute{OID: a.OID, Name: a.Name(), Signed: true})
	}
	for i := range info.UnsignedAttributes {
		a := &info.UnsignedAttributes[i]
		out = append(out, report.Attribute{OID: a.OID, Name: a.Name()})
	}
	return out
}

// attributeCertificatesMax bounds how many are shown.
const attributeCertificatesMax = 16

// attributeCertificates reads those that came with a document; what cannot be read is not shown.
func (c *Case) attributeCertificates(raw [][]byte) {
	for _, r := range raw[:min(len(raw), attributeCertificatesMax)] {
		ac, err := pkix.ParseAttributeCertificate(r)
		if err != nil {
			continue
		}
		c.attributes = append(c.attributes, report.AttributeCertificate{
			Issuer: ac.IssuerText(), Serial: hexUpper(ac.Serial), NotBefore: ac.NotBefore.UTC(), NotAfter: ac.NotAfter.UTC(),
			Attributes: ac.Attributes, SHA256: hexOf(ac.Fingerprint),
		})
	}
}
