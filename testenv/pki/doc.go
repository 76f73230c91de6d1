// Package pki is a test public-key infrastructure shaped like that of Kazakhstan's national
// certification authority: a root and a national CA for each of four families (RSA, ECDSA P-256,
// GOST R 34.10-2015 with 512-bit keys, GOST 34.310-2004), the certificates of citizens, company
// people with roles, information systems, OCSP responders and time-stamping authorities, and the
// services around them on loopback: OCSP, CRL, RFC 3161, certificates (AIA).
//
// It shares no code with the product. Certificates, CRLs, OCSP responses, CMS and time-stamp tokens
// are written here with cryptobyte, and GOST is computed by testenv/gostref, so that a mistake in
// the product's parsers is not repeated on the other side. Tests of this package hold the output
// against OpenSSL and, where they are present, against samples of the real authority.
//
// A PKI lives in a folder: [New] on an empty one creates it, on an existing one reads the same keys,
// certificates, revocations and port again. The port is chosen once and stands in every certificate
// (CRL distribution point, AIA), so certificates stay valid over restarts.
//
// All people and organisations are invented. [IIN] and [BIN] give numbers with valid check digits.
//
// # Concurrency
//
// A *PKI and a *Server are safe for concurrent use. An *Identity is immutable.
//
// # Deviations
//
// The national authority never issued ECDSA; that family borrows the profile of its RSA certificates.
// Keys lie unencrypted in the folder: this is a test authority and must never be trusted by anything real.
package pki
