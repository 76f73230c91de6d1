// Package httpsig verifies HTTP message signatures (RFC 9421) and content digests (RFC 9530) of requests, and decides what a
// signature has to cover to count. It is pure: a request's head and a time in, a verdict out; looking the key up and
// remembering nonces belong to the caller.
//
// # Deviations
//
// Narrower than the standard, where more would only add ways to be misunderstood: one signature a request; the derived
// components of requests other than @query-param; no component parameters (sf, key, bs, req, tr), so that a field is signed
// as it stands on the line; three algorithms, chosen by the key and never by the message: ed25519, ecdsa-p256-sha256,
// rsa-pss-sha512.
package httpsig
