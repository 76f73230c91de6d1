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
// # Time
//
// A signature is judged for the earliest genTime that a verified signature time stamp proves, else for the time in
// question (№500/НҚ 14). Only a stamp whose own certificate chains to an anchor, is not revoked and holds in every rule
// lowers that time; others are reported and never help.
//
// # Deviations
//
//   - EN 319 102-1 leaves some findings indeterminate that order №500/НҚ calls negative: an expired certificate anywhere
//     in the chain, a revoked or suspended one without proof of an earlier signature, an unknown one, a revocation list
//     past its nextUpdate, a key that is not for signing. Policy "kz-2026" makes them TOTAL-FAILED: EXPIRED, NOT_YET_VALID
//     or REVOKED where that sub-indication says it, else CHAIN_CONSTRAINTS_FAILURE, which the standard knows only as
//     indeterminate. Policy "standard" keeps to the standard.
//   - The revocation of an intermediate authority that is on the trust list itself is looked for and binds when found, but
//     its absence is tolerated: not all authorities of Kazakhstan publish it, and the list's own times vouch for them.
//   - A time-stamping authority is judged for the time in question, not beyond its certificate's validity: proofs of
//     existence from archive time stamps are not evaluated.
package engine
