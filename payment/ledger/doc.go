// Package ledger holds the pure rules of the ledger: accounts and transfers, the journal with its chain and Merkle
// trees, and signed checkpoints.
//
// # Transfers
//
// A [Transfer] moves a positive amount from one account to another. It is one row, so it is balanced by construction;
// it is never changed, and corrections are further transfers.
//
// # Journal
//
// Each of the [Buckets] has a journal of its own: leaves numbered from 0, each the canonical JSON of an [Entry], with a
// hash chain over them and an RFC 6962 tree. A checkpoint is a tree over the 256 states of the buckets, signed as a
// note (C2SP signed-note). An inclusion proof leads from a leaf to the root of its bucket and from there to the top.
//
// # Deviations
//
// The note's body is not a C2SP tlog-checkpoint: the top tree always has 256 leaves, which are replaced rather than
// appended, so a witness for tlog-checkpoint could not check consistency. Consistency holds per bucket, and each
// checkpoint names the digest of the one before.
package ledger
