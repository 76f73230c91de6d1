package payment

import (
	"context"
	"fmt"
	"net"
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
// should state sslmode. Connections to a server that stops answering are given up after ReadTimeout, whatever the
// context of the caller. Several hosts and target_session_attrs=read-write find a new primary after a failover.
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
	connector, err := pq.NewConnectorConfig(settings)
	if err != nil {
		return nil, fmt.Errorf("couldn't prepare connections: %w", err)
	}
	connector.Dialer(deadlineDialer{wait: cfg.ReadTimeout, dial: cfg.ConnectTimeout})
	db := sqlx.NewDb(openDB(connector), "postgres")
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

// deadlineDialer dials connections whose every read and write has a deadline.
type deadlineDialer struct{ wait, dial time.Duration }

// Dial implements pq.Dialer.
func (d deadlineDialer) Dial(network, address string) (net.Conn, error) {
	return d.DialTimeout(network, address, d.dial)
}

// DialTimeout implements pq.Dialer.
func (d deadlineDialer) DialTimeout(network, address string, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return d.DialContext(ctx, network, address)
}

// DialContext implements pq.DialerContext.
func (d deadlineDialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := net.Dialer{KeepAlive: 15 * time.Second}
	conn, err := dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &deadlineConn{Conn: conn, wait: d.wait}, nil
}

// deadlineConn gives up when the other side is silent while we wait for it. lib/pq reads only for an answer, so an idle
// connection is not affected.
type deadlineConn struct {
	net.Conn
	wait time.Duration
}

// Read implements net.Conn.
func (c *deadlineConn) Read(b []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(c.wait)); err != nil { //nolint:forbidigo // a socket's deadline is wall time
		return 0, err
	}
	return c.Conn.Read(b)
}

// Write implements net.Conn.
func (c *deadlineConn) Write(b []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(c.wait)); err != nil { //nolint:forbidigo // a socket's deadline is wall time
		return 0, err
	}
	return c.Conn.Write(b)
}
