// Package jws reads, verifies and makes JSON Web Signatures in compact form (RFC 7515), with unencoded and detached
// payloads (RFC 7797; RFC 7515 appendix F), and JSON Web Tokens (RFC 7519): under RS, PS and ES of 256, 384 and 512 bits,
// EdDSA, and the national GG2015 and GG2004.
//
// [Parse] takes a token apart and believes nothing. [Token.Verify] holds it against a key that the caller has chosen,
// [Token.VerifyCertificate] against a certificate. Whether the certificate itself is good is not decided here.
//
// # What a token cannot do
//
// Its header is written by whoever made the token, so it has no say in what it is verified with:
//
//   - "none" and HMAC algorithms do not exist here, so a public key never serves as a shared secret.
//   - The algorithm must be one for the key's type, and for ECDSA for its curve ([Algorithm.Fits]).
//   - A header that brings or points to its own key (jwk, jku, x5u) is refused. x5c, x5t and x5t#S256 are compared with
//     the certificate that verifies, and refused when they name another.
//   - Each name in crit is understood or the token is refused (RFC 7515 4.1.11).
//   - One token has one reading: base64url without padding, line breaks or stray bits; JSON in UTF-8 without a name twice
//     in any object and without lone surrogates.
//
// # National algorithms
//
// GG2015 is СТ РК ГОСТ Р 34.10-2015 of 512 bits with Streebog-512, GG2004 is ГОСТ 34.310-2004 with ГОСТ 34.311-95. Their
// signatures are r‖s, each little-endian, as everywhere in Kazakhstan. No registry holds the names; they are those of the
// national CA's own library.
//
// It is a pure leaf without state. Tokens are immutable after Parse and may be used concurrently.
//
// # Deviations
//
//   - RFC 7515 asks that unknown header parameters be ignored. jwk, jku and x5u are refused instead.
//   - RSA keys below 2,048 bits are refused, as RFC 7518 3.3 and 3.5 demand.
//   - JSON serialisation, and with it several signatures over one payload, is not read.
package jws
