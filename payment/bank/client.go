package bank

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"time"
)

// ErrNoReply says that the bank's answer did not come whole: the outcome is unknown.
var ErrNoReply = errors.New("no usable reply of the bank")

// Reply is what a bank's server answered.
type Reply struct {
	// Status is the HTTP status.
	Status int
	// Message is the body when it is application/pkcs7-mime, else nil. It is a CMS signature whose signer the caller
	// must check.
	Message []byte
}

// Answered reports whether the bank answered an order with a message: 200. What the message says is another matter.
func (r Reply) Answered() bool { return r.Status == http.StatusOK && r.Message != nil }

// AnsweredLookup reports whether the bank answered a look-up with a message: 200, or 404 for an attempt that it does not
// know.
func (r Reply) AnsweredLookup() bool {
	return (r.Status == http.StatusOK || r.Status == http.StatusNotFound) && r.Message != nil
}

// Config of a [Client].
type Config struct {
	// Timeout bounds a whole call, from dialling to the last byte; 0 means 10 s.
	Timeout time.Duration
	// ReplyMax bounds the reply in bytes; 0 means 256 KiB.
	ReplyMax int64
	// Transport carries the requests; nil means a new http.Transport without proxies.
	Transport http.RoundTripper
}

// Client carries messages to banks over HTTP. It follows no redirects: a bank's address is registered, and an order
// sent elsewhere could be executed elsewhere. Safe for concurrent use.
type Client struct {
	http     *http.Client
	replyMax int64
}

// New returns a client.
func New(cfg Config) *Client {
	if cfg.Timeout == 0 {
		cfg.Timeout = 10 * time.Second
	}
	if cfg.ReplyMax == 0 {
		cfg.ReplyMax = 256 << 10
	}
	if cfg.Transport == nil {
		cfg.Transport = &http.Transport{
			MaxIdleConnsPerHost: 16, IdleConnTimeout: time.Minute, TLSHandshakeTimeout: cfg.Timeout,
			MaxResponseHeaderBytes: 64 << 10, ForceAttemptHTTP2: true,
		}
	}
	return &Client{replyMax: cfg.ReplyMax, http: &http.Client{
		Transport:     cfg.Transport,
		Timeout:       cfg.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Pay posts a sealed order to the bank's /payments. An error wraps [ErrNoReply] and leaves the outcome unknown: the
// bank may have executed the payment.
func (c *Client) Pay(ctx context.Context, bankURL string, message []byte) (Reply, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, bankURL+"/payments", bytes.NewReader(message))
	if err != nil {
		return Reply{}, fmt.Errorf("%w: %w", ErrNoReply, err)
	}
	// A payment is never repeated by the transport on its own; the caller decides.
	request.GetBody = nil
	request.Header.Set("Content-Type", ContentType)
	return c.do(request)
}

// Lookup asks the bank's /payments/{attempt} what became of an attempt.
func (c *Client) Lookup(ctx context.Context, bankURL, attempt string) (Reply, error) {
	address := bankURL + "/payments/" + url.PathEscape(attempt)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return Reply{}, fmt.Errorf("%w: %w", ErrNoReply, err)
	}
	return c.do(request)
}

func (c *Client) do(request *http.Request) (reply Reply, err error) {
	request.Header.Set("Accept", ContentType)
	response, err := c.http.Do(request)
	if err != nil {
		return Reply{}, fmt.Errorf("%w: %w", ErrNoReply, err)
	}
	defer func() { err = errors.Join(err, response.Body.Close()) }()
	reply.Status = response.StatusCode
	if mediaType, _, err := mime.ParseMediaType(response.Header.Get("Content-Type")); err != nil || mediaType != ContentType {
		return reply, nil
	}
	message, err := io.ReadAll(io.LimitReader(response.Body, c.replyMax+1))
	if err != nil {
		return Reply{}, fmt.Errorf("%w: %w", ErrNoReply, err)
	}
	if int64(len(message)) > c.replyMax {
		return Reply{}, fmt.Errorf("%w: larger than %d bytes", ErrNoReply, c.replyMax)
	}
	reply.Message = message
	return reply, nil
}
