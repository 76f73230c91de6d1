// Package pinned verifies many signatures of a few public keys that are known for long: the keys of a gateway's token.
//
// Every signature that leaves a token is verified, so that no stale handle and no faulty device can show outside. With
// crypto/ecdsa that costs as much as SoftHSM's signature itself, since it treats each public key as a new one. A [Key]
// keeps a table of multiples of its public key, and [P256] one of the generator, so that u1·G + u2·Q becomes 52 additions
// and no doubling.
//
// Only public values are handled, so nothing here is constant in time, and nothing here may ever be used to sign.
//
// Tests hold it to crypto/ecdsa on random, altered and degenerate input, and to the vectors of Wycheproof.
//
// A P256 and a Key are safe for concurrent use once made. Each table takes 0.9 MB and some milliseconds to build.
package pinned
