package api

import (
	"bufio"
	"context"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/valyala/fasthttp"
)

// streamTime bounds a streamed answer in all; a client that reads nothing is cut after Limits.Write.
const streamTime = 15 * time.Minute

// writeStream lets the response write its own body, in chunks, after the head was sent.
func (s *Server) writeStream(ctx *fasthttp.RequestCtx, resp *response) {
	if ctx.IsHead() {
		return
	}
	conn := ctx.Conn() // ctx itself belongs to the next request when the stream is written
	ctx.Response.ImmediateHeaderFlush = true
	ctx.SetBodyStreamWriter(func(w *bufio.Writer) {
		work, cancel := context.WithTimeout(s.base, streamTime)
		defer cancel()
		err := resp.stream(work, bufio.NewWriterSize(&pushing{conn: conn, w: w, patience: s.cfg.Limits.Write}, 32<<10))
		if err == nil {
			return
		}
		s.cfg.Log.LogAttrs(work, slog.LevelWarn, "an answer was cut", slog.Any("error", err))
		_ = conn.Close() // without its last chunk the client sees that the answer is not whole
	})
}

// pushing writes through to the connection, each time with a deadline of its own.
type pushing struct {
	conn     net.Conn
	w        *bufio.Writer
	patience time.Duration
}

// Write implements io.Writer.
func (p *pushing) Write(b []byte) (int, error) {
	if err := p.conn.SetWriteDeadline(time.Now().Add(p.patience)); err != nil { //nolint:forbidigo // a socket deadline
		return 0, err
	}
	n, err := p.w.Write(b)
	if err != nil {
		return n, err
	}
	return n, p.w.Flush()
}

// streamed answers with a body that is written as it is read.
func streamed(contentType string, stream func(ctx context.Context, w *bufio.Writer) error) *response {
	return &response{status: http.StatusOK, contentType: contentType, stream: stream}
}
