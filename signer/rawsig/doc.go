// Package rawsig makes and checks signatures that stand alone: octets signed, octets of signature, and a certificate's
// key. No container says which algorithm or which layout was meant, so this package does.
//
// The octets of one and the same signature are written in several ways ([Form]): ECDSA as a DER SEQUENCE in
// certificates and as a fixed pair in JWS, XML and PKCS#11; GOST R 34.10 little-endian r‖s in Kazakhstan and big-endian
// s‖r in RFC 4491 and in tokens. [Convert] turns one into another, and [Verify] says which one it met.
//
// [Verify] without [Options] tries what the kind of key is honestly used with: its own hash for GOST, SHA-2 for RSA and
// ECDSA. SHA-1 and MD5 are tried only when the caller names them. A signature that holds under any algorithm tried is
// one that only the key's owner could make; which algorithm it was is in the [Result], for the policy to judge.
//
// It is a pure leaf and keeps no state; everything may be used concurrently.
package rawsig
