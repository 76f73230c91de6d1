package postgres

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
)

func TestCommittedRowsSurviveKill(t *testing.T) {
	dir, err := os.MkdirTemp("", "qaqpa-kill-") //nolint:usetesting // PostgreSQL's user cannot enter t.TempDir
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	srv, err := Start(ctx, Config{Dir: filepath.Join(dir, "pg"), Durable: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := srv.Stop(); err != nil {
			t.Error(err)
		}
	})
	db, err := srv.Open(ctx, "postgres")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.MustExecContext(ctx, `CREATE TABLE kept (n bigint)`)
	for n := range 100 {
		db.MustExecContext(ctx, `INSERT INTO kept (n) VALUES ($1)`, n)
	}
	if err := srv.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := srv.Restart(ctx); err != nil {
		t.Fatal(err)
	}
	var n int
	if err := retryOnce(func() error { return db.GetContext(ctx, &n, `SELECT count(*) FROM kept`) }); err != nil {
		t.Fatal(err)
	}
	if n != 100 {
		t.Fatalf("%d of 100 committed rows are left after SIGKILL", n)
	}
}

// retryOnce calls again when the pool handed out a connection of the server that was killed.
func retryOnce(f func() error) error {
	if err := f(); err == nil {
		return nil
	}
	return f()
}

func TestForTestGivesSeparateMigratedDatabases(t *testing.T) {
	migrate := func(ctx context.Context, db *sqlx.DB) error {
		_, err := db.ExecContext(ctx, `CREATE TABLE thing (id bigint PRIMARY KEY)`)
		return err
	}
	one, two := ForTest(t, migrate), ForTest(t, migrate)
	one.MustExecContext(t.Context(), `INSERT INTO thing (id) VALUES (1)`)
	var n int
	if err := two.GetContext(t.Context(), &n, `SELECT count(*) FROM thing`); err != nil {
		t.Fatal(err)
	}
	if n != 0 {
		t.Fatalf("the second database sees %d rows of the first", n)
	}
}

func TestStartNamesTheFolderThatIsClosed(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root changes to another user")
	}
	dir, err := os.MkdirTemp("", "qaqpa-closed-") //nolint:usetesting // closed to other users, on purpose
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, err = Start(ctx, Config{Dir: filepath.Join(dir, "pg")})
	if err == nil || !strings.Contains(err.Error(), "cannot enter "+dir) {
		t.Fatalf("got %v, want an error that names %s", err, dir)
	}
}
