package pkix

import (
	"math/big"
	"strconv"

	"qaqpa/signer/asn1ber"
)

// Object identifiers of extensions (RFC 5280 4.2, 5.2, 5.3; RFC 6960 4; RFC 9608).
const (
	OIDSubjectKeyID           = "2.5.29.14"
	OIDKeyUsage               = "2.5.29.15"
	OIDSubjectAltName         = "2.5.29.17"
	OIDIssuerAltName          = "2.5.29.18"
	OIDBasicConstraints       = "2.5.29.19"
	OIDCRLNumber              = "2.5.29.20"
	OIDReasonCode             = "2.5.29.21"
	OIDInvalidityDate         = "2.5.29.24"
	OIDDeltaCRLIndicator      = "2.5.29.27"
	OIDIssuingDistPoint       = "2.5.29.28"
	OIDCertificateIssuer      = "2.5.29.29"
	OIDNameConstraints        = "2.5.29.30"
	OIDCRLDistributionPoints  = "2.5.29.31"
	OIDCertificatePolicies    = "2.5.29.32"
	OIDPolicyMappings         = "2.5.29.33"
	OIDAuthorityKeyID         = "2.5.29.35"
	OIDPolicyConstraints      = "2.5.29.36"
	OIDExtendedKeyUsage       = "2.5.29.37"
	OIDFreshestCRL            = "2.5.29.46"
	OIDInhibitAnyPolicy       = "2.5.29.54"
	OIDNoRevAvail             = "2.5.29.56"
	OIDExpiredCertsOnCRL      = "2.5.29.60"
	OIDAuthorityInfoAccess    = "1.3.6.1.5.5.7.1.1"
	OIDQCStatements           = "1.3.6.1.5.5.7.1.3"
	OIDSubjectInfoAccess      = "1.3.6.1.5.5.7.1.11"
	OIDOCSPBasic              = "1.3.6.1.5.5.7.48.1.1"
	OIDOCSPNonce              = "1.3.6.1.5.5.7.48.1.2"
	OIDOCSPCRLReferences      = "1.3.6.1.5.5.7.48.1.3"
	OIDOCSPNoCheck            = "1.3.6.1.5.5.7.48.1.5"
	OIDOCSPArchiveCutoff      = "1.3.6.1.5.5.7.48.1.6"
	OIDOCSPExtendedRevocation = "1.3.6.1.5.5.7.48.1.9"
)

// Object identifiers of extended key usages (RFC 5280 4.2.1.12) and of the policy that stands for all (4.2.1.4).
const (
	EKUAny             = "2.5.29.37.0"
	EKUServerAuth      = "1.3.6.1.5.5.7.3.1"
	EKUClientAuth      = "1.3.6.1.5.5.7.3.2"
	EKUEmailProtection = "1.3.6.1.5.5.7.3.4"
	EKUTimeStamping    = "1.3.6.1.5.5.7.3.8"
	EKUOCSPSigning     = "1.3.6.1.5.5.7.3.9"
	AnyPolicy          = "2.5.29.32.0"
)

const (
	oidAccessOCSP      = "1.3.6.1.5.5.7.48.1"
	oidAccessCAIssuers = "1.3.6.1.5.5.7.48.2"
	oidQualifierCPS    = "1.3.6.1.5.5.7.2.1"
	oidQualifierNotice = "1.3.6.1.5.5.7.2.2"
)

// Object identifiers of name attributes.
const (
	AttrCommonName       = "2.5.4.3"
	AttrSurname          = "2.5.4.4"
	AttrSerialNumber     = "2.5.4.5"
	AttrCountry          = "2.5.4.6"
	AttrLocality         = "2.5.4.7"
	AttrState            = "2.5.4.8"
	AttrStreet           = "2.5.4.9"
	AttrOrganization     = "2.5.4.10"
	AttrOrgUnit          = "2.5.4.11"
	AttrTitle            = "2.5.4.12"
	AttrBusinessCategory = "2.5.4.15"
	AttrGivenName        = "2.5.4.42"
	AttrOrgIdentifier    = "2.5.4.97"
	AttrUserID           = "0.9.2342.19200300.100.1.1"
	AttrDomainComponent  = "0.9.2342.19200300.100.1.25"
	AttrEmail            = "1.2.840.113549.1.9.1"
)

// dottedOID is the dotted form of contents octets that the DER reader has checked. The object identifiers of nearly
// all certificates are found in a table, without an allocation.
func dottedOID(contents []byte) string {
	if s, ok := knownOIDs[string(contents)]; ok {
		return s
	}
	if s, err := asn1ber.DottedOID(contents); err == nil {
		return s
	}
	return longOID(contents)
}

// longOID writes arcs of any size: those of UUIDs under 2.25 have 128 bits.
func longOID(contents []byte) string {
	var out []byte
	arc := new(big.Int)
	for _, o := range contents {
		arc.Lsh(arc, 7)
		arc.Or(arc, big.NewInt(int64(o&0x7f)))
		if o&0x80 != 0 {
			continue
		}
		if out == nil {
			root := min(new(big.Int).Div(arc, big.NewInt(40)).Uint64(), 2)
			if arc.BitLen() > 63 {
				root = 2
			}
			out = strconv.AppendUint(out, root, 10)
			arc.Sub(arc, new(big.Int).SetUint64(root*40))
		}
		out = append(out, '.')
		out = arc.Append(out, 10)
		arc.SetInt64(0)
	}
	return string(out)
}

var knownOIDs = indexOIDs(
	OIDSubjectKeyID, OIDKeyUsage, OIDSubjectAltName, OIDIssuerAltName, OIDBasicConstraints, OIDCRLNumber, OIDReasonCode,
	OIDInvalidityDate, OIDDeltaCRLIndicator, OIDIssuingDistPoint, OIDCertificateIssuer, OIDNameConstraints,
	OIDCRLDistributionPoints, OIDCertificatePolicies, OIDPolicyMappings, OIDAuthorityKeyID, OIDPolicyConstraints,
	OIDExtendedKeyUsage, OIDFreshestCRL, OIDInhibitAnyPolicy, OIDNoRevAvail, OIDExpiredCertsOnCRL,
	OIDAuthorityInfoAccess, OIDQCStatements, OIDSubjectInfoAccess, OIDOCSPBasic, OIDOCSPNonce, OIDOCSPCRLReferences,
	OIDOCSPNoCheck, OIDOCSPArchiveCutoff, OIDOCSPExtendedRevocation,
	EKUAny, EKUServerAuth, EKUClientAuth, EKUEmailProtection, EKUTimeStamping, EKUOCSPSigning, AnyPolicy,
	oidAccessOCSP, oidAccessCAIssuers, oidQualifierCPS, oidQualifierNotice,
	AttrCommonName, AttrSurname, AttrSerialNumber, AttrCountry, AttrLocality, AttrState, AttrStreet, AttrOrganization,
	AttrOrgUnit, AttrTitle, AttrBusinessCategory, AttrGivenName, AttrOrgIdentifier, AttrUserID, AttrDomainComponent,
	AttrEmail,
	"1.2.398.3.3.2.1", "1.2.398.3.3.2.2", "1.2.398.3.3.2.3", "1.2.398.3.3.2.4", "1.2.398.3.3.2", "1.2.398.3.3.5",
	"1.2.398.3.3.4.1.1", "1.2.398.3.3.4.1.2", "1.2.398.3.3.4.1.2.1", "1.2.398.3.3.4.1.2.2", "1.2.398.3.3.4.1.2.5",
	"1.3.14.3.2.26", "2.16.840.1.101.3.4.2.1",
)

func indexOIDs(dotted ...string) map[string]string {
	m := make(map[string]string, len(dotted))
	for _, d := range dotted {
		contents, err := asn1ber.EncodeOID(d)
		if err != nil {
			panic("pkix: " + err.Error()) // reached at start-up by a bad table, never by input
		}
		m[string(contents)] = d
	}
	return m
}
