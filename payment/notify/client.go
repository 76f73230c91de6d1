package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"syscall"
	"time"
)

// ErrAddress says that the receiver's address lies inside the operator's network.
var ErrAddress = errors.New("address is not public")

// Config of a [Client].
type Config struct {
	// Timeout bounds a delivery from dialling to the last header; 0 means 15 s.
	Timeout time.Duration
	// AllowPrivate admits loopback and private addresses.
	AllowPrivate bool
}

// Client delivers webhooks. Safe for concurrent use.
type Client struct{ http *http.Client }

// New returns a client.
func New(cfg Config) *Client {
	if cfg.Timeout == 0 {
		cfg.Timeout = 15 * time.Second
	}
	dialer := &net.Dialer{Timeout: cfg.Timeout}
	if !cfg.AllowPrivate {
		dialer.Control = func(_, address string, _ syscall.RawConn) error { return checkAddress(address) }
	}
	return &Client{http: &http.Client{
		Transport: &http.Transport{
			DialContext: dialer.DialContext, MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute,
			TLSHandshakeTimeout: cfg.Timeout, MaxResponseHeaderBytes: 32 << 10, ForceAttemptHTTP2: true,
		},
		Timeout:       cfg.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// checkAddress refuses an address, host:port after resolution, that is not public.
func checkAddress(address string) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %s", ErrAddress, address)
	}
	if ip := at.Addr().Unmap(); !Public(ip) {
		return fmt.Errorf("%w: %s", ErrAddress, ip)
	}
	return nil
}

// Public reports whether an address is one of the public Internet: neither loopback, private, link-local, multicast,
// carrier-grade NAT, documentation, benchmark, reserved, nor an IPv6 form that wraps an IPv4 address.
func Public(ip netip.Addr) bool {
	ip = ip.Unmap()
	if !ip.IsValid() || !ip.IsGlobalUnicast() || ip.IsPrivate() || ip.Zone() != "" {
		return false
	}
	for _, one := range [...]string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15",
		"198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23",
		"2001:db8::/32", "2002::/16", "3fff::/20", "fec0::/10", "::/96",
	} {
		if netip.MustParsePrefix(one).Contains(ip) {
			return false
		}
	}
	return true
}

// Result of one delivery.
type Result struct {
	// Status is the HTTP status; 0 when there was none.
	Status int
	// RetryAfter is the receiver's wish, 0 if none, at most a day.
	RetryAfter time.Duration
	// Err tells why there was no status.
	Err error
}

// Delivered reports whether the receiver has taken the webhook: 2xx. A redirect is a failure.
func (r Result) Delivered() bool { return r.Err == nil && r.Status >= 200 && r.Status < 300 }

// Gone reports whether the receiver wants no more webhooks at this address (410).
func (r Result) Gone() bool { return r.Err == nil && r.Status == http.StatusGone }

// Deliver posts a signed webhook once. What the receiver answers beyond its status is not read into anything.
func (c *Client) Deliver(ctx context.Context, address string, headers http.Header, body []byte) Result {
	const replyMax = 4 << 10
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return Result{Err: fmt.Errorf("couldn't make the request: %w", err)}
	}
	request.Header = headers.Clone()
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "qaqpa-webhooks/1")
	response, err := c.http.Do(request)
	if err != nil {
		return Result{Err: fmt.Errorf("couldn't deliver: %w", err)}
	}
	_, readErr := io.CopyN(io.Discard, response.Body, replyMax)
	closeErr := response.Body.Close()
	if errors.Is(readErr, io.EOF) {
		readErr = nil
	}
	result := Result{Status: response.StatusCode, RetryAfter: retryAfter(response.Header.Get("Retry-After"))}
	if !result.Delivered() {
		return result // the status says all
	}
	if err := errors.Join(readErr, closeErr); err != nil {
		return Result{Err: fmt.Errorf("couldn't read the reply: %w", err)}
	}
	return result
}

func retryAfter(text string) time.Duration {
	const most = 24 * time.Hour
	seconds, err := strconv.ParseInt(text, 10, 32)
	if err != nil || seconds <= 0 {
		return 0
	}
	return min(time.Duration(seconds)*time.Second, most)
}

// DefaultBackoff are the pauses after failed deliveries: seconds first, then over days.
func DefaultBackoff() []time.Duration {
	return []time.Duration{
		5 * time.Second, 30 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour,
		10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
	}
}

// Backoff returns the pause after the given number of failed deliveries, from 1, spread by a factor between 1 and 1.25
// so that receivers which come back are not met by everything at once; ok is false when the schedule is exhausted.
// spread is a random number.
func Backoff(schedule []time.Duration, failures int, wish time.Duration, spread uint64) (pause time.Duration, ok bool) {
	const parts = 1024
	if failures < 1 || failures > len(schedule) {
		return 0, false
	}
	pause = schedule[failures-1]
	pause += pause / 4 * time.Duration(spread%parts) / parts
	return max(pause, wish), true
}
