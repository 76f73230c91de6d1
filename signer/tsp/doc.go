// Package tsp makes time-stamp requests and reads and checks responses and tokens (RFC 3161, RFC 5816, EN 319 422).
//
// It is pure: requests are octets for somebody else to send, tokens are checked against a given certificate, and
// whether the authority's certificate chains to an anchor is for signer/path. [Token.Verify] returns cms.Checks, one
// per rule; a token with any check worse than Noted proves nothing and must not move a validation time.
//
// # Attacks, and the rules that stop them
//
//   - A token copied from another signature: [RuleImprint].
//   - An old response replayed: [RuleNonce] (a nonce is any INTEGER: the national services answer negative ones).
//   - A token made by a key that is no time-stamping authority's: [RuleAuthority], [RulePurpose], and the ESS
//     attribute by cms.RuleSigningCertificate, obligatory here.
//
// # Deviations
//
//   - Tokens with more than one signer are refused (RFC 3161 2.4.2 allows one only).
//   - Accuracy and ordering are read and reported, not judged.
package tsp
