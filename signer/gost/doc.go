// Package gost implements the GOST primitives of Kazakhstan's national signatures: GOST R 34.10-2012
// (with GOST 34.310-2004, whose equations are those of GOST R 34.10-2001), Streebog (GOST R 34.11-2012)
// and GOST R 34.11-94 (national name GOST 34.311-95), with the keyed functions built on them.
//
// It is a leaf: bytes in, values out. It does no I/O, keeps no secrets outside [PrivateKey] and takes
// randomness from the caller. All values are immutable and safe for concurrent use, except the hashes,
// which belong to one goroutine as every [hash.Hash] does.
//
// # Byte orders
//
// Three conventions meet here, and mixing them up gives signatures that nobody else accepts:
//
//   - Public keys are X‖Y, each little-endian, everywhere.
//   - The number that is signed is the digest's octets read as a little-endian integer mod q, everywhere.
//   - A signature is r‖s, each little-endian, in national certificates, CMS and XML ([PublicKey.Verify],
//     [PrivateKey.Sign]); it is s‖r, each big-endian, in RFC 4491, RFC 9215, OpenSSL's engine and PKCS#11
//     ([PublicKey.VerifyRFC], [PrivateKey.SignRFC]). One is the other reversed octet by octet.
//
// # Secrets and time
//
// Signing and the derivation of a public key run in time independent of the secrets: no branch and no
// address depends on the private scalar or on the nonce. Verification handles public values only and
// takes whatever time is shortest. There is one limit: without AVX-512 (VBMI and GFNI), Streebog looks its
// tables up at addresses that depend on what is hashed, and to derive a nonce it hashes the private scalar. Who must
// fear neighbours that watch the cache signs on a processor with these instructions, or in a token.
//
// The nonce is HMAC-Streebog-512 under the private scalar over the digest and, when the caller
// gives a source of randomness, 32 fresh octets of it: without randomness signatures are deterministic, with
// it a fault or a repeated digest reveals nothing, and a broken source does no worse than none.
//
// # How it is computed
//
// Numbers are 4 or 8 limbs of 64 bits; 2^256 − 617 and 2^512 − 569 are reduced by their form, all other moduli by
// Montgomery. Points are Jacobian; the two curves of cofactor four are computed as twisted Edwards curves.
// Multiples of the base point come from tables of signed digits that are read whole; verification interleaves two
// non-adjacent forms. Assembly for amd64 (multiplication with ADX, Streebog with AVX-512, table look-ups with AVX2)
// is used where the processor has it, and tests run it against the plain Go that is used elsewhere.
//
// # Deviations
//
// RFC 6979 draws nonces from HMAC_DRBG and throws away those above q. Here the output of HMAC is taken
// 256 bits (512 for the large curves) longer than q and reduced: the bias is below 2^-256, no step depends on
// chance, and a signature costs two or three HMACs instead of five. The values differ from RFC 6979's, as
// every signer's nonces may.
//
// GOST R 34.11-94 of the empty message: RFC 5831 section 6, read to the letter, hashes one block of zeros before the
// length, and newer versions of OpenSSL's engine do. Here, as in Bouncy Castle, from which the national
// libraries descend, and in the values published everywhere, there is no block to hash. Every other message comes out
// alike.
package gost
