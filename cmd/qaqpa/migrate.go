package main

import (
	"context"
	"errors"
	"fmt"

	"qaqpa/api/auth"
	"qaqpa/api/watch"
	"qaqpa/payment"
	"qaqpa/signer"

	"github.com/jmoiron/sqlx"
)

// migrateCmd applies the migrations of every domain. They go forward only, and the previous binary works after them.
type migrateCmd struct {
	databaseSettings `embed:""`
}

func (c *migrateCmd) Run(ctx context.Context, io streams) (err error) {
	db, err := c.connect(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := migrateAll(ctx, db); err != nil {
		return err
	}
	fmt.Fprintln(io.out, "the database has the newest schema")
	return nil
}

func migrateAll(ctx context.Context, db *sqlx.DB) error {
	for _, domain := range []struct {
		name    string
		migrate func(context.Context, *sqlx.DB) error
	}{{"signer", signer.Migrate}, {"payment", payment.Migrate}, {"auth", auth.Migrate}, {"watch", watch.Migrate}} {
		if err := domain.migrate(ctx, db); err != nil {
			return fmt.Errorf("couldn't migrate the schema of %s: %w", domain.name, err)
		}
	}
	return nil
}
