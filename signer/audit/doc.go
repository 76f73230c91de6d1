// Package audit is the append-only event log of the gateway: who did what to what, and when.
//
// Every signature of the key, posting and change of policy leaves an entry in the same transaction as its effect.
// Entries form hash chains: each carries the hash of the one before, and an ordinary row holds the head. There
// are 256 chains, chosen by the bucket of the subject, so that the log is no bottleneck: only writers of the same bucket
// wait for each other, until the first has committed. There is no total order over chains; at orders them.
//
// A chain cannot be rewritten in the middle without showing. Its end could be cut off together with the head;
// against that the heads are sealed by the key from time to time (SealHeads) and Verify holds the rows against each seal.
//
// # Concurrency
//
// A Log is safe for concurrent use. A transaction that appends to several chains in separate calls may deadlock with
// another (40P01) and is then to be retried; AppendAll locks in order and does not.
package audit
