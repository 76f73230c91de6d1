//go:build !release

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/google/uuid"
)

// client is one caller of the gateway's HTTP interface; what it sends and gets is told.
type client struct {
	world *world
	who   string
	key   string // API key; empty: none
}

// reply is an answer of the gateway.
type reply struct {
	status int
	body   []byte
	header http.Header
}

// into reads a JSON answer and refuses any status but the wanted one.
func (r reply) into(status int, v any) error {
	if r.status != status {
		return fmt.Errorf("got %d, want %d: %s", r.status, status, r.body)
	}
	if v == nil {
		return nil
	}
	if err := json.Unmarshal(r.body, v); err != nil {
		return fmt.Errorf("couldn't read the answer: %w", err)
	}
	return nil
}

// post sends JSON under a fresh Idempotency-Key.
func (c client) post(ctx context.Context, path string, body any) (reply, error) {
	b, err := json.Marshal(body)
	if err != nil {
		return reply{}, fmt.Errorf("couldn't write down the request: %w", err)
	}
	return c.send(ctx, http.MethodPost, path, "application/json", b, uuid.NewString())
}

func (c client) get(ctx context.Context, path string) (reply, error) {
	return c.send(ctx, http.MethodGet, path, "", nil, "")
}

func (c client) send(ctx context.Context, method, path, contentType string, body []byte, idempotencyKey string) (reply, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.world.gatewayURL+path, bytes.NewReader(body))
	if err != nil {
		return reply{}, fmt.Errorf("couldn't make the request: %w", err)
	}
	for name, value := range map[string]string{
		"Content-Type": contentType, "Idempotency-Key": idempotencyKey, "Authorization": bearer(c.key), "Accept-Language": "en",
	} {
		if value != "" {
			req.Header.Set(name, value)
		}
	}
	begin := time.Now()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return reply{}, fmt.Errorf("couldn't reach the gateway: %w", err)
	}
	defer resp.Body.Close() //nolint:errcheck // read to its end below
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		return reply{}, fmt.Errorf("couldn't read the answer: %w", err)
	}
	c.world.say.exchange(c.who, method, path, body, got, resp.StatusCode, time.Since(begin))
	return reply{resp.StatusCode, got, resp.Header}, nil
}

func bearer(key string) string {
	if key == "" {
		return ""
	}
	return "Bearer " + key
}
