package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/google/uuid"
)

// ErrNotSent says that a message may not have reached the phone.
var ErrNotSent = errors.New("message was not taken by the SMS gateway")

// SMSConfig of an [SMS].
type SMSConfig struct {
	// URL takes messages: POST of JSON {"id","to","text"}, answered with 2xx.
	URL string
	// Token is sent as bearer, if there is one.
	Token string
	// Timeout bounds a message; 0 means 10 s.
	Timeout time.Duration
}

// SMS hands short texts to the operator's SMS gateway. It follows no redirects, repeats nothing by itself, and neither text nor number
// stands in its errors. Safe for concurrent use.
type SMS struct {
	cfg  SMSConfig
	http *http.Client
}

// NewSMS returns a sender.
func NewSMS(cfg SMSConfig) *SMS {
	if cfg.Timeout == 0 {
		cfg.Timeout = 10 * time.Second
	}
	return &SMS{cfg: cfg, http: &http.Client{
		Timeout:       cfg.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Send hands over one message. Errors wrap [ErrNotSent].
func (s *SMS) Send(ctx context.Context, phone, text string) (err error) {
	body, err := json.Marshal(map[string]string{"id": uuid.NewString(), "to": phone, "text": text})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotSent, err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.cfg.URL, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%w: the address of the gateway is wrong", ErrNotSent)
	}
	request.GetBody = nil // the transport does not send a code twice
	request.Header.Set("Content-Type", "application/json")
	if s.cfg.Token != "" {
		request.Header.Set("Authorization", "Bearer "+s.cfg.Token)
	}
	response, err := s.http.Do(request)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotSent, err)
	}
	defer func() { err = errors.Join(err, response.Body.Close()) }()
	const answerMax = 64 << 10
	_, _ = io.CopyN(io.Discard, response.Body, answerMax) // so that the connection serves again; what it says does not matter
	if response.StatusCode < http.StatusOK || response.StatusCode >= http.StatusMultipleChoices {
		return fmt.Errorf("%w: status %d", ErrNotSent, response.StatusCode)
	}
	return nil
}
