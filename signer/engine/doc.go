// Package engine judges a signed document from the bytes of the document, evidence and a time, after the basic and the
// time-stamp process of ETSI EN 319 102-1 (5.3 to 5.5) and the national rules of order №500/НҚ.
//
// It is pure: what was stored with a verdict gives the same verdict again. It fetches nothing; an Assessment tells what
// is missing and where certificates say it is.
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
