// Package migrations holds the schema of the payment domain as goose migrations.
//
// The SQL keeps to what PostgreSQL, Citus, CockroachDB and YugabyteDB share: no triggers, advisory locks, LISTEN,
// deferrable constraints or sequences. bucket stands first in every key of the tables that grow with payments; agencies,
// banks, services, tariffs and МРП are reference tables, the checkpoint tables lie on one node. Tables that grow with
// payments have no foreign keys to reference tables: every payment would lock the one row of its bank. Constraints have
// names that do not end in digits, because Citus appends the number of the shard.
package migrations

import "embed"

// Files are the migrations, at the root of the file system.
//
//go:embed *.sql
var Files embed.FS
