package cms

import "qaqpa/signer/asn1ber"

// Dotted OIDs of content types and attributes.
const (
	OIDData       = "1.2.840.113549.1.7.1"
	OIDSignedData = "1.2.840.113549.1.7.2"
	OIDTSTInfo    = "1.2.840.113549.1.9.16.1.4"

	OIDContentType           = "1.2.840.113549.1.9.3"
	OIDMessageDigest         = "1.2.840.113549.1.9.4"
	OIDSigningTime           = "1.2.840.113549.1.9.5"
	OIDCounterSignature      = "1.2.840.113549.1.9.6"
	OIDAlgorithmProtection   = "1.2.840.113549.1.9.52"
	OIDSigningCertificate    = "1.2.840.113549.1.9.16.2.12"
	OIDSigningCertificateV2  = "1.2.840.113549.1.9.16.2.47"
	OIDContentTimestamp      = "1.2.840.113549.1.9.16.2.20"
	OIDSignaturePolicy       = "1.2.840.113549.1.9.16.2.15"
	OIDSignerLocation        = "1.2.840.113549.1.9.16.2.17"
	OIDSignatureTimestamp    = "1.2.840.113549.1.9.16.2.14"
	OIDCertificateRefs       = "1.2.840.113549.1.9.16.2.21"
	OIDRevocationRefs        = "1.2.840.113549.1.9.16.2.22"
	OIDCertificateValues     = "1.2.840.113549.1.9.16.2.23"
	OIDRevocationValues      = "1.2.840.113549.1.9.16.2.24"
	OIDEscTimestamp          = "1.2.840.113549.1.9.16.2.25"
	OIDRefsTimestamp         = "1.2.840.113549.1.9.16.2.26"
	OIDArchiveTimestamp      = "1.2.840.113549.1.9.16.2.27"
	OIDArchiveTimestampV2    = "1.2.840.113549.1.9.16.2.48"
	OIDArchiveTimestampV3    = "0.4.0.1733.2.4"
	OIDArchiveHashIndex      = "0.4.0.1733.2.5"
	OIDArchiveHashIndexV2    = "0.4.0.19122.1.4"
	OIDArchiveHashIndexV3    = "0.4.0.19122.1.5"
	OIDLongTermValidation    = "0.4.0.1733.2.2"
	OIDContentHints          = "1.2.840.113549.1.9.16.2.4"
	OIDMIMEType              = "0.4.0.1733.2.1"
	OIDCommitmentType        = "1.2.840.113549.1.9.16.2.16"
	OIDSignerAttributes      = "1.2.840.113549.1.9.16.2.18"
	OIDSignerAttributesV2    = "0.4.0.19122.1.1"
	OIDContentReference      = "1.2.840.113549.1.9.16.2.10"
	OIDContentIdentifier     = "1.2.840.113549.1.9.16.2.7"
	OIDAdobeRevocation       = "1.2.840.113583.1.1.8"
	OIDSMIMECapabilities     = "1.2.840.113549.1.9.15"
	OIDMicrosoftEncryptionID = "1.3.6.1.4.1.311.16.4"
)

// Other revocation formats (RFC 5940 2 and 3; TS 101 733 used the OID of basic responses).
const (
	oidRevocationOCSP = "1.3.6.1.5.5.7.16.2"
	oidOCSPBasic      = "1.3.6.1.5.5.7.48.1.1"
)

// knownOIDs gives dotted forms by contents octets, so that reading a common attribute allocates no string.
var knownOIDs = indexOIDs(
	OIDData, OIDSignedData, OIDTSTInfo, OIDContentType, OIDMessageDigest, OIDSigningTime, OIDCounterSignature,
	OIDAlgorithmProtection, OIDSigningCertificate, OIDSigningCertificateV2, OIDContentTimestamp, OIDSignaturePolicy,
	OIDSignerLocation, OIDSignatureTimestamp, OIDCertificateRefs, OIDRevocationRefs, OIDCertificateValues,
	OIDRevocationValues, OIDEscTimestamp, OIDRefsTimestamp, OIDArchiveTimestamp, OIDArchiveTimestampV2,
	OIDArchiveTimestampV3, OIDArchiveHashIndex, OIDArchiveHashIndexV2, OIDArchiveHashIndexV3, OIDLongTermValidation, OIDContentHints, OIDMIMEType, OIDCommitmentType,
	OIDSignerAttributes, OIDSignerAttributesV2, OIDContentReference, OIDContentIdentifier, OIDAdobeRevocation,
	OIDSMIMECapabilities, OIDMicrosoftEncryptionID, oidRevocationOCSP, oidOCSPBasic,
)

func indexOIDs(dotted ...string) map[string]string {
	m := make(map[string]string, len(dotted))
	for _, d := range dotted {
		m[asn1ber.MustOID(d)] = d
	}
	return m
}

// dottedOID is the dotted form of contents octets.
func dottedOID(contents []byte) (string, error) {
	if d, ok := knownOIDs[string(contents)]; ok {
		return d, nil
	}
	return asn1ber.DottedOID(contents)
}
