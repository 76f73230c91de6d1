// Package engine judges a signed document from the bytes of the document, evidence and a time, after the basic and the
// time-stamp process of ETSI EN 319 102-1 (5.3 to 5.5) and the national rules of order №500/НҚ.
//
// It is pure: what was stored with a verdict gives the same verdict again. It fetches nothing; an Assessment tells what
// is missing and where certificates say it is.
//
// Signatures of all formats go one way: what a format knows of its signature stands behind one interface, and
// certificates, chains, revocation, times and the rules for keys are judged the same for each.
//
// # What is signed
//
// Each signature tells what it covers. XML may be signed in parts: the verdict names their nodes, says PARTIAL, and
// report.Verdict.Passed is false, because the part that a program reads need not be the part that is signed. In a SOAP
// message each signature outside the Body must cover the Body where it stands; without one that does, the message is
// indeterminate. WS-Security time stamps (wsu:Timestamp) are not judged: they are no proof of time.
//
// References to a signature's own properties and KeyInfo are no content. Where the document is the signature and all its objects are signed, it
// covers the whole.
//
// A JSON Web Signature covers its payload, whole, wherever that stands.
//
// A signature in a PDF document covers a revision. The verdict names what later revisions changed, says PARTIAL where a reader
// sees more than was signed, and fails the signature for what its signer or nobody allows. Time stamps over the document are
// time stamps of each signature that they cover.
//
// # What the octets say
//
// Apart from the indication each signature tells whether its mathematics hold, for the key of a certificate or for a bare one that the
// document brings, and whether what it refers to is what was signed. A signature may be correct and intact and still be nobody's.
//
// # Building blocks and processes
//
// Per signature: format checking (EN 319 102-1 5.2.2), identification of the signing certificate (5.2.3), validation context
// (5.2.4), X.509 validation with revocation freshness (5.2.6, 5.2.5), cryptographic verification (5.2.7), acceptance (5.2.8);
// each leaves a report.Block. What they make of a signature now is the basic process (5.3). Every time stamp goes through
// 5.4, the newest first, and each that holds gives proofs of existence for what it covers (5.6.2.3): objects directly, and
// objects whose digest it covers. With the signature's own proof its path is judged for best-signature-time (5.5). What an
// authority's fall leaves open is judged in the past (5.6.2), with the proofs: see path.ValidatePast.
//
// A time-stamp token may be a document by itself (format TST): nobody has signed then.
//
// # Policy
//
// A [Policy] is a document in JSON or YAML: presets standard, kz-2026 and strict stand in the folder policies. Each [Constraint] has a
// level: FAIL keeps a signature from passing, WARN and INFORM are remarks, IGNORE is silence. What a format demands is no
// constraint.
//
// # Time
//
// A signature is judged for the earliest time that a verified time stamp proves, else for the time in question (№500/НҚ 14).
// Only a stamp whose own certificate chains to an anchor, is not revoked and holds in every rule lowers that time; others are
// reported and never help. A content time stamp that holds proves the opposite: not before.
//
// # Memory
//
// [Known] remembers parsed certificates and [Chains] verdicts about paths, for as long as nothing that they rest on can change;
// neither changes a verdict.
//
// # Deviations
//
//   - EN 319 102-1 leaves some findings indeterminate that order №500/НҚ calls negative: an expired certificate anywhere
//     in the chain, a revoked or suspended one without proof of an earlier signature, an unknown one, a revocation list
//     past its nextUpdate, a key that is not for signing. Policy "kz-2026" makes them TOTAL-FAILED: EXPIRED, NOT_YET_VALID
//     or REVOKED where that sub-indication says it, else CHAIN_CONSTRAINTS_FAILURE, which the standard knows only as
//     indeterminate. Policies "standard" and "strict" keep to the standard.
//   - Policy "kz-2026" judges the whole path for the proven time, authorities included (№500/НҚ 14), where the standard asks
//     for proofs of existence when an authority fell since.
//   - The revocation of an intermediate authority that is on the trust list itself is looked for and binds when found, but
//     its absence is tolerated (not by "strict"): not all authorities of Kazakhstan publish it, and the list's own times
//     vouch for them.
//   - A digest that a time stamp covers proves its object only if the hash is reliable at the time of validation; the
//     standard would take one that was reliable when it was stamped.
//   - A XAdES signature whose signed properties are not covered by it is judged as a plain XML signature, and that is said.
//   - Archive time stamps of version 1 and long-term-validation attributes are named in the level and prove nothing;
//     evidence records (RFC 4998) likewise.
package engine
