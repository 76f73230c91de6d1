// Package p12 opens and writes PKCS #12 files (RFC 7292): the form in which the national CA hands keys to people, and in
// which other tools keep RSA and ECDSA keys.
//
// National files have a DER shell around an AuthenticatedSafe in BER with indefinite lengths and chunked strings, keys
// under pbeWithSHA1And3-KeyTripleDES-CBC, certificates under RC2 of 40 bits and an HMAC-SHA-1. Beside these,
// [Open] takes what modern tools write: PBES2 with AES-CBC, HMAC of the SHA-2 family, PBMAC1 (RFC 9579), and the HMACs
// over GOST hashes with their own derivation of the key (RFC 9548).
//
// Keys are RSA, ECDSA on NIST curves, Ed25519, and GOST R 34.10 in all encodings that are met: the national INTEGER
// (big-endian), OCTET STRING (little-endian) and SEQUENCE (1.3.6.1.4.1.6801), and those of RFC 9548. A key is returned only
// with certificates that hold its public key; one that names a certificate of another key is refused ([ErrKeyMismatch]).
//
// # Wrong password or damaged file
//
// A MAC that does not hold has two possible reasons. Open then tries to decrypt: a wrong password turns every part
// into noise, while a part that comes out whole shows that the password is right and the file is damaged.
//
// # Secrets
//
// Passwords and keys appear in no error, and [Entry] hides its key from fmt, JSON and logs. The MAC is compared in constant
// time. Who chooses a file chooses its iteration counts too: all derivations of one file draw on [Limits].Work.
//
// It is a pure leaf without state; everything may be used concurrently.
//
// # Deviations
//
//   - Public-key privacy and integrity modes (RFC 7292 3.1), RC4, scrypt, and GOST 28147-89, Magma and Kuznyechik as
//     bag ciphers are [ErrUnsupported].
//   - RSA keys beyond 4,096 bits are asn1ber.ErrLimit: checking one of 8,192 bits takes half a second.
//   - GOST keys under masks (RFC 9548 4) are ErrDamaged: no national tool writes them.
//   - CRL, secret and unknown bags are skipped.
//   - A file without a MAC is opened: [Store].Authenticated tells.
package p12
