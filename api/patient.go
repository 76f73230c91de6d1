package api

import (
	"errors"
	"io"
	"net"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
)

// patient reads a body and tells its end from a cut. fasthttp ends a body quietly when the peer goes away after part of its
// Content-Length, or between two chunks: a feed or a statement that lost its tail would pass for a whole one.
type patient struct {
	conn  net.Conn
	from  io.Reader
	left  int           // of Content-Length; -1 for a chunked body
	pause time.Duration // how long the sender may be silent; 0 leaves the deadline of the request
}

func newPatient(ctx *fasthttp.RequestCtx, pause time.Duration) *patient {
	return &patient{conn: ctx.Conn(), from: ctx.RequestBodyStream(), left: ctx.Request.Header.ContentLength(), pause: pause}
}

// Read implements io.Reader.
func (p *patient) Read(b []byte) (int, error) {
	if p.from == nil {
		return 0, io.EOF
	}
	if p.pause > 0 {
		// Wall-clock time, whatever Config.Now says: the kernel compares.
		if err := p.conn.SetReadDeadline(time.Now().Add(p.pause)); err != nil { //nolint:forbidigo // a socket deadline
			return 0, err
		}
	}
	n, err := p.from.Read(b)
	if p.left > 0 {
		p.left -= n
	}
	if errors.Is(err, io.EOF) && p.cut() {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// cut tells whether the body ended before its end. The last chunk of a whole body is in the buffer before the peer's end
// of the connection is asked for; so whoever reached that end while reading chunks was cut.
func (p *patient) cut() bool {
	if p.left >= 0 {
		return p.left > 0
	}
	c, ok := p.conn.(*watched)
	return ok && c.ended.Load()
}

// watched remembers that the peer's half of a connection has ended.
type watched struct {
	net.Conn
	ended atomic.Bool
}

// Read implements net.Conn.
func (c *watched) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if err != nil && n == 0 && errors.Is(err, io.EOF) {
		c.ended.Store(true)
	}
	return n, err
}

// watching makes every accepted connection a watched one.
type watching struct{ net.Listener }

// Accept implements net.Listener.
func (l watching) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &watched{Conn: c}, nil
}
