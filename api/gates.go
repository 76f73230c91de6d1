package api

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"qaqpa/api/auth"

	"golang.org/x/sync/semaphore"
)

// incoming is a body that was not read yet.
type incoming struct {
	length int // Content-Length; -1 chunked, -2 none
	read   func(limit int) ([]byte, error)
	spool  func(w io.Writer, limit int64) error
	open   func(limit int64) io.Reader
	lines  func() io.Reader
}

// free is the size up to which a body takes nothing of the shared budget: fasthttp has it in its buffers anyway.
const free = 8 << 10

// bodyCopies is how often a body is in memory: as it came, and decoded from base64 or a form.
const bodyCopies = 2

// answer takes a request through the gates of its operation to the endpoint. It always returns a response.
func (s *Server) answer(ctx context.Context, rt *route, r *request, in incoming) (resp *response) {
	release := func() {}
	resp, err := func() (*response, error) {
		if err := s.admit(ctx, rt, r); err != nil {
			return nil, err
		}
		var err error
		if release, err = s.receive(ctx, rt, r, in); err != nil {
			return nil, err
		}
		if err := r.checkDigest(); err != nil {
			return nil, err
		}
		if rt.idempotent {
			if err := idempotency(r); err != nil {
				return nil, err
			}
		}
		return rt.serve(ctx, r)
	}()
	release()
	defer func() { r.quota.tell(resp) }()
	if rt.secret {
		clear(r.body)
	}
	if err != nil && rt.shape != nil {
		return rt.shape(r, err)
	}
	if err != nil && rt.forPeople {
		page := s.problemPage
		if rt.refused != nil {
			page = rt.refused
		}
		resp, err = page(r, err)
	}
	if err != nil {
		return s.problemResponse(err, r.id, s.languageOf(r))
	}
	return conditional(r, resp)
}

// admit decides from the head of the request alone: key, scope, path, query, Accept, rate.
func (s *Server) admit(ctx context.Context, rt *route, r *request) error {
	if err := s.identify(ctx, rt, r); err != nil {
		return err
	}
	for _, p := range r.params {
		// Ids of ours are plain; what is not cannot exist, and must not reach SQL.
		if len(p.value) > 80 || !plain(p.value) {
			return refuse(codeNotOwn)
		}
	}
	for i, p := range r.query {
		if !slices.Contains(rt.args, p.name) || slices.ContainsFunc(r.query[:i], func(q param) bool { return q.name == p.name }) ||
			len(p.value) > 200 || !text(p.value) {
			return refuse(codeQuery).of(clip(p.name))
		}
	}
	if r.wants = rt.produces; r.accept != "" {
		offers := append([]string{rt.produces}, rt.offers...)
		if r.wants = preferred(r.accept, offers...); r.wants == "" {
			return refuse(codeNotAcceptable).of("Accept").explain(strings.Join(offers, ", "))
		}
	}
	if rt.ownForm {
		if err := s.ownOrigin(r); err != nil {
			return err
		}
	}
	rate := s.public
	if rt.rate != nil {
		rate = rt.rate
	}
	if rt.scope == "" && !r.caller.Known() && rt.limited && !rate.allow(r.remote, s.cfg.Now()) {
		return refuse(codeTooMany).after(time.Minute / 2)
	}
	return nil
}

// identify finds out who calls. Operations open to everybody look at a key only if one is shown and of use to them.
func (s *Server) identify(ctx context.Context, rt *route, r *request) error {
	if !rt.anyScope && rt.scope == "" && (!rt.mayIdentify || (r.token == "" && r.head == nil)) {
		return nil
	}
	caller, err := s.authenticate(ctx, r)
	if err != nil {
		return err
	}
	r.caller = caller
	if err := s.quotas.take(r, s.cfg.Now()); err != nil || rt.anyScope {
		return err
	}
	need := rt.scope
	if need == "" {
		need = auth.ValidationsWrite
	}
	if !caller.Allows(need) {
		return refuse(codeScope).explain(string(need))
	}
	return nil
}

// receive reads the body within the limits of the operation and of the budget that all share. The function it returns
// gives the memory back; it is never nil.
func (s *Server) receive(ctx context.Context, rt *route, r *request, in incoming) (func(), error) {
	nothing := func() {}
	if rt.bodyMax == 0 {
		if in.length > 0 || in.length == -1 {
			return nothing, refuse(codeBodyUnexpected)
		}
		return nothing, nil
	}
	if in.length == 0 || in.length == -2 {
		if rt.bodyOptional {
			return nothing, nil
		}
		return nothing, refuse(codeBodyEmpty)
	}
	if err := rt.takes(r); err != nil {
		return nothing, err
	}
	if rt.streamed && r.media.name == typeForm {
		return s.openStream(ctx, r, in)
	}
	size := in.length
	if size < 0 {
		size = rt.bodyMax
	}
	if size > rt.bodyMax {
		return nothing, refuse(codeBodyTooLarge)
	}
	if rt.byLine && r.digests == nil {
		r.lines = in.lines()
		return nothing, nil
	}
	if rt.spooled || rt.byLine { // lines under a signature take effect only when all of them are known to be the signer's
		var release func()
		var err error
		r.file, release, err = spool(in.spool, int64(rt.bodyMax))
		return release, err
	}
	release, err := s.reserve(ctx, size, max(rt.copies, bodyCopies))
	if err != nil {
		return nothing, err
	}
	if r.body, err = in.read(rt.bodyMax); err == nil && len(r.body) == 0 {
		err = refuse(codeBodyEmpty)
	}
	return release, err
}

// reserve takes memory for a body and its copies from the shared budget, waiting a little for others to finish.
func (s *Server) reserve(ctx context.Context, size, copies int) (func(), error) {
	if size <= free {
		return func() {}, nil
	}
	cost := int64(size) * int64(copies)
	if err := acquire(ctx, s.memory, cost, 2*time.Second); err != nil {
		return func() {}, refuse(codeBusy).because(err).after(2 * time.Second)
	}
	return func() { s.memory.Release(cost) }, nil
}

// acquire takes what is free, or waits for it.
func acquire(ctx context.Context, from *semaphore.Weighted, n int64, patience time.Duration) error {
	if from.TryAcquire(n) {
		return nil
	}
	wait, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return from.Acquire(wait, n)
}

// takes checks the media type of the body.
func (rt *route) takes(r *request) error {
	if r.encoding == "" && slices.Contains(rt.consumes, r.contentType) { // as most write it: nothing to parse
		r.media = mediaType{name: r.contentType}
		return nil
	}
	media, ok := readMediaType(r.contentType)
	if !ok || !slices.Contains(rt.consumes, media.name) {
		return refuse(codeMediaType).of("Content-Type").explain(strings.Join(rt.consumes, ", "))
	}
	if r.encoding != "" && !strings.EqualFold(r.encoding, "identity") {
		return refuse(codeMediaType).of("Content-Encoding").explain("identity")
	}
	r.media = media
	return nil
}

// conditional turns a response into 304 when the client has it already.
func conditional(r *request, resp *response) *response {
	tag := find(resp.headers, "ETag")
	if tag == "" || r.ifNoneMatch == "" || resp.status != http.StatusOK || !matchesETag(r.ifNoneMatch, tag) {
		return resp
	}
	return &response{status: http.StatusNotModified, headers: resp.headers}
}

// clip keeps names that clients choose short and clean in answers.
func clip(name string) string {
	if len(name) > 64 || !plain(name) {
		return "?"
	}
	return name
}
