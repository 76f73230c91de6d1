// Package migrations holds the schema of the signer domain: the audit chains, verdicts and their evidence.
// Files go forward only, one concern each; goose applies them and remembers that in table goose_signer.
package migrations

import "embed"

// Files are the migrations in the root of the file system, as goose wants them.
//
//go:embed *.sql
var Files embed.FS
