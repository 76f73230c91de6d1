package download

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"

	"qaqpa/signer/revoked"
)

// Errors of Open. They come wrapped; others are of the network.
var (
	// ErrForbidden: the address may not be called.
	ErrForbidden = errors.New("address not allowed")
	// ErrStatus: an HTTP status other than 200, and than 304 where it may be.
	ErrStatus = errors.New("unexpected HTTP status")
)

// Config of a Client. The zero value of a limit means the default.
type Config struct {
	// AllowPrivate permits loopback and private addresses and any port.
	AllowPrivate bool
	// Hosts, when not empty, are the only hosts called; an entry ".pki.gov.kz" stands for all below that name.
	Hosts []string
	// HeaderTimeout bounds the wait for the head of an answer; what follows is bounded by the store. Default 30 s.
	HeaderTimeout time.Duration
	// RedirectsMax bounds redirects. Default 3; negative: none.
	RedirectsMax int
}

// Client is a revoked.Source over HTTP.
type Client struct {
	cfg  Config
	http *http.Client
}

var _ revoked.Source = (*Client)(nil)

// New makes a Client. Close lets its idle connections go.
func New(cfg Config) *Client {
	cfg.HeaderTimeout = cmp.Or(cfg.HeaderTimeout, 30*time.Second)
	cfg.RedirectsMax = cmp.Or(cfg.RedirectsMax, 3)
	c := &Client{cfg: cfg}
	dialer := &net.Dialer{Timeout: 10 * time.Second, ControlContext: c.controlDial}
	c.http = &http.Client{
		CheckRedirect: c.checkRedirect,
		Transport: &http.Transport{
			Proxy:       nil, // a proxy would hide the address that is really called
			DialContext: dialer.DialContext, MaxConnsPerHost: 4, IdleConnTimeout: 30 * time.Second,
			TLSHandshakeTimeout: 10 * time.Second, ResponseHeaderTimeout: cfg.HeaderTimeout,
			MaxResponseHeaderBytes: 16 << 10, DisableCompression: true,
		},
	}
	return c
}

// Close closes idle connections. Downloads under way end with their context.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Open asks for a list; see revoked.Source.
func (c *Client) Open(ctx context.Context, r revoked.Request) (*revoked.Response, error) {
	u, err := url.Parse(r.URL)
	if err != nil {
		return nil, fmt.Errorf("%w: it cannot be read", ErrForbidden)
	}
	if err := c.allowed(u); err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("%w: it cannot be called", ErrForbidden)
	}
	req.Header.Set("User-Agent", "qaqpa")
	req.Header.Set("Accept", "application/pkix-crl, */*;q=0.1")
	conditional := setTags(req.Header, r.Have)
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("couldn't ask %s: %w", u.Host, err)
	}
	switch {
	case resp.StatusCode == http.StatusOK:
		return &revoked.Response{Body: resp.Body, Tags: tagsOf(resp.Header)}, nil
	case resp.StatusCode == http.StatusNotModified && conditional:
		return &revoked.Response{NotModified: true, Tags: r.Have}, closeEmpty(resp)
	}
	return nil, errors.Join(fmt.Errorf("%w: %s says %d", ErrStatus, u.Host, resp.StatusCode), closeEmpty(resp))
}

func closeEmpty(resp *http.Response) error {
	if err := resp.Body.Close(); err != nil {
		return fmt.Errorf("couldn't end the answer: %w", err)
	}
	return nil
}

// setTags makes the request conditional (RFC 9110 13.1). A server that knows entity tags heeds them alone.
func setTags(h http.Header, t revoked.Tags) bool {
	if t.ETag != "" {
		h.Set("If-None-Match", t.ETag)
	}
	if t.LastModified != "" {
		h.Set("If-Modified-Since", t.LastModified)
	}
	return t != revoked.Tags{}
}

func tagsOf(h http.Header) revoked.Tags {
	return revoked.Tags{ETag: opaque(h.Get("ETag")), LastModified: opaque(h.Get("Last-Modified"))}
}

// tagMax bounds what a server makes us store and send back.
const tagMax = 256

// opaque drops what cannot be sent back as it came.
func opaque(tag string) string {
	strange := func(r rune) bool { return r < ' ' || r > '~' }
	if len(tag) > tagMax || strings.ContainsFunc(tag, strange) {
		return ""
	}
	return tag
}

func (c *Client) checkRedirect(req *http.Request, via []*http.Request) error {
	if len(via) > max(c.cfg.RedirectsMax, 0) {
		return fmt.Errorf("%w: too many redirects", ErrStatus)
	}
	return c.allowed(req.URL)
}

// allowed refuses what can be refused before a name is resolved.
func (c *Client) allowed(u *url.URL) error {
	if u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("%w: only http and https are called", ErrForbidden)
	}
	if u.User != nil || u.Hostname() == "" {
		return fmt.Errorf("%w: it names no plain host", ErrForbidden)
	}
	if p := u.Port(); !c.cfg.AllowPrivate && p != "" && p != "80" && p != "443" {
		return fmt.Errorf("%w: only ports 80 and 443 are called", ErrForbidden)
	}
	host := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	if len(c.cfg.Hosts) > 0 && !slices.ContainsFunc(c.cfg.Hosts, func(rule string) bool { return hostMatches(host, strings.ToLower(rule)) }) {
		return fmt.Errorf("%w: %s is not among the hosts to call", ErrForbidden, host)
	}
	return nil
}

func hostMatches(host, rule string) bool {
	return host == rule || strings.HasPrefix(rule, ".") && strings.HasSuffix(host, rule)
}

// controlDial looks at the address after its name was resolved, at the moment of connecting: a name that resolves to
// something else a moment later gains nothing.
func (c *Client) controlDial(_ context.Context, _, address string, _ syscall.RawConn) error {
	if c.cfg.AllowPrivate {
		return nil
	}
	at, err := netip.ParseAddrPort(address)
	if err != nil || !Public(at.Addr()) {
		return fmt.Errorf("%w: %s lies in a private network", ErrForbidden, address)
	}
	return nil
}
