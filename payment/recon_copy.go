package payment

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"sync/atomic"
	"unicode/utf8"
	"unsafe"

	"github.com/jmoiron/sqlx"
)

// Rows are gathered in chunks before they go to the driver; a goroutine sends one while the next are filled. Every change of the table
// costs two round trips, so rows of the other tables are gathered in larger chunks, and lines have to wait meanwhile.
const (
	copyChunk  = 60 << 10
	copyChunks = 64
	sideChunk  = 512 << 10
)

// copier is what lib/pq gives for a COPY: rows as text, any number in one call, joined by newlines.
type copier interface {
	driver.Stmt
	CopyData(ctx context.Context, lines string) (driver.Result, error)
}

// copyIn is one COPY … FROM STDIN after another in text format, into several tables by turns, that takes rows as bytes: no value is boxed on
// its way. It belongs to one goroutine and to the transaction that its connection is in; the driver is spoken to by a goroutine of its own.
type copyIn struct {
	tables []copyTable

	full   chan copyRows
	empty  chan []byte
	failed chan error // gets one value when the sender has ended
	err    error      // the sender's, once it is known
	ended  bool
	abort  atomic.Bool // what was sent will be rolled back
}

// copyTable is a table with rows that wait to be sent. The first is sent in chunks of [copyChunk], the others of [sideChunk].
type copyTable struct {
	query string
	buf   []byte
	rows  int64
}

// copyRows are rows of a table on their way.
type copyRows struct {
	table int
	rows  int64
	text  []byte
}

// withCopy runs fill between the beginning and the end of COPYs on the connection, on which a transaction is open. When
// fill fails the COPY ends too, and the caller rolls back.
func withCopy(ctx context.Context, conn *sqlx.Conn, queries []string, fill func(*copyIn) error) error {
	return conn.Raw(func(raw any) (err error) {
		preparer, ok := raw.(driver.ConnPrepareContext)
		if !ok {
			return fmt.Errorf("couldn't copy through a %T", raw)
		}
		c := newCopyIn(queries)
		go c.send(ctx, preparer)
		if err := fill(c); err != nil {
			c.abort.Store(true)
			return errors.Join(err, c.end())
		}
		return c.finish()
	})
}

func newCopyIn(queries []string) *copyIn {
	c := &copyIn{full: make(chan copyRows, copyChunks), empty: make(chan []byte, copyChunks), failed: make(chan error, 1)}
	for _, q := range queries {
		c.tables = append(c.tables, copyTable{query: q})
	}
	for range copyChunks {
		c.empty <- nil
	}
	return c
}

// send hands chunks to the driver until there are no more. After an error it only empties the queue.
func (c *copyIn) send(ctx context.Context, preparer driver.ConnPrepareContext) {
	var failed error
	var open *copySegment
	for rows := range c.full {
		if failed == nil {
			if open == nil || open.table != rows.table {
				if failed = open.end(c.abort.Load()); failed == nil {
					open, failed = c.begin(ctx, preparer, rows.table)
				}
			}
			if failed == nil {
				failed = open.send(ctx, rows)
			}
			if failed != nil {
				c.failed <- failed
			}
		}
		if rows.table == 0 {
			c.empty <- rows.text[:0] // the driver has copied them
		}
	}
	last := open.end(failed != nil || c.abort.Load())
	if failed == nil {
		c.failed <- last
	}
}

// copySegment is one COPY; nil is none.
type copySegment struct {
	table int
	rows  int64
	sink  copier
}

func (c *copyIn) begin(ctx context.Context, preparer driver.ConnPrepareContext, table int) (*copySegment, error) {
	stmt, err := preparer.PrepareContext(ctx, c.tables[table].query)
	if err != nil {
		return nil, fmt.Errorf("couldn't begin to copy: %w", err)
	}
	sink, ok := stmt.(copier)
	if !ok {
		return nil, errors.Join(fmt.Errorf("couldn't copy through a %T", stmt), stmt.Close())
	}
	return &copySegment{table: table, sink: sink}, nil
}

func (s *copySegment) send(ctx context.Context, rows copyRows) error {
	lines := rows.text[:len(rows.text)-1]                                                               // the driver adds the last newline
	if _, err := s.sink.CopyData(ctx, unsafe.String(unsafe.SliceData(lines), len(lines))); err != nil { //nolint:gosec // G103: the driver copies the bytes before it returns, and nobody writes them meanwhile
		return fmt.Errorf("couldn't copy rows: %w", err)
	}
	s.rows += rows.rows
	return nil
}

// end completes the COPY and compares what was stored with what was sent, unless all of it is to be rolled back.
func (s *copySegment) end(abort bool) (err error) {
	if s == nil {
		return nil
	}
	defer func() { err = errors.Join(err, s.sink.Close()) }()
	if abort {
		return nil
	}
	result, err := s.sink.Exec(nil) // no row: the end
	if err != nil {
		return fmt.Errorf("couldn't store what was copied: %w", err)
	}
	if n, err := result.RowsAffected(); err != nil || n != s.rows {
		return errors.Join(fmt.Errorf("stored %d rows of %d: %w", n, s.rows, errWrote), err)
	}
	return nil
}

// row completes a row of a table, whose last field has no separator behind it.
func (c *copyIn) row(table int) error {
	t := &c.tables[table]
	t.buf = append(t.buf, '\n')
	t.rows++
	limit := copyChunk
	if table > 0 {
		limit = sideChunk
	}
	if len(t.buf) < limit {
		return nil
	}
	return c.flush(table)
}

// flush hands the chunk over. An error of the sender is told at the next chunk.
func (c *copyIn) flush(table int) error {
	t := &c.tables[table]
	if len(t.buf) == 0 {
		return nil
	}
	select {
	case c.err = <-c.failed:
		c.ended = true
		return c.err
	default:
	}
	c.full <- copyRows{table, t.rows, t.buf}
	t.rows = 0
	if table == 0 {
		t.buf = <-c.empty
	} else {
		t.buf = make([]byte, 0, sideChunk+copyChunk)
	}
	return nil
}

// end stops the sender and returns its error.
func (c *copyIn) end() error {
	close(c.full)
	if !c.ended {
		c.err, c.ended = <-c.failed, true
		return c.err
	}
	return nil // told already
}

func (c *copyIn) finish() error {
	for table := range c.tables {
		if err := c.flush(table); err != nil {
			return errors.Join(err, c.end())
		}
	}
	return c.end()
}

// field appends a value and the separator behind it, at most limit bytes of it. What would end a field or a row early is
// escaped, so that no text of a bank can pass for another row; what the database cannot hold is left out.
func field(b, v []byte, limit int) []byte { return append(appendCopyText(b, v, limit), '\t') }

func appendCopyText(b, v []byte, limit int) []byte {
	if len(v) > limit {
		v = v[:limit] // what is left of a letter at the end is left out below
	}
	clean := 0
	for i := 0; i < len(v); i++ {
		c := v[i]
		if c >= 0x20 && c != '\\' && c < utf8.RuneSelf {
			continue
		}
		if c >= utf8.RuneSelf {
			if r, size := utf8.DecodeRune(v[i:]); r != utf8.RuneError || size > 1 {
				i += size - 1
				continue
			}
		}
		b = append(b, v[clean:i]...)
		clean = i + 1
		switch c {
		case '\\':
			b = append(b, '\\', '\\')
		case '\n', '\r', '\t':
			b = append(b, ' ')
		}
	}
	return append(b, v[clean:]...)
}
