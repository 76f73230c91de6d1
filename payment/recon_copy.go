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

// copyChunk is how many bytes of rows are gathered before they go to the driver.
const copyChunk = 60 << 10

// copier is what lib/pq gives for a COPY: rows as text, any number in one call, joined by newlines.
type copier interface {
	driver.Stmt
	CopyData(ctx context.Context, lines string) (driver.Result, error)
}

// copyIn is a COPY … FROM STDIN in text format that takes rows as bytes: no value is boxed on its way. It belongs to one
// goroutine and to the transaction that its connection is in.
type copyIn struct {
	ctx  context.Context //nolint:containedctx // lives as long as one COPY, which is one call
	stmt copier
	buf  []byte
	rows int64
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
		c := &copyIn{ctx: ctx, buf: make([]byte, 0, 2*copyChunk)}
		if c.stmt, ok = stmt.(copier); !ok {
			return fmt.Errorf("couldn't copy through a %T", stmt)
		}
		if err := fill(c); err != nil {
			return err
		}
		return c.finish()
	})
}

// end completes a row, whose last field has no separator behind it.
func (c *copyIn) end() error {
	c.buf = append(c.buf, '\n')
	c.rows++
	if len(c.buf) < copyChunk {
		return nil
	}
	return c.flush()
}

func (c *copyIn) flush() error {
	if len(c.buf) == 0 {
		return nil
	}
	lines := c.buf[:len(c.buf)-1]                                                                         // the driver adds the last newline
	if _, err := c.stmt.CopyData(c.ctx, unsafe.String(unsafe.SliceData(lines), len(lines))); err != nil { //nolint:gosec // G103: the driver copies the bytes before it returns, and nobody writes them meanwhile
		return fmt.Errorf("couldn't copy rows: %w", err)
	}
	c.buf = c.buf[:0] // the driver has copied them
	return nil
}

func (c *copyIn) finish() error {
	if err := c.flush(); err != nil {
		return err
	}
	result, err := c.stmt.Exec(nil) // no row: the end
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
