// Package algo is the one registry of the cryptographic algorithms that the gateway understands: hashes, key types and
// signature algorithms by their OIDs, how each is verified, and until when each is reliable.
//
// Algorithms are named by data that an attacker writes, so the registry decides what combinations exist: a signature
// algorithm fixes the family of key and the hash, parameters must say the same thing everywhere, unknown ones are
// [ErrUnknownAlgorithm] and known ones that are not allowed are [ErrNotAllowed]. Nothing here falls back.
//
// Whether an algorithm was still good enough at some time is another question than whether the mathematics holds:
// [Signature.Verify] answers the second, [Reliability] the first, from a table (reliability.json) with its sources.
//
// # Own arithmetic
//
// Public values only: brainpool curves, RSA with exponents that crypto/rsa does not take, and RSA over moduli of more than 2048
// bits, where math/big is about twice as fast. Nothing here holds or uses a private key, so that its time may vary. Ed448 is
// that of cloudflare/circl.
//
// # National algorithms
//
// ГОСТ 34.310-2004 and СТ РК ГОСТ Р 34.10-2015 are GOST R 34.10-2001 and -2012 under OIDs of 1.2.398.3.10.1, with a
// signature of r‖s, each little-endian, where RFC 4491 and RFC 9215 (OIDs of 1.2.643) write s‖r big-endian. The OID of
// the signature algorithm decides the order. Where CMS names only the key type, the key type's own OID does.
//
// # Deviations
//
//   - PSS with an MGF1 hash other than the message's hash is refused, although RFC 4055 allows it.
//   - A DigestInfo without NULL parameters is refused (RFC 8017 B.1 demands them), although some verifiers take it.
//   - RSA keys below 1024 bits are [ErrNotAllowed]: crypto/rsa does not take them.
//   - The national parameter sets B to D of ГОСТ 34.310-2004 are refused: no document at hand says what they are.
package algo
