package payment

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/lib/pq"

	"qaqpa/payment/pgarray"
)

// answerGrace is how long a server has, after the caller's deadline, to answer the request to cancel the statement. A server
// that is alive does so at once, and the connection lives on; one that hangs frees its caller after it.
const answerGrace = 500 * time.Millisecond

// boundConnector makes connections that the context of a call bounds. lib/pq gives a context to the server, by asking it to
// cancel, and then waits for the answer: a server that stopped answering without closing the connection would hold the
// caller for as long as ReadTimeout.
type boundConnector struct {
	settings   pq.Config
	wait, dial time.Duration
}

// Connect implements driver.Connector.
func (c *boundConnector) Connect(ctx context.Context) (driver.Conn, error) {
	connector, err := pq.NewConnectorConfig(c.settings)
	if err != nil {
		return nil, fmt.Errorf("couldn't prepare a connection: %w", err)
	}
	d := &boundDialer{wait: c.wait, dial: c.dial}
	connector.Dialer(d)
	stop := context.AfterFunc(ctx, d.giveUp)
	conn, err := connector.Connect(ctx)
	stop()
	if err != nil {
		return nil, err
	}
	full, ok := conn.(fullConn)
	if !ok {
		return nil, errors.Join(errors.New("couldn't use a connection of lib/pq: it lacks a method"), conn.Close())
	}
	return &boundConn{fullConn: full, wire: d.first}, nil
}

// Driver implements driver.Connector.
func (c *boundConnector) Driver() driver.Driver { return &pq.Driver{} }

// fullConn is what a connection of lib/pq can do.
type fullConn interface { //nolint:interfacebloat // database/sql looks for each of them
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
	driver.NamedValueChecker
}

// boundConn is a connection whose socket heeds the context of the call that uses it. A transaction has that of its latest
// call, since Commit is given none.
type boundConn struct {
	fullConn
	wire *deadlineConn
	// stop ends the watch over the context of the call before.
	stop func() bool
}

// heed lets the context bound the socket from now on.
func (c *boundConn) heed(ctx context.Context) {
	if c.stop != nil {
		c.stop()
	}
	use := c.wire.begin()
	c.stop = context.AfterFunc(ctx, func() { c.wire.expire(use) })
}

func (c *boundConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	c.heed(ctx)
	return c.fullConn.BeginTx(ctx, opts)
}

func (c *boundConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	c.heed(ctx)
	return c.fullConn.PrepareContext(ctx, query)
}

func (c *boundConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	c.heed(ctx)
	return c.fullConn.ExecContext(ctx, query, args)
}

func (c *boundConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	c.heed(ctx)
	return c.fullConn.QueryContext(ctx, query, args)
}

// CheckNamedValue lets lists of octets leave in PostgreSQL's binary form, whoever calls: verdicts, leaves of audit chains. As text each octet is two digits,
// which the server reads back. As with lib/pq, no list is NULL, and no octets within one are none.
func (c *boundConn) CheckNamedValue(v *driver.NamedValue) error {
	if list, ok := v.Value.(*pq.ByteaArray); ok && *list != nil {
		v.Value = pgarray.Byteas(*list)
		return nil
	}
	return c.fullConn.CheckNamedValue(v)
}

func (c *boundConn) Ping(ctx context.Context) error {
	c.heed(ctx)
	return c.fullConn.Ping(ctx)
}

// ResetSession is called before another caller gets the connection: what bounded the last one is forgotten.
func (c *boundConn) ResetSession(ctx context.Context) error {
	c.heed(ctx)
	return c.fullConn.ResetSession(ctx)
}

// Close says goodbye as a call of its own. The context of the last call has often ended by then (at shutdown all have), and its
// deadline must not turn the goodbye into a failure of the whole process. Nor must a server that went away before: whatever
// was not committed is undone without it, and there is nobody to say goodbye to.
func (c *boundConn) Close() error {
	if c.stop != nil {
		c.stop()
	}
	c.wire.begin()
	err := c.fullConn.Close()
	if _, gone := errors.AsType[*net.OpError](err); gone {
		return nil
	}
	return err
}

// boundDialer dials for one connection. What is dialled after the first are requests to cancel, which may not wait long:
// their answer is the end of the connection.
type boundDialer struct {
	wait, dial time.Duration
	mu         sync.Mutex
	first      *deadlineConn
}

// Dial implements pq.Dialer.
func (d *boundDialer) Dial(network, address string) (net.Conn, error) {
	return d.DialTimeout(network, address, d.dial)
}

// DialTimeout implements pq.Dialer.
func (d *boundDialer) DialTimeout(network, address string, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return d.DialContext(ctx, network, address)
}

// DialContext implements pq.DialerContext.
func (d *boundDialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := net.Dialer{KeepAlive: 15 * time.Second}
	conn, err := dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return d.wrap(conn), nil
}

func (d *boundDialer) wrap(conn net.Conn) *deadlineConn {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.established() {
		return &deadlineConn{Conn: conn, wait: answerGrace, login: answerGrace}
	}
	d.first = &deadlineConn{Conn: conn, wait: d.wait, login: d.dial}
	return d.first
}

// giveUp ends the wait for a login, which is the use before the first.
func (d *boundDialer) giveUp() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.first != nil {
		d.first.expire(0)
	}
}

// established reports whether the connection proper exists: several hosts may be tried before one takes us.
func (d *boundDialer) established() bool { return d.first != nil && d.first.used() }

// deadlineConn gives up when the other side is silent while we wait for it. lib/pq reads only for an answer, so an idle
// connection is not affected.
type deadlineConn struct {
	net.Conn
	// wait bounds each Read and Write; login does before the first call.
	wait, login time.Duration

	mu sync.Mutex
	// use counts the calls that the connection served; a context that ends late must not hit the next call.
	use uint64
	// until is the end of the present call's time, zero while its context lives.
	until time.Time
}

func (c *deadlineConn) used() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.use > 0
}

// begin starts a call and returns its number.
func (c *deadlineConn) begin() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.use++
	c.until = time.Time{}
	return c.use
}

// expire ends the time of a call, also of a Read that waits already.
func (c *deadlineConn) expire(use uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.use != use {
		return
	}
	c.until = time.Now().Add(answerGrace) //nolint:forbidigo // a socket's deadline is wall time
	_ = c.SetDeadline(c.until)            // a closed connection needs none
}

// limit is the deadline of the next Read or Write.
func (c *deadlineConn) limit(set func(time.Time) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := time.Now().Add(c.wait) //nolint:forbidigo // a socket's deadline is wall time
	if c.use == 0 {
		at = time.Now().Add(min(c.wait, c.login)) //nolint:forbidigo // a socket's deadline is wall time
	}
	if !c.until.IsZero() && c.until.Before(at) {
		at = c.until
	}
	return set(at)
}

// Read implements net.Conn.
func (c *deadlineConn) Read(b []byte) (int, error) {
	if err := c.limit(c.SetReadDeadline); err != nil {
		return 0, err
	}
	return c.Conn.Read(b)
}

// Write implements net.Conn.
func (c *deadlineConn) Write(b []byte) (int, error) {
	if err := c.limit(c.SetWriteDeadline); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}
