package schema

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

// Up applies what is new in the folder migrations of files. name, of letters, is in the names of the tables that remember what was applied. Safe to call from
// several processes at once; it only goes forward.
func Up(ctx context.Context, db *sqlx.DB, name string, files embed.FS) error {
	folder, err := fs.Sub(files, "migrations")
	if err != nil {
		return fmt.Errorf("couldn't open the migrations of %s: %w", name, err)
	}
	// A lock row, not an advisory lock: it works on every PostgreSQL-compatible database.
	locker, err := lock.NewPostgresTableLocker(lock.WithTableName("goose_"+name+"_lock"), lock.WithTableLockTimeout(time.Second, 120))
	if err != nil {
		return fmt.Errorf("couldn't make the migration lock of %s: %w", name, err)
	}
	p, err := goose.NewProvider(goose.DialectPostgres, db.DB, folder, goose.WithTableName("goose_"+name), goose.WithLocker(locker))
	if err != nil {
		return fmt.Errorf("couldn't read the migrations of %s: %w", name, err)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("couldn't migrate %s: %w", name, err)
	}
	return nil
}
