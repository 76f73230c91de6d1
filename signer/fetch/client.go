package fetch

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/singleflight"
)

// ErrTryLater is wrapped by a Check for an answer that is well-formed but asks to come again, such as OCSP tryLater.
var ErrTryLater = errors.New("the service asks to try later")

// Config of a Client. The zero value of a limit means the default.
type Config struct {
	// AllowPrivate permits loopback and private addresses and any port: for test environments and for services that
	// stand in the same network as the gateway.
	AllowPrivate bool
	// Hosts, when not empty, are the only hosts called; an entry ".pki.gov.kz" stands for all below that name.
	Hosts []string
	// Timeout bounds one request with its redirects. Default 10 s.
	Timeout time.Duration
	// OCSPBytesMax (time stamps too), CRLBytesMax, CertificateBytesMax bound an answer. Defaults 64 KiB, 64 MiB (the national CRL has some
	// 21 MB), 256 KiB.
	OCSPBytesMax, CRLBytesMax, CertificateBytesMax int64
	// RedirectsMax bounds redirects. Default 3; negative: none.
	RedirectsMax int
	// CacheBytesMax bounds the bodies kept. Default 256 MiB.
	CacheBytesMax int64
	// KeepMax bounds how long an answer is used again, however late its nextUpdate. Default 24 h.
	KeepMax time.Duration
	// FailureKeep is how long a failure stands before the address is tried again. Default 10 s; negative: not at all.
	FailureKeep time.Duration
	// InFlightMax bounds requests at one time. Default 64.
	InFlightMax int
	// Now is the clock; obligatory.
	Now func() time.Time
	// Registerer takes the metrics; nil: none.
	Registerer prometheus.Registerer
}

// Client fetches evidence.
type Client struct {
	cfg     Config
	http    *http.Client
	cache   *cache
	flights singleflight.Group
	slots   chan struct{}
	metrics *metrics
}

func (c *Config) defaults() {
	setDefault(&c.Timeout, 10*time.Second)
	setDefault(&c.OCSPBytesMax, 64<<10)
	setDefault(&c.CRLBytesMax, 64<<20)
	setDefault(&c.CertificateBytesMax, 256<<10)
	setDefault(&c.RedirectsMax, 3)
	setDefault(&c.CacheBytesMax, 256<<20)
	setDefault(&c.KeepMax, 24*time.Hour)
	setDefault(&c.FailureKeep, 10*time.Second)
	setDefault(&c.InFlightMax, 64)
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// New makes a Client. Close lets its idle connections go.
func New(cfg Config) (*Client, error) {
	if cfg.Now == nil {
		return nil, errors.New("fetch: Config.Now is missing")
	}
	cfg.defaults()
	m, err := newMetrics(cfg.Registerer)
	if err != nil {
		return nil, err
	}
	c := &Client{cfg: cfg, cache: newCache(cfg.CacheBytesMax), slots: make(chan struct{}, cfg.InFlightMax), metrics: m}
	dialer := &net.Dialer{Timeout: min(cfg.Timeout, 5*time.Second), ControlContext: c.controlDial}
	c.http = &http.Client{
		CheckRedirect: c.checkRedirect,
		Transport: &http.Transport{
			Proxy:       nil, // a proxy would hide the address that is really called
			DialContext: dialer.DialContext, MaxIdleConnsPerHost: 8, MaxConnsPerHost: cfg.InFlightMax,
			IdleConnTimeout: 30 * time.Second, TLSHandshakeTimeout: 5 * time.Second,
			MaxResponseHeaderBytes: 16 << 10, DisableCompression: true,
		},
	}
	return c, nil
}

// Close closes idle connections. Requests in flight end by themselves.
func (c *Client) Close() { c.http.CloseIdleConnections() }

func (c *Client) checkRedirect(req *http.Request, via []*http.Request) error {
	if len(via) > max(c.cfg.RedirectsMax, 0) {
		return failing(Status, "too many redirects")
	}
	return c.allowedURL(req.URL)
}

// allowedURL refuses what can be refused before a name is resolved.
func (c *Client) allowedURL(u *url.URL) error {
	forbid := func(detail string) error { return failing(Forbidden, detail) }
	if u.Scheme != "http" && u.Scheme != "https" {
		return forbid("only http and https are called")
	}
	if u.User != nil || u.Hostname() == "" {
		return forbid("the address names no plain host")
	}
	if p := u.Port(); !c.cfg.AllowPrivate && p != "" && p != "80" && p != "443" {
		return forbid("only ports 80 and 443 are called")
	}
	host := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	if len(c.cfg.Hosts) > 0 && !slices.ContainsFunc(c.cfg.Hosts, func(h string) bool { return hostMatches(host, h) }) {
		return forbid("the host is not in the list of those to call")
	}
	return nil
}

func hostMatches(host, rule string) bool {
	if strings.HasPrefix(rule, ".") {
		return strings.HasSuffix(host, strings.ToLower(rule))
	}
	return host == strings.ToLower(rule)
}

// bytesMax is the limit of a kind.
func (c *Client) bytesMax(k Kind) int64 {
	switch k {
	case OCSP, TimeStamp:
		return c.cfg.OCSPBytesMax
	case CRL:
		return c.cfg.CRLBytesMax
	case Certificate:
		return c.cfg.CertificateBytesMax
	default:
		return c.cfg.CertificateBytesMax
	}
}

// Cached returns what Do would take from the cache, or nil. It asks nobody.
func (c *Client) Cached(r Request) *Object { return c.CachedAs(r.Name()) }

// CachedAs is Cached for a request of which the name is at hand.
func (c *Client) CachedAs(name string) *Object { return c.cache.get(name, c.cfg.Now()) }

// Do fetches, or takes from the cache, what r asks for. It never returns nil. When ctx ends first, the object is a failure
// of kind Timeout; the request itself goes on for others who wait, within Config.Timeout.
func (c *Client) Do(ctx context.Context, r Request) *Object {
	key := r.Name()
	if o := c.cache.get(key, c.cfg.Now()); o != nil {
		c.metrics.count(r.Kind, "cached")
		return o
	}
	flight := c.flights.DoChan(key, func() (any, error) {
		// Waiters come and go; the request belongs to all of them and ends by its own time limit.
		own, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.cfg.Timeout)
		defer cancel()
		return c.fetch(own, r, key), nil
	})
	select {
	case res := <-flight:
		if o, ok := res.Val.(*Object); ok {
			return o
		}
		return c.failed(r, &Failure{Kind: Unreachable, Detail: "the request was lost"})
	case <-ctx.Done():
		return c.failed(r, &Failure{Kind: Timeout, Detail: "the caller's time ended"})
	}
}

func (c *Client) failed(r Request, f *Failure) *Object {
	return &Object{Kind: r.Kind, URL: r.URL, At: c.cfg.Now(), Failure: f}
}

// Discard forgets an object that later turned out not to be usable, for instance because its signature does not hold, so
// that the next request asks again. It does nothing when the cache has moved on.
func (c *Client) Discard(r Request, o *Object) { c.cache.remove(r.Name(), o) }
