package revoked

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// Source opens lists at their addresses. Package signer/fetch/download has one over HTTP.
type Source interface {
	// Open asks for a list. The body is read to its end or given up, and closed; it ends with an error when ctx does.
	Open(ctx context.Context, r Request) (*Response, error)
}

// Tags are what a server says to recognise a version of a list (RFC 9110 8.8). They are opaque.
type Tags struct {
	ETag         string `json:"etag,omitempty"`
	LastModified string `json:"last_modified,omitempty"`
}

// Request is a question for a list.
type Request struct {
	URL string
	// Have is the version that is known; its list need not be sent again. Zero: none.
	Have Tags
}

// Response is the answer to a Request.
type Response struct {
	// NotModified: the version of Request.Have is still the current one; Body is nil.
	NotModified bool
	Body        io.ReadCloser
	Tags        Tags
}

// errStalled ends a download that takes too long or brings too little.
var errStalled = errors.New("the download stalled")

// paced reads a body and cancels the download when too few octets come: a server that sends one octet at a time must not
// hold a place for long.
type paced struct {
	body   io.Reader
	cancel context.CancelCauseFunc
	every  time.Duration
	least  int64

	mu    sync.Mutex
	timer *time.Timer
	since int64 // octets since the timer was set
}

func newPaced(body io.Reader, cancel context.CancelCauseFunc, every time.Duration, least int64) *paced {
	p := &paced{body: body, cancel: cancel, every: every, least: least}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.timer = time.AfterFunc(every, p.check)
	return p
}

func (p *paced) check() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.timer == nil {
		return
	}
	if p.since < p.least {
		p.cancel(fmt.Errorf("%w: %d octets in %s", errStalled, p.since, p.every))
		return
	}
	p.since = 0
	p.timer.Reset(p.every)
}

func (p *paced) Read(b []byte) (int, error) {
	n, err := p.body.Read(b)
	p.mu.Lock()
	p.since += int64(n)
	p.mu.Unlock()
	return n, err
}

// stop ends the watch. It may be called more than once.
func (p *paced) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.timer != nil {
		p.timer.Stop()
		p.timer = nil
	}
}
