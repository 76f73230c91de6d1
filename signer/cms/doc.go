// Package cms reads, checks and writes CMS signatures (RFC 5652) and their CAdES form (ETSI EN 319 122-1): BER and DER,
// attached and detached, any number of signers.
//
// [Parse] takes a document apart without copying it and without judging it: what signatures are over, who they name,
// what they carry. [SignerInfo.Verify] judges one signature against its content and a certificate and returns [Checks],
// one per rule, each with its clause and the sub-indication of EN 319 102-1 that its failure means. There is no single
// truth value: a policy decides over the checks, and chain, revocation and trust are decided elsewhere.
//
// [Sign] writes CAdES-B signatures in DER with any crypto.Signer. [AddUnsigned] adds a time-stamp or another unsigned
// attribute to a finished document without changing an octet that a signature covers.
//
// Everything is pure: no clock, no network. Values are immutable after Parse and safe to share.
//
// # Attacks, and the rules that stop them
//
//   - A signature over attributes presented as one over content: [RuleSignedAttributes] refuses content that is itself
//     a SET OF Attribute where signed attributes are missing.
//   - Content of another type than what was signed: [RuleContentType]; missing or doubled digests: [RuleMessageDigest].
//   - Another digest algorithm than that of the signature: [RuleAlgorithms], [RuleAlgorithmProtection].
//   - Another certificate for the same key or the same name: [RuleSigningCertificate], [RuleSignerIdentifier].
//   - BER that two readers understand differently: the octets that were hashed are those that were parsed; an encoding
//     of signed attributes other than DER is told by [RuleAttributeEncoding].
//   - Depth, length and count: [Limits].
//
// # Deviations
//
//   - Content of PKCS #7 v1.5 that is not an OCTET STRING (RFC 5652 5.2.1) is refused.
//   - Zero octets after the document are skipped: signers with fixed buffers leave them, and nothing can hide in them.
//   - Signed attributes that were signed as written, in an encoding other than DER, fail [RuleAttributeEncoding] although
//     OpenSSL takes them: RFC 5652 5.4 has the DER signed. The mathematics is reported apart.
//   - Counter-signatures are found in signers, not verified with them: their content is [SignerInfo.Signature] of the
//     signer that carries them.
package cms
