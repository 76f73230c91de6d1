package signer

import (
	"context"
	"fmt"

	"qaqpa/signer/migrations"

	"github.com/jmoiron/sqlx"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

// Migrate brings the schema of the signer domain to the newest version (table goose_signer remembers which). Several
// processes may call it at once; one works and the others wait.
func Migrate(ctx context.Context, db *sqlx.DB) error {
	locker, err := lock.NewPostgresTableLocker(lock.WithTableName("goose_signer_lock"))
	if err != nil {
		return fmt.Errorf("couldn't prepare the lock for migrations: %w", err)
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, db.DB, migrations.Files,
		goose.WithTableName("goose_signer"), goose.WithLocker(locker), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("couldn't prepare migrations: %w", err)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("couldn't migrate the signer schema: %w", err)
	}
	return nil
}
