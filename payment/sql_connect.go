package payment

import (
	"context"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// ConnectConfig bounds the use of the database. Zero values take the stated defaults.
type ConnectConfig struct {
	// ConnectionsMax bounds the pool; 0 means 16.
	ConnectionsMax int
	// ReadTimeout is how long a caller waits for bytes of the server before the connection counts as dead; 0 means
	// 10 s. It must exceed the longest legitimate statement: it is what frees callers of a server that stopped
	// answering without closing the connection, which a context alone does not do with lib/pq.
	ReadTimeout time.Duration
	// StatementTimeout cancels a statement on the server; 0 means two thirds of ReadTimeout, so that a live server
	// answers with an error before the connection is given up.
	StatementTimeout time.Duration
	// LockTimeout bounds waiting for a row that another transaction holds; 0 means 3 s.
	LockTimeout time.Duration
	// ConnectTimeout bounds dialling and login; 0 means 5 s.
	ConnectTimeout time.Duration
}

func (c ConnectConfig) withDefaults() ConnectConfig {
	set := func(d *time.Duration, fallback time.Duration) {
		if *d == 0 {
			*d = fallback
		}
	}
	if c.ConnectionsMax == 0 {
		c.ConnectionsMax = 16
	}
	set(&c.ReadTimeout, 10*time.Second)
	set(&c.StatementTimeout, c.ReadTimeout*2/3)
	set(&c.LockTimeout, 3*time.Second)
	set(&c.ConnectTimeout, 5*time.Second)
	return c
}

// Connect opens a pool of connections and checks that the database answers. dsn is lib/pq's, key=value or URL; it
// should state sslmode. A caller whose context ends waits half a second more for the server to cancel his statement; then
// the connection is given up. Several hosts and target_session_attrs=read-write find a new primary after a failover.
func Connect(ctx context.Context, dsn string, cfg ConnectConfig) (*sqlx.DB, error) {
	cfg = cfg.withDefaults()
	settings, err := pq.NewConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("couldn't read the connection string: %w", err)
	}
	settings.ConnectTimeout = cfg.ConnectTimeout
	// One round trip for a statement with arguments instead of two; it also works through pgbouncer. []byte then goes
	// as binary, which suits bytea and text, and would not suit jsonb: the schemas have none.
	settings.BinaryParameters = true
	if settings.Runtime == nil {
		settings.Runtime = map[string]string{}
	}
	for name, limit := range map[string]time.Duration{"statement_timeout": cfg.StatementTimeout, "lock_timeout": cfg.LockTimeout} {
		if _, stated := settings.Runtime[name]; !stated {
			settings.Runtime[name] = fmt.Sprint(limit.Milliseconds())
		}
	}
	db := sqlx.NewDb(openDB(&boundConnector{settings: settings, wait: cfg.ReadTimeout, dial: cfg.ConnectTimeout}), "postgres")
	db.SetMaxOpenConns(cfg.ConnectionsMax)
	db.SetMaxIdleConns(cfg.ConnectionsMax)
	db.SetConnMaxLifetime(time.Hour)
	if err := db.PingContext(ctx); err != nil {
		return nil, fmt.Errorf("couldn't reach the database: %w", joinClose(err, db))
	}
	return db, nil
}

// ConnectBulk is [Connect] for statements of banks: few connections, statements that may take minutes, and a longer wait for
// the lock of a bank that another file holds.
func ConnectBulk(ctx context.Context, dsn string) (*sqlx.DB, error) {
	return Connect(ctx, dsn, ConnectConfig{ConnectionsMax: 3, ReadTimeout: 15 * time.Minute, StatementTimeout: 10 * time.Minute, LockTimeout: 10 * time.Minute})
}
