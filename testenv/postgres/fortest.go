package postgres

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
)

// Migrate brings an empty database to the newest schema of one domain.
type Migrate func(ctx context.Context, db *sqlx.DB) error

// shared is the one server of a test binary. It is package state on purpose: initdb takes a second, a binary has
// many tests, and testing offers no place between the two to keep it.
var shared struct {
	once      sync.Once
	server    *Server
	err       error
	mu        sync.Mutex
	templates map[string]string
	count     atomic.Int64
}

// ForTest gives the test a database of its own with all migrations applied, as a pool that is closed at the end of the
// test. The schema is migrated once per binary; a test costs a copy of it (about 30 ms).
func ForTest(tb testing.TB, migrations ...Migrate) *sqlx.DB {
	tb.Helper()
	srv, name := databaseForTest(tb, migrations)
	db, err := srv.Open(tb.Context(), name)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { dropDatabase(tb, srv, db, name) })
	return db
}

// DSNForTest is ForTest for code that opens the database by itself.
func DSNForTest(tb testing.TB, migrations ...Migrate) string {
	tb.Helper()
	srv, name := databaseForTest(tb, migrations)
	tb.Cleanup(func() { dropDatabase(tb, srv, nil, name) })
	return srv.DSN(name)
}

func databaseForTest(tb testing.TB, migrations []Migrate) (*Server, string) {
	tb.Helper()
	shared.once.Do(func() { shared.server, shared.err = startShared() })
	if shared.err != nil {
		tb.Fatalf("these tests need PostgreSQL: %v", shared.err)
	}
	srv := shared.server
	template, err := templateOf(tb.Context(), srv, migrations)
	if err != nil {
		tb.Fatal(err)
	}
	name := "test_" + strconv.FormatInt(shared.count.Add(1), 10)
	if err := execAdmin(tb.Context(), srv, fmt.Sprintf(`CREATE DATABASE %s TEMPLATE %s STRATEGY file_copy`, quoteIdentifier(name), quoteIdentifier(template))); err != nil {
		tb.Fatal(err)
	}
	return srv, name
}

func dropDatabase(tb testing.TB, srv *Server, db *sqlx.DB, name string) {
	tb.Helper()
	if db != nil {
		if err := db.Close(); err != nil {
			tb.Errorf("couldn't close the test's database: %v", err)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := execAdmin(ctx, srv, fmt.Sprintf(`DROP DATABASE IF EXISTS %s WITH (FORCE)`, quoteIdentifier(name))); err != nil {
		tb.Errorf("couldn't drop the test's database: %v", err)
	}
}

// templateOf makes, once per set of migrations, the database that the tests' databases are copied from.
func templateOf(ctx context.Context, srv *Server, migrations []Migrate) (string, error) {
	keys := make([]string, len(migrations))
	for i, m := range migrations {
		keys[i] = strconv.FormatUint(uint64(reflect.ValueOf(m).Pointer()), 16)
	}
	key := strings.Join(keys, ",")
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if name, ok := shared.templates[key]; ok {
		return name, nil
	}
	name := "template_" + strconv.Itoa(len(shared.templates)+1)
	if err := srv.EnsureDatabase(ctx, name); err != nil {
		return "", err
	}
	db, err := srv.Open(ctx, name)
	if err != nil {
		return "", err
	}
	for _, m := range migrations {
		if err := m(ctx, db); err != nil {
			_ = db.Close() // the migration's error is the one to tell
			return "", fmt.Errorf("couldn't migrate the template database: %w", err)
		}
	}
	if err := db.Close(); err != nil {
		return "", fmt.Errorf("couldn't close the template database: %w", err)
	}
	shared.templates[key] = name
	return name, nil
}

func execAdmin(ctx context.Context, srv *Server, statement string) error {
	db, err := srv.Open(ctx, "postgres")
	if err != nil {
		return err
	}
	defer db.Close() // one statement, already finished
	if _, err := db.ExecContext(ctx, statement); err != nil {
		return fmt.Errorf("couldn't run %q: %w", statement, err)
	}
	return nil
}

// folderPrefix marks the folders of test servers, with the owning process's id behind it.
const folderPrefix = "qaqpa-pg-"

func startShared() (*Server, error) {
	sweep()
	dir, err := os.MkdirTemp("", folderPrefix+strconv.Itoa(os.Getpid())+"-")
	if err != nil {
		return nil, fmt.Errorf("couldn't make a folder for PostgreSQL: %w", err)
	}
	if err := os.Chmod(dir, 0o755); err != nil { // PostgreSQL's user must enter it; the data within are 0700
		return nil, fmt.Errorf("couldn't open the folder to PostgreSQL's user: %w", err)
	}
	shared.templates = map[string]string{}
	return Start(context.Background(), Config{Dir: dir})
}

// sweep removes the folders of test binaries that have ended: a test binary gives no hook that runs at its very end.
func sweep() {
	found, err := filepath.Glob(filepath.Join(os.TempDir(), folderPrefix+"*"))
	if err != nil {
		return
	}
	for _, dir := range found {
		pidText, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(dir), folderPrefix), "-")
		pid, err := strconv.Atoi(pidText)
		if err != nil || syscall.Kill(pid, 0) == nil {
			continue
		}
		_ = os.RemoveAll(dir) // left for the next sweep, which costs only disk
	}
}
