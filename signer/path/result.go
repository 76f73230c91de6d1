package path

import (
	"crypto/sha256"
	"time"

	"qaqpa/signer/pkix"
)

// Indication is the main indication of a building block (ETSI EN 319 102-1 5.1.3).
type Indication string

// Indications.
const (
	Passed        Indication = "PASSED"
	Failed        Indication = "FAILED"
	Indeterminate Indication = "INDETERMINATE"
)

// SubIndication says why a result is not PASSED, by the names of ETSI EN 319 102-1 5.1.3.
type SubIndication string

// Sub-indications that a path can end with.
const (
	Revoked                    SubIndication = "REVOKED"
	Expired                    SubIndication = "EXPIRED"
	NotYetValid                SubIndication = "NOT_YET_VALID"
	ChainConstraintsFailure    SubIndication = "CHAIN_CONSTRAINTS_FAILURE"
	ChainGeneralFailure        SubIndication = "CERTIFICATE_CHAIN_GENERAL_FAILURE"
	CryptoConstraintsFailure   SubIndication = "CRYPTO_CONSTRAINTS_FAILURE"
	CryptoConstraintsNoPOE     SubIndication = "CRYPTO_CONSTRAINTS_FAILURE_NO_POE"
	NoChainFound               SubIndication = "NO_CERTIFICATE_CHAIN_FOUND"
	NoChainFoundNoPOE          SubIndication = "NO_CERTIFICATE_CHAIN_FOUND_NO_POE"
	RevokedNoPOE               SubIndication = "REVOKED_NO_POE"
	RevokedCANoPOE             SubIndication = "REVOKED_CA_NO_POE"
	OutOfBoundsNotRevoked      SubIndication = "OUT_OF_BOUNDS_NOT_REVOKED"
	OutOfBoundsNoPOE           SubIndication = "OUT_OF_BOUNDS_NO_POE"
	RevocationOutOfBoundsNoPOE SubIndication = "REVOCATION_OUT_OF_BOUNDS_NO_POE"
	TryLater                   SubIndication = "TRY_LATER"
	NoPOE                      SubIndication = "NO_POE" // of ValidatePast alone
)

// Result is the judgement of a certificate.
type Result struct {
	Indication Indication
	Sub        SubIndication // empty when Passed
	// Chain runs from the leaf to the anchor's certificate. Where no path passed it is the best of those tried, and
	// where none reaches an anchor the longest that could be built.
	Chain  []*pkix.Certificate
	Anchor *Anchor // nil when no anchor was reached
	// Revocation has one entry for each certificate of Chain but the anchor, in the same order.
	Revocation []RevocationInfo
	// Policies are the user-constrained policies (RFC 5280 6.1.6) with their qualifiers; one of them may be anyPolicy.
	Policies []Policy
	Problems []Problem // why the result is what it is; empty when Passed
	Work     Work
}

// Work is what a validation has cost, in the units of [Budget].
type Work struct {
	Steps, Signatures, Octets, Names, Paths int
	// Remembered counts signatures that a Memo saved.
	Remembered int
}

// Policy is a certificate policy under which the path is valid.
type Policy struct {
	OID        string
	Qualifiers []pkix.PolicyQualifier
}

// Status is what is known about the revocation of a certificate.
type Status string

// Statuses.
const (
	StatusGood        Status = "good"
	StatusRevoked     Status = "revoked"
	StatusUnknown     Status = "unknown"     // an authorised source says that it does not know the certificate
	StatusUnavailable Status = "unavailable" // there is no usable evidence
	StatusExempt      Status = "exempt"      // none is due: see Exempt
)

// Source is the kind of evidence.
type Source string

// Sources.
const (
	SourceOCSP Source = "OCSP"
	SourceCRL  Source = "CRL"
)

// Digest is the SHA-256 of a certificate, CRL or OCSP response.
type Digest = [sha256.Size]byte

// RevocationInfo is the revocation status of one certificate and what it rests on.
type RevocationInfo struct {
	Certificate *pkix.Certificate
	Status      Status
	Source      Source // empty when there is no evidence

	ThisUpdate, NextUpdate time.Time // NextUpdate is zero when absent
	ProducedAt             time.Time // of OCSP
	RevokedAt              time.Time // zero unless revoked
	Reason                 pkix.Reason
	HasReason              bool
	InvalidityDate         time.Time // of a CRL entry, zero when absent

	Signer   *pkix.Certificate // whose key signed the evidence
	Evidence []Digest          // the OCSP response; or CRLs and deltas
	Exempt   string            // why no status is due: "anchor", "not-required", "ocsp-nocheck", "no-rev-avail"
	Rejected []RejectedEvidence
}

// OnHold reports whether the certificate is suspended rather than revoked for good.
func (info *RevocationInfo) OnHold() bool {
	return info.Status == StatusRevoked && info.HasReason && info.Reason == pkix.CertificateHold
}

// RejectedEvidence is evidence that was at hand and did not count.
type RejectedEvidence struct {
	Source  Source
	Digest  Digest
	Problem Problem
}

// Problem is one rule that was not kept.
type Problem struct {
	Code        Code
	Clause      string            // where the rule stands, such as "RFC 5280 6.1.4 (k)"
	Detail      string            // in English, for the log and the expert
	Certificate *pkix.Certificate // concerned; nil for the path as a whole
}

// Code names a rule. Codes are stable: reports translate them.
type Code string

// Codes of problems.
const (
	CodeNoLeaf              Code = "no-certificate"
	CodeNoChain             Code = "no-chain"
	CodeBudget              Code = "budget-exceeded"
	CodeMalformed           Code = "malformed-certificate"
	CodeSignature           Code = "certificate-signature"
	CodeAlgorithm           Code = "algorithm-not-supported"
	CodeWeakAlgorithm       Code = "algorithm-not-reliable"
	CodeNotYetValid         Code = "not-yet-valid"
	CodeExpired             Code = "expired"
	CodeAnchorWindow        Code = "anchor-not-trusted-then"
	CodeAnchorPurpose       Code = "anchor-purpose"
	CodeNotCA               Code = "not-a-ca"
	CodePathLen             Code = "path-length"
	CodeKeyCertSign         Code = "key-cert-sign"
	CodeCriticalExtension   Code = "unknown-critical-extension"
	CodeNameConstraints     Code = "name-constraints"
	CodePolicy              Code = "certificate-policy"
	CodePolicyMapping       Code = "policy-mapping"
	CodeKeyUsage            Code = "key-usage"
	CodeExtendedKeyUsage    Code = "extended-key-usage"
	CodeProfile             Code = "certificate-profile"
	CodeRevoked             Code = "revoked"
	CodeOnHold              Code = "on-hold"
	CodeCARevoked           Code = "ca-revoked"
	CodeRevocationUnknown   Code = "revocation-unknown"
	CodeRevocationMissing   Code = "revocation-unavailable"
	CodeNoProof             Code = "no-proof-of-existence"
	CodeEvidenceSignature   Code = "evidence-signature"
	CodeEvidenceSigner      Code = "evidence-signer"
	CodeEvidenceSignerDates Code = "evidence-signer-dates"
	CodeEvidenceFuture      Code = "evidence-from-the-future"
	CodeEvidenceStale       Code = "evidence-stale"
	CodeEvidenceScope       Code = "evidence-scope"
	CodeEvidenceReasons     Code = "evidence-reasons"
	CodeEvidenceForm        Code = "evidence-form"
	CodeEvidenceExpiredCert Code = "evidence-after-expiry"
	CodeEvidenceNonce       Code = "evidence-nonce"
	CodeEvidenceStatus      Code = "evidence-error-status"
)
