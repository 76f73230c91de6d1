package postgres

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/jmoiron/sqlx"
)

// Standby copies the running server into cfg.Dir, starts the copy as its standby under a name, and makes it synchronous: from
// then on the server answers no commit that the standby has not stored.
func (s *Server) Standby(ctx context.Context, cfg Config, name string) (*Server, error) {
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("couldn't resolve %s: %w", cfg.Dir, err)
	}
	settings := map[string]string{"primary_conninfo": fmt.Sprintf("'host=%s port=5432 user=%s application_name=%s'", s.cfg.Dir, superuser, name)}
	maps.Copy(settings, cfg.Settings)
	copied := &Server{cfg: Config{Dir: dir, Durable: cfg.Durable, Settings: settings}, bin: s.bin, owner: s.owner}
	if err := copied.folders(); err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, filepath.Join(s.bin, "pg_basebackup"), "-h", s.cfg.Dir, "-p", "5432", "-U", superuser,
		"-D", copied.dataDir(), "-X", "stream", "-c", "fast", "--no-sync")
	cmd.SysProcAttr, cmd.Dir = copied.attributes(), dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("couldn't copy the server: %w\n%s", err, out)
	}
	if err := copied.writeSettings(); err != nil {
		return nil, err
	}
	signal := filepath.Join(copied.dataDir(), "standby.signal")
	if err := os.WriteFile(signal, nil, 0o600); err != nil {
		return nil, fmt.Errorf("couldn't mark the standby: %w", err)
	}
	if s.owner != nil {
		if err := os.Chown(signal, int(s.owner.uid), int(s.owner.gid)); err != nil {
			return nil, fmt.Errorf("couldn't give the mark to PostgreSQL's user: %w", err)
		}
	}
	if err := copied.launch(ctx); err != nil {
		return nil, err
	}
	return copied, s.await(ctx, name)
}

// await makes the standby synchronous and waits until it is.
func (s *Server) await(ctx context.Context, name string) error {
	db, err := s.Open(ctx, "postgres")
	if err != nil {
		return err
	}
	defer db.Close() // nothing is under way at its end
	for _, statement := range []string{`ALTER SYSTEM SET synchronous_standby_names = 'FIRST 1 (` + name + `)'`, `SELECT pg_reload_conf()`} {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("couldn't ask for the standby: %w", err)
		}
	}
	return until(ctx, db, `SELECT EXISTS (SELECT 1 FROM pg_stat_replication WHERE application_name = '`+name+`' AND sync_state = 'sync')`)
}

// Promote makes a standby the primary and waits until it takes writes.
func (s *Server) Promote(ctx context.Context) error {
	db, err := s.Open(ctx, "postgres")
	if err != nil {
		return err
	}
	defer db.Close() // nothing is under way at its end
	if _, err := db.ExecContext(ctx, `SELECT pg_promote()`); err != nil {
		return fmt.Errorf("couldn't promote the standby: %w", err)
	}
	return until(ctx, db, `SELECT NOT pg_is_in_recovery()`)
}

// until asks until the answer is yes.
func until(ctx context.Context, db *sqlx.DB, question string) error {
	for {
		var yes bool
		if err := db.GetContext(ctx, &yes, question); err != nil {
			return fmt.Errorf("couldn't ask %q: %w", question, err)
		}
		if yes {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waited in vain for %q: %w", question, ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}
