package report

import "time"

// Indication is a main indication of EN 319 102-1 clause 5.1.3.
type Indication string

// The three main indications.
const (
	// TotalPassed: cryptography, chain, revocation and national rules all hold.
	TotalPassed Indication = "TOTAL-PASSED"
	// TotalFailed: something is proven wrong; the signature must not be relied on.
	TotalFailed Indication = "TOTAL-FAILED"
	// Indeterminate: what is at hand neither proves nor disproves; see the reasons for what is missing.
	Indeterminate Indication = "INDETERMINATE"
)

// Worse tells whether i weighs more than o when several signatures make one verdict: failed before
// indeterminate before passed. Any unknown value weighs as failed.
func (i Indication) Worse(o Indication) bool { return i.weight() > o.weight() }

func (i Indication) weight() int {
	switch i {
	case TotalPassed:
		return 0
	case Indeterminate:
		return 1
	case TotalFailed:
		return 2
	default:
		return 2
	}
}

// SubIndication is a sub-indication of EN 319 102-1 clause 5.1.3, such as "REVOKED" or "TRY_LATER"; empty when passed.
type SubIndication string

// The sub-indications that this system gives.
const (
	FormatFailure             SubIndication = "FORMAT_FAILURE"
	HashFailure               SubIndication = "HASH_FAILURE"
	SigCryptoFailure          SubIndication = "SIG_CRYPTO_FAILURE"
	Revoked                   SubIndication = "REVOKED"
	Expired                   SubIndication = "EXPIRED"
	NotYetValid               SubIndication = "NOT_YET_VALID"
	SigConstraintsFailure     SubIndication = "SIG_CONSTRAINTS_FAILURE"
	ChainConstraintsFailure   SubIndication = "CHAIN_CONSTRAINTS_FAILURE"
	ChainGeneralFailure       SubIndication = "CERTIFICATE_CHAIN_GENERAL_FAILURE"
	CryptoConstraintsFailure  SubIndication = "CRYPTO_CONSTRAINTS_FAILURE"
	NoSigningCertificateFound SubIndication = "NO_SIGNING_CERTIFICATE_FOUND"
	NoCertificateChainFound   SubIndication = "NO_CERTIFICATE_CHAIN_FOUND"
	NoCertificateChainNoPOE   SubIndication = "NO_CERTIFICATE_CHAIN_FOUND_NO_POE"
	RevocationOutOfBounds     SubIndication = "REVOCATION_OUT_OF_BOUNDS_NO_POE"
	RevokedNoPOE              SubIndication = "REVOKED_NO_POE"
	RevokedCANoPOE            SubIndication = "REVOKED_CA_NO_POE"
	OutOfBoundsNotRevoked     SubIndication = "OUT_OF_BOUNDS_NOT_REVOKED"
	OutOfBoundsNoPOE          SubIndication = "OUT_OF_BOUNDS_NO_POE"
	CryptoConstraintsNoPOE    SubIndication = "CRYPTO_CONSTRAINTS_FAILURE_NO_POE"
	TryLater                  SubIndication = "TRY_LATER"
	SignedDataNotFound        SubIndication = "SIGNED_DATA_NOT_FOUND"
	TimestampOrderFailure     SubIndication = "TIMESTAMP_ORDER_FAILURE"
	NoPOE                     SubIndication = "NO_POE"
	PolicyProcessingError     SubIndication = "POLICY_PROCESSING_ERROR"
	PolicyNotAvailable        SubIndication = "SIGNATURE_POLICY_NOT_AVAILABLE"
)

// SubIndications are the 25 of EN 319 102-1 5.1.3, each with the indication it belongs to, in the order of its table.
func SubIndications() []SubIndication {
	return []SubIndication{
		FormatFailure, HashFailure, SigCryptoFailure, Revoked, Expired, NotYetValid, SigConstraintsFailure,
		ChainConstraintsFailure, ChainGeneralFailure, CryptoConstraintsFailure, PolicyProcessingError, PolicyNotAvailable,
		TimestampOrderFailure, NoSigningCertificateFound, NoCertificateChainFound, NoCertificateChainNoPOE, RevokedNoPOE,
		RevokedCANoPOE, OutOfBoundsNotRevoked, OutOfBoundsNoPOE, RevocationOutOfBounds, CryptoConstraintsNoPOE, NoPOE, TryLater,
		SignedDataNotFound,
	}
}

// Verdict is the result of validating one document. It is plain data: equal inputs and equal evidence give equal
// verdicts, apart from ID. Times are UTC. AppendJSON writes it member by member: who adds one adds it there, too.
type Verdict struct {
	// ID names the stored verdict: "vrd_", two hex digits of bucket, 32 hex digits of a UUIDv7. Empty when not stored.
	ID string `json:"id,omitempty"`
	// Indication is the worst of Signatures, or that of TimeStamps for a time-stamp token that stands alone; never
	// TOTAL-PASSED without either. Use Passed to rely on a signed document.
	Indication Indication `json:"indication"`
	// Sub is the sub-indication of the worst signature; empty when passed.
	Sub SubIndication `json:"sub_indication,omitempty"`
	// Format is what the document was recognised as: "CMS", "XMLDSig" (XML with signatures), "WSSE" (a SOAP message with
	// signatures about its Body), "PDF", "JWS", "TST" (a time-stamp token over something beside it) or "UNKNOWN".
	Format string `json:"format"`
	// Coverage is the least that any of the signatures covers: "FULL" (the document, signatures aside), "DETACHED" (the
	// original that was handed in), "PARTIAL" (see Signature.Scopes; always so in a SOAP message) or "NOTHING". Empty
	// without signatures.
	Coverage string `json:"coverage,omitempty"`
	// Detached is true when the signed content came beside the signature.
	Detached bool `json:"detached"`
	// At is the time of validation: the request's, else the clock's.
	At time.Time `json:"at"`
	// EvidenceAt is when the evidence was at hand: the clock's time of deciding.
	EvidenceAt time.Time `json:"evidence_at"`
	// Policy names the rules that were applied: "kz-2026", "standard", "strict" or that of a document; PolicySHA256 names the
	// very document.
	Policy       string `json:"policy"`
	PolicySHA256 string `json:"policy_sha256,omitempty"`
	// TrustMode is "production", "test" or "custom": which anchors were believed. TrustSHA256 names the very set.
	TrustMode   string `json:"trust_mode"`
	TrustSHA256 string `json:"trust_sha256"`
	// DocumentSHA256 is the hex digest of the document as it was handed in; ContentSHA256 that of the signed content
	// (empty when there is none).
	DocumentSHA256 string `json:"document_sha256"`
	ContentSHA256  string `json:"content_sha256,omitempty"`
	// Reasons speak of the document as a whole (not recognised, no signatures); those of a signature stand with it.
	Reasons []Reason `json:"reasons"`
	// Remarks do not change the indication, such as that test authorities were trusted.
	Remarks []Reason `json:"remarks,omitempty"`
	// Signatures are in document order.
	Signatures []Signature `json:"signatures"`
	// TimeStamps is the token where the document is one: nobody has signed then.
	TimeStamps []TimeStamp `json:"time_stamps,omitempty"`
	// Evidence lists all objects that the verdict stands on and the fetches that failed, in order of use.
	Evidence []Evidence `json:"evidence"`

	// Content is the attached signed content; nil when detached. It is for the caller only and never stored or printed.
	Content []byte `json:"-"`
}

// Passed tells whether the whole document may be relied on. It is false where a part of it is signed, however well: then
// Signature.Scopes tells which.
func (v Verdict) Passed() bool {
	return v.Indication == TotalPassed && len(v.Signatures) > 0 && v.Coverage != "PARTIAL" && v.Coverage != "NOTHING"
}

// Signature is the judgement of one signer of a document.
type Signature struct {
	// SHA256 is the hex digest of the signature's value: by it the signature is known.
	SHA256     string        `json:"sha256,omitempty"`
	Indication Indication    `json:"indication"`
	Sub        SubIndication `json:"sub_indication,omitempty"`
	// Level is what the signature's attributes reach: "CMS", "CAdES-B", "CAdES-T", "CAdES-LT", "CAdES-LTA", or one of the
	// older forms "CAdES-C", "CAdES-X", "CAdES-XL", "CAdES-A"; "XMLDSig" for plain XML signatures,
	// "XAdES-B-B", "XAdES-B-T", "XAdES-B-LT", "XAdES-B-LTA", "XAdES-BES", "XAdES-EPES", "XAdES-T", "XAdES-C", "XAdES-X", "XAdES-XL",
	// "XAdES-A"; "PAdES-B-B", "PAdES-B-T", "PAdES-B-LT",
	// "PAdES-B-LTA" or "PDF" in PDF documents; "JAdES-B-B", "JAdES-B-T", "JAdES-B-LT", "JAdES-B-LTA" or "JWS". A level says what is present, not that it
	// holds.
	Level string `json:"level"`
	// Integrity is what the octets say by themselves, before anybody asks whose the key is.
	Integrity Integrity `json:"integrity"`
	// Process is the validation process whose result this is: "basic" (EN 319 102-1 5.3), "time" (5.5) or "long-term" (5.6).
	Process string `json:"process,omitempty"`
	// Blocks are the results of the building blocks and processes, in the order in which they ran.
	Blocks []Block `json:"blocks,omitempty"`
	// Reasons say what failed or is missing, gravest first; empty when passed.
	Reasons []Reason `json:"reasons"`
	// Remarks do not change the indication: unused time stamps, an absent signing-certificate attribute and the like.
	Remarks []Reason `json:"remarks,omitempty"`
	// Signer is who the certificate says signed; nil when no certificate was found.
	Signer *Signer `json:"signer,omitempty"`
	// ClaimedAt is the signer's own statement of the signing time; it proves nothing.
	ClaimedAt *time.Time `json:"claimed_signing_time,omitempty"`
	// BestAt is the best-signature-time, for which the chain was judged: the earliest time at which a verified time stamp
	// proves that the signature existed, else the verdict's At. TimeProven tells which.
	BestAt     time.Time `json:"best_signature_time"`
	TimeProven bool      `json:"time_proven"`
	// Algorithm names signature and digest, such as "RSA-2048 with SHA-256".
	Algorithm string `json:"algorithm"`
	// Covers says what is signed: "content" (the attached content, or the XML document, whole), "detached" (the given
	// original whole), "part" (parts of an XML document, see Scopes; an earlier revision of a PDF document, see Changes), "signature" (a counter-signature: the value of
	// another) or "none" when the digest could not be compared or differs.
	Covers string `json:"covers"`
	// Scopes name the nodes of an XML document that each reference covers, in the order of the references.
	Scopes []Scope `json:"scopes,omitempty"`
	// Revision is the revision of a PDF document that is signed, counted from 1, of Revisions; zero in other documents.
	Revision  int `json:"revision,omitempty"`
	Revisions int `json:"revisions,omitempty"`
	// Changes are what later revisions of a PDF document changed, oldest first, at most 64. With others than "evidence",
	// "time_stamp" and "signature" the signature covers a part.
	Changes []Change `json:"changes,omitempty"`
	// Chain is the path from the signer to the anchor, as far as it was found.
	Chain []Certificate `json:"chain"`
	// Revocation is the state of each certificate of Chain below the anchor.
	Revocation []Revocation `json:"revocation"`
	// AfterAt is the latest time at which a verified content time stamp proves that the signature did not exist yet.
	AfterAt *time.Time `json:"signed_after,omitempty"`
	// SignaturePolicy is the signature policy that the signer names.
	SignaturePolicy *SignaturePolicy `json:"signature_policy,omitempty"`
	// Attributes are what else the signer states, signed or not, in document order.
	Attributes []Attribute `json:"attributes,omitempty"`
	// AttributeCertificates came with the signature. They are shown, not judged.
	AttributeCertificates []AttributeCertificate `json:"attribute_certificates,omitempty"`
	// Constraints are those of the policy that concern this signature, with what came of them.
	Constraints []Constraint `json:"constraints,omitempty"`
	// TimeStamps are the time stamps found in the signature, each with its own judgement, in document order.
	TimeStamps []TimeStamp `json:"time_stamps,omitempty"`
	// CounterSignatures are signatures over this signature's octets (RFC 5652 11.4), each judged like any other. Nobody
	// vouches for them, so they do not change the indication.
	CounterSignatures []Signature `json:"counter_signatures,omitempty"`
}

// Integrity tells apart what a verdict brings together: whether the mathematics of a signature hold, and whether what it refers to
// is what was signed. Neither says who signed, nor that the signature may be relied on: see Signature.Indication.
type Integrity struct {
	// Value is "correct" where the signature value belongs to the key and to what is signed, "wrong" where it does not, and
	// "undecided" where no key is at hand or the algorithm is not known.
	Value string `json:"signature_value"`
	// Key is whose key that is: "certificate" (see Signature.Signer), or "document" where no certificate is at hand and the document
	// brings a bare key. Such a key is nobody's: anybody can put his own there. Empty: there is none.
	Key string `json:"key,omitempty"`
	// References is what became of the digests that the signature is over: "intact" where all are those of what is at hand, else
	// the worst of "changed", "missing" (what is referred to is not at hand) and "undecided".
	References string `json:"references"`
	// Manifests is the same for the entries of ds:Manifest that an XML signature covers; empty where there are none.
	Manifests string `json:"manifests,omitempty"`
}

// Words of Integrity.
const (
	ValueCorrect      = "correct"
	ValueWrong        = "wrong"
	ReferencesIntact  = "intact"
	ReferencesChanged = "changed"
	ReferencesMissing = "missing"
	Undecided         = "undecided"
	KeyOfCertificate  = "certificate"
	KeyOfDocument     = "document"
)

// Change is one thing that a revision of a PDF document changed after a signature.
type Change struct {
	// Kind is "evidence", "time_stamp", "signature", "structure", "visible_signature", "metadata", "form_fill", "annotation" or
	// "other".
	Kind     string `json:"kind"`
	Revision int    `json:"revision"`
	// Field is the full name of the form field concerned.
	Field string `json:"field,omitempty"`
	// Forbidden: the signer forbids it, or it is of a kind that nobody allows.
	Forbidden bool `json:"forbidden,omitempty"`
	// Detail is technical and in English.
	Detail string `json:"detail"`
}

// Scope is what one reference of an XML signature covers.
type Scope struct {
	// Coverage is "FULL" (the whole document, signatures and comments aside), "PARTIAL", "DETACHED", "NOTHING", or "CUT"
	// for references that are left out of the list.
	Coverage string `json:"coverage"`
	// Agrees tells whether the digest is that of the nodes; a scope that does not agree is what was meant to be signed.
	Agrees bool `json:"agrees"`
	// URI is the reference as it is written; nil when it has none.
	URI *string `json:"uri,omitempty"`
	// Parts are the outermost nodes covered, Holes the outermost ones inside them that are not.
	Parts []Node `json:"parts,omitempty"`
	Holes []Node `json:"holes,omitempty"`
	// Cut tells that there are more parts or holes. Derived: not the nodes are signed but what was made of them, such as
	// what their base64 decodes to. Comments: comments are signed as well.
	Cut      bool `json:"cut,omitempty"`
	Derived  bool `json:"derived,omitempty"`
	Comments bool `json:"comments,omitempty"`
	// LaterSignaturesLeftOut is how many signatures that were added later had to be left out for the digest to agree.
	LaterSignaturesLeftOut int `json:"later_signatures_left_out,omitempty"`
	// Detail is technical and in English.
	Detail string `json:"detail,omitempty"`
}

// Node is an element, attribute or text of an XML document.
type Node struct {
	// Path is such as "/soap:Envelope/soap:Body"; ID the identifier of an element.
	Path string `json:"path"`
	ID   string `json:"id,omitempty"`
}

// Signer describes the subject of the signing certificate.
type Signer struct {
	// Kind is "person", "organisation", "information_system" or "other".
	Kind string `json:"kind"`
	// Name is the subject's common name; Organisation is O.
	Name         string `json:"name"`
	Organisation string `json:"organisation,omitempty"`
	// IIN and BIN are 12 digits, or empty when the certificate names none, and under an authority of another state.
	IIN string `json:"iin,omitempty"`
	BIN string `json:"bin,omitempty"`
	// IdentifiersValid is false when the control digit of IIN or BIN is wrong, as in the test numbers of the national CA.
	IdentifiersValid bool `json:"identifiers_valid"`
	// Roles are what the certificate authorises its holder for.
	Roles []Role `json:"roles"`
	// KeyUse is "SIGN", "AUTH" or "UNKNOWN".
	KeyUse string `json:"key_use"`
	// Storage is where the key is said to live, such as "PKCS12"; empty when not stated.
	Storage           string    `json:"storage,omitempty"`
	Email             string    `json:"email,omitempty"`
	CertificateSHA256 string    `json:"certificate_sha256"`
	Serial            string    `json:"serial"`
	Issuer            string    `json:"issuer"`
	NotBefore         time.Time `json:"not_before"`
	NotAfter          time.Time `json:"not_after"`
	// ThirdParty is there when the certificate leads to an authority of another state, which is believed as agreed.
	ThirdParty *ThirdParty `json:"trusted_third_party,omitempty"`
}

// ThirdParty is an authority of another state on the trust list.
type ThirdParty struct {
	Name string `json:"name"`
	// Territory is the state, ISO 3166-1 alpha-2.
	Territory string `json:"territory"`
}

// Role is one authority of a signer.
type Role struct {
	// Code is stable and for programs: "individual", "legal_entity", "head", "right_of_signature", …
	Code string `json:"code"`
	OID  string `json:"oid"`
	Name Text   `json:"name"`
}

// Certificate is one link of a chain.
type Certificate struct {
	Subject   string    `json:"subject"`
	Issuer    string    `json:"issuer"`
	Serial    string    `json:"serial"`
	SHA256    string    `json:"sha256"`
	NotBefore time.Time `json:"not_before"`
	NotAfter  time.Time `json:"not_after"`
	Algorithm string    `json:"algorithm"`
	Anchor    bool      `json:"anchor,omitempty"`
}

// Revocation is what is known of one certificate of the chain.
type Revocation struct {
	CertificateSHA256 string `json:"certificate_sha256"`
	// Status is "good", "revoked", "unknown", "unavailable" or "exempt" (OCSP no-check, policy).
	Status string `json:"status"`
	// Source is "ocsp", "crl" or empty; EvidenceSHA256 the digest of the object used.
	Source         string     `json:"source,omitempty"`
	EvidenceSHA256 string     `json:"evidence_sha256,omitempty"`
	ThisUpdate     *time.Time `json:"this_update,omitempty"`
	NextUpdate     *time.Time `json:"next_update,omitempty"`
	RevokedAt      *time.Time `json:"revoked_at,omitempty"`
	// RevocationReason is the name of RFC 5280 5.3.1, such as "keyCompromise".
	RevocationReason string `json:"revocation_reason,omitempty"`
}

// Block is the result of a building block or a process of EN 319 102-1.
type Block struct {
	// Name is such as "x509-validation"; Clause where it stands in EN 319 102-1.
	Name   string `json:"name"`
	Clause string `json:"clause"`
	// Indication is "PASSED", "FAILED" or "INDETERMINATE".
	Indication string        `json:"indication"`
	Sub        SubIndication `json:"sub_indication,omitempty"`
}

// Constraint is one rule of the policy and what came of it.
type Constraint struct {
	Name string `json:"name"`
	// Level is "FAIL", "WARN", "INFORM" or "IGNORE".
	Level string `json:"level"`
	// Kept is false where the rule is not met; what followed from it is its level.
	Kept bool `json:"kept"`
}

// SignaturePolicy is what signature-policy-identifier says (EN 319 122-1 5.2.9, EN 319 132-1 5.2.9).
type SignaturePolicy struct {
	// OID is empty where the policy is implied. In XAdES it may be a URI.
	OID    string `json:"oid,omitempty"`
	URI    string `json:"uri,omitempty"`
	Hash   string `json:"hash,omitempty"`
	Digest string `json:"digest,omitempty"` // hex
}

// Attribute is a property of a signature.
type Attribute struct {
	OID    string `json:"oid,omitempty"`
	Name   string `json:"name"`
	Signed bool   `json:"signed"`
	// Value is a short form for a reader, where there is one.
	Value string `json:"value,omitempty"`
}

// AttributeCertificate is what an attribute certificate (RFC 5755) says.
type AttributeCertificate struct {
	Issuer     string    `json:"issuer"`
	Serial     string    `json:"serial"`
	NotBefore  time.Time `json:"not_before"`
	NotAfter   time.Time `json:"not_after"`
	Attributes []string  `json:"attributes"` // dotted OIDs
	SHA256     string    `json:"sha256"`
}

// TimeStamp is one time stamp of a signature (RFC 3161) and whether it was used.
type TimeStamp struct {
	// Kind is "content-time-stamp", "signature-time-stamp", "CAdES-C-time-stamp", "time-stamped-certs-crls-references",
	// "archive-time-stamp-v2", "archive-time-stamp-v3" or "document-time-stamp" (over a PDF document); in XAdES also
	// "individual-data-objects-time-stamp", "sig-and-refs-time-stamp", "refs-only-time-stamp" and "archive-time-stamp".
	Kind string `json:"kind"`
	// SHA256 is the hex digest of the token.
	SHA256 string `json:"sha256,omitempty"`
	// Process is "time-stamp" (EN 319 102-1 5.4), or "past" where the authority was judged for a time that a later time stamp
	// proves (5.6.2.4).
	Process string `json:"process,omitempty"`
	// Imprint names the hash that was stamped.
	Imprint string `json:"imprint,omitempty"`
	// Objects is how many certificates, revocation data and other time stamps it proves to have existed.
	Objects    int           `json:"objects,omitempty"`
	Indication Indication    `json:"indication"`
	Sub        SubIndication `json:"sub_indication,omitempty"`
	Reasons    []Reason      `json:"reasons"`
	GenTime    time.Time     `json:"gen_time"`
	Serial     string        `json:"serial"`
	Policy     string        `json:"policy"`
	Algorithm  string        `json:"algorithm"`
	TSA        string        `json:"tsa,omitempty"`
	Chain      []Certificate `json:"chain,omitempty"`
	Revocation []Revocation  `json:"revocation,omitempty"`
}

// Evidence is one object that a verdict stands on, or a fetch that brought none.
type Evidence struct {
	// Kind is "certificate", "crl", "ocsp" or, for the policy that a request brought, "policy". Where the request asked to keep what
	// is judged: "document", and "original" or "original_digests".
	Kind string `json:"kind"`
	// SHA256 is the hex digest of the object; empty when Failure is set.
	SHA256 string `json:"sha256,omitempty"`
	// Name is what the request calls one of several originals.
	Name string `json:"name,omitempty"`
	// Source is "document", "request", "lists at hand" (fetched before anybody asked) or the address from which it was fetched.
	Source string `json:"source"`
	// SizeBytes is the object's length.
	SizeBytes int `json:"size_bytes,omitempty"`
	// ObtainedAt is when it was fetched; nil for what came with the document.
	ObtainedAt *time.Time `json:"obtained_at,omitempty"`
	// CertificateSHA256 names the certificate for which a fetch failed.
	CertificateSHA256 string `json:"certificate_sha256,omitempty"`
	// Nonce is the hex of what an OCSP request carried; empty when there was none.
	Nonce string `json:"nonce,omitempty"`
	// Failure is the kind of absence: "forbidden", "unreachable", "timeout", "status", "too_large", "malformed",
	// "try_later" or "budget".
	Failure string `json:"failure,omitempty"`
}

// CertificateVerdict is the result of validating a certificate alone. It says nothing about any document.
type CertificateVerdict struct {
	Indication Indication    `json:"indication"`
	Sub        SubIndication `json:"sub_indication,omitempty"`
	// At, EvidenceAt, Policy, TrustMode and TrustSHA256 are as in Verdict.
	At          time.Time `json:"at"`
	EvidenceAt  time.Time `json:"evidence_at"`
	Policy      string    `json:"policy"`
	TrustMode   string    `json:"trust_mode"`
	TrustSHA256 string    `json:"trust_sha256"`
	// Subject is whom the certificate names; what its key is for stands in key_use and is not judged.
	Subject Signer   `json:"subject"`
	Reasons []Reason `json:"reasons"`
	Remarks []Reason `json:"remarks,omitempty"`
	// Policies are those under which the path is valid (RFC 5280 6.1.5); none when none was established.
	Policies   []CertificatePolicy `json:"policies,omitempty"`
	Chain      []Certificate       `json:"chain"`
	Revocation []Revocation        `json:"revocation"`
	Evidence   []Evidence          `json:"evidence"`
}

// CertificatePolicy is a policy under which certificates were issued.
type CertificatePolicy struct {
	OID string `json:"oid"`
	// Statements are the addresses of practice statements, Notices texts that the issuer wants shown to who relies on it.
	Statements []string `json:"statements,omitempty"`
	Notices    []string `json:"notices,omitempty"`
}
