// Package path decides whether a certificate may be relied on at a given time: it builds certification paths to trust
// anchors and validates them by RFC 5280 6, with revocation by CRL (6.3) and OCSP (RFC 6960).
//
// It is pure: certificates, evidence and a time in, a [Result] out, so that a verdict can be replayed from what was
// stored. It fetches nothing. What is missing is told by [Needs]: the caller fetches and asks again.
//
// # Three times
//
//   - At: the instant the question is about. Certificates must be inside their validity then, and a certificate revoked
//     later is not revoked.
//   - EvidenceAt: when CRLs and OCSP responses are known to exist, "now" as a rule. None may come from later.
//   - SignedAfter, SignedBefore: between which instants the signature was made, as far as that is proven. They decide
//     between what has failed and what cannot be known: a signer revoked at At has failed (REVOKED) only if the
//     signature is proven to be younger, otherwise the result is REVOKED_NO_POE (ETSI EN 319 102-1 5.2.6, 5.3).
//
// # Revocation
//
// No answer is never "not revoked". A status is good only by evidence that is authentic, in scope, complete over all
// reasons and fresh; everything else is unknown or unavailable and makes the result TRY_LATER where revocation checking
// is required. Evidence that was passed over is listed with the rule that it broke.
//
//   - Revoked wins over good, whichever came first, but for a hold that newer evidence lifts.
//   - Unknown, said by an authorised responder, wins over a CRL that does not list the certificate: a CRL cannot list what
//     was never issued. The national form of it (revoked in 1970, certificateHold) counts as unknown.
//   - Absence from evidence made after the certificate expired says nothing, unless the issuer keeps expired ones listed.
//
// # The past
//
// [ValidatePast] answers for paths that hold no more: until when could the certificate be relied on, by evidence that is
// proven to be from then ([Inputs].Proofs)? It slides a control time from now back, from the anchor down.
//
// # Bounds
//
// Depth, steps of the search, signature verifications and name comparisons are counted against a [Budget], so that no set
// of certificates, however made, costs more than a fraction of a second. Policies are processed as a graph (RFC 9618),
// whose size is linear where the tree of RFC 5280 is exponential.
//
// # Concurrency
//
// All functions are safe for concurrent use. Results share certificates with the inputs.
//
// # Deviations
//
//   - RFC 5280 6.1 takes no notice of a trust anchor's extensions and dates. Here its validity, constraints and unknown
//     critical extensions bind (RFC 5937; the national rule wants each link of the chain in date), unless the anchor
//     says that its dates do not.
//   - A certificate on hold is TRY_LATER, as EN 319 102-1 5.2.6.4 has it, whatever is proven about the signature: a hold may
//     be lifted. Policies that hold it for a refusal find it by [CodeOnHold].
//   - RFC 5280 6.3.3 stops when all reasons are covered. Here every list at hand is asked, so that an old one that does not
//     list a certificate cannot hide a newer one that does; and a list that is too old to acquit still convicts.
//   - A separate signer of lists must have the Key Usage extension with cRLSign; RFC 5280 6.3.3 (f) looks at it where it
//     is present. If its own certificate names it as the issuer of the list about itself, that list does for it (PKITS
//     4.14.30).
//   - Past validation holds anchors to their dates as everything here does: the control time starts at their end.
//   - RFC 5280 6.3.3 (c) combines a delta with a base of a lower CRL number. The national CA counts bases and deltas apart:
//     a delta must not be older than its base instead, and the base number is compared as the RFC says.
package path
