// Package jades reads, verifies and builds JSON Web Signatures of several signers and of the JAdES baseline (RFC 7515, RFC 7797,
// ETSI TS 119 182-1): compact, flattened and general JSON.
//
// [Parse] takes a document apart and believes nothing; [Signed.Verify] holds one signature against a certificate, rule by rule.
// [Signed.Stamps] tells what each time stamp is over, [Signed.Evidence] what was put beside it, [Signed.Counters] who signed the signature.
// Chains, revocation and times are for signer/engine. [Signature] is a signature on its way up.
//
// # What a document cannot do
//
//   - "none" and HMAC algorithms do not exist here, so a public key never serves as a shared secret; the algorithm must be one for the
//     key's type and curve.
//   - alg, b64, crit, certificates and everything that a signer states count in the protected header alone; a name in both headers, or one of these
//     in the unprotected one, fails.
//   - crit is an array of different names that are there, each understood; b64 is in it where it stands.
//   - A header that brings its own key (jwk, jku) fails. x5c, x5t, x5t#S256, x5t#o and sigX5ts must all name the certificate that verifies.
//   - JSON has one reading: no name twice in any object, no lone surrogates, base64url without padding or stray bits.
//   - A payload is attached or detached, never both; all signatures agree on b64.
//
// It is a pure leaf. Documents are immutable after Parse and may be used concurrently.
//
// # Elements of etsiU
//
// What we make are base64url strings, the form whose archive time stamps need no canonical JSON. Elements in clear are read, but an archive time stamp
// over them proves nothing. The octets that time stamps cover are held against the documents of DSS in tests.
//
// # Deviations
//
//   - sigD: the mechanisms ObjectIdByURI and ObjectIdByURIHash are judged, by originals that are at hand, several of them by their names: nothing is looked up outside. HttpHeaders is not.
//   - x5u is read past: nothing is fetched. Names in crit that RFC 7515 itself defines are a remark (4.1.11 leaves it open).
//   - rfsTst, sigRTst and references (xRefs, rRefs) are named and prove nothing.
//   - exp and nbf, in the header or among claims, are not judged: a signature holds, whatever a token is good for.
package jades
