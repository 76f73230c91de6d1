package api

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/fasthttp/router"
	"github.com/google/uuid"
	"github.com/valyala/fasthttp"
)

// This file, body.go and server.go are all of the gateway that knows fasthttp.

// newFront makes the fasthttp server around a handler, with every limit set but that of connections of one address: it would put a
// connection of its own around ours, and with it hide the certificate that a client has proved (clientKey) and the cut of a body
// (patient); behind a proxy it counts nothing.
func newFront(s *Server) *fasthttp.Server {
	l := s.cfg.Limits
	return &fasthttp.Server{
		Handler:            s.serve,
		ErrorHandler:       s.unreadable,
		Name:               "qaqpa",
		Concurrency:        l.Connections,
		ReadBufferSize:     l.HeaderBytes,
		WriteBufferSize:    writeBuffer,
		ReadTimeout:        l.Read,
		WriteTimeout:       l.Write,
		IdleTimeout:        l.Idle,
		MaxRequestBodySize: l.documentBody(),
		TCPKeepalive:       true,
		CloseOnShutdown:    true,
		// Bodies are read by readBody, after the gates: see doc.go.
		StreamRequestBody:            true,
		DisablePreParseMultipartForm: true,
		NoDefaultContentType:         true,
		SecureErrorLogMessage:        true,
		Logger:                       quiet{},
	}
}

// writeBuffer holds head and body of most answers, a verdict's among them, so that they leave in one call of the kernel.
const writeBuffer = 8 << 10

// quiet drops fasthttp's own lines: it writes about broken connections only, with addresses in them.
type quiet struct{}

// Printf drops the line.
func (quiet) Printf(string, ...any) {}

// newRouter hangs the table of operations into fasthttp's router. GET operations answer HEAD as well.
func newRouter(s *Server, table []route) *router.Router {
	r := router.New()
	// Redirects on a slash or on letter case lose the body of a POST and break what a client signed.
	r.RedirectTrailingSlash, r.RedirectFixedPath = false, false
	r.HandleMethodNotAllowed, r.HandleOPTIONS = true, true
	r.NotFound = s.outside(codeRouteUnknown)
	r.MethodNotAllowed = s.outside(codeMethod)
	r.GlobalOPTIONS = func(ctx *fasthttp.RequestCtx) { ctx.SetStatusCode(http.StatusNoContent) }
	r.SaveMatchedRoutePath = true
	for i := range table {
		h := s.inside(&table[i])
		r.Handle(table[i].method, table[i].path, h)
		if table[i].method == http.MethodGet {
			r.Handle(http.MethodHead, table[i].path, h)
		}
	}
	return r
}

// unmatched is the metrics label of requests outside the table.
const unmatched = "unmatched"

// serve is the outermost handler. A panic is a defect; it must not take the process and everybody's payments with it.
func (s *Server) serve(ctx *fasthttp.RequestCtx) {
	start := s.cfg.Now()
	id := requestID(ctx)
	ctx.SetUserValue(keyID, id)
	defer func() {
		if v := recover(); v != nil {
			s.logPanic(id, v)
			ctx.Response.Reset()
			ctx.SetConnectionClose()
			s.write(ctx, s.problemResponse(refuse(codeInternal), id, s.languageOfHeader(ctx)))
		}
		s.finish(ctx, start)
	}()
	s.metrics.inFlight.Inc()
	defer s.metrics.inFlight.Dec()
	s.router(ctx)
}

// Keys of user values; the router's parameters are there too, by name.
const (
	keyID     = "\x00id"
	keyActor  = "\x00actor"
	keyResult = "\x00result"
)

// finish closes connections whose body was not read, and counts and logs the request.
func (s *Server) finish(ctx *fasthttp.RequestCtx, start time.Time) {
	if !drained(ctx) {
		ctx.SetConnectionClose()
	}
	template, ok := ctx.UserValue(router.MatchedRoutePathParam).(string)
	if !ok {
		template = unmatched
	}
	id, _ := ctx.UserValue(keyID).(string)
	actor, _ := ctx.UserValue(keyActor).(string)
	resp, _ := ctx.UserValue(keyResult).(*response)
	sent := 0
	if !ctx.Response.IsBodyStream() { // a stream has not begun yet, and asking for its length would swallow it
		sent = len(ctx.Response.Body())
	}
	s.observe(line{
		id: id, actor: actor, method: methodLabel(string(ctx.Method())), route: template, status: ctx.Response.StatusCode(),
		seconds: s.cfg.Now().Sub(start).Seconds(), sent: sent, response: resp,
	})
}

// Draining what a refused client still sends lets it read the refusal instead of a reset connection.
const (
	drainBytes = 1 << 20
	drainTime  = 2 * time.Second
)

// drained reads the rest of the body, within limits, and reports whether it reached the end.
func drained(ctx *fasthttp.RequestCtx) bool {
	stream := ctx.RequestBodyStream()
	if stream == nil {
		return true
	}
	var one [1]byte
	if _, err := stream.Read(one[:]); err != nil {
		return errors.Is(err, io.EOF) // any other error: nobody is sending any more
	}
	drain(ctx.Conn(), stream)
	return false
}

// drain reads on for a while; what it reads does not matter, nor how it ends.
func drain(c net.Conn, from io.Reader) {
	if c == nil {
		return
	}
	// Wall-clock time, whatever Config.Now says: the kernel compares.
	if err := c.SetReadDeadline(time.Now().Add(drainTime)); err != nil { //nolint:forbidigo // a socket deadline
		return
	}
	_, _ = io.CopyN(io.Discard, from, drainBytes)
}

// outside answers requests that no operation matches.
func (s *Server) outside(c code) fasthttp.RequestHandler {
	return func(ctx *fasthttp.RequestCtx) {
		p := refuse(c)
		p.allow = string(ctx.Response.Header.Peek("Allow"))
		id, _ := ctx.UserValue(keyID).(string)
		s.write(ctx, s.problemResponse(p, id, s.languageOfHeader(ctx)))
	}
}

// inside answers requests of one operation.
func (s *Server) inside(rt *route) fasthttp.RequestHandler {
	return func(ctx *fasthttp.RequestCtx) {
		r := s.copyRequest(ctx)
		// The body is read when a gate asks for it, see gates.go.
		read := func(limit int) ([]byte, error) { return readBody(ctx, limit) }
		work := withLapse(s.base, s.cfg.Limits.Request)
		defer work.end()
		resp := s.answer(work, rt, r, incoming{
			length: ctx.Request.Header.ContentLength(), read: read,
			spool: func(w io.Writer, limit int64) error { return spoolBody(ctx, w, limit) },
			open:  func(limit int64) io.Reader { return s.paced(ctx, limit) },
			lines: func() io.Reader { return newPatient(ctx, spoolPause) },
		})
		ctx.SetUserValue(keyActor, r.caller.Actor())
		s.write(ctx, resp)
	}
}

// copyRequest takes what handlers may see out of fasthttp's buffers, which belong to the next request soon.
func (s *Server) copyRequest(ctx *fasthttp.RequestCtx) *request {
	h := &ctx.Request.Header
	id, _ := ctx.UserValue(keyID).(string)
	r := &request{
		id:          id,
		method:      string(h.Method()),
		path:        string(ctx.URI().PathOriginal()),
		contentType: string(h.ContentType()),
		accept:      string(h.Peek("Accept")),
		lang:        string(h.Peek("Accept-Language")),
		gzip:        takesGzip(string(h.Peek("Accept-Encoding"))),
		ifNoneMatch: string(h.Peek("If-None-Match")),
		encoding:    string(h.ContentEncoding()),
		remote:      s.remote(ctx),
		clientKey:   clientKey(ctx.Conn()),
		origin:      string(h.Peek("Origin")),
		fetchSite:   string(h.Peek("Sec-Fetch-Site")),
	}
	if len(h.Peek("Cookie")) > 0 {
		r.cookies = s.cookiesOf(h)
	}
	if scheme, token, ok := strings.Cut(string(h.Peek("Authorization")), " "); ok && strings.EqualFold(scheme, "Bearer") {
		r.token = strings.TrimSpace(token)
	}
	if len(h.Peek("Signature-Input")) > 0 {
		r.head = s.signedHead(ctx)
	}
	for _, v := range h.PeekAll("Idempotency-Key") {
		r.idemKeys = append(r.idemKeys, string(v))
	}
	for k, v := range ctx.QueryArgs().All() {
		r.query = append(r.query, param{string(k), string(v)})
	}
	ctx.VisitUserValues(func(k []byte, v any) {
		if value, ok := v.(string); ok && k[0] != 0 && string(k) != router.MatchedRoutePathParam {
			r.params = append(r.params, param{string(k), value})
		}
	})
	return r
}

func (s *Server) cookiesOf(h *fasthttp.RequestHeader) (cookies []param) {
	for _, name := range cookieNames() {
		if v := h.Cookie(s.cookieName(name)); len(v) > 0 {
			cookies = append(cookies, param{name, string(v)})
		}
	}
	return cookies
}

// remote is the client's address: the peer's, or the one that the last trusted proxy saw.
func (s *Server) remote(ctx *fasthttp.RequestCtx) netip.Addr {
	addr, ok := netip.AddrFromSlice(ctx.RemoteIP())
	if !ok {
		return netip.IPv4Unspecified()
	}
	addr = addr.Unmap()
	if !s.trusts(addr) {
		return addr
	}
	hops := strings.Split(string(bytes.Join(ctx.Request.Header.PeekAll("X-Forwarded-For"), []byte(","))), ",")
	for i := len(hops) - 1; i >= 0 && s.trusts(addr); i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		addr = hop.Unmap()
	}
	return addr
}

func (s *Server) trusts(a netip.Addr) bool {
	for _, p := range s.cfg.TrustedProxies {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// unreadable answers what is no HTTP request, or came too slowly.
func (s *Server) unreadable(ctx *fasthttp.RequestCtx, err error) {
	c := codeHTTPMalformed
	var small *fasthttp.ErrSmallBuffer
	var network net.Error
	switch {
	case errors.As(err, &small):
		c = codeHeadersTooLong
		drain(ctx.Conn(), ctx.Conn())
	case errors.Is(err, fasthttp.ErrBodyTooLarge):
		c = codeBodyTooLarge
	case errors.As(err, &network) && network.Timeout():
		c = codeTimeout
	}
	ctx.Response.Reset()
	resp := s.problemResponse(refuse(c).because(err), newID(), s.languageOfHeader(ctx))
	s.write(ctx, resp)
	s.metrics.requests.WithLabelValues(unmatched, methodLabel(""), statusLabel(resp.status)).Inc()
}

// languageOfHeader is languageOf for a request that was not copied.
func (s *Server) languageOfHeader(ctx *fasthttp.RequestCtx) langTag {
	return s.languageOf(&request{lang: string(ctx.Request.Header.Peek("Accept-Language"))})
}

// write hands a response to fasthttp. The body is not copied: nobody changes it after this.
func (s *Server) write(ctx *fasthttp.RequestCtx, resp *response) {
	ctx.SetUserValue(keyResult, resp)
	h := &ctx.Response.Header
	ctx.SetStatusCode(resp.status)
	if resp.contentType != "" {
		h.SetContentType(resp.contentType)
	}
	for _, p := range securityHeaders(resp.contentType) {
		h.SetCanonical(p.name, p.value)
	}
	for _, p := range resp.headers {
		if p.name == "Set-Cookie" {
			h.Add(p.name, p.value)
			continue
		}
		h.Set(p.name, p.value)
	}
	if id, ok := ctx.UserValue(keyID).(string); ok {
		h.Set("X-Request-Id", id)
	}
	if resp.stream != nil {
		s.writeStream(ctx, resp)
		return
	}
	if resp.lent != nil { // copied into fasthttp's own buffer, which goes from answer to answer, and so does ours
		ctx.Response.SetBody(resp.body)
		s.buffers.giveBack(resp)
		return
	}
	ctx.Response.SetBodyRaw(resp.body)
}

// requestID takes the caller's X-Request-Id when it is harmless, or makes one.
func requestID(ctx *fasthttp.RequestCtx) string {
	v := ctx.Request.Header.Peek("X-Request-Id")
	if len(v) < 8 || len(v) > 64 || !plain(string(v)) {
		return newID()
	}
	return string(v)
}

func newID() string {
	id, err := uuid.NewV7()
	if err != nil {
		return "00000000-0000-0000-0000-000000000000"
	}
	return id.String()
}

// plain reports whether s has only letters, digits, '.', '_' and '-': safe in paths, logs, SQL text and headers.
func plain(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '.' && c != '_' && c != '-' {
			return false
		}
	}
	return s != ""
}

// text reports whether s is UTF-8 that PostgreSQL can store.
func text(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }
