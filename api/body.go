package api

import (
	"errors"
	"io"
	"net"
	"time"

	"github.com/valyala/fasthttp"
)

// readBody reads the whole body into memory of its own, at most limit bytes.
func readBody(ctx *fasthttp.RequestCtx, limit int) ([]byte, error) {
	length := ctx.Request.Header.ContentLength()
	if length == 0 || ctx.RequestBodyStream() == nil {
		return nil, nil
	}
	if length > limit {
		return nil, refuse(codeBodyTooLarge)
	}
	stream := newPatient(ctx, 0)
	if length > 0 {
		body := make([]byte, length)
		if _, err := io.ReadFull(stream, body); err != nil {
			return nil, bodyError(err)
		}
		return body, nil
	}
	body, err := io.ReadAll(io.LimitReader(stream, int64(limit)+1)) // chunked
	if err != nil {
		return nil, bodyError(err)
	}
	if len(body) > limit {
		return nil, refuse(codeBodyTooLarge)
	}
	return body, nil
}

// spoolBody copies the body, at most limit bytes. The sender may take as long as a large file needs, but is not silent for longer
// than spoolPause.
func spoolBody(ctx *fasthttp.RequestCtx, w io.Writer, limit int64) error {
	n, err := io.Copy(w, io.LimitReader(newPatient(ctx, spoolPause), limit+1))
	if err != nil {
		return bodyError(err)
	}
	if n > limit {
		return refuse(codeBodyTooLarge)
	}
	return nil
}

func bodyError(err error) error {
	var network net.Error
	if errors.As(err, &network) && network.Timeout() {
		return refuse(codeTimeout).because(err)
	}
	return refuse(codeBodyCut).because(err)
}

// pacedReader reads a body as long as its sender keeps up.
type pacedReader struct {
	s     *Server
	conn  net.Conn
	from  io.Reader
	start time.Time
	read  int64 // so far
	look  int64 // the count at which the time is looked at next
	limit int64
}

// paced reads the body of a request. Its errors are refusals: body_too_large, request_timeout, body_incomplete.
func (s *Server) paced(ctx *fasthttp.RequestCtx, limit int64) io.Reader {
	return &pacedReader{s: s, conn: ctx.Conn(), from: newPatient(ctx, 0), limit: limit, start: time.Now()} //nolint:forbidigo // a socket deadline
}

// Read implements io.Reader.
func (p *pacedReader) Read(b []byte) (int, error) {
	if p.read >= p.look {
		if err := p.renew(); err != nil {
			return 0, err
		}
	}
	n, err := p.from.Read(b)
	p.read += int64(n)
	switch {
	case p.read > p.limit:
		return 0, refuse(codeBodyTooLarge)
	case err != nil && !errors.Is(err, io.EOF):
		return n, bodyError(err)
	}
	return n, err
}

// renew sets until when the next octets have to be here: never later than the pace allows, nor after a long silence.
func (p *pacedReader) renew() error {
	if err := p.s.base.Err(); err != nil {
		return bodyError(err)
	}
	p.look = p.read + streamStep
	grace := p.s.cfg.Limits.Read
	// Wall-clock time, whatever Config.Now says: the kernel compares.
	deadline := time.Now().Add(grace) //nolint:forbidigo // a socket deadline
	if last := p.start.Add(grace + time.Duration(p.look/streamPace)*time.Second); last.Before(deadline) {
		deadline = last
	}
	if err := p.conn.SetReadDeadline(deadline); err != nil {
		return bodyError(err)
	}
	return nil
}
