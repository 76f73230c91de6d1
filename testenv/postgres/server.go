package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jmoiron/sqlx"
	// The driver under which every database of the project is opened.
	_ "github.com/lib/pq"
)

// superuser is the only role of a private cluster at its start; the socket's folder is closed to others.
const superuser = "qaqpa"

// socketPathMax is the longest path of a unix socket that Linux takes (sun_path, less the closing zero byte).
const socketPathMax = 107

// Config says where a cluster lives and how careful it is.
type Config struct {
	// Dir holds the cluster: data, socket and log. It is made when absent; a second Start finds the data again.
	Dir string
	// Durable keeps fsync, full_page_writes and synchronous_commit on. Without it a crash of the machine may
	// lose data, which is what tests that do not crash anything want.
	Durable bool
	// Settings are further lines of postgresql.conf, name to value.
	Settings map[string]string
}

// Server is one running cluster. Its methods may be called from several goroutines, but Stop, Kill and Restart
// not at the same time as each other.
type Server struct {
	cfg   Config
	bin   string
	owner *owner
	cmd   *exec.Cmd
	done  chan struct{} // closed when the server has ended
}

// owner is the operating-system user that the server runs as when we are root, which PostgreSQL refuses.
type owner struct{ uid, gid uint32 }

// Start makes the cluster in cfg.Dir if there is none and starts it. It returns when the server answers a query.
// The server ends with this process, even when this process is killed.
func Start(ctx context.Context, cfg Config) (*Server, error) {
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("couldn't resolve %s: %w", cfg.Dir, err)
	}
	cfg.Dir = dir
	if n := len(filepath.Join(dir, ".s.PGSQL.5432")); n > socketPathMax {
		return nil, fmt.Errorf("%s is too long for a unix socket (%d characters, at most %d): choose a shorter folder", dir, n, socketPathMax)
	}
	s := &Server{cfg: cfg}
	if s.bin, err = binFolder(); err != nil {
		return nil, err
	}
	if s.owner, err = serverOwner(); err != nil {
		return nil, err
	}
	if err := s.prepare(ctx); err != nil {
		return nil, err
	}
	if err := s.launch(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// DSN is the connection string of a database in this cluster, for lib/pq. As in operation, []byte goes as binary.
func (s *Server) DSN(database string) string {
	return fmt.Sprintf("host=%s port=5432 user=%s dbname=%s sslmode=disable connect_timeout=10 binary_parameters=yes", s.cfg.Dir, superuser, database)
}

// SocketDir is the folder of the server's unix socket, for programs such as psql and pgbench (port 5432, user qaqpa).
func (s *Server) SocketDir() string { return s.cfg.Dir }

// Open connects to a database of this cluster and checks that it answers.
func (s *Server) Open(ctx context.Context, database string) (*sqlx.DB, error) {
	db, err := sqlx.Open("postgres", s.DSN(database))
	if err != nil {
		return nil, fmt.Errorf("couldn't open database %s: %w", database, err)
	}
	if err := db.PingContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("couldn't reach database %s: %w", database, err), db.Close())
	}
	return db, nil
}

// EnsureDatabase makes the database if the cluster does not have it.
func (s *Server) EnsureDatabase(ctx context.Context, database string) error {
	db, err := s.Open(ctx, "postgres")
	if err != nil {
		return err
	}
	defer db.Close() // only read from; nothing to lose at closing
	var there bool
	if err := db.GetContext(ctx, &there, `SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)`, database); err != nil {
		return fmt.Errorf("couldn't look for database %s: %w", database, err)
	}
	if there {
		return nil
	}
	if _, err := db.ExecContext(ctx, `CREATE DATABASE `+quoteIdentifier(database)); err != nil {
		return fmt.Errorf("couldn't create database %s: %w", database, err)
	}
	return nil
}

// Stop shuts the server down in PostgreSQL's fast mode: open transactions are rolled back, the data are whole.
func (s *Server) Stop() error {
	if s.cmd == nil {
		return nil
	}
	return s.end(syscall.SIGINT, 30*time.Second)
}

// Kill ends the server with SIGKILL, as a power cut would. What was committed must be there after Restart.
func (s *Server) Kill() error {
	if s.cmd == nil {
		return nil
	}
	return s.end(syscall.SIGKILL, 30*time.Second)
}

// Restart starts a server that was stopped or killed on the same data, socket and settings.
func (s *Server) Restart(ctx context.Context) error {
	if s.cmd != nil {
		return errors.New("the server is running: stop or kill it first")
	}
	return s.launch(ctx)
}

// Pid is the process id of the running server, or 0.
func (s *Server) Pid() int {
	if s.cmd == nil {
		return 0
	}
	return s.cmd.Process.Pid
}

func (s *Server) end(sig syscall.Signal, wait time.Duration) error {
	if err := s.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("couldn't signal PostgreSQL: %w", err)
	}
	select {
	case <-s.done:
	case <-time.After(wait):
		return fmt.Errorf("PostgreSQL (pid %d) did not end within %s of %s", s.cmd.Process.Pid, wait, sig)
	}
	s.cmd = nil
	return nil
}

// binFolder finds the newest folder with initdb and postgres that Debian installed, or the one of pg_config.
func binFolder() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if err != nil {
		return "", fmt.Errorf("couldn't look for PostgreSQL: %w", err)
	}
	sort.Slice(found, func(i, j int) bool { return versionOf(found[i]) > versionOf(found[j]) })
	if len(found) > 0 {
		return filepath.Dir(found[0]), nil
	}
	if p, err := exec.LookPath("postgres"); err == nil {
		return filepath.Dir(p), nil
	}
	return "", errors.New("no PostgreSQL server is installed: apt-get install postgresql")
}

// versionOf reads 15 out of /usr/lib/postgresql/15/bin/postgres.
func versionOf(path string) int {
	v, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path)))) // a folder without a number sorts last
	return v
}

func serverOwner() (*owner, error) {
	if os.Geteuid() != 0 {
		return nil, nil //nolint:nilnil // no other user is needed
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err1 == nil && err2 == nil {
			return &owner{uint32(uid), uint32(gid)}, nil
		}
	}
	return nil, errors.New("PostgreSQL refuses to run as root, and neither user postgres nor nobody exists")
}

func (s *Server) attributes() *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Pdeathsig: syscall.SIGINT, Setpgid: true}
	if s.owner != nil {
		a.Credential = &syscall.Credential{Uid: s.owner.uid, Gid: s.owner.gid}
	}
	return a
}

func (s *Server) dataDir() string { return filepath.Join(s.cfg.Dir, "data") }
func (s *Server) logFile() string { return filepath.Join(s.cfg.Dir, "postgres.log") }

// folders makes the cluster's folder and gives it to the server's user.
func (s *Server) folders() error {
	if err := os.MkdirAll(s.cfg.Dir, 0o755); err != nil {
		return fmt.Errorf("couldn't make the cluster's folder: %w", err)
	}
	if s.owner == nil {
		return nil
	}
	if err := os.Chown(s.cfg.Dir, int(s.owner.uid), int(s.owner.gid)); err != nil {
		return fmt.Errorf("couldn't give %s to PostgreSQL's user: %w", s.cfg.Dir, err)
	}
	return openToOthers(filepath.Dir(s.cfg.Dir))
}

// prepare makes the folders, runs initdb where there is no cluster yet, and writes the settings.
func (s *Server) prepare(ctx context.Context) error {
	if err := s.folders(); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(s.dataDir(), "PG_VERSION")); errors.Is(err, fs.ErrNotExist) {
		if err := s.initdb(ctx); err != nil {
			return err
		}
	} else if err != nil {
		return fmt.Errorf("couldn't look at the cluster: %w", err)
	}
	return s.writeSettings()
}

// openToOthers says which folder keeps PostgreSQL's user out, instead of leaving it to an obscure failure of initdb.
func openToOthers(dir string) error {
	for d := dir; ; d = filepath.Dir(d) {
		info, err := os.Stat(d)
		if err != nil {
			return fmt.Errorf("couldn't look at %s: %w", d, err)
		}
		if info.Mode().Perm()&0o001 == 0 {
			return fmt.Errorf("PostgreSQL's user cannot enter %s (mode %o): keep the cluster in a folder that other users may pass through", d, info.Mode().Perm())
		}
		if d == filepath.Dir(d) {
			return nil
		}
	}
}

func (s *Server) initdb(ctx context.Context) error {
	args := []string{"-D", s.dataDir(), "-U", superuser, "-A", "trust", "-E", "UTF8", "--locale=C"}
	if !s.cfg.Durable {
		args = append(args, "--no-sync")
	}
	cmd := exec.CommandContext(ctx, filepath.Join(s.bin, "initdb"), args...)
	cmd.SysProcAttr = s.attributes()
	cmd.Dir = s.cfg.Dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("couldn't make a PostgreSQL cluster in %s: %w\n%s", s.cfg.Dir, err, out)
	}
	return nil
}

func (s *Server) writeSettings() error {
	set := map[string]string{
		"listen_addresses": "''", "unix_socket_directories": "'" + s.cfg.Dir + "'", "unix_socket_permissions": "0700",
		"port": "5432", "max_connections": "100", "shared_buffers": "'128MB'", "timezone": "'UTC'",
		"log_min_messages": "warning", "password_encryption": "'scram-sha-256'",
	}
	if !s.cfg.Durable {
		set["fsync"], set["full_page_writes"], set["synchronous_commit"] = "off", "off", "off"
	}
	maps.Copy(set, s.cfg.Settings)
	lines := make([]string, 0, len(set))
	for k, v := range set {
		lines = append(lines, k+" = "+v+"\n")
	}
	sort.Strings(lines)
	path := filepath.Join(s.dataDir(), "postgresql.auto.conf")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "")), 0o600); err != nil {
		return fmt.Errorf("couldn't write PostgreSQL's settings: %w", err)
	}
	if s.owner != nil {
		if err := os.Chown(path, int(s.owner.uid), int(s.owner.gid)); err != nil {
			return fmt.Errorf("couldn't give the settings to PostgreSQL's user: %w", err)
		}
	}
	return nil
}

// launch starts the server and waits until it answers. After Kill the backends of the old server may still hold
// its shared memory for a moment, in which the new one refuses to start; that is tried again until ctx ends.
func (s *Server) launch(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 60*time.Second)
	defer cancel()
	for {
		if err := s.spawn(); err != nil {
			return err
		}
		err := s.ready(ctx)
		if err == nil {
			return nil
		}
		if !errors.Is(err, errEnded) || ctx.Err() != nil {
			return errors.Join(err, s.Kill())
		}
		s.cmd = nil
		log, readErr := os.ReadFile(s.logFile())
		if readErr != nil || !strings.Contains(tail(string(log), 2000), "pre-existing shared memory block") {
			return fmt.Errorf("%w:\n%s", err, tail(string(log), 2000))
		}
		time.Sleep(50 * time.Millisecond)
	}
}

var errEnded = errors.New("PostgreSQL ended while starting")

// spawn starts the process from a goroutine that keeps its thread: Linux sends the parent-death signal when the
// *thread* that forked ends, and Go ends idle threads that a goroutine had locked.
func (s *Server) spawn() error {
	logFile, err := os.OpenFile(s.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("couldn't open PostgreSQL's log: %w", err)
	}
	defer logFile.Close() // the child has its own descriptor
	cmd := exec.Command(filepath.Join(s.bin, "postgres"), "-D", s.dataDir())
	cmd.SysProcAttr, cmd.Dir = s.attributes(), s.cfg.Dir
	cmd.Stdout, cmd.Stderr = logFile, logFile
	started, done := make(chan error), make(chan struct{})
	go func() {
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it ended is in its log
			close(done)
		}
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("couldn't start PostgreSQL: %w", err)
	}
	s.cmd, s.done = cmd, done
	return nil
}

// ready waits until a query is answered: a socket that accepts is not yet a server that does.
func (s *Server) ready(ctx context.Context) error {
	db, err := sqlx.Open("postgres", s.DSN("postgres"))
	if err != nil {
		return fmt.Errorf("couldn't open PostgreSQL: %w", err)
	}
	defer db.Close() // a probe holds nothing
	for {
		var one int
		if err = db.GetContext(ctx, &one, `SELECT 1`); err == nil {
			return nil
		}
		select {
		case <-s.done:
			return errEnded
		case <-ctx.Done():
			return fmt.Errorf("PostgreSQL did not answer in time: %w", err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func tail(s string, n int) string {
	if len(s) > n {
		return s[len(s)-n:]
	}
	return s
}

func quoteIdentifier(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }
