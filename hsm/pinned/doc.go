// Package pinned verifies many signatures of a few public keys that are known for long: the keys of a gateway's token.
//
// Every signature that leaves a token is verified, so that no stale handle and no faulty device can show outside. With
// crypto/ecdsa that costs as much as SoftHSM's signature itself, since it treats each public key as a new one. A [Key]
// keeps a table of multiples of its public key, and [P256] one of the generator, so that u1·G + u2·Q becomes 52 additions
// and no doubling. [EdKey] and [Ed25519] do the same for S·B − k·A, with 64 additions, in a fifth of crypto/ed25519's time; field and
// scalars are those of filippo.io/edwards25519.
//
// Only public values are handled, so nothing here is constant in time, and nothing here may ever be used to sign.
//
// Tests hold it to crypto/ecdsa and crypto/ed25519 on random, altered and degenerate input, and to the vectors of Wycheproof.
//
// All are safe for concurrent use once made. A table takes 0.9 MB for P-256, 0.5 MB for Ed25519, and some milliseconds to build.
package pinned
