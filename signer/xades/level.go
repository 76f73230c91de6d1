package xades

import (
	"qaqpa/signer/xmldsig"
)

// Levels: those of the baseline (EN 319 132-1 6) and the forms of EN 319 132-2 and TS 101 903.
const (
	LevelNone = "XMLDSig" // no AdES signature
	LevelB    = "XAdES-B-B"
	LevelT    = "XAdES-B-T"
	LevelLT   = "XAdES-B-LT"
	LevelLTA  = "XAdES-B-LTA"

	LevelBES  = "XAdES-BES"
	LevelEPES = "XAdES-EPES"
	LevelET   = "XAdES-T"
	LevelC    = "XAdES-C"
	LevelX    = "XAdES-X"
	LevelXL   = "XAdES-XL"
	LevelA    = "XAdES-A"
)

// Level names the form by the properties that are there, whether they hold or not. A signature that binds no certificate is LevelNone.
func (p *Properties) Level() string {
	if !p.Believed || len(p.SigningCertificates) == 0 && !p.keyInfoSigned() {
		return LevelNone
	}
	stamped := p.has("SignatureTimeStamp")
	references := p.has("CompleteCertificateRefs", "CompleteCertificateRefsV2") && p.has("CompleteRevocationRefs")
	referencesStamped := p.has("SigAndRefsTimeStamp", "SigAndRefsTimeStampV2", "RefsOnlyTimeStamp", "RefsOnlyTimeStampV2")
	values := p.has("RevocationValues", "AnyValidationData") // TimeStampValidationData speak of time stamps alone
	archived := p.has("ArchiveTimeStamp", "ArchiveTimeStampV2")
	baseline := p.baseline() && !references && !referencesStamped
	switch {
	case archived && baseline && p.archive141():
		return LevelLTA
	case archived:
		return LevelA
	case values && (references || stamped && !baseline):
		return LevelXL
	case values && stamped:
		return LevelLT
	case references && referencesStamped:
		return LevelX
	case references:
		return LevelC
	case stamped && baseline:
		return LevelT
	case stamped:
		return LevelET
	case baseline:
		return LevelB
	case p.Policy != nil:
		return LevelEPES
	}
	return LevelBES
}

// archive141 tells that the archive time stamps are of the namespace that the baseline asks for.
func (p *Properties) archive141() bool {
	for _, n := range p.unsigned {
		if is(n, "ArchiveTimeStamp") && n.Name().Space != Space141 {
			return false
		}
	}
	return true
}

// baseline is what EN 319 132-1 6.3 asks of every level: signing time, signing certificate, and the format of each object that is signed.
func (p *Properties) baseline() bool {
	if p.SigningTime.IsZero() || len(p.SigningCertificates) == 0 || p.Element.Name().Space != Space132 {
		return false
	}
	info := p.checked.Signature.KeyInfo
	if info == nil || len(info.Certificates) == 0 {
		return false
	}
	if p.checked.Countersigns() {
		return true
	}
	for _, o := range p.checked.References {
		nodes, _ := o.Nodes()
		if isSignedPropertiesType(o.Reference.Type) || nodes.HasSubtree(p.Signed) || nodes.HasSubtree(info.Element) ||
			o.Reference.Type == xmldsig.TypeManifest {
			continue
		}
		if o.Reference.ID == "" || !p.formats[o.Reference.ID] {
			return false
		}
	}
	return true
}

// keyInfoSigned tells whether the certificate that the signature is offered with is signed: the other way to bind it (TS 101 903 4.4.1).
func (p *Properties) keyInfoSigned() bool {
	info := p.checked.Signature.KeyInfo
	if info == nil || len(info.Certificates) == 0 {
		return false
	}
	for _, c := range info.Certificates {
		if !p.checked.Covers(c.Element) {
			return false
		}
	}
	return true
}
