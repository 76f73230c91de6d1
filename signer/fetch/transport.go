package fetch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"syscall"
	"time"
)

// fetch makes one request and keeps its outcome.
func (c *Client) fetch(ctx context.Context, r Request, key string) *Object {
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return c.failed(r, &Failure{Kind: Timeout, Detail: "too many requests in flight"})
	}
	start := c.cfg.Now()
	o, until := c.ask(ctx, r)
	o.seal()
	now := c.cfg.Now()
	c.metrics.observe(r.Kind, now.Sub(start), o.Failure)
	if o.Failure != nil {
		until = now.Add(c.cfg.FailureKeep)
	} else if limit := now.Add(c.cfg.KeepMax); until.After(limit) {
		until = limit
	}
	if until.After(now) {
		c.cache.put(key, o, until)
	}
	return o
}

func (c *Client) ask(ctx context.Context, r Request) (*Object, time.Time) {
	body, err := c.roundTrip(ctx, r)
	if err != nil {
		return c.failed(r, classify(err)), time.Time{}
	}
	o := &Object{Kind: r.Kind, URL: r.URL, Body: body, At: c.cfg.Now()}
	if r.Check == nil {
		return o, time.Time{}
	}
	checked, err := r.Check(body)
	switch {
	case errors.Is(err, ErrTryLater):
		return c.failed(r, &Failure{Kind: Busy, Detail: err.Error()}), time.Time{}
	case err != nil:
		return c.failed(r, &Failure{Kind: Malformed, Detail: err.Error()}), time.Time{}
	}
	o.Value = checked.Value
	return o, checked.Until
}

func (c *Client) roundTrip(ctx context.Context, r Request) ([]byte, error) {
	u, err := url.Parse(r.URL)
	if err != nil {
		return nil, failing(Forbidden, "the address cannot be read")
	}
	if err := c.allowedURL(u); err != nil {
		return nil, err
	}
	method, payload := http.MethodGet, io.Reader(http.NoBody)
	asks, answers := r.Kind.mediaTypes()
	if asks != "" {
		method, payload = http.MethodPost, bytes.NewReader(r.Body)
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), payload)
	if err != nil {
		return nil, failing(Forbidden, "the address cannot be called")
	}
	req.Header.Set("User-Agent", "qaqpa")
	if asks != "" {
		req.Header.Set("Content-Type", asks)
		req.Header.Set("Accept", answers)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("couldn't ask %s: %w", u.Host, err)
	}
	defer resp.Body.Close() // the body is read or given up
	if resp.StatusCode != http.StatusOK {
		return nil, failing(Status, fmt.Sprintf("HTTP status %d", resp.StatusCode))
	}
	return readLimited(resp, c.bytesMax(r.Kind))
}

// mediaTypes are those of question and answer; empty for what is only got.
func (k Kind) mediaTypes() (asks, answers string) {
	switch k {
	case OCSP:
		return "application/ocsp-request", "application/ocsp-response"
	case TimeStamp:
		return "application/timestamp-query", "application/timestamp-reply"
	case CRL, Certificate:
	}
	return "", ""
}

// readLimited reads a body of at most limit bytes; a length that is announced to be larger is refused unread.
func readLimited(resp *http.Response, limit int64) ([]byte, error) {
	tooLarge := failing(TooLarge, fmt.Sprintf("the answer has more than %d bytes", limit))
	if resp.ContentLength > limit {
		return nil, tooLarge
	}
	var b bytes.Buffer
	if resp.ContentLength > 0 {
		b.Grow(int(resp.ContentLength) + bytes.MinRead)
	}
	n, err := b.ReadFrom(io.LimitReader(resp.Body, limit+1))
	if err != nil {
		return nil, fmt.Errorf("couldn't read the answer: %w", err)
	}
	if n > limit {
		return nil, tooLarge
	}
	return b.Bytes(), nil
}

// classify turns an error of the transport into a Failure; ours keep their kind through its wrapping.
func classify(err error) *Failure {
	if f, ok := errors.AsType[*failureError](err); ok {
		return &f.Failure
	}
	var netErr net.Error
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) || (errors.As(err, &netErr) && netErr.Timeout()) {
		return &Failure{Kind: Timeout, Detail: "no answer in time"}
	}
	return &Failure{Kind: Unreachable, Detail: err.Error()}
}

// controlDial looks at the address after its name was resolved, at the moment of connecting: a name that
// resolves to something else a moment later (DNS rebinding) gains nothing.
func (c *Client) controlDial(_ context.Context, network, address string, _ syscall.RawConn) error {
	if c.cfg.AllowPrivate {
		return nil
	}
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return failing(Forbidden, "the address of "+network+" cannot be read")
	}
	if !public(at.Addr()) {
		return failing(Forbidden, "the host lies in a private network")
	}
	return nil
}

// reserved are ranges that lead into somebody's own network or nowhere (IANA special-purpose registries),
// and translated forms that would hide such an address.
func reserved() []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
		netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("192.88.99.0/24"), netip.MustParsePrefix("198.18.0.0/15"),
		netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("240.0.0.0/4"),
		netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("100::/64"),
		netip.MustParsePrefix("2001::/23"), netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("2002::/16"),
		netip.MustParsePrefix("fec0::/10"), netip.MustParsePrefix("5f00::/16"), netip.MustParsePrefix("3fff::/20"),
	}
}

func public(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	if !a.IsGlobalUnicast() || a.IsPrivate() {
		return false
	}
	for _, p := range reserved() {
		if p.Contains(a) {
			return false
		}
	}
	return true
}
