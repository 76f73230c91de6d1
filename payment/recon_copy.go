package payment

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"unicode/utf8"
	"unsafe"

	"github.com/jmoiron/sqlx"
)

// Rows are gathered in chunks before they go to the driver; a goroutine sends one while the next are filled.
const (
	copyChunk  = 60 << 10
	copyChunks = 8
)

// copier is what lib/pq gives for a COPY: rows as text, any number in one call, joined by newlines.
type copier interface {
	driver.Stmt
	CopyData(ctx context.Context, lines string) (driver.Result, error)
}

// copyIn is a COPY … FROM STDIN in text format that takes rows as bytes: no value is boxed on its way. It belongs to one
// goroutine and to the transaction that its connection is in; the driver is spoken to by a goroutine of its own.
type copyIn struct {
	buf  []byte
	rows int64

	full   chan []byte
	empty  chan []byte
	failed chan error // gets one value when the sender has ended
	err    error      // the sender's, once it is known
	ended  bool
}

// withCopy runs fill between the beginning and the end of a COPY on the connection, on which a transaction is open. When
// fill fails the COPY ends too, and the caller rolls back.
func withCopy(ctx context.Context, conn *sqlx.Conn, query string, fill func(*copyIn) error) error {
	return conn.Raw(func(raw any) (err error) {
		preparer, ok := raw.(driver.ConnPrepareContext)
		if !ok {
			return fmt.Errorf("couldn't copy through a %T", raw)
		}
		stmt, err := preparer.PrepareContext(ctx, query)
		if err != nil {
			return fmt.Errorf("couldn't begin to copy: %w", err)
		}
		defer func() { err = errors.Join(err, stmt.Close()) }()
		sink, ok := stmt.(copier)
		if !ok {
			return fmt.Errorf("couldn't copy through a %T", stmt)
		}
		c := newCopyIn()
		go c.send(ctx, sink)
		if err := fill(c); err != nil {
			return errors.Join(err, c.end())
		}
		return c.finish(sink)
	})
}

func newCopyIn() *copyIn {
	c := &copyIn{buf: make([]byte, 0, 2*copyChunk), full: make(chan []byte, copyChunks), empty: make(chan []byte, copyChunks), failed: make(chan error, 1)}
	for range copyChunks {
		c.empty <- make([]byte, 0, 2*copyChunk)
	}
	return c
}

// send hands chunks to the driver until there are no more. After an error it only empties the queue.
func (c *copyIn) send(ctx context.Context, sink copier) {
	var failed error
	for chunk := range c.full {
		if failed == nil {
			lines := chunk[:len(chunk)-1]                                                                     // the driver adds the last newline
			if _, err := sink.CopyData(ctx, unsafe.String(unsafe.SliceData(lines), len(lines))); err != nil { //nolint:gosec // G103: the driver copies the bytes before it returns, and nobody writes them meanwhile
				failed = fmt.Errorf("couldn't copy rows: %w", err)
				c.failed <- failed
			}
		}
		c.empty <- chunk[:0] // the driver has copied them
	}
	if failed == nil {
		c.failed <- nil
	}
}

// row completes a row, whose last field has no separator behind it.
func (c *copyIn) row() error {
	c.buf = append(c.buf, '\n')
	c.rows++
	if len(c.buf) < copyChunk {
		return nil
	}
	return c.flush()
}

// flush hands the chunk over. An error of the sender is told at the next chunk.
func (c *copyIn) flush() error {
	if len(c.buf) == 0 {
		return nil
	}
	select {
	case c.err = <-c.failed:
		c.ended = true
		return c.err
	default:
	}
	c.full <- c.buf
	c.buf = <-c.empty
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

func (c *copyIn) finish(sink copier) error {
	if err := c.flush(); err != nil {
		return errors.Join(err, c.end())
	}
	if err := c.end(); err != nil {
		return err
	}
	result, err := sink.Exec(nil) // no row: the end
	if err != nil {
		return fmt.Errorf("couldn't store what was copied: %w", err)
	}
	if n, err := result.RowsAffected(); err != nil || n != c.rows {
		return errors.Join(fmt.Errorf("stored %d rows of %d: %w", n, c.rows, errWrote), err)
	}
	return nil
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
