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

// request is one call of the gateway.
type request struct {
	method, path, contentType string
	body                      []byte
	idempotencyKey            string // empty: none
}

// reply is an answer of the gateway.
type reply struct {
	status int
	body   []byte
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
	return c.send(ctx, request{http.MethodPost, path, "application/json", b, uuid.NewString()})
}

func (c client) get(ctx context.Context, path string) (reply, error) {
	return c.send(ctx, request{method: http.MethodGet, path: path})
}

func (c client) send(ctx context.Context, r request) (reply, error) {
	req, err := http.NewRequestWithContext(ctx, r.method, c.world.gatewayURL+r.path, bytes.NewReader(r.body))
	if err != nil {
		return reply{}, fmt.Errorf("couldn't make the request: %w", err)
	}
	for name, value := range map[string]string{
		"Content-Type": r.contentType, "Idempotency-Key": r.idempotencyKey, "Authorization": bearer(c.key), "Accept-Language": "en",
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
	defer resp.Body.Close() // read to its end below
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		return reply{}, fmt.Errorf("couldn't read the answer: %w", err)
	}
	answer := reply{resp.StatusCode, got}
	c.world.say.exchange(c.who, r, answer, time.Since(begin))
	return answer, nil
}

func bearer(key string) string {
	if key == "" {
		return ""
	}
	return "Bearer " + key
}
