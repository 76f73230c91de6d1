// Package ledger holds the pure rules of the ledger: accounts, transfers, and the journal with its Merkle trees and
// signed checkpoints.
package ledger
